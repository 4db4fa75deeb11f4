public import DenseMath
internal import Glibc

/// The gradients of one shard, or their sum: a block in the layout of the weights.
///
/// Of a row-sparse weight only the rows that a batch touched hold anything, and which those are is
/// kept: clearing, summing and the optimiser visit these rows alone.
///
/// Cells and layers add to it through `Workspace.gradient(of:)` and `addGradient`. It is `Sendable`
/// under the rule of `Parameters`: one thread adds to it, and others read it only
/// between the runs of the shards. The optimiser's threads each change rows of their own.
public final class Gradients<S: Real>: @unchecked Sendable {
  /// The numbers; rows of row-sparse weights that were not touched are 0.
  public let values: Parameters<S>
  /// For each entry of the layout its table of rows, where it is row-sparse.
  private let tables: [Table?]
  /// The stretches of the block that no row-sparse weight lies in.
  private let dense: [Range<Int>]

  private struct Table {
    let offset, columns: Int
    let touched: RowSet

    func range(of row: Int) -> Range<Int> {
      offset + row * columns..<offset + (row + 1) * columns
    }
  }

  /// Gradients of 0.
  public init(_ layout: ParameterLayout) {
    values = Parameters(layout)
    tables = layout.entries.map { entry in
      entry.isRowSparse
        ? Table(
          offset: entry.offset, columns: entry.shape[1], touched: RowSet(rows: entry.shape[0]))
        : nil
    }
    var dense: [Range<Int>] = []
    var start = 0
    for entry in layout.entries where entry.isRowSparse {
      dense.append(start..<entry.offset)
      start = entry.offset + entry.count
    }
    self.dense = dense + [start..<layout.count]
  }

  /// Where the gradient of a weight is added up; row-sparse weights have `add` instead.
  package subscript(weight: Weight) -> Matrix<S> {
    precondition(
      tables[weight.index] == nil,
      "a row-sparse weight's gradient is added to by rows, so that these are known")
    return values[weight]
  }

  /// The elements of one entry of the layout, to be read.
  package func elements(of entry: ParameterLayout.Entry) -> UnsafeMutableBufferPointer<S> {
    values.elements(of: entry)
  }

  /// Adds row r of `rows` to row index[r] of a weight, row-sparse or not, in the order of the rows.
  package func add(_ rows: Matrix<S>, to weight: Weight, at index: IndexBlock) {
    S.scatterAdd(rows, at: index, into: values[weight])
    guard let touched = tables[weight.index]?.touched else { return }
    for row in 0..<rows.rows { touched.insert(Int(index[row])) }
  }

  /// Sets all to 0, of row-sparse weights the rows that were touched; then none is.
  package func clear() {
    for range in dense { clear(range) }
    for case .some(let table) in tables {
      table.touched.forEach(in: 0..<table.touched.rows) { clear(table.range(of: $0)) }
      table.touched.removeAll()
    }
  }

  private func clear(_ range: Range<Int>) {
    memset(values.base + range.lowerBound, 0, range.count * MemoryLayout<S>.stride)
  }

  /// A word of 64 bits for each 64 rows of an entry, a bit for each row that was touched; nil for an entry that is
  /// not row-sparse.
  ///
  /// Who sets a bit writes the row.
  package func touchedWords(ofEntry entry: Int) -> UnsafeMutableBufferPointer<UInt64>? {
    tables[entry]?.touched.words
  }

  /// Calls `body` for what counts of a piece of the layout: all of it, or each touched row.
  ///
  /// Rows come in rising order.
  package func forEachStretch(
    in piece: (range: Range<Int>, entry: Int), _ body: (Range<Int>) -> Void
  ) {
    guard let table = tables[piece.entry] else { return body(piece.range) }
    table.touched.forEach(in: rows(of: piece.range, in: table)) { body(table.range(of: $0)) }
  }

  /// Adds a piece of other gradients of the same layout; the sum is rounded to a precision.
  package func add(
    _ other: Gradients, in piece: (range: Range<Int>, entry: Int),
    roundingTo precision: GradientPrecision = .float32
  ) {
    other.forEachStretch(in: piece) { range in
      let sum = values.base + range.lowerBound
      S.add(
        Matrix(other.values.base + range.lowerBound, rows: 1, columns: range.count),
        into: Matrix(sum, rows: 1, columns: range.count))
      precision.round(sum, count: range.count)
    }
    if let table = tables[piece.entry], let others = other.tables[piece.entry] {
      table.touched.formUnion(others.touched, in: rows(of: piece.range, in: table))
    }
  }

  /// Rounds what counts of a piece to a precision.
  package func round(
    _ piece: (range: Range<Int>, entry: Int), to precision: GradientPrecision
  ) {
    guard precision != .float32 else { return }
    forEachStretch(in: piece) { precision.round(values.base + $0.lowerBound, count: $0.count) }
  }

  private func rows(of range: Range<Int>, in table: Table) -> Range<Int> {
    (range.lowerBound - table.offset) / table.columns..<(range.upperBound - table.offset)
      / table.columns
  }
}

/// Which rows of a table were touched, a bit for each: so they are in order without being sorted.
///
/// It is `Sendable` under the rule of `Gradients`. Threads that unite sets at once have pieces of
/// the layout, which begin at a multiple of 64 rows (`ParameterLayout.rowGroup`), so no two have
/// the same word.
private final class RowSet: @unchecked Sendable {
  let rows: Int
  let words: UnsafeMutableBufferPointer<UInt64>

  init(rows: Int) {
    self.rows = rows
    words = .allocate(capacity: (rows + 63) >> 6)
    words.initialize(repeating: 0)
  }

  deinit { words.deallocate() }

  func insert(_ row: Int) {
    precondition(row >= 0 && row < rows, "the table has no such row")
    words[row >> 6] |= 1 << UInt64(row & 63)
  }

  func removeAll() { words.update(repeating: 0) }

  /// Takes over the rows of another set that lie in a range, which begins at a word.
  func formUnion(_ other: RowSet, in range: Range<Int>) {
    for word in Self.words(of: range) { words[word] |= other.words[word] }
  }

  /// Calls `body` for each row in a range that begins at a word, in rising order.
  func forEach(in range: Range<Int>, _ body: (Int) -> Void) {
    for word in Self.words(of: range) {
      var rest = words[word]
      while rest != 0 {
        body(word << 6 + rest.trailingZeroBitCount)
        rest &= rest - 1
      }
    }
  }

  /// The words of a range of rows that begins at a word, and ends at one or with the table.
  private static func words(of range: Range<Int>) -> Range<Int> {
    range.lowerBound >> 6..<(range.upperBound + 63) >> 6
  }
}
