internal import DenseMath
internal import Parameters

/// How numbers travel: as they are, or as copies in bfloat16.
///
/// Numbers in bfloat16 were rounded to it where they were made, so nothing is lost on the way.
final class Wire: Sendable {
  // Room for the copies; nil where there are none.
  private let copies: Numbers<UInt16>?

  /// A way for stretches of so many numbers.
  init(count: Int, _ precision: GradientPrecision) {
    copies = precision == .bfloat16 ? Numbers(count: count) : nil
  }

  /// Makes room for so many numbers; what was there is lost where it must grow.
  func reserve(_ count: Int) { copies?.reserve(count) }

  /// Prepares a stretch of `values` to be sent.
  func pack(_ values: UnsafeMutablePointer<Float>, in range: Range<Int>) {
    guard let copies else { return }
    Float.packBFloat16(
      values + range.lowerBound, into: copies.base + range.lowerBound, count: range.count)
  }

  /// Writes a stretch that was received to `values`.
  func unpack(_ range: Range<Int>, into values: UnsafeMutablePointer<Float>) {
    guard let copies else { return }
    Float.unpackBFloat16(
      copies.base + range.lowerBound, into: values + range.lowerBound, count: range.count)
  }

  /// What is sent of a stretch of `values`, or where it is received.
  func bytes(
    of values: UnsafeMutablePointer<Float>, _ range: Range<Int>
  ) -> UnsafeMutableRawBufferPointer {
    copies?.bytes(range) ?? Cluster.bytes(values, range)
  }
}

/// Numbers and their way.
final class Packet: Sendable {
  private let numbers: Numbers<Float>
  private let wire: Wire

  /// Room for so many numbers.
  init(count: Int, _ precision: GradientPrecision) {
    numbers = Numbers(count: count)
    wire = Wire(count: count, precision)
  }

  /// The numbers.
  var base: UnsafeMutablePointer<Float> { numbers.base }

  /// Makes room for so many numbers; what was there is lost where it must grow.
  func reserve(_ count: Int) {
    numbers.reserve(count)
    wire.reserve(count)
  }

  /// Prepares a stretch to be sent.
  func pack(_ range: Range<Int>) { wire.pack(base, in: range) }

  /// Takes a stretch that was received.
  func unpack(_ range: Range<Int>) { wire.unpack(range, into: base) }

  /// What is sent of a stretch, or where it is received.
  func bytes(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer { wire.bytes(of: base, range) }
}
