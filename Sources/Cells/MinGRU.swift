public import DenseMath
public import Parameters

/// A GRU stripped until no gate sees the state: there is no recurrent product.
///
///     z = σ(x·W_zᵀ + b_z)
///     n = x·W_nᵀ + b_n
///     h' = (1 - z) ∘ h + z ∘ n
///
/// L. Feng, F. Tung, M. O. Ahmed, Y. Bengio and H. Hajimirsadeghi, "Were RNNs all we needed?"
/// (2024). A layer is a running average with learnt weights; depth makes up for what it lacks.
public struct MinGRU: RecurrentCell {
  /// `mingru`, its name.
  public static let name = "mingru"

  /// A minGRU.
  public init(_ settings: CellSettings = [:]) {}

  /// z and n.
  public var gateNames: [String] { ["z", "n"] }
  /// None.
  public var cellVectorCount: Int { 0 }
  /// n - h.
  public var savedCount: Int { 1 }
  /// (1 - z) ∘ h.
  public var carriesHiddenDirectly: Bool { true }
  /// None.
  public var hasRecurrentProduct: Bool { false }

  /// The three equations.
  public func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {
    let (z, n) = (step.gate(0), step.gate(1))
    let (h, difference) = (step.previous.hidden, step.saved)
    S.sigmoid(z, into: z)
    // h' = h + z ∘ (n - h)
    S.subtract(h, from: n, into: difference)
    S.copy(h, into: step.next.hidden)
    S.multiplyAdd(z, difference, into: step.next.hidden)
  }

  /// The same equations from the last to the first.
  public func differentiate<S: Real>(
    _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
  ) {
    let (z, n) = (step.gate(0), step.gate(1))
    let (dh, difference) = (gradient.hidden, step.saved)
    S.multiply(dh, z, into: n)
    S.sigmoidGradient(dh, times: difference, at: z, into: z)
    // dh ∘ (1 - z) = dh - dn
    S.subtract(n, from: dh, into: dh)
  }
}
