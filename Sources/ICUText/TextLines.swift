import Glibc

/// The lines of a UTF-8 file, which may be compressed with gzip or zstd, read as a stream.
public enum TextLines {
  /// Calls a function with each line, without its line end, and its number from 1.
  ///
  /// Line ends are LF or CR LF; a byte order mark is no part of the first line. Reading ends early
  /// where the function returns false. What would fill the memory is refused: a line of over 16 MiB,
  /// compressed data that grow more than text ever does, and, with `keepsAll`, more than fits in memory.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - keepsAll: Whether all of the text is going to be kept in memory.
  ///   - progress: Told after each block what fraction of the file is read.
  ///   - body: Takes the line and its number; says whether to go on.
  /// - Throws: A `TextError` that names the file, for bytes that are not UTF-8 with the line; and
  ///   what `body` throws.
  public static func forEach(
    in path: String, keepsAll: Bool = false, progress: ((Double) -> Void)? = nil,
    _ body: (_ line: String, _ number: Int) throws -> Bool
  ) throws {
    try forEach(in: path, keepsAll: keepsAll, limits: Limits(), progress: progress, body)
  }

  /// The most bytes of a line of data.
  package static let longestLine = 16 << 20
  /// The most bytes of text that can all be kept: as strings and tokens they take several times as much.
  package static let mostKept = max(64 << 20, machineMemory / 8)

  /// What a file may hold; tests make it small.
  struct Limits: Sendable {
    /// The bytes of a line.
    var line = TextLines.longestLine
    /// What a compressed file may grow to.
    var growth = FileHandle.Growth()
    /// The bytes of a text that is kept.
    var kept = TextLines.mostKept
  }

  static func forEach(
    in path: String, keepsAll: Bool, limits: Limits, progress: ((Double) -> Void)? = nil,
    _ body: (_ line: String, _ number: Int) throws -> Bool
  ) throws {
    let reader = try LineReader(path, limits: limits, keepsAll: keepsAll)
    var splitter = LineSplitter(path: path, longest: limits.line)
    while let block = try reader.next() {
      guard try splitter.take(block, body) else { return }
      progress?(reader.fractionRead)
    }
    try splitter.finish(body)
  }
}

/// The bytes of the machine's memory.
let machineMemory = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))

/// The bytes of a file, block by block.
private final class LineReader {
  private let handle: FileHandle
  private let most: Int
  private let tooMuch: TextError
  private var count = 0
  private var block = [UInt8](repeating: 0, count: 1 << 16)

  init(_ path: String, limits: TextLines.Limits, keepsAll: Bool) throws(TextError) {
    handle = try FileHandle(path, growth: limits.growth)
    let grown = limits.growth.most(of: handle.byteCount)
    if keepsAll, limits.kept < grown {
      (most, tooMuch) = (limits.kept, .tooLarge(path: path, limit: limits.kept))
    } else {
      (most, tooMuch) = (grown, .grows(path: path, times: limits.growth.times))
    }
  }

  var fractionRead: Double { handle.fractionRead }

  /// The next bytes; nil at the end.
  func next() throws(TextError) -> ArraySlice<UInt8>? {
    let read = try block.withUnsafeMutableBufferPointer { (buffer) throws(TextError) in
      try handle.read(into: buffer)
    }
    count += read
    // Data that are not compressed grow only where somebody appends to them without end.
    if count > most { throw tooMuch }
    if read > 0 { return block[..<read] }
    if handle.compression == nil, count < handle.byteCount {
      throw .shrunk(path: handle.path, from: handle.byteCount, to: count)
    }
    return nil
  }
}

/// Cuts blocks of bytes into lines.
private struct LineSplitter {
  let path: String
  let longest: Int
  private var pending: [UInt8] = []
  private var number = 0
  private var offset = 0

  init(path: String, longest: Int) {
    self.path = path
    self.longest = longest
  }

  /// Gives out the lines that end in a block; returns whether more are wanted.
  mutating func take(
    _ block: ArraySlice<UInt8>, _ body: (String, Int) throws -> Bool
  ) throws -> Bool {
    var rest = block
    while let end = rest.firstIndex(of: 0x0A) {
      if pending.isEmpty {
        guard try give(rest[..<end], body) else { return false }
      } else {
        pending += rest[..<end]
        let line = pending
        pending.removeAll(keepingCapacity: true)
        guard try give(line[...], body) else { return false }
      }
      rest = rest[(end + 1)...]
    }
    guard pending.count + rest.count <= longest else {
      throw TextError.lineTooLong(path: path, line: number + 1, limit: longest)
    }
    pending += rest
    return true
  }

  /// Gives out the last line, which has no end.
  mutating func finish(_ body: (String, Int) throws -> Bool) throws {
    if !pending.isEmpty { _ = try give(pending[...], body) }
  }

  private mutating func give(
    _ bytes: ArraySlice<UInt8>, _ body: (String, Int) throws -> Bool
  ) throws -> Bool {
    number += 1
    guard bytes.count <= longest else {
      throw TextError.lineTooLong(path: path, line: number, limit: longest)
    }
    defer { offset += bytes.count + 1 }
    var bytes = bytes
    if bytes.last == 0x0D { bytes.removeLast() }
    if number == 1, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    guard let line = String(validating: bytes, as: UTF8.self) else {
      let found = bytes.withUnsafeBufferPointer { scanUTF8($0, from: 0).0 }
      throw TextError.notUTF8(
        path: path, byte: bytes[bytes.startIndex + min(found, bytes.count - 1)],
        offset: offset + found, line: number)
    }
    return try body(line, number)
  }
}
