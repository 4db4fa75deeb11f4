import Foundation
import Testing

@testable import DenseMath

/// A block with room around its rows, filled from a seed; it owns its memory.
private final class Block<S: Real> {
  let matrix: Matrix<S>
  private let memory: UnsafeMutablePointer<S>

  init(_ rows: Int, _ columns: Int, gap: Int = 3, seed: Int, scale: Double = 3) {
    let stride = columns + gap
    memory = .allocate(capacity: max(1, rows * stride))
    matrix = Matrix(memory, rows: rows, columns: columns, stride: stride)
    let random = CounterRandom(seed: UInt64(seed), stream: .shuffle)
    for index in 0..<rows * stride {
      memory[index] = S(scale * (2 * random.uniform(step: 1, index: index) - 1))
    }
  }

  deinit { memory.deallocate() }
}

private let shapes = [(1, 1), (3, 15), (2, 16), (5, 17), (4, 31), (2, 513), (7, 64)]

/// What a kernel gives in Float, in Double, and by its formula: all three must agree.
private func compare<S: Real>(
  _ type: S.Type, _ name: String, inputs: Int, within tolerance: Double,
  kernel: ([Matrix<S>], Matrix<S>) -> Void, formula: ([Double], Double) -> Double
) {
  for (number, (rows, columns)) in shapes.enumerated() {
    let blocks = (0..<inputs).map { Block<S>(rows, columns, gap: $0, seed: 10 * number + $0) }
    let out = Block<S>(rows, columns, gap: 5, seed: 99 + number)
    let before = out.matrix.elements
    let given = blocks.map { $0.matrix.elements }
    kernel(blocks.map(\.matrix), out.matrix)
    for (index, found) in out.matrix.elements.enumerated() {
      let expected = formula(given.map { Double($0[index]) }, Double(before[index]))
      let error = abs(Double(found) - expected) / max(1e-3, abs(expected))
      #expect(error < tolerance, "\(name) \(rows) x \(columns), element \(index)")
    }
    withExtendedLifetime((blocks, out)) {}
  }
}

private func compareAll<S: Real>(_ type: S.Type, within t: Double) {
  let sigma = { (x: Double) in 1 / (1 + exp(-x)) }
  compare(S.self, "sigmoid", inputs: 1, within: t) {
    S.sigmoid($0[0], into: $1)
  } formula: { x, _ in
    sigma(x[0])
  }
  compare(S.self, "tanh", inputs: 1, within: t) {
    S.tanh($0[0], into: $1)
  } formula: { x, _ in
    tanh(x[0])
  }
  compare(S.self, "relu", inputs: 1, within: t) {
    S.relu($0[0], into: $1)
  } formula: { x, _ in
    max(0, x[0])
  }
  compare(S.self, "sigmoidGradient", inputs: 3, within: t) {
    S.sigmoidGradient($0[0], times: $0[1], at: $0[2], into: $1)
  } formula: { x, _ in
    x[0] * x[1] * x[2] * (1 - x[2])
  }
  compare(S.self, "tanhGradient", inputs: 3, within: t) {
    S.tanhGradient($0[0], times: $0[1], at: $0[2], into: $1)
  } formula: { x, _ in
    x[0] * x[1] * (1 - x[2] * x[2])
  }
  compare(S.self, "addTanhGradient", inputs: 3, within: 200 * t) {
    S.addTanhGradient($0[0], times: $0[1], at: $0[2], into: $1)
  } formula: { x, out in
    out + x[0] * x[1] * (1 - x[2] * x[2])
  }
  compare(S.self, "reluGradient", inputs: 2, within: t) {
    S.reluGradient($0[0], at: $0[1], into: $1)
  } formula: { x, _ in
    x[1] > 0 ? x[0] : 0
  }
  compare(S.self, "multiply", inputs: 2, within: t) {
    S.multiply($0[0], $0[1], into: $1)
  } formula: {
    x, _ in
    x[0] * x[1]
  }
  compare(S.self, "divide", inputs: 2, within: t) {
    S.divide($0[0], $0[1], into: $1)
  } formula: {
    x, _ in
    x[0] / x[1]
  }
  compare(S.self, "multiplyAdd", inputs: 2, within: 200 * t) {
    S.multiplyAdd($0[0], $0[1], into: $1)
  } formula: { x, out in
    out + x[0] * x[1]
  }
  compare(S.self, "multiplyTwo", inputs: 4, within: 200 * t) {
    S.multiplyTwo($0[0], $0[1], plus: $0[2], $0[3], into: $1)
  } formula: { x, _ in
    x[0] * x[1] + x[2] * x[3]
  }
  compare(S.self, "add", inputs: 1, within: 200 * t) {
    S.add($0[0], into: $1)
  } formula: { x, out in
    out + x[0]
  }
  compare(S.self, "copy", inputs: 1, within: t) {
    S.copy($0[0], into: $1)
  } formula: { x, _ in
    x[0]
  }
  compare(S.self, "scale", inputs: 0, within: t) {
    S.scale($1, by: -2)
  } formula: { _, out in
    -2 * out
  }
  compare(S.self, "fill", inputs: 0, within: t) {
    S.fill($1, with: 7)
  } formula: { _, _ in
    7
  }
}

@Suite struct KernelTests {
  @Test func floatsFollowTheFormulas() { compareAll(Float.self, within: 2e-6) }
  @Test func doublesFollowTheFormulas() { compareAll(Double.self, within: 1e-11) }

  @Test func squashingIsAccurateOverTheWholeRange() {
    let block = Block<Float>(1, 4001, gap: 0, seed: 1)
    let out = Block<Float>(1, 4001, gap: 0, seed: 2)
    for exponent in stride(from: -30.0, through: 2, by: 1) {
      for column in 0..<4001 {
        block.matrix[0, column] = Float(Double(column - 2000) / 2000 * pow(10, exponent))
      }
      Float.tanh(block.matrix, into: out.matrix)
      for column in 0..<4001 {
        let expected = tanh(Double(block.matrix[0, column]))
        let error = abs(Double(out.matrix[0, column]) - expected)
        #expect(error <= 3e-7 * abs(expected) + 1e-38)
      }
      Float.sigmoid(block.matrix, into: out.matrix)
      for column in 0..<4001 {
        let expected = 1 / (1 + exp(-Double(block.matrix[0, column])))
        // Below e^-87, near the smallest Float, the argument is held.
        #expect(abs(Double(out.matrix[0, column]) - expected) <= 5e-7 * expected + 2e-38)
      }
    }
  }

  @Test func infinitiesSaturateAndNaNStaysNaN() {
    let block = Block<Float>(1, 20, gap: 0, seed: 1)
    let out = Block<Float>(1, 20, gap: 0, seed: 2)
    Float.fill(block.matrix, with: .nan)
    (block.matrix[0, 3], block.matrix[0, 4]) = (.infinity, -.infinity)
    Float.tanh(block.matrix, into: out.matrix)
    #expect(out.matrix[0, 0].isNaN && out.matrix[0, 19].isNaN)
    #expect(abs(out.matrix[0, 3] - 1) < 1e-6 && abs(out.matrix[0, 4] + 1) < 1e-6)
    Float.sigmoid(block.matrix, into: out.matrix)
    #expect(out.matrix[0, 0].isNaN && out.matrix[0, 19].isNaN)
    #expect(out.matrix[0, 3] == 1 && out.matrix[0, 4] < 1e-30)
  }

  @Test func rowsAndColumnsAreGatheredScatteredAndSummed() {
    let table = Block<Float>(4, 21, seed: 3)
    let rows = Block<Float>(6, 21, seed: 4)
    let index: [Int32] = [2, 0, 2, 3, 2, 0]
    Float.gather(table.matrix, at: index, into: rows.matrix)
    for (row, place) in index.enumerated() {
      #expect(rows.matrix[row, 20] == table.matrix[Int(place), 20])
    }
    let sums = Block<Float>(4, 21, seed: 5)
    Float.fill(sums.matrix, with: 1)
    Float.scatterAdd(rows.matrix, at: index, into: sums.matrix)
    #expect(abs(sums.matrix[2, 7] - (1 + 3 * table.matrix[2, 7])) < 1e-5)
    #expect(sums.matrix[1, 7] == 1)
    let row = Block<Float>(1, 21, gap: 0, seed: 6)
    Float.fill(row.matrix, with: 0)
    Float.addColumns(of: rows.matrix, into: row.matrix)
    let expected = (0..<6).reduce(0) { $0 + Double(rows.matrix[$1, 9]) }
    #expect(abs(Double(row.matrix[0, 9]) - expected) < 1e-5)
    let products = Block<Float>(1, 21, gap: 0, seed: 8)
    Float.fill(products.matrix, with: 0)
    Float.addColumnProducts(rows.matrix, rows.matrix, into: products.matrix)
    let squares = (0..<6).reduce(0) { $0 + pow(Double(rows.matrix[$1, 9]), 2) }
    #expect(abs(Double(products.matrix[0, 9]) - squares) < 1e-4)
    let before = rows.matrix[3, 9]
    Float.multiplyRowAdd(rows.matrix, products.matrix, into: rows.matrix)
    #expect(abs(rows.matrix[3, 9] - before * (1 + products.matrix[0, 9])) < 1e-3)
    Float.gather(table.matrix, at: index, into: rows.matrix)
    Float.addRow(row.matrix, into: rows.matrix)
    #expect(abs(rows.matrix[3, 9] - (table.matrix[3, 9] + row.matrix[0, 9])) < 1e-5)
  }

  @Test(arguments: [2, 15, 16, 17, 97, 300])
  func crossEntropyIsTheLogarithmOfItsSoftmax(columns: Int) {
    let logits = Block<Float>(5, columns, seed: columns, scale: 20)
    let untouched = logits.matrix.elements
    let targets: [Int32] = [0, Int32(columns - 1), -1, 1, 0]
    var expected = 0.0
    var gradients: [Double] = []
    for row in 0..<5 {
      let x = (0..<columns).map { Double(logits.matrix[row, $0]) }
      let high = x.max() ?? 0
      let sum = x.reduce(0) { $0 + exp($1 - high) }
      let target = Int(targets[row])
      if target >= 0 { expected += log(sum) + high - x[target] }
      for column in 0..<columns {
        let share = exp(x[column] - high) / sum - (column == target ? 1 : 0)
        gradients.append(target < 0 ? 0 : 0.5 * share)
      }
    }
    var losses = [Float](repeating: -1, count: 5)
    let plain = Float.softmaxCrossEntropy(
      logits.matrix, targets: targets, scale: 0, losses: &losses)
    #expect(abs(plain - expected) < 1e-5 * expected)
    #expect(logits.matrix.elements == untouched)
    #expect(losses[2] == 0)
    #expect(abs(losses.reduce(0) { $0 + Double($1) } - expected) < 1e-5 * expected)
    let trained = Float.softmaxCrossEntropy(
      logits.matrix, targets: targets, scale: 0.5, losses: nil)
    #expect(abs(trained - expected) < 1e-5 * expected)
    for (found, wanted) in zip(logits.matrix.elements, gradients) {
      #expect(abs(Double(found) - wanted) < 1e-6)
    }
  }

  /// The processor's flags decide the level that must run: the vector path is not lost unseen.
  @Test func theKernelsRunAtTheProcessorsLevel() throws {
    let text = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("flags") }) else {
      return  // another architecture
    }
    let flags = Set(line.split(separator: " "))
    let four: Set<Substring> = ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]
    let expected = four.isSubset(of: flags) ? 4 : flags.isSuperset(of: ["avx2", "fma"]) ? 3 : 1
    #expect(Shards.kernelLevel == expected)
  }
}

@Suite struct ProductTests {
  private func naive<S: Real>(
    _ a: Matrix<S>, _ at: Bool, _ b: Matrix<S>, _ bt: Bool, _ c: Matrix<S>, _ accumulate: Bool
  ) -> [Double] {
    let inner = at ? a.rows : a.columns
    return (0..<c.rows).flatMap { m in
      (0..<c.columns).map { n in
        (0..<inner).reduce(accumulate ? Double(c[m, n]) : 0) {
          $0 + Double(at ? a[$1, m] : a[m, $1]) * Double(bt ? b[n, $1] : b[$1, n])
        }
      }
    }
  }

  private func check<S: Real>(_ type: S.Type, within tolerance: Double) {
    for (number, (m, k, n)) in [(1, 1, 1), (3, 5, 7), (16, 33, 20), (2, 64, 130)].enumerated() {
      for flags in 0..<8 {
        let (at, bt, add) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0)
        let a = Block<S>(at ? k : m, at ? m : k, seed: number, scale: 1)
        let b = Block<S>(bt ? n : k, bt ? k : n, seed: 50 + number, scale: 1)
        let c = Block<S>(m, n, seed: 90 + number, scale: 1)
        let expected = naive(a.matrix, at, b.matrix, bt, c.matrix, add)
        S.product(
          a.matrix, transposed: at, b.matrix, transposed: bt, into: c.matrix, accumulate: add)
        for (found, wanted) in zip(c.matrix.elements, expected) {
          #expect(abs(Double(found) - wanted) < tolerance, "\(m) \(k) \(n) flags \(flags)")
        }
        withExtendedLifetime((a, b, c)) {}
      }
    }
  }

  @Test func floatsMatchATripleLoop() { check(Float.self, within: 2e-5) }
  @Test func doublesMatchATripleLoop() { check(Double.self, within: 1e-12) }

  @Test(arguments: [ProductPrecision.float32, .bfloat16])
  func packedMatricesMultiplyLikePlainOnes(precision: ProductPrecision) {
    let (k, n) = (37, 50)
    for transposed in [false, true] {
      let weight = Block<Float>(transposed ? n : k, transposed ? k : n, seed: 7, scale: 1)
      let packed = PackedMatrix<Float>(inner: k, outer: n, precision: precision)
      packed.load(weight.matrix, transposed: transposed)
      for rows in [1, 3, 16, 100] {
        for add in [false, true] {
          let x = Block<Float>(rows, k, seed: rows, scale: 1)
          let y = Block<Float>(rows, n, seed: rows + 1, scale: 1)
          let expected = naive(x.matrix, false, weight.matrix, transposed, y.matrix, add)
          packed.product(x.matrix, into: y.matrix, accumulate: add)
          // bfloat16 keeps 8 bits: of 37 products of numbers up to 1 the sum is off by a few 0.01.
          let tolerance = precision == .float32 ? 2e-5 : 0.08
          for (found, wanted) in zip(y.matrix.elements, expected) {
            #expect(abs(Double(found) - wanted) < tolerance)
          }
          withExtendedLifetime((x, y)) {}
        }
      }
    }
  }
}

@Suite struct RandomTests {
  /// The known answers of the authors' Random123 distribution (kat_vectors).
  @Test func philoxGivesItsKnownAnswers() {
    #expect(
      CounterRandom.philox(counter: [0, 0, 0, 0], key: [0, 0])
        == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    let ones = UInt32.max
    #expect(
      CounterRandom.philox(counter: [ones, ones, ones, ones], key: [ones, ones])
        == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
    #expect(
      CounterRandom.philox(
        counter: [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
        key: [0xa409_3822, 0x299f_31d0])
        == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
  }

  @Test func uniformNumbersAreUniform() {
    let random = CounterRandom(seed: 3, stream: .sampling)
    let numbers = (0..<20000).map { random.uniform(step: 2, index: $0) }
    #expect(numbers.allSatisfy { $0 >= 0 && $0 < 1 })
    let mean = numbers.reduce(0, +) / 20000
    let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20000
    #expect(abs(mean - 0.5) < 0.01 && abs(variance - 1.0 / 12) < 0.003)
  }

  @Test func aPermutationHasEveryNumberOnce() {
    let order = CounterRandom(seed: 3, stream: .shuffle).permutation(of: 500, step: 4)
    #expect(order.sorted() == Array(0..<500))
    #expect(order != Array(0..<500))
  }

  @Test func aMaskDoesNotDependOnTheShards() {
    let random = CounterRandom(seed: 8, stream: .dropout)
    for columns in [1, 6, 17] {
      let whole = Block<Float>(10, columns, seed: 1)
      random.dropoutMask(whole.matrix, rate: 0.3, firstRow: 0, step: 5)
      let part = Block<Float>(4, columns, seed: 2)
      random.dropoutMask(part.matrix, rate: 0.3, firstRow: 6, step: 5)
      #expect(part.matrix.elements == whole.matrix.rows(6..<10).elements)
    }
    let large = Block<Float>(100, 100, seed: 1)
    random.dropoutMask(large.matrix, rate: 0.3, firstRow: 0, step: 5)
    let kept = large.matrix.elements.filter { $0 != 0 }
    #expect(kept.allSatisfy { abs($0 - 1 / 0.7) < 1e-6 })
    #expect(abs(Double(kept.count) / 10000 - 0.7) < 0.02)
  }
}

@Suite struct MemoryTests {
  @Test func blocksAreAlignedAndApart() {
    var arena = Arena<Float>()
    var ends: [(UInt, UInt)] = []
    for size in [1, 5, 16, 1000, 40000, 3] {
      let block = arena.matrix(1, size)
      let start = UInt(bitPattern: block.base)
      #expect(start % 64 == 0)
      ends.append((start, start + UInt(4 * size)))
    }
    for (i, a) in ends.enumerated() {
      for b in ends[..<i] { #expect(a.1 <= b.0 || b.1 <= a.0) }
    }
  }

  @Test func theSecondBatchOfASizeAsksForNothing() {
    var arena = Arena<Double>()
    func batch() {
      for size in [100, 70000, 20, 300_000] { _ = arena.zeros(2, size) }
    }
    batch()
    arena.reset()
    let once = arena.allocations
    for _ in 0..<5 {
      batch()
      arena.reset()
    }
    #expect(arena.allocations == once)
  }

  @Test(arguments: [1, 2, 3, 7])
  func everyShardIsVisitedOnce(threads: Int) {
    var counts = [Int](repeating: 0, count: 23)
    Shards(threads: threads).forEach(&counts) { index, count in count += index + 1 }
    #expect(counts == Array(1...23))
  }
}
