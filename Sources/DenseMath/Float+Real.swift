// The kernels are documented once, where `Real` asks for them.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

internal import CKernels
internal import CProducts

extension Matrix where S == Float {
  fileprivate var view: mt_view { mt_view(at: base, stride: stride) }
}

/// `Float` runs on the vector kernels of CKernels and on the products of CProducts.
extension Float: Real {
  public static func sigmoid(_ x: Matrix<Float>, into y: Matrix<Float>) {
    checkShapes([x, y])
    mt_sigmoid(y.rows, y.columns, x.view, y.view)
  }

  public static func tanh(_ x: Matrix<Float>, into y: Matrix<Float>) {
    checkShapes([x, y])
    mt_tanh(y.rows, y.columns, x.view, y.view)
  }

  public static func relu(_ x: Matrix<Float>, into y: Matrix<Float>) {
    checkShapes([x, y])
    mt_relu(y.rows, y.columns, x.view, y.view)
  }

  public static func sigmoidGradient(
    _ upstream: Matrix<Float>, times factor: Matrix<Float>, at y: Matrix<Float>,
    into out: Matrix<Float>
  ) {
    checkShapes([upstream, factor, y, out])
    mt_sigmoid_gradient(
      out.rows, out.columns, upstream.view, factor.view, y.view, out.view)
  }

  public static func tanhGradient(
    _ upstream: Matrix<Float>, times factor: Matrix<Float>, at y: Matrix<Float>,
    into out: Matrix<Float>
  ) {
    checkShapes([upstream, factor, y, out])
    mt_tanh_gradient(out.rows, out.columns, upstream.view, factor.view, y.view, out.view)
  }

  public static func sigmoidGradient(
    _ upstream: Matrix<Float>, at y: Matrix<Float>, into out: Matrix<Float>
  ) {
    checkShapes([upstream, y, out])
    mt_plain_sigmoid_gradient(out.rows, out.columns, upstream.view, y.view, out.view)
  }

  public static func tanhGradient(
    _ upstream: Matrix<Float>, at y: Matrix<Float>, into out: Matrix<Float>
  ) {
    checkShapes([upstream, y, out])
    mt_plain_tanh_gradient(out.rows, out.columns, upstream.view, y.view, out.view)
  }

  public static func addTanhGradient(
    _ upstream: Matrix<Float>, times factor: Matrix<Float>, at y: Matrix<Float>,
    into out: Matrix<Float>
  ) {
    checkShapes([upstream, factor, y, out])
    mt_add_tanh_gradient(
      out.rows, out.columns, upstream.view, factor.view, y.view, out.view)
  }

  public static func reluGradient(
    _ upstream: Matrix<Float>, at y: Matrix<Float>, into out: Matrix<Float>
  ) {
    checkShapes([upstream, y, out])
    mt_relu_gradient(out.rows, out.columns, upstream.view, y.view, out.view)
  }

  public static func multiply(_ a: Matrix<Float>, _ b: Matrix<Float>, into out: Matrix<Float>) {
    checkShapes([a, b, out])
    mt_multiply(out.rows, out.columns, a.view, b.view, out.view)
  }

  public static func multiplyAdd(
    _ a: Matrix<Float>, _ b: Matrix<Float>, into out: Matrix<Float>
  ) {
    checkShapes([a, b, out])
    mt_multiply_add(out.rows, out.columns, a.view, b.view, out.view)
  }

  public static func multiplyTwo(
    _ a: Matrix<Float>, _ b: Matrix<Float>, plus c: Matrix<Float>, _ d: Matrix<Float>,
    into out: Matrix<Float>
  ) {
    checkShapes([a, b, c, d, out])
    mt_multiply_two(out.rows, out.columns, a.view, b.view, c.view, d.view, out.view)
  }

  public static func divide(_ a: Matrix<Float>, _ b: Matrix<Float>, into out: Matrix<Float>) {
    checkShapes([a, b, out])
    mt_divide(out.rows, out.columns, a.view, b.view, out.view)
  }

  public static func multiplyRowAdd(
    _ a: Matrix<Float>, _ row: Matrix<Float>, into out: Matrix<Float>
  ) {
    checkShapes([a, out])
    mt_multiply_row_add(out.rows, out.columns, a.view, row.base, out.view)
  }

  public static func addColumnProducts(
    _ a: Matrix<Float>, _ b: Matrix<Float>, into row: Matrix<Float>
  ) {
    checkShapes([a, b])
    mt_add_column_products(a.rows, a.columns, a.view, b.view, row.base)
  }

  public static func add(_ a: Matrix<Float>, into out: Matrix<Float>) {
    checkShapes([a, out])
    mt_add(out.rows, out.columns, a.view, out.view)
  }

  public static func subtract(
    _ a: Matrix<Float>, from minuend: Matrix<Float>, into out: Matrix<Float>
  ) {
    checkShapes([a, minuend, out])
    mt_subtract(out.rows, out.columns, a.view, minuend.view, out.view)
  }

  public static func oneMinus(_ x: Matrix<Float>, into y: Matrix<Float>) {
    checkShapes([x, y])
    mt_one_minus(y.rows, y.columns, x.view, y.view)
  }

  public static func copy(_ a: Matrix<Float>, into out: Matrix<Float>) {
    checkShapes([a, out])
    mt_copy(out.rows, out.columns, a.view, out.view)
  }

  public static func fill(_ out: Matrix<Float>, with value: Float) {
    mt_fill(out.rows, out.columns, value, out.view)
  }

  public static func scale(_ out: Matrix<Float>, by value: Float) {
    mt_scale(out.rows, out.columns, value, out.view)
  }

  public static func addRow(_ row: Matrix<Float>, into out: Matrix<Float>) {
    assert(row.rows == 1 && row.columns == out.columns)
    mt_add_row(out.rows, out.columns, row.base, out.view)
  }

  public static func addColumns(of a: Matrix<Float>, into row: Matrix<Float>) {
    assert(row.rows == 1 && row.columns == a.columns)
    mt_add_columns(a.rows, a.columns, a.view, row.base)
  }

  public static func gather(
    _ table: Matrix<Float>, at index: IndexBlock, into out: Matrix<Float>
  ) {
    assert(table.columns == out.columns)
    assert(index.count == out.rows && index.allSatisfy { 0..<table.rows ~= Int($0) })
    mt_gather(out.rows, out.columns, table.view, index.base, out.view)
  }

  public static func scatterAdd(
    _ a: Matrix<Float>, at index: IndexBlock, into table: Matrix<Float>
  ) {
    assert(table.columns == a.columns)
    assert(index.count == a.rows && index.allSatisfy { 0..<table.rows ~= Int($0) })
    mt_scatter_add(a.rows, a.columns, a.view, index.base, table.view)
  }

  public static func largestRows(
    _ x: Matrix<Float>, starts: IndexBlock, into y: Matrix<Float>,
    at: IndexBlock
  ) {
    assert(x.columns == y.columns)
    assert(starts.count == y.rows + 1 && at.count == y.rows * y.columns)
    assert(starts.allSatisfy { 0...x.rows ~= Int($0) })
    mt_largest_rows(y.rows, y.columns, x.view, starts.base, y.view, at.base)
  }

  public static func largestRowsGradient(
    _ upstream: Matrix<Float>, at: IndexBlock, into out: Matrix<Float>
  ) {
    assert(upstream.columns == out.columns)
    assert(at.count == upstream.rows * upstream.columns)
    assert(at.allSatisfy { 0..<out.rows ~= Int($0) })
    mt_largest_rows_gradient(
      upstream.rows, upstream.columns, upstream.view, at.base, out.view)
  }

  /// The first column from `first` on in which a row's number is above `bar`; the number of columns
  /// where none is.
  public static func firstColumn(above bar: Float, in row: Matrix<Float>, from first: Int) -> Int {
    assert(row.rows == 1 && first >= 0)
    return mt_first_above(first, row.columns, row.base, bar)
  }

  public static func softmaxCrossEntropy(
    _ logits: Matrix<Float>, targets: IndexBlock, scale: Float,
    losses: UnsafeMutablePointer<Float>?
  ) -> Double {
    assert(targets.count == logits.rows && targets.allSatisfy { Int($0) < logits.columns })
    return mt_softmax_cross_entropy(
      logits.rows, logits.columns, logits.view, targets.base, scale, losses)
  }

  public static func softmax(_ x: Matrix<Float>, into y: Matrix<Float>) {
    checkShapes([x, y])
    mt_softmax(x.rows, x.columns, x.view, y.view)
  }

  public static func softmaxGradient(
    _ upstream: Matrix<Float>, at y: Matrix<Float>, into out: Matrix<Float>
  ) {
    checkShapes([upstream, y, out])
    mt_softmax_gradient(y.rows, y.columns, upstream.view, y.view, out.view)
  }

  public static func normalizeRows(
    _ x: Matrix<Float>, epsilon: Float, into y: Matrix<Float>, inverse: Matrix<Float>
  ) {
    checkShapes([x, y])
    mt_normalize_rows(x.rows, x.columns, x.view, epsilon, y.view, inverse.view)
  }

  public static func normalizeRowsGradient(
    _ upstream: Matrix<Float>, gain: Matrix<Float>, at y: Matrix<Float>, inverse: Matrix<Float>,
    into out: Matrix<Float>
  ) {
    checkShapes([upstream, y, out])
    mt_normalize_rows_gradient(
      y.rows, y.columns, upstream.view, gain.base, y.view, inverse.view, out.view)
  }

  public static func sumOfSquares(_ x: UnsafePointer<Float>, count: Int) -> Double {
    mt_sum_of_squares(count, x)
  }

  public static func adamW(
    _ step: AdamWStep<Float>, weights: UnsafeMutablePointer<Float>,
    gradient: UnsafePointer<Float>, mean: UnsafeMutablePointer<Float>,
    square: UnsafeMutablePointer<Float>, count: Int
  ) {
    mt_adamw(
      count, weights, gradient, mean, square, step.gradientScale, step.beta1, step.beta2,
      step.epsilon, step.stepSize, step.rootScale, step.decay)
  }

  public static func momentumStep(
    _ step: MomentumStep<Float>, weights: UnsafeMutablePointer<Float>,
    gradient: UnsafePointer<Float>, velocity: UnsafeMutablePointer<Float>, count: Int
  ) {
    mt_sgd(
      count, weights, gradient, velocity, step.gradientScale, step.momentum, step.rate,
      step.decay)
  }

  public static func idleAdamW(
    _ steps: UnsafeBufferPointer<AdamWStep<Float>>, weights: UnsafeMutablePointer<Float>,
    mean: UnsafeMutablePointer<Float>, square: UnsafeMutablePointer<Float>, count: Int
  ) {
    guard let first = steps.first else { return }
    withUnsafeTemporaryAllocation(of: mt_adamw_step.self, capacity: steps.count) { constants in
      for (place, step) in steps.enumerated() {
        constants[place] = mt_adamw_step(
          step_size: step.stepSize, root_scale: step.rootScale, decay: step.decay)
      }
      mt_adamw_idle(
        count, weights, mean, square, first.beta1, first.beta2, first.epsilon, steps.count,
        constants.baseAddress)
    }
  }

  public static func idleMomentumSteps(
    _ steps: UnsafeBufferPointer<MomentumStep<Float>>, weights: UnsafeMutablePointer<Float>,
    velocity: UnsafeMutablePointer<Float>, count: Int
  ) {
    guard let first = steps.first else { return }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: steps.count) { rates in
      for (place, step) in steps.enumerated() { rates[place] = step.rate }
      mt_sgd_idle(
        count, weights, velocity, first.momentum, first.decay, steps.count, rates.baseAddress)
    }
  }

  public static func product(
    _ a: Matrix<Float>, transposed aTransposed: Bool, _ b: Matrix<Float>,
    transposed bTransposed: Bool, into c: Matrix<Float>, accumulate: Bool
  ) {
    let inner = aTransposed ? a.rows : a.columns
    assert((aTransposed ? a.columns : a.rows) == c.rows)
    assert((bTransposed ? b.columns : b.rows) == inner)
    assert((bTransposed ? b.rows : b.columns) == c.columns)
    succeed(
      mt_product(
        c.rows, inner, c.columns, a.base, a.stride, aTransposed ? 1 : 0, b.base, b.stride,
        bTransposed ? 1 : 0, c.base, c.stride, accumulate ? 1 : 0))
  }

  public static func gradientProduct(
    _ a: Matrix<Float>, _ b: Matrix<Float>, into c: Matrix<Float>, precision: ProductPrecision
  ) {
    assert(a.rows == b.rows && a.columns == c.rows && b.columns == c.columns)
    succeed(
      mt_gradient_product(
        precision.code, c.rows, a.rows, c.columns, a.base, a.stride, b.base, b.stride, c.base,
        c.stride))
  }

  public static func makePacked(
    inner k: Int, outer n: Int, precision: ProductPrecision
  ) -> OpaquePointer? {
    mt_packed_create(k, n, precision.code)
  }

  public static func packedBytes(_ handle: OpaquePointer) -> Int { mt_packed_bytes(handle) }

  public static func destroyPacked(_ handle: OpaquePointer) { mt_packed_destroy(handle) }

  public static func loadPacked(
    _ handle: OpaquePointer, from matrix: Matrix<Float>, transposed: Bool
  ) {
    mt_packed_load(handle, matrix.base, matrix.stride, transposed ? 1 : 0)
  }

  public static func packedProduct(
    _ a: Matrix<Float>, _ handle: OpaquePointer, into c: Matrix<Float>, accumulate: Bool
  ) {
    succeed(
      mt_packed_product(handle, a.rows, a.base, a.stride, c.base, c.stride, accumulate ? 1 : 0))
  }
}

extension ProductPrecision {
  /// What the kernels call it.
  fileprivate var code: Int32 {
    switch self {
    case .float32: Int32(mt_precision_f32.rawValue)
    case .bfloat16: Int32(mt_precision_bf16.rawValue)
    case .int8: Int32(mt_precision_int8.rawValue)
    }
  }

  /// Whether the CPU multiplies in this precision by instructions of its own, and so gains speed by
  /// it; elsewhere the numbers are widened as they are read, and only memory is gained.
  public var isInHardware: Bool {
    self == .float32 || mt_products_best() >= Int32(mt_products_avx512_narrow.rawValue)
  }
}

/// The kernels of all but matrix products.
public enum Kernels {
  /// The level of x86-64 that they run at on this CPU, such as `AVX-512 (x86-64-v4)`.
  public static var levelName: String {
    switch mt_cpu_level() {
    case 4: "AVX-512 (x86-64-v4)"
    case 3: "AVX2 (x86-64-v3)"
    default: "baseline"
    }
  }
}

/// The kernels of matrix products.
public enum ProductKernels {
  /// What the CPU's best are called.
  public static var name: String {
    switch mt_products_best() {
    case Int32(mt_products_amx.rawValue): "AMX"
    case Int32(mt_products_avx512_narrow.rawValue): "AVX-512 with bf16 and int8"
    case Int32(mt_products_avx512.rawValue): "AVX-512"
    case Int32(mt_products_avx2.rawValue): "AVX2"
    default: "baseline"
    }
  }

  /// The bytes of scratch memory that products hold, on all threads.
  public static var scratchBytes: Int { mt_products_scratch() }
}

// Only scratch memory can be missing, and there is no result to go on with.
private func succeed(_ status: Int32) {
  if status != 0 { fatalError("there is no memory for the scratch space of a matrix product") }
}
