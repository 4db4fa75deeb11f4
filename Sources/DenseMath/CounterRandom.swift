/// Random numbers without a state: a number is a function of seed, stream, step and index.
///
/// A resumed run, another number of threads, or one shard alone therefore draws the same numbers.
/// The function is Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy
/// as 1, 2, 3", SC 2011).
public struct CounterRandom: Sendable, Equatable {
  /// What the numbers are for, so that no two uses share them.
  public enum Stream: UInt32, Sendable {
    /// Initial weights; `step` is the number of the weight matrix.
    case weights = 1
    /// Dropout masks; `step` counts updates.
    case dropout
    /// The order of the data; `step` counts epochs.
    case shuffle
    /// Choices while generating; `step` counts tokens.
    case sampling
    /// Which words are taken for unknown ones in training; `step` counts updates.
    case words
  }

  /// The seed that the user gives.
  public let seed: UInt64
  /// The use of the numbers.
  public let stream: Stream

  /// The numbers of a seed for one use.
  public init(seed: UInt64, stream: Stream) {
    self.seed = seed
    self.stream = stream
  }

  /// Four independent 32-bit numbers.
  ///
  /// `step` counts up to 2^32, `index` to 2^64.
  public func bits(step: Int, index: Int) -> SIMD4<UInt32> {
    Self.philox(
      counter: [
        UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32),
        UInt32(truncatingIfNeeded: step), stream.rawValue,
      ],
      key: [UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)])
  }

  /// One number in [0, 1), of 53 random bits.
  public func uniform(step: Int, index: Int) -> Double {
    let word = bits(step: step, index: index)
    return Double(UInt64(word.x) << 21 ^ UInt64(word.y) >> 11) * 0x1p-53
  }

  /// One whole number below `bound`; its bias is below bound / 2^53.
  public func integer(below bound: Int, step: Int, index: Int) -> Int {
    Int(uniform(step: step, index: index) * Double(bound))
  }

  /// A permutation of 0..<count (Fisher and Yates).
  public func permutation(of count: Int, step: Int) -> [Int] {
    var order = Array(0..<count)
    for i in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(i, integer(below: i + 1, step: step, index: i))
    }
    return order
  }

  /// Fills a block with `keep`-probability masks: 0, or 1 / (1 - rate).
  ///
  /// Row r, column c uses index (firstRow + r) · columns + c, so a shard draws its own rows.
  public func dropoutMask<S: Real>(_ mask: Matrix<S>, rate: Double, firstRow: Int, step: Int) {
    let threshold = UInt32(min(rate * 0x1p32, 0x1p32 - 1))
    let kept = S(1 / (1 - rate))
    for r in 0..<mask.rows {
      let first = (firstRow + r) * mask.columns
      var word = SIMD4<UInt32>(repeating: 0)
      for c in 0..<mask.columns {
        let index = first + c
        if c == 0 || index & 3 == 0 { word = bits(step: step, index: index >> 2) }
        mask[r, c] = word[index & 3] < threshold ? 0 : kept
      }
    }
  }

  static func philox(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var x = counter
    var k = key
    for _ in 0..<10 {
      let first = UInt64(0xD251_1F53) * UInt64(x.x)
      let second = UInt64(0xCD9E_8D57) * UInt64(x.z)
      x = [
        UInt32(second >> 32) ^ x.y ^ k.x, UInt32(truncatingIfNeeded: second),
        UInt32(first >> 32) ^ x.w ^ k.y, UInt32(truncatingIfNeeded: first),
      ]
      k = [k.x &+ 0x9E37_79B9, k.y &+ 0xBB67_AE85]
    }
    return x
  }
}
