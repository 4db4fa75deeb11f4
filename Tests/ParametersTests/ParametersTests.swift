import DenseMath
import Parameters
import Testing

@Suite struct LayoutTests {
  @Test func weightsAreAlignedApartAndCoveredByPieces() {
    var layout = ParameterLayout()
    let sizes = [[3, 5], [7], [300, 700], [1]]
    for (number, shape) in sizes.enumerated() {
      let weight = layout.declare("w\(number)", shape: shape, as: .constant(0))
      #expect(weight.offset % 16 == 0)
    }
    #expect(layout.weightCount == 15 + 7 + 210_000 + 1)
    var seen = [Int](repeating: 0, count: layout.count)
    for piece in layout.pieces() {
      #expect(piece.range.count <= 65536)
      for index in piece.range { seen[index] += 1 }
    }
    for entry in layout.entries {
      #expect(seen[entry.offset..<entry.offset + entry.count].allSatisfy { $0 == 1 })
    }
    #expect(seen.reduce(0, +) == layout.weightCount)
  }

  @Test func initialWeightsFollowTheirBoundsAndSeed() {
    var layout = ParameterLayout()
    _ = layout.declare("u", shape: [40, 50], as: .uniform(0.3))
    _ = layout.declare("b", shape: [12], as: .uniformExcept(bound: 0.1, range: 3..<6, value: 1))
    let one = Parameters<Float>(layout, seed: 5)
    let same = Parameters<Float>(layout, seed: 5)
    let other = Parameters<Float>(layout, seed: 6)
    #expect(Array(one.elements) == Array(same.elements))
    #expect(Array(one.elements) != Array(other.elements))
    let u = Array(one.elements(of: layout.entries[0]))
    #expect(u.allSatisfy { abs($0) <= 0.3 })
    let mean = u.reduce(0) { $0 + Double($1) } / 2000
    let variance = u.reduce(0) { $0 + Double($1 * $1) } / 2000
    #expect(abs(mean) < 0.015 && abs(variance - 0.03) < 0.003)
    let b = Array(one.elements(of: layout.entries[1]))
    #expect(b[3..<6] == [1, 1, 1])
    #expect((b[..<3] + b[6...]).allSatisfy { abs($0) <= 0.1 && $0 != 1 })
    withExtendedLifetime((one, same, other)) {}
  }

  @Test func aWeightThatIsNotFiniteIsNamed() {
    var layout = ParameterLayout()
    _ = layout.declare("first", shape: [9], as: .constant(1))
    let second = layout.declare("second", shape: [2, 2], as: .constant(1))
    let parameters = Parameters<Float>(layout, seed: 1)
    #expect(parameters.firstNotFinite == nil)
    parameters[second][1, 0] = -.infinity
    #expect(parameters.firstNotFinite == "second")
    parameters[second][1, 0] = .greatestFiniteMagnitude
    #expect(parameters.firstNotFinite == nil)
  }
}

@Suite struct OptimizerTests {
  private func blocks(_ count: Int) -> (ParameterLayout, [Parameters<Float>]) {
    var layout = ParameterLayout()
    _ = layout.declare("w", shape: [300, 400], as: .uniform(1))
    _ = layout.declare("b", shape: [77], as: .uniform(1))
    return (layout, (0..<count).map { Parameters<Float>(layout, seed: UInt64($0)) })
  }

  @Test func shardsAreSummedInOrderWhateverTheThreads() {
    let results = [1, 2, 5].map { threads -> ([Float], Double) in
      let (layout, shards) = blocks(3)
      let optimizer = Optimizer<Float>(layout, rule: .momentum(0.9), weightDecay: 0)
      let norm = optimizer.sum(shards, on: Shards(threads: threads))
      return withExtendedLifetime(shards) { (Array(shards[0].elements), norm) }
    }
    #expect(results[0].0 == results[1].0 && results[0].0 == results[2].0)
    #expect(results[0].1 == results[1].1 && results[0].1 == results[2].1)
    let (_, fresh) = blocks(3)
    var squares = 0.0
    for index in 0..<fresh[0].layout.count {
      let sum = fresh[0].elements[index] + fresh[1].elements[index] + fresh[2].elements[index]
      #expect(results[0].0[index] == sum)
      squares += Double(sum) * Double(sum)
    }
    #expect(abs(results[0].1 - squares.squareRoot()) < 1e-9 * results[0].1)
    withExtendedLifetime(fresh) {}
  }

  /// torch.optim on w = [1, -2, 0.5] with gradients [0.1, -0.2, 0.3], [-0.4, 0.5, 0.6], [0.7, 0, -1]:
  /// lr 0.05, AdamW with betas (0.9, 0.99) and weight decay 0.1, SGD with momentum 0.9 and the same.
  @Test(arguments: [true, false])
  func threeStepsAreThoseOfPyTorch(isAdam: Bool) {
    var layout = ParameterLayout()
    let w = layout.declare("w", shape: [1, 3], as: .constant(0))
    let parameters = Parameters<Float>(layout)
    let gradient = Parameters<Float>(layout)
    for (column, value) in [1, -2, 0.5].enumerated() { parameters[w][0, column] = Float(value) }
    var optimizer = Optimizer<Float>(
      layout, rule: isAdam ? .adamW() : .momentum(0.9), weightDecay: 0.1)
    for step in [[0.1, -0.2, 0.3], [-0.4, 0.5, 0.6], [0.7, 0, -1]] {
      for (column, value) in step.enumerated() { gradient[w][0, column] = Float(2 * value) }
      optimizer.update(
        parameters, along: gradient, scale: 0.5, rate: 0.05, on: Shards(threads: 1))
    }
    let expected: [Float] =
      isAdam ? [0.946853357, -1.959715358, 0.400824194] : [0.961514750, -1.964604500, 0.438819562]
    let found = withExtendedLifetime(parameters) { parameters[w].elements }
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < 2e-6) }
  }

  @Test func vectorsDoNotDecay() {
    var layout = ParameterLayout()
    let matrix = layout.declare("m", shape: [1, 2], as: .constant(2))
    let vector = layout.declare("v", shape: [2], as: .constant(2))
    let parameters = Parameters<Float>(layout, seed: 1)
    var optimizer = Optimizer<Float>(layout, rule: .adamW(), weightDecay: 0.5)
    optimizer.update(
      parameters, along: Parameters(layout), scale: 1, rate: 0.1, on: Shards(threads: 1))
    withExtendedLifetime(parameters) {
      #expect(parameters[vector].elements == [2, 2])
      #expect(parameters[matrix].elements.allSatisfy { abs($0 - 1.9) < 1e-6 })
    }
  }
}

@Suite struct WeightDropTests {
  @Test func productsAndGradientsMissTheSameElements() {
    var layout = ParameterLayout()
    let w = layout.declare("w", shape: [30, 20], as: .uniform(1), isFactor: true)
    let parameters = Parameters<Double>(layout, seed: 2)
    let packed = PackedWeights<Double>(
      layout, forTraining: true, drops: [WeightDrop(w, rate: 0.4)])
    let workspace = Workspace(parameters, packed: packed, forTraining: true)
    packed.load(
      parameters, masks: (CounterRandom(seed: 1, stream: .dropout), 3), on: Shards(threads: 2))
    // The rows of the unit matrix read the weight's columns.
    let unit = workspace.arena.zeros(20, 20)
    for index in 0..<20 { unit[index, index] = 1 }
    let product = workspace.arena.matrix(20, 30)
    workspace.product(unit, w, into: product, accumulate: false)
    let gradients = Parameters<Double>(layout)
    Double.fill(gradients[w], with: 1)
    packed.maskGradients(gradients)
    var dropped = 0
    for row in 0..<30 {
      for column in 0..<20 {
        let mask = gradients[w][row, column]
        #expect(mask == 0 || abs(mask - 1 / 0.6) < 1e-12)
        #expect(abs(product[column, row] - mask * parameters[w][row, column]) < 1e-12)
        dropped += mask == 0 ? 1 : 0
      }
    }
    #expect(dropped > 180 && dropped < 300)
    packed.load(parameters, on: Shards(threads: 1))
    workspace.product(unit, w, into: product, accumulate: false)
    #expect(product[3, 4] == parameters[w][4, 3])
    withExtendedLifetime(gradients) {}
  }
}
