public import ICUText

extension Translator {
  /// The first three pairs of the data, each source with its translation and the right one.
  ///
  /// Throws `TextError` where ICU cannot cut a text.
  public func sample(on data: ParallelCorpus, seed: UInt64) throws -> String? {
    let pairs = data.pairs.prefix(3)
    guard !pairs.isEmpty else { return nil }
    let found = try translate(pairs.map(\.source), threads: 1)
    return zip(pairs, found).map { pair, translations in
      "\(pair.source)\n  = \(translations.first?.text ?? "")\n  (right: \(pair.target))"
    }.joined(separator: "\n")
  }
}
