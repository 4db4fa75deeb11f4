/// A stretch of a text: what it says, and where it stands in the text as it was given.
///
/// Places count from the start of the text before normalisation, so that they fit what a caller has
/// in hand, in three units: bytes of UTF-8 (for files and C), UTF-16 units (for JavaScript, Java and
/// `NSRange`) and code points (for Python). Ranges are half open: the lower bound is the first unit of
/// the stretch, the upper bound the first one after it.
public struct TextSpan: Sendable, Equatable {
  /// The text of the stretch, after normalisation.
  public var text: String
  /// Where it stands in the original, in bytes of UTF-8.
  public var bytes: Range<Int>
  /// Where it stands in the original, in UTF-16 units.
  public var utf16: Range<Int>
  /// Where it stands in the original, in code points.
  public var codePoints: Range<Int>
  /// Whether it is a word rather than space or punctuation, by ICU's rule status; `false` for
  /// units other than words.
  public var isWordLike: Bool

  /// A stretch with its places.
  public init(
    text: String, bytes: Range<Int>, utf16: Range<Int>, codePoints: Range<Int>,
    isWordLike: Bool = false
  ) {
    self.text = text
    self.bytes = bytes
    self.utf16 = utf16
    self.codePoints = codePoints
    self.isWordLike = isWordLike
  }
}
