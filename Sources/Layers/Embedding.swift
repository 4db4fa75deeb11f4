public import DenseMath
public import Parameters

/// A learnt vector for each symbol: rows of a table [symbols, width].
///
/// A batch uses few distinct symbols many times. So it is looked up once for each distinct symbol,
/// and the rows that follow say which of these they mean: the layer above projects each distinct
/// vector once, instead of once for each place where it stands.
public struct Embedding: Sendable {
  /// The number of symbols and of units.
  public let symbols, width: Int
  /// The handle of the table.
  public let table: Weight

  /// Declares the table as `name`.
  public init(
    symbols: Int, width: Int, name: String, in layout: inout ParameterLayout
  ) {
    self.symbols = symbols
    self.width = width
    // Variance 1 like PyTorch's normal initialisation: √3 is the bound of that uniform.
    table = layout.declare(
      name, shape: [symbols, width], as: .uniform(3.0.squareRoot()))
  }

  /// What a batch looked up.
  public struct Trace<S: Real> {
    /// The vectors of the distinct symbols, in the order of their first appearance.
    public let vectors: Matrix<S>
    /// For each row of the batch, which of `vectors` it means.
    public let index: UnsafePointer<Int32>
    let distinct: UnsafePointer<Int32>
  }

  /// Looks up `count` symbols, each below `symbols`.
  public func forward<S: Real>(
    _ ids: UnsafePointer<Int32>, count: Int, on workspace: Workspace<S>
  ) -> Trace<S> {
    let place = workspace.arena.indices(symbols)
    let index = workspace.arena.indices(count)
    let distinct = workspace.arena.indices(min(count, symbols))
    place.update(repeating: -1)
    var found = 0
    for row in 0..<count {
      let id = Int(ids[row])
      if place[id] < 0 {
        place[id] = Int32(found)
        distinct[found] = ids[row]
        found += 1
      }
      index[row] = place[id]
    }
    let vectors = workspace.arena.matrix(found, width)
    let distinctIDs = UnsafePointer(distinct.baseAddress.unsafelyUnwrapped)
    S.gather(workspace[table], at: distinctIDs, into: vectors)
    return Trace(
      vectors: vectors, index: UnsafePointer(index.baseAddress.unsafelyUnwrapped),
      distinct: distinctIDs)
  }

  /// Adds the gradient of the distinct vectors to the table's.
  public func backward<S: Real>(
    _ trace: Trace<S>, gradient: Matrix<S>, on workspace: Workspace<S>
  ) {
    S.scatterAdd(gradient, at: trace.distinct, into: workspace.gradient(of: table))
  }
}
