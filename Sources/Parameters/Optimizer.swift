public import DenseMath

/// The rule by which gradients change weights, with its constants.
public enum OptimizerRule: Codable, Sendable, Equatable {
  /// Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019).
  case adamW(beta1: Double = 0.9, beta2: Double = 0.99, epsilon: Double = 1e-8)
  /// Stochastic gradient descent with momentum, as PyTorch defines it.
  case momentum(Double = 0.9)
}

/// Sums the shards' gradients, clips them, and changes the weights.
///
/// Weight decay acts on matrices, not on biases and other vectors.
///
/// Of a row-sparse weight an update changes only the rows that the batch touched. What the others
/// miss meanwhile (moments that decay and still move them, weight decay) they make up for before
/// they are next read or changed, so that the result has the bits of an optimiser that changes all
/// rows in each update. Between updates such rows are late: a training workspace made with the
/// optimiser brings up what it reads, and `bringUpToDate` all, before weights or moments go
/// elsewhere.
public struct Optimizer<S: Real> {
  /// The rule.
  public let rule: OptimizerRule
  /// The factor that pulls matrices towards 0.
  public let weightDecay: Double
  /// The precision in which gradients are summed.
  public let gradientPrecision: GradientPrecision
  /// The moments that the rule keeps: mean and square, or velocity alone.
  public let moments: [Parameters<S>]
  /// The updates made so far.
  public var updates = 0

  /// The rows that updates have left out.
  let late: LateRows<S>

  private let pieces: [Piece]
  private let sums: Scratch

  private struct Piece: Sendable {
    let place: (range: Range<Int>, entry: Int)
    let decays: Bool
  }

  /// An optimiser for parameters of a layout, its moments zero.
  public init(
    _ layout: ParameterLayout, rule: OptimizerRule, weightDecay: Double,
    gradientPrecision: GradientPrecision = .float32
  ) {
    self.rule = rule
    self.weightDecay = weightDecay
    self.gradientPrecision = gradientPrecision
    moments =
      switch rule {
      case .adamW: [Parameters(layout), Parameters(layout)]
      case .momentum: [Parameters(layout)]
      }
    pieces = layout.pieces().map {
      Piece(place: $0, decays: layout.entries[$0.entry].shape.count == 2)
    }
    sums = Scratch(count: pieces.count)
    late = LateRows(layout, moments: moments)
  }

  /// Adds the gradients of all shards along a tree into the first; returns the sum's norm.
  ///
  /// The tree is that of the shards' numbers alone, ((0 + 1) + (2 + 3)) + ..., so that the sums of
  /// its branches can be made in different places; each gradient and each sum is rounded to
  /// `gradientPrecision`, so that all of them can travel in it. The others' numbers are partial sums afterwards.
  /// The norm is Euclidean. A NaN or an infinity in any gradient makes it so too. A row that any
  /// shard touched is touched in the sum.
  package func sum(_ gradients: [Gradients<S>], on shards: Shards) -> Double {
    let pieces = pieces
    let (sums, precision) = (sums, gradientPrecision)
    shards.forEachIndex(pieces.count) { index in
      let (total, place) = (gradients[0], pieces[index].place)
      for shard in gradients { shard.round(place, to: precision) }
      var step = 1
      while step < gradients.count {
        for shard in stride(from: 0, to: gradients.count - step, by: 2 * step) {
          gradients[shard].add(gradients[shard + step], in: place, roundingTo: precision)
        }
        step *= 2
      }
      var sum = 0.0
      total.forEachStretch(in: place) { range in
        sum += S.sumOfSquares(total.values.base + range.lowerBound, count: range.count)
      }
      sums.values[index] = sum
    }
    return sums.values.reduce(0, +).squareRoot()
  }

  /// Changes the weights by one step along `gradient` · `scale` at a learning rate.
  package mutating func update(
    _ parameters: Parameters<S>, along gradient: Gradients<S>, scale: Double, rate: Double,
    on shards: Shards
  ) {
    updates += 1
    let plain = step(scale: scale, rate: rate, weightDecay: 0)
    let decaying = step(scale: scale, rate: rate, weightDecay: weightDecay)
    let (pieces, moments, late) = (pieces, moments, late)
    shards.forEachIndex(pieces.count) { index in
      let entry = pieces[index].place.entry
      let step = pieces[index].decays ? decaying : plain
      gradient.forEachStretch(in: pieces[index].place) { range in
        late.bringUp((range, entry), in: parameters)
        step.make(in: range, of: parameters, along: gradient, moments: moments)
        late.make((range, entry))
      }
    }
    // Row-sparse weights are matrices, so they decay.
    late.keep(decaying)
    if late.count == LateRows<S>.mostSteps { bringUpToDate(parameters, on: shards) }
  }

  /// Lets all rows make up for what they have missed, so that weights and moments can be read.
  ///
  /// When and how often does not change the result.
  package func bringUpToDate(_ parameters: Parameters<S>, on shards: Shards) {
    guard late.count > 0 else { return }
    let (pieces, late) = (pieces, late)
    shards.forEachIndex(pieces.count) { late.bringUp(pieces[$0].place, in: parameters) }
    late.dropSteps()
  }

  private func step(scale: Double, rate: Double, weightDecay: Double) -> OptimizerStep<S> {
    switch rule {
    case .adamW(let beta1, let beta2, let epsilon):
      .adamW(
        AdamWStep(
          step: updates, rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon,
          weightDecay: weightDecay, gradientScale: scale))
    case .momentum(let momentum):
      .momentum(
        MomentumStep(
          rate: rate, momentum: momentum, weightDecay: weightDecay, gradientScale: scale))
    }
  }
}

/// The numbers of one update by either rule.
enum OptimizerStep<S: Real>: Sendable {
  case adamW(AdamWStep<S>)
  case momentum(MomentumStep<S>)

  /// Changes a stretch of the block.
  func make(
    in range: Range<Int>, of parameters: Parameters<S>, along gradient: Gradients<S>,
    moments: [Parameters<S>]
  ) {
    let at = range.lowerBound
    switch self {
    case .adamW(let step):
      S.adamW(
        step, weights: parameters.base + at, gradient: gradient.values.base + at,
        mean: moments[0].base + at, square: moments[1].base + at, count: range.count)
    case .momentum(let step):
      S.momentumStep(
        step, weights: parameters.base + at, gradient: gradient.values.base + at,
        velocity: moments[0].base + at, count: range.count)
    }
  }
}

/// One number a piece, written by whichever thread has the piece.
///
/// It is `Sendable` because each index is written by exactly one call of `forEachIndex`, and read
/// only after all have returned.
private final class Scratch: @unchecked Sendable {
  let values: UnsafeMutableBufferPointer<Double>

  init(count: Int) {
    values = .allocate(capacity: count)
    values.initialize(repeating: 0)
  }

  deinit { values.deallocate() }
}
