// The kernels are documented once, where `Real` asks for them.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

internal import Glibc

/// `Double` runs the plain loops that the vector kernels are tested against.
extension Double: Real {
  public static func sigmoid(_ x: Matrix<Double>, into y: Matrix<Double>) {
    map(y) { r, c in 1 / (1 + exp(-x[r, c])) }
  }

  public static func tanh(_ x: Matrix<Double>, into y: Matrix<Double>) {
    map(y) { r, c in Glibc.tanh(x[r, c]) }
  }

  public static func relu(_ x: Matrix<Double>, into y: Matrix<Double>) {
    map(y) { r, c in x[r, c] < 0 ? 0 : x[r, c] }
  }

  public static func sigmoidGradient(
    _ upstream: Matrix<Double>, times factor: Matrix<Double>, at y: Matrix<Double>,
    into out: Matrix<Double>
  ) {
    map(out) { r, c in upstream[r, c] * factor[r, c] * y[r, c] * (1 - y[r, c]) }
  }

  public static func tanhGradient(
    _ upstream: Matrix<Double>, times factor: Matrix<Double>, at y: Matrix<Double>,
    into out: Matrix<Double>
  ) {
    map(out) { r, c in upstream[r, c] * factor[r, c] * (1 - y[r, c] * y[r, c]) }
  }

  public static func sigmoidGradient(
    _ upstream: Matrix<Double>, at y: Matrix<Double>, into out: Matrix<Double>
  ) {
    map(out) { r, c in upstream[r, c] * y[r, c] * (1 - y[r, c]) }
  }

  public static func tanhGradient(
    _ upstream: Matrix<Double>, at y: Matrix<Double>, into out: Matrix<Double>
  ) {
    map(out) { r, c in upstream[r, c] * (1 - y[r, c] * y[r, c]) }
  }

  public static func addTanhGradient(
    _ upstream: Matrix<Double>, times factor: Matrix<Double>, at y: Matrix<Double>,
    into out: Matrix<Double>
  ) {
    map(out) { r, c in
      out[r, c] + upstream[r, c] * factor[r, c] * (1 - y[r, c] * y[r, c])
    }
  }

  public static func reluGradient(
    _ upstream: Matrix<Double>, at y: Matrix<Double>, into out: Matrix<Double>
  ) {
    map(out) { r, c in y[r, c] > 0 ? upstream[r, c] : 0 }
  }

  public static func multiply(
    _ a: Matrix<Double>, _ b: Matrix<Double>, into out: Matrix<Double>
  ) {
    map(out) { r, c in a[r, c] * b[r, c] }
  }

  public static func multiplyAdd(
    _ a: Matrix<Double>, _ b: Matrix<Double>, into out: Matrix<Double>
  ) {
    map(out) { r, c in out[r, c] + a[r, c] * b[r, c] }
  }

  public static func multiplyTwo(
    _ a: Matrix<Double>, _ b: Matrix<Double>, plus c: Matrix<Double>, _ d: Matrix<Double>,
    into out: Matrix<Double>
  ) {
    map(out) { row, column in
      a[row, column] * b[row, column] + c[row, column] * d[row, column]
    }
  }

  public static func divide(_ a: Matrix<Double>, _ b: Matrix<Double>, into out: Matrix<Double>) {
    map(out) { r, c in a[r, c] / b[r, c] }
  }

  public static func multiplyRowAdd(
    _ a: Matrix<Double>, _ row: Matrix<Double>, into out: Matrix<Double>
  ) {
    map(out) { r, c in out[r, c] + a[r, c] * row[0, c] }
  }

  public static func addColumnProducts(
    _ a: Matrix<Double>, _ b: Matrix<Double>, into row: Matrix<Double>
  ) {
    for r in 0..<a.rows {
      for c in 0..<a.columns { row[0, c] += a[r, c] * b[r, c] }
    }
  }

  public static func add(_ a: Matrix<Double>, into out: Matrix<Double>) {
    map(out) { r, c in out[r, c] + a[r, c] }
  }

  public static func subtract(
    _ a: Matrix<Double>, from minuend: Matrix<Double>, into out: Matrix<Double>
  ) {
    map(out) { r, c in minuend[r, c] - a[r, c] }
  }

  public static func oneMinus(_ x: Matrix<Double>, into y: Matrix<Double>) {
    map(y) { r, c in 1 - x[r, c] }
  }

  public static func copy(_ a: Matrix<Double>, into out: Matrix<Double>) {
    map(out) { r, c in a[r, c] }
  }

  public static func fill(_ out: Matrix<Double>, with value: Double) { map(out) { _, _ in value } }

  public static func scale(_ out: Matrix<Double>, by value: Double) {
    map(out) { r, c in out[r, c] * value }
  }

  public static func addRow(_ row: Matrix<Double>, into out: Matrix<Double>) {
    map(out) { r, c in out[r, c] + row[0, c] }
  }

  public static func addColumns(of a: Matrix<Double>, into row: Matrix<Double>) {
    for r in 0..<a.rows {
      for c in 0..<a.columns { row[0, c] += a[r, c] }
    }
  }

  public static func gather(
    _ table: Matrix<Double>, at index: IndexBlock, into out: Matrix<Double>
  ) {
    map(out) { r, c in table[Int(index[r]), c] }
  }

  public static func scatterAdd(
    _ a: Matrix<Double>, at index: IndexBlock, into table: Matrix<Double>
  ) {
    for r in 0..<a.rows {
      for c in 0..<a.columns { table[Int(index[r]), c] += a[r, c] }
    }
  }

  public static func largestRows(
    _ x: Matrix<Double>, starts: IndexBlock, into y: Matrix<Double>,
    at: IndexBlock
  ) {
    for s in 0..<y.rows {
      for c in 0..<y.columns {
        let rows = Int(starts[s])..<Int(starts[s + 1])
        // The last of equals would win with `max`; the first must.
        let row = rows.reduce(rows.lowerBound) { x[$1, c] > x[$0, c] ? $1 : $0 }
        y[s, c] = x[row, c]
        at[s * y.columns + c] = Int32(row)
      }
    }
  }

  public static func largestRowsGradient(
    _ upstream: Matrix<Double>, at: IndexBlock, into out: Matrix<Double>
  ) {
    for s in 0..<upstream.rows {
      for c in 0..<upstream.columns {
        out[Int(at[s * upstream.columns + c]), c] += upstream[s, c]
      }
    }
  }

  public static func softmaxCrossEntropy(
    _ logits: Matrix<Double>, targets: IndexBlock, scale: Double,
    losses: UnsafeMutablePointer<Double>?
  ) -> Double {
    var total = 0.0
    for r in 0..<logits.rows {
      let target = Int(targets[r])
      let row = (0..<logits.columns).map { logits[r, $0] }
      let high = row.max() ?? 0
      let sum = row.reduce(0) { $0 + exp($1 - high) }
      let loss = target < 0 ? 0 : log(sum) + high - row[target]
      losses?[r] = loss
      total += loss
      guard scale != 0 else { continue }
      for c in 0..<logits.columns {
        let gradient = exp(row[c] - high) / sum - (c == target ? 1 : 0)
        logits[r, c] = target < 0 ? 0 : scale * gradient
      }
    }
    return total
  }

  public static func softmax(_ x: Matrix<Double>, into y: Matrix<Double>) {
    for r in 0..<x.rows {
      let row = (0..<x.columns).map { x[r, $0] }
      let high = row.max() ?? 0
      let sum = row.reduce(0) { $0 + exp($1 - high) }
      for c in 0..<x.columns { y[r, c] = exp(row[c] - high) / sum }
    }
  }

  public static func softmaxGradient(
    _ upstream: Matrix<Double>, at y: Matrix<Double>, into out: Matrix<Double>
  ) {
    for r in 0..<y.rows {
      let product = (0..<y.columns).reduce(0) { $0 + upstream[r, $1] * y[r, $1] }
      for c in 0..<y.columns { out[r, c] = (upstream[r, c] - product) * y[r, c] }
    }
  }

  public static func normalizeRows(
    _ x: Matrix<Double>, epsilon: Double, into y: Matrix<Double>, inverse: Matrix<Double>
  ) {
    let count = Double(x.columns)
    for r in 0..<x.rows {
      let mean = (0..<x.columns).reduce(0) { $0 + x[r, $1] } / count
      let variance =
        (0..<x.columns).reduce(0) { $0 + (x[r, $1] - mean) * (x[r, $1] - mean) } / count
      inverse[r, 0] = 1 / (variance + epsilon).squareRoot()
      for c in 0..<x.columns { y[r, c] = (x[r, c] - mean) * inverse[r, 0] }
    }
  }

  public static func normalizeRowsGradient(
    _ upstream: Matrix<Double>, gain: Matrix<Double>, at y: Matrix<Double>,
    inverse: Matrix<Double>, into out: Matrix<Double>
  ) {
    let count = Double(y.columns)
    for r in 0..<y.rows {
      let g = (0..<y.columns).map { upstream[r, $0] * gain[0, $0] }
      let mean = g.reduce(0, +) / count
      let product = (0..<y.columns).reduce(0) { $0 + g[$1] * y[r, $1] } / count
      for c in 0..<y.columns { out[r, c] = (g[c] - mean - y[r, c] * product) * inverse[r, 0] }
    }
  }

  public static func sumOfSquares(_ x: UnsafePointer<Double>, count: Int) -> Double {
    (0..<count).reduce(0) { $0 + x[$1] * x[$1] }
  }

  public static func adamW(
    _ step: AdamWStep<Double>, weights: UnsafeMutablePointer<Double>,
    gradient: UnsafePointer<Double>, mean: UnsafeMutablePointer<Double>,
    square: UnsafeMutablePointer<Double>, count: Int
  ) {
    for i in 0..<count {
      adamW(
        step, &weights[i], gradient: gradient[i] * step.gradientScale, &mean[i], &square[i])
    }
  }

  public static func idleAdamW(
    _ steps: UnsafeBufferPointer<AdamWStep<Double>>, weights: UnsafeMutablePointer<Double>,
    mean: UnsafeMutablePointer<Double>, square: UnsafeMutablePointer<Double>, count: Int
  ) {
    for step in steps {
      for i in 0..<count { adamW(step, &weights[i], gradient: 0, &mean[i], &square[i]) }
    }
  }

  private static func adamW(
    _ step: AdamWStep<Double>, _ weight: inout Double, gradient g: Double, _ mean: inout Double,
    _ square: inout Double
  ) {
    mean = step.beta1 * mean + (1 - step.beta1) * g
    square = step.beta2 * square + (1 - step.beta2) * g * g
    weight -=
      step.decay * weight + step.stepSize * mean
      / (square.squareRoot() * step.rootScale + step.epsilon)
  }

  public static func momentumStep(
    _ step: MomentumStep<Double>, weights: UnsafeMutablePointer<Double>,
    gradient: UnsafePointer<Double>, velocity: UnsafeMutablePointer<Double>, count: Int
  ) {
    for i in 0..<count {
      momentumStep(step, &weights[i], gradient: step.gradientScale * gradient[i], &velocity[i])
    }
  }

  public static func idleMomentumSteps(
    _ steps: UnsafeBufferPointer<MomentumStep<Double>>, weights: UnsafeMutablePointer<Double>,
    velocity: UnsafeMutablePointer<Double>, count: Int
  ) {
    for step in steps {
      for i in 0..<count { momentumStep(step, &weights[i], gradient: 0, &velocity[i]) }
    }
  }

  private static func momentumStep(
    _ step: MomentumStep<Double>, _ weight: inout Double, gradient g: Double,
    _ velocity: inout Double
  ) {
    velocity = step.momentum * velocity + g + step.decay * weight
    weight -= step.rate * velocity
  }

  public static func product(
    _ a: Matrix<Double>, transposed aTransposed: Bool, _ b: Matrix<Double>,
    transposed bTransposed: Bool, into c: Matrix<Double>, accumulate: Bool
  ) {
    let inner = aTransposed ? a.rows : a.columns
    for m in 0..<c.rows {
      for n in 0..<c.columns {
        var sum = accumulate ? c[m, n] : 0
        for k in 0..<inner {
          sum += (aTransposed ? a[k, m] : a[m, k]) * (bTransposed ? b[n, k] : b[k, n])
        }
        c[m, n] = sum
      }
    }
  }

  public static func gradientProduct(
    _ a: Matrix<Double>, _ b: Matrix<Double>, into c: Matrix<Double>, precision: ProductPrecision
  ) {
    product(a, transposed: true, b, transposed: false, into: c, accumulate: true)
  }

  public static func packedBytes(_ handle: OpaquePointer) -> Int { 0 }

  public static func makePacked(
    inner k: Int, outer n: Int, precision: ProductPrecision
  ) -> OpaquePointer? { nil }

  public static func destroyPacked(_ handle: OpaquePointer) {}

  public static func loadPacked(
    _ handle: OpaquePointer, from matrix: Matrix<Double>, transposed: Bool
  ) {}

  public static func packedProduct(
    _ a: Matrix<Double>, _ handle: OpaquePointer, into c: Matrix<Double>, accumulate: Bool
  ) {
    preconditionFailure("Double has no packed matrices")
  }
}

private func map(_ out: Matrix<Double>, _ element: (Int, Int) -> Double) {
  for r in 0..<out.rows {
    for c in 0..<out.columns { out[r, c] = element(r, c) }
  }
}
