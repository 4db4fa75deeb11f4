import CommandLineModels
import Glibc
import MajorTom

/// Reads standard input line by line, strictly: bytes that are not UTF-8 end it with a sentence, and so
/// does a line that is none.
///
/// What is compressed is decompressed. At a terminal, `hint` says what is awaited, and a prompt stands before each line.
func forEachInputLine(
  hint: String = "type a text and press Return; Ctrl-D ends", _ body: (String) throws -> Void
) throws {
  if inputIsTerminal { complain(hint) }
  var lines = InputLines(name: "standard input")
  var input = StandardInput()
  try input.forEachBlock { try lines.take($0, body) }
  try lines.finish(body)
}

/// Whether somebody types, who waits for an answer to each line.
let inputIsTerminal = isatty(0) == 1

/// Cuts what comes in into lines.
struct InputLines {
  /// What the input is called.
  private let name: String
  /// The lines given out.
  private var number = 0
  private var pending: [UInt8] = []

  init(name: String) { self.name = name }

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
        description: "\(name), line \(number): not valid UTF-8; convert it, as with iconv")
    }
    pending.removeAll(keepingCapacity: true)
    try body(line)
  }

  private var tooLong: InputError {
    InputError(
      description: "\(name), line \(number): longer than \(TextLines.longestLine >> 20) MiB; "
        + "this is no text of lines")
  }
}

/// The bytes of standard input, decompressed where they are compressed.
private struct StandardInput {
  private static let name = "standard input"
  private var block = [UInt8](repeating: 0, count: 1 << 16)
  private var unpacked: [UInt8] = []
  private var decompressor: Decompressor?
  /// The blocks read, and the compressed bytes that are decompressed.
  private var count = 0, taken = 0

  mutating func forEachBlock(_ body: (ArraySlice<UInt8>) throws -> Void) throws {
    // What came so far, until it tells whether it is compressed.
    var beginning: [UInt8] = []
    var isKnown = false
    while let block = try next() {
      if isKnown {
        try give(block, body)
        continue
      }
      beginning += block
      guard !Compression.isUnclear(beginning) else { continue }
      isKnown = true
      decompressor = try Compression(of: beginning).map { try Decompressor($0) }
      try give(beginning[...], body)
    }
    if !isKnown, !beginning.isEmpty { try give(beginning[...], body) }
    if let decompressor, !decompressor.isWhole {
      throw TextError.cutShort(
        path: Self.name, format: decompressor.compression.rawValue, byteCount: taken)
    }
  }

  /// The next bytes as they come; nil at the end.
  private mutating func next() throws -> ArraySlice<UInt8>? {
    let isTyped = inputIsTerminal && isatty(2) == 1
    if isTyped { writeError("> ") }
    while true {
      let read = block.withUnsafeMutableBytes { Glibc.read(0, $0.baseAddress, $0.count) }
      if read < 0, errno == EINTR { continue }
      if read < 0, errno == EAGAIN {
        // Whoever shares the input has made it one that does not wait.
        var wanted = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        poll(&wanted, 1, -1)
        continue
      }
      guard read >= 0 else {
        // The end and an error look alike, but only one of them means that all was read.
        throw InputError(
          description: "\(Self.name), after \(counted(count, "byte")): "
            + String(cString: strerror(errno)))
      }
      if read == 0, isTyped { writeError("\n") }
      count += read
      return read == 0 ? nil : block[..<read]
    }
  }

  private mutating func give(
    _ bytes: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) throws -> Void
  ) throws {
    guard let decompressor else { return try body(bytes) }
    if unpacked.isEmpty { unpacked = [UInt8](repeating: 0, count: 1 << 16) }
    var rest = bytes
    while true {
      var read = 0
      let found = rest.withUnsafeBufferPointer { input in
        unpacked.withUnsafeMutableBufferPointer { output in
          Result { () throws(Decompressor.Damage) in
            try decompressor.decompress(input, into: output, taken: &read)
          }
        }
      }
      taken += read
      rest = rest.dropFirst(read)
      switch found {
      case .success(let written):
        if written > 0 { try body(unpacked[..<written]) }
        // Without more bytes in, there may still be some to come out.
        if rest.isEmpty, written < unpacked.count { return }
      case .failure(let damage):
        throw TextError.damaged(
          path: Self.name, format: decompressor.compression.rawValue, offset: taken,
          reason: damage.reason)
      }
    }
  }
}
