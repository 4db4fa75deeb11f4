internal import Files

/// A text with its spans as one of the tools for annotation writes it, by any of their keys.
struct AnnotatedExample: Decodable {
  /// What is wrong with an example.
  struct Problem: Error {
    let reason: String
  }

  private let text: String
  private let spans: [Span]
  private let tokens: [Token]?
  /// Whether whoever annotated it accepted it, or was not asked.
  let isAccepted: Bool

  private enum Key: String, CodingKey {
    case text, data, spans, ents, entities, label, labels, tokens, answer

    /// Those that may hold spans; Prodigy has a label of the whole example beside its spans.
    static let ofSpans: [Key] = [.spans, .ents, .entities, .label, .labels]
  }

  init(from decoder: any Decoder) throws {
    let object = try decoder.container(keyedBy: Key.self)
    func value<Value: Decodable>(_ type: Value.Type, _ key: Key) -> Value? {
      try? object.decodeIfPresent(type, forKey: key)
    }
    guard let text = value(String.self, .text) ?? value(String.self, .data) else {
      throw Problem(reason: "this object has no text under \"text\"")
    }
    self.text = text
    isAccepted = value(String.self, .answer).map { $0 == "accept" } ?? true
    tokens = value([Token].self, .tokens)
    guard isAccepted else {
      spans = []
      return
    }
    for key in Key.ofSpans {
      guard let found = value([Span].self, key) else { continue }
      spans = found
      return
    }
    let others = Key.ofSpans.filter(object.contains)
    guard let key = others.first else {
      throw Problem(
        reason: "this object has no spans under "
          + Key.ofSpans.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
          + "; an empty list says that there are none")
    }
    throw Problem(
      reason: "\"\(key.rawValue)\" holds no list of spans, such as [0, 5, \"PER\"] or "
        + "{\"start\": 0, \"end\": 5, \"label\": \"PER\"}")
  }

  /// The text with spans and words, found fit.
  ///
  /// Throws `Problem`.
  func annotated(line: Int) throws(Problem) -> AnnotatedText {
    let points = Array(text.unicodeScalars)
    var found: [AnnotatedText.Span] = []
    for span in spans {
      guard 0 <= span.start, span.start <= span.end, span.end <= points.count else {
        throw Problem(
          reason: "a span from \(span.start) to \(span.end) is none of a text of \(points.count) "
            + "characters; offsets count code points, from 0")
      }
      guard !span.label.isEmpty else { throw Problem(reason: "a span has an empty label") }
      // Tags have no white space.
      let type = String(span.label.map { $0.isWhitespace ? "_" : $0 })
      found.append(.init(type: type, places: span.start..<span.end, line: line))
    }
    var words: [AnnotatedText.Word]?
    if let tokens {
      var kept: [AnnotatedText.Word] = []
      var end = 0
      for token in tokens {
        guard end <= token.start, token.start <= token.end, token.end <= points.count else {
          throw Problem(
            reason:
              "a token from \(token.start) to \(token.end) does not fit the text or the token "
              + "before it")
        }
        end = token.end
        let scalars = points[token.start..<token.end]
        guard !scalars.allSatisfy(\.properties.isWhitespace) else { continue }
        kept.append(
          .init(
            text: String(String.UnicodeScalarView(scalars)), places: token.start..<token.end))
      }
      words = kept
    }
    return AnnotatedText(text: text, spans: found, words: words)
  }

  /// A span as a list or an object.
  private struct Span: Decodable {
    let start, end: Int
    let label: String

    private enum Key: String, CodingKey {
      case start, end, label
      case startOffset = "start_offset"
      case endOffset = "end_offset"
    }

    init(from decoder: any Decoder) throws {
      if var list = try? decoder.unkeyedContainer() {
        (start, end) = (try list.decode(Int.self), try list.decode(Int.self))
        label = try list.decode(String.self)
        return
      }
      let object = try decoder.container(keyedBy: Key.self)
      func offset(_ key: Key, _ other: Key) throws -> Int {
        try object.decodeIfPresent(Int.self, forKey: key) ?? object.decode(Int.self, forKey: other)
      }
      start = try offset(.start, .startOffset)
      end = try offset(.end, .endOffset)
      label = try object.decode(String.self, forKey: .label)
    }
  }

  /// A token of Prodigy or spaCy; what it says is read from the text.
  private struct Token: Decodable {
    let start, end: Int
  }
}
