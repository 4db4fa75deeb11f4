import DenseMath
import Testing

@Suite struct RowOperationTests {
  /// Divide, multiply by a row, and sum products of columns: by their definitions, in both types.
  private func check<S: Real>(_ type: S.Type, within tolerance: Double) {
    let random = CounterRandom(seed: 6, stream: .shuffle)
    for (rows, columns) in [(1, 1), (3, 15), (5, 33)] {
      var arena = Arena<S>()
      let blocks = (0..<3).map { number in
        let block = arena.matrix(rows, columns)
        for r in 0..<rows {
          for c in 0..<columns {
            block[r, c] = S(0.5 + random.uniform(step: number, index: r * columns + c))
          }
        }
        return block
      }
      let (a, b, out) = (blocks[0], blocks[1], blocks[2])
      let before = out.elements.map(Double.init)
      let row = b.rows(0..<1)
      S.multiplyRowAdd(a, row, into: out)
      let products = arena.zeros(1, columns)
      S.addColumnProducts(a, b, into: products)
      let quotient = arena.matrix(rows, columns)
      S.divide(a, b, into: quotient)
      for c in 0..<columns {
        var sum = 0.0
        for r in 0..<rows {
          let (x, y) = (Double(a[r, c]), Double(b[r, c]))
          sum += x * y
          let expected = before[r * columns + c] + x * Double(row[0, c])
          #expect(abs(Double(out[r, c]) - expected) < tolerance)
          #expect(abs(Double(quotient[r, c]) - x / y) < tolerance)
        }
        #expect(abs(Double(products[0, c]) - sum) < 10 * tolerance)
      }
      arena.reset()
    }
  }

  @Test func floatsFollowTheDefinitions() { check(Float.self, within: 1e-6) }
  @Test func doublesFollowTheDefinitions() { check(Double.self, within: 1e-14) }
}
