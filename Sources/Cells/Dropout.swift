public import DenseMath
internal import Parameters

/// What a stack of layers forgets at random in training, so that it cannot learn by heart.
///
/// Dropout is locked: one mask a lane and batch, the same at all its steps, as Y. Gal and
/// Z. Ghahramani showed to be right for recurrent networks (NIPS 2016). What is kept is scaled up,
/// so that nothing has to be done outside training. Zoneout instead lets single units keep their
/// state of the step before, drawn anew at each step; outside training a unit takes the mean of
/// both (D. Krueger et al., ICLR 2017). Recurrent matrices lose elements by `WeightDrop`.
public struct Dropout: Codable, Sendable, Equatable {
  /// The dropout probability of the lowest layer's inputs.
  public var inputs: Double
  /// The dropout probability of h where it goes into the product with U.
  public var states: Double
  /// The dropout probability of every layer's outputs.
  public var outputs: Double
  /// The probability with which a unit of h, and of c, keeps its value of the step before.
  public var zoneoutHidden, zoneoutCell: Double

  /// Nothing is dropped, but with the probabilities given.
  public init(
    inputs: Double = 0, states: Double = 0, outputs: Double = 0, zoneoutHidden: Double = 0,
    zoneoutCell: Double = 0
  ) {
    self.inputs = inputs
    self.states = states
    self.outputs = outputs
    self.zoneoutHidden = zoneoutHidden
    self.zoneoutCell = zoneoutCell
  }

  /// Nothing is dropped.
  public static let none = Dropout()

  var hasZoneout: Bool { zoneoutHidden > 0 || zoneoutCell > 0 }

  /// Which masks a batch in training draws: a function of seed, update, lane and place alone.
  public struct Masks: Sendable {
    private let random: CounterRandom
    private let step: Int
    private let firstLane: Int

    /// The masks of update `step`, for a shard whose rows begin at `firstLane`.
    public init(_ random: CounterRandom, step: Int, firstLane: Int) {
      self.random = random
      self.step = step
      self.firstLane = firstLane
    }

    /// Where in a stack a mask belongs, so that masks of one width are of different numbers everywhere; no level has
    /// 2^24 lanes, and no stack more than 64 levels.
    enum Place {
      case outputs(level: Int)
      case inputs
      case states(layer: Int)

      var row: Int {
        switch self {
        case .outputs(let level): level << 24
        case .inputs: 64 << 24
        case .states(let layer): (65 + layer) << 24
        }
      }
    }

    /// A locked mask for what is made of the outputs of a stack's level outside the stack.
    ///
    /// Each row of `mask` is one lane's: 0, or 1 / (1 - rate).
    public func draw<S: Real>(_ mask: Matrix<S>, outputsOfLevel level: Int, rate: Double) {
      draw(mask, .outputs(level: level), rate: rate)
    }

    /// A locked mask: 0, or 1 / (1 - rate), for each lane.
    func draw<S: Real>(_ mask: Matrix<S>, _ place: Place, rate: Double) {
      random.dropoutMask(mask, rate: rate, firstRow: place.row + firstLane, step: step)
    }

    /// Which units take the new state at a time step (1) and which keep the old one (0).
    func drawZoneout<S: Real>(
      _ taken: Matrix<S>, layer: Int, ofCell: Bool, timeStep: Int, rate: Double
    ) {
      let row = 1 << 44 | (ofCell ? 1 : 0) << 43 | layer << 34 | timeStep << 17
      random.dropoutMask(taken, rate: rate, firstRow: row + firstLane, step: step)
      S.scale(taken, by: S(1 - rate))
    }
  }
}

/// Which part of a state is taken over from a step, and which stays as it was: [rows, width] each.
struct Zoneout<S: Real> {
  let taken, kept: CellState<S>

  func rows(_ range: Range<Int>) -> Zoneout {
    Zoneout(taken: taken.rows(range), kept: kept.rows(range))
  }

  /// Sets what a time step takes and keeps: drawn in training, the mean outside it.
  func set(_ dropout: Dropout, layer: Int, timeStep: Int, masks: Dropout.Masks?) {
    for (taken, kept, rate, ofCell) in [
      (taken.hidden, kept.hidden, dropout.zoneoutHidden, false),
      (taken.cell, kept.cell, dropout.zoneoutCell, true),
    ] {
      if let masks, rate > 0 {
        masks.drawZoneout(taken, layer: layer, ofCell: ofCell, timeStep: timeStep, rate: rate)
      } else {
        S.fill(taken, with: S(1 - rate))
      }
      S.oneMinus(taken, into: kept)
    }
  }

  /// Sets next to taken ∘ fresh + kept ∘ previous.
  func mix(_ fresh: CellState<S>, _ previous: CellState<S>, into next: CellState<S>) {
    S.multiplyTwo(taken.hidden, fresh.hidden, plus: kept.hidden, previous.hidden, into: next.hidden)
    S.multiplyTwo(taken.cell, fresh.cell, plus: kept.cell, previous.cell, into: next.cell)
  }

  /// The backward pass of `mix`: `gradient` of next becomes that of fresh, `direct` gets that of previous.
  func unmix(_ gradient: CellState<S>, direct: CellState<S>) {
    S.multiply(kept.hidden, gradient.hidden, into: direct.hidden)
    S.multiply(kept.cell, gradient.cell, into: direct.cell)
    S.multiply(taken.hidden, gradient.hidden, into: gradient.hidden)
    S.multiply(taken.cell, gradient.cell, into: gradient.cell)
  }
}
