import CProducts
import DenseMath
import Foundation
import Testing

/// Every kind of kernel that this CPU can run, AMX on emulated tiles where it has none.
private let kinds: [(kind: Int, isEmulated: Bool)] =
  (0...Int(mt_products_best())).map { ($0, false) } + [(Int(mt_products_amx.rawValue), true)]

/// Runs `body` once on each kind of kernels; what it calls must stay on its thread.
private func onEachKind(_ body: (String) -> Void) {
  defer { mt_products_limit(Int32(mt_products_amx.rawValue), 0) }
  for (kind, isEmulated) in kinds {
    mt_products_limit(Int32(kind), isEmulated ? 1 : 0)
    body("kernels of kind \(kind)\(isEmulated ? ", emulated" : "")")
  }
}

/// What each precision may be off by, as a part of the result's length.
private let precisions: [(ProductPrecision, Double)] = [
  (.float32, 1e-6), (.bfloat16, 1e-2), (.int8, 2e-2),
]

@Suite struct ProductKernelTests {
  /// op(a) · b in Double.
  private func expected(_ a: Block<Float>, _ b: Block<Float>, turned: Bool) -> [Double] {
    let (x, y) = (a.view, b.view)
    let (rows, inner) = turned ? (x.columns, x.rows) : (x.rows, x.columns)
    return (0..<rows).flatMap { m in
      (0..<y.columns).map { n in
        (0..<inner).reduce(0.0) { $0 + Double(turned ? x[$1, m] : x[m, $1]) * Double(y[$1, n]) }
      }
    }
  }

  private func error(_ found: [Double], _ expected: [Double]) -> Double {
    let length = expected.reduce(0) { $0 + $1 * $1 }
    return (zip(found, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / length)
      .squareRoot()
  }

  @Test func packedProductsOfAllKindsFollowTheThreeLoops() {
    var generator = SeededGenerator(7)
    for (m, k, n) in [(1, 64, 64), (7, 33, 130), (40, 100, 20), (200, 1300, 70)] {
      let a = Block<Float>(generator.numbers(m * k), rows: m, columns: k, left: 3, right: 2)
      let b = Block<Float>(generator.numbers(k * n), rows: k, columns: n)
      let right = expected(a, b, turned: false)
      onEachKind { kind in
        for (precision, tolerance) in precisions {
          let c = Block<Float>(rows: m, columns: n)
          let packed = PackedMatrix<Float>(inner: k, outer: n, precision: precision)
          packed.load(b.view, transposed: false)
          packed.product(a.view, into: c.view, accumulate: false)
          #expect(
            error(c.numbers, right) < tolerance, "\(m) x \(k) x \(n), \(precision), \(kind)")
          #expect(c.guardsAreIntact)
          packed.product(a.view, into: c.view, accumulate: true)
          #expect(error(c.numbers, right.map { 2 * $0 }) < tolerance)
        }
      }
    }
  }

  @Test func gradientsOfAllKindsFollowTheThreeLoops() {
    var generator = SeededGenerator(8)
    for (rows, m, n) in [(1, 5, 7), (37, 200, 66), (530, 33, 64), (1100, 17, 100)] {
      let a = Block<Float>(generator.numbers(rows * m), rows: rows, columns: m, left: 1, right: 4)
      let b = Block<Float>(generator.numbers(rows * n), rows: rows, columns: n, left: 2, right: 0)
      let right = expected(a, b, turned: true)
      onEachKind { kind in
        for (precision, tolerance) in precisions.prefix(2) {
          let c = Block<Float>([Double](repeating: 0, count: m * n), rows: m, columns: n)
          for times in 1...2 {
            Float.gradientProduct(a.view, b.view, into: c.view, precision: precision)
            let wanted = right.map { Double(times) * $0 }
            #expect(
              error(c.numbers, wanted) < tolerance,
              "\(rows) rows, \(m) x \(n), \(precision), \(kind)")
          }
          #expect(c.guardsAreIntact)
        }
      }
    }
  }

  /// Rows alone, in pairs, in the middle of others: 1 to 256 beside each other, at any place.
  private static let stretches = [
    0..<1, 1..<2, 5..<7, 3..<6, 0..<5, 2..<8, 0..<9, 7..<20, 31..<48, 1..<33, 90..<102, 95..<160,
    100..<256, 255..<256, 13..<109, 1..<256,
  ]

  @Test func rowsHaveTheSameBitsWhateverStandsBesideThem() {
    let (rows, k, n) = (256, 150, 83)
    var generator = SeededGenerator(9)
    let a = Block<Float>(generator.numbers(rows * k), rows: rows, columns: k, left: 0, right: 5)
    let b = Block<Float>(generator.numbers(k * n), rows: k, columns: n)
    onEachKind { kind in
      for precision in ProductPrecision.allCases {
        let packed = PackedMatrix<Float>(inner: k, outer: n, precision: precision)
        packed.load(b.view, transposed: false)
        expectSameRows("\(precision), \(kind)", rows, n) { range, out, accumulate in
          packed.product(a.view.rows(range), into: out, accumulate: accumulate)
        }
      }
    }
  }

  @Test func rowsOfPlainProductsHaveTheSameBits() {
    let (rows, k, n) = (256, 90, 70)
    var generator = SeededGenerator(10)
    let a = Block<Float>(generator.numbers(rows * k), rows: rows, columns: k)
    let b = Block<Float>(generator.numbers(k * n), rows: k, columns: n)
    let across = turned(b), columns = turned(a)
    onEachKind { kind in
      for (bView, isTurned) in [(b.view, false), (across.view, true)] {
        expectSameRows("b \(isTurned ? "turned" : "plain"), \(kind)", rows, n) {
          Float.product(
            a.view.rows($0), transposed: false, bView, transposed: isTurned, into: $1,
            accumulate: $2)
        }
        expectSameRows("a turned, \(kind)", rows, n) {
          Float.product(
            columns.view.columns($0), transposed: true, bView, transposed: isTurned, into: $1,
            accumulate: $2)
        }
      }
    }
  }

  private func turned(_ block: Block<Float>) -> Block<Float> {
    let view = block.view
    let other = Block<Float>(rows: view.columns, columns: view.rows)
    for r in 0..<view.rows {
      for c in 0..<view.columns { other.view[c, r] = view[r, c] }
    }
    return other
  }

  private func expectSameRows(
    _ place: String, _ rows: Int, _ n: Int,
    _ product: (Range<Int>, Matrix<Float>, _ accumulate: Bool) -> Void
  ) {
    for accumulate in [false, true] {
      let all = Block<Float>([Double](repeating: 0.3, count: rows * n), rows: rows, columns: n)
      product(0..<rows, all.view, accumulate)
      for range in Self.stretches {
        let some = Block<Float>(
          [Double](repeating: 0.3, count: range.count * n), rows: range.count, columns: n, left: 1,
          right: 1)
        product(range, some.view, accumulate)
        let same = some.view.elements == all.view.rows(range).elements
        #expect(same, "rows \(range), \(place), \(accumulate ? "accumulated" : "fresh")")
        #expect(some.guardsAreIntact)
      }
    }
  }

  @Test func notANumberStaysOne() {
    for precision in [ProductPrecision.float32, .bfloat16] {
      let packed = PackedMatrix<Float>(inner: 2, outer: 1, precision: precision)
      packed.load(Block<Float>([1, 1], rows: 2, columns: 1).view, transposed: false)
      for wild in [Double.nan, .infinity] {
        let c = Block<Float>(rows: 1, columns: 1)
        packed.product(
          Block<Float>([wild, 1], rows: 1, columns: 2).view, into: c.view, accumulate: false)
        #expect(wild.isNaN ? c.view[0, 0].isNaN : c.view[0, 0] == .infinity, "\(precision)")
      }
    }
  }

  @Test func nothingIsKeptForAShape() {
    // Ragged batches bring new numbers of rows all the time: after the largest, none costs memory.
    let (k, n) = (48, 96)
    let packed = PackedMatrix<Float>(inner: k, outer: n, precision: .bfloat16)
    let (a, b) = (Block<Float>(rows: 600, columns: k), Block<Float>(rows: 600, columns: n))
    let c = Block<Float>(rows: k, columns: n)
    func run(_ rows: Int) {
      packed.product(a.view.rows(0..<rows), into: b.view.rows(0..<rows), accumulate: false)
      Float.gradientProduct(
        a.view.rows(0..<rows), b.view.rows(0..<rows), into: c.view, precision: .bfloat16)
    }
    run(600)
    let (scratch, resident) = (mt_products_scratch(), residentBytes())
    for rows in 1..<600 { run(rows) }
    #expect(mt_products_scratch() <= scratch + 1 << 20)
    // Other tests run beside this one; a primitive for each shape took about 400 MB.
    #expect(residentBytes() < resident + 200 << 20)
  }

  private func residentBytes() -> Int {
    let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?
      .split(separator: " ").dropFirst().first.flatMap { Int($0) }
    return 4096 * (pages ?? 0)
  }
}
