/// A view of whole numbers that somebody else owns, mostly an arena: rows to look up, ids, targets.
///
/// It is a place, as a `Matrix` is. Debug builds trap where an index is out of bounds, and where an
/// arena's block is used after the arena's next `reset()`; release builds check neither.
public struct IndexBlock: RandomAccessCollection {
  #if DEBUG
    private let start: UnsafeMutablePointer<Int32>
    private let lease: Lease?

    @usableFromInline var base: UnsafeMutablePointer<Int32> {
      lease?.check()
      return start
    }
  #else
    @usableFromInline let base: UnsafeMutablePointer<Int32>
  #endif
  /// How many there are.
  public let count: Int

  /// A view of `count` numbers.
  public init(_ base: UnsafeMutablePointer<Int32>, count: Int) {
    #if DEBUG
      start = base
      lease = nil
    #else
      self.base = base
    #endif
    self.count = count
  }

  #if DEBUG
    /// A view of an arena's memory.
    init(_ start: UnsafeMutablePointer<Int32>, count: Int, lease: Lease?) {
      self.start = start
      self.lease = lease
      self.count = count
    }
  #endif

  /// 0.
  public var startIndex: Int { 0 }
  /// The count.
  public var endIndex: Int { count }

  /// The number in a place.
  @inlinable
  public subscript(place: Int) -> Int32 {
    get {
      assert(place >= 0 && place < count, "a block of indices has no such place")
      return base[place]
    }
    nonmutating set {
      assert(place >= 0 && place < count, "a block of indices has no such place")
      base[place] = newValue
    }
  }

  /// The view of the places in a range.
  public func part(_ range: Range<Int>) -> IndexBlock {
    assert(range.lowerBound >= 0 && range.upperBound <= count)
    #if DEBUG
      return IndexBlock(base + range.lowerBound, count: range.count, lease: lease)
    #else
      return IndexBlock(base + range.lowerBound, count: range.count)
    #endif
  }

  /// Sets all to one number.
  public func fill(with number: Int32) { base.update(repeating: number, count: count) }

  /// Lets `body` write the numbers as a buffer, for what knows no blocks.
  public func withUnsafeMutableBufferPointer<Result>(
    _ body: (UnsafeMutableBufferPointer<Int32>) -> Result
  ) -> Result {
    body(UnsafeMutableBufferPointer(start: base, count: count))
  }
}
