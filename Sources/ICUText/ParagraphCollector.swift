/// Makes paragraphs of lines: an empty line parts them, and a line's end within one is as good as a space.
///
///     var collector = ParagraphCollector()
///     for line in lines { for text in collector.take(line) { read(text) } }
///     if let text = collector.finish() { read(text) }
public struct ParagraphCollector: Sendable {
  /// A paragraph that is longer, in bytes, is given out in pieces: after a line that seems to end a
  /// sentence, or of twice the length after any.
  static let longest = 1 << 16

  private var pending = ""

  /// A collector that has taken nothing yet.
  public init() {}

  /// Takes the next line; returns what it ends: a paragraph, and then the empty line itself as one
  /// without text.
  public mutating func take(_ line: String) -> [String] {
    guard !line.utf8.allSatisfy({ $0 == 0x20 || (9...13).contains($0) }) else {
      return [finish(), ""].compactMap { $0 }
    }
    if !pending.isEmpty { pending += "\n" }
    pending += line
    let count = pending.utf8.count
    guard count >= Self.longest else { return [] }
    let end = line.unicodeScalars.last { !$0.properties.isWhitespace }
    let endsSentence = end.map { ".!?…。！？\"”’)".unicodeScalars.contains($0) } ?? false
    guard endsSentence || count >= 2 * Self.longest else { return [] }
    return [finish()].compactMap { $0 }
  }

  /// The paragraph that is left at the end; nil where there is none.
  public mutating func finish() -> String? {
    defer { pending = "" }
    return pending.isEmpty ? nil : pending
  }
}
