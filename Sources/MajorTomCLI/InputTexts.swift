import CommandLineModels
import CommandLineOptions
import Glibc
import MajorTom

// What commands read: words of the command line, else files, else standard input.

/// The options of commands that read texts.
let inputOptions = [
  Option("text", "TEXT", "The text itself, also where it is the name of a file"),
  Option("file", "FILE", "Read FILE, and those named after it, in place of standard input"),
  Option("encoding", "NAME", "Encoding of the files (default: detected)"),
]

/// What an input is cut into.
enum InputUnit {
  /// Each line is a text.
  case lines
  /// Each line is a text, with what else is no part of it: a byte order mark, a CR.
  case wholeLines
  /// Lines without an empty one between are a text; the empty ones are texts of nothing.
  case paragraphs
}

/// A place in an input: the line from 1, and what stands before it.
struct InputPlace {
  /// The line, from 1.
  private(set) var line = 1
  /// Bytes of UTF-8, UTF-16 units and code points.
  private(set) var bytes = 0, utf16 = 0, codePoints = 0

  /// Goes on to behind a text.
  mutating func advance(over text: String) { advance(over: text.utf8) }

  /// Goes on to behind the bytes of a text.
  mutating func advance(over text: some Sequence<UInt8>) {
    for byte in text {
      bytes += 1
      if byte & 0xC0 != 0x80 {
        codePoints += 1
        utf16 += byte >= 0xF0 ? 2 : 1
      }
      if byte == 0x0A { line += 1 }
    }
  }

  /// Goes on by what stands between the beginning of a text and a place in it.
  mutating func advance(by extent: InputPlace) {
    line += extent.line - 1
    bytes += extent.bytes
    utf16 += extent.utf16
    codePoints += extent.codePoints
  }
}

/// A text of an input with its place.
struct InputText {
  /// The text.
  var text: String
  /// Where it begins in the input.
  var start = InputPlace()
  /// The file that it is of; nil for standard input and the command line.
  var file: String?
  /// What is wrong with it, in words that do not tell the place; nil for a text that can be read.
  var fault: String?

  /// The file as JSON has it.
  var fileValue: JSONValue { file.map { .text($0) } ?? .raw("null") }
  /// What sentences about the text begin with.
  var placeName: String { file.map { "\($0):\(start.line)" } ?? "line \(start.line)" }
}

extension ParsedArguments {
  /// Whether the text stands on the command line.
  var givesText: Bool { has("text") || (!words.isEmpty && !has("file")) }

  /// The text on the command line; nil where there is none.
  ///
  /// Throws `UsageError` where it is given twice, or is the name of a file.
  func givenText() throws(UsageError) -> String? {
    if let text = text("text") {
      let other = has("file") ? "--file" : words.first.map { "'\(quoted($0))'" }
      if let other {
        throw UsageError("the text is given twice: as --text and as \(other)")
      }
      return text
    }
    guard !has("file"), !words.isEmpty else { return nil }
    guard words.allSatisfy(TextFiles.isFile) else { return words.joined(separator: " ") }
    let names = words.map(shellWord).joined(separator: " ")
    let text = shellWord(words.joined(separator: " "))
    throw UsageError(
      words.count == 1
        ? "\(quoted(words[0])) is a file: --file \(names) reads it, and --text \(text) takes its name for the text"
        : "\(quoted(words.joined(separator: ", "))) are files: --file \(names) reads them, and --text "
          + "\(text) takes their names for the text")
  }

  /// The files to read: those of --file, and the words after it.
  var inputFiles: [String] { has("file") ? texts("file") + words : [] }
}

/// How files were read that are not UTF-8, where nobody said what they are: a sentence each.
func encodingSentences(
  of corpus: Corpus, _ paths: [String], _ asked: TextEncoding
) -> [String] {
  guard asked == .detect else { return [] }
  return zip(paths, corpus.encodings).compactMap { path, name in
    name == "UTF-8"
      ? nil : "\(path): read as \(name), which was found out from its bytes (--encoding)"
  }
}

/// Makes texts of an input's lines, and tells where each begins.
struct InputTexts {
  private let unit: InputUnit
  private let file: String?
  private var place = InputPlace()
  private var collector = ParagraphCollector()
  /// Where the paragraph that is being collected begins.
  private var start: InputPlace?

  init(_ unit: InputUnit, of file: String? = nil, after mark: String = "") {
    self.unit = unit
    self.file = file
    place.advance(over: mark)
  }

  mutating func take(_ input: InputLine, _ body: (InputText) throws -> Void) rethrows {
    let here = place
    let line = input.text
    if let fault = input.fault {
      place.advance(by: input.extent)
      place.advance(over: "\n")
      return try body(InputText(text: "", start: here, file: file, fault: fault))
    }
    place.advance(over: line)
    place.advance(over: "\n")
    switch unit {
    case .wholeLines: try body(InputText(text: line, start: here, file: file))
    case .lines: try give(line, from: here, body)
    case .paragraphs:
      // Within a paragraph a line keeps its CR, so that places are those in the input.
      let isMarked = here.bytes == 0 && line.unicodeScalars.first == Self.mark
      let texts = collector.take(isMarked ? withoutMarks(line) : line)
      guard texts.last != "" else {
        if texts.count > 1 { try give(texts[0], from: start ?? here, body) }
        start = nil
        return try give("", from: here, body)
      }
      if start == nil {
        start = here
        if isMarked { start?.advance(over: String(Self.mark)) }
      }
      guard let text = texts.first else { return }
      try give(text, from: start ?? here, body)
      start = nil
    }
  }

  mutating func finish(_ body: (InputText) throws -> Void) rethrows {
    guard let text = collector.finish() else { return }
    try give(text, from: start ?? place, body)
  }

  /// Gives out a text without its marks.
  private func give(
    _ text: String, from start: InputPlace, _ body: (InputText) throws -> Void
  ) rethrows {
    var start = start
    if text.unicodeScalars.first == Self.mark { start.advance(over: String(Self.mark)) }
    try body(InputText(text: withoutMarks(text), start: start, file: file))
  }

  private static let mark: Unicode.Scalar = "\u{FEFF}"
}

/// A line without what is no part of its text: a byte order mark before it, a CR at its end.
func withoutMarks(_ line: String) -> String {
  var scalars = line.unicodeScalars[...]
  if scalars.first == "\u{FEFF}" { scalars.removeFirst() }
  if scalars.last == "\r" { scalars.removeLast() }
  return String(scalars)
}
