public import DenseMath
public import Parameters

/// A learnt vector for each token: rows of a table [vocabularySize, width].
///
/// A batch uses few distinct tokens many times. So it is looked up once for each distinct token,
/// and the rows that follow say which of these they mean: the layer above projects each distinct
/// vector once, instead of once for each place where it stands.
public struct Embedding: Sendable {
  /// The number of tokens of the vocabulary, and of units.
  public let vocabularySize, width: Int
  /// The handle of the table.
  public let table: Weight

  /// From so many tokens on, a table is row-sparse.
  ///
  /// The result is the same either way. Of 100 columns, with 1,400 places a batch in two shards and
  /// words as frequent as in text, 2,048 rows took 0.13 ms an update dense and 0.36 row-sparse, 8,192
  /// 0.74 and 1.1, 20,000 3.8 and 2.8, 100,000 12.7 and 3.7; more shards cost a dense table more.
  static let minSparseSize = 8192

  /// Declares the table as `name`.
  ///
  /// A large table is row-sparse: an update changes only the vectors of the tokens that its batch
  /// holds, and the others make up for it before they are next read. `usedAsOutput` says that
  /// products use the table too, whose gradient has all rows: then it never is.
  public init(
    vocabularySize: Int, width: Int, name: String, usedAsOutput: Bool = false,
    in layout: inout ParameterLayout
  ) {
    self.vocabularySize = vocabularySize
    self.width = width
    // Variance 1 like PyTorch's normal initialisation: √3 is the bound of that uniform.
    table = layout.declare(
      name, shape: [vocabularySize, width], as: .uniform(3.0.squareRoot()),
      isRowSparse: vocabularySize >= Self.minSparseSize && !usedAsOutput)
  }

  /// The vectors of a batch, and what the backward pass needs.
  public struct Trace<S: Real> {
    /// The vectors of the distinct tokens, in the order of their first appearance.
    public let vectors: Matrix<S>
    /// For each row of the batch, which of `vectors` it means.
    public let index: IndexBlock
    let distinct: IndexBlock
  }

  /// Looks up ids, each below `vocabularySize`.
  public func forward<S: Real>(
    _ ids: IndexBlock, on workspace: Workspace<S>
  ) -> Trace<S> {
    let place = workspace.arena.indices(vocabularySize)
    let index = workspace.arena.indices(ids.count)
    let room = workspace.arena.indices(min(ids.count, vocabularySize))
    place.fill(with: -1)
    var found = 0
    for row in ids.indices {
      let id = Int(ids[row])
      if place[id] < 0 {
        place[id] = Int32(found)
        room[found] = ids[row]
        found += 1
      }
      index[row] = place[id]
    }
    let vectors = workspace.arena.matrix(found, width)
    let distinct = room.part(0..<found)
    workspace.rows(of: table, at: distinct, into: vectors)
    return Trace(vectors: vectors, index: index, distinct: distinct)
  }

  /// Adds the gradient of the distinct vectors to the table's.
  public func backward<S: Real>(
    _ trace: Trace<S>, gradient: Matrix<S>, on workspace: Workspace<S>
  ) {
    workspace.addGradient(of: table, rows: gradient, at: trace.distinct)
  }
}
