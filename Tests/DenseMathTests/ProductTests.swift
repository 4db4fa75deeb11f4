import DenseMath
import Foundation
import Testing

/// c (+)= op(a) · op(b) with random numbers, and the three loops that define it.
private struct ProductExample {
  var m, k, n: Int
  var aTransposed = false
  var bTransposed = false
  var accumulate = false
  let a, b, old: [Double]
  let margins: [Int]

  init(
    m: Int, k: Int, n: Int, aTransposed: Bool = false, bTransposed: Bool = false,
    accumulate: Bool = false, seed: UInt64
  ) {
    var generator = SeededGenerator(seed)
    self.m = m
    self.k = k
    self.n = n
    self.aTransposed = aTransposed
    self.bTransposed = bTransposed
    self.accumulate = accumulate
    a = generator.numbers(m * k)
    b = generator.numbers(k * n)
    old = generator.numbers(m * n)
    margins = (0..<6).map { _ in Int.random(in: 0...9, using: &generator) }
  }

  func aBlock<S: Real>(_ type: S.Type) -> Block<S> {
    Block(
      a, rows: aTransposed ? k : m, columns: aTransposed ? m : k, left: margins[0],
      right: margins[1])
  }

  func bBlock<S: Real>(_ type: S.Type) -> Block<S> {
    Block(
      b, rows: bTransposed ? n : k, columns: bTransposed ? k : n, left: margins[2],
      right: margins[3])
  }

  func oldBlock<S: Real>(_ type: S.Type) -> Block<S> {
    Block(old, rows: m, columns: n, left: margins[4], right: margins[5])
  }

  func run<S: Real>(_ type: S.Type) -> Block<S> {
    let (a, b, c) = (aBlock(S.self), bBlock(S.self), oldBlock(S.self))
    S.product(
      a.view, transposed: aTransposed, b.view, transposed: bTransposed, into: c.view,
      accumulate: accumulate)
    return c
  }

  func runPacked<S: Real>(_ type: S.Type, precision: ProductPrecision) -> Block<S> {
    let (a, b, c) = (aBlock(S.self), bBlock(S.self), oldBlock(S.self))
    let packed = PackedMatrix<S>(inner: k, outer: n, precision: precision)
    packed.load(b.view, transposed: bTransposed)
    packed.product(a.view, into: c.view, accumulate: accumulate)
    return c
  }

  var expected: [Double] {
    var c = accumulate ? old : [Double](repeating: 0, count: m * n)
    for i in 0..<m {
      for j in 0..<n {
        for l in 0..<k {
          c[i * n + j] +=
            a[aTransposed ? l * m + i : i * k + l] * b[bTransposed ? j * k + l : l * n + j]
        }
      }
    }
    return c
  }

  /// The error's Euclidean length relative to the result's.
  func relativeError<S: Real>(_ result: Block<S>) -> Double {
    let difference = zip(result.numbers, expected).reduce(0) { $0 + pow($1.0 - $1.1, 2) }
    let length = expected.reduce(0) { $0 + $1 * $1 }
    return difference == 0 ? 0 : (difference / length).squareRoot()
  }

  var place: String {
    "[\(m), \(k)] · [\(k), \(n)], a\(aTransposed ? "ᵀ" : ""), b\(bTransposed ? "ᵀ" : "")"
      + (accumulate ? ", accumulated" : "")
  }
}

@Suite struct ProductTests {
  private static let sizes = [
    (1, 1, 1), (1, 7, 5), (3, 16, 1), (1, 513, 33), (16, 15, 17), (17, 31, 16), (100, 3, 2),
    (5, 64, 100), (33, 100, 65),
  ]

  private func forAll(_ body: (ProductExample, String) -> Void) {
    for (number, (m, k, n)) in Self.sizes.enumerated() {
      for flags in 0..<8 {
        let seed = UInt64(number * 8 + flags)
        let example = ProductExample(
          m: m, k: k, n: n, aTransposed: flags & 1 != 0, bTransposed: flags & 2 != 0,
          accumulate: flags & 4 != 0, seed: seed)
        body(example, "\(example.place), seed \(seed)")
      }
    }
  }

  @Test func floatProductsFollowTheThreeLoops() {
    forAll { example, place in
      let c = example.run(Float.self)
      #expect(largestDifference(c.numbers, example.expected) < 2e-5, "\(place)")
      #expect(c.guardsAreIntact, "\(place)")
    }
  }

  @Test func doubleProductsFollowTheThreeLoops() {
    forAll { example, place in
      let c = example.run(Double.self)
      #expect(largestDifference(c.numbers, example.expected) < 1e-13, "\(place)")
      #expect(c.guardsAreIntact, "\(place)")
    }
  }

  @Test func randomSizesFollowTheThreeLoops() {
    for seed in 0..<300 as Range<UInt64> {
      var generator = SeededGenerator(seed)
      let example = ProductExample(
        m: .random(in: 1...40, using: &generator), k: .random(in: 1...40, using: &generator),
        n: .random(in: 1...40, using: &generator), aTransposed: .random(using: &generator),
        bTransposed: .random(using: &generator), accumulate: .random(using: &generator),
        seed: seed)
      let error = largestDifference(example.run(Float.self).numbers, example.expected)
      #expect(error < 2e-5, "\(example.place), seed \(seed)")
    }
  }

  @Test(arguments: [false, true])
  func emptySumsAreZero(_ accumulate: Bool) {
    // No factors to add up: c is cleared, or stays when the product is added to it.
    let expected = accumulate ? [1, 2, 3, 4, 5, 6] : [Double](repeating: 0, count: 6)
    for isFloat in [true, false] {
      func result<S: Real>(_ type: S.Type) -> [Double] {
        let (a, b) = (Block<S>(rows: 2, columns: 0), Block<S>(rows: 0, columns: 3))
        let c = Block<S>([1, 2, 3, 4, 5, 6], rows: 2, columns: 3)
        S.product(
          a.view, transposed: false, b.view, transposed: false, into: c.view,
          accumulate: accumulate)
        return c.numbers
      }
      let numbers = isFloat ? result(Float.self) : result(Double.self)
      #expect(numbers == expected, "\(isFloat ? "Float" : "Double")")
    }
  }

  @Test func noRowsAreNoWork() {
    let (a, b, c) = (
      Block<Float>(rows: 0, columns: 4), Block<Float>(rows: 4, columns: 3),
      Block<Float>(rows: 0, columns: 3)
    )
    Float.product(
      a.view, transposed: false, b.view, transposed: false, into: c.view, accumulate: false)
    #expect(c.guardsAreIntact)
  }

  @Test(arguments: [1, 2, 3, 7])
  func productsOfShardsHaveTheSameBitsOnAnyThreads(_ threads: Int) {
    let examples = (0..<8).map { ProductExample(m: 16, k: 200, n: 96, seed: UInt64($0)) }
    let alone = examples.map { $0.run(Float.self).numbers }
    var results = examples.map { (example: $0, numbers: [Double]()) }
    Shards(threads: threads).forEach(&results) { _, element in
      element.numbers = element.example.run(Float.self).numbers
    }
    #expect(results.map(\.numbers) == alone)
  }
}

@Suite struct PackedMatrixTests {
  private static let rowCounts = [1, 3, 16, 100]

  private func forAll(_ body: (ProductExample, String) -> Void) {
    for m in Self.rowCounts {
      for (number, (k, n)) in [(1, 1), (7, 16), (16, 7), (31, 33), (128, 513), (513, 64)]
        .enumerated()
      {
        for flags in 0..<4 {
          let seed = UInt64(m * 100 + number * 4 + flags)
          let example = ProductExample(
            m: m, k: k, n: n, bTransposed: flags & 1 != 0, accumulate: flags & 2 != 0, seed: seed)
          body(example, "\(example.place), seed \(seed)")
        }
      }
    }
  }

  @Test func packedFloatsFollowTheThreeLoops() {
    forAll { example, place in
      let c = example.runPacked(Float.self, precision: .float32)
      #expect(example.relativeError(c) < 1e-6, "\(place)")
      #expect(c.guardsAreIntact, "\(place)")
    }
  }

  @Test func packedDoublesFollowTheThreeLoops() {
    forAll { example, place in
      let c = example.runPacked(Double.self, precision: .float32)
      #expect(example.relativeError(c) < 1e-14, "\(place)")
      #expect(c.guardsAreIntact, "\(place)")
    }
  }

  @Test func packedBrainFloatsAreNear() {
    forAll { example, place in
      let c = example.runPacked(Float.self, precision: .bfloat16)
      #expect(example.relativeError(c) < 2e-2, "\(place)")
      #expect(c.guardsAreIntact, "\(place)")
    }
  }

  @Test func packedBytesAreNear() {
    forAll { example, place in
      let c = example.runPacked(Float.self, precision: .int8)
      #expect(example.relativeError(c) < 5e-2, "\(place)")
      #expect(c.guardsAreIntact, "\(place)")
    }
  }

  /// A row with what is no number has no numbers in any precision, and the one beside it has.
  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func whatIsNoNumberIsNotLost(_ broken: Float) {
    let example = ProductExample(m: 2, k: 70, n: 9, seed: 3)
    for precision in ProductPrecision.allCases {
      let (a, b) = (example.aBlock(Float.self), example.bBlock(Float.self))
      let c = Block<Float>(rows: 2, columns: 9)
      a.view[0, 33] = broken
      let packed = PackedMatrix<Float>(inner: 70, outer: 9, precision: precision)
      packed.load(b.view, transposed: false)
      packed.product(a.view, into: c.view, accumulate: false)
      #expect((0..<9).allSatisfy { !c.view[0, $0].isFinite }, "\(precision)")
      #expect((0..<9).allSatisfy { c.view[1, $0].isFinite }, "\(precision)")
    }
  }

  @Test func brainFloatsAreUsed() {
    let example = ProductExample(m: 16, k: 256, n: 64, seed: 1)
    let error = example.relativeError(example.runPacked(Float.self, precision: .bfloat16))
    // Factors of 8 bits cannot be as good as this.
    #expect(error > 1e-4)
  }

  @Test func packingAgainReplacesTheMatrix() {
    let (first, second) = (
      ProductExample(m: 5, k: 20, n: 30, seed: 1), ProductExample(m: 5, k: 20, n: 30, seed: 2)
    )
    let packed = PackedMatrix<Float>(inner: 20, outer: 30)
    packed.load(first.bBlock(Float.self).view, transposed: false)
    packed.load(second.bBlock(Float.self).view, transposed: false)
    let c = second.oldBlock(Float.self)
    packed.product(second.aBlock(Float.self).view, into: c.view, accumulate: false)
    #expect(second.relativeError(c) < 1e-6)
  }

  @Test func matricesOfOneSizeDoNotMix() {
    let examples = (0..<3).map { ProductExample(m: 4, k: 24, n: 40, seed: UInt64($0)) }
    let packed = examples.map { example in
      let matrix = PackedMatrix<Float>(inner: 24, outer: 40)
      matrix.load(example.bBlock(Float.self).view, transposed: false)
      return matrix
    }
    for (example, matrix) in zip(examples, packed) {
      let c = example.oldBlock(Float.self)
      matrix.product(example.aBlock(Float.self).view, into: c.view, accumulate: false)
      #expect(example.relativeError(c) < 1e-6)
    }
  }

  @Test func packingIsACopy() {
    let example = ProductExample(m: 4, k: 24, n: 40, seed: 9)
    let b = example.bBlock(Float.self)
    let packed = PackedMatrix<Float>(inner: 24, outer: 40)
    packed.load(b.view, transposed: false)
    Float.fill(b.view, with: 0)
    let c = example.oldBlock(Float.self)
    packed.product(example.aBlock(Float.self).view, into: c.view, accumulate: false)
    #expect(example.relativeError(c) < 1e-6)
  }
}
