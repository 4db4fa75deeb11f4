/// Turns tokens into text one at a time, giving out only whole characters.
///
/// An incomplete UTF-8 sequence is held back until it is completed or cannot be; ill-formed bytes
/// become U+FFFD, one for each maximal subpart (Unicode Standard, section 3.9).
public struct StreamingDecoder: Sendable {
  private let vocabulary: Vocabulary
  /// The bytes held back, of a character that is not whole yet.
  public private(set) var pending: [UInt8]

  /// Starts with nothing held back, or with what another decoder held back.
  public init(_ vocabulary: Vocabulary, pending: [UInt8] = []) {
    self.vocabulary = vocabulary
    self.pending = pending
  }

  /// The text that a further token completes, perhaps none.
  public mutating func append(_ id: Int) -> String {
    vocabulary.appendBytes(of: id, to: &pending)
    let whole = pending.count - incompleteSuffixLength(pending)
    let text = String(decoding: pending[0..<whole], as: UTF8.self)
    pending.removeSubrange(0..<whole)
    return text
  }

  /// What was held back, repaired; the decoder then starts anew.
  public mutating func finish() -> String {
    defer { pending.removeAll() }
    return String(decoding: pending, as: UTF8.self)
  }
}
