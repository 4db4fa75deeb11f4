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
  var lines = InputLines(name: standardInputName)
  var input = ByteStream()
  try input.forEachBlock { try lines.take($0) { try body($0.text) } }
  try lines.finish { try body($0.text) }
}

/// Whether somebody types, who waits for an answer to each line.
let inputIsTerminal = isatty(0) == 1

/// What sentences call standard input.
let standardInputName = "standard input"

/// A line of an input: its text, or what is wrong with it.
struct InputLine {
  /// Its text; empty where something is wrong with it.
  var text = ""
  /// What is wrong with it, in words that do not tell the place.
  var fault: String?
  /// Where its end is, counted from its beginning; of a line that is wrong only.
  var extent = InputPlace()
}

/// Cuts what comes in into lines.
struct InputLines {
  /// What the input is called.
  private let name: String
  /// The most bytes of a line.
  private let longest: Int
  /// Whether a line that is wrong is given out like others; else it is thrown.
  private let keepsGoing: Bool
  /// The lines given out.
  private var number = 0
  private var pending: [UInt8] = []
  private var isTooLong = false
  /// What of a line that is wrong is not kept.
  private var extent = InputPlace()

  init(name: String, longest: Int = TextLines.longestLine, keepsGoing: Bool = false) {
    self.name = name
    self.longest = longest
    self.keepsGoing = keepsGoing
  }

  mutating func take(_ block: ArraySlice<UInt8>, _ body: (InputLine) throws -> Void) throws {
    var rest = block
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      add(rest[..<end])
      try give(body)
      rest = rest[(end + 1)...]
    }
    add(rest)
    // It is told at once, and not when the line ends, which it may never do.
    if isTooLong, !keepsGoing { try give(body) }
  }

  mutating func finish(_ body: (InputLine) throws -> Void) throws {
    if !pending.isEmpty || isTooLong { try give(body) }
  }

  private mutating func add(_ bytes: ArraySlice<UInt8>) {
    if isTooLong {
      extent.advance(over: bytes)
    } else if pending.count + bytes.count > longest {
      isTooLong = true
      extent.advance(over: pending)
      extent.advance(over: bytes)
      pending = []
    } else {
      pending += bytes
    }
  }

  private mutating func give(_ body: (InputLine) throws -> Void) throws {
    number += 1
    defer {
      pending.removeAll(keepingCapacity: true)
      isTooLong = false
    }
    if isTooLong {
      try wrong("longer than \(byteSize(longest))", "; this is no text of lines", body)
    } else if let text = String(validating: pending, as: UTF8.self) {
      try body(InputLine(text: text))
    } else {
      extent.advance(over: pending)
      try wrong("not valid UTF-8", "; convert it, as with iconv", body)
    }
  }

  private mutating func wrong(
    _ fault: String, _ remedy: String, _ body: (InputLine) throws -> Void
  ) throws {
    guard keepsGoing else {
      throw InputError(description: "\(name), line \(number): \(fault)\(remedy)")
    }
    let line = InputLine(fault: fault, extent: extent)
    extent = InputPlace()
    try body(line)
  }
}

/// A number of bytes, in MiB where it is a number of those.
private func byteSize(_ count: Int) -> String {
  count % (1 << 20) == 0 ? "\(count >> 20) MiB" : counted(count, "byte")
}

/// The bytes of standard input or of a file, decompressed where they are compressed.
struct ByteStream: ~Copyable {
  private let name: String
  private let descriptor: Int32
  private var block = [UInt8](repeating: 0, count: 1 << 16)
  private var unpacked: [UInt8] = []
  private var decompressor: Decompressor?
  /// The bytes read, and the compressed ones that are decompressed.
  private var count = 0, taken = 0

  /// Standard input.
  init() {
    name = standardInputName
    descriptor = STDIN_FILENO
  }

  /// A file, which may be a pipe.
  ///
  /// Throws `TextError`.
  init(_ path: String) throws(TextError) {
    name = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else {
      throw [ENOENT, ENOTDIR].contains(errno)
        ? .missing(path: path)
        : .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
  }

  deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

  /// Calls a function with the bytes as they come, and another one before it waits for more of them.
  mutating func forEachBlock(
    beforeWaiting: () throws -> Void = {}, _ body: (ArraySlice<UInt8>) throws -> Void
  ) throws {
    // What came so far, until it tells whether it is compressed.
    var beginning: [UInt8] = []
    var isKnown = false
    while let block = try next(beforeWaiting) {
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
        path: name, format: decompressor.compression.rawValue, byteCount: taken)
    }
  }

  /// The next bytes as they come; nil at the end.
  private mutating func next(_ beforeWaiting: () throws -> Void) throws -> ArraySlice<UInt8>? {
    let isTyped = descriptor == STDIN_FILENO && inputIsTerminal && isatty(2) == 1
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    if poll(&wanted, 1, 0) == 0 { try beforeWaiting() }
    if isTyped { writeError("> ") }
    while true {
      let read = block.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if read < 0, errno == EINTR { continue }
      if read < 0, errno == EAGAIN {
        // Whoever shares the input has made it one that does not wait.
        poll(&wanted, 1, -1)
        continue
      }
      guard read >= 0 else {
        // The end and an error look alike, but only one of them means that all was read.
        throw InputError(
          description: "\(name), after \(counted(count, "byte")): "
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
          path: name, format: decompressor.compression.rawValue, offset: taken,
          reason: damage.reason)
      }
    }
  }
}
