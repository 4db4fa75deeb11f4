/// Which process makes which sums of the tree over the shards, ((0 + 1) + (2 + 3)) + ...
///
/// A sum is known by its first shard. Each process has a run of shards, and makes the sums that lie in it; what is left
/// at its end, the nodes, goes to the others.
struct ShardTree: Equatable {
  /// An addition: of the sum that begins with shard `from` to that which begins with shard `into`.
  struct Addition: Equatable {
    let into, from: Int
  }

  /// The shards of each process.
  let runs: [Range<Int>]
  /// The additions that each process makes of its own shards, in their order.
  let own: [[Addition]]
  /// The first shards of the sums that are then left to each process, in their order.
  let nodes: [[Int]]
  /// The additions that are left, in their order: the sum of all begins with shard 0.
  let common: [Addition]

  /// The tree of so many shards, of which each process has at least one.
  init(shards: Int, processes: Int) {
    precondition(processes >= 1 && shards >= processes, "each process has a shard")
    let runs = (0..<processes).map {
      $0 * shards / processes..<($0 + 1) * shards / processes
    }
    var own = [[Addition]](repeating: [], count: processes)
    var common: [Addition] = []
    var nodes = runs.map(Array.init)
    var step = 1
    while step < shards {
      for into in stride(from: 0, to: shards - step, by: 2 * step) {
        let addition = Addition(into: into, from: into + step)
        let last = min(into + 2 * step, shards) - 1
        if let process = runs.firstIndex(where: { $0.contains(into) && $0.contains(last) }) {
          own[process].append(addition)
          nodes[process].removeAll { $0 == addition.from }
        } else {
          common.append(addition)
        }
      }
      step *= 2
    }
    (self.runs, self.own, self.nodes, self.common) = (runs, own, nodes, common)
  }
}
