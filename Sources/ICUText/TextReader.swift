/// Decodes one file to UTF-8, block by block.
final class TextReader {
  private let file: TextFile
  private let handle: FileHandle
  private let blockSize: Int
  /// `nil` for UTF-8, which needs only to be checked.
  private let converter: Converter?
  /// Bytes of the file that were read, and whether the file ended there.
  private var position: Int
  private var isAtEnd = false
  private var block: [UInt8]
  /// What of `block` is still to be decoded.
  private var undecoded = 0..<0

  /// The text not yet taken is `buffer[0..<valid]`; up to `filled` stand bytes not yet checked.
  private(set) var buffer: [UInt8] = []
  private(set) var valid = 0
  private var filled = 0

  init(_ file: TextFile, blockSize: Int) throws(TextError) {
    self.file = file
    self.blockSize = blockSize
    handle = try FileHandle(file.path)
    converter = file.encoding == "UTF-8" ? nil : try Converter(file.encoding)
    block = [UInt8](repeating: 0, count: max(blockSize, file.markLength))
    position = 0
    if file.markLength > 0 {
      position = try block.withUnsafeMutableBufferPointer { (bytes) throws(TextError) in
        try handle.read(into: UnsafeMutableBufferPointer(rebasing: bytes[0..<file.markLength]))
      }
    }
  }

  /// Reads and decodes another block; returns whether more may follow.
  func advance() throws(TextError) -> Bool {
    if let converter { return try advance(converter) }
    reserve(blockSize)
    let start = filled
    filled += try buffer.withUnsafeMutableBufferPointer { (bytes) throws(TextError) in
      try readBlock(into: UnsafeMutableBufferPointer(rebasing: bytes[start..<start + blockSize]))
    }
    let (end, stop) = buffer.withUnsafeBufferPointer {
      scanUTF8(UnsafeBufferPointer(rebasing: $0[0..<filled]), from: valid)
    }
    valid = end
    let offset = position - filled + end
    switch stop {
    case .end: break
    case .incomplete:
      if isAtEnd { throw try malformed(Array(buffer[end..<filled]), at: offset) }
    case .illFormed(let length):
      throw try malformed(Array(buffer[end..<end + length]), at: offset)
    case .nul:
      throw .binary(
        path: file.path, kind: nil, byte: 0, offset: offset, line: try lineNumber(at: offset))
    }
    return !isAtEnd
  }

  /// Reads the next bytes of the file up to its size when it was checked; returns how many.
  ///
  /// What is appended later belongs to no reading, so that several readings see the same text.
  private func readBlock(
    into buffer: UnsafeMutableBufferPointer<UInt8>
  ) throws(TextError) -> Int {
    let wanted = min(buffer.count, file.byteCount - position)
    let count = try handle.read(into: UnsafeMutableBufferPointer(rebasing: buffer[0..<wanted]))
    position += count
    guard count == wanted else {
      throw .shrunk(path: file.path, from: file.byteCount, to: position)
    }
    isAtEnd = position == file.byteCount
    return count
  }

  /// Takes text off the front.
  func take(_ count: Int) {
    buffer.withUnsafeMutableBufferPointer { bytes in
      for index in count..<filled { bytes[index - count] = bytes[index] }
    }
    valid -= count
    filled -= count
  }

  private func reserve(_ room: Int) {
    let missing = filled + room - buffer.count
    if missing > 0 { buffer.append(contentsOf: repeatElement(0, count: missing)) }
  }

  private func advance(_ converter: Converter) throws(TextError) -> Bool {
    if undecoded.isEmpty && !isAtEnd {
      let count = try block.withUnsafeMutableBufferPointer { (bytes) throws(TextError) in
        try readBlock(into: UnsafeMutableBufferPointer(rebasing: bytes[0..<blockSize]))
      }
      undecoded = 0..<count
    }
    // Three bytes of UTF-8 for each byte are usually enough; if not, the rest comes next time.
    reserve(max(Converter.leastRoom, 3 * undecoded.count))
    let start = filled
    let progress = block.withUnsafeBufferPointer { bytes in
      buffer.withUnsafeMutableBufferPointer { output in
        converter.decode(
          UnsafeBufferPointer(rebasing: bytes[undecoded]), isLast: isAtEnd,
          into: UnsafeMutableBufferPointer(rebasing: output[start...]))
      }
    }
    filled += progress.written
    valid = filled
    undecoded = undecoded.lowerBound + progress.consumed..<undecoded.upperBound
    if progress.error > 0 || buffer[start..<filled].contains(0) { throw try located() }
    return !(isAtEnd && undecoded.isEmpty && !progress.isFull)
  }

  // MARK: Errors

  private func malformed(_ bytes: [UInt8], at offset: Int) throws(TextError) -> TextError {
    .malformed(
      path: file.path, encoding: file.encodingName, detected: file.isDetected, bytes: bytes,
      offset: offset, line: try lineNumber(at: offset))
  }

  /// Counts the lines of the file up to an offset: only errors need it, so reading does not count.
  private func lineNumber(at offset: Int) throws(TextError) -> Int {
    let handle = try FileHandle(file.path)
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    var line = 1
    var left = offset
    while left > 0 {
      let wanted = min(left, bytes.count)
      let count = try bytes.withUnsafeMutableBufferPointer { (buffer) throws(TextError) in
        try handle.read(into: UnsafeMutableBufferPointer(rebasing: buffer[0..<wanted]))
      }
      if count == 0 { break }
      line += bytes[0..<count].count { $0 == 0x0A }
      left -= count
    }
    return line
  }

  /// What stopped a converter, and where: decodes the file anew, byte by byte near the place.
  ///
  /// A converter may have looked at bytes of an earlier block and put them back, so its position
  /// says too little. Fed with single bytes, it gives out each character with its last byte, and
  /// what is wrong stands after the last character given out.
  private func located() throws(TextError) -> TextError {
    let handle = try FileHandle(file.path)
    let converter = try Converter(file.encoding)
    let nearby = max(file.markLength, position - block.count - Converter.leastRoom)
    // A byte may stand for two code points, of three bytes each in UTF-8.
    var output = [UInt8](repeating: 0, count: 8 * Converter.leastRoom)
    var bytes = [UInt8](repeating: 0, count: Converter.leastRoom)
    // Bytes that were fed since the last character came out, and where they begin.
    var pending: [UInt8] = []
    var start = file.markLength
    var offset = 0
    var line = 1
    while true {
      let wanted =
        offset < file.markLength
        ? file.markLength : offset < nearby ? min(bytes.count, nearby - offset) : 1
      let count = try bytes.withUnsafeMutableBufferPointer { (buffer) throws(TextError) in
        try handle.read(into: UnsafeMutableBufferPointer(rebasing: buffer[0..<wanted]))
      }
      offset += count
      if offset <= file.markLength && count > 0 { continue }
      pending += bytes[0..<count]
      let progress = bytes.withUnsafeBufferPointer { bytes in
        output.withUnsafeMutableBufferPointer { output in
          converter.decode(
            UnsafeBufferPointer(rebasing: bytes[0..<count]), isLast: count == 0, into: output)
        }
      }
      for byte in output[0..<progress.written] {
        if byte == 0 {
          let place = start + (pending.firstIndex(of: 0) ?? 0)
          return .binary(path: file.path, kind: nil, byte: 0, offset: place, line: line)
        }
        if byte == 0x0A { line += 1 }
      }
      if progress.written > 0 {
        pending.removeAll()
        start = offset
      }
      if progress.error > 0 || count == 0 {
        let invalid = converter.invalidBytes
        let shift = pending.indices.first { pending[$0...].starts(with: invalid) } ?? 0
        return .malformed(
          path: file.path, encoding: file.encodingName, detected: file.isDetected, bytes: invalid,
          offset: start + shift, line: line)
      }
    }
  }
}
