public import ICUText

/// A span found in a text, with its place in the original.
public struct SpanInText: Sendable, Equatable {
  /// The type, the words among those of its sentence, and the confidence.
  public var span: TaggedSpan
  /// The text from the first word to the last, and where it stands in the original.
  public var place: TextSpan

  /// A span at a place.
  public init(_ span: TaggedSpan, at place: TextSpan) {
    self.span = span
    self.place = place
  }

  /// The type, such as `PER`.
  public var type: String { span.type }
  /// The probability that both ends and the type are right.
  public var confidence: Double { span.confidence }
  /// The text of the span, as it stands in the original.
  public var text: String { place.text }
  /// Where it stands in the UTF-8 bytes of the original.
  public var bytes: Range<Int> { place.bytes }
  /// Where it stands in the UTF-16 units of the original.
  public var utf16: Range<Int> { place.utf16 }
  /// Where it stands in the code points of the original.
  public var codePoints: Range<Int> { place.codePoints }
}

/// A sentence of a text: its words with their places in the original, and their tags.
public struct SentenceInText: Sendable, Equatable {
  /// The words.
  public var words: [TextSpan]
  /// The tokens of several words.
  public var multiwords: [CutSentence.Multiword]
  /// Their tags.
  public var tagging: Tagger.Tagging

  /// A sentence.
  public init(
    words: [TextSpan], multiwords: [CutSentence.Multiword] = [], tagging: Tagger.Tagging
  ) {
    self.words = words
    self.multiwords = multiwords
    self.tagging = tagging
  }

  /// The spans of the sentence; `text` is the text that it is of.
  public func spans(in text: String) -> [SpanInText] {
    let utf8 = text.utf8
    return tagging.spans.compactMap { span in
      guard let first = words[span.words].first, let last = words[span.words].last
      else { return nil }
      let bytes = first.bytes.lowerBound..<last.bytes.upperBound
      let start = utf8.index(utf8.startIndex, offsetBy: bytes.lowerBound)
      let end = utf8.index(start, offsetBy: bytes.count)
      return SpanInText(
        span,
        at: TextSpan(
          text: String(text[start..<end]), bytes: bytes,
          utf16: first.utf16.lowerBound..<last.utf16.upperBound,
          codePoints: first.codePoints.lowerBound..<last.codePoints.upperBound))
    }
  }

  /// Each word as a span of its own, whose type is its tag: for tags of words.
  public var taggedWords: [SpanInText] {
    words.indices.map { place in
      SpanInText(
        TaggedSpan(
          type: tagging.tags[place], words: place..<place + 1,
          confidence: tagging.confidences[place]), at: words[place])
    }
  }
}
