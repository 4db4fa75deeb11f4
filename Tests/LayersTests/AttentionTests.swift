import DenseMath
import Foundation
import Layers
import Parameters
import TestSupport
import Testing

@Suite struct AttentionTests {
  /// Ragged sequences, one of them without queries, and a loss that weighs every context.
  private struct Case {
    static let ranges = AttentionRanges(
      queries: [0..<3, 3..<3, 3..<5], memory: [0..<2, 2..<3, 3..<7])
    let attention: Attention
    let layout: ParameterLayout
    let parameters: Parameters<Double>
    let packed: PackedWeights<Double>
    let workspace: Workspace<Double>
    let queries, memory, loss: Weight

    init(_ score: Attention.Score, querySize: Int, memorySize: Int, seed: UInt64) {
      var layout = ParameterLayout()
      attention = Attention(
        score, querySize: querySize, memorySize: memorySize, width: 3, name: "attention",
        in: &layout)
      queries = layout.declare("queries", shape: [5, querySize], as: .uniform(1))
      memory = layout.declare("memory", shape: [7, memorySize], as: .uniform(1))
      loss = layout.declare("loss", shape: [5, memorySize], as: .uniform(1))
      self.layout = layout
      parameters = Parameters(layout, seed: seed)
      packed = PackedWeights(layout, forTraining: true)
      workspace = Workspace(parameters, packed: packed, forTraining: true)
    }

    /// All queries at once, or those of each sequence apart, in two calls.
    func run(inTwo: Bool = false) -> (traces: [Attention.Trace<Double>], loss: Double) {
      packed.load(parameters, on: Shards(threads: 1))
      workspace.reset()
      let prepared = attention.prepare(parameters[memory], forTraining: true, on: workspace)
      let parts: [(Range<Int>, AttentionRanges)] =
        inTwo
        ? [
          (0..<3, AttentionRanges(queries: [0..<3, 3..<3, 3..<3], memory: Self.ranges.memory)),
          (3..<5, AttentionRanges(queries: [0..<0, 0..<0, 0..<2], memory: Self.ranges.memory)),
        ] : [(0..<5, Self.ranges)]
      var loss = 0.0
      let traces = parts.map { rows, ranges in
        let trace = attention.forward(
          parameters[queries].rows(rows), ranges, in: prepared, on: workspace)
        loss += zip(trace.context.elements, parameters[self.loss].rows(rows).elements)
          .reduce(0) { $0 + $1.0 * $1.1 }
        return trace
      }
      return (traces, loss)
    }

    /// The gradients of all weights, queries and memory, by name.
    func gradients(inTwo: Bool = false) -> [String: [Double]] {
      guard let gradients = workspace.gradients else { return [:] }
      gradients.clear()
      let (traces, _) = run(inTwo: inTwo)
      var first = 0
      for trace in traces {
        let rows = first..<first + trace.context.rows
        let back = attention.backward(
          trace, contextGradient: parameters[loss].rows(rows), on: workspace)
        Double.copy(back, into: gradients[queries].rows(rows))
        first = rows.upperBound
      }
      let memoryGradient = attention.finish(traces[0].memory, on: workspace)
      Double.copy(memoryGradient, into: gradients[memory])
      return Dictionary(
        uniqueKeysWithValues: layout.entries.map { ($0.name, Array(gradients.elements(of: $0))) })
    }
  }

  @Test(arguments: Attention.Score.allCases, [1, 2, 3] as [UInt64])
  func gradientsMatchCentralDifferences(score: Attention.Score, seed: UInt64) {
    let (query, memory) = score == .dot ? (3, 3) : (2, 4)
    let testCase = Case(score, querySize: query, memorySize: memory, seed: seed)
    let gradients = testCase.gradients()
    for entry in testCase.layout.entries where entry.name != "loss" {
      let error = worstGradientError(
        of: testCase.parameters.elements(of: entry), gradients: gradients[entry.name] ?? [],
        loss: { testCase.run().loss })
      #expect(error < 1e-7, "\(score): \(entry.name)")
    }
    // A memory may be asked bit by bit: gradients add up to the same.
    for (name, values) in testCase.gradients(inTwo: true) {
      #expect(worstDifference(values, gradients[name] ?? []) < 1e-12, "\(score): \(name) in two")
    }
  }

  /// Without training not all pairs are kept, and what is found is the same.
  @Test(arguments: Attention.Score.allCases)
  func lookupsWithoutTrainingAreTheSame(score: Attention.Score) {
    let (query, memory) = score == .dot ? (3, 3) : (2, 4)
    let testCase = Case(score, querySize: query, memorySize: memory, seed: 4)
    let trained = testCase.run().traces[0]
    let expected = [Array(trained.context.elements), Array(trained.weights.elements)]
    let workspace = Workspace(testCase.parameters, packed: testCase.packed, forTraining: false)
    let prepared = testCase.attention.prepare(
      testCase.parameters[testCase.memory], forTraining: false, on: workspace)
    let found = testCase.attention.forward(
      testCase.parameters[testCase.queries], Case.ranges, in: prepared, on: workspace)
    #expect([Array(found.context.elements), Array(found.weights.elements)] == expected)
  }

  /// Weights and contexts from the three formulas, number by number.
  @Test(arguments: Attention.Score.allCases)
  func lookupsFollowTheFormulas(score: Attention.Score) {
    let (querySize, memorySize) = score == .dot ? (3, 3) : (2, 4)
    let testCase = Case(score, querySize: querySize, memorySize: memorySize, seed: 9)
    let named = Dictionary(
      uniqueKeysWithValues: testCase.layout.entries.map {
        ($0.name, Array(testCase.parameters.elements(of: $0)))
      })
    func vector(_ name: String, _ row: Int, _ size: Int) -> [Double] {
      Array((named[name] ?? [])[row * size..<(row + 1) * size])
    }
    func times(_ name: String, _ x: [Double]) -> [Double] {
      let weight = named["attention." + name] ?? []
      return stride(from: 0, to: weight.count, by: x.count).map { start in
        x.indices.reduce(0) { $0 + weight[start + $1] * x[$1] }
      }
    }
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    let trace = testCase.run().traces[0]
    for (number, mine) in Case.ranges.queries.enumerated() {
      for (place, row) in mine.enumerated() {
        let query = vector("queries", row, querySize)
        let rows = Case.ranges.memory[number].map { vector("memory", $0, memorySize) }
        let scores = rows.map { memory -> Double in
          switch score {
          case .dot: return dot(query, memory)
          case .general: return dot(query, times("memory_weight", memory))
          case .additive:
            let (a, b) = (times("memory_weight", memory), times("query_weight", query))
            let bias = named["attention.bias"] ?? []
            return dot(
              named["attention.combination"] ?? [], a.indices.map { tanh(a[$0] + b[$0] + bias[$0]) }
            )
          }
        }
        let sum = scores.reduce(0) { $0 + exp($1) }
        let weights = scores.map { exp($0) / sum }
        let found = trace.weights(ofSequence: number).rows(place..<place + 1).elements
        #expect(worstDifference(found, weights) < 1e-12)
        for column in 0..<memorySize {
          let expected = zip(weights, rows).reduce(0) { $0 + $1.0 * $1.1[column] }
          #expect(abs(trace.context[row, column] - expected) < 1e-12)
        }
      }
    }
    withExtendedLifetime(testCase.parameters) {}
  }

  @Test(arguments: Attention.Score.allCases)
  func backwardTakesAsManyBlocksForManyQueriesAsForOne(_ score: Attention.Score) {
    func blocks(queries count: Int) -> Int {
      var layout = ParameterLayout()
      let attention = Attention(
        score, querySize: 4, memorySize: 4, name: "attention", in: &layout)
      let parameters = Parameters<Float>(layout, seed: 1)
      let packed = PackedWeights<Float>(layout, forTraining: true)
      packed.load(parameters, on: Shards(threads: 1))
      let workspace = Workspace(parameters, packed: packed, forTraining: true)
      let memory = attention.prepare(
        workspace.arena.zeros(6, 4), forTraining: true, on: workspace)
      let trace = attention.forward(
        workspace.arena.zeros(count, 4),
        AttentionRanges(queries: [0..<count], memory: [0..<6]), in: memory, on: workspace)
      let gradient = workspace.arena.zeros(count, 4)
      let before = workspace.arena.blocks
      _ = attention.backward(trace, contextGradient: gradient, on: workspace)
      return workspace.arena.blocks - before
    }
    #expect(blocks(queries: 50) == blocks(queries: 1))
  }
}
