/// A number type that carries its kernels: `Float` runs on kernels made for each kind of CPU,
/// `Double` on plain Swift loops.
///
/// Layers are written once, generic over `Real`. Training runs them in `Float`; the gradient check
/// runs the same forward and backward code in `Double`, where a central difference is exact enough
/// to show a derivative that is wrong by a thousandth.
///
/// Every kernel works on whole blocks: all matrices of one call have the same shape unless the
/// call says otherwise, and an output may be one of the inputs. Shapes are checked in debug builds.
public protocol Real: BinaryFloatingPoint, Sendable where RawSignificand: FixedWidthInteger {
  /// y = 1 / (1 + e^-x)
  static func sigmoid(_ x: Matrix<Self>, into y: Matrix<Self>)
  /// y = tanh x
  static func tanh(_ x: Matrix<Self>, into y: Matrix<Self>)
  /// y = max(x, 0)
  static func relu(_ x: Matrix<Self>, into y: Matrix<Self>)

  /// out = upstream · factor · y (1 - y): the backward pass of y = sigmoid(x).
  static func sigmoidGradient(
    _ upstream: Matrix<Self>, times factor: Matrix<Self>, at y: Matrix<Self>,
    into out: Matrix<Self>)
  /// out = upstream · factor · (1 - y²): the backward pass of y = tanh(x).
  static func tanhGradient(
    _ upstream: Matrix<Self>, times factor: Matrix<Self>, at y: Matrix<Self>,
    into out: Matrix<Self>)
  /// out = upstream · y (1 - y), without a factor.
  static func sigmoidGradient(
    _ upstream: Matrix<Self>, at y: Matrix<Self>, into out: Matrix<Self>)
  /// out = upstream · (1 - y²), without a factor.
  static func tanhGradient(_ upstream: Matrix<Self>, at y: Matrix<Self>, into out: Matrix<Self>)
  /// out += upstream · factor · (1 - y²)
  static func addTanhGradient(
    _ upstream: Matrix<Self>, times factor: Matrix<Self>, at y: Matrix<Self>,
    into out: Matrix<Self>)
  /// out = upstream where y > 0, else 0: the backward pass of y = relu(x).
  static func reluGradient(_ upstream: Matrix<Self>, at y: Matrix<Self>, into out: Matrix<Self>)

  /// out = a · b, element by element.
  static func multiply(_ a: Matrix<Self>, _ b: Matrix<Self>, into out: Matrix<Self>)
  /// out += a · b, element by element.
  static func multiplyAdd(_ a: Matrix<Self>, _ b: Matrix<Self>, into out: Matrix<Self>)
  /// out = a · b + c · d, element by element.
  static func multiplyTwo(
    _ a: Matrix<Self>, _ b: Matrix<Self>, plus c: Matrix<Self>, _ d: Matrix<Self>,
    into out: Matrix<Self>)
  /// out = a / b, element by element.
  static func divide(_ a: Matrix<Self>, _ b: Matrix<Self>, into out: Matrix<Self>)
  /// Adds to each row of `out` the same row of `a` times a 1 x columns `row`.
  static func multiplyRowAdd(_ a: Matrix<Self>, _ row: Matrix<Self>, into out: Matrix<Self>)
  /// Adds the sum over all rows of a · b to the 1 x columns `row`.
  static func addColumnProducts(_ a: Matrix<Self>, _ b: Matrix<Self>, into row: Matrix<Self>)
  /// out += a
  static func add(_ a: Matrix<Self>, into out: Matrix<Self>)
  /// out = minuend - a
  static func subtract(_ a: Matrix<Self>, from minuend: Matrix<Self>, into out: Matrix<Self>)
  /// y = 1 - x
  static func oneMinus(_ x: Matrix<Self>, into y: Matrix<Self>)
  /// out = a
  static func copy(_ a: Matrix<Self>, into out: Matrix<Self>)
  /// out = value
  static func fill(_ out: Matrix<Self>, with value: Self)
  /// out *= value
  static func scale(_ out: Matrix<Self>, by value: Self)
  /// Adds a 1 x columns `row` to each row of `out`.
  static func addRow(_ row: Matrix<Self>, into out: Matrix<Self>)
  /// Adds the sum of all rows of `a` to the 1 x columns `row`, in the order of the rows.
  static func addColumns(of a: Matrix<Self>, into row: Matrix<Self>)
  /// out[r] = table[index[r]]; `table` has any number of rows.
  static func gather(
    _ table: Matrix<Self>, at index: IndexBlock, into out: Matrix<Self>)
  /// table[index[r]] += a[r], in the order of the rows; `table` has any number of rows.
  static func scatterAdd(
    _ a: Matrix<Self>, at index: IndexBlock, into table: Matrix<Self>)

  /// y[s] = the largest of rows starts[s]..<starts[s + 1] of `x` in each column; no stretch is empty.
  ///
  /// `at` [y.rows · y.columns] becomes the row that it stands in, the first of equal ones.
  static func largestRows(
    _ x: Matrix<Self>, starts: IndexBlock, into y: Matrix<Self>,
    at: IndexBlock)
  /// Its backward pass: out[at] += upstream, column by column.
  static func largestRowsGradient(
    _ upstream: Matrix<Self>, at: IndexBlock, into out: Matrix<Self>)

  /// The sum over rows of -log softmax(logits)[target], in nats; rows with a negative target count
  /// nothing. Leaves scale · (softmax - one-hot), the gradient, in `logits`, unless `scale` is 0.
  /// `losses`, when given, receives each row's -log p.
  static func softmaxCrossEntropy(
    _ logits: Matrix<Self>, targets: IndexBlock, scale: Self,
    losses: UnsafeMutablePointer<Self>?
  ) -> Double
  /// y = softmax(x), row by row.
  static func softmax(_ x: Matrix<Self>, into y: Matrix<Self>)

  /// out = (upstream - Σ upstream · y) · y, row by row: the backward pass of y = softmax(x).
  static func softmaxGradient(
    _ upstream: Matrix<Self>, at y: Matrix<Self>, into out: Matrix<Self>)
  /// y = (x - mean) · inverse, row by row, where `inverse` [rows, 1] becomes
  /// 1 / √(variance + epsilon): layer normalisation without its gain and bias.
  static func normalizeRows(
    _ x: Matrix<Self>, epsilon: Self, into y: Matrix<Self>, inverse: Matrix<Self>)
  /// Its backward pass, for g = upstream · gain, with a 1 x columns `gain`:
  /// out = (g - mean of g - y · mean of g · y) · inverse.
  static func normalizeRowsGradient(
    _ upstream: Matrix<Self>, gain: Matrix<Self>, at y: Matrix<Self>, inverse: Matrix<Self>,
    into out: Matrix<Self>)

  /// The sum of the squares of `count` numbers, added up in Double.
  static func sumOfSquares(_ x: UnsafePointer<Self>, count: Int) -> Double
  /// Rounds `count` numbers to the nearest bfloat16, ties to even.
  static func roundToBFloat16(_ values: UnsafeMutablePointer<Self>, count: Int)
  /// One step of AdamW over `count` numbers; see `AdamW` in Parameters.
  static func adamW(
    _ step: AdamWStep<Self>, weights: UnsafeMutablePointer<Self>,
    gradient: UnsafePointer<Self>, mean: UnsafeMutablePointer<Self>,
    square: UnsafeMutablePointer<Self>, count: Int)
  /// One step of SGD with momentum: v = momentum · v + scale · g + decay · w; w -= rate · v.
  static func momentumStep(
    _ step: MomentumStep<Self>, weights: UnsafeMutablePointer<Self>,
    gradient: UnsafePointer<Self>, velocity: UnsafeMutablePointer<Self>, count: Int)
  /// Steps of AdamW with a gradient of 0, one after another: what numbers miss that are left out of
  /// `adamW` for a while, with the same bits. The averaging constants of all steps are the same.
  static func idleAdamW(
    _ steps: UnsafeBufferPointer<AdamWStep<Self>>, weights: UnsafeMutablePointer<Self>,
    mean: UnsafeMutablePointer<Self>, square: UnsafeMutablePointer<Self>, count: Int)
  /// Steps of SGD with momentum with a gradient of 0, as `idleAdamW`; only their rates may differ.
  static func idleMomentumSteps(
    _ steps: UnsafeBufferPointer<MomentumStep<Self>>, weights: UnsafeMutablePointer<Self>,
    velocity: UnsafeMutablePointer<Self>, count: Int)

  /// c [m, n] (+)= op(a) [m, k] · op(b) [k, n], where op transposes what is said to be transposed.
  ///
  /// Sums run over k from first to last. So a row of c has the same bits whichever rows stand beside
  /// it, and wherever it stands; so do those of the other products.
  static func product(
    _ a: Matrix<Self>, transposed aTransposed: Bool, _ b: Matrix<Self>,
    transposed bTransposed: Bool, into c: Matrix<Self>, accumulate: Bool)
  /// c [m, n] += aᵀ · b with a [rows, m] and b [rows, n]: the gradient of a weight, the factors rounded
  /// to bfloat16 where that is the precision.
  static func gradientProduct(
    _ a: Matrix<Self>, _ b: Matrix<Self>, into c: Matrix<Self>, precision: ProductPrecision)
  /// A handle of a packed k x n matrix, or nil where this type multiplies plain matrices.
  static func makePacked(inner k: Int, outer n: Int, precision: ProductPrecision) -> OpaquePointer?
  /// The bytes of a packed matrix.
  static func packedBytes(_ handle: OpaquePointer) -> Int
  /// Ends a packed matrix.
  static func destroyPacked(_ handle: OpaquePointer)
  /// Packs `matrix`, k x n or stored transposed, n x k.
  static func loadPacked(_ handle: OpaquePointer, from matrix: Matrix<Self>, transposed: Bool)
  /// c [m, n] (+)= a [m, k] · packed [k, n]
  static func packedProduct(
    _ a: Matrix<Self>, _ handle: OpaquePointer, into c: Matrix<Self>, accumulate: Bool)
}

/// The precision in which a packed matrix is kept and multiplied.
public enum ProductPrecision: String, Codable, Sendable, CaseIterable {
  /// 32-bit floating point.
  case float32 = "f32"
  /// bfloat16 factors, summed in Float.
  case bfloat16 = "bf16"
  /// Bytes: a matrix with a scale for each column, what is multiplied by it with a scale for each row,
  /// found as it comes; summed in integers, exactly. For inference.
  case int8
}

/// The numbers of one AdamW step, the same for all weights.
public struct AdamWStep<S: Real>: Sendable {
  /// The factor on the gradient (clipping), and Adam's two averaging constants and epsilon.
  public var gradientScale, beta1, beta2, epsilon: S
  /// rate / (1 - beta1^t), 1 / sqrt(1 - beta2^t), and rate · weight decay.
  public var stepSize, rootScale, decay: S

  /// The constants of step `t`, counted from 1, at a learning rate.
  public init(
    step t: Int, rate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double,
    gradientScale: Double
  ) {
    self.gradientScale = S(gradientScale)
    self.beta1 = S(beta1)
    self.beta2 = S(beta2)
    self.epsilon = S(epsilon)
    stepSize = S(rate / (1 - power(beta1, t)))
    rootScale = S(1 / (1 - power(beta2, t)).squareRoot())
    decay = S(rate * weightDecay)
  }
}

/// The numbers of one step of SGD with momentum.
public struct MomentumStep<S: Real>: Sendable {
  /// The factor on the gradient (clipping), the momentum, the learning rate and the weight decay.
  public var gradientScale, momentum, rate, decay: S

  /// The constants of a step.
  public init(rate: Double, momentum: Double, weightDecay: Double, gradientScale: Double) {
    self.gradientScale = S(gradientScale)
    self.momentum = S(momentum)
    self.rate = S(rate)
    self.decay = S(weightDecay)
  }
}

/// base^exponent by repeated squaring, so that no C library is needed for it.
private func power(_ base: Double, _ exponent: Int) -> Double {
  var result = 1.0
  var factor = base
  var rest = exponent
  while rest > 0 {
    if rest & 1 == 1 { result *= factor }
    factor *= factor
    rest >>= 1
  }
  return result
}
