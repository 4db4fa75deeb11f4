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
/// Of a row-sparse weight an update changes the rows that the batch touched, as for any matrix. The
/// others keep their numbers and moments, and do not decay; but the count of updates that Adam's
/// bias correction takes is that of all. It is the lazy Adam of PyTorch's SparseAdam, which has no
/// decay at all.
public struct Optimizer<S: Real> {
  /// The rule.
  public let rule: OptimizerRule
  /// The factor that pulls matrices towards 0.
  public let weightDecay: Double
  /// The moments that the rule keeps: mean and square, or velocity alone.
  public let moments: [Parameters<S>]
  /// The updates made so far.
  public var updates = 0

  private let pieces: [Piece]
  private let sums: Scratch

  private struct Piece: Sendable {
    let place: (range: Range<Int>, entry: Int)
    let decays: Bool
  }

  /// An optimiser for parameters of a layout, its moments zero.
  public init(_ layout: ParameterLayout, rule: OptimizerRule, weightDecay: Double) {
    self.rule = rule
    self.weightDecay = weightDecay
    moments =
      switch rule {
      case .adamW: [Parameters(layout), Parameters(layout)]
      case .momentum: [Parameters(layout)]
      }
    pieces = layout.pieces().map {
      Piece(place: $0, decays: layout.entries[$0.entry].shape.count == 2)
    }
    sums = Scratch(count: pieces.count)
  }

  /// Adds the gradients of all shards, in their order, into the first; returns the sum's norm.
  ///
  /// The norm is Euclidean. A NaN or an infinity in any gradient makes it so too. A row that any
  /// shard touched is touched in the sum.
  package func sum(_ gradients: [Gradients<S>], on shards: Shards) -> Double {
    let pieces = pieces
    let sums = sums
    shards.forEachIndex(pieces.count) { index in
      let (total, place) = (gradients[0], pieces[index].place)
      for other in gradients.dropFirst() { total.add(other, in: place) }
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
    let pieces = pieces
    let moments = moments
    switch rule {
    case .adamW(let beta1, let beta2, let epsilon):
      let (plain, decaying) = both(weightDecay) {
        AdamWStep<S>(
          step: updates, rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon,
          weightDecay: $0, gradientScale: scale)
      }
      shards.forEachIndex(pieces.count) { index in
        let step = pieces[index].decays ? decaying : plain
        gradient.forEachStretch(in: pieces[index].place) { range in
          let at = range.lowerBound
          S.adamW(
            step, weights: parameters.base + at, gradient: gradient.values.base + at,
            mean: moments[0].base + at, square: moments[1].base + at, count: range.count)
        }
      }
    case .momentum(let momentum):
      let (plain, decaying) = both(weightDecay) {
        MomentumStep<S>(rate: rate, momentum: momentum, weightDecay: $0, gradientScale: scale)
      }
      shards.forEachIndex(pieces.count) { index in
        let step = pieces[index].decays ? decaying : plain
        gradient.forEachStretch(in: pieces[index].place) { range in
          let at = range.lowerBound
          S.momentumStep(
            step, weights: parameters.base + at, gradient: gradient.values.base + at,
            velocity: moments[0].base + at, count: range.count)
        }
      }
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

/// The step without weight decay, and the step with it.
private func both<Step>(_ weightDecay: Double, _ make: (Double) -> Step) -> (Step, Step) {
  (make(0), make(weightDecay))
}
