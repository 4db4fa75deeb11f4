/// A number that tells the data of one run from those of another, so that a checkpoint is not gone
/// on with on other data.
///
/// It is FNV-1a (G. Fowler, L. C. Noll and K.-P. Vo): the 64-bit offset and prime of the Internet
/// draft `draft-eastlake-fnv`.
public struct Fingerprint: Sendable, Equatable, CustomStringConvertible {
  private var hash: UInt64 = 0xcbf2_9ce4_8422_2325

  /// The fingerprint of nothing.
  public init() {}

  /// Takes in ids, in their order.
  public mutating func add(_ ids: some Sequence<Int32>) {
    for id in ids { mix(UInt64(UInt32(bitPattern: id))) }
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
