public import DenseMath
public import Parameters

/// The gated recurrent unit, in the form of PyTorch and cuDNN: the reset gate acts after the product.
///
///     r = σ(x·W_rᵀ + b_r + h·U_rᵀ + b'_r)            reset gate
///     z = σ(x·W_zᵀ + b_z + h·U_zᵀ + b'_z)            update gate
///     n = tanh(x·W_nᵀ + b_n + r ∘ (h·U_nᵀ + b'_n))   the new content
///     h' = (1 - z) ∘ n + z ∘ h
///
/// K. Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014, which
/// multiplies h by r before the product; this form needs one product a step instead of two.
public struct GRU: RecurrentCell {
  /// `gru`, its name.
  public static let name = "gru"

  /// A GRU.
  public init(_ settings: CellSettings = [:]) {}

  /// r, z and n.
  public var gateNames: [String] { ["r", "z", "n"] }
  /// None: h is the memory.
  public var cellVectorCount: Int { 0 }
  /// n's product with U stays apart until r has met it.
  public var keepsProjectionsApart: Bool { true }
  /// z ∘ h.
  public var carriesHiddenDirectly: Bool { true }

  /// The four equations.
  public func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {
    let (r, z, n) = (step.gate(0), step.gate(1), step.gate(2))
    let (h, hNext) = (step.previous.hidden, step.next.hidden)
    S.add(step.recurrent(0), into: r)
    S.add(step.recurrent(1), into: z)
    S.sigmoid(r, into: r)
    S.sigmoid(z, into: z)
    S.multiplyAdd(r, step.recurrent(2), into: n)
    S.tanh(n, into: n)
    // h' = n + z ∘ h - z ∘ n
    S.multiply(z, n, into: hNext)
    S.subtract(hNext, from: n, into: hNext)
    S.multiplyAdd(z, h, into: hNext)
  }

  /// The same equations from the last to the first.
  public func differentiate<S: Real>(
    _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
  ) {
    let (r, z, n) = (step.gate(0), step.gate(1), step.gate(2))
    let (ur, uz, un) = (step.recurrent(0), step.recurrent(1), step.recurrent(2))
    let (h, dh, dhn) = (step.previous.hidden, gradient.hidden, step.next.hidden)
    // The products of r and z with U are not needed any more: ur and uz serve as scratch.
    // dn = dh' ∘ (1 - z) ∘ tanh'; dh' ∘ n is kept, as n is about to change
    S.oneMinus(z, into: uz)
    S.multiply(n, dh, into: dhn)
    S.tanhGradient(dh, times: uz, at: n, into: n)
    // dz = (dh' ∘ h - dh' ∘ n) ∘ z (1 - z), and dh takes its direct part z ∘ dh'
    S.multiply(h, dh, into: ur)
    S.subtract(dhn, from: ur, into: ur)
    S.multiply(dh, z, into: dh)
    S.sigmoidGradient(ur, at: z, into: z)
    // n's pre-activation is x·W + r ∘ (h·U): r gets dn ∘ un, un gets dn ∘ r
    S.copy(r, into: ur)
    S.sigmoidGradient(n, times: un, at: r, into: r)
    S.multiply(n, ur, into: un)
    S.copy(r, into: ur)
    S.copy(z, into: uz)
  }
}
