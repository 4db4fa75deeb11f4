import Cells
import DenseMath
import Parameters

/// A stack of layers on a ragged batch with random numbers, and a loss that weighs all its results.
///
/// The loss is a random weighted sum of every output and every final state.
public final class StackCase<S: Real> {
  /// The stack and its weights.
  public let stack: Stack
  /// Its weights.
  public let parameters: Parameters<S>
  /// Where it runs.
  public let workspace: Workspace<S>
  /// The batch.
  public let shape: PackedShape
  /// The inputs, and the loss's weights of the outputs; they live as long as the case.
  public let input, outputWeights: Matrix<S>
  /// The states before the batch, and the loss's weights of those after it.
  public let initial, finalWeights: StackState<S>
  /// The dropout masks, or nil for none.
  public var masks: Dropout.Masks?
  private let packed: PackedWeights<S>
  private let memory: Parameters<S>
  // Views do not keep their memory alive, so the last states are kept here.
  private var kept: [StackState<S>] = []

  /// A case of a stack, its numbers drawn from a seed.
  public init(
    _ kind: CellKind, layers: Int, inputSize: Int, hiddenSize: Int, lengths: [Int],
    dropout: Dropout = .none, directions: Directions = .forward, isResidual: Bool = false,
    seed: UInt64
  ) {
    var layout = ParameterLayout()
    stack = Stack(
      kind.makeCell(), layers: layers, inputSize: inputSize, hiddenSize: hiddenSize,
      dropout: dropout, directions: directions, isResidual: isResidual, prefix: "", in: &layout)
    parameters = Parameters(layout, seed: seed)
    packed = PackedWeights(layout, forTraining: true)
    workspace = Workspace(parameters, packed: packed, forTraining: true)
    shape = PackedShape(lengths: lengths)
    var room = ParameterLayout()
    let inputHandle = room.declare(
      "input", shape: [shape.total, inputSize], as: .constant(0))
    let weightHandle = room.declare(
      "outputs", shape: [shape.total, stack.outputSize], as: .constant(0))
    memory = Parameters(room)
    input = memory[inputHandle]
    outputWeights = memory[weightHandle]
    initial = StackState(stack, batch: lengths.count)
    finalWeights = StackState(stack, batch: lengths.count)
    var numbers = TestNumbers(seed: seed)
    for entry in layout.entries {
      for index in 0..<entry.count {
        parameters.base[entry.offset + index] = S(0.6 * numbers.next())
      }
    }
    numbers.fill(input)
    numbers.fill(outputWeights)
    for state in initial.layers + finalWeights.layers {
      numbers.fill(state.hidden)
      numbers.fill(state.cell)
    }
  }

  /// Everything that comes out of a run forward.
  public func forward() -> Stack.Trace<S> {
    packed.load(parameters, on: Shards(threads: 1))
    workspace.reset()
    return stack.forward(
      .vectors(input), shape, from: initial.layers, masks: masks, on: workspace)
  }

  /// The final states after a run, which live as long as the case.
  public func finalStates(_ trace: Stack.Trace<S>) -> StackState<S> {
    let state = StackState<S>(stack, batch: shape.batch)
    state.update(from: trace)
    kept.append(state)
    if kept.count > 4 { kept.removeFirst() }
    return state
  }

  /// The loss.
  public func loss() -> Double {
    let trace = forward()
    let final = finalStates(trace)
    var sum = Self.dot(trace.output, outputWeights)
    for (state, weights) in zip(final.layers, finalWeights.layers) {
      sum += Self.dot(state.hidden, weights.hidden) + Self.dot(state.cell, weights.cell)
    }
    return sum
  }

  /// Runs forward and back; returns the gradients of the input and of the initial states.
  ///
  /// The weights' gradients are in the workspace.
  public func gradients() -> (input: [S], initial: [CellState<S>]) {
    workspace.gradients?.clear()
    let trace = forward()
    let gradient = workspace.arena.matrix(shape.total, stack.outputSize)
    S.copy(outputWeights, into: gradient)
    let states = finalWeights.layers.map { weights in
      let state = CellState(
        hidden: workspace.arena.matrix(weights.hidden.rows, weights.hidden.columns),
        cell: workspace.arena.matrix(weights.cell.rows, weights.cell.columns))
      S.copy(weights.hidden, into: state.hidden)
      S.copy(weights.cell, into: state.cell)
      return state
    }
    let input = stack.backward(
      trace, outputGradient: gradient, stateGradients: states, on: workspace)
    return (input?.elements ?? [], states)
  }

  private static func dot(_ a: Matrix<S>, _ b: Matrix<S>) -> Double {
    zip(a.elements, b.elements).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
}
