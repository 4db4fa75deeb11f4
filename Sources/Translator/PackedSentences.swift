internal import Cells
internal import DenseMath
internal import Parameters

/// Sentences in packed rows, falling in length, and where each of them stands.
///
/// A recurrence reads packed rows, step after step; attention reads sentence after sentence.
struct PackedSentences {
  let shape: PackedShape
  /// The id in each packed row.
  let ids: IndexBlock
  /// For sentence after sentence, the packed row of each of its tokens.
  let rows: IndexBlock
  /// The stretch of each sentence in `rows`.
  let stretches: [Range<Int>]
  /// The place of each sentence among the rows of a step.
  let rowOfSentence: [Int]

  /// Packs sentences, which must not be empty; any order.
  init<S: Real>(_ sentences: [[Int32]], on workspace: Workspace<S>) {
    let order = sentences.indices.sorted { (sentences[$1].count, $0) < (sentences[$0].count, $1) }
    let shape = PackedShape(lengths: order.map { sentences[$0].count })
    var rowOfSentence = [Int](repeating: 0, count: sentences.count)
    for (row, sentence) in order.enumerated() { rowOfSentence[sentence] = row }
    let ids = workspace.arena.indices(shape.total)
    let rows = workspace.arena.indices(shape.total)
    var stretches: [Range<Int>] = []
    var place = 0
    for (number, sentence) in sentences.enumerated() {
      stretches.append(place..<place + sentence.count)
      for (step, id) in sentence.enumerated() {
        let row = shape.offsets[step] + rowOfSentence[number]
        ids[row] = id
        rows[place] = Int32(row)
        place += 1
      }
    }
    self.shape = shape
    self.ids = ids
    self.rows = rows
    self.stretches = stretches
    self.rowOfSentence = rowOfSentence
  }
}

extension Workspace {
  /// Indices in scratch memory, for as long as its blocks.
  func indices(_ values: [Int]) -> IndexBlock {
    arena.indices(of: values.map { Int32($0) })
  }
}

extension CellState {
  /// The states in some rows, one after another.
  func gathered(at rows: [Int], on workspace: Workspace<S>) -> CellState {
    let index = workspace.indices(rows)
    let found = CellState(
      hidden: workspace.arena.matrix(rows.count, hidden.columns),
      cell: workspace.arena.matrix(rows.count, cell.columns))
    S.gather(hidden, at: index, into: found.hidden)
    S.gather(cell, at: index, into: found.cell)
    return found
  }

  /// The backward pass of `gathered`, of `count` rows: each row goes back to where it came from.
  func scattered(to rows: [Int], of count: Int, on workspace: Workspace<S>) -> CellState {
    let index = workspace.indices(rows)
    let found = CellState(
      hidden: workspace.arena.zeros(count, hidden.columns),
      cell: workspace.arena.zeros(count, cell.columns))
    S.scatterAdd(hidden, at: index, into: found.hidden)
    S.scatterAdd(cell, at: index, into: found.cell)
    return found
  }
}
