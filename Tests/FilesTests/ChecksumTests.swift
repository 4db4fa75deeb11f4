import Testing

@testable import Files

@Suite struct ChecksumTests {
  private func checksum(_ bytes: [UInt8]) -> UInt32 {
    var sum = CRC32C()
    bytes.withUnsafeBytes { sum.add($0) }
    return sum.value
  }

  /// The test vectors of RFC 3720, appendix B.4, and the check value of the CRC catalogue.
  @Test func valuesAreThoseOfTheStandard() {
    #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
    #expect(checksum((0..<32).reversed().map { UInt8($0) }) == 0x113F_DB5C)
    #expect(checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(checksum([]) == 0)
  }

  /// However the bytes are cut, the sum is that of the polynomial division bit by bit.
  @Test func piecesMakeTheSumOfTheWhole() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 3) }
    var crc = UInt32.max
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0x82F6_3B78 : 0) }
    }
    for cut in [0, 1, 7, 8, 9, 500, 999, 1000] {
      var sum = CRC32C()
      bytes[..<cut].withUnsafeBytes { sum.add($0) }
      bytes[cut...].withUnsafeBytes { sum.add($0) }
      #expect(sum.value == ~crc, "cut at \(cut)")
      // CPUs without the instruction come to the same.
      var slow = CRC32C()
      bytes[..<cut].withUnsafeBytes { slow.addByTables($0) }
      bytes[cut...].withUnsafeBytes { slow.addByTables($0) }
      #expect(slow == sum, "cut at \(cut)")
    }
    #expect(checksum(bytes) == ~crc)
  }

  @Test func digitsAreAlwaysEight() {
    #expect(CRC32C().digits == "00000000")
  }

  /// FNV-1a of the bytes of "foobar" is published; the end of a text is one more byte.
  @Test func fingerprintIsFNV1a() {
    var published: UInt64 = 0x8594_4171_f739_67e8
    published = (published ^ 0xFF) &* 0x100_0000_01b3
    var fingerprint = Fingerprint()
    fingerprint.add("foobar")
    #expect(fingerprint.description == String(published, radix: 16))
  }
}
