/// A number that tells the data of one run from those of another (FNV-1a), so that a checkpoint is
/// not gone on with on other data.
public struct Fingerprint: Sendable, Equatable, CustomStringConvertible {
  private var hash: UInt64 = 0xcbf2_9ce4_8422_2325

  /// The fingerprint of nothing.
  public init() {}

  /// Takes in numbers, in their order.
  public mutating func add(_ numbers: some Sequence<Int32>) {
    for number in numbers { mix(UInt64(UInt32(bitPattern: number))) }
  }

  /// Takes in a text and its end.
  public mutating func add(_ text: String) {
    for byte in text.utf8 { mix(UInt64(byte)) }
    mix(0xFF)
  }

  private mutating func mix(_ value: UInt64) { hash = (hash ^ value) &* 0x100_0000_01b3 }

  /// The number in hexadecimal digits.
  public var description: String { String(hash, radix: 16) }
}
