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

  /// Numbers of many sizes: weights near and far from 0, moments fresh, old and none at all.
  private func numbers<S: Real>(_ count: Int, seed: UInt64) -> (w: [S], m: [S], v: [S]) {
    let random = CounterRandom(seed: seed, stream: .weights)
    func draw(_ step: Int, _ index: Int) -> Double { random.uniform(step: step, index: index) }
    var (w, m, v): ([S], [S], [S]) = ([], [], [])
    for i in 0..<count {
      w.append(S((2 * draw(0, i) - 1) * pow(10, -6 * draw(1, i))))
      let size = pow(10, -3 - 30 * draw(2, i / 80))
      m.append(i / 64 % 3 == 2 ? 0 : S((2 * draw(3, i) - 1) * size))
      v.append(i / 64 % 3 == 2 ? 0 : S(draw(4, i) * size * size * 10))
    }
    return (w, m, v)
  }

  private func compareIdleSteps<S: Real>(_ type: S.Type, count: Int, seed: UInt64) {
    let steps = (0..<64).map { step in
      AdamWStep<S>(
        step: Int(seed) * 100 + step + 1, rate: 0.01 * Double(step % 20), beta1: 0.9, beta2: 0.99,
        epsilon: 1e-8, weightDecay: 0.1, gradientScale: 0.3)
    }
    let slow = steps.map {
      MomentumStep<S>(
        rate: Double($0.stepSize), momentum: 0.9, weightDecay: 0.1, gradientScale: 0.3)
    }
    let none = [S](repeating: 0, count: count)
    for part in [0..<64, 3..<4, 10..<40, 64..<64] {
      var (w, m, v): ([S], [S], [S]) = numbers(count, seed: seed)
      var (w2, m2, v2) = (w, m, v)
      for step in steps[part] {
        S.adamW(step, weights: &w, gradient: none, mean: &m, square: &v, count: count)
      }
      steps[part].withUnsafeBufferPointer {
        S.idleAdamW($0, weights: &w2, mean: &m2, square: &v2, count: count)
      }
      #expect(w == w2 && m == m2 && v == v2, "\(count) numbers, steps \(part)")
      for step in slow[part] {
        S.momentumStep(step, weights: &w, gradient: none, velocity: &m, count: count)
      }
      slow[part].withUnsafeBufferPointer {
        S.idleMomentumSteps($0, weights: &w2, velocity: &m2, count: count)
      }
      #expect(w == w2 && m == m2, "\(count) numbers, steps \(part)")
    }
  }

  @Test(arguments: [0, 1, 15, 63, 64, 65, 128, 2000], [0, 1, 30])
  func idleStepsHaveTheBitsOfStepsWithAGradientOfZero(_ count: Int, _ seed: UInt64) {
    compareIdleSteps(Float.self, count: count, seed: seed)
    compareIdleSteps(Double.self, count: count, seed: seed)
  }
}
