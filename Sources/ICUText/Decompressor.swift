internal import CZlib
internal import CZstd
internal import Files

/// How data are compressed, which their first bytes tell, whatever the file is called.
package enum Compression: String, Sendable, CaseIterable {
  /// RFC 1952, as gzip and bgzip write it.
  case gzip
  /// RFC 8878, as zstd writes it.
  case zstd

  /// The first bytes.
  ///
  /// The method of gzip is always 8; data of zstd may begin with a frame to skip, of which there are 16
  /// kinds.
  private var beginnings: [[UInt8]] {
    switch self {
    case .gzip: [[0x1F, 0x8B, 0x08]]
    case .zstd:
      [[0x28, 0xB5, 0x2F, 0xFD]]
        + (0x50...0x5F as ClosedRange<UInt8>).map { [$0, 0x2A, 0x4D, 0x18] }
    }
  }

  /// The most bytes that it takes to tell.
  package static let longestBeginning = 4

  /// The compression of data that begin so; nil for others.
  package init?(of bytes: some Collection<UInt8>) {
    let found = Self.allCases.first { kind in
      kind.beginnings.contains { bytes.starts(with: $0) }
    }
    guard let found else { return nil }
    self = found
  }

  /// What a file would be called if it were not compressed: its name tells what stands in it.
  package static func plainName(_ path: String) -> String {
    let ending = fileEndings.first(where: path.hasSuffix) ?? ""
    return String(path.dropLast(ending.count))
  }

  /// The file that lies at a path or, compressed, beside it; the path itself where there is none.
  package static func found(_ path: String) -> String {
    ([""] + fileEndings).map { path + $0 }.first(where: FileWriter.exists) ?? path
  }

  private static let fileEndings = [".gz", ".zst"]

  /// Whether data that begin so may be compressed, and more of them would tell.
  package static func isUnclear(_ bytes: some Collection<UInt8>) -> Bool {
    allCases.contains { kind in
      kind.beginnings.contains { $0.count > bytes.count && $0.starts(with: bytes) }
    }
  }
}

/// Decompresses a stream block by block, in memory of a fixed size.
package final class Decompressor {
  /// What is wrong with the data, in the words of the library that reads them.
  package struct Damage: Error, Equatable {
    /// Such as `incorrect data check`.
    package let reason: String
  }

  private enum Stream {
    // zlib keeps the address of its stream, which therefore stays where it is.
    case gzip(UnsafeMutablePointer<z_stream>)
    case zstd(OpaquePointer)
  }

  /// How the data are compressed.
  package let compression: Compression
  /// Whether the data may end here: a member of gzip, or a frame of zstd, is whole.
  package private(set) var isWhole = false
  private let stream: Stream

  /// A decompressor at the beginning of its data.
  ///
  /// Throws `Damage` where there is no memory for it.
  package init(_ compression: Compression) throws(Damage) {
    self.compression = compression
    switch compression {
    case .gzip:
      let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
      stream.initialize(to: z_stream())
      self.stream = .gzip(stream)
      // 15: the largest window; 16: gzip alone.
      let code = inflateInit2_(
        stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
      guard code == Z_OK else { throw Damage(reason: "zlib cannot begin, error \(code)") }
    case .zstd:
      guard let stream = ZSTD_createDStream() else {
        throw Damage(reason: "there is no memory for zstd")
      }
      self.stream = .zstd(stream)
    }
  }

  deinit {
    switch stream {
    case .gzip(let stream):
      inflateEnd(stream)
      stream.deallocate()
    case .zstd(let stream): ZSTD_freeDStream(stream)
    }
  }

  /// Decompresses what fits; returns how many bytes were taken and given.
  ///
  /// It is to be called again with what was not taken; where nothing is given though there was room, it
  /// needs more. Throws `Damage`; what was taken until then is `taken`.
  package func decompress(
    _ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>,
    taken: inout Int
  ) throws(Damage) -> Int {
    switch stream {
    case .gzip(let stream): try inflated(stream, input, into: output, &taken)
    case .zstd(let stream): try decoded(stream, input, into: output, &taken)
    }
  }

  private func inflated(
    _ stream: UnsafeMutablePointer<z_stream>, _ input: UnsafeBufferPointer<UInt8>,
    into output: UnsafeMutableBufferPointer<UInt8>, _ taken: inout Int
  ) throws(Damage) -> Int {
    taken = 0
    if isWhole {
      // Zeros fill up the last block of a tape; anything else is another member.
      taken = input.firstIndex { $0 != 0 } ?? input.count
      guard taken < input.count else { return 0 }
      inflateReset(stream)
      isWhole = false
    }
    let rest = UnsafeBufferPointer(rebasing: input[taken...])
    stream.pointee.next_in = UnsafeMutablePointer(mutating: rest.baseAddress)
    stream.pointee.avail_in = UInt32(rest.count)
    stream.pointee.next_out = output.baseAddress
    stream.pointee.avail_out = UInt32(output.count)
    let code = inflate(stream, Z_NO_FLUSH)
    taken += rest.count - Int(stream.pointee.avail_in)
    isWhole = code == Z_STREAM_END
    // No progress is no error: there may be more to come.
    guard code == Z_OK || code == Z_BUF_ERROR || isWhole else {
      let reason = stream.pointee.msg.map { String(cString: $0) }
      throw Damage(reason: reason ?? "error \(code) of zlib")
    }
    return output.count - Int(stream.pointee.avail_out)
  }

  private func decoded(
    _ stream: OpaquePointer, _ input: UnsafeBufferPointer<UInt8>,
    into output: UnsafeMutableBufferPointer<UInt8>, _ taken: inout Int
  ) throws(Damage) -> Int {
    taken = 0
    // At the end of a frame there is nothing left to give out, and a call without bytes would begin another.
    if isWhole, input.isEmpty { return 0 }
    // zstd does not say where in its input it found damage, so that gets little at a time.
    var source = ZSTD_inBuffer(src: input.baseAddress, size: min(input.count, 1 << 12), pos: 0)
    var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let result = ZSTD_decompressStream(stream, &target, &source)
    taken = source.pos
    guard ZSTD_isError(result) == 0 else {
      throw Damage(reason: String(cString: ZSTD_getErrorName(result)).lowercasedFirst)
    }
    isWhole = result == 0
    return target.pos
  }
}

extension String {
  /// Within a sentence, the library's words go on in small letters.
  fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
