import DenseMath
import TestSupport
import Testing

@Suite struct BFloat16Tests {
  /// Bits of Floats and what PyTorch 2.15 makes of them by `to(torch.bfloat16)`.
  @Test(
    arguments: [
      (0x3F80_0000, 0x3F80), (0x8000_0000, 0x8000), (0x3DCC_CCCD, 0x3DCD), (0x3EAA_AAAB, 0x3EAB),
      (0x4049_0FDB, 0x4049), (0x3F80_8000, 0x3F80), (0x3F81_8000, 0x3F82), (0x477F_E000, 0x4780),
      (0x0001_16C2, 0x0001), (0x7F7F_0000, 0x7F7F), (0x7F7F_C99E, 0x7F80), (0x8000_0002, 0x8000),
      (0x7F80_0000, 0x7F80),
    ] as [(UInt32, UInt16)])
  func bitsAreThoseOfPyTorch(_ bits: UInt32, _ expected: UInt16) {
    #expect(Float(bitPattern: bits).bfloat16 == expected)
  }

  /// Numbers of all sizes, and as many that lie halfway between two that bfloat16 has.
  private static let numbers: [Float] = {
    var random = TestNumbers(seed: 4)
    return (0..<60_000).flatMap { _ in
      let bits = UInt32(random.integer(0...0xFFFF_FFFF))
      return [bits, bits & 0xFFFF_0000 | 0x8000, bits & 0xFFFF_0000].map(Float.init(bitPattern:))
    }.filter(\.isFinite)
  }()

  @Test func numbersBecomeTheNearest() {
    let numbers = Self.numbers
    let expected = numbers.map(nearestBFloat16)
    #expect(numbers.map { Float(bfloat16: $0.bfloat16) } == expected)
    var rounded = numbers
    rounded.withUnsafeMutableBufferPointer { block in
      block.baseAddress.map { Float.roundToBFloat16($0, count: block.count) }
    }
    #expect(rounded.map(\.bitPattern) == expected.map(\.bitPattern))
    var bits = [UInt16](repeating: 1, count: numbers.count)
    Float.packBFloat16(numbers, into: &bits, count: numbers.count)
    #expect(bits == numbers.map(\.bfloat16))
    var back = [Float](repeating: .nan, count: numbers.count)
    Float.unpackBFloat16(bits, into: &back, count: numbers.count)
    #expect(back == expected)
    var doubles = numbers.map(Double.init)
    Double.roundToBFloat16(&doubles, count: doubles.count)
    #expect(doubles == expected.map(Double.init))
  }

  @Test(arguments: [0x7F80_0001, 0x7FFF_FFFF, 0xFF80_0001, 0xFFFF_8000, 0x7FC0_0000] as [UInt32])
  func whatIsNoNumberStaysNone(_ bits: UInt32) {
    let number = Float(bitPattern: bits)
    #expect(Float(bfloat16: number.bfloat16).isNaN)
    var block = [number]
    Float.roundToBFloat16(&block, count: 1)
    #expect(block[0].isNaN && block[0].bitPattern & 0xFFFF == 0)
  }
}
