internal import DenseMath
internal import Parameters

/// The sum of all processes' gradients along the tree of the shards.
///
/// Each process owns some pieces of the layout. It gets the others' nodes of these, adds them in the order of the
/// tree, and all get the result: what a ring sends, where runs of shards are aligned subtrees, and a few more nodes
/// elsewhere. Of row-sparse weights only touched rows travel: first the words that mark them, then the rows.
///
/// All calls come from one thread.
final class GradientSum {
  let layout: ParameterLayout
  let shardCount: Int
  let precision: GradientPrecision
  private let messenger: any Messenger
  private let rank: Int
  private let tree: ShardTree
  private let nodes: [Int]
  private let additions: [ShardTree.Addition]
  private let pieces: [(range: Range<Int>, entry: Int)]
  private let division: Division
  private let rows: RowSum
  // What the nodes of other processes hold of the stretches of this one, at the node's number.
  private let received: [Packet?]
  // The ways of this process's nodes, and of the sum.
  private let nodeWires: [Wire]
  private let sumWire: Wire
  // The sum of squares of each piece.
  private let squares: Numbers<Double>

  /// A sum of gradients of a layout over so many shards.
  init(
    _ layout: ParameterLayout, shards shardCount: Int, in precision: GradientPrecision,
    _ messenger: any Messenger
  ) {
    self.layout = layout
    self.shardCount = shardCount
    self.precision = precision
    self.messenger = messenger
    rank = messenger.rank
    let tree = ShardTree(shards: shardCount, processes: messenger.count)
    self.tree = tree
    nodes = tree.nodes.joined().sorted()
    additions = tree.common.map { [nodes] addition in
      ShardTree.Addition(
        into: nodes.firstIndex(of: addition.into) ?? 0,
        from: nodes.firstIndex(of: addition.from) ?? 0)
    }
    pieces = layout.pieces()
    let division = Division(layout, processes: messenger.count)
    self.division = division
    received = nodes.map { [rank] node in
      tree.runs[rank].contains(node)
        ? nil : Packet(count: division.count(of: rank), precision)
    }
    nodeWires = tree.nodes[rank].map { _ in Wire(count: layout.count, precision) }
    sumWire = Wire(count: layout.count, precision)
    squares = Numbers(count: pieces.count)
    rows = RowSum(layout, tree, nodes, additions, division, in: precision, messenger)
  }

  /// Adds all gradients into the first of this process; returns the sum's norm.
  func callAsFunction(_ gradients: [Gradients<Float>], on shards: Shards) throws -> Double {
    let first = tree.runs[rank].lowerBound
    let (pieces, own, precision) = (pieces, tree.own[rank], precision)
    let (kept, wires, entries) = (tree.nodes[rank], nodeWires, layout.entries)
    shards.forEachIndex(pieces.count) { piece in
      for shard in gradients { shard.round(pieces[piece], to: precision) }
      for addition in own {
        gradients[addition.into - first].add(
          gradients[addition.from - first], in: pieces[piece], roundingTo: precision)
      }
      // Rows are packed once it is known which of them travel.
      guard !entries[pieces[piece].entry].isRowSparse else { return }
      for (node, wire) in zip(kept, wires) {
        wire.pack(gradients[node - first].values.base, in: pieces[piece].range)
      }
    }
    try messenger.exchange(nodeTransfers(gradients) + rows.wordTransfers(gradients))
    try rows.exchangeNodes(gradients)
    addDense(gradients, on: shards)
    rows.add(gradients, squares: squares, on: shards)
    try messenger.exchange(resultTransfers(gradients[0]) + rows.unionTransfers(gradients[0]))
    try rows.exchangeResults(gradients[0])
    let theirs = division.runs.enumerated().flatMap { $0 == rank ? [] : $1.flatMap(\.pieces) }
    let (sum, wire) = (gradients[0].values, sumWire)
    shards.forEachIndex(theirs.count) { wire.unpack(pieces[theirs[$0]].range, into: sum.base) }
    // In the order of the pieces, as one process alone adds them.
    return pieces.indices.reduce(0) { $0 + squares.base[$1] }.squareRoot()
  }

  /// The nodes of this process on their way to the owners, and the others' of what this one owns.
  private func nodeTransfers(_ gradients: [Gradients<Float>]) -> [Transfer] {
    var transfers: [Transfer] = []
    let first = tree.runs[rank].lowerBound
    for other in 0..<messenger.count where other != rank {
      for (node, wire) in zip(tree.nodes[rank], nodeWires) {
        let values = gradients[node - first].values
        for run in division.runs[other] {
          transfers.append(.send(wire.bytes(of: values.base, run.range), to: other))
        }
      }
    }
    for (place, node) in nodes.enumerated() {
      guard let room = received[place],
        let other = tree.runs.firstIndex(where: { $0.contains(node) })
      else { continue }
      var start = 0
      for run in division.runs[rank] {
        let end = start + run.range.count
        transfers.append(.receive(room.bytes(start..<end), from: other))
        start = end
      }
    }
    return transfers
  }

  /// Adds the nodes of the dense pieces that this process owns, into its first gradients.
  private func addDense(_ gradients: [Gradients<Float>], on shards: Shards) {
    let runs = division.runs[rank]
    // Each piece, and where it begins in what was received.
    var mine: [(piece: Int, start: Int)] = []
    var start = 0
    for run in runs {
      for piece in run.pieces {
        mine.append((piece, start + pieces[piece].range.lowerBound - run.range.lowerBound))
      }
      start += run.range.count
    }
    let (pieces, nodes, received, squares, additions, work) = (
      pieces, nodes, received, squares, additions, mine
    )
    let (precision, wire) = (precision, sumWire)
    let first = tree.runs[rank].lowerBound
    shards.forEachIndex(work.count) { place in
      let (piece, start) = work[place]
      let range = pieces[piece].range
      let sums = nodes.indices.map { node in
        received[node]?.unpack(start..<start + range.count)
        return received[node].map { $0.base + start }
          ?? gradients[nodes[node] - first].values.base + range.lowerBound
      }
      for addition in additions {
        Float.add(
          Matrix(sums[addition.from], rows: 1, columns: range.count),
          into: Matrix(sums[addition.into], rows: 1, columns: range.count))
        precision.round(sums[addition.into], count: range.count)
      }
      let result = gradients[0].values.base + range.lowerBound
      if result != sums[0] { result.update(from: sums[0], count: range.count) }
      squares.base[piece] = Float.sumOfSquares(result, count: range.count)
      wire.pack(gradients[0].values.base, in: range)
    }
  }

  /// The sums of this process on their way to all, and the others'.
  private func resultTransfers(_ sum: Gradients<Float>) -> [Transfer] {
    var transfers: [Transfer] = []
    for other in 0..<messenger.count where other != rank {
      for run in division.runs[rank] {
        transfers.append(.send(sumWire.bytes(of: sum.values.base, run.range), to: other))
        transfers.append(.send(squares.bytes(run.pieces), to: other))
      }
      for run in division.runs[other] {
        transfers.append(.receive(sumWire.bytes(of: sum.values.base, run.range), from: other))
        transfers.append(.receive(squares.bytes(run.pieces), from: other))
      }
      for table in division.tables[rank] {
        transfers.append(.send(squares.bytes(table.pieces), to: other))
      }
      for table in division.tables[other] {
        transfers.append(.receive(squares.bytes(table.pieces), from: other))
      }
    }
    return transfers
  }
}
