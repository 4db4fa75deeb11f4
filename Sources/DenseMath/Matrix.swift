/// A view of a row-major block of numbers that somebody else owns: an arena, a parameter block, or
/// a mapped file.
///
/// A matrix is a place, not a value: copying it copies the view. Views of an `Arena` end with the
/// arena's next `reset()`, or with the arena. Debug builds trap where one is used after that, and
/// where an index is out of bounds; release builds check neither.
public struct Matrix<S: Real> {
  #if DEBUG
    private let start: UnsafeMutablePointer<S>
    // Nil where the memory is no arena's.
    private let lease: Lease?

    /// The first element.
    public var base: UnsafeMutablePointer<S> {
      lease?.check()
      return start
    }
  #else
    /// The first element.
    public let base: UnsafeMutablePointer<S>
  #endif
  /// The number of rows and of columns.
  public let rows, columns: Int
  /// The elements from the start of one row to the start of the next.
  public let stride: Int

  /// A view of `rows` rows of `columns` elements, `stride` elements apart (default: dense).
  public init(_ base: UnsafeMutablePointer<S>, rows: Int, columns: Int, stride: Int? = nil) {
    #if DEBUG
      start = base
      lease = nil
    #else
      self.base = base
    #endif
    self.rows = rows
    self.columns = columns
    self.stride = stride ?? columns
    assert(rows >= 0 && columns >= 0 && self.stride >= columns)
  }

  #if DEBUG
    /// A view of an arena's memory.
    init(
      _ start: UnsafeMutablePointer<S>, rows: Int, columns: Int, stride: Int? = nil, lease: Lease?
    ) {
      self.start = start
      self.lease = lease
      self.rows = rows
      self.columns = columns
      self.stride = stride ?? columns
      assert(rows >= 0 && columns >= 0 && self.stride >= columns)
    }
  #endif

  /// Another view of the same memory, which ends with this one.
  private func view(at offset: Int, rows: Int, columns: Int, stride: Int) -> Matrix {
    #if DEBUG
      Matrix(base + offset, rows: rows, columns: columns, stride: stride, lease: lease)
    #else
      Matrix(base + offset, rows: rows, columns: columns, stride: stride)
    #endif
  }

  /// The element in a row and column.
  @inlinable
  public subscript(row: Int, column: Int) -> S {
    get {
      assert(row >= 0 && row < rows && column >= 0 && column < columns)
      return base[row * stride + column]
    }
    nonmutating set {
      assert(row >= 0 && row < rows && column >= 0 && column < columns)
      base[row * stride + column] = newValue
    }
  }

  /// The rows in a range.
  public func rows(_ range: Range<Int>) -> Matrix {
    assert(range.lowerBound >= 0 && range.upperBound <= rows)
    return view(at: range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
  }

  /// The columns in a range.
  public func columns(_ range: Range<Int>) -> Matrix {
    assert(range.lowerBound >= 0 && range.upperBound <= columns)
    return view(at: range.lowerBound, rows: rows, columns: range.count, stride: stride)
  }

  /// The elements of a dense block from number `offset` on, in another shape.
  public func reshaped(from offset: Int = 0, rows: Int, columns: Int) -> Matrix {
    assert(stride == self.columns || self.rows <= 1, "a strided block cannot be reshaped")
    assert(offset >= 0 && offset + rows * columns <= self.rows * self.columns)
    return view(at: offset, rows: rows, columns: columns, stride: columns)
  }

  /// The k-th of the equally wide parts that lie side by side, `width` columns each: one gate.
  public func part(_ k: Int, width: Int) -> Matrix { columns(k * width..<(k + 1) * width) }

  /// The elements row by row, copied: for tests and for printing.
  public var elements: [S] {
    (0..<rows).flatMap { r in (0..<columns).map { c in self[r, c] } }
  }
}

/// In debug builds, traps unless all blocks have one shape.
///
/// The blocks come in a closure, so that release builds make no array of them.
@inline(__always)
func checkShapes<S: Real>(_ blocks: @autoclosure () -> [Matrix<S>]) {
  assert(
    {
      let all = blocks()
      return all.allSatisfy { $0.rows == all[0].rows && $0.columns == all[0].columns }
    }())
}
