public import DenseMath
public import Parameters

/// The cell function of a recurrent network: what happens to one time step of a batch, element by
/// element, forward and backward.
///
/// `activate` finds pre-activations x·Wᵀ + h·Uᵀ + b in `step.gates`, turns them into activations in place
/// and writes `step.next`. `differentiate`, called for the steps from the last to the first,
///
///     gets      the step as `activate` left it, and in `gradient` those of next.hidden and next.cell
///     returns   in step.gates (and step.recurrent, where it is kept apart) the gradients of the
///               pre-activations, in `gradient` those of previous.hidden and previous.cell
///     destroys  the activations in step.gates, step.saved, and step.next.hidden: all of them may be
///               used as scratch; step.previous is read only
///
/// A cell knows neither time nor matrix products: `Recurrence` owns both, and multiplies what it finds
/// in the gates by the weights, so backpropagation through time is written once for all cells. A new
/// cell is one file: its equations, its own weights if it has any, its cell function, and right below it
/// the derivative. `CellKind(MyCell.self)` is what models are told, `GradientCheck.demand` of
/// `Experiments` says whether the derivative is right.
public protocol RecurrentCell: Sendable {
  /// What files and sentences call the cell, such as `lstm`: small letters, digits and hyphens.
  static var name: String { get }
  /// The numbers that a cell can be made with; by default none.
  static var settings: [CellSetting] { get }
  /// Whether a cell has no memory but the last few inputs.
  static var isWindow: Bool { get }
  /// A cell with these settings: those of `settings`, defaults included, each in its range.
  init(_ settings: CellSettings)

  /// The gates as the equations call them, in their order.
  var gateNames: [String] { get }
  /// The number of gates: how many times `hiddenSize` pre-activations a step has.
  var gateCount: Int { get }
  /// How many vectors of `hiddenSize` the state has beside h: 1 for the c of an LSTM.
  var cellVectorCount: Int { get }
  /// How many vectors of `hiddenSize` a step saves for the backward pass, besides gates and state.
  var savedCount: Int { get }
  /// Whether h·Uᵀ + b stays apart from x·Wᵀ + b, in `step.recurrent` (GRU), or is added (others).
  var keepsProjectionsApart: Bool { get }
  /// Whether h reaches the next h also directly, not only through the product with U.
  var carriesHiddenDirectly: Bool { get }
  /// Whether there is a product h·Uᵀ at all.
  var hasRecurrentProduct: Bool { get }
  /// Whether the projections have biases; a cell may declare its own instead.
  var hasBiases: Bool { get }
  /// The cell of the layers above the lowest one.
  var above: any RecurrentCell { get }

  /// The cell with its own weights, such as peepholes, declared in a layout under names made by
  /// `name`; cells without any return themselves.
  func declaringWeights(
    hiddenSize: Int, name: (String) -> String, in layout: inout ParameterLayout
  ) -> any RecurrentCell

  /// How the biases of the input projection begin; the pre-activations hold the sum of both.
  func biasInitializer(hiddenSize: Int) -> Initializer

  /// Runs one step forward: `gates` hold pre-activations and become activations; `next` is filled.
  func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>)

  /// Runs one step of the backward pass.
  ///
  /// `gates` hold activations and become the gradients of the pre-activations (`recurrent` too,
  /// where projections are kept apart). `gradient` holds those of `next` and becomes those of
  /// `previous`, as far as they do not come through the product with U. Where
  /// `carriesHiddenDirectly` is false, `gradient.hidden` may be left with anything, unless there is
  /// no product with U.
  func differentiate<S: Real>(
    _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>)
}

extension RecurrentCell {
  /// None.
  public static var settings: [CellSetting] { [] }
  /// It has a memory.
  public static var isWindow: Bool { false }
  /// As many as have names.
  public var gateCount: Int { gateNames.count }
  /// Nothing is saved.
  public var savedCount: Int { 0 }
  /// Projections are added.
  public var keepsProjectionsApart: Bool { false }
  /// h acts through the product alone.
  public var carriesHiddenDirectly: Bool { false }
  /// No weights of its own.
  public func declaringWeights(
    hiddenSize: Int, name: (String) -> String, in layout: inout ParameterLayout
  ) -> any RecurrentCell { self }

  /// There is a product.
  public var hasRecurrentProduct: Bool { true }
  /// There are biases.
  public var hasBiases: Bool { true }
  /// The same cell.
  public var above: any RecurrentCell { self }

  /// PyTorch's: evenly within 1 / √hiddenSize.
  public func biasInitializer(hiddenSize: Int) -> Initializer {
    .uniform(1 / Double(hiddenSize).squareRoot())
  }
}

/// The state of a batch between two steps: [batch, hiddenSize] each.
///
/// `cell` has `cellVectorCount` times as many columns.
public struct CellState<S: Real> {
  /// h, which is also the output.
  public let hidden: Matrix<S>
  /// c, the memory of an LSTM.
  public let cell: Matrix<S>

  /// A state of these vectors.
  public init(hidden: Matrix<S>, cell: Matrix<S>) {
    self.hidden = hidden
    self.cell = cell
  }

  /// A state of zeros in scratch memory.
  public static func zeros(
    of recurrence: Recurrence, batch: Int, on workspace: Workspace<S>
  ) -> CellState {
    let state = uninitialized(of: recurrence, batch: batch, on: workspace)
    S.fill(state.hidden, with: 0)
    S.fill(state.cell, with: 0)
    return state
  }

  /// A state in scratch memory whose numbers are whatever was there.
  static func uninitialized(
    of recurrence: Recurrence, batch: Int, on workspace: Workspace<S>
  ) -> CellState {
    let hiddenSize = recurrence.hiddenSize
    return CellState(
      hidden: workspace.arena.matrix(batch, hiddenSize),
      cell: workspace.arena.matrix(batch, recurrence.cell.cellVectorCount * hiddenSize))
  }

  /// The state of the rows in a range.
  public func rows(_ range: Range<Int>) -> CellState {
    CellState(hidden: hidden.rows(range), cell: cell.rows(range))
  }
}

/// One time step of a batch, [rows, ...] each.
public struct CellStep<S: Real> {
  /// The units of the layer.
  public let hiddenSize: Int
  /// [rows, gateCount · hiddenSize], the gates side by side.
  public let gates: Matrix<S>
  /// [rows, gateCount · hiddenSize] where projections are kept apart, else without columns.
  public let recurrent: Matrix<S>
  /// The state before the step and after it.
  public let previous, next: CellState<S>
  /// The saved activations [rows, savedCount · hiddenSize]: written by `activate`, and free to be
  /// overwritten in the backward pass.
  public let saved: Matrix<S>

  /// A step of these blocks, whose widths are the cell's counts times `hiddenSize`.
  public init(
    hiddenSize: Int, gates: Matrix<S>, recurrent: Matrix<S>, previous: CellState<S>,
    next: CellState<S>, saved: Matrix<S>
  ) {
    self.hiddenSize = hiddenSize
    self.gates = gates
    self.recurrent = recurrent
    self.previous = previous
    self.next = next
    self.saved = saved
  }

  /// Saved activations number k, [rows, hiddenSize]; ends the process where `savedCount` is too small.
  public func saved(_ k: Int) -> Matrix<S> { part(k, of: saved, "saved", "savedCount") }
  /// Gate k, [rows, hiddenSize]; ends the process where there is none.
  public func gate(_ k: Int) -> Matrix<S> { part(k, of: gates, "gate", "gateCount") }
  /// The recurrent projection of gate k, [rows, hiddenSize]; ends the process where it is not kept apart.
  public func recurrent(_ k: Int) -> Matrix<S> {
    part(k, of: recurrent, "recurrent", "gateCount, with keepsProjectionsApart,")
  }

  /// A cell that reaches beyond its blocks would write into another's numbers, so this is checked in all
  /// builds.
  private func part(_ k: Int, of block: Matrix<S>, _ asked: String, _ count: String) -> Matrix<S> {
    let found = hiddenSize > 0 ? block.columns / hiddenSize : 0
    guard (0..<found).contains(k) else {
      fatalError("a cell asks for \(asked)(\(k)), and its \(count) is \(found)")
    }
    return block.part(k, width: hiddenSize)
  }
}
