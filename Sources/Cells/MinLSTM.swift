public import DenseMath
public import Parameters

/// An LSTM stripped until no gate sees the state: there is no recurrent product.
///
///     f = σ(x·W_fᵀ + b_f)
///     i = σ(x·Wᵢᵀ + bᵢ)
///     n = x·W_nᵀ + b_n
///     f' = f / (f + i)
///     h' = f' ∘ h + (1 - f') ∘ n
///
/// The two gates are scaled to a sum of 1, so that the scale of h does not depend on time. L. Feng, F. Tung,
/// M. O. Ahmed, Y. Bengio and H. Hajimirsadeghi, "Were RNNs all we needed?" (2024).
public struct MinLSTM: RecurrentCell {
  /// `minlstm`, its name.
  public static let name = "minlstm"
  /// forget-bias.
  public static let settings = [CellSetting("forget-bias", 1)]

  /// The initial bias of the forget gate.
  public let forgetBias: Double

  /// A minLSTM.
  public init(forgetBias: Double = 1) { self.forgetBias = forgetBias }

  /// A cell whose initial bias is the setting `forget-bias`.
  public init(_ settings: CellSettings) { self.init(forgetBias: settings["forget-bias"] ?? 1) }

  /// f, i and n.
  public var gateNames: [String] { ["f", "i", "n"] }
  /// None.
  public var cellVectorCount: Int { 0 }
  /// f' and h - n.
  public var savedCount: Int { 2 }
  /// f' ∘ h.
  public var carriesHiddenDirectly: Bool { true }
  /// None.
  public var hasRecurrentProduct: Bool { false }

  /// The forget gate begins at its bias.
  public func biasInitializer(hiddenSize: Int) -> Initializer {
    .uniformExcept(
      bound: 1 / Double(hiddenSize).squareRoot(), range: 0..<hiddenSize, value: forgetBias)
  }

  /// The five equations.
  public func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {
    let (f, i, n) = (step.gate(0), step.gate(1), step.gate(2))
    let (kept, difference) = (step.saved(0), step.saved(1))
    let hNext = step.next.hidden
    S.sigmoid(f, into: f)
    S.sigmoid(i, into: i)
    S.copy(f, into: kept)
    S.add(i, into: kept)
    S.divide(f, kept, into: kept)
    // h' = n + f' ∘ (h - n)
    S.subtract(n, from: step.previous.hidden, into: difference)
    S.copy(n, into: hNext)
    S.multiplyAdd(kept, difference, into: hNext)
  }

  /// The same equations from the last to the first.
  ///
  /// With u = dh' ∘ (h - n) ∘ f' (1 - f'), the gates' pre-activations get u (1 - f) and -u (1 - i).
  public func differentiate<S: Real>(
    _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
  ) {
    let (f, i, n) = (step.gate(0), step.gate(1), step.gate(2))
    let (kept, u) = (step.saved(0), step.saved(1))
    let dh = gradient.hidden
    S.sigmoidGradient(dh, times: u, at: kept, into: u)
    // dn = dh' - dh' ∘ f', and dh' ∘ f' is what reaches h.
    S.multiply(dh, kept, into: kept)
    S.subtract(kept, from: dh, into: n)
    S.copy(kept, into: dh)
    S.multiply(f, u, into: f)
    S.subtract(f, from: u, into: f)
    S.multiply(i, u, into: i)
    S.subtract(u, from: i, into: i)
  }
}
