/// Cuts texts into tokens and sentences with their places in the original (UAX #29).
///
/// Without normalisation the spans tile the text. With it, spans whose tokens come from one
/// normalisation segment (the `f` and `i` of the ligature `ﬁ`, say) all have that segment's place.
public struct Segmenter: Sendable {
  /// How texts are cut.
  public let segmentation: Segmentation
  let pool: CutterPool

  /// Prepares for cutting; throws `TextError.unknownLocale` for a locale that ICU does not know.
  public init(_ segmentation: Segmentation) throws(TextError) {
    self.segmentation = segmentation
    pool = try CutterPool(
      locale: segmentation.locale, attachesPunctuation: segmentation.attachesPunctuation)
  }

  /// The tokens of a text; unit `byte` gives a span a byte, whose text is U+FFFD unless ASCII.
  ///
  /// Throws `TextError.tooLong` where ICU would have to see 2 GiB or more at once.
  public func spans(of text: String) throws(TextError) -> [TextSpan] {
    try spans(of: text) { (cutter, text, body) throws(TextError) in
      try cutter.forEachToken(in: text, unit: segmentation.unit) { start, end, _, isWordLike in
        body(start, end, isWordLike)
      }
    }
  }

  /// The sentences of a text, each with the space that follows it.
  ///
  /// Throws `TextError.tooLong` for a text of 2 GiB or more.
  public func sentences(of text: String) throws(TextError) -> [TextSpan] {
    try spans(of: text) { (cutter, text, body) throws(TextError) in
      try cutter.forEachSentence(in: text) { body($0, $1, false) }
    }
  }

  /// The text after this segmentation's normalisation.
  public func normalized(_ text: String) throws(TextError) -> String {
    try withNormalized(text) { _, normalized, _ in String(decoding: normalized, as: UTF8.self) }
  }

  /// The spans of what `cut` gives out as parts of the text after normalisation.
  func spans(
    of text: String,
    _ cut: (
      Cutter, UnsafeBufferPointer<UInt8>, (_ start: Int, _ end: Int, _ isWordLike: Bool) -> Void
    ) throws(TextError) -> Void
  ) throws(TextError) -> [TextSpan] {
    let original = Array(text.utf8)
    return try withNormalized(text) { (cutter, normalized, edits) throws(TextError) in
      var spans: [TextSpan] = []
      var starts = OffsetCursor(original)
      var ends = OffsetCursor(original)
      var startMap = OriginalOffsets(edits: edits)
      var endMap = OriginalOffsets(edits: edits)
      try cut(cutter, normalized) { start, end, isWordLike in
        let first = startMap.start(of: start)
        let last = endMap.end(of: end)
        let from = starts.start(at: first)
        let to = ends.end(at: last)
        spans.append(
          TextSpan(
            text: String(decoding: normalized[start..<end], as: UTF8.self),
            bytes: first..<last, utf16: from.utf16..<to.utf16,
            codePoints: from.codePoints..<to.codePoints, isWordLike: isWordLike))
      }
      return spans
    }
  }
}

/// Leads rising offsets in normalised text back to the original.
struct OriginalOffsets {
  let edits: [NormalizationEdit]
  private var index = 0
  private var shift = 0

  init(edits: [NormalizationEdit]) { self.edits = edits }

  /// The original offset of a piece that starts here.
  mutating func start(of offset: Int) -> Int {
    while index < edits.count, edits[index].normalized.upperBound <= offset { pass() }
    guard index < edits.count, edits[index].normalized.lowerBound <= offset else {
      return offset + shift
    }
    return edits[index].original.lowerBound
  }

  /// The original offset of a piece that ends here.
  mutating func end(of offset: Int) -> Int {
    while index < edits.count, edits[index].normalized.upperBound < offset { pass() }
    guard index < edits.count, edits[index].normalized.lowerBound < offset else {
      return offset + shift
    }
    return edits[index].original.upperBound
  }

  private mutating func pass() {
    shift = edits[index].original.upperBound - edits[index].normalized.upperBound
    index += 1
  }
}

/// Counts UTF-16 units and code points up to rising byte offsets; a byte within a code point has
/// that code point's place, which is only of use where the unit is the byte.
private struct OffsetCursor {
  private let text: [UInt8]
  private var byte = 0
  private var utf16 = 0
  private var codePoints = 0
  private var lastWidth = 0

  init(_ text: [UInt8]) { self.text = text }

  mutating func start(at offset: Int) -> (utf16: Int, codePoints: Int) {
    let before = end(at: offset)
    guard offset < text.count, text[offset] & 0xC0 == 0x80 else { return before }
    return (before.utf16 - lastWidth, before.codePoints - 1)
  }

  mutating func end(at offset: Int) -> (utf16: Int, codePoints: Int) {
    while byte < offset {
      let value = text[byte]
      if value & 0xC0 != 0x80 {
        codePoints += 1
        lastWidth = value >= 0xF0 ? 2 : 1
        utf16 += lastWidth
      }
      byte += 1
    }
    return (utf16, codePoints)
  }
}
