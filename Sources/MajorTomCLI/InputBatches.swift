import CommandLineModels
import CommandLineOptions
import Glibc
import MajorTom

/// The options of commands that give a line for each line.
let lineOptions = [
  Option(
    flag: "keep-going",
    "Each line of the input is a text; put an error as JSON in the place of a bad one, and go on"),
  Option(
    "max-line", "N",
    "Bytes of the longest line (default: 16777216; with --keep-going 65536)"),
]

/// Calls `body` with the text of the command line, or else with those of files or standard input, some at
/// a time: at most so many, and no more than there are before it would have to wait.
///
/// What `body` throws must come before it writes anything: it is called again with each of the texts alone, to
/// find the one that is bad.
func forEachBatch(
  of arguments: ParsedArguments, _ count: Int, _ unit: InputUnit = .lines, hint: String,
  _ body: ([InputText]) throws -> Void
) throws {
  if let text = try arguments.givenText() { return try body([InputText(text: text)]) }
  try withoutActuallyEscaping(body) { body in
    let reader = try InputReader(arguments, unit, TextBatches(atMost: count, arguments, body))
    let batches = reader.batches
    defer { batches.end() }
    do {
      try reader.read(hint: hint)
    } catch let error as LineError {
      throw error
    } catch {
      // What stands before the place of the error comes out.
      try batches.flush()
      throw error
    }
    try batches.flush()
  }
}

/// What is wrong with a line of an input.
struct LineError: Error, CustomStringConvertible {
  /// Where the line stands.
  let place: String
  /// What is wrong with it.
  let error: any Error

  var description: String { "\(place): \(error)" }
}

/// Reads files, or else standard input.
private struct InputReader {
  let batches: TextBatches
  private let files: [String]
  private let unit: InputUnit
  private let encoding: TextEncoding
  private let longest: Int

  init(
    _ arguments: ParsedArguments, _ unit: InputUnit, _ batches: TextBatches
  ) throws {
    self.batches = batches
    self.unit = unit
    files = arguments.inputFiles
    encoding = try arguments.encoding()
    // A line of words without an end to a sentence takes a tagger 5 kB of memory for each of its bytes.
    longest =
      try arguments.integer("max-line", in: 1...1 << 30)
      ?? (batches.keepsGoing ? 1 << 16 : TextLines.longestLine)
  }

  func read(hint: String) throws {
    if files.isEmpty {
      if inputIsTerminal { complain(hint) }
      try read(ByteStream(), name: standardInputName, file: nil)
    }
    for path in files {
      if batches.keepsGoing {
        try read(ByteStream(path), name: path, file: path)
      } else {
        try read(path)
      }
    }
  }

  /// Reads lines of UTF-8 as they come.
  private func read(_ stream: consuming ByteStream, name: String, file: String?) throws {
    var texts = InputTexts(unit, of: file)
    var lines = InputLines(name: name, longest: longest, keepsGoing: batches.keepsGoing)
    var stream = stream
    try stream.forEachBlock(beforeWaiting: batches.flush) { block in
      try lines.take(block) { try texts.take($0, batches.take) }
    }
    try lines.finish { try texts.take($0, batches.take) }
    try texts.finish(batches.take)
  }

  /// Reads a file of any encoding.
  private func read(_ path: String) throws {
    let corpus = try Corpus(contentsOf: path, encoding: encoding)
    encodingSentences(of: corpus, [path], encoding).forEach(complain)
    // Offsets count the mark where it is one of the bytes that they count.
    let mark = corpus.hasUTF8Mark ? "\u{FEFF}" : ""
    var texts = InputTexts(unit, of: path, after: mark)
    var lines = InputLines(name: path, longest: longest)
    try corpus.forEachPiece { piece in
      try piece.withUTF8 { bytes in
        try lines.take(Array(bytes)[...]) { try texts.take($0, batches.take) }
      }
    }
    try lines.finish { try texts.take($0, batches.take) }
    try texts.finish(batches.take)
  }
}

/// Texts on their way to a command, some at a time, in the order of the input.
private final class TextBatches {
  /// Whether a bad text is told in its place, and does not end all.
  let keepsGoing: Bool
  private let most: Int
  private let body: ([InputText]) throws -> Void
  private let progress: InputProgress
  private var texts: [InputText] = []
  private var byteCount = 0
  /// The texts that came, and those that were bad, with the places of the first ones.
  private var count = 0, badCount = 0
  private var badPlaces: [String] = []
  private static let mostPlaces = 10
  /// Texts are read together up to so many bytes, so that long ones do not fill the memory.
  private static let mostBytes = 1 << 16

  init(
    atMost count: Int, _ arguments: ParsedArguments, _ body: @escaping ([InputText]) throws -> Void
  ) {
    most = count
    self.body = body
    keepsGoing = arguments.has("keep-going")
    progress = InputProgress(arguments.inputFiles, isQuiet: keepsGoing && !isTerminal(2))
  }

  func take(_ text: InputText) throws {
    count += 1
    if let fault = text.fault {
      try flush()
      return tell(fault, of: text)
    }
    texts.append(text)
    byteCount += text.text.utf8.count
    if texts.count >= most || byteCount >= Self.mostBytes { try flush() }
  }

  /// Gives out what there is.
  func flush() throws {
    guard !texts.isEmpty else { return }
    let batch = texts
    texts.removeAll(keepingCapacity: true)
    byteCount = 0
    do {
      try body(batch)
    } catch let error as UsageError {
      throw error
    } catch {
      // Alone, each but the bad one is read as it would have been beside the others.
      for text in batch { try giveAlone(text, error: batch.count == 1 ? error : nil) }
    }
    progress.did(batch)
  }

  private func giveAlone(_ text: InputText, error known: (any Error)?) throws {
    do {
      if let known { throw known }
      try body([text])
    } catch {
      guard keepsGoing else { throw LineError(place: text.placeName, error: error) }
      tell("\(error)", of: text)
    }
  }

  private func tell(_ fault: String, of text: InputText) {
    badCount += 1
    if badPlaces.count < Self.mostPlaces { badPlaces.append(text.placeName) }
    writeJSON(["error": .object(["message": .text(fault)])])
  }

  /// Tells how many texts were bad.
  func end() {
    progress.bar.end()
    guard badCount > 0 else { return }
    let more = badCount - badPlaces.count
    let places = badPlaces.joined(separator: ", ") + (more > 0 ? " and \(grouped(more)) more" : "")
    complain(
      "\(counted(badCount, "bad line")) of \(grouped(count)), with an error in place of each: \(places)"
    )
  }
}

/// How far a long input is read, for who sees no results meanwhile.
private final class InputProgress {
  let bar: ProgressBar
  private let byteCount: Int?
  private var bytes = 0, texts = 0

  init(_ files: [String], isQuiet: Bool) {
    let sizes = files.isEmpty ? [fileSize(0)] : files.map(fileSize)
    byteCount = sizes.contains(nil) ? nil : sizes.compactMap { $0 }.reduce(0, +)
    let name = files.first.map { $0.split(separator: "/").last.map(String.init) ?? $0 }
    let shown = files.count > 1 ? counted(files.count, "file") : name ?? standardInputName
    // On a terminal the results themselves show how far it is.
    let isSeen = isTerminal(1) || (files.isEmpty && inputIsTerminal)
    bar = ProgressBar("reading \(shown)", isQuiet: isQuiet || isSeen)
  }

  func did(_ some: [InputText]) {
    texts += some.count
    bytes += some.reduce(0) { $0 + $1.text.utf8.count + 1 }
    bar.update(
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
