internal import Glibc

/// Scratch memory for one batch: blocks are handed out one after another and all taken back at
/// once.
///
/// After the first batch of the largest shape `reset()` leaves one chunk that holds everything, so
/// from then on a batch allocates nothing. Blocks are 64-byte aligned and not initialised.
///
///     var arena = Arena<Float>()
///     let x = arena.matrix(64, 512)
///     arena.reset()                   // x must not be used any more: debug builds trap where it is
public struct Arena<S: Real>: ~Copyable {
  private var chunks: [UnsafeMutableRawBufferPointer] = []
  private var used = 0  // bytes of the last chunk
  private var total = 0  // bytes of all chunks

  #if DEBUG
    private let clock = ArenaClock()
  #endif

  /// How often memory was asked of the system: constant once training is steady.
  public private(set) var allocations = 0

  /// The blocks handed out since the last `reset()`.
  public private(set) var blocks = 0

  /// An empty arena.
  public init() {}

  deinit {
    #if DEBUG
      clock.end()
    #endif
    for chunk in chunks { chunk.deallocate() }
  }

  /// The bytes that the arena holds.
  public var capacity: Int { total }

  /// Takes all blocks back.
  public mutating func reset() {
    #if DEBUG
      clock.advance()
    #endif
    used = 0
    blocks = 0
    guard chunks.count > 1 else { return }
    for chunk in chunks { chunk.deallocate() }
    chunks.removeAll(keepingCapacity: true)
    let wanted = total
    total = 0
    grow(to: wanted)
  }

  /// A block of rows and columns whose content is whatever was there.
  public mutating func matrix(_ rows: Int, _ columns: Int) -> Matrix<S> {
    let bytes = take(rows * columns * MemoryLayout<S>.stride)
    let start = bytes.assumingMemoryBound(to: S.self)
    #if DEBUG
      return Matrix(start, rows: rows, columns: columns, lease: Lease(clock))
    #else
      return Matrix(start, rows: rows, columns: columns)
    #endif
  }

  /// A block of zeros.
  public mutating func zeros(_ rows: Int, _ columns: Int) -> Matrix<S> {
    let block = matrix(rows, columns)
    S.fill(block, with: 0)
    return block
  }

  /// A place for `count` indices, whose content is whatever was there.
  public mutating func indices(_ count: Int) -> IndexBlock {
    let start = take(count * MemoryLayout<Int32>.stride).assumingMemoryBound(to: Int32.self)
    #if DEBUG
      return IndexBlock(start, count: count, lease: Lease(clock))
    #else
      return IndexBlock(start, count: count)
    #endif
  }

  /// A block of these indices.
  public mutating func indices(of numbers: some Collection<Int32>) -> IndexBlock {
    let block = indices(numbers.count)
    for (place, number) in numbers.enumerated() { block[place] = number }
    return block
  }

  private mutating func take(_ bytes: Int) -> UnsafeMutableRawPointer {
    let padded = max((bytes + 63) & ~63, 64)
    if chunks.isEmpty || used + padded > chunks[chunks.count - 1].count { grow(to: padded) }
    blocks += 1
    defer { used += padded }
    return chunks[chunks.count - 1].baseAddress.unsafelyUnwrapped + used
  }

  private mutating func grow(to bytes: Int) {
    // Doubling keeps the number of chunks of the first batch small.
    let size = max(bytes, total, 1 << 16)
    chunks.append(.allocate(byteCount: size, alignment: 64))
    allocations += 1
    total += size
    used = 0
  }
}

#if DEBUG
  /// Which batch an arena is at.
  final class ArenaClock {
    fileprivate private(set) var batch = 0
    fileprivate private(set) var hasEnded = false

    func advance() { batch += 1 }
    func end() { hasEnded = true }
  }

  /// What a view of an arena's memory holds to know whether it is still good.
  ///
  /// A reference for each view and a comparison for each use: too dear for release builds, which have
  /// nothing of this.
  struct Lease {
    private let clock: ArenaClock
    private let batch: Int

    init(_ clock: ArenaClock) {
      self.clock = clock
      batch = clock.batch
    }

    func check() {
      precondition(!clock.hasEnded, "a block of an arena is used after the arena's end")
      precondition(
        clock.batch == batch, "a block of an arena is used after the arena's reset()")
    }
  }
#endif

/// The memory of the machine.
public enum SystemMemory {
  /// The bytes of physical memory, or nil where the system does not say.
  public static var bytes: Int? {
    let (pages, size) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
    return pages > 0 && size > 0 ? pages * size : nil
  }

  /// The bytes of physical memory that this process has, or nil where the system does not say.
  public static var residentBytes: Int? {
    let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var text = [UInt8](repeating: 0, count: 256)
    let length = read(file, &text, text.count)
    let numbers = String(decoding: text.prefix(max(0, length)), as: UTF8.self).split(separator: " ")
    guard numbers.count > 1, let pages = Int(numbers[1]) else { return nil }
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }
}
