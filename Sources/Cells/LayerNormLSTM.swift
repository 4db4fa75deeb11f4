public import DenseMath
public import Parameters

/// An LSTM whose sums are brought to mean 0 and deviation 1 at every step: layer normalisation.
///
///     a = γₓ ∘ norm(x·Wᵀ) + γₕ ∘ norm(h·Uᵀ) + b     for all four gates together
///     i, f, o = σ(aᵢ), σ(a_f), σ(a_o)    g = tanh(a_g)
///     c' = f ∘ c + i ∘ g
///     h' = o ∘ tanh(γ_c ∘ norm(c') + b_c)
///
/// norm(v) = (v - mean v) / √(variance of v + 10⁻⁵), over the elements of one row. J. L. Ba,
/// J. R. Kiros and G. E. Hinton, "Layer normalization" (2016). The memory c itself is not
/// normalised, so that it keeps what it holds.
public struct LayerNormLSTM: RecurrentCell {
  /// `lstm-layer-norm`, its name.
  public static let name = "lstm-layer-norm"
  /// forget-bias and input-bias.
  public static let settings = [CellSetting("forget-bias", 1), CellSetting("input-bias")]

  private static let epsilon = 1e-5
  /// The initial bias of the forget gate.
  public let forgetBias: Double
  /// The initial bias of the input gate, or nil to draw it.
  public let inputBias: Double?
  private var own:
    (inputGain: Weight, stateGain: Weight, bias: Weight, gain: Weight, shift: Weight)?

  /// A layer-normalised LSTM; its weights are declared by the recurrence that it is given to.
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
  /// The normalised x·Wᵀ and c', tanh(...), and 1 / deviation of each norm in a first column.
  public var savedCount: Int { 9 }
  /// Both are normalised first.
  public var keepsProjectionsApart: Bool { true }
  /// They come after the norm.
  public var hasBiases: Bool { false }

  /// Declares gains and biases.
  public func declaringWeights(
    hiddenSize: Int, name: (String) -> String, in layout: inout ParameterLayout
  ) -> any RecurrentCell {
    let one = Initializer.constant(1)
    var cell = self
    cell.own = (
      layout.declare(name("norm_ih"), shape: [4 * hiddenSize], as: one),
      layout.declare(name("norm_hh"), shape: [4 * hiddenSize], as: one),
      layout.declare(
        name("bias"), shape: [4 * hiddenSize],
        as: LSTM(forgetBias: forgetBias, inputBias: inputBias).biasInitializer(
          hiddenSize: hiddenSize)),
      layout.declare(name("norm_c"), shape: [hiddenSize], as: one),
      layout.declare(name("bias_c"), shape: [hiddenSize], as: .constant(0))
    )
    return cell
  }

  /// The equations.
  public func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {
    guard let own else { preconditionFailure("a cell's weights are declared before it runs") }
    let (x, h) = (step.saved.columns(0..<4 * step.hiddenSize), step.recurrent)
    let (c, tanhC, cNext) = (step.saved(4), step.saved(5), step.next.cell)
    let epsilon = S(Self.epsilon)
    S.normalizeRows(step.gates, epsilon: epsilon, into: x, inverse: step.saved(6).columns(0..<1))
    S.normalizeRows(h, epsilon: epsilon, into: h, inverse: step.saved(7).columns(0..<1))
    S.fill(step.gates, with: 0)
    S.addRow(workspace[own.bias], into: step.gates)
    S.multiplyRowAdd(x, workspace[own.inputGain], into: step.gates)
    S.multiplyRowAdd(h, workspace[own.stateGain], into: step.gates)
    let (i, f, g, o) = (step.gate(0), step.gate(1), step.gate(2), step.gate(3))
    S.sigmoid(i, into: i)
    S.sigmoid(f, into: f)
    S.tanh(g, into: g)
    S.sigmoid(o, into: o)
    S.multiplyTwo(f, step.previous.cell, plus: i, g, into: cNext)
    S.normalizeRows(cNext, epsilon: epsilon, into: c, inverse: step.saved(8).columns(0..<1))
    S.fill(tanhC, with: 0)
    S.addRow(workspace[own.shift], into: tanhC)
    S.multiplyRowAdd(c, workspace[own.gain], into: tanhC)
    S.tanh(tanhC, into: tanhC)
    S.multiply(o, tanhC, into: step.next.hidden)
  }

  /// The same equations from the last to the first.
  public func differentiate<S: Real>(
    _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
  ) {
    guard let own else { preconditionFailure("a cell's weights are declared before it runs") }
    let (x, h) = (step.saved.columns(0..<4 * step.hiddenSize), step.recurrent)
    let (c, tanhC) = (step.saved(4), step.saved(5))
    let (i, f, g, o) = (step.gate(0), step.gate(1), step.gate(2), step.gate(3))
    let (dh, dc) = (gradient.hidden, gradient.cell)
    // h' = o ∘ tanh(u); next.hidden takes du, and o its own gradient.
    let du = step.next.hidden
    S.copy(o, into: du)
    S.sigmoidGradient(dh, times: tanhC, at: o, into: o)
    S.tanhGradient(dh, times: du, at: tanhC, into: du)
    // u = γ_c ∘ norm(c') + b_c
    S.addColumnProducts(du, c, into: workspace.gradient(of: own.gain))
    S.addColumns(of: du, into: workspace.gradient(of: own.shift))
    S.normalizeRowsGradient(
      du, gain: workspace[own.gain], at: c, inverse: step.saved(8).columns(0..<1), into: du)
    S.add(du, into: dc)
    // c' = f ∘ c + i ∘ g; dh and tanh(u) are not needed any more and serve as scratch.
    S.copy(i, into: dh)
    S.sigmoidGradient(dc, times: g, at: i, into: i)
    S.tanhGradient(dc, times: dh, at: g, into: g)
    S.multiply(dc, f, into: tanhC)
    S.sigmoidGradient(dc, times: step.previous.cell, at: f, into: f)
    S.copy(tanhC, into: dc)
    // a = γₓ ∘ norm(x·Wᵀ) + γₕ ∘ norm(h·Uᵀ) + b
    S.addColumnProducts(step.gates, x, into: workspace.gradient(of: own.inputGain))
    S.addColumnProducts(step.gates, h, into: workspace.gradient(of: own.stateGain))
    S.addColumns(of: step.gates, into: workspace.gradient(of: own.bias))
    S.normalizeRowsGradient(
      step.gates, gain: workspace[own.stateGain], at: h, inverse: step.saved(7).columns(0..<1),
      into: h)
    S.normalizeRowsGradient(
      step.gates, gain: workspace[own.inputGain], at: x, inverse: step.saved(6).columns(0..<1),
      into: step.gates)
  }
}
