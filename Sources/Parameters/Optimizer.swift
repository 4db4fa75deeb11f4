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
    let range: Range<Int>
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
      Piece(range: $0.range, decays: layout.entries[$0.entry].shape.count == 2)
    }
    sums = Scratch(count: pieces.count)
  }

  /// Adds the gradients of all shards, in their order, into the first; returns the sum's norm.
  ///
  /// The norm is Euclidean. A NaN or an infinity in any gradient makes it so too.
  public func sum(_ gradients: [Parameters<S>], on shards: Shards) -> Double {
    let pieces = pieces
    let sums = sums
    shards.forEachIndex(pieces.count) { index in
      let range = pieces[index].range
      let total = Matrix(gradients[0].base + range.lowerBound, rows: 1, columns: range.count)
      for other in gradients.dropFirst() {
        S.add(
          Matrix(other.base + range.lowerBound, rows: 1, columns: range.count), into: total)
      }
      sums.values[index] = S.sumOfSquares(total.base, count: range.count)
    }
    return sums.values.reduce(0, +).squareRoot()
  }

  /// Changes the weights by one step along `gradient` · `scale` at a learning rate.
  public mutating func update(
    _ parameters: Parameters<S>, along gradient: Parameters<S>, scale: Double, rate: Double,
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
        let at = pieces[index].range.lowerBound
        S.adamW(
          pieces[index].decays ? decaying : plain, weights: parameters.base + at,
          gradient: gradient.base + at, mean: moments[0].base + at,
          square: moments[1].base + at, count: pieces[index].range.count)
      }
    case .momentum(let momentum):
      let (plain, decaying) = both(weightDecay) {
        MomentumStep<S>(rate: rate, momentum: momentum, weightDecay: $0, gradientScale: scale)
      }
      shards.forEachIndex(pieces.count) { index in
        let at = pieces[index].range.lowerBound
        S.momentumStep(
          pieces[index].decays ? decaying : plain, weights: parameters.base + at,
          gradient: gradient.base + at, velocity: moments[0].base + at,
          count: pieces[index].range.count)
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
