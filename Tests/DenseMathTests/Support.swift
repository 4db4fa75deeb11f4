import DenseMath

/// A small generator, so that a failure can be repeated from its seed.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  /// A number that Float holds exactly, so that Float and Double start from the same inputs.
  mutating func number(in range: ClosedRange<Float> = -1...1) -> Double {
    Double(Float.random(in: range, using: &self))
  }

  mutating func numbers(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Double] {
    (0..<count).map { _ in number(in: range) }
  }
}

/// A matrix with memory of its own, cut out of a wider block whose other elements are guarded.
///
/// The memory is never given back: a view does not keep its block alive, and tests are short.
final class Block<S: Real> {
  let view: Matrix<S>
  private let memory: UnsafeMutablePointer<S>
  private let count: Int
  private static var guardNumber: S { -777.25 }

  /// A view of rows and columns with `left` and `right` guarded columns beside it.
  init(rows: Int, columns: Int, left: Int = 0, right: Int = 0) {
    let width = left + columns + right
    count = rows * width + 64
    memory = .allocate(capacity: count)
    memory.initialize(repeating: Self.guardNumber, count: count)
    let whole = Matrix(memory, rows: rows, columns: width)
    view = whole.columns(left..<left + columns)
  }

  /// The same with these numbers, row by row.
  convenience init(
    _ numbers: [Double], rows: Int, columns: Int, left: Int = 0, right: Int = 0
  ) {
    self.init(rows: rows, columns: columns, left: left, right: right)
    set(numbers)
  }

  func set(_ numbers: [Double]) {
    for r in 0..<view.rows {
      for c in 0..<view.columns { view[r, c] = S(numbers[r * view.columns + c]) }
    }
  }

  var numbers: [Double] { view.elements.map { Double($0) } }

  /// Whether only the view was written to.
  var guardsAreIntact: Bool {
    let start = view.base - memory
    return (0..<count).allSatisfy { index in
      let offset = index - start
      let isInside =
        offset >= 0 && view.stride > 0 && offset / view.stride < view.rows
        && offset % view.stride < view.columns
      return isInside || memory[index] == Self.guardNumber
    }
  }
}

/// The largest absolute difference; infinite when one of the numbers is not finite.
func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).reduce(0) { worst, pair in
    let difference = abs(pair.0 - pair.1)
    return difference.isFinite ? max(worst, difference) : .infinity
  }
}

/// The column counts around the widths of the vector units, and some between.
let columnCounts = [1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 100, 513]

/// A block of these indices in memory that is never given back: tests are short.
func indices(_ numbers: [Int32]) -> IndexBlock {
  let memory = UnsafeMutablePointer<Int32>.allocate(capacity: max(1, numbers.count))
  memory.initialize(from: numbers, count: numbers.count)
  return IndexBlock(memory, count: numbers.count)
}
