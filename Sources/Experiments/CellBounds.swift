internal import Cells
internal import DenseMath
internal import Parameters

/// Whether a cell stays within the blocks of its step: kernels check shapes in debug builds alone.
enum CellBounds {
  private static let (rows, hiddenSize) = (3, 4)
  /// Columns between two blocks, more than a cell writes by mistake.
  private static let gap = 64
  /// What stands there, and no cell writes.
  private static let mark = 12345.0625

  /// The block of a step beyond which a cell writes, such as `saved`; nil for a cell that does not.
  static func exceeded(by kind: CellKind) -> String? {
    var layout = ParameterLayout()
    let layer = Recurrence(
      kind.makeCell(), inputSize: 3, hiddenSize: hiddenSize, prefix: "", suffix: "_l0", in: &layout)
    let parameters = Parameters<Double>(layout, seed: 1)
    let packed = PackedWeights<Double>(layout, forTraining: true)
    packed.load(parameters, on: Shards(threads: 1))
    let workspace = Workspace(parameters, packed: packed, forTraining: true)
    let blocks = blocks(of: layer.cell)
    let width = blocks.reduce(gap) { $0 + $1.1 * hiddenSize + gap }
    let room = workspace.arena.matrix(rows, width)
    Double.fill(room, with: mark)
    var starts: [Int] = []
    for (_, count) in blocks {
      starts.append((starts.last.map { $0 + blocks[starts.count - 1].1 * hiddenSize } ?? 0) + gap)
      for column in starts[starts.count - 1]..<starts[starts.count - 1] + count * hiddenSize {
        for row in 0..<rows { room[row, column] = Double((row + 3 * column) % 7 - 3) / 8 }
      }
    }
    func block(_ place: Int) -> Matrix<Double> {
      room.columns(starts[place]..<starts[place] + blocks[place].1 * hiddenSize)
    }
    func state(_ place: Int) -> CellState<Double> {
      CellState(hidden: block(place), cell: block(place + 1))
    }
    let before = state(3).hidden.elements + state(3).cell.elements
    let step = CellStep(
      hiddenSize: hiddenSize, gates: block(0), recurrent: block(1), previous: state(3),
      next: state(5), saved: block(2))
    layer.cell.activate(step, on: workspace)
    layer.cell.differentiate(step, gradient: state(7), on: workspace)
    guard state(3).hidden.elements + state(3).cell.elements == before else { return "previous" }
    return blocks.indices.first { place in
      let end = starts[place] + blocks[place].1 * hiddenSize
      return !room.columns(end..<end + gap).elements.allSatisfy { $0 == mark }
    }.map { blocks[$0].0 }
  }

  /// The blocks of a step in their order, each with its number of vectors.
  private static func blocks(of cell: any RecurrentCell) -> [(name: String, vectors: Int)] {
    let apart = cell.keepsProjectionsApart ? cell.gateCount : 0
    let memory = cell.cellVectorCount
    return [
      ("gates", cell.gateCount), ("recurrent", apart), ("saved", cell.savedCount),
      ("previous", 1), ("previous", memory), ("next", 1), ("next", memory), ("gradient", 1),
      ("gradient", memory),
    ]
  }
}
