public import DenseMath
public import Parameters

/// The LSTM of 1997, before it could forget: what c holds stays there until the state is reset.
///
///     i = σ(x·Wᵢᵀ + h·Uᵢᵀ + bᵢ)
///     g = tanh(x·W_gᵀ + h·U_gᵀ + b_g)
///     o = σ(x·W_oᵀ + h·U_oᵀ + b_o)
///     c' = c + i ∘ g
///     h' = o ∘ tanh(c')
///
/// The gradient from c' to c is exactly 1, the "constant error carousel". On a stream without end
/// c drifts away, which is why the forget gate was added. S. Hochreiter and J. Schmidhuber, "Long
/// short-term memory", Neural Computation 9 (1997), with its squashing functions as tanh.
public struct OriginalLSTM: RecurrentCell {
  /// `lstm-1997`, its name.
  public static let name = "lstm-1997"
  /// input-bias.
  public static let settings = [CellSetting("input-bias")]

  /// The initial bias of the input gate, or nil to draw it.
  public let inputBias: Double?

  /// An LSTM without forget gate.
  public init(inputBias: Double? = nil) { self.inputBias = inputBias }

  /// A cell whose initial bias is the setting `input-bias`.
  public init(_ settings: CellSettings) { self.init(inputBias: settings["input-bias"]) }

  /// i, g and o.
  public var gateNames: [String] { ["i", "g", "o"] }
  /// c.
  public var cellVectorCount: Int { 1 }
  /// tanh(c').
  public var savedCount: Int { 1 }

  /// PyTorch's bounds, but for an input gate's bias that is given.
  public func biasInitializer(hiddenSize: Int) -> Initializer {
    let drawn = Initializer.uniform(1 / Double(hiddenSize).squareRoot())
    return inputBias.map { .except(0..<hiddenSize, value: $0, otherwise: drawn) } ?? drawn
  }

  /// The five equations.
  public func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {
    let (i, g, o) = (step.gate(0), step.gate(1), step.gate(2))
    S.sigmoid(i, into: i)
    S.tanh(g, into: g)
    S.sigmoid(o, into: o)
    S.copy(step.previous.cell, into: step.next.cell)
    S.multiplyAdd(i, g, into: step.next.cell)
    S.tanh(step.next.cell, into: step.saved)
    S.multiply(o, step.saved, into: step.next.hidden)
  }

  /// The same equations from the last to the first; the gradient of c is left as it is.
  public func differentiate<S: Real>(
    _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
  ) {
    let (i, g, o) = (step.gate(0), step.gate(1), step.gate(2))
    let (dh, dc) = (gradient.hidden, gradient.cell)
    S.addTanhGradient(dh, times: o, at: step.saved, into: dc)
    S.sigmoidGradient(dh, times: step.saved, at: o, into: o)
    let oldI = dh
    S.copy(i, into: oldI)
    S.sigmoidGradient(dc, times: g, at: i, into: i)
    S.tanhGradient(dc, times: oldI, at: g, into: g)
  }
}
