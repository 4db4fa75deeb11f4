import CommandLineOptions
import Glibc
import MajorTom

private enum TokenFormat: String, CaseIterable { case text, tsv, json }

/// The command `majortom tokenize`.
func tokenize(_ words: [String]) throws {
  let arguments = try ParsedArguments(
    words, command: "majortom tokenize", synopsis: "[TEXT...] [OPTION...]",
    about: """
      Shows the symbols of a text, from arguments or line by line from standard input.
      tsv: symbol, bytes, UTF-16 units, code points, each as start-end in the original.
      """,
    options: [
      Option("unit", "UNIT", "byte, code-point, grapheme, word or sentence (default: grapheme)"),
      Option("normalization", "FORM", "none, nfc, nfkc or case-folding (default: none)"),
      Option("locale", "LOCALE", "Locale of word and sentence breaks (default: en)"),
      Option("format", "FORMAT", "text, tsv or json (default: text)"),
      jsonOption,
    ])
  if arguments.printedHelp { return }
  let sentences = arguments.text("unit") == "sentence"
  let segmenter = try Segmenter(
    Segmentation(
      unit: sentences ? .word : try arguments.choice("unit", of: TextUnit.self) ?? .grapheme,
      normalization: try arguments.choice("normalization", of: Normalization.self) ?? .none,
      locale: arguments.text("locale") ?? "en"))
  let format =
    arguments.has("json")
    ? .json : try arguments.choice("format", of: TokenFormat.self) ?? .text
  func show(_ text: String) throws {
    let spans = sentences ? try segmenter.sentences(of: text) : try segmenter.spans(of: text)
    switch format {
    case .text:
      writeOutput(spans.map { visible($0.text) }.joined(separator: "|") + "\n")
    case .tsv:
      for span in spans {
        writeOutput(
          "\(visible(span.text))\t\(range(span.bytes))\t\(range(span.utf16))\t\(range(span.codePoints))\n"
        )
      }
    case .json:
      let items = spans.map { span in
        JSONValue.object([
          "text": .text(span.text), "bytes": pair(span.bytes), "utf16": pair(span.utf16),
          "code_points": pair(span.codePoints),
        ])
      }
      writeOutput(JSONValue.list(items).text + "\n")
    }
  }
  if arguments.words.isEmpty {
    while let line = readLine(strippingNewline: true) { try show(line) }
  } else {
    try show(arguments.words.joined(separator: " "))
  }
}

private let jsonOption = Option(flag: "json", "The same as --format json")

private func range(_ range: Range<Int>) -> String { "\(range.lowerBound)-\(range.upperBound)" }
private func pair(_ range: Range<Int>) -> JSONValue {
  .list([.whole(range.lowerBound), .whole(range.upperBound)])
}

/// A symbol with control characters made visible.
private func visible(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\n": result += "\\n"
    case "\r": result += "\\r"
    case "\t": result += "\\t"
    case "\\": result += "\\\\"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}
