import DenseMath
@_exported import Experiments

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

/// A block of these indices in memory that is never given back: tests are short.
public func indices(_ numbers: [Int32]) -> IndexBlock {
  let memory = UnsafeMutablePointer<Int32>.allocate(capacity: max(1, numbers.count))
  memory.initialize(from: numbers, count: numbers.count)
  return IndexBlock(memory, count: numbers.count)
}

/// The bfloat16 nearest to a finite number, found by trying both that it lies between; of two as near, the even one.
public func nearestBFloat16(_ number: Float) -> Float {
  let (sign, size) = (number.sign == .minus ? -1 : 1 as Float, Double(number.magnitude))
  let below = number.magnitude.bitPattern >> 16
  func distance(_ bits: UInt32) -> Double {
    // Beyond the largest number the next power of two stands for infinity.
    bits == 0x7F80 ? 0x1p128 - size : abs(Double(Float(bitPattern: bits << 16)) - size)
  }
  let (near, far) = (distance(below), distance(below + 1))
  let nearest = near < far || near == far && below % 2 == 0 ? below : below + 1
  return sign * Float(bitPattern: nearest << 16)
}
