import CommandLineModels
import Glibc
import MajorTom

/// Reads standard input line by line, strictly: bytes that are not UTF-8 end it with a sentence, and so
/// does a line that is none.
func forEachInputLine(_ body: (String) throws -> Void) throws {
  var lines = InputLines()
  var block = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = block.withUnsafeMutableBytes { read(0, $0.baseAddress, $0.count) }
    if count < 0, errno == EINTR { continue }
    if count < 0, errno == EAGAIN {
      // Whoever shares the input has made it one that does not wait.
      var wanted = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
      poll(&wanted, 1, -1)
      continue
    }
    guard count >= 0 else {
      // The end and an error look alike, but only one of them means that all was read.
      throw InputError(
        description: "standard input, after line \(lines.number): "
          + String(cString: strerror(errno)))
    }
    if count == 0 { return try lines.finish(body) }
    try lines.take(block[..<count], body)
  }
}

/// What standard input is read by.
enum InputUnit {
  /// Each line is a text.
  case lines
  /// Each line is a text, with what else is no part of it: a byte order mark, a CR.
  case wholeLines
  /// Lines without an empty one between are a text; the empty ones are texts of nothing.
  case paragraphs
}

/// Whether somebody types, who waits for an answer to each line.
let inputIsTerminal = isatty(0) == 1

/// Calls `body` with the texts of standard input as they come.
func forEachInputText(by unit: InputUnit, _ body: (String) throws -> Void) throws {
  guard unit == .paragraphs else {
    return try forEachInputLine { try body(unit == .wholeLines ? $0 : withoutMarks($0)) }
  }
  var collector = ParagraphCollector()
  var isFirst = true
  try forEachInputLine { line in
    // Within a paragraph a line keeps its CR, so that places are those in the input.
    let text = isFirst && line.unicodeScalars.first == "\u{FEFF}" ? withoutMarks(line) : line
    isFirst = false
    for text in collector.take(text) { try body(withoutMarks(text)) }
  }
  if let text = collector.finish() { try body(withoutMarks(text)) }
}

/// Cuts what comes in into lines.
private struct InputLines {
  /// The lines given out.
  private(set) var number = 0
  private var pending: [UInt8] = []

  mutating func take(_ block: ArraySlice<UInt8>, _ body: (String) throws -> Void) throws {
    var rest = block
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      pending += rest[..<end]
      try give(body)
      rest = rest[(end + 1)...]
    }
    pending += rest
    // As much as a line of a file may have.
    if pending.count > TextLines.longestLine {
      number += 1
      throw tooLong
    }
  }

  mutating func finish(_ body: (String) throws -> Void) throws {
    if !pending.isEmpty { try give(body) }
  }

  private mutating func give(_ body: (String) throws -> Void) throws {
    number += 1
    if pending.count > TextLines.longestLine { throw tooLong }
    guard let line = String(validating: pending, as: UTF8.self) else {
      throw InputError(
        description: "standard input, line \(number): not valid UTF-8; convert it, as with iconv")
    }
    pending.removeAll(keepingCapacity: true)
    try body(line)
  }

  private var tooLong: InputError {
    InputError(
      description:
        "standard input, line \(number): longer than \(TextLines.longestLine >> 20) MiB; "
        + "this is no text of lines")
  }
}
