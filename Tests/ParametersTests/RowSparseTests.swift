import DenseMath
import Foundation
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

/// One run of updates of row-sparse tables, and of dense ones by the same optimiser.
private struct Comparison<S: Real> {
  static var shardCount: Int { 3 }
  let sparse, dense: Tables
  let weights, reference: Parameters<S>
  let gradients, denseGradients: [Gradients<S>]
  var optimizer, denseOptimizer: Optimizer<S>
  private let workspace: Workspace<S>

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
    workspace = Workspace(
      weights, packed: PackedWeights(one, forTraining: true), changedBy: optimizer)
  }

  /// The rows that a shard touches of a table: the edges of words, some of its own, some shared.
  static func rows(shard: Int, update: Int, table: Weight) -> [Int32] {
    var generator = SeededGenerator(UInt64(1000 * update + 10 * shard + table.index))
    let edges = [[0, 64], [63, 64], [table.rows - 1, 0]][shard]
    // The first rows often, the last ones once in hundreds of updates.
    let others = (0..<(update % 3) * 7).map { _ in
      Int(pow(Double.random(in: 0..<1, using: &generator), 8) * Double(table.rows))
    }
    // The same row twice adds up.
    return (edges + others + others.prefix(2)).map(Int32.init)
  }

  /// Adds a batch's gradients to both.
  func fill(update: Int) {
    var generator = SeededGenerator(UInt64(update))
    for shard in 0..<Self.shardCount {
      let (one, other) = (gradients[shard], denseGradients[shard])
      for (number, table) in sparse.tables.enumerated() {
        let rows = Self.rows(shard: shard, update: update, table: table)
        var values = (0..<rows.count * table.columns).map { _ in
          S(Float.random(in: -1...1, using: &generator))
        }
        values.withUnsafeMutableBufferPointer { buffer in
          guard let base = buffer.baseAddress else { return }
          let matrix = Matrix(base, rows: rows.count, columns: table.columns)
          one.add(matrix, to: table, at: indices(rows))
          other.add(matrix, to: dense.tables[number], at: indices(rows))
        }
      }
      for weight in sparse.dense {
        for index in 0..<weight.rows * weight.columns {
          let value = S(Float.random(in: -1...1, using: &generator))
          one.values.base[weight.offset + index] = value
          other.values.base[weight.offset + index] = value
        }
      }
    }
  }

  /// Whether rows that are read are those of the dense tables now, many of which no batch touched.
  func readsTheSame(update: Int) -> Bool {
    var generator = SeededGenerator(UInt64(update))
    return zip(sparse.tables, dense.tables).allSatisfy { table, reference in
      let rows = (0..<5).map { _ in Int.random(in: 0..<table.rows, using: &generator) }
      workspace.reset()
      let found = workspace.arena.matrix(5, table.columns)
      workspace.rows(of: table, at: indices(rows.map(Int32.init)), into: found)
      return rows.enumerated().allSatisfy { place, row in
        (0..<table.columns).allSatisfy { column in
          found[place, column] == self.reference[reference][row, column]
        }
      }
    }
  }

  /// Whether all weights and moments are those of the dense tables, to the bit.
  func isTheSame(threads: Int) -> Bool {
    optimizer.bringUpToDate(weights, on: Shards(threads: threads))
    return zip([weights] + optimizer.moments, [reference] + denseOptimizer.moments).allSatisfy {
      $0.numbers == $1.numbers
    }
  }

  /// One update of both; returns the norms.
  mutating func update(_ number: Int, threads: Int) -> (sparse: Double, dense: Double) {
    let shards = Shards(threads: threads)
    for gradient in gradients + denseGradients { gradient.clear() }
    let isClear = gradients.allSatisfy { $0.values.numbers.allSatisfy { $0 == 0 } }
    #expect(isClear, "update \(number) starts with gradients")
    fill(update: number)
    let norms = (
      optimizer.sum(gradients, on: shards), denseOptimizer.sum(denseGradients, on: shards)
    )
    // The rate rises and falls, as in training.
    let rate = 0.01 * Double(1 + number % 50)
    optimizer.update(weights, along: gradients[0], scale: 0.7, rate: rate, on: shards)
    denseOptimizer.update(
      reference, along: denseGradients[0], scale: 0.7, rate: rate, on: shards)
    return norms
  }
}

@Suite struct RowSparseTests {
  static let rules = [OptimizerRule.adamW(), .momentum()]

  @Test(arguments: [1, 5, 32, 1100], rules)
  func updatesAreThoseOfADenseTable(_ width: Int, _ rule: OptimizerRule) {
    var run = Comparison<Float>(width: width, rule: rule)
    for update in 1...6 {
      let norms = run.update(update, threads: 2)
      #expect(abs(norms.sparse / norms.dense - 1) < 1e-12, "update \(update)")
      let sums = (run.gradients[0].values.numbers, run.denseGradients[0].values.numbers)
      #expect(sums.0 == sums.1, "update \(update)")
      #expect(run.isTheSame(threads: 2), "update \(update)")
    }
  }

  /// The touches of 1,000 updates leave most rows out for a while, from a few updates to hundreds.
  private func compare<S: Real>(_ type: S.Type, _ rule: OptimizerRule, seed: UInt64) {
    var run = Comparison<S>(width: 37, rule: rule)
    var generator = SeededGenerator(seed)
    for update in 1...1000 {
      _ = run.update(update, threads: Int.random(in: 1...3, using: &generator))
      if Int.random(in: 0..<3, using: &generator) == 0 {
        #expect(run.readsTheSame(update: update), "update \(update)")
      }
      if update == 1000 || Int.random(in: 0..<90, using: &generator) == 0 {
        #expect(run.isTheSame(threads: 2), "update \(update)")
      }
    }
  }

  @Test(arguments: rules, [1, 2])
  func aThousandUpdatesAreThoseOfADenseTable(_ rule: OptimizerRule, _ seed: UInt64) {
    compare(Float.self, rule, seed: seed)
    compare(Double.self, rule, seed: seed)
  }

  @Test func untouchedRowsDecay() {
    // Said once without the optimiser's own dense tables.
    var run = Comparison<Float>(width: 5, rule: .adamW())
    let fresh = Parameters<Float>(run.sparse.layout, seed: 1)
    _ = run.update(3, threads: 1)
    run.optimizer.bringUpToDate(run.weights, on: Shards(threads: 1))
    for table in run.sparse.tables {
      let touched = Set(
        (0..<Comparison<Float>.shardCount).flatMap {
          Comparison<Float>.rows(shard: $0, update: 3, table: table)
        })
      for row in 0..<table.rows {
        let isDecayed = (0..<table.columns).allSatisfy { column in
          abs(run.weights[table][row, column] - (1 - 0.04 * 0.1) * fresh[table][row, column])
            < 1e-6
        }
        #expect(isDecayed != touched.contains(Int32(row)), "row \(row)")
      }
    }
    withExtendedLifetime(fresh) {}
  }

  @Test func rowsThatNobodyReadsAreLate() {
    // Else an update would cost as much as a dense one.
    var run = Comparison<Float>(width: 5, rule: .adamW())
    let fresh = Parameters<Float>(run.sparse.layout, seed: 1)
    for update in 1...5 { _ = run.update(update, threads: 1) }
    let table = run.sparse.tables[0]
    let late = (0..<table.rows).filter { row in
      (0..<5).allSatisfy { run.weights[table][row, $0] == fresh[table][row, $0] }
    }
    #expect(late.count > table.rows / 2)
    withExtendedLifetime(fresh) {}
  }

  @Test(arguments: rules)
  func aRunGoesOnFromItsWeightsAndMoments(_ rule: OptimizerRule) {
    func run(stopped: Bool) -> [Float] {
      var run = Comparison<Float>(width: 5, rule: rule)
      for update in 1...30 {
        if stopped, update == 17 {
          var resumed = Comparison<Float>(width: 5, rule: rule)
          run.optimizer.bringUpToDate(run.weights, on: Shards(threads: 1))
          resumed.weights.assign(run.weights)
          for (new, old) in zip(resumed.optimizer.moments, run.optimizer.moments) {
            new.assign(old)
          }
          resumed.optimizer.updates = run.optimizer.updates
          run = resumed
        }
        _ = run.update(update, threads: 2)
      }
      run.optimizer.bringUpToDate(run.weights, on: Shards(threads: 2))
      return run.weights.numbers
    }
    #expect(run(stopped: true) == run(stopped: false))
  }

  @Test(arguments: [1, 2, 5])
  func shardsMayReadTheSameRowsAtOnce(_ threads: Int) {
    var run = Comparison<Float>(width: 300, rule: .adamW())
    for update in 1...20 { _ = run.update(update, threads: 1) }
    let (weights, optimizer, table) = (run.weights, run.optimizer, run.sparse.tables[0])
    let layout = run.sparse.layout
    var sums = [[Float]](repeating: [], count: 6)
    let readers = Readers(
      (0..<6).map { _ in
        Workspace(
          weights, packed: PackedWeights(layout, forTraining: true), changedBy: optimizer)
      })
    Shards(threads: threads).forEach(&sums) { shard, numbers in
      let workspace = readers.workspaces[shard]
      let found = workspace.arena.matrix(table.rows, table.columns)
      let rows = (0..<table.rows).map { Int32(shard % 2 == 0 ? $0 : table.rows - 1 - $0) }
      workspace.rows(of: table, at: workspace.arena.indices(of: rows), into: found)
      numbers = (0..<table.rows).flatMap { row in
        (0..<table.columns).map { found[shard % 2 == 0 ? row : table.rows - 1 - row, $0] }
      }
    }
    let expected = Array(run.reference["table"])
    #expect(sums.allSatisfy { $0 == expected })
  }

  @Test(arguments: rules)
  func updatesHaveTheSameBitsOnAnyThreads(_ rule: OptimizerRule) {
    let results = [1, 2, 3, 7].map { threads in
      var run = Comparison<Float>(width: 300, rule: rule)
      let norms = (1...3).map { run.update($0, threads: threads).sparse }
      run.optimizer.bringUpToDate(run.weights, on: Shards(threads: threads))
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

  @Test func aRowSparseWeightIsReadByRowsWhileItIsTrained() async {
    await #expect(processExitsWith: .failure) {
      let run = Comparison<Float>(width: 4, rule: .adamW())
      let layout = run.sparse.layout
      let workspace = Workspace(
        run.weights, packed: PackedWeights(layout, forTraining: true), changedBy: run.optimizer)
      _ = workspace[run.sparse.tables[0]]
    }
  }
}

/// Workspaces on their way to the threads; each is used by one.
private struct Readers: @unchecked Sendable {
  let workspaces: [Workspace<Float>]
  init(_ workspaces: [Workspace<Float>]) { self.workspaces = workspaces }
}
