import DenseMath
import Experiments
import Foundation
import Layers
import Parameters
import TestSupport
import Testing

@Suite struct AdaptiveSoftmaxTests {
  /// A layer in Double with a block of rows to judge by.
  private struct Case<S: Real> {
    let softmax: AdaptiveSoftmax
    let parameters: Parameters<S>
    let packed: PackedWeights<S>
    let workspace: Workspace<S>
    let x: Weight

    init(inputs: Int, classes: Int, cutoffs: [Int], rows: Int, seed: UInt64 = 1) {
      var layout = ParameterLayout()
      softmax = AdaptiveSoftmax(
        inputs: inputs, classes: classes, cutoffs: cutoffs, name: "output", in: &layout)
      x = layout.declare("x", shape: [rows, inputs], as: .uniform(2))
      parameters = Parameters(layout, seed: seed)
      packed = PackedWeights(layout, forTraining: true)
      workspace = Workspace(parameters, packed: packed, forTraining: true)
    }

    /// The sums of the losses, and what falls to x where the backward pass is run.
    func run(
      _ targets: [Int32], smoothing: Double = 0, back: Bool
    ) -> (loss: Double, smoothed: Double) {
      packed.load(parameters, on: Shards(threads: 1))
      workspace.reset()
      let targets = workspace.arena.indices(of: targets)
      guard back else {
        let loss = softmax.loss(parameters[x], targets: targets, on: workspace)
        return (loss, loss)
      }
      let found = softmax.lossAndGradient(
        parameters[x], targets: targets, scale: 1, smoothing: smoothing, on: workspace)
      S.add(found.gradient, into: workspace.gradient(of: x))
      return (found.loss, found.smoothed)
    }
  }

  @Test(arguments: [0, 0.2]) func gradientsMatchCentralDifferences(smoothing: Double) {
    let testCase = Case<Double>(inputs: 6, classes: 14, cutoffs: [4, 9], rows: 6)
    let targets: [Int32] = [0, 3, 4, 13, 8, 2]
    let errors = worstGradientErrors(of: testCase.parameters, on: testCase.workspace) { _ in
      testCase.run(targets, smoothing: smoothing, back: true).smoothed
    }
    #expect(errors.count == 9)
    for (name, error) in errors { #expect(error < 1e-7, "\(name)") }
    #expect(
      abs(testCase.run(targets, back: true).loss - testCase.run(targets, back: false).loss) < 1e-12)
  }

  /// The numbers are those that Tests/Fixtures/adaptive_softmax.py prints.
  @Test func numbersEqualPyTorchs() {
    let testCase = Case<Double>(inputs: 16, classes: 20, cutoffs: [5, 11], rows: 7)
    let seeds = [
      "output.head.weight": 1, "output.head.bias": 2, "output.tail0.projection": 3,
      "output.tail1.projection": 4, "output.tail0.weight": 5, "output.tail1.weight": 6, "x": 9,
    ]
    for entry in testCase.parameters.layout.entries {
      guard let seed = seeds[entry.name] else { continue }
      let elements = testCase.parameters.elements(of: entry)
      for place in elements.indices {
        elements[place] = sin(Double(place) * 0.7 + Double(seed)) / 2
      }
    }
    let targets: [Int32] = [0, 4, 5, 10, 11, 19, 2]
    let losses = [
      1.8776566396, 1.6697380158, 2.612741504, 6.5389398951, 5.2831255946, 6.2066330706,
      5.1508574805,
    ]
    testCase.workspace.gradients?.clear()
    #expect(abs(testCase.run(targets, back: true).loss - losses.reduce(0, +)) < 1e-8)
    let row = [
      -3.9172972337, -1.6562846254, -0.9385765954, -3.2918832587, -5.2812227793, -4.8453354609,
      -7.8210251521, -4.8938930221, -7.434221905, -5.5742447828, -6.5389398951, -3.607724181,
      -3.1274828489, -2.7808759601, -2.7309181503, -3.0011053581, -3.4643643177, -3.902817102,
      -4.1102525154, -3.9891104417,
    ]
    let x = testCase.parameters[testCase.x]
    for (target, logProbability) in row.enumerated() {
      let loss = testCase.softmax.loss(
        x.rows(3..<4), targets: indices([Int32(target)]), on: testCase.workspace)
      #expect(abs(loss + logProbability) < 1e-8, "class \(target)")
    }
    let gradient = testCase.workspace.gradient(of: testCase.x)
    let sums = (0..<4).map { column in (0..<7).reduce(0) { $0 + gradient[$1, column] } }
    for (sum, right) in zip(sums, [0.1608057676, -0.7967921331, -1.3796462433, -1.3136311678]) {
      #expect(abs(sum - right) < 1e-8)
    }
    let projection = testCase.parameters.layout.entries.first {
      $0.name == "output.tail1.projection"
    }
    let found = projection.flatMap { testCase.workspace.gradients?.elements(of: $0) }.map {
      Array($0)
    }
    for (value, right) in zip(
      found ?? [], [0.0699483331, -0.1125224625, -0.2420721857, -0.2577715776])
    {
      #expect(abs(value - right) < 1e-8)
    }
  }

  @Test(arguments: [1, 2, 7, 60], [0, 1]) func theLikeliestAreThoseOfASortedList(
    count: Int, first: Int
  ) {
    let testCase = Case<Float>(inputs: 8, classes: 60, cutoffs: [7, 20, 45], rows: 9, seed: 5)
    let workspace = testCase.workspace
    testCase.packed.load(testCase.parameters, on: Shards(threads: 1))
    let x = testCase.parameters[testCase.x]
    // Large rows make some groups likely and others not.
    Float.scale(x, by: 4)
    let found = testCase.softmax.likeliest(count, x, from: first, on: workspace)
    for row in 0..<x.rows {
      let all = (0..<60).map { target in
        -testCase.softmax.loss(
          x.rows(row..<row + 1), targets: indices([Int32(target)]), on: workspace)
      }
      #expect(abs(all.reduce(0) { $0 + exp($1) } - 1) < 1e-5)
      let order = all.indices.dropFirst(first).sorted { all[$0] > all[$1] }.prefix(count)
      #expect(found[row].found.map { Int($0.number) } == Array(order))
      for (number, logProbability) in found[row].found {
        #expect(abs(Double(logProbability) - all[Int(number)]) < 1e-4)
      }
    }
  }

  @Test func ofEqualClassesTheFirstIsLikeliest() {
    var scores: [Float] = Array(repeating: 1, count: 40)
    scores[37] = 2
    scores[38] = 2
    scores.withUnsafeMutableBufferPointer { scores in
      guard let base = scores.baseAddress else { return }
      var best = LikeliestClasses(3)
      best.take(Matrix(base, rows: 1, columns: 40), less: 5)
      #expect(best.found.map(\.number) == [37, 38, 0])
      #expect(best.found.map(\.logProbability) == [-3, -3, -4])
      #expect(!best.wouldTake(-4) && best.wouldTake(-3.5))
    }
  }
}
