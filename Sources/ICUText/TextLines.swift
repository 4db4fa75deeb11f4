internal import CZlib
import Glibc

/// The lines of a UTF-8 file, which may be compressed with gzip, read as a stream.
public enum TextLines {
  /// Calls a function with each line, without its line end, and its number from 1.
  ///
  /// Line ends are LF or CR LF; a byte order mark is no part of the first line. Reading ends early
  /// where the function returns false.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - body: Takes the line and its number; says whether to go on.
  /// - Throws: A `TextError` that names the file, for bytes that are not UTF-8 with the line; and
  ///   what `body` throws.
  public static func forEach(
    in path: String, _ body: (_ line: String, _ number: Int) throws -> Bool
  ) throws {
    // Says better than zlib what is wrong with a file that cannot be opened.
    _ = try FileHandle(path)
    guard let file = gzopen(path, "rbe") else {
      throw TextError.unreadable(path: path, reason: FileHandle.reason(errno))
    }
    defer { gzclose(file) }
    gzbuffer(file, 1 << 17)
    var block = [UInt8](repeating: 0, count: 1 << 16)
    var pending: [UInt8] = []
    var (number, offset) = (0, 0)
    func give(_ bytes: ArraySlice<UInt8>) throws -> Bool {
      number += 1
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
    while true {
      let count = Int(gzread(file, &block, UInt32(block.count)))
      var code: Int32 = 0
      if count < 0 {
        let reason = gzerror(file, &code).map { String(cString: $0) } ?? "damaged gzip data"
        throw TextError.unreadable(path: path, reason: reason)
      }
      if count == 0 {
        // zlib takes the end of a file that is cut short for its end, and only says so here.
        _ = gzerror(file, &code)
        guard code != Z_BUF_ERROR else {
          throw TextError.unreadable(path: path, reason: "its gzip data end too early")
        }
        break
      }
      var start = 0
      while let end = block[start..<count].firstIndex(of: 0x0A) {
        if pending.isEmpty {
          guard try give(block[start..<end]) else { return }
        } else {
          pending += block[start..<end]
          let line = pending
          pending.removeAll(keepingCapacity: true)
          guard try give(line[...]) else { return }
        }
        start = end + 1
      }
      pending += block[start..<count]
    }
    if !pending.isEmpty { _ = try give(pending[...]) }
  }
}
