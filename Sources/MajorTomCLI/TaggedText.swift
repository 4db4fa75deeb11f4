import MajorTom

/// A text of an input with what was found in it.
struct TaggedText {
  /// The tag of a word that has none.
  static let noTag = "_"

  let input: InputText
  let sentences: [SentenceInText]
  private let hasSpans: Bool

  init(_ input: InputText, _ sentences: [SentenceInText], hasSpans: Bool) {
    self.input = input
    self.sentences = sentences
    self.hasSpans = hasSpans
  }

  /// Spans, or single words where tags are of words.
  var items: [SpanInText] {
    sentences.flatMap { hasSpans ? $0.spans(in: input.text) : $0.taggedWords }
  }

  /// The spans, or the words that have a tag.
  var marked: [SpanInText] { hasSpans ? items : items.filter { $0.type != Self.noTag } }

  /// Items of which no two share a place: the words of a token that they are no pieces of become one,
  /// with all their types.
  var apart: [SpanInText] { apart(items) }

  private func apart(_ items: [SpanInText]) -> [SpanInText] {
    let bytes = Array(input.text.utf8)
    var found: [SpanInText] = []
    for item in items {
      guard let last = found.last, item.bytes.lowerBound < last.bytes.upperBound else {
        found.append(item)
        found[found.count - 1].place.text = String(decoding: bytes[item.bytes], as: UTF8.self)
        continue
      }
      if item.bytes == last.bytes { found[found.count - 1].span.type += "+\(item.type)" }
    }
    return found
  }

  /// The text with what `plain` makes of the text between, and `mark` of each item.
  func rewritten(_ plain: (String) -> String, _ mark: (SpanInText) -> String) -> String {
    let bytes = Array(input.text.utf8)
    var result = ""
    var end = 0
    for item in apart(marked) {
      result +=
        plain(String(decoding: bytes[end..<item.bytes.lowerBound], as: UTF8.self)) + mark(item)
      end = item.bytes.upperBound
    }
    return result + plain(String(decoding: bytes[end...], as: UTF8.self))
  }

  /// The items with the lines of the input that they begin in.
  private var placed: [(item: SpanInText, line: Int)] {
    let bytes = Array(input.text.utf8)
    var (line, place) = (input.start.line, 0)
    return items.map { item in
      while place < item.bytes.lowerBound {
        if bytes[place] == 0x0A { line += 1 }
        place += 1
      }
      return (item, line)
    }
  }

  /// A row of columns an item, with places in the whole input.
  var rows: String {
    placed.map { item, line in
      let columns = [
        visible(item.type), visible(item.text), range(item.bytes, behind: input.start.bytes),
        range(item.utf16, behind: input.start.utf16),
        range(item.codePoints, behind: input.start.codePoints), fixed(item.confidence, 4),
        String(line),
      ]
      return (columns + (input.file.map { [visible($0)] } ?? [])).joined(separator: "\t") + "\n"
    }.joined()
  }

  /// The text as one object, with places in it and in the whole input.
  var object: JSONValue {
    let found = placed.map { item, line in
      JSONValue.object([
        "type": .text(item.type), "text": .text(item.text), "bytes": pair(item.bytes),
        "utf16": pair(item.utf16), "code_points": pair(item.codePoints),
        "confidence": .number(item.confidence), "line": .whole(line),
        "input": .object([
          "bytes": pair(item.bytes, behind: input.start.bytes),
          "utf16": pair(item.utf16, behind: input.start.utf16),
          "code_points": pair(item.codePoints, behind: input.start.codePoints),
        ]),
      ])
    }
    return .object([
      "text": .text(input.text), "line": .whole(input.start.line),
      "file": input.fileValue,
      hasSpans ? "spans" : "words": .list(found),
    ])
  }
}

/// A range as a column; `start` is what stands before the text that it is of.
func range(_ range: Range<Int>, behind start: Int = 0) -> String {
  "\(start + range.lowerBound)-\(start + range.upperBound)"
}

/// A range as JSON has it; `start` is what stands before the text that it is of.
func pair(_ range: Range<Int>, behind start: Int = 0) -> JSONValue {
  .list([.whole(start + range.lowerBound), .whole(start + range.upperBound)])
}
