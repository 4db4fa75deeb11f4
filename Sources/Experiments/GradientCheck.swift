public import Cells
public import DenseMath
public import Layers
public import Parameters

/// The largest relative difference between analytic gradients and central differences.
///
/// The difference is of fourth order, (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h. A large h
/// loses curved functions and the kinks of relu, a small one loses digits of small gradients; so
/// five are tried, and the best counts: a wrong gradient agrees with none. A gradient is compared
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
    for step in [0x1p-12, 0x1p-14, 0x1p-16, 0x1p-10, 0x1p-8] where !(best < 1e-8) {
      // NaN must not slip through a comparison.
      let found = error(step: step)
      if found < best { best = found }
    }
    worst = max(worst, best)
  }
  return worst
}

/// The largest relative difference for each weight of a network.
///
/// - Parameters:
///   - parameters: The weights, changed and put back.
///   - workspace: Where the network runs; its gradients are cleared first.
///   - loss: Runs the network, and where asked the backward pass too, which adds to the gradients.
/// - Returns: The names of the weights, and `worstGradientError` of each.
public func worstGradientErrors(
  of parameters: Parameters<Double>, on workspace: Workspace<Double>,
  loss: (_ runsBackward: Bool) -> Double
) -> [(name: String, error: Double)] {
  workspace.gradients?.clear()
  _ = loss(true)
  // A loss that runs the backward pass unasked goes on adding: what counts is kept first.
  guard let gradients = workspace.gradients?.values.copy() else { return [("all", .infinity)] }
  return parameters.layout.entries.map { entry in
    (
      entry.name,
      worstGradientError(
        of: parameters.elements(of: entry), gradients: Array(gradients.elements(of: entry)),
        loss: { loss(false) })
    )
  }
}

/// Gradient checks of the cell library, for the tool to run on its user's machine.
public enum GradientCheck {
  /// What a relative difference must stay under.
  public static let tolerance = 1e-7

  /// The largest error over all weights and inputs of a cell, in Double.
  ///
  /// Two levels read both ways over a ragged batch, under a loss that weighs every output
  /// differently.
  ///
  /// - Parameters:
  ///   - kind: The cell.
  ///   - combined: Add everything that a stack can: residual levels, dropout and zoneout.
  ///   - seed: The seed of weights, inputs, loss and masks.
  /// - Returns: The largest relative difference.
  public static func worstError(of kind: CellKind, combined: Bool = false, seed: UInt64) -> Double {
    var layout = ParameterLayout()
    let dropout =
      combined
      ? Dropout(inputs: 0.2, states: 0.2, outputs: 0.2, zoneoutHidden: 0.2, zoneoutCell: 0.2)
      : Dropout.none
    let stack = Stack(
      kind.makeCell(), layers: 2, inputSize: 3, hiddenSize: 4, dropout: dropout, directions: .both,
      isResidual: combined, prefix: "", in: &layout)
    let shape = PackedShape(lengths: [4, 3, 1])
    let input = layout.declare("input", shape: [shape.total, 3], as: .uniform(1))
    let weights = layout.declare(
      "loss", shape: [shape.total, stack.outputSize], as: .uniform(1))
    let masks =
      combined
      ? Dropout.Masks(CounterRandom(seed: seed, stream: .dropout), step: 1, firstLane: 0) : nil
    return worstError(layout, seed: seed) { workspace, gradients in
      let trace = stack.forward(
        .vectors(workspace[input]), shape,
        from: stack.zeroStates(batch: shape.batch, on: workspace), masks: masks, on: workspace)
      if let gradients {
        let outputGradient = workspace.arena.matrix(shape.total, stack.outputSize)
        Double.copy(workspace[weights], into: outputGradient)
        if let inputGradient = stack.backward(
          trace, outputGradient: outputGradient,
          stateGradients: stack.zeroStates(batch: shape.batch, on: workspace), on: workspace)
        {
          Double.copy(inputGradient, into: gradients[input])
        }
      }
      return product(trace.output, workspace[weights])
    }
  }

  /// The largest error over all weights, queries and memories of attention, over ragged sequences.
  public static func worstError(of score: Attention.Score, seed: UInt64) -> Double {
    var layout = ParameterLayout()
    let (querySize, memorySize) = score == .dot ? (3, 3) : (2, 4)
    let attention = Attention(
      score, querySize: querySize, memorySize: memorySize, width: 3, name: "attention", in: &layout)
    let ranges = AttentionRanges(queries: [0..<3, 3..<3, 3..<5], memory: [0..<2, 2..<3, 3..<7])
    let queries = layout.declare("queries", shape: [5, querySize], as: .uniform(1))
    let memory = layout.declare("memory", shape: [7, memorySize], as: .uniform(1))
    let weights = layout.declare("loss", shape: [5, memorySize], as: .uniform(1))
    return worstError(layout, seed: seed) { workspace, gradients in
      let prepared = attention.prepare(workspace[memory], forTraining: true, on: workspace)
      let trace = attention.forward(workspace[queries], ranges, in: prepared, on: workspace)
      if let gradients {
        let queryGradient = attention.backward(
          trace, contextGradient: workspace[weights], on: workspace)
        Double.copy(queryGradient, into: gradients[queries])
        Double.copy(attention.finish(prepared, on: workspace), into: gradients[memory])
      }
      return product(trace.context, workspace[weights])
    }
  }

  private static func product(_ a: Matrix<Double>, _ b: Matrix<Double>) -> Double {
    zip(a.elements, b.elements).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// The largest error over all weights but those named "loss".
  ///
  /// `run` returns the loss, and runs the backward pass where it is given a place for gradients.
  private static func worstError(
    _ layout: ParameterLayout, seed: UInt64,
    run: (Workspace<Double>, Gradients<Double>?) -> Double
  ) -> Double {
    let parameters = Parameters<Double>(layout, seed: seed)
    let packed = PackedWeights<Double>(layout, forTraining: true)
    let workspace = Workspace(parameters, packed: packed, forTraining: true)
    let errors = worstGradientErrors(of: parameters, on: workspace) { runsBackward in
      packed.load(parameters, on: Shards(threads: 1))
      workspace.reset()
      return run(workspace, runsBackward ? workspace.gradients : nil)
    }
    // What weighs the outputs is no weight of the network, and gets no gradient.
    return errors.filter { $0.name != "loss" }.reduce(0) { max($0, $1.error) }
  }
}
