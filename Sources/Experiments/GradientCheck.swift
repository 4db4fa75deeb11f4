public import Cells
internal import DenseMath
internal import Parameters

/// The largest relative difference between analytic gradients and central differences.
///
/// The difference is of fourth order, (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h. A large h
/// loses curved functions and the kinks of relu, a small one loses digits of small gradients; so
/// three are tried, and the best counts: a wrong gradient agrees with none. A gradient is compared
/// relative to its own size, or to a hundredth of the largest one if it is smaller than that.
///
/// - Parameters:
///   - values: What the loss depends on, changed and put back.
///   - gradients: The analytic gradient of each value.
///   - loss: The loss as a function of the values as they are when it is called.
/// - Returns: The largest relative difference, or infinity where a number is NaN.
public func worstGradientError(
  of values: UnsafeMutableBufferPointer<Double>, gradients: [Double], loss: () -> Double
) -> Double {
  precondition(values.count == gradients.count)
  let floor = 0.01 * gradients.reduce(0) { max($0, abs($1)) }
  var worst = 0.0
  for index in values.indices {
    let value = values[index]
    func error(step: Double) -> Double {
      func at(_ offset: Double) -> Double {
        values[index] = value + offset
        return loss()
      }
      let numeric = (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)
      values[index] = value
      let size = max(abs(numeric), abs(gradients[index]), floor, 1e-6)
      return abs(numeric - gradients[index]) / size
    }
    var best = Double.infinity
    for step in [0x1p-12, 0x1p-14, 0x1p-16] where !(best < 1e-8) {
      // NaN must not slip through a comparison.
      let found = error(step: step)
      if found < best { best = found }
    }
    worst = max(worst, best)
  }
  return worst
}

/// Gradient checks of the cell library, for the tool to run on its user's machine.
public enum GradientCheck {
  /// What a relative difference must stay under.
  public static let tolerance = 1e-7

  /// The largest error over all weights and inputs of a cell, in Double: two levels that read both
  /// ways over a ragged batch, under a loss that weighs every output differently.
  public static func worstError(of kind: CellKind, seed: UInt64) -> Double {
    var layout = ParameterLayout()
    let stack = Stack(
      kind.makeCell(), layers: 2, inputSize: 3, hiddenSize: 4, directions: .both,
      prefix: "", in: &layout)
    let shape = PackedShape(lengths: [4, 3, 1])
    let input = layout.declare("input", shape: [shape.total, 3], as: .uniform(1))
    let weights = layout.declare(
      "loss", shape: [shape.total, stack.outputSize], as: .uniform(1))
    let parameters = Parameters<Double>(layout, seed: seed)
    let packed = PackedWeights<Double>(layout, forTraining: true)
    let workspace = Workspace(parameters, packed: packed, forTraining: true)
    let state = StackState<Double>(stack, batch: shape.batch)
    func run() -> Stack.Trace<Double> {
      packed.load(parameters, on: Shards(threads: 1))
      workspace.reset()
      return stack.forward(
        .vectors(workspace[input]), shape, from: state.layers, on: workspace)
    }
    func loss() -> Double {
      zip(run().output.elements, workspace[weights].elements).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let trace = run()
    let outputGradient = workspace.arena.matrix(shape.total, stack.outputSize)
    Double.copy(workspace[weights], into: outputGradient)
    let stateGradients = state.layers.map {
      CellState(
        hidden: workspace.arena.zeros($0.hidden.rows, $0.hidden.columns),
        cell: workspace.arena.zeros($0.cell.rows, $0.cell.columns))
    }
    guard
      let inputGradient = stack.backward(
        trace, outputGradient: outputGradient, stateGradients: stateGradients, on: workspace),
      let gradients = workspace.gradients
    else { return .infinity }
    Double.copy(inputGradient, into: gradients[input])
    var worst = 0.0
    for entry in layout.entries where entry.name != "loss" {
      worst = max(
        worst,
        worstGradientError(
          of: parameters.elements(of: entry), gradients: Array(gradients.elements(of: entry)),
          loss: loss))
    }
    return withExtendedLifetime((state, gradients)) { worst }
  }
}
