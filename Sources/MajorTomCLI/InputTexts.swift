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
  mutating func advance(over text: String) {
    for byte in text.utf8 {
      bytes += 1
      if byte & 0xC0 != 0x80 {
        codePoints += 1
        utf16 += byte >= 0xF0 ? 2 : 1
      }
      if byte == 0x0A { line += 1 }
    }
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

/// Calls `body` with the text of the command line, or else with those of files or standard input, some at
/// a time.
func forEachBatch(
  of arguments: ParsedArguments, _ count: Int, _ unit: InputUnit = .lines, hint: String,
  _ body: ([InputText]) throws -> Void
) throws {
  if let text = try arguments.givenText() { return try body([InputText(text: text)]) }
  let files = arguments.inputFiles
  let progress = InputProgress(files)
  defer { progress.bar?.end() }
  var texts: [InputText] = []
  func take(_ text: InputText) throws {
    texts.append(text)
    // Who types waits for the answer to each line.
    if texts.count >= count || (inputIsTerminal && text.file == nil) {
      try body(texts)
      progress.did(texts)
      texts.removeAll(keepingCapacity: true)
    }
  }
  if files.isEmpty {
    var texts = InputTexts(unit)
    try forEachInputLine(hint: hint) { try texts.take($0, take) }
    try texts.finish(take)
  }
  let encoding = try arguments.encoding()
  for path in files { try forEachText(of: path, encoding, unit, take) }
  if !texts.isEmpty { try body(texts) }
}

/// How far a long input is read, for who sees no results meanwhile.
private final class InputProgress {
  let bar: ProgressBar?
  private let byteCount: Int?
  private var bytes = 0, texts = 0

  init(_ files: [String]) {
    let sizes = files.isEmpty ? [fileSize(0)] : files.map(fileSize)
    byteCount = sizes.contains(nil) ? nil : sizes.compactMap { $0 }.reduce(0, +)
    let name = files.first.map { $0.split(separator: "/").last.map(String.init) ?? $0 }
    let shown = files.count > 1 ? counted(files.count, "file") : name ?? "standard input"
    // On a terminal the results themselves show how far it is.
    bar =
      isTerminal(1) || (files.isEmpty && inputIsTerminal) ? nil : ProgressBar("reading \(shown)")
  }

  func did(_ some: [InputText]) {
    texts += some.count
    bytes += some.reduce(0) { $0 + $1.text.utf8.count + 1 }
    bar?.update(
      byteCount.map { min(0.99, Double(bytes) / Double(max(1, $0))) }, counted(texts, "text"))
  }
}

/// The bytes of a regular file; nil for others, such as pipes.
private func fileSize(_ path: String) -> Int? {
  var status = stat()
  guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
  return Int(status.st_size)
}

/// The bytes of a stream that is a regular file; nil for others.
private func fileSize(_ stream: Int32) -> Int? {
  var status = stat()
  guard fstat(stream, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
  return Int(status.st_size)
}

/// Calls `body` with the texts of a file.
private func forEachText(
  of path: String, _ encoding: TextEncoding, _ unit: InputUnit, _ body: (InputText) throws -> Void
) throws {
  let corpus = try Corpus(contentsOf: path, encoding: encoding)
  encodingSentences(of: corpus, [path], encoding).forEach(complain)
  // Offsets count the mark where it is one of the bytes that they count.
  let mark = corpus.hasUTF8Mark ? "\u{FEFF}" : ""
  var texts = InputTexts(unit, of: path, after: mark)
  var lines = InputLines(name: path)
  try corpus.forEachPiece { piece in
    try piece.withUTF8 { bytes in
      try lines.take(Array(bytes)[...]) { try texts.take($0, body) }
    }
  }
  try lines.finish { try texts.take($0, body) }
  try texts.finish(body)
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

  mutating func take(_ line: String, _ body: (InputText) throws -> Void) rethrows {
    let here = place
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
