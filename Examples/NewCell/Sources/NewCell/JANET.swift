import MajorTom

/// JANET: an LSTM of which only the forget gate is left.
///
///     s = x·W_sᵀ + h·U_sᵀ + b_s
///     g = tanh(x·W_gᵀ + h·U_gᵀ + b_g)
///     h' = σ(s) ∘ h + (1 - σ(s - β)) ∘ g
///
/// With β above 0 a little more is added than is forgotten. J. van der Westhuizen and J. Lasenby, "The
/// unreasonable effectiveness of the forget gate" (2018), where β is 1.
struct JANET: RecurrentCell {
  static let name = "janet"
  static let settings = [CellSetting("beta", 1), CellSetting("forget-bias", 1)]

  let beta, forgetBias: Double

  init(_ settings: CellSettings) {
    beta = settings["beta"] ?? 1
    forgetBias = settings["forget-bias"] ?? 1
  }

  var gateNames: [String] { ["s", "g"] }
  // The state h is the memory: there is no c beside it.
  var cellVectorCount: Int { 0 }
  // What is not let in, σ(s - β).
  var savedCount: Int { 1 }
  // σ(s) ∘ h
  var carriesHiddenDirectly: Bool { true }

  func biasInitializer(hiddenSize: Int) -> Initializer {
    .uniformExcept(
      bound: 1 / Double(hiddenSize).squareRoot(), range: 0..<hiddenSize, value: forgetBias)
  }

  func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {
    let (f, g, shut) = (step.gate(0), step.gate(1), step.saved)
    let (h, hNext) = (step.previous.hidden, step.next.hidden)
    S.fill(shut, with: S(-beta))
    S.add(f, into: shut)
    S.sigmoid(shut, into: shut)
    S.sigmoid(f, into: f)
    S.tanh(g, into: g)
    // h' = g - σ(s - β) ∘ g + σ(s) ∘ h
    S.multiply(shut, g, into: hNext)
    S.subtract(hNext, from: g, into: hNext)
    S.multiplyAdd(f, h, into: hNext)
  }

  func differentiate<S: Real>(
    _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
  ) {
    let (f, g, shut) = (step.gate(0), step.gate(1), step.saved)
    let (h, dh, scratch) = (step.previous.hidden, gradient.hidden, step.next.hidden)
    // What g loses to the gate: -dh' ∘ g through σ(s - β)
    S.sigmoidGradient(dh, times: g, at: shut, into: scratch)
    // dg = dh' ∘ (1 - σ(s - β)) through tanh
    S.oneMinus(shut, into: shut)
    S.tanhGradient(dh, times: shut, at: g, into: g)
    // What reaches h directly; then ds = dh' ∘ h through σ(s), less what g lost
    S.multiply(dh, f, into: shut)
    S.sigmoidGradient(dh, times: h, at: f, into: f)
    S.subtract(scratch, from: f, into: f)
    S.copy(shut, into: dh)
  }
}
