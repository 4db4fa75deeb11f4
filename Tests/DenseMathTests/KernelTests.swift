import DenseMath
import Foundation
import Testing

/// The kernels that work element by element, each with the formula that it must follow.
enum Kernel: CaseIterable {
  case sigmoid, tanh, relu
  case sigmoidGradient, tanhGradient, addTanhGradient, reluGradient
  case plainSigmoidGradient, plainTanhGradient
  case multiply, multiplyAdd, multiplyTwo, add, subtract, oneMinus, copy, fill, scale

  var inputs: Int {
    switch self {
    case .fill, .scale: 0
    case .sigmoid, .tanh, .relu, .add, .oneMinus, .copy: 1
    case .plainSigmoidGradient, .plainTanhGradient, .reluGradient, .multiply, .multiplyAdd,
      .subtract:
      2
    case .sigmoidGradient, .tanhGradient, .addTanhGradient: 3
    case .multiplyTwo: 4
    }
  }

  static var constant: Double { 0.375 }

  func run<S: Real>(_ x: [Matrix<S>], into out: Matrix<S>) {
    switch self {
    case .sigmoid: S.sigmoid(x[0], into: out)
    case .tanh: S.tanh(x[0], into: out)
    case .relu: S.relu(x[0], into: out)
    case .sigmoidGradient: S.sigmoidGradient(x[0], times: x[1], at: x[2], into: out)
    case .tanhGradient: S.tanhGradient(x[0], times: x[1], at: x[2], into: out)
    case .addTanhGradient: S.addTanhGradient(x[0], times: x[1], at: x[2], into: out)
    case .plainSigmoidGradient: S.sigmoidGradient(x[0], at: x[1], into: out)
    case .plainTanhGradient: S.tanhGradient(x[0], at: x[1], into: out)
    case .reluGradient: S.reluGradient(x[0], at: x[1], into: out)
    case .multiply: S.multiply(x[0], x[1], into: out)
    case .multiplyAdd: S.multiplyAdd(x[0], x[1], into: out)
    case .multiplyTwo: S.multiplyTwo(x[0], x[1], plus: x[2], x[3], into: out)
    case .add: S.add(x[0], into: out)
    case .subtract: S.subtract(x[0], from: x[1], into: out)
    case .oneMinus: S.oneMinus(x[0], into: out)
    case .copy: S.copy(x[0], into: out)
    case .fill: S.fill(out, with: S(Self.constant))
    case .scale: S.scale(out, by: S(Self.constant))
    }
  }

  /// The new element from the inputs' elements and the old one.
  func formula(_ x: [Double], _ old: Double) -> Double {
    switch self {
    case .sigmoid: 1 / (1 + exp(-x[0]))
    case .tanh: Foundation.tanh(x[0])
    case .relu: max(x[0], 0)
    case .sigmoidGradient: x[0] * x[1] * x[2] * (1 - x[2])
    case .tanhGradient: x[0] * x[1] * (1 - pow(x[2], 2))
    case .addTanhGradient: old + x[0] * x[1] * (1 - pow(x[2], 2))
    case .plainSigmoidGradient: x[0] * x[1] * (1 - x[1])
    case .plainTanhGradient: x[0] * (1 - pow(x[1], 2))
    case .reluGradient: x[1] > 0 ? x[0] : 0
    case .multiply: x[0] * x[1]
    case .multiplyAdd: old + x[0] * x[1]
    case .multiplyTwo: x[0] * x[1] + x[2] * x[3]
    case .add: old + x[0]
    case .subtract: x[1] - x[0]
    case .oneMinus: 1 - x[0]
    case .copy: x[0]
    case .fill: Self.constant
    case .scale: old * Self.constant
    }
  }
}

/// Numbers for one call of a kernel.
private struct Example {
  let rows, columns: Int
  let inputs: [[Double]]
  let old: [Double]
  let margins: [(left: Int, right: Int)]

  init(_ kernel: Kernel, columns: Int, seed: UInt64) {
    var generator = SeededGenerator(seed)
    rows = Int.random(in: 1...6, using: &generator)
    self.columns = columns
    let count = rows * columns
    inputs = (0..<kernel.inputs).map { _ in generator.numbers(count) }
    old = generator.numbers(count)
    margins = (0...kernel.inputs).map { _ in
      (Int.random(in: 0...20, using: &generator), Int.random(in: 0...20, using: &generator))
    }
  }

  func expected(_ kernel: Kernel) -> [Double] {
    old.indices.map { i in kernel.formula(inputs.map { $0[i] }, old[i]) }
  }

  /// Runs the kernel on strided blocks; `alias` is the input that is the output as well.
  func run<S: Real>(_ kernel: Kernel, _ type: S.Type, alias: Int? = nil) -> Block<S> {
    let blocks = inputs.enumerated().map { index, numbers in
      Block<S>(
        numbers, rows: rows, columns: columns, left: margins[index].left,
        right: margins[index].right)
    }
    let last = margins[margins.count - 1]
    let out =
      alias.map { blocks[$0] }
      ?? Block<S>(old, rows: rows, columns: columns, left: last.left, right: last.right)
    kernel.run(blocks.map(\.view), into: out.view)
    return out
  }
}

@Suite struct KernelTests {
  @Test(arguments: Kernel.allCases)
  func floatFollowsTheFormula(_ kernel: Kernel) {
    for columns in columnCounts {
      for seed in 0..<4 as Range<UInt64> {
        let example = Example(kernel, columns: columns, seed: seed)
        let out = example.run(kernel, Float.self)
        let error = largestDifference(out.numbers, example.expected(kernel))
        #expect(error < 1e-6, "\(kernel), \(columns) columns, seed \(seed)")
        #expect(out.guardsAreIntact, "\(kernel), \(columns) columns, seed \(seed)")
      }
    }
  }

  @Test(arguments: Kernel.allCases)
  func doubleFollowsTheFormula(_ kernel: Kernel) {
    for columns in columnCounts {
      for seed in 0..<4 as Range<UInt64> {
        let example = Example(kernel, columns: columns, seed: seed)
        let out = example.run(kernel, Double.self)
        let error = largestDifference(out.numbers, example.expected(kernel))
        #expect(error < 1e-15, "\(kernel), \(columns) columns, seed \(seed)")
        #expect(out.guardsAreIntact, "\(kernel), \(columns) columns, seed \(seed)")
      }
    }
  }

  @Test(arguments: Kernel.allCases)
  func floatAgreesWithDouble(_ kernel: Kernel) {
    for seed in 0..<20 as Range<UInt64> {
      var generator = SeededGenerator(seed + 100)
      let columns = Int.random(in: 1...700, using: &generator)
      let example = Example(kernel, columns: columns, seed: seed)
      let error = largestDifference(
        example.run(kernel, Float.self).numbers, example.run(kernel, Double.self).numbers)
      #expect(error < 1e-6, "\(kernel), \(columns) columns, seed \(seed)")
    }
  }

  @Test(arguments: Kernel.allCases)
  func outputMayBeAnyOfTheInputs(_ kernel: Kernel) {
    for alias in 0..<kernel.inputs {
      for columns in columnCounts {
        let example = Example(kernel, columns: columns, seed: 7)
        let expected = example.old.indices.map { i in
          kernel.formula(example.inputs.map { $0[i] }, example.inputs[alias][i])
        }
        let float = example.run(kernel, Float.self, alias: alias).numbers
        let double = example.run(kernel, Double.self, alias: alias).numbers
        let place = "\(kernel) into its input \(alias), \(columns) columns, seed 7"
        #expect(largestDifference(float, expected) < 1e-6, "Float \(place)")
        #expect(largestDifference(double, expected) < 1e-15, "Double \(place)")
      }
    }
  }

  @Test(arguments: Kernel.allCases)
  func noRowsAreNoWork(_ kernel: Kernel) {
    let blocks = (0...kernel.inputs).map { _ in Block<Float>(rows: 0, columns: 17) }
    kernel.run(blocks.dropLast().map(\.view), into: blocks[kernel.inputs].view)
    #expect(blocks[kernel.inputs].guardsAreIntact)
  }

  @Test func gateOfAWiderBlockIsComputedAlone() {
    // An LSTM's four gates lie side by side.
    var generator = SeededGenerator(3)
    for width in columnCounts {
      let numbers = generator.numbers(3 * 4 * width)
      let gates = Block<Float>(numbers, rows: 3, columns: 4 * width)
      Float.tanh(gates.view.part(2, width: width), into: gates.view.part(2, width: width))
      let expected = numbers.indices.map { i in
        (i % (4 * width)) / width == 2 ? Foundation.tanh(numbers[i]) : numbers[i]
      }
      #expect(largestDifference(gates.numbers, expected) < 1e-6, "width \(width), seed 3")
    }
  }

  @Test func rowsOfAMatrixAreAView() {
    let block = Block<Float>((0..<12).map(Double.init), rows: 4, columns: 3, left: 2, right: 1)
    Float.scale(block.view.rows(1..<3), by: 10)
    #expect(block.numbers == [0, 1, 2, 30, 40, 50, 60, 70, 80, 9, 10, 11])
  }
}

/// The kernels that join rows with a row or with a table.
private enum RowKernel {
  case addRow, addColumns, gather, scatterAdd

  /// What the kernel makes of random numbers, and what it should.
  func example<S: Real>(
    _ type: S.Type, columns: Int, seed: UInt64
  ) -> (result: Block<S>, expected: [Double]) {
    var generator = SeededGenerator(seed)
    let rows = Int.random(in: 1...12, using: &generator)
    // Row 4 of the table is named often, row 3 never.
    let index = (0..<rows).map { _ in [0, 1, 2, 4, 4].randomElement(using: &generator) ?? 0 }
    let table = generator.numbers(5 * columns)
    let a = generator.numbers(rows * columns)
    let row = generator.numbers(columns)
    let tableBlock = Block<S>(table, rows: 5, columns: columns, left: 2, right: 1)
    let aBlock = Block<S>(a, rows: rows, columns: columns, left: 1, right: 4)
    let rowBlock = Block<S>(row, rows: 1, columns: columns, left: 3)
    switch self {
    case .addRow:
      S.addRow(rowBlock.view, into: aBlock.view)
      return (aBlock, a.indices.map { a[$0] + row[$0 % columns] })
    case .addColumns:
      S.addColumns(of: aBlock.view, into: rowBlock.view)
      return (
        rowBlock,
        (0..<columns).map { c in row[c] + (0..<rows).reduce(0) { $0 + a[$1 * columns + c] } }
      )
    case .gather:
      S.gather(tableBlock.view, at: indices(index.map { Int32($0) }), into: aBlock.view)
      return (aBlock, index.flatMap { table[$0 * columns..<($0 + 1) * columns] })
    case .scatterAdd:
      S.scatterAdd(aBlock.view, at: indices(index.map { Int32($0) }), into: tableBlock.view)
      var expected = table
      for i in a.indices { expected[index[i / columns] * columns + i % columns] += a[i] }
      return (tableBlock, expected)
    }
  }

  func check() {
    for columns in columnCounts {
      for seed in 0..<4 as Range<UInt64> {
        let float = example(Float.self, columns: columns, seed: seed)
        let double = example(Double.self, columns: columns, seed: seed)
        let place = "\(columns) columns, seed \(seed)"
        #expect(largestDifference(float.result.numbers, float.expected) < 2e-6, "Float, \(place)")
        #expect(
          largestDifference(double.result.numbers, double.expected) < 1e-14, "Double, \(place)")
        #expect(float.result.guardsAreIntact && double.result.guardsAreIntact, "\(place)")
      }
    }
  }
}

@Suite struct RowKernelTests {
  @Test func addRowAddsToEachRow() { RowKernel.addRow.check() }

  @Test func addColumnsSumsTheRows() { RowKernel.addColumns.check() }

  @Test func gatherTakesRowsByIndex() { RowKernel.gather.check() }

  @Test func scatterAddSumsRepeatedIndices() { RowKernel.scatterAdd.check() }

  @Test func sumOfSquaresIsExactInDouble() {
    for count in columnCounts + [0, 4097] {
      var generator = SeededGenerator(UInt64(count))
      let numbers = generator.numbers(count, in: -1000...1000)
      let expected = numbers.reduce(0) { $0 + $1 * $1 }
      let float = Float.sumOfSquares(numbers.map { Float($0) }, count: count)
      let double = Double.sumOfSquares(numbers, count: count)
      #expect(abs(float - expected) <= 1e-13 * expected, "\(count) numbers, seed \(count)")
      #expect(abs(double - expected) <= 1e-13 * expected, "\(count) numbers, seed \(count)")
    }
  }

  @Test func sumOfSquaresOfLargeFloatsDoesNotOverflow() {
    let large = [Float](repeating: 1e30, count: 20)
    let square = Double(Float(1e30)) * Double(Float(1e30))
    #expect(abs(Float.sumOfSquares(large, count: 20) / (20 * square) - 1) < 1e-12)
  }
}
