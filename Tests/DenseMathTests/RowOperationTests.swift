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

  /// Normalised rows and the ways back through them and through softmax, by their definitions.
  private func checkRows<S: Real>(_ type: S.Type, within tolerance: Double) {
    let random = CounterRandom(seed: 7, stream: .shuffle)
    for (rows, columns) in [(1, 2), (3, 15), (4, 16), (5, 37)] {
      var arena = Arena<S>()
      func block(_ number: Int, _ rows: Int, _ columns: Int) -> Matrix<S> {
        let block = arena.matrix(rows, columns)
        for r in 0..<rows {
          for c in 0..<columns {
            block[r, c] = S(4 * random.uniform(step: number, index: r * columns + c) - 2)
          }
        }
        return block
      }
      let (x, up, gain) = (block(0, rows, columns), block(1, rows, columns), block(2, 1, columns))
      let (y, inverse, out) = (
        arena.matrix(rows, columns), arena.matrix(rows, 1), arena.matrix(rows, columns)
      )
      S.normalizeRows(x, epsilon: 0.01, into: y, inverse: inverse)
      S.normalizeRowsGradient(up, gain: gain, at: y, inverse: inverse, into: out)
      let (soft, softGradient) = (arena.matrix(rows, columns), arena.matrix(rows, columns))
      S.softmax(x, into: soft)
      S.softmaxGradient(up, at: soft, into: softGradient)
      for r in 0..<rows {
        let row = (0..<columns).map { Double(x[r, $0]) }
        let count = Double(columns)
        let mean = row.reduce(0, +) / count
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        let scale = 1 / (variance + 0.01).squareRoot()
        // The whole matrix of derivatives, which the kernel never makes.
        for j in 0..<columns {
          #expect(abs(Double(y[r, j]) - (row[j] - mean) * scale) < tolerance)
          var sum = 0.0
          var softSum = 0.0
          for i in 0..<columns {
            let same = i == j ? 1.0 : 0.0
            let centered = (row[i] - mean) * (row[j] - mean) * scale * scale / count
            sum += Double(up[r, i] * gain[0, i]) * scale * (same - 1 / count - centered)
            softSum += Double(up[r, i]) * Double(soft[r, i]) * (same - Double(soft[r, j]))
          }
          #expect(abs(Double(out[r, j]) - sum) < 20 * tolerance)
          #expect(abs(Double(softGradient[r, j]) - softSum) < 20 * tolerance)
        }
      }
    }
  }

  @Test func floatRowsFollowTheDefinitions() { checkRows(Float.self, within: 1e-6) }
  @Test func doubleRowsFollowTheDefinitions() { checkRows(Double.self, within: 1e-13) }
  @Test func floatsFollowTheDefinitions() { check(Float.self, within: 1e-6) }
  @Test func doublesFollowTheDefinitions() { check(Double.self, within: 1e-14) }
}
