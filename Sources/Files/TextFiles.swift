internal import Glibc

/// Small text files that are read whole, such as configurations.
public enum TextFiles {
  /// Whether a regular file lies at a path.
  public static func isFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// The bytes of a file.
  ///
  /// Throws `FileError.unreadable` for what cannot be read, is no regular file, or is longer.
  public static func bytes(of path: String, maxLength: Int) throws(FileError) -> [UInt8] {
    // A pipe that nobody writes to would be waited for without O_NONBLOCK.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    func unreadable(_ reason: String) -> FileError { .unreadable(path: path, reason: reason) }
    guard descriptor >= 0 else { throw unreadable(String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw unreadable("it is not a regular file")
    }
    guard status.st_size <= maxLength else {
      throw unreadable("it has \(status.st_size) bytes, and at most \(maxLength) are read")
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var at = 0
    while at < bytes.count {
      let count = bytes.withUnsafeMutableBytes {
        read(descriptor, $0.baseAddress.map { $0 + at }, $0.count - at)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(String(cString: strerror(errno))) }
      if count == 0 { break }
      at += count
    }
    return Array(bytes.prefix(at))
  }
}
