internal import Glibc

/// A text file that grows by whole lines, such as a log.
///
/// What cannot be written whole leaves the file as it was, so that a disk that is full for a while makes
/// gaps, not broken lines.
public final class AppendedFile {
  /// The path.
  public let path: String
  private let descriptor: Int32

  /// Opens a file to append to, which is made where there is none.
  ///
  /// Throws `FileError.unwritable`.
  public init(_ path: String) throws(FileError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw .unwritable(path: path, reason: String(cString: strerror(errno)))
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Appends a text.
  ///
  /// Throws `FileError.unwritable`; nothing of the text is in the file then.
  public func append(_ text: String) throws(FileError) { try append(Array(text.utf8)) }

  /// Appends bytes.
  ///
  /// Throws `FileError.unwritable`; none of them is in the file then.
  public func append(_ bytes: [UInt8]) throws(FileError) {
    let before = lseek(descriptor, 0, SEEK_END)
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else {
        let reason = written == 0 ? "no space left" : String(cString: strerror(errno))
        if before >= 0 { ftruncate(descriptor, before) }
        throw .unwritable(path: path, reason: reason)
      }
      rest = rest.dropFirst(written)
    }
  }

  /// Brings what was appended to the disk.
  public func sync() { fdatasync(descriptor) }
}

/// The time of day as logs have it, such as `2026-11-21 23:47:51Z` (UTC, after ISO 8601).
public func timeStamp() -> String {
  var now = time(nil)
  var parts = tm()
  gmtime_r(&now, &parts)
  var text = [CChar](repeating: 0, count: 32)
  let count = strftime(&text, text.count, "%Y-%m-%d %H:%M:%SZ", &parts)
  return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// The seconds since 1970 (UTC).
public func secondsSince1970() -> Double { Double(time(nil)) }
