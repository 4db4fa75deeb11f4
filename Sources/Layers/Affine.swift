public import DenseMath
public import Parameters

/// y = x·Wᵀ + b, with W [outputs, inputs] and b [outputs] as PyTorch's `nn.Linear` keeps them.
public struct Affine: Sendable {
  /// The width of x and of y.
  public let inputs, outputs: Int
  /// The handles of W and b.
  public let weight, bias: Weight

  /// Declares `<name>.weight` and `<name>.bias`.
  public init(inputs: Int, outputs: Int, name: String, in layout: inout ParameterLayout) {
    self.inputs = inputs
    self.outputs = outputs
    let bound = 1 / Double(inputs).squareRoot()
    weight = layout.declare(
      "\(name).weight", shape: [outputs, inputs], as: .uniform(bound), isFactor: true)
    bias = layout.declare("\(name).bias", shape: [outputs], as: .constant(0))
  }

  /// y [rows, outputs] of x [rows, inputs].
  public func forward<S: Real>(_ x: Matrix<S>, on workspace: Workspace<S>) -> Matrix<S> {
    let y = workspace.arena.matrix(x.rows, outputs)
    workspace.product(x, weight, into: y, accumulate: false)
    S.addRow(workspace[bias], into: y)
    return y
  }

  /// Adds to the gradients of W and b, and returns that of x.
  public func backward<S: Real>(
    _ gradient: Matrix<S>, x: Matrix<S>, on workspace: Workspace<S>
  ) -> Matrix<S> {
    workspace.addGradient(of: weight, from: gradient, times: x)
    S.addColumns(of: gradient, into: workspace.gradient(of: bias))
    let dx = workspace.arena.matrix(x.rows, inputs)
    workspace.productBack(gradient, weight, into: dx, accumulate: false)
    return dx
  }
}
