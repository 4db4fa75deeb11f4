public import DenseMath

/// The packed copies of all weights that products use, in both orientations.
///
/// It is `Sendable` under the rule of `Parameters`: `load` runs between the runs of the shards.
public final class PackedWeights<S: Real>: Sendable {
  private let forward: [PackedMatrix<S>?]
  private let backward: [PackedMatrix<S>?]
  private let drops: [WeightDrop]
  /// The precision of products with the weights.
  public let precision: ProductPrecision
  // The masks of the dropped weights, one after another, and the weights with them applied.
  private let masks, dropped: Parameters<S>

  /// Room for the factors of a layout; `forTraining` also keeps them for the backward pass.
  ///
  /// `drops` says which weights lose a part of their elements in each update.
  public init(
    _ layout: ParameterLayout, forTraining: Bool, precision: ProductPrecision = .float32,
    drops: [WeightDrop] = []
  ) {
    self.drops = drops
    self.precision = precision
    var room = ParameterLayout()
    for drop in drops {
      let entry = layout.entries[drop.weight.index]
      _ = room.declare(entry.name, shape: entry.shape, as: .constant(0))
    }
    masks = Parameters(room)
    dropped = Parameters(room)
    forward = layout.entries.map { entry in
      entry.isFactor
        ? PackedMatrix(inner: entry.shape[1], outer: entry.shape[0], precision: precision) : nil
    }
    backward = layout.entries.map { entry in
      entry.isFactor && forTraining
        ? PackedMatrix(inner: entry.shape[0], outer: entry.shape[1], precision: precision) : nil
    }
  }

  /// Packs the weights as they are now; with `masks`, those of an update that drops elements.
  public func load(
    _ parameters: Parameters<S>, masks draw: (random: CounterRandom, update: Int)? = nil,
    on shards: Shards
  ) {
    let entries = parameters.layout.entries
    if let draw {
      shards.forEachIndex(drops.count) { number in
        let (mask, drop) = (self.masks.matrix(number), self.drops[number])
        // Rows far apart keep the masks of weights, and those of outputs, different where they are of one width.
        draw.random.dropoutMask(
          mask, rate: drop.rate, firstRow: 1 << 32 + number << 24, step: draw.update)
        S.multiply(parameters[drop.weight], mask, into: self.dropped.matrix(number))
      }
    }
    shards.forEachIndex(2 * entries.count) { job in
      let entry = entries[job / 2]
      guard entry.isFactor else { return }
      var matrix = Matrix(
        parameters.base + entry.offset, rows: entry.shape[0], columns: entry.shape[1])
      if draw != nil, let number = self.drops.firstIndex(where: { $0.weight.index == job / 2 }) {
        matrix = self.dropped.matrix(number)
      }
      // A layer multiplies by the transposed weight, [out, in] as PyTorch keeps it.
      if job % 2 == 0 {
        forward[job / 2]?.load(matrix, transposed: true)
      } else {
        backward[job / 2]?.load(matrix, transposed: false)
      }
    }
  }

  /// Takes the gradients of dropped elements away, by the masks of the last `load` that drew them.
  package func maskGradients(_ gradients: Gradients<S>) {
    for (number, drop) in drops.enumerated() {
      S.multiply(gradients[drop.weight], masks.matrix(number), into: gradients[drop.weight])
    }
  }

  /// The bytes of all packed copies.
  public var byteCount: Int {
    (forward + backward).reduce(0) { $0 + ($1?.byteCount ?? 0) }
      + (masks.layout.count + dropped.layout.count) * MemoryLayout<S>.stride
  }

  fileprivate func forward(_ weight: Weight) -> PackedMatrix<S>? { forward[weight.index] }
  fileprivate func backward(_ weight: Weight) -> PackedMatrix<S>? { backward[weight.index] }
}

/// A weight that loses a random part of its elements in each update of training.
///
/// On the recurrent matrices it is the DropConnect of AWD-LSTM (Merity et al., ICLR 2018): the same
/// elements are missing for all lanes and steps of an update.
public struct WeightDrop: Sendable {
  /// The weight, which must be a factor.
  public let weight: Weight
  /// The probability with which an element is left out.
  public let rate: Double

  /// A weight dropped at a rate.
  public init(_ weight: Weight, rate: Double) {
    self.weight = weight
    self.rate = rate
  }
}

extension Parameters {
  /// The whole of an entry as a matrix.
  fileprivate func matrix(_ number: Int) -> Matrix<S> {
    let entry = layout.entries[number]
    return Matrix(base + entry.offset, rows: entry.shape[0], columns: entry.shape[1])
  }
}

/// What one shard needs to run a model: the weights to read, its own gradients to add to, and its
/// own scratch memory.
///
/// A workspace belongs to one thread at a time. A cell or layer of any package reads its weights as
/// `workspace[weight]`, multiplies by them with `product`, and adds to `gradient(of:)`.
public final class Workspace<S: Real> {
  /// The weights; read only.
  public let parameters: Parameters<S>
  /// This shard's gradients, or nil where only the forward pass is run.
  public let gradients: Gradients<S>?
  /// Scratch memory, taken back with `reset()`.
  public var arena = Arena<S>()
  private let packed: PackedWeights<S>
  private let late: LateRows<S>?

  /// A workspace on these weights, which no optimiser changes by rows.
  public convenience init(
    _ parameters: Parameters<S>, packed: PackedWeights<S>, forTraining: Bool
  ) {
    self.init(
      parameters, packed, late: nil, forTraining ? Gradients(parameters.layout) : nil)
  }

  /// A workspace for training, on weights that an optimiser changes.
  package convenience init(
    _ parameters: Parameters<S>, packed: PackedWeights<S>, changedBy optimizer: Optimizer<S>
  ) {
    self.init(parameters, packed, late: optimizer.late, Gradients(parameters.layout))
  }

  private init(
    _ parameters: Parameters<S>, _ packed: PackedWeights<S>, late: LateRows<S>?,
    _ gradients: Gradients<S>?
  ) {
    self.parameters = parameters
    self.packed = packed
    self.late = late
    self.gradients = gradients
  }

  /// Another workspace on the same weights, with scratch memory of its own and without gradients.
  public func beside() -> Workspace {
    Workspace(parameters, packed, late: late, nil)
  }

  /// Takes back all scratch memory.
  public func reset() { arena.reset() }

  /// The weight's elements, to be read, unless training has the weight row-sparse.
  public subscript(weight: Weight) -> Matrix<S> {
    precondition(
      late?.mayBeLate(weight) != true,
      "a row-sparse weight is read by rows, so that these are up to date")
    return parameters[weight]
  }

  /// out[r] = row index[r] of the weight, row-sparse or not: a look-up.
  public func rows(of weight: Weight, at index: IndexBlock, into out: Matrix<S>) {
    late?.bringUp(weight, at: index, in: parameters)
    S.gather(parameters[weight], at: index, into: out)
  }

  /// Where the weight's gradient is added up, unless the weight is row-sparse.
  public func gradient(of weight: Weight) -> Matrix<S> { trained[weight] }

  /// Adds row r of `rows` to row index[r] of the weight's gradient: the backward pass of a look-up.
  public func addGradient(
    of weight: Weight, rows: Matrix<S>, at index: IndexBlock
  ) { trained.add(rows, to: weight, at: index) }

  private var trained: Gradients<S> {
    guard let gradients else { preconditionFailure("this workspace is not for training") }
    return gradients
  }

  /// y [rows, out] (+)= x [rows, in] · Wᵀ, for a weight W [out, in].
  public func product(_ x: Matrix<S>, _ weight: Weight, into y: Matrix<S>, accumulate: Bool) {
    if let factor = packed.forward(weight) {
      factor.product(x, into: y, accumulate: accumulate)
    } else {
      S.product(
        x, transposed: false, self[weight], transposed: true, into: y, accumulate: accumulate)
    }
  }

  /// dx [rows, in] (+)= dy [rows, out] · W: the backward pass to the input of `product`.
  public func productBack(
    _ dy: Matrix<S>, _ weight: Weight, into dx: Matrix<S>, accumulate: Bool
  ) {
    if let factor = packed.backward(weight) {
      factor.product(dy, into: dx, accumulate: accumulate)
    } else {
      S.product(
        dy, transposed: false, self[weight], transposed: false, into: dx, accumulate: accumulate)
    }
  }

  /// dW [out, in] += dyᵀ · x: the backward pass to the weight of `product`.
  public func addGradient(of weight: Weight, from dy: Matrix<S>, times x: Matrix<S>) {
    S.gradientProduct(dy, x, into: gradient(of: weight), precision: packed.precision)
  }
}
