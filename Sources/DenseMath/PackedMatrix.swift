/// A weight matrix in the layout that multiplies fastest: packed once after each update, used by
/// every time step until the next.
///
/// A row of a product has the same bits whichever rows are multiplied beside it.
///
/// In `Double` it is a plain copy and multiplies with the plain loops.
///
/// It is `Sendable` because `load` is called by its one owner while no product runs (shards run only
/// between updates), and products only read the packed copy and keep their scratch per thread.
public final class PackedMatrix<S: Real>: @unchecked Sendable {
  private let handle: OpaquePointer?
  private let plain: UnsafeMutablePointer<S>?
  private let inner, outer: Int
  /// The precision of products with it; in `Double` that is always full.
  public let precision: ProductPrecision

  /// Room for an `inner` x `outer` matrix, k x n in x · packed.
  public init(inner: Int, outer: Int, precision: ProductPrecision = .float32) {
    self.inner = inner
    self.outer = outer
    self.precision = precision
    handle = S.makePacked(inner: inner, outer: outer, precision: precision)
    plain = handle == nil ? .allocate(capacity: max(1, inner * outer)) : nil
  }

  deinit {
    if let handle { S.destroyPacked(handle) }
    plain?.deallocate()
  }

  /// The bytes that the copy takes.
  public var byteCount: Int {
    handle.map(S.packedBytes) ?? inner * outer * MemoryLayout<S>.stride
  }

  /// Packs an inner x outer matrix, or one that is stored transposed, outer x inner.
  public func load(_ matrix: Matrix<S>, transposed: Bool) {
    assert((transposed ? matrix.columns : matrix.rows) == inner)
    assert((transposed ? matrix.rows : matrix.columns) == outer)
    if let handle {
      S.loadPacked(handle, from: matrix, transposed: transposed)
    } else if let plain {
      let copy = Matrix(plain, rows: inner, columns: outer)
      for k in 0..<inner {
        for n in 0..<outer { copy[k, n] = transposed ? matrix[n, k] : matrix[k, n] }
      }
    }
  }

  /// y [m, outer] (+)= x [m, inner] · packed.
  public func product(_ x: Matrix<S>, into y: Matrix<S>, accumulate: Bool) {
    assert(x.columns == inner && y.columns == outer && x.rows == y.rows)
    if let handle {
      S.packedProduct(x, handle, into: y, accumulate: accumulate)
    } else if let plain {
      S.product(
        x, transposed: false, Matrix(plain, rows: inner, columns: outer), transposed: false,
        into: y, accumulate: accumulate)
    }
  }
}
