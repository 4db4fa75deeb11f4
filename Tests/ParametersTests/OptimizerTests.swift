import DenseMath
import Foundation
import Parameters
import TestSupport
import Testing

@Suite struct GradientSumTests {
  /// Matrices and vectors, one larger than a piece.
  private let layout: ParameterLayout = {
    var layout = randomLayout(seed: 17)
    _ = layout.declare("large", shape: [300, 301], as: .constant(0))
    _ = layout.declare("bias", shape: [301], as: .constant(0))
    return layout
  }()

  /// Gradients whose sum depends on the order: their sizes differ by many powers of two.
  private func gradients(shards: Int) -> [Gradients<Float>] {
    (0..<shards).map { shard in
      let gradient = Gradients<Float>(layout)
      gradient.values.fill(seed: UInt64(shard)) {
        Float.random(in: -1...1, using: &$0)
          * Float(sign: .plus, exponent: .random(in: -12...12, using: &$0), significand: 1)
      }
      return gradient
    }
  }

  private func optimizer(_ precision: GradientPrecision = .float32) -> Optimizer<Float> {
    Optimizer(layout, rule: .momentum(), weightDecay: 0, gradientPrecision: precision)
  }

  @Test(arguments: [2, 3, 7])
  func sumHasTheSameBitsOnAnyThreads(_ threads: Int) {
    let (one, many) = (gradients(shards: 5), gradients(shards: 5))
    let norm = optimizer().sum(one, on: Shards(threads: 1))
    #expect(optimizer().sum(many, on: Shards(threads: threads)) == norm)
    #expect(many[0].values.numbers == one[0].values.numbers)
  }

  /// The sum of shards in a range whose length is a power of two, or cut short by the last shard.
  private func treeSum(
    _ shards: [[Float]], from first: Int, length: Int, _ rounded: (Float) -> Float = { $0 }
  ) -> [Float] {
    guard length > 1 else { return shards[first].map(rounded) }
    let (left, right) = (first, first + length / 2)
    let sum = treeSum(shards, from: left, length: length / 2, rounded)
    guard right < shards.count else { return sum }
    return zip(sum, treeSum(shards, from: right, length: length / 2, rounded)).map {
      rounded($0 + $1)
    }
  }

  @Test(arguments: [1, 2, 3, 8])
  func inBFloat16EachGradientAndEachSumIsRounded(_ count: Int) {
    let numbers = gradients(shards: count).map(\.values.numbers)
    let expected = treeSum(numbers, from: 0, length: 16, nearestBFloat16)
    for threads in [1, 2] {
      let shards = gradients(shards: count)
      let norm = optimizer(.bfloat16).sum(shards, on: Shards(threads: threads))
      #expect(shards[0].values.numbers == expected)
      let squares = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
      #expect(abs(norm / squares.squareRoot() - 1) < 1e-12)
    }
    #expect(treeSum(numbers, from: 0, length: 16) != expected)
  }

  @Test(arguments: 1...9)
  func shardsAreAddedAlongATreeOverTheirNumbers(_ count: Int) {
    let numbers = gradients(shards: count).map(\.values.numbers)
    let expected = treeSum(numbers, from: 0, length: 16)
    for threads in [1, 2, 5] {
      let shards = gradients(shards: count)
      _ = optimizer().sum(shards, on: Shards(threads: threads))
      #expect(shards[0].values.numbers == expected, "\(threads) threads")
    }
    // Else this test could not see the order.
    let inARow = numbers.dropFirst().reduce(numbers[0]) { zip($0, $1).map { $0 + $1 } }
    #expect((inARow == expected) == (count <= 3))
  }

  @Test func normIsThatOfTheSum() {
    for count in [1, 2, 5] {
      let shards = gradients(shards: count)
      let norm = optimizer().sum(shards, on: Shards(threads: 2))
      let expected = shards[0].values.numbers.reduce(0) { $0 + Double($1) * Double($1) }
        .squareRoot()
      #expect(abs(norm / expected - 1) < 1e-12, "\(count) shards")
    }
  }

  @Test(arguments: [Float.nan, .infinity])
  func damagedGradientShowsInTheNorm(_ number: Float) {
    let shards = gradients(shards: 3)
    shards[2].values["bias"] = [number]
    #expect(!optimizer().sum(shards, on: Shards(threads: 2)).isFinite)
  }
}

@Suite struct UpdateTests {
  private let layout: ParameterLayout = {
    var layout = ParameterLayout()
    _ = layout.declare("matrix", shape: [7, 9], as: .uniform(1))
    _ = layout.declare("bias", shape: [21], as: .uniform(1))
    _ = layout.declare("large", shape: [260, 260], as: .uniform(1))
    return layout
  }()

  @Test(arguments: [OptimizerRule.adamW(), .momentum()])
  func onlyMatricesDecay(_ rule: OptimizerRule) {
    let weights = Parameters<Double>(layout, seed: 1)
    let before = weights.copy()
    var optimizer = Optimizer<Double>(layout, rule: rule, weightDecay: 0.5)
    optimizer.update(
      weights, along: Gradients(layout), scale: 1, rate: 0.1, on: Shards(threads: 2))
    #expect(weights["bias"] == before["bias"])
    for name in ["matrix", "large"] {
      let error = zip(weights[name], before[name]).map { abs($0 - 0.95 * $1) }.max() ?? 1
      #expect(error < 1e-15, "\(name)")
    }
  }

  @Test func adamWFollowsThePaper() {
    // Algorithm 2 of Loshchilov and Hutter, the schedule factor in the rate.
    let (rate, beta1, beta2, epsilon, decay, scale) = (0.01, 0.9, 0.95, 1e-8, 0.1, 0.7)
    let weights = Parameters<Double>(layout, seed: 1)
    let gradient = Gradients<Double>(layout)
    var optimizer = Optimizer<Double>(
      layout, rule: .adamW(beta1: beta1, beta2: beta2, epsilon: epsilon), weightDecay: decay)
    var expected = ["matrix", "bias"].map { weights[$0] }
    var mean = expected.map { $0.map { _ in 0.0 } }
    var square = mean
    for step in 1...5 {
      gradient.values.fill(seed: UInt64(step)) { Double.random(in: -2...2, using: &$0) }
      optimizer.update(weights, along: gradient, scale: scale, rate: rate, on: Shards(threads: 2))
      for (k, name) in ["matrix", "bias"].enumerated() {
        for (i, number) in gradient.values[name].enumerated() {
          let g = number * scale
          mean[k][i] = beta1 * mean[k][i] + (1 - beta1) * g
          square[k][i] = beta2 * square[k][i] + (1 - beta2) * g * g
          let m = mean[k][i] / (1 - pow(beta1, Double(step)))
          let v = square[k][i] / (1 - pow(beta2, Double(step)))
          expected[k][i] -=
            rate * (m / (v.squareRoot() + epsilon) + (k == 0 ? decay : 0) * expected[k][i])
        }
      }
    }
    for (k, name) in ["matrix", "bias"].enumerated() {
      let error = zip(weights[name], expected[k]).map { abs($0 - $1) }.max() ?? 1
      #expect(error < 1e-13, "\(name)")
    }
    #expect(optimizer.updates == 5)
  }

  @Test(arguments: [OptimizerRule.adamW(), .momentum()])
  func updatesHaveTheSameBitsOnAnyThreads(_ rule: OptimizerRule) {
    let results = [1, 2, 3, 7].map { threads in
      let weights = Parameters<Float>(layout, seed: 1)
      let gradient = Gradients<Float>(layout)
      var optimizer = Optimizer<Float>(layout, rule: rule, weightDecay: 0.1)
      for step in 1...3 {
        gradient.values.fill(seed: UInt64(step)) { Float.random(in: -2...2, using: &$0) }
        optimizer.update(
          weights, along: gradient, scale: 0.3, rate: 0.01, on: Shards(threads: threads))
      }
      return weights.numbers
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }

  @Test(arguments: [OptimizerRule.adamW(), .momentum()])
  func momentsCarryTheStateOfARun(_ rule: OptimizerRule) {
    // A run that is stopped and taken up again by its moments ends where it would have.
    func run(stopped: Bool) -> [Double] {
      let weights = Parameters<Double>(layout, seed: 1)
      let gradient = Gradients<Double>(layout)
      var optimizer = Optimizer<Double>(layout, rule: rule, weightDecay: 0.1)
      for step in 1...6 {
        if stopped, step == 4 {
          var resumed = Optimizer<Double>(layout, rule: rule, weightDecay: 0.1)
          for (new, old) in zip(resumed.moments, optimizer.moments) { new.assign(old) }
          resumed.updates = optimizer.updates
          optimizer = resumed
        }
        gradient.values.fill(seed: UInt64(step)) { Double.random(in: -2...2, using: &$0) }
        optimizer.update(weights, along: gradient, scale: 1, rate: 0.01, on: Shards(threads: 2))
      }
      return weights.numbers
    }
    #expect(run(stopped: true) == run(stopped: false))
  }
}
