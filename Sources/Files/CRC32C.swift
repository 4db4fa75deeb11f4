internal import CChecksum

/// A checksum of bytes: the cyclic redundancy check with Castagnoli's polynomial.
///
/// It finds every error of up to three flipped bits in a file of any size in use here, and any burst
/// of up to 32 bits (G. Castagnoli, S. Bräuer and M. Herrmann, "Optimization of cyclic
/// redundancy-check codes with 24 and 32 parity bits", IEEE Transactions on Communications 41, 1993;
/// RFC 3720, appendix B.4). CPUs of today have it as an instruction; on others, eight bytes at a time
/// go through eight tables, which is several times slower.
public struct CRC32C: Sendable, Equatable {
  private var state: UInt32 = 0xFFFF_FFFF

  /// The checksum of nothing.
  public init() {}

  /// The checksum of what was taken in so far.
  public var value: UInt32 { ~state }

  /// Takes in bytes, in their order.
  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    guard mt_has_crc32c() else { return addByTables(bytes) }
    state = mt_crc32c(state, bytes.baseAddress, bytes.count)
  }

  /// The same without the instruction.
  mutating func addByTables(_ bytes: UnsafeRawBufferPointer) {
    var crc = state
    Self.tables.withUnsafeBufferPointer { tables in
      let whole = bytes.count & ~7
      for at in stride(from: 0, to: whole, by: 8) {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        let (low, high) = (UInt32(truncatingIfNeeded: word) ^ crc, UInt32(word >> 32))
        crc =
          tables[7 << 8 | Int(low & 255)] ^ tables[6 << 8 | Int(low >> 8 & 255)]
          ^ tables[5 << 8 | Int(low >> 16 & 255)] ^ tables[4 << 8 | Int(low >> 24)]
          ^ tables[3 << 8 | Int(high & 255)] ^ tables[2 << 8 | Int(high >> 8 & 255)]
          ^ tables[1 << 8 | Int(high >> 16 & 255)] ^ tables[Int(high >> 24)]
      }
      for at in whole..<bytes.count {
        crc = crc >> 8 ^ tables[Int((crc ^ UInt32(bytes[at])) & 255)]
      }
    }
    state = crc
  }

  /// Takes in a text as UTF-8.
  public mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
  }

  /// The value as eight hexadecimal digits.
  public var digits: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// Table k holds the remainder of each byte that k more zero bytes follow.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 << 8)
    for byte in 0..<256 {
      var crc = UInt32(byte)
      for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0x82F6_3B78 : 0) }
      tables[byte] = crc
    }
    for at in 256..<tables.count {
      let before = tables[at - 256]
      tables[at] = before >> 8 ^ tables[Int(before & 255)]
    }
    return tables
  }()
}
