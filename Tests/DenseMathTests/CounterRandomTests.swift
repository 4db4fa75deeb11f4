import Foundation
import Testing

@testable import DenseMath

@Suite struct CounterRandomTests {
  /// Random123's tests/kat_vectors, the lines "philox4x32 10".
  private static let knownAnswers:
    [(counter: SIMD4<UInt32>, key: SIMD2<UInt32>, answer: SIMD4<UInt32>)] = [
      (
        [0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
      ),
      (
        .init(repeating: .max), .init(repeating: .max),
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
      ),
      (
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
      ),
    ]

  @Test(arguments: 0..<3)
  func philoxGivesTheKnownAnswers(_ number: Int) {
    let (counter, key, answer) = Self.knownAnswers[number]
    #expect(CounterRandom.philox(counter: counter, key: key) == answer)
  }

  @Test func counterIsMadeOfIndexStepAndStream() {
    let random = CounterRandom(seed: 0x0123_4567_89ab_cdef, stream: .shuffle)
    let expected = CounterRandom.philox(
      counter: [0x5566_7788, 0x1122_3344, 77, 3], key: [0x89ab_cdef, 0x0123_4567])
    #expect(random.bits(step: 77, index: 0x1122_3344_5566_7788) == expected)
  }

  @Test func seedsStreamsStepsAndIndicesDiffer() {
    var seen: Set<SIMD4<UInt32>> = []
    for seed in [0, 1, 1 << 32] as [UInt64] {
      for stream in [CounterRandom.Stream.weights, .dropout, .shuffle, .sampling] {
        for step in [0, 1, 1000] {
          for index in [0, 1, 1 << 33] {
            seen.insert(CounterRandom(seed: seed, stream: stream).bits(step: step, index: index))
          }
        }
      }
    }
    #expect(seen.count == 3 * 4 * 3 * 3)
  }

  @Test func uniformNumbersAreFromZeroToOne() {
    let random = CounterRandom(seed: 11, stream: .weights)
    #expect((0..<100_000).allSatisfy { (0..<1).contains(random.uniform(step: 0, index: $0)) })
  }

  @Test func uniformNumbersHaveMeanAndVariance() {
    let random = CounterRandom(seed: 11, stream: .weights)
    let count = 100_000
    let numbers = (0..<count).map { random.uniform(step: 3, index: $0) }
    let mean = numbers.reduce(0, +) / Double(count)
    let variance = numbers.reduce(0) { $0 + pow($1 - mean, 2) } / Double(count)
    // Four standard errors each.
    #expect(abs(mean - 0.5) < 4 * (1 / 12.0 / Double(count)).squareRoot())
    #expect(abs(variance - 1 / 12.0) < 4 * (1 / 180.0 / Double(count)).squareRoot())
  }

  @Test func uniformNumbersFillAllBinsEvenly() {
    let random = CounterRandom(seed: 12, stream: .weights)
    var bins = [Double](repeating: 0, count: 64)
    for index in 0..<64_000 { bins[Int(random.uniform(step: 0, index: index) * 64)] += 1 }
    let chiSquare = bins.reduce(0) { $0 + pow($1 - 1000, 2) / 1000 }
    // 63 degrees of freedom: above 120 once in 100,000 seeds, below 25 as seldom.
    #expect(chiSquare < 120 && chiSquare > 25)
  }

  @Test func uniformNumbersHaveFineBits() {
    // 53 bits: scaled by 2^53 they are whole, and half of them odd.
    let random = CounterRandom(seed: 13, stream: .weights)
    let scaled = (0..<1000).map { random.uniform(step: 0, index: $0) * 0x1p53 }
    #expect(scaled.allSatisfy { $0 == $0.rounded() })
    #expect((400...600).contains(scaled.count { Int($0) & 1 == 1 }))
  }

  @Test func integersCoverTheirRange() {
    let random = CounterRandom(seed: 14, stream: .shuffle)
    let seen = (0..<1000).map { random.integer(below: 7, step: 0, index: $0) }
    #expect(Set(seen) == Set(0..<7))
  }

  @Test func permutationHoldsEachNumberOnce() {
    for seed in 0..<20 as Range<UInt64> {
      var generator = SeededGenerator(seed)
      let count = Int.random(in: 0...300, using: &generator)
      let order = CounterRandom(seed: seed, stream: .shuffle).permutation(of: count, step: 5)
      #expect(order.sorted() == Array(0..<count), "\(count) numbers, seed \(seed)")
    }
  }

  @Test func permutationsAreEquallyLikely() {
    let random = CounterRandom(seed: 15, stream: .shuffle)
    var counts: [[Int]: Double] = [:]
    for step in 0..<24_000 { counts[random.permutation(of: 4, step: step), default: 0] += 1 }
    #expect(counts.count == 24)
    let chiSquare = counts.values.reduce(0) { $0 + pow($1 - 1000, 2) / 1000 }
    // 23 degrees of freedom: above 61 once in 30,000 seeds.
    #expect(chiSquare < 61)
  }

  @Test func epochsHaveOrdersOfTheirOwn() {
    let random = CounterRandom(seed: 16, stream: .shuffle)
    #expect(random.permutation(of: 50, step: 0) != random.permutation(of: 50, step: 1))
  }
}

@Suite struct DropoutMaskTests {
  private let random = CounterRandom(seed: 21, stream: .dropout)

  @Test func maskDoesNotDependOnHowRowsAreSplit() {
    for seed in 0..<40 as Range<UInt64> {
      var generator = SeededGenerator(seed)
      let rows = Int.random(in: 1...12, using: &generator)
      let columns = Int.random(in: 1...40, using: &generator)
      let whole = Block<Float>(rows: rows, columns: columns)
      random.dropoutMask(whole.view, rate: 0.4, firstRow: 3, step: 9)
      let parts = Block<Float>(rows: rows, columns: columns, left: 2, right: 3)
      var row = 0
      while row < rows {
        let count = Int.random(in: 1...rows - row, using: &generator)
        random.dropoutMask(
          parts.view.rows(row..<row + count), rate: 0.4, firstRow: 3 + row, step: 9)
        row += count
      }
      #expect(parts.numbers == whole.numbers, "\(rows) x \(columns), seed \(seed)")
      #expect(parts.guardsAreIntact, "\(rows) x \(columns), seed \(seed)")
    }
  }

  @Test(arguments: [0.1, 0.3, 0.5, 0.9])
  func rateIsTheShareOfZeros(_ rate: Double) {
    let mask = Block<Float>(rows: 200, columns: 251)
    random.dropoutMask(mask.view, rate: rate, firstRow: 0, step: 0)
    let count = Double(mask.numbers.count)
    let zeros = Double(mask.numbers.count { $0 == 0 })
    // Four standard errors.
    #expect(abs(zeros / count - rate) < 4 * (rate * (1 - rate) / count).squareRoot())
  }

  @Test(arguments: [0.1, 0.3, 0.5, 0.9])
  func keptNumbersMakeUpForTheDropped(_ rate: Double) {
    let mask = Block<Double>(rows: 20, columns: 25)
    random.dropoutMask(mask.view, rate: rate, firstRow: 0, step: 0)
    #expect(mask.numbers.allSatisfy { $0 == 0 || abs($0 - 1 / (1 - rate)) < 1e-12 })
  }

  @Test func rateZeroKeepsAll() {
    let mask = Block<Float>(rows: 20, columns: 25)
    random.dropoutMask(mask.view, rate: 0, firstRow: 0, step: 0)
    #expect(mask.numbers.allSatisfy { $0 == 1 })
  }

  @Test func stepsAndRowsHaveMasksOfTheirOwn() {
    let masks = [(0, 0), (1, 0), (0, 1)].map { step, row in
      let mask = Block<Float>(rows: 1, columns: 64)
      random.dropoutMask(mask.view, rate: 0.5, firstRow: row, step: step)
      return mask.numbers
    }
    #expect(Set(masks).count == 3)
  }

  @Test func floatAndDoubleDropTheSame() {
    let (float, double) = (Block<Float>(rows: 9, columns: 31), Block<Double>(rows: 9, columns: 31))
    random.dropoutMask(float.view, rate: 0.5, firstRow: 0, step: 0)
    random.dropoutMask(double.view, rate: 0.5, firstRow: 0, step: 0)
    #expect(float.numbers == double.numbers)
  }
}
