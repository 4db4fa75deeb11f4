public import DenseMath
public import Parameters

/// Elman's simple recurrent network: the state is squashed anew at every step.
///
///     h' = tanh(x·Wᵀ + b + h·Uᵀ + b')        or relu in place of tanh
///
/// The gradient that reaches back n steps is a product of n matrices, so it vanishes or explodes:
/// this cell stands beside the LSTM to show it.
///
/// J. L. Elman, "Finding structure in time", Cognitive Science 14 (1990). Weights are PyTorch's
/// `nn.RNN`.
public struct Elman: RecurrentCell {
  /// `elman`, its name.
  public static let name = "elman"

  /// The squashing function.
  public enum Activation: Sendable {
    /// The hyperbolic tangent, between -1 and 1.
    case tanh
    /// What is above 0, and 0 for the rest.
    case relu
  }

  /// The squashing function of this cell.
  public let activation: Activation

  /// An Elman cell with a squashing function.
  public init(_ activation: Activation = .tanh) { self.activation = activation }

  /// An Elman cell with tanh.
  public init(_ settings: CellSettings) { self.init(.tanh) }

  /// One: the state's own pre-activation.
  public var gateNames: [String] { ["a"] }
  /// None.
  public var cellVectorCount: Int { 0 }

  /// h' = f(a), with a the sum of both projections.
  public func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {
    let a = step.gate(0)
    switch activation {
    case .tanh: S.tanh(a, into: a)
    case .relu: S.relu(a, into: a)
    }
    S.copy(a, into: step.next.hidden)
  }

  /// da = dh' · f'(a).
  public func differentiate<S: Real>(
    _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
  ) {
    let a = step.gate(0)
    switch activation {
    case .tanh: S.tanhGradient(gradient.hidden, at: a, into: a)
    case .relu: S.reluGradient(gradient.hidden, at: a, into: a)
    }
  }
}
