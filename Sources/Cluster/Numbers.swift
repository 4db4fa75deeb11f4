internal import Glibc

/// Memory for numbers on their way, which grows to what is needed and stays.
///
/// It is `Sendable` because each thread writes to places of its own, and others read them only after all have done so.
final class Numbers<Number: BitwiseCopyable>: @unchecked Sendable {
  private(set) var base: UnsafeMutablePointer<Number>
  private var capacity: Int

  /// Room for so many numbers.
  init(count: Int) {
    capacity = max(1, count)
    base = Self.room(capacity)
  }

  deinit { free(base) }

  // Zeros that take no memory until something is written: of a table of rows few may ever be.
  private static func room(_ count: Int) -> UnsafeMutablePointer<Number> {
    guard let memory = calloc(count, MemoryLayout<Number>.stride) else {
      fatalError("there is no memory for \(count) numbers on their way")
    }
    return memory.bindMemory(to: Number.self, capacity: count)
  }

  /// Makes room for so many numbers; what was there is lost where it must grow.
  func reserve(_ count: Int) {
    guard count > capacity else { return }
    free(base)
    capacity = count + count / 4
    base = Self.room(capacity)
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
