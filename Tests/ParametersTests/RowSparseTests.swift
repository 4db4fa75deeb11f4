import DenseMath
import Parameters
import TestSupport
import Testing

/// Two tables with rows, and weights before, between and after them.
private struct Tables {
  let layout: ParameterLayout
  let tables: [Weight]
  let dense: [Weight]

  init(width: Int, isRowSparse: Bool) {
    var layout = ParameterLayout()
    let before = layout.declare("before", shape: [3, 7], as: .uniform(1))
    let table = layout.declare(
      "table", shape: [389, width], as: .uniform(1), isRowSparse: isRowSparse)
    let second = layout.declare(
      "second", shape: [70, 3], as: .uniform(1), isRowSparse: isRowSparse)
    let after = layout.declare("after", shape: [9], as: .uniform(1))
    self.layout = layout
    tables = [table, second]
    dense = [before, after]
  }
}

/// One run of updates by the library, and by dense steps whose other rows are put back after each.
private struct Comparison {
  static let shardCount = 3
  let sparse, dense: Tables
  let weights, reference: Parameters<Float>
  let gradients, denseGradients: [Gradients<Float>]
  var optimizer, denseOptimizer: Optimizer<Float>

  init(width: Int, rule: OptimizerRule) {
    sparse = Tables(width: width, isRowSparse: true)
    dense = Tables(width: width, isRowSparse: false)
    weights = Parameters(sparse.layout, seed: 1)
    reference = Parameters(dense.layout, seed: 1)
    let (one, other) = (sparse.layout, dense.layout)
    gradients = (0..<Self.shardCount).map { _ in Gradients(one) }
    denseGradients = (0..<Self.shardCount).map { _ in Gradients(other) }
    optimizer = Optimizer(sparse.layout, rule: rule, weightDecay: 0.1)
    denseOptimizer = Optimizer(dense.layout, rule: rule, weightDecay: 0.1)
  }

  /// The rows that a shard touches of a table: the edges of words, some of its own, some shared.
  static func rows(shard: Int, update: Int, table: Weight) -> [Int32] {
    var generator = SeededGenerator(UInt64(1000 * update + 10 * shard + table.index))
    let edges = [[0, 64], [63, 64], [table.rows - 1, 0]][shard]
    let others = (0..<(update % 3) * 7).map { _ in
      Int.random(in: 0..<table.rows, using: &generator)
    }
    // The same row twice adds up.
    return (edges + others + others.prefix(2)).map(Int32.init)
  }

  /// Adds a batch's gradients to both; returns which rows of each table were touched.
  func fill(update: Int) -> [Set<Int>] {
    var touched = [Set<Int>](repeating: [], count: sparse.tables.count)
    var generator = SeededGenerator(UInt64(update))
    for shard in 0..<Self.shardCount {
      let (one, other) = (gradients[shard], denseGradients[shard])
      for (number, table) in sparse.tables.enumerated() {
        let rows = Self.rows(shard: shard, update: update, table: table)
        var values = (0..<rows.count * table.columns).map { _ in
          Float.random(in: -1...1, using: &generator)
        }
        values.withUnsafeMutableBufferPointer { buffer in
          guard let base = buffer.baseAddress else { return }
          let matrix = Matrix(base, rows: rows.count, columns: table.columns)
          one.add(matrix, to: table, at: indices(rows))
          other.add(matrix, to: dense.tables[number], at: indices(rows))
        }
        touched[number].formUnion(rows.map(Int.init))
      }
      for weight in sparse.dense {
        for index in 0..<weight.rows * weight.columns {
          let value = Float.random(in: -1...1, using: &generator)
          one.values.base[weight.offset + index] = value
          other.values.base[weight.offset + index] = value
        }
      }
    }
    return touched
  }

  /// One update of both; returns the norms.
  mutating func update(_ number: Int, threads: Int) -> (sparse: Double, dense: Double) {
    let shards = Shards(threads: threads)
    for gradient in gradients + denseGradients { gradient.clear() }
    let isClear = gradients.allSatisfy { $0.values.numbers.allSatisfy { $0 == 0 } }
    #expect(isClear, "update \(number) starts with gradients")
    let touched = fill(update: number)
    let norms = (
      optimizer.sum(gradients, on: shards), denseOptimizer.sum(denseGradients, on: shards)
    )
    let before = ([reference] + denseOptimizer.moments).map { $0.copy() }
    optimizer.update(weights, along: gradients[0], scale: 0.7, rate: 0.01, on: shards)
    denseOptimizer.update(
      reference, along: denseGradients[0], scale: 0.7, rate: 0.01, on: shards)
    for (old, new) in zip(before, [reference] + denseOptimizer.moments) {
      for (number, table) in dense.tables.enumerated() {
        for row in 0..<table.rows where !touched[number].contains(row) {
          let at = table.offset + row * table.columns
          (new.base + at).update(from: old.base + at, count: table.columns)
        }
      }
    }
    withExtendedLifetime(before) {}
    return norms
  }
}

@Suite struct RowSparseTests {
  static let rules = [OptimizerRule.adamW(), .momentum()]

  @Test(arguments: [1, 5, 32, 1100], rules)
  func touchedRowsAreChangedAsByADenseStepAndOthersNotAtAll(_ width: Int, _ rule: OptimizerRule) {
    var run = Comparison(width: width, rule: rule)
    for update in 1...6 {
      let norms = run.update(update, threads: 2)
      #expect(abs(norms.sparse / norms.dense - 1) < 1e-12, "update \(update)")
      let sums = (run.gradients[0].values.numbers, run.denseGradients[0].values.numbers)
      #expect(sums.0 == sums.1, "update \(update)")
      #expect(run.weights.numbers == run.reference.numbers, "update \(update)")
      for (one, other) in zip(run.optimizer.moments, run.denseOptimizer.moments) {
        #expect(one.numbers == other.numbers, "update \(update)")
      }
    }
  }

  @Test func untouchedRowsStayAsTheyWereMade() {
    // Said once without the reference: it might put back too little.
    var run = Comparison(width: 5, rule: .adamW())
    let fresh = Parameters<Float>(run.sparse.layout, seed: 1)
    _ = run.update(3, threads: 1)
    for table in run.sparse.tables {
      let touched = Set(
        (0..<Comparison.shardCount).flatMap {
          Comparison.rows(shard: $0, update: 3, table: table)
        })
      for row in 0..<table.rows {
        let place = table.offset + row * table.columns..<table.offset + (row + 1) * table.columns
        let isSame = run.weights.numbers[place] == fresh.numbers[place]
        #expect(isSame != touched.contains(Int32(row)), "row \(row)")
      }
    }
  }

  @Test(arguments: rules)
  func updatesHaveTheSameBitsOnAnyThreads(_ rule: OptimizerRule) {
    let results = [1, 2, 3, 7].map { threads in
      var run = Comparison(width: 300, rule: rule)
      let norms = (1...3).map { run.update($0, threads: threads).sparse }
      return (norms, run.weights.numbers)
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }

  @Test func damagedRowShowsInTheNorm() {
    let tables = Tables(width: 4, isRowSparse: true)
    let gradients = (0..<2).map { _ in Gradients<Float>(tables.layout) }
    var row: [Float] = [0, .nan, 0, 0]
    row.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      gradients[1].add(Matrix(base, rows: 1, columns: 4), to: tables.tables[0], at: indices([200]))
    }
    let optimizer = Optimizer<Float>(tables.layout, rule: .adamW(), weightDecay: 0)
    #expect(!optimizer.sum(gradients, on: Shards(threads: 2)).isFinite)
    for gradient in gradients { gradient.clear() }
    #expect(optimizer.sum(gradients, on: Shards(threads: 2)) == 0)
  }

  @Test func piecesOfTablesBeginAtWholeGroupsOfRows() {
    for width in [1, 5, 300, 1100] {
      let tables = Tables(width: width, isRowSparse: true)
      var end = [Int](repeating: 0, count: tables.layout.entries.count)
      for (range, index) in tables.layout.pieces() {
        let entry = tables.layout.entries[index]
        #expect(range.lowerBound == entry.offset + end[index])
        if entry.isRowSparse { #expect(end[index] % (64 * entry.shape[1]) == 0) }
        end[index] += range.count
      }
      #expect(end == tables.layout.entries.map(\.count))
    }
  }

  @Test func aDenseGradientOfARowSparseWeightIsRefused() async {
    await #expect(processExitsWith: .failure) {
      let tables = Tables(width: 4, isRowSparse: true)
      _ = Gradients<Float>(tables.layout)[tables.tables[0]]
    }
  }
}
