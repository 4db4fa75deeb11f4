// bfloat16 is the upper half of a Float: 8 bits of exponent, 7 of fraction (Kalamkar et al., A Study of BFLOAT16 for
// Deep Learning Training, 2019).

extension Float {
  /// The bits of the nearest bfloat16, ties to even; what is too large becomes an infinity, NaN stays NaN.
  public var bfloat16: UInt16 { UInt16(truncatingIfNeeded: nearestBFloat16(bitPattern) >> 16) }

  /// The number that has the bits of a bfloat16.
  public init(bfloat16 bits: UInt16) { self.init(bitPattern: UInt32(bits) << 16) }

  /// Rounds numbers to the nearest bfloat16, as `bfloat16` does.
  public static func roundToBFloat16(_ values: UnsafeMutablePointer<Float>, count: Int) {
    for i in 0..<count { values[i] = Float(bitPattern: nearestBFloat16(values[i].bitPattern)) }
  }

  /// Writes the bits of the nearest bfloat16 of each number.
  package static func packBFloat16(
    _ values: UnsafePointer<Float>, into bits: UnsafeMutablePointer<UInt16>, count: Int
  ) {
    for i in 0..<count {
      bits[i] = UInt16(truncatingIfNeeded: nearestBFloat16(values[i].bitPattern) >> 16)
    }
  }

  /// Writes the numbers that have the bits of bfloat16.
  package static func unpackBFloat16(
    _ bits: UnsafePointer<UInt16>, into values: UnsafeMutablePointer<Float>, count: Int
  ) {
    for i in 0..<count { values[i] = Float(bitPattern: UInt32(bits[i]) << 16) }
  }
}

extension Real {
  /// Rounds numbers to the nearest bfloat16, one by one.
  public static func roundToBFloat16(_ values: UnsafeMutablePointer<Self>, count: Int) {
    for i in 0..<count { values[i] = Self(Float(bfloat16: Float(values[i]).bfloat16)) }
  }
}

/// The bits of a Float whose lower half is 0; without a branch, so that loops of it run on vectors.
@inline(__always)
private func nearestBFloat16(_ bits: UInt32) -> UInt32 {
  let rounded = bits &+ 0x7FFF &+ (bits >> 16) & 1
  // Rounding could carry a NaN into an infinity or a zero; a bit of its upper half keeps it one.
  let isNaN = bits & 0x7FFF_FFFF > 0x7F80_0000
  return (isNaN ? bits | 0x0040_0000 : rounded) & 0xFFFF_0000
}
