import DenseMath
import Foundation
import Testing

/// Softmax by its definition, on numbers small enough for it.
private func softmax(_ row: ArraySlice<Double>) -> [Double] {
  let shift = row.max() ?? 0
  let powers = row.map { exp($0 - shift) }
  return powers.map { $0 / powers.reduce(0, +) }
}

@Suite struct SoftmaxTests {
  @Test func rowsBecomeProbabilities() {
    for columns in columnCounts {
      for (seed, range) in [1, 10, 100].enumerated() {
        var generator = SeededGenerator(UInt64(seed))
        let numbers = generator.numbers(4 * columns, in: Float(-range)...Float(range))
        let x = Block<Float>(numbers, rows: 4, columns: columns, left: 3, right: 1)
        let y = Block<Float>(rows: 4, columns: columns, left: 1, right: 2)
        Float.softmax(x.view, into: y.view)
        let result = y.numbers
        var worst = 0.0
        for r in 0..<4 {
          let row = numbers[r * columns..<(r + 1) * columns]
          let high = row.max() ?? 0
          for (c, expected) in softmax(row).enumerated() {
            // A difference of two Floats is rounded before its exponential is taken.
            let rounding = abs(numbers[r * columns + c] - high) * 0x1p-23
            let difference = abs(result[r * columns + c] - expected)
            worst = max(
              worst, difference < 2e-38 ? 0 : difference / expected / (1e-6 + rounding))
          }
        }
        #expect(worst < 1, "\(columns) columns within ±\(range), seed \(seed)")
        #expect(y.guardsAreIntact && x.numbers == numbers)
      }
    }
  }

  @Test func doubleFollowsTheDefinition() {
    var generator = SeededGenerator(4)
    let numbers = generator.numbers(5 * 33, in: -50...50)
    let x = Block<Double>(numbers, rows: 5, columns: 33)
    Double.softmax(x.view, into: x.view)
    let expected = (0..<5).flatMap { softmax(numbers[$0 * 33..<($0 + 1) * 33]) }
    #expect(largestDifference(x.numbers, expected) < 1e-15)
  }

  @Test func outputMayBeTheInput() {
    var generator = SeededGenerator(5)
    let numbers = generator.numbers(3 * 47, in: -5...5)
    let x = Block<Float>(numbers, rows: 3, columns: 47)
    let y = Block<Float>(rows: 3, columns: 47)
    Float.softmax(x.view, into: y.view)
    Float.softmax(x.view, into: x.view)
    #expect(x.numbers == y.numbers)
  }

  @Test func largeLogitsDoNotOverflow() {
    let x = Block<Float>([3e38, 3e38, -3e38, 0], rows: 1, columns: 4)
    Float.softmax(x.view, into: x.view)
    #expect(largestDifference(x.numbers, [0.5, 0.5, 0, 0]) < 1e-6)
  }

  @Test func shiftedLogitsGiveTheSameRow() {
    let x = Block<Float>([1, 2, 3, 4, 5, 9, 10, 11, 12, 13], rows: 2, columns: 5)
    Float.softmax(x.view, into: x.view)
    #expect(x.numbers.prefix(5) == x.numbers.suffix(5))
  }
}

@Suite struct CrossEntropyTests {
  /// Random logits and targets, some of which do not count.
  private struct Example {
    let rows, columns: Int
    let logits: [Double]
    let targets: [Int32]

    init(columns: Int, seed: UInt64) {
      var generator = SeededGenerator(seed)
      rows = Int.random(in: 1...9, using: &generator)
      self.columns = columns
      logits = generator.numbers(rows * columns, in: -10...10)
      targets = (0..<rows).map { _ in
        Bool.random(using: &generator) && Bool.random(using: &generator)
          ? -1 : Int32.random(in: 0..<Int32(columns), using: &generator)
      }
    }

    func row(_ r: Int) -> ArraySlice<Double> { logits[r * columns..<(r + 1) * columns] }

    var losses: [Double] {
      (0..<rows).map { r in targets[r] < 0 ? 0 : -log(softmax(row(r))[Int(targets[r])]) }
    }

    func gradient(scale: Double) -> [Double] {
      (0..<rows).flatMap { r in
        softmax(row(r)).enumerated().map { c, share in
          targets[r] < 0 ? 0 : scale * (share - (c == Int(targets[r]) ? 1 : 0))
        }
      }
    }

    func run<S: Real>(scale: S) -> (total: Double, losses: [Double], logits: Block<S>) {
      let block = Block<S>(logits, rows: rows, columns: columns, left: 2, right: 3)
      var losses = [S](repeating: -1, count: rows)
      let total = S.softmaxCrossEntropy(
        block.view, targets: indices(targets), scale: scale, losses: &losses)
      return (total, losses.map { Double($0) }, block)
    }
  }

  private func forAll(_ body: (Example, String) -> Void) {
    for columns in columnCounts {
      for seed in 0..<4 as Range<UInt64> {
        body(Example(columns: columns, seed: seed), "\(columns) columns, seed \(seed)")
      }
    }
  }

  @Test func lossIsMinusLogProbability() {
    forAll { example, place in
      let float = example.run(scale: 0.25 as Float).losses
      #expect(largestDifference(float, example.losses) < 5e-6, "Float, \(place)")
      let double = example.run(scale: 0.25 as Double).losses
      #expect(largestDifference(double, example.losses) < 1e-13, "Double, \(place)")
    }
  }

  @Test func totalIsTheSumOfTheLosses() {
    forAll { example, place in
      let expected = example.losses.reduce(0, +)
      let float = example.run(scale: 0.25 as Float).total
      #expect(abs(float - expected) < 5e-5, "Float, \(place)")
      let double = example.run(scale: 0.25 as Double).total
      #expect(abs(double - expected) < 1e-12, "Double, \(place)")
    }
  }

  @Test func logitsBecomeTheGradient() {
    forAll { example, place in
      let expected = example.gradient(scale: 0.25)
      let float = example.run(scale: 0.25 as Float).logits
      #expect(largestDifference(float.numbers, expected) < 1e-6, "Float, \(place)")
      #expect(float.guardsAreIntact, "Float, \(place)")
      let double = example.run(scale: 0.25 as Double).logits
      #expect(largestDifference(double.numbers, expected) < 1e-15, "Double, \(place)")
    }
  }

  @Test func gradientIsTheSlopeOfTheLoss() {
    // Central differences of the loss itself, so that no formula is shared with the code.
    let example = Example(columns: 7, seed: 2)
    let gradient = example.run(scale: 1 as Double).logits.numbers
    let step = 1e-5
    var slopes: [Double] = []
    for i in example.logits.indices {
      let (up, down) = (example.logits[i] + step, example.logits[i] - step)
      let block = Block<Double>(example.logits, rows: example.rows, columns: 7)
      let losses = [up, down].map { logit in
        block.view[i / 7, i % 7] = logit
        return Double.softmaxCrossEntropy(
          block.view, targets: indices(example.targets), scale: 0, losses: nil)
      }
      slopes.append((losses[0] - losses[1]) / (2 * step))
    }
    #expect(largestDifference(gradient, slopes) < 1e-8)
  }

  @Test func scaleZeroLeavesTheLogits() {
    forAll { example, place in
      let float = example.run(scale: 0 as Float)
      #expect(float.logits.numbers == example.logits, "Float, \(place)")
      #expect(largestDifference(float.losses, example.losses) < 5e-6, "Float, \(place)")
      let double = example.run(scale: 0 as Double)
      #expect(double.logits.numbers == example.logits, "Double, \(place)")
    }
  }

  @Test func negativeTargetsCountNothing() {
    let logits = Block<Float>([1, 2, 3, 4, 5, 6], rows: 2, columns: 3)
    var losses: [Float] = [9, 9]
    let total = Float.softmaxCrossEntropy(
      logits.view, targets: indices([-1, -100]), scale: 1, losses: &losses)
    #expect(total == 0)
    #expect(losses == [0, 0])
    #expect(logits.numbers == [0, 0, 0, 0, 0, 0])
  }

  @Test func evenLogitsCostTheLogarithmOfTheirNumber() {
    let logits = Block<Float>([Double](repeating: 3, count: 200), rows: 2, columns: 100)
    let total = Float.softmaxCrossEntropy(
      logits.view, targets: indices([0, 99]), scale: 0, losses: nil)
    #expect(abs(total - 2 * log(100)) < 1e-5)
  }
}
