public import DenseMath
public import Parameters

/// Long short-term memory: a memory c that is added to, not squashed, behind gates that are learnt.
///
///     i = σ(x·Wᵢᵀ + h·Uᵢᵀ + bᵢ)       input gate: what is let in
///     f = σ(x·W_fᵀ + h·U_fᵀ + b_f)    forget gate: what is kept
///     g = tanh(x·W_gᵀ + h·U_gᵀ + b_g) the new content
///     o = σ(x·W_oᵀ + h·U_oᵀ + b_o)    output gate: what is shown
///     c' = f ∘ c + i ∘ g
///     h' = o ∘ tanh(c')
///
/// From c' to c the gradient is only multiplied by f: with f near 1 an error reaches back over
/// hundreds of steps, which it does not through Elman's h' = tanh(...).
///
/// S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997); the
/// forget gate: F. Gers, J. Schmidhuber and F. Cummins, "Learning to forget", ICANN 1999. The gates
/// lie in PyTorch's order i, f, g, o. The forget gate's bias starts at `forgetBias`, as
/// R. Jozefowicz, W. Zaremba and I. Sutskever recommend (ICML 2015); it is an initial value, not
/// something added in the forward pass.
public struct LSTM: RecurrentCell {
  /// `lstm`, its name.
  public static let name = "lstm"
  /// forget-bias and input-bias.
  public static let settings = [CellSetting("forget-bias", 1), CellSetting("input-bias")]

  /// The initial bias of the forget gate.
  public let forgetBias: Double
  /// The initial bias of the input gate, or nil to draw it like the others.
  public let inputBias: Double?

  /// An LSTM whose forget gate begins half open (0) or nearly open (1 and more).
  ///
  /// An input gate that begins nearly shut (-3) keeps the memory from what does not matter, as the
  /// authors of 1997 did for long lags.
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

  /// PyTorch's bounds, but for the forget gate.
  public func biasInitializer(hiddenSize: Int) -> Initializer {
    let drawn = Initializer.uniformExcept(
      bound: 1 / Double(hiddenSize).squareRoot(), range: hiddenSize..<2 * hiddenSize,
      value: forgetBias)
    return inputBias.map { .except(0..<hiddenSize, value: $0, otherwise: drawn) } ?? drawn
  }

  /// The six equations.
  public func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {
    let (i, f, g, o) = (step.gate(0), step.gate(1), step.gate(2), step.gate(3))
    let (c, cNext, tanhC) = (step.previous.cell, step.next.cell, step.saved)
    S.sigmoid(i, into: i)
    S.sigmoid(f, into: f)
    S.tanh(g, into: g)
    S.sigmoid(o, into: o)
    S.multiplyTwo(f, c, plus: i, g, into: cNext)
    S.tanh(cNext, into: tanhC)
    S.multiply(o, tanhC, into: step.next.hidden)
  }

  /// The same equations from the last to the first.
  public func differentiate<S: Real>(
    _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
  ) {
    let (i, f, g, o) = (step.gate(0), step.gate(1), step.gate(2), step.gate(3))
    let (c, tanhC) = (step.previous.cell, step.saved)
    let (dh, dc) = (gradient.hidden, gradient.cell)
    // h' = o ∘ tanh(c')
    S.addTanhGradient(dh, times: o, at: tanhC, into: dc)
    S.sigmoidGradient(dh, times: tanhC, at: o, into: o)
    // c' = f ∘ c + i ∘ g; dh and tanh(c') are not needed any more and serve as scratch.
    let (oldI, dcPrevious) = (dh, tanhC)
    S.copy(i, into: oldI)
    S.sigmoidGradient(dc, times: g, at: i, into: i)
    S.tanhGradient(dc, times: oldI, at: g, into: g)
    S.multiply(dc, f, into: dcPrevious)
    S.sigmoidGradient(dc, times: c, at: f, into: f)
    S.copy(dcPrevious, into: dc)
  }
}
