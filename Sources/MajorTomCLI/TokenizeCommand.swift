import CommandLineModels
import CommandLineOptions
import MajorTom

private enum TokenFormat: String, CaseIterable { case text, tsv, json }

/// The command `majortom tokenize`.
let tokenizeCommand = Command(
  "tokenize", summary: "show the tokens of a text and where they stand",
  synopsis: "[TEXT...] [OPTION...]",
  about: """
    Shows the tokens of a text, from arguments, or line by line from files or standard input.
    tsv: token, bytes, UTF-16 units, code points, each as start-end in the original line.
    """,
  options: inputOptions + lineOptions + [
    Option(
      "unit", "UNIT",
      "byte, code-point, grapheme, word, spaced-word or sentence (default: grapheme)"),
    Option("vocabulary", "FILE", "Cut into the tokens of a file of majortom vocabulary"),
    Option("normalization", "FORM", "none, nfc, nfkc or case-folding (default: none)"),
    Option("locale", "LOCALE", "Locale of word and sentence breaks (default: en)"),
    Option("format", "FORMAT", "text, tsv or json (default: text)"),
    jsonOption,
  ]
) { arguments in
  let format =
    arguments.has("json")
    ? .json : try arguments.choice("format", of: TokenFormat.self) ?? .text
  let cut = try cutting(arguments)
  func show(_ text: String) throws {
    let spans = try cut(text)
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
      writeOutput(JSONValue.list(items).json + "\n")
    }
  }
  let hint = "type a text and press Return to see its tokens; Ctrl-D ends"
  try forEachBatch(of: arguments, 1, .wholeLines, hint: hint) { texts in
    for text in texts { try show(text.text) }
  }
}

/// How the options cut a text.
private func cutting(_ arguments: ParsedArguments) throws -> (String) throws -> [TextSpan] {
  if let vocabulary = try givenVocabulary(
    arguments, insteadOf: ["unit", "normalization", "locale"])
  {
    return vocabulary.spans
  }
  let sentences = arguments.text("unit") == "sentence"
  let unit = sentences ? .word : try arguments.choice("unit", of: TextUnit.self) ?? .grapheme
  if unit == .subword {
    throw UsageError(
      "--unit subword: subwords are learnt; name a file of majortom vocabulary with --vocabulary")
  }
  let segmenter = try Segmenter(
    Segmentation(
      unit: unit,
      normalization: try arguments.choice("normalization", of: Normalization.self) ?? .none,
      locale: arguments.text("locale") ?? "en"))
  return sentences ? segmenter.sentences : segmenter.spans
}

/// The text that a command is to look at: `--text`, files, or standard input, all at most the first
/// `atMost` bytes of it.
func text(_ arguments: ParsedArguments, atMost: Int) throws -> String {
  var text = ""
  struct Enough: Error {}
  do {
    func take(_ part: String) throws {
      text += part
      if text.utf8.count >= atMost { throw Enough() }
    }
    if let given = arguments.text("text") {
      guard arguments.words.isEmpty else {
        throw UsageError("the text is given twice: as --text and as '\(arguments.words[0])'")
      }
      try take(given)
    } else if arguments.words.isEmpty {
      try forEachInputLine(hint: "type a text; Ctrl-D ends it") { try take($0 + "\n") }
    } else {
      try Corpus(contentsOf: arguments.words).forEachPiece { piece in try take(piece.text) }
    }
  } catch is Enough {
    // An end within a character moves to its beginning.
    text = String(text[..<text.utf8.index(text.startIndex, offsetBy: atMost)])
  }
  guard text.isEmpty else { return text }
  let sentence = "no text: name a file, or give it with --text"
  guard arguments.words.isEmpty, !arguments.has("text") else {
    throw InputError(description: sentence)
  }
  throw UsageError(sentence)
}

/// A token with control characters made visible.
func visible(_ text: String) -> String {
  if text.utf8.allSatisfy({ $0 > 13 && $0 != 0x5C }) { return text }
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
