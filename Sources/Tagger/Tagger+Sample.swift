internal import ICUText

extension Tagger {
  /// The first sentences of the data that have spans, or any, with what the tagger finds in them.
  ///
  /// Spans stand in brackets with their types, such as `[Major Tom PER] is here`; else each word has its
  /// tag behind it. Throws `TextError` where ICU cannot fold a word.
  public func sample(on data: TaggedCorpus, seed: UInt64) throws -> String? {
    let count = 3
    let withSpans = data.sentences.lazy.filter { $0.tags.contains { $0 != "O" } }
    let sentences = Array(
      (data.hasSpans ? withSpans : data.sentences.lazy.filter { _ in true })
        .prefix(count).map(\.words))
    guard !sentences.isEmpty else { return nil }
    return try zip(sentences, tag(sentences)).map { words, tagging in
      guard data.hasSpans else {
        return zip(words, tagging.tags).map { "\($0)/\($1)" }.joined(separator: " ")
      }
      var shown = words
      for span in tagging.spans where !span.words.isEmpty {
        shown[span.words.lowerBound] = "[" + shown[span.words.lowerBound]
        shown[span.words.upperBound - 1] += " \(span.type)]"
      }
      return shown.joined(separator: " ")
    }.joined(separator: "\n")
  }
}
