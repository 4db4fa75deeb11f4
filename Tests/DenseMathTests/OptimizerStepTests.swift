import DenseMath
import Foundation
import Testing

/// Steps of torch.optim, made by Tests/Fixtures/optimizers.py.
private struct TorchSteps: Decodable {
  let start: [Double]
  let gradients: [[Double]]
  let gradientScale: Double
  let adamW: [[Double]]
  let momentum: [[Double]]

  static func load() throws -> TorchSteps {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/optimizers.json")
    return try JSONDecoder().decode(TorchSteps.self, from: Data(contentsOf: file))
  }
}

@Suite struct OptimizerStepTests {
  /// The weights after each AdamW step with the script's constants; only `count` of them move.
  private func adamW<S: Real>(_ type: S.Type, _ torch: TorchSteps, count: Int) -> [[Double]] {
    var weights = torch.start.map { S($0) }
    var mean = [S](repeating: 0, count: weights.count)
    var square = mean
    return torch.gradients.enumerated().map { index, gradient in
      let step = AdamWStep<S>(
        step: index + 1, rate: 0.02, beta1: 0.8, beta2: 0.97, epsilon: 1e-7, weightDecay: 0.3,
        gradientScale: torch.gradientScale)
      S.adamW(
        step, weights: &weights, gradient: gradient.map { S($0) }, mean: &mean, square: &square,
        count: count)
      return weights.map { Double($0) }
    }
  }

  private func momentum<S: Real>(_ type: S.Type, _ torch: TorchSteps, count: Int) -> [[Double]] {
    var weights = torch.start.map { S($0) }
    var velocity = [S](repeating: 0, count: weights.count)
    let step = MomentumStep<S>(
      rate: 0.02, momentum: 0.85, weightDecay: 0.3, gradientScale: torch.gradientScale)
    return torch.gradients.map { gradient in
      S.momentumStep(
        step, weights: &weights, gradient: gradient.map { S($0) }, velocity: &velocity,
        count: count)
      return weights.map { Double($0) }
    }
  }

  private func worst(_ steps: [[Double]], _ expected: [[Double]]) -> Double {
    zip(steps, expected).reduce(0) { max($0, largestDifference($1.0, $1.1)) }
  }

  @Test func adamWInDoubleIsPyTorchs() throws {
    let torch = try TorchSteps.load()
    let steps = adamW(Double.self, torch, count: torch.start.count)
    #expect(worst(steps, torch.adamW) < 1e-12)
  }

  @Test func adamWInFloatIsPyTorchs() throws {
    let torch = try TorchSteps.load()
    let steps = adamW(Float.self, torch, count: torch.start.count)
    #expect(worst(steps, torch.adamW) < 2e-6)
  }

  @Test func momentumInDoubleIsPyTorchs() throws {
    let torch = try TorchSteps.load()
    let steps = momentum(Double.self, torch, count: torch.start.count)
    #expect(worst(steps, torch.momentum) < 1e-12)
  }

  @Test func momentumInFloatIsPyTorchs() throws {
    let torch = try TorchSteps.load()
    let steps = momentum(Float.self, torch, count: torch.start.count)
    #expect(worst(steps, torch.momentum) < 2e-6)
  }

  @Test(arguments: [0, 1, 15, 16, 17, 31, 34])
  func stepsChangeNoMoreThanTheirCount(_ count: Int) throws {
    let torch = try TorchSteps.load()
    for steps in [
      adamW(Float.self, torch, count: count), momentum(Float.self, torch, count: count),
    ] {
      let rest = steps[5].suffix(torch.start.count - count)
      #expect(Array(rest) == torch.start.suffix(rest.count).map { Double(Float($0)) })
    }
  }
}
