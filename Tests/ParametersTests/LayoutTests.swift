import DenseMath
import Parameters
import TestSupport
import Testing

@Suite struct LayoutTests {
  @Test func weightsStartOnVectorBoundaries() {
    for seed in 0..<50 as Range<UInt64> {
      let layout = randomLayout(seed: seed)
      #expect(layout.entries.allSatisfy { $0.offset * 4 % 64 == 0 }, "seed \(seed)")
      let parameters = Parameters<Float>(layout)
      #expect(UInt(bitPattern: parameters.base) % 64 == 0, "seed \(seed)")
    }
  }

  @Test func weightsLieInOrderWithoutOverlap() {
    for seed in 0..<50 as Range<UInt64> {
      let layout = randomLayout(seed: seed)
      var end = 0
      for entry in layout.entries {
        #expect(entry.offset >= end && entry.offset < end + 16, "\(entry.name), seed \(seed)")
        #expect(entry.count == entry.shape.reduce(1, *), "\(entry.name), seed \(seed)")
        end = entry.offset + entry.count
      }
      #expect(layout.count >= end && layout.count < end + 16, "seed \(seed)")
    }
  }

  @Test func weightCountLeavesOutGaps() {
    var layout = ParameterLayout()
    _ = layout.declare("a", shape: [3, 5], as: .constant(0))
    _ = layout.declare("b", shape: [17], as: .constant(0))
    #expect(layout.weightCount == 32)
    #expect(layout.count == 48)
  }

  @Test func piecesCoverEachElementOnce() {
    for seed in 0..<50 as Range<UInt64> {
      var layout = randomLayout(seed: seed)
      var generator = SeededGenerator(seed)
      let columns = Int.random(in: 60_000...70_000, using: &generator)
      _ = layout.declare("large", shape: [3, columns], as: .constant(0))
      var visits = [Int](repeating: 0, count: layout.count)
      for (range, index) in layout.pieces() {
        let entry = layout.entries[index]
        #expect(range.count <= 65_536 && !range.isEmpty, "seed \(seed)")
        #expect(
          range.lowerBound >= entry.offset && range.upperBound <= entry.offset + entry.count,
          "\(entry.name), seed \(seed)")
        for i in range { visits[i] += 1 }
      }
      var expected = [Int](repeating: 0, count: layout.count)
      for entry in layout.entries {
        for i in entry.offset..<entry.offset + entry.count { expected[i] += 1 }
      }
      #expect(visits == expected, "seed \(seed)")
    }
  }

  @Test func handlesLeadToTheirWeights() {
    var layout = ParameterLayout()
    _ = layout.declare("first", shape: [3], as: .constant(1))
    let matrix = layout.declare("matrix", shape: [2, 5], as: .constant(2))
    let vector = layout.declare("vector", shape: [7], as: .constant(3))
    let parameters = Parameters<Float>(layout, seed: 1)
    withExtendedLifetime(parameters) {
      let (a, b) = (parameters[matrix], parameters[vector])
      #expect(a.rows == 2 && a.columns == 5 && a.elements == [Float](repeating: 2, count: 10))
      #expect(b.rows == 1 && b.columns == 7 && b.elements == [Float](repeating: 3, count: 7))
    }
  }
}

@Suite struct InitializerTests {
  private func layout(_ initializer: Initializer) -> ParameterLayout {
    var layout = ParameterLayout()
    _ = layout.declare("w", shape: [100, 100], as: initializer)
    _ = layout.declare("x", shape: [9999], as: initializer)
    return layout
  }

  @Test(arguments: [0.01, 0.3, 5])
  func uniformWeightsFillTheirBounds(_ bound: Double) {
    let weights = Parameters<Double>(layout(.uniform(bound)), seed: 4)["w"]
    #expect(weights.allSatisfy { abs($0) <= bound })
    // Four standard errors of the mean and of the mean square of 10,000 even numbers.
    let mean = weights.reduce(0, +) / 10_000
    let square = weights.reduce(0) { $0 + $1 * $1 } / 10_000
    #expect(abs(mean) < 4 * bound / (3 * 10_000.0).squareRoot())
    #expect(abs(square - bound * bound / 3) < 4 * bound * bound * (4 / 45.0 / 10_000).squareRoot())
  }

  @Test func constantWeightsAreAllTheSame() {
    let parameters = Parameters<Float>(layout(.constant(-0.75)), seed: 4)
    #expect(parameters["w"].allSatisfy { $0 == -0.75 } && parameters["x"].count == 9999)
  }

  @Test func forgetBiasIsSetInItsRangeAlone() {
    let initializer = Initializer.uniformExcept(bound: 0.1, range: 5000..<7000, value: 1)
    let weights = Parameters<Float>(layout(initializer), seed: 4)["x"]
    let plain = Parameters<Float>(layout(.uniform(0.1)), seed: 4)["x"]
    #expect(weights[5000..<7000].allSatisfy { $0 == 1 })
    #expect(weights[..<5000] == plain[..<5000] && weights[7000...] == plain[7000...])
  }

  @Test func sameSeedGivesTheSameWeights() {
    let layout = layout(.uniform(0.2))
    let first = Parameters<Float>(layout, seed: 8).numbers
    #expect(Parameters<Float>(layout, seed: 8).numbers == first)
    #expect(Parameters<Float>(layout, seed: 9).numbers != first)
  }

  @Test func weightsOfOneModelDiffer() {
    let parameters = Parameters<Float>(layout(.uniform(0.2)), seed: 8)
    #expect(parameters["w"].prefix(9999) != parameters["x"][...])
  }

  @Test func floatWeightsAreRoundedDoubles() {
    let layout = layout(.uniform(0.2))
    let rounded = Parameters<Double>(layout, seed: 8).numbers.map { Float($0) }
    #expect(Parameters<Float>(layout, seed: 8).numbers == rounded)
  }
}

@Suite struct ParametersTests {
  @Test func newBlocksAreZero() {
    #expect(Parameters<Float>(randomLayout(seed: 1)).numbers.allSatisfy { $0 == 0 })
  }

  @Test func copiesAreIndependent() {
    let original = Parameters<Float>(randomLayout(seed: 2), seed: 5)
    let before = original.numbers
    let copy = original.copy()
    #expect(copy.numbers == before)
    copy.clear()
    #expect(original.numbers == before)
    #expect(copy.numbers.allSatisfy { $0 == 0 })
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func firstNotFiniteNamesTheWeight(_ number: Float) {
    for seed in 0..<20 as Range<UInt64> {
      let layout = randomLayout(seed: seed)
      var generator = SeededGenerator(seed)
      let parameters = Parameters<Float>(layout, seed: 5)
      #expect(parameters.firstNotFinite == nil, "seed \(seed)")
      for (index, entry) in layout.entries.enumerated().reversed() {
        let place = entry.offset + Int.random(in: 0..<entry.count, using: &generator)
        parameters.base[place] = number
        #expect(parameters.firstNotFinite == "weight\(index)", "element \(place), seed \(seed)")
      }
    }
  }

  @Test func largestFloatsAreFinite() {
    let parameters = Parameters<Float>(randomLayout(seed: 3))
    parameters.fill(seed: 1) { _ in -.greatestFiniteMagnitude }
    #expect(parameters.firstNotFinite == nil)
  }
}

@Suite struct WorkspaceTests {
  /// y = x · Wᵀ and its backward pass, through packed weights and through plain ones.
  @Test(arguments: [false, true])
  func productsFollowTheThreeLoops(_ isFactor: Bool) {
    var layout = ParameterLayout()
    _ = layout.declare("other", shape: [11, 3], as: .uniform(1), isFactor: isFactor)
    let weight = layout.declare("w", shape: [5, 8], as: .uniform(1), isFactor: isFactor)
    let parameters = Parameters<Float>(layout, seed: 3)
    let packed = PackedWeights<Float>(layout, forTraining: true)
    packed.load(parameters, on: Shards(threads: 2))
    let workspace = Workspace(parameters, packed: packed, forTraining: true)
    let (x, y) = (workspace.arena.matrix(3, 8), workspace.arena.zeros(3, 5))
    let (back, gradient) = (workspace.arena.zeros(3, 8), workspace.gradient(of: weight))
    for r in 0..<3 { for c in 0..<8 { x[r, c] = Float(r * 8 + c) / 7 - 1 } }
    workspace.product(x, weight, into: y, accumulate: false)
    workspace.productBack(y, weight, into: back, accumulate: false)
    workspace.addGradient(of: weight, from: y, times: x)
    var worst: Float = 0
    for r in 0..<3 {
      for o in 0..<5 {
        let sum = (0..<8).reduce(0 as Float) { $0 + x[r, $1] * workspace[weight][o, $1] }
        worst = max(worst, abs(sum - y[r, o]))
      }
      for i in 0..<8 {
        let sum = (0..<5).reduce(0 as Float) { $0 + y[r, $1] * workspace[weight][$1, i] }
        worst = max(worst, abs(sum - back[r, i]))
      }
    }
    for o in 0..<5 {
      for i in 0..<8 {
        let sum = (0..<3).reduce(0 as Float) { $0 + y[$1, o] * x[$1, i] }
        worst = max(worst, abs(sum - gradient[o, i]))
      }
    }
    #expect(worst < 1e-5)
    withExtendedLifetime(workspace) {}
  }
}
