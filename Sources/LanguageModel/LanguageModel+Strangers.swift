internal import ICUText
internal import Training

extension LanguageModel {
  /// Tells the tokens of a text that the vocabulary does not have, the most frequent first.
  ///
  /// Pieces of words are left out, as any word can be spelled by them. Throws `TextError` for a text that
  /// cannot be read.
  public func strangers(in data: any TokenSource) throws -> [String] {
    guard let corpus = data as? Corpus, vocabulary.segmentation.unit != .subword else { return [] }
    let own = try Vocabulary(counting: vocabulary.segmentation, in: corpus, minimumCount: 2)
    let known = Set(vocabulary.tokens)
    // A byte is a token of every vocabulary.
    let strange = own.tokens.filter { $0.utf8.count > 1 && !known.contains($0) }
    guard !strange.isEmpty else { return [] }
    return [
      "the model does not have \(counted(strange.count, "token")) of the text, and spells them by their "
        + "bytes: \(strange.prefix(10).joined(separator: " "))\(strange.count > 10 ? " ..." : "")"
    ]
  }
}
