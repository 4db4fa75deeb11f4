import DenseMath
import Foundation
import Testing

@Suite struct AccuracyTests {
  /// Signed zeros, subnormals, all powers of two, and a fine grid to ±100.
  private static let arguments: [Float] = {
    var numbers: [Float] = [0, -0.0, .leastNonzeroMagnitude, .leastNormalMagnitude]
    for exponent in -149...127 {
      let power = Float(sign: .plus, exponent: exponent, significand: 1)
      numbers += [power, -power, power * 1.37, -power * 1.37]
    }
    var generator = SeededGenerator(1)
    for range in [0.01, 1, 10, 88, 100] as [Float] {
      numbers += (0..<40_000).map { _ in Float.random(in: -range...range, using: &generator) }
    }
    return numbers
  }()

  private func values(_ kernel: (Matrix<Float>, Matrix<Float>) -> Void) -> [Float] {
    var x = Self.arguments
    var y = [Float](repeating: .nan, count: x.count)
    x.withUnsafeMutableBufferPointer { x in
      y.withUnsafeMutableBufferPointer { y in
        guard let from = x.baseAddress, let to = y.baseAddress else { return }
        kernel(
          Matrix(from, rows: 1, columns: x.count), Matrix(to, rows: 1, columns: y.count))
      }
    }
    return y
  }

  /// The worst relative error, where a difference of `floor` counts as none.
  private func worst(
    _ values: [Float], floor: Double, _ exact: (Double) -> Double
  ) -> (error: Double, at: Float) {
    zip(Self.arguments, values).reduce((0, 0)) { worst, pair in
      let expected = exact(Double(pair.0))
      let difference = abs(Double(pair.1) - expected)
      let error =
        difference <= floor ? 0 : difference.isFinite ? difference / abs(expected) : .infinity
      return error > worst.0 ? (error, pair.0) : worst
    }
  }

  @Test func sigmoidIsAccurateEverywhere() {
    // Below e^-87 the kernel stops: what it gives there is under the smallest normal Float.
    let (error, at) = worst(values { Float.sigmoid($0, into: $1) }, floor: 1.2e-38) {
      1 / (1 + exp(-$0))
    }
    #expect(error < 1e-6, "at \(at)")
  }

  @Test func tanhIsAccurateEverywhere() {
    // One subnormal step.
    let (error, at) = worst(values { Float.tanh($0, into: $1) }, floor: 1.5e-45) {
      Foundation.tanh($0)
    }
    #expect(error < 1e-6, "at \(at)")
  }

  @Test func sigmoidStaysWithinZeroAndOne() {
    #expect(values { Float.sigmoid($0, into: $1) }.allSatisfy { $0 >= 0 && $0 <= 1 })
  }

  @Test func tanhStaysWithinMinusOneAndOne() {
    #expect(values { Float.tanh($0, into: $1) }.allSatisfy { $0 >= -1 && $0 <= 1 })
  }

  @Test(arguments: [1, 15, 16, 17, 33])
  func infinitiesSaturate(_ columns: Int) {
    for (input, sigmoid, tanh) in [(Double.infinity, 1.0, 1.0), (-.infinity, 0, -1)] {
      let x = Block<Float>(
        [Double](repeating: input, count: columns), rows: 1, columns: columns)
      let y = Block<Float>(rows: 1, columns: columns)
      Float.sigmoid(x.view, into: y.view)
      #expect(largestDifference(y.numbers, [Double](repeating: sigmoid, count: columns)) < 1e-37)
      Float.tanh(x.view, into: y.view)
      #expect(y.numbers == [Double](repeating: tanh, count: columns))
    }
  }

  @Test(arguments: [1, 15, 16, 17, 33])
  func notANumberStaysSo(_ columns: Int) {
    // In every place, so in vector lanes and in the rest loop; the neighbours are not touched.
    for place in 0..<columns {
      var numbers = [Double](repeating: 0.5, count: columns)
      numbers[place] = .nan
      let x = Block<Float>(numbers, rows: 1, columns: columns)
      for kernel in [Kernel.sigmoid, .tanh, .relu] {
        let y = Block<Float>(rows: 1, columns: columns)
        kernel.run([x.view], into: y.view)
        let areNaN = y.numbers.map(\.isNaN)
        #expect(areNaN == numbers.map(\.isNaN), "\(kernel), place \(place) of \(columns)")
      }
    }
  }

  @Test(arguments: [1, 15, 16, 17, 33])
  func notANumberShowsInSoftmax(_ columns: Int) {
    for place in 0..<columns {
      var numbers = [Double](repeating: 0.5, count: columns)
      numbers[place] = .nan
      let x = Block<Float>(numbers, rows: 1, columns: columns)
      let loss = Float.softmaxCrossEntropy(x.view, targets: indices([0]), scale: 0, losses: nil)
      #expect(loss.isNaN, "place \(place) of \(columns)")
      Float.softmax(x.view, into: x.view)
      #expect(x.numbers.allSatisfy { $0.isNaN }, "place \(place) of \(columns)")
    }
  }
}
