public import DenseMath
public import Parameters

/// An LSTM whose gates see the memory itself, through one weight a unit: peepholes.
///
///     i = σ(x·Wᵢᵀ + h·Uᵢᵀ + bᵢ + pᵢ ∘ c)
///     f = σ(x·W_fᵀ + h·U_fᵀ + b_f + p_f ∘ c)
///     g = tanh(x·W_gᵀ + h·U_gᵀ + b_g)
///     c' = f ∘ c + i ∘ g
///     o = σ(x·W_oᵀ + h·U_oᵀ + b_o + p_o ∘ c')
///     h' = o ∘ tanh(c')
///
/// With peepholes a network can time and count exactly, though its output gate is shut: F. Gers and
/// J. Schmidhuber, "Recurrent nets that time and count", IJCNN 2000. The peepholes are
/// `weight_ci`, `weight_cf` and `weight_co` [hidden] in files.
public struct PeepholeLSTM: RecurrentCell {
  /// `lstm-peephole`, its name.
  public static let name = "lstm-peephole"
  /// forget-bias and input-bias.
  public static let settings = [CellSetting("forget-bias", 1), CellSetting("input-bias")]

  /// The initial bias of the forget gate.
  public let forgetBias: Double
  /// The initial bias of the input gate, or nil to draw it.
  public let inputBias: Double?
  private var peepholes: (input: Weight, forget: Weight, output: Weight)?

  /// A peephole LSTM; its weights are declared by the recurrence that it is given to.
  public init(forgetBias: Double = 1, inputBias: Double? = nil) {
    self.forgetBias = forgetBias
    self.inputBias = inputBias
  }

  /// A cell whose initial biases are the settings `forget-bias` and `input-bias`.
  public init(_ settings: CellSettings) {
    self.init(forgetBias: settings["forget-bias"] ?? 1, inputBias: settings["input-bias"])
  }

  /// i, f, g and o.
  public var gateNames: [String] { ["i", "f", "g", "o"] }
  /// c.
  public var cellVectorCount: Int { 1 }
  /// tanh(c').
  public var savedCount: Int { 1 }

  /// Those of the plain LSTM.
  public func biasInitializer(hiddenSize: Int) -> Initializer {
    LSTM(forgetBias: forgetBias, inputBias: inputBias).biasInitializer(hiddenSize: hiddenSize)
  }

  /// Declares the three peephole vectors.
  public func declaringWeights(
    hiddenSize: Int, name: (String) -> String, in layout: inout ParameterLayout
  ) -> any RecurrentCell {
    let bound = Initializer.uniform(1 / Double(hiddenSize).squareRoot())
    var cell = self
    cell.peepholes = (
      layout.declare(name("weight_ci"), shape: [hiddenSize], as: bound),
      layout.declare(name("weight_cf"), shape: [hiddenSize], as: bound),
      layout.declare(name("weight_co"), shape: [hiddenSize], as: bound)
    )
    return cell
  }

  /// The six equations.
  public func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {
    guard let peepholes else { preconditionFailure("a cell's weights are declared before it runs") }
    let (i, f, g, o) = (step.gate(0), step.gate(1), step.gate(2), step.gate(3))
    let (c, cNext, tanhC) = (step.previous.cell, step.next.cell, step.saved)
    S.multiplyRowAdd(c, workspace[peepholes.input], into: i)
    S.multiplyRowAdd(c, workspace[peepholes.forget], into: f)
    S.sigmoid(i, into: i)
    S.sigmoid(f, into: f)
    S.tanh(g, into: g)
    S.multiplyTwo(f, c, plus: i, g, into: cNext)
    S.multiplyRowAdd(cNext, workspace[peepholes.output], into: o)
    S.sigmoid(o, into: o)
    S.tanh(cNext, into: tanhC)
    S.multiply(o, tanhC, into: step.next.hidden)
  }

  /// The same equations from the last to the first.
  public func differentiate<S: Real>(
    _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
  ) {
    guard let peepholes else { preconditionFailure("a cell's weights are declared before it runs") }
    let (i, f, g, o) = (step.gate(0), step.gate(1), step.gate(2), step.gate(3))
    let (c, cNext, tanhC) = (step.previous.cell, step.next.cell, step.saved)
    let (dh, dc) = (gradient.hidden, gradient.cell)
    // h' = o ∘ tanh(c'), and o sees c'.
    S.addTanhGradient(dh, times: o, at: tanhC, into: dc)
    S.sigmoidGradient(dh, times: tanhC, at: o, into: o)
    S.multiplyRowAdd(o, workspace[peepholes.output], into: dc)
    S.addColumnProducts(o, cNext, into: workspace.gradient(of: peepholes.output))
    // c' = f ∘ c + i ∘ g; dh and tanh(c') are not needed any more and serve as scratch.
    let (oldI, dcPrevious) = (dh, tanhC)
    S.copy(i, into: oldI)
    S.sigmoidGradient(dc, times: g, at: i, into: i)
    S.tanhGradient(dc, times: oldI, at: g, into: g)
    S.multiply(dc, f, into: dcPrevious)
    S.sigmoidGradient(dc, times: c, at: f, into: f)
    // i and f see c.
    S.multiplyRowAdd(i, workspace[peepholes.input], into: dcPrevious)
    S.multiplyRowAdd(f, workspace[peepholes.forget], into: dcPrevious)
    S.addColumnProducts(i, c, into: workspace.gradient(of: peepholes.input))
    S.addColumnProducts(f, c, into: workspace.gradient(of: peepholes.forget))
    S.copy(dcPrevious, into: dc)
  }
}
