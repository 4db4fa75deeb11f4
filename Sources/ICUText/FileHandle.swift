import Glibc

/// The owner of one open file, whose bytes come decompressed where it is compressed.
final class FileHandle {
  let path: String
  /// The bytes of the file as it lies there.
  let byteCount: Int
  /// How it is compressed; nil where it is not.
  let compression: Compression?
  private let descriptor: Int32
  private let unpacking: Unpacking?
  private let times: Int

  /// What decompresses, and what it was given so far.
  private final class Unpacking {
    let decompressor: Decompressor
    let most: Int
    var block = [UInt8](repeating: 0, count: 1 << 16)
    var rest = 0..<0
    /// The bytes of the file that are decompressed, and those that came of them.
    var taken = 0, given = 0

    init(_ decompressor: Decompressor, most: Int) {
      self.decompressor = decompressor
      self.most = most
    }
  }

  /// How many times its size a compressed file may grow to.
  struct Growth: Sendable {
    /// Text grows to 3 to 10 times its size; gzip's largest is about 1,030, and zstd's far more.
    var times = 200
    /// What is no larger than this may have grown as much as it likes.
    var modest = 8 << 20

    /// The most bytes that come of so many.
    func most(of byteCount: Int) -> Int { max(modest, times * byteCount) }
  }

  init(_ path: String, growth: Growth = Growth()) throws(TextError) {
    if path.isEmpty || path.utf8.contains(0) { throw .missing(path: path) }
    // Non-blocking, so that a pipe without a writer is refused rather than waited for.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    if descriptor < 0 {
      let code = errno
      if code == ENOENT || code == ENOTDIR { throw .missing(path: path) }
      if code == ENXIO { throw .notRegular(path: path) }
      throw .unreadable(path: path, reason: Self.reason(code))
    }
    var status = stat()
    let code = fstat(descriptor, &status) == 0 ? 0 : errno
    let kind = status.st_mode & S_IFMT
    if code != 0 || kind != S_IFREG {
      close(descriptor)
      if code != 0 { throw .unreadable(path: path, reason: Self.reason(code)) }
      if kind == S_IFDIR { throw .directory(path: path) }
      throw .notRegular(path: path)
    }
    self.path = path
    self.descriptor = descriptor
    byteCount = Int(status.st_size)
    var start = [UInt8](repeating: 0, count: Compression.longestBeginning)
    start.removeSubrange(max(0, pread(descriptor, &start, start.count, 0))...)
    compression = Compression(of: start)
    times = growth.times
    guard let compression else {
      unpacking = nil
      return
    }
    do {
      unpacking = Unpacking(try Decompressor(compression), most: growth.most(of: byteCount))
    } catch {
      close(descriptor)
      throw .unreadable(path: path, reason: error.reason)
    }
  }

  deinit { close(descriptor) }

  /// What fraction of the file has been read.
  var fractionRead: Double {
    Double(max(0, lseek(descriptor, 0, SEEK_CUR))) / Double(max(1, byteCount))
  }

  /// Reads until the buffer is full or the text ends; returns how many bytes came.
  func read(into buffer: UnsafeMutableBufferPointer<UInt8>) throws(TextError) -> Int {
    guard let unpacking else { return try readAsIs(into: buffer) }
    var filled = 0
    while filled < buffer.count {
      if unpacking.rest.isEmpty {
        let count = try unpacking.block.withUnsafeMutableBufferPointer {
          (block) throws(TextError) in try readAsIs(into: block)
        }
        unpacking.rest = 0..<count
      }
      let isAtEnd = unpacking.rest.isEmpty
      let count = try unpack(
        unpacking, into: UnsafeMutableBufferPointer(rebasing: buffer[filled...]))
      filled += count
      guard unpacking.given <= unpacking.most else { throw .grows(path: path, times: times) }
      if isAtEnd, count == 0 {
        guard unpacking.decompressor.isWhole else {
          throw .cutShort(
            path: path, format: unpacking.decompressor.compression.rawValue,
            byteCount: unpacking.taken)
        }
        break
      }
    }
    return filled
  }

  /// Decompresses what of a block is left; returns how many bytes came.
  private func unpack(
    _ unpacking: Unpacking, into buffer: UnsafeMutableBufferPointer<UInt8>
  ) throws(TextError) -> Int {
    var taken = 0
    let result = unpacking.block.withUnsafeBufferPointer { block in
      Result { () throws(Decompressor.Damage) in
        try unpacking.decompressor.decompress(
          UnsafeBufferPointer(rebasing: block[unpacking.rest]), into: buffer, taken: &taken)
      }
    }
    unpacking.rest = unpacking.rest.lowerBound + taken..<unpacking.rest.upperBound
    unpacking.taken += taken
    switch result {
    case .success(let count):
      unpacking.given += count
      return count
    case .failure(let damage):
      throw .damaged(
        path: path, format: unpacking.decompressor.compression.rawValue, offset: unpacking.taken,
        reason: damage.reason)
    }
  }

  private func readAsIs(
    into buffer: UnsafeMutableBufferPointer<UInt8>
  ) throws(TextError) -> Int {
    var filled = 0
    while filled < buffer.count {
      let target = UnsafeMutableBufferPointer(rebasing: buffer[filled...])
      let count = Glibc.read(descriptor, target.baseAddress, target.count)
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        throw .unreadable(path: path, reason: Self.reason(errno))
      }
      filled += count
    }
    return filled
  }

  func read(atMost count: Int) throws(TextError) -> [UInt8] {
    var bytes = [UInt8](
      repeating: 0, count: compression == nil ? min(count, byteCount) : count)
    let filled = try bytes.withUnsafeMutableBufferPointer { (buffer) throws(TextError) in
      try read(into: buffer)
    }
    bytes.removeSubrange(filled...)
    return bytes
  }

  /// Reads what is left, and returns how many bytes that was.
  func skipToEnd() throws(TextError) -> Int {
    var block = [UInt8](repeating: 0, count: 1 << 18)
    var sum = 0
    while true {
      let count = try block.withUnsafeMutableBufferPointer { (buffer) throws(TextError) in
        try read(into: buffer)
      }
      if count == 0 { return sum }
      sum += count
    }
  }

  static func reason(_ code: Int32) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text)
  }
}
