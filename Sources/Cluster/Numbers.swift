/// Memory for numbers on their way, which grows to what is needed and stays.
///
/// It is `Sendable` because each thread writes to places of its own, and others read them only after all have done so.
final class Numbers<Number: BitwiseCopyable>: @unchecked Sendable {
  private(set) var base: UnsafeMutablePointer<Number>
  private var capacity: Int

  /// Room for so many numbers.
  init(count: Int) {
    capacity = max(1, count)
    base = .allocate(capacity: capacity)
    UnsafeMutableRawPointer(base).initializeMemory(
      as: UInt8.self, repeating: 0, count: capacity * MemoryLayout<Number>.stride)
  }

  deinit { base.deallocate() }

  /// Makes room for so many numbers; what was there is lost where it must grow.
  func reserve(_ count: Int) {
    guard count > capacity else { return }
    base.deallocate()
    capacity = count + count / 4
    base = .allocate(capacity: capacity)
  }

  /// The bytes of a stretch.
  func bytes(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
    Cluster.bytes(base, range)
  }
}

/// The bytes of a stretch of numbers.
func bytes<Number: BitwiseCopyable>(
  _ base: UnsafeMutablePointer<Number>, _ range: Range<Int>
) -> UnsafeMutableRawBufferPointer {
  UnsafeMutableRawBufferPointer(
    start: base + range.lowerBound, count: range.count * MemoryLayout<Number>.stride)
}
