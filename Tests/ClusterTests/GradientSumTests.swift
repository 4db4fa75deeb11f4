import DenseMath
import Parameters
import Testing

@testable import Cluster

/// Random numbers from a seed.
private struct Generator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}

/// A layout with dense weights of more than a piece, and two tables of which rows are touched.
private struct Example: Sendable {
  var layout = ParameterLayout()
  let matrix, bias, small: Weight
  let tables: [Weight]

  init() {
    bias = layout.declare("bias", shape: [37], as: .constant(0))
    let first = layout.declare(
      "table", shape: [1500, 100], as: .constant(0), isRowSparse: true)
    matrix = layout.declare("matrix", shape: [400, 501], as: .constant(0))
    let second = layout.declare(
      "second", shape: [70, 3], as: .constant(0), isRowSparse: true)
    small = layout.declare("small", shape: [3, 5], as: .constant(0))
    tables = [first, second]
  }

  /// The gradients of a shard in an update, the same wherever they are made.
  func fill(_ gradients: Gradients<Float>, shard: Int, update: Int) {
    var generator = Generator(state: UInt64(shard &* 7919 &+ update &* 104_729 &+ 1))
    gradients.clear()
    for weight in [matrix, bias, small] {
      let found = gradients[weight]
      for row in 0..<found.rows {
        for column in 0..<found.columns {
          found[row, column] = Float.random(in: -1...1, using: &generator) * 1e-3
        }
      }
    }
    for table in tables {
      // Few rows, some of them touched by several shards, and some shards touch none.
      let count = (shard + update) % 4 == 3 ? 0 : 9
      let memory = UnsafeMutablePointer<Int32>.allocate(capacity: max(1, count))
      let rows = UnsafeMutablePointer<Float>.allocate(capacity: max(1, count) * table.columns)
      for place in 0..<count {
        memory[place] = Int32.random(
          in: 0..<Int32(place < 4 ? 12 : table.rows), using: &generator)
      }
      for place in 0..<count * table.columns {
        // Zeros of either sign are numbers, too.
        let draw = Int.random(in: 0..<9, using: &generator)
        rows[place] = draw == 0 ? -0.0 : draw == 1 ? 0 : .random(in: -1...1, using: &generator)
      }
      if count > 0 {
        gradients.add(
          Matrix(rows, rows: count, columns: table.columns), to: table,
          at: IndexBlock(memory, count: count))
      }
      memory.deallocate()
      rows.deallocate()
    }
  }

  func optimizer(_ precision: GradientPrecision) -> Optimizer<Float> {
    Optimizer(layout, rule: .adamW(), weightDecay: 0.01, gradientPrecision: precision)
  }
}

/// The bits of gradients, which rows are touched, and the norm.
private struct Sum: Equatable, Sendable {
  let bits: [UInt32]
  let touched: [[UInt64]]
  let norm: UInt64

  init(_ gradients: Gradients<Float>, norm: Double, _ example: Example) {
    bits = withExtendedLifetime(gradients) { gradients.values.elements.map(\.bitPattern) }
    touched = example.tables.map {
      gradients.touchedWords(ofEntry: $0.index).map(Array.init) ?? []
    }
    self.norm = norm.bitPattern
  }
}

@Suite struct GradientSumTests {
  @Test(arguments: [1, 2, 3, 5, 8], GradientPrecision.allCases)
  func sumsAreThoseOfOneProcess(_ processes: Int, _ precision: GradientPrecision) throws {
    for threads in [1, 2] { try compare(processes, threads, precision) }
  }

  private func compare(_ processes: Int, _ threads: Int, _ precision: GradientPrecision) throws {
    let example = Example()
    for shardCount in Set([processes, 8, 11]) {
      let alone = (0..<shardCount).map { _ in Gradients<Float>(example.layout) }
      let right = (0..<3).map { update in
        for (shard, gradients) in alone.enumerated() {
          example.fill(gradients, shard: shard, update: update)
        }
        let norm = example.optimizer(precision).sum(alone, on: Shards(threads: 1))
        return Sum(alone[0], norm: norm, example)
      }
      let found = try asProcesses(processes) { group, _ in
        let mine = group.share(of: shardCount, for: group.rank)
        let gradients = mine.map { _ in Gradients<Float>(example.layout) }
        // The second update must not find anything of the first.
        return try (0..<3).map { update in
          for (place, shard) in mine.enumerated() {
            example.fill(gradients[place], shard: shard, update: update)
          }
          let norm = try group.sum(
            gradients, ofShards: shardCount, by: example.optimizer(precision),
            on: Shards(threads: threads))
          return Sum(gradients[0], norm: norm, example)
        }
      }
      for (rank, sums) in found.enumerated() {
        #expect(sums == right, "process \(rank) of \(processes), \(shardCount) shards")
      }
    }
  }

  @Test(arguments: GradientPrecision.allCases)
  func traffic(_ precision: GradientPrecision) throws {
    // Of dense weights each process sends and receives what it would in a ring: twice (P - 1) / P of them.
    var layout = ParameterLayout()
    _ = layout.declare("matrix", shape: [2048, 512], as: .constant(0))
    let block = (precision == .bfloat16 ? 2 : 4) * layout.count
    for processes in [2, 4] {
      let sent = try asProcesses(processes) { [layout] group, messenger in
        let gradients = group.share(of: 8, for: group.rank).map { _ in Gradients<Float>(layout) }
        let optimizer = Optimizer<Float>(
          layout, rule: .adamW(), weightDecay: 0, gradientPrecision: precision)
        _ = try group.sum(gradients, ofShards: 8, by: optimizer, on: Shards(threads: 1))
        return messenger.post.bytesSent[group.rank]
      }
      let ring = 2 * block * (processes - 1) / processes
      for bytes in sent { #expect(bytes >= ring && bytes < ring + 1000) }
    }
  }

  @Test func onlyTouchedRowsTravel() throws {
    var layout = ParameterLayout()
    let table = layout.declare(
      "table", shape: [100_000, 64], as: .constant(0), isRowSparse: true)
    let sent = try asProcesses(2) { [layout] group, messenger in
      let gradients = Gradients<Float>(layout)
      let memory = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
      let row = UnsafeMutablePointer<Float>.allocate(capacity: 64)
      memory[0] = Int32(5 + 60_000 * group.rank)
      row.initialize(repeating: 1, count: 64)
      gradients.add(
        Matrix(row, rows: 1, columns: 64), to: table, at: IndexBlock(memory, count: 1))
      let optimizer = Optimizer<Float>(layout, rule: .adamW(), weightDecay: 0)
      let norm = try group.sum([gradients], ofShards: 2, by: optimizer, on: Shards(threads: 1))
      #expect(norm == 128.0.squareRoot())
      memory.deallocate()
      row.deallocate()
      return messenger.post.bytesSent[group.rank]
    }
    // A bit a row and the row itself, not 25 MB.
    for bytes in sent { #expect(bytes < 30_000) }
  }
}
