import DenseMath

/// The largest relative difference between analytic gradients and central differences.
///
/// The difference is of fourth order, (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h, so that
/// with h = 1/1024 both its errors are near 1e-12 in Double. A gradient is compared relative to
/// its own size, or to a hundredth of the largest one if it is smaller than that.
///
/// - Parameters:
///   - values: What the loss depends on, changed and put back.
///   - gradients: The analytic gradient of each value.
///   - loss: The loss as a function of the values as they are when it is called.
/// - Returns: The largest relative difference, or infinity where a number is NaN.
public func worstGradientError(
  of values: UnsafeMutableBufferPointer<Double>, gradients: [Double], loss: () -> Double
) -> Double {
  precondition(values.count == gradients.count)
  let step = 1.0 / 1024
  let floor = 0.01 * gradients.reduce(0) { max($0, abs($1)) }
  var worst = 0.0
  for index in values.indices {
    let value = values[index]
    func at(_ offset: Double) -> Double {
      values[index] = value + offset
      return loss()
    }
    let numeric = (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)
    values[index] = value
    let size = max(abs(numeric), abs(gradients[index]), floor, 1e-6)
    let error = abs(numeric - gradients[index]) / size
    // NaN must not slip through a comparison.
    worst = error >= 0 ? max(worst, error) : .infinity
  }
  return worst
}

/// The largest difference, relative to the larger number or to 1; infinity where one is NaN.
public func worstDifference<S: Real>(_ found: [S], _ expected: [Double]) -> Double {
  guard found.count == expected.count else { return .infinity }
  return zip(found, expected).reduce(0) { worst, pair in
    let error = abs(Double(pair.0) - pair.1) / max(1, abs(pair.1))
    return error >= 0 ? max(worst, error) : .infinity
  }
}

/// Random numbers for tests, evenly from -1 to 1, the same for the same seed.
public struct TestNumbers {
  private let random: CounterRandom
  private var index = 0

  /// Numbers of a seed.
  public init(seed: UInt64) { random = CounterRandom(seed: seed, stream: .shuffle) }

  /// The next number.
  public mutating func next() -> Double {
    index += 1
    return 2 * random.uniform(step: 0, index: index) - 1
  }

  /// The next whole number in a range.
  public mutating func integer(_ range: ClosedRange<Int>) -> Int {
    index += 1
    return range.lowerBound + random.integer(below: range.count, step: 0, index: index)
  }

  /// Fills a block.
  public mutating func fill<S: Real>(_ block: Matrix<S>, scale: Double = 1) {
    for r in 0..<block.rows {
      for c in 0..<block.columns { block[r, c] = S(scale * next()) }
    }
  }
}
