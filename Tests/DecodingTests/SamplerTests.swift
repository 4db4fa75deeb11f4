import Decoding
import DenseMath
import Foundation
import Testing

/// Logits that live as long as this does.
private final class Logits {
  let matrix: Matrix<Float>

  init(_ values: [Float]) {
    let memory = UnsafeMutablePointer<Float>.allocate(capacity: values.count)
    for (index, value) in values.enumerated() { memory[index] = value }
    matrix = Matrix(memory, rows: 1, columns: values.count)
  }

  deinit { matrix.base.deallocate() }
}

/// The probability of each symbol: how much of [0, 1) leads to it.
private func shares(_ steps: [SamplingStep], _ logits: Logits, draws: Int = 4000) throws -> [Double]
{
  var sampler = try Sampler(steps)
  var counts = [Double](repeating: 0, count: logits.matrix.columns)
  for draw in 0..<draws {
    let id = sampler.choose(from: logits.matrix, random: (Double(draw) + 0.5) / Double(draws))
    counts[id] += 1 / Double(draws)
  }
  return counts
}

private func softmax(_ logits: [Double]) -> [Double] {
  let weights = logits.map { exp($0) }
  let total = weights.reduce(0, +)
  return weights.map { $0 / total }
}

@Suite struct SamplerTests {
  private let values: [Float] = [1, 3, -2, 2.5, 0.5, 3.5, -1]
  private var doubles: [Double] { values.map(Double.init) }

  private func expectShares(_ steps: [SamplingStep], _ expected: [Double]) throws {
    for (found, wanted) in zip(try shares(steps, Logits(values)), expected) {
      #expect(abs(found - wanted) < 1e-3)
    }
  }

  @Test func withoutStepsDrawsFollowTheSoftmax() throws {
    try expectShares([], softmax(doubles))
  }

  @Test func temperatureDividesTheLogits() throws {
    try expectShares([.temperature(0.5)], softmax(doubles.map { $0 / 0.5 }))
  }

  @Test func temperatureZeroTakesTheLikeliestAndOfEqualsTheFirst() throws {
    try expectShares([.temperature(0)], [0, 0, 0, 0, 0, 1, 0])
    var sampler = try Sampler([.temperature(0)])
    let equal = Logits([1, 4, 4, 0])
    #expect(sampler.choose(from: equal.matrix, random: 0.99) == 1)
  }

  @Test func topKKeepsTheLikeliest() throws {
    let kept = doubles.map { $0 >= 2.5 ? $0 : -Double.infinity }
    try expectShares([.topK(3)], softmax(kept))
    try expectShares([.topK(100)], softmax(doubles))
  }

  @Test func topPKeepsTheSmallestSetThatReachesIt() throws {
    let all = softmax(doubles)
    // 3.5 alone has 0.48, with 3 it is 0.77, with 2.5 it is 0.95.
    for (p, least) in [(0.3, 3.5), (0.6, 3), (0.9, 2.5), (1, -2)] {
      let kept = doubles.map { $0 >= least ? $0 : -Double.infinity }
      let reached = zip(all, kept).reduce(0) { $0 + ($1.1.isFinite ? $1.0 : 0) }
      #expect(reached >= p - 1e-12)
      try expectShares([.topP(p)], softmax(kept))
    }
  }

  @Test func minPIsRelativeToTheLikeliest() throws {
    let kept = doubles.map { exp($0 - 3.5) >= 0.3 ? $0 : -Double.infinity }
    try expectShares([.minP(0.3)], softmax(kept))
  }

  @Test func theChainRunsInItsOrder() throws {
    // At temperature 4 three symbols are needed for 0.5; before it, two.
    let hot = try shares([.temperature(4), .topP(0.5)], Logits(values)).filter { $0 > 0 }.count
    let cold = try shares([.topP(0.5), .temperature(4)], Logits(values)).filter { $0 > 0 }.count
    #expect(hot > cold)
  }

  @Test func logitsThatAreNoNumbersDoNotCrash() throws {
    let logits = Logits([.nan, 1, .infinity, -.infinity])
    for steps: [SamplingStep] in [[], [.topK(2)], [.topP(0.5)], [.minP(0.1)], [.temperature(0)]] {
      var sampler = try Sampler(steps)
      #expect((0..<4).contains(sampler.choose(from: logits.matrix, random: 0.5)))
    }
  }

  @Test func numbersOutOfRangeAreRefusedInASentence() {
    let wrong: [SamplingStep] = [
      .temperature(-0.1), .temperature(.nan), .topK(0), .topP(0), .topP(1.1), .minP(-1), .minP(2),
    ]
    for step in wrong {
      #expect(throws: SamplingError.self) { try Sampler([step]) }
    }
  }
}
