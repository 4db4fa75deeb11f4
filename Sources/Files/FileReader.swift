internal import Glibc

/// A regular file that is open for reading at any place.
///
/// It is read, not mapped: where somebody cuts a mapped file short, the next look at a missing page ends
/// the process by a signal, while a read that comes back short is an error like others.
public final class FileReader: Sendable {
  /// The path, for messages.
  public let path: String
  /// The size when it was opened.
  public let byteCount: Int
  private let descriptor: Int32

  /// Opens a file; what is no regular file is refused at once, and a pipe is not waited for.
  ///
  /// Throws `FileError.unreadable`.
  public init(_ path: String) throws(FileError) {
    func unreadable(_ reason: String) -> FileError { .unreadable(path: path, reason: reason) }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else {
      // What a socket and some devices answer.
      throw unreadable(errno == ENXIO ? Self.notRegular : String(cString: strerror(errno)))
    }
    var status = stat()
    let reason: String? =
      if fstat(descriptor, &status) != 0 {
        String(cString: strerror(errno))
      } else {
        status.st_mode & S_IFMT == S_IFREG ? nil : Self.notRegular
      }
    if let reason {
      close(descriptor)
      throw unreadable(reason)
    }
    self.path = path
    self.descriptor = descriptor
    byteCount = Int(status.st_size)
  }

  deinit { close(descriptor) }

  private static let notRegular = "it is not a regular file"

  /// Fills a buffer with the bytes that begin at a place of the file.
  ///
  /// Throws `FileError.unreadable`, also where the file ends before that.
  public func read(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(FileError) {
    var filled = 0
    while filled < buffer.count {
      let count = pread(
        descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled, offset + filled)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        throw .unreadable(
          path: path,
          reason: count < 0 ? String(cString: strerror(errno)) : "it was cut short meanwhile")
      }
      filled += count
    }
  }

  /// Calls a function with the bytes of a range, block by block, and with each block's place in it.
  ///
  /// Blocks have a multiple of 8 bytes, but for the last one. Throws as `read(at:into:)` does.
  public func forEachBlock(
    in range: Range<Int>, _ body: (_ place: Int, _ bytes: UnsafeRawBufferPointer) -> Void
  ) throws(FileError) {
    let block = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(1 << 18, range.count), alignment: 8)
    defer { block.deallocate() }
    for start in stride(from: range.lowerBound, to: range.upperBound, by: max(1, block.count)) {
      let part = UnsafeMutableRawBufferPointer(
        rebasing: block[..<min(block.count, range.upperBound - start)])
      try read(at: start, into: part)
      body(start - range.lowerBound, UnsafeRawBufferPointer(part))
    }
  }
}
