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
  gradientDifferences(of: values, gradients: gradients, loss: loss).reduce(0) {
    max($0, $1.error)
  }
}

/// The relative difference between each analytic gradient and the central difference: see
/// `worstGradientError`.
func gradientDifferences(
  of values: UnsafeMutableBufferPointer<Double>, gradients: [Double], loss: () -> Double
) -> [(error: Double, measured: Double)] {
  precondition(values.count == gradients.count)
  let floor = 0.01 * gradients.reduce(0) { max($0, abs($1)) }
  return values.indices.map { index in
    let value = values[index]
    func difference(step: Double) -> (error: Double, measured: Double) {
      func at(_ offset: Double) -> Double {
        values[index] = value + offset
        return loss()
      }
      let numeric = (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)
      values[index] = value
      let size = max(abs(numeric), abs(gradients[index]), floor, 1e-6)
      return (abs(numeric - gradients[index]) / size, numeric)
    }
    var best = (error: Double.infinity, measured: Double.nan)
    for step in [0x1p-12, 0x1p-14, 0x1p-16, 0x1p-10, 0x1p-8] where !(best.error < 1e-8) {
      // NaN must not slip through a comparison.
      let found = difference(step: step)
      if found.error < best.error { best = found }
    }
    return best
  }
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

/// Gradient checks of cells and attention, against central differences in Double.
///
///     try GradientCheck.demand(CellKind(MyCell.self))
public enum GradientCheck {
  /// What a relative difference must stay under.
  public static let tolerance = 1e-7

  /// Checks a cell: one step of it, two levels of it, and those with all that a stack can add, with three
  /// seeds.
  ///
  /// Throws `GradientError` where a gradient is wrong, which names weight and gate, and `CellError` for a
  /// cell whose numbers do not fit together.
  @discardableResult
  public static func demand(_ kind: CellKind) throws -> GradientReport {
    try kind.check()
    if let block = CellBounds.exceeded(by: kind) {
      throw CellError.shape(
        cell: "\(kind)",
        reason: "it writes beyond step.\(block), or into it where it may only be read")
    }
    // One step first: over several, a wrong gate spoils the gradients of all that came before it.
    let checks: [(UInt64) -> GradientReport] = [
      { stepReport(of: kind, seed: $0) }, { report(of: kind, seed: $0) },
      { report(of: kind, combined: true, seed: $0) },
    ]
    let reports = try checks.flatMap { check in
      try (1...3 as ClosedRange<UInt64>).map { seed in
        let report = check(seed)
        guard report.isSound else { throw GradientError(report: report) }
        return report
      }
    }
    return reports.max { $0.largestError < $1.largestError } ?? stepReport(of: kind, seed: 1)
  }

  /// The differences of one step of a cell: of its weights gate by gate, of the input, and of the state
  /// before (`h`, and `c` where the cell has one).
  ///
  /// The loss weighs each number of the next h and c differently, so nothing wrong in one gate is seen in
  /// another.
  public static func stepReport(of kind: CellKind, seed: UInt64) -> GradientReport {
    var layout = ParameterLayout()
    let (batch, inputSize, hiddenSize) = (3, 3, 4)
    let layer = Recurrence(
      kind.makeCell(), inputSize: inputSize, hiddenSize: hiddenSize, prefix: "", suffix: "_l0",
      in: &layout)
    let width = layer.cell.cellVectorCount * hiddenSize
    func declare(_ name: String, _ columns: Int) -> Weight {
      layout.declare(name, shape: [batch, columns], as: .uniform(1))
    }
    let (input, h, wantedH) = (
      declare("input", inputSize), declare("h", hiddenSize), declare("loss of h", hiddenSize)
    )
    let memory =
      width > 0 ? (before: declare("c", width), wanted: declare("loss of c", width)) : nil
    let differences = differences(layout, seed: seed) { workspace, gradients in
      let nothing = workspace.arena.matrix(batch, 0)
      let trace = layer.forward(
        .vectors(workspace[input]), PackedShape(steps: 1, batch: batch),
        from: CellState(hidden: workspace[h], cell: memory.map { workspace[$0.before] } ?? nothing),
        on: workspace)
      let loss =
        product(trace.output, workspace[wantedH])
        + (memory.map { product(trace.cells, workspace[$0.wanted]) } ?? 0)
      guard let gradients else { return loss }
      let state = CellState<Double>.zeros(of: layer, batch: batch, on: workspace)
      if let memory { Double.copy(workspace[memory.wanted], into: state.cell) }
      let inputGradient = layer.backward(
        trace, outputGradient: workspace[wantedH], stateGradient: state, on: workspace)
      if let inputGradient { Double.copy(inputGradient, into: gradients[input]) }
      Double.copy(state.hidden, into: gradients[h])
      if let memory { Double.copy(state.cell, into: gradients[memory.before]) }
      return loss
    }
    return GradientReport(
      name: "\(kind), one step",
      differences: differences.flatMap { name, all in
        GradientReport.byGate(all, of: name, layer.cell)
      })
  }

  /// The largest error over all weights and inputs of a cell, in Double: see `report`.
  public static func worstError(of kind: CellKind, combined: Bool = false, seed: UInt64) -> Double {
    report(of: kind, combined: combined, seed: seed).largestError
  }

  /// The differences of all weights and inputs of a cell, gate by gate.
  ///
  /// Two levels read both ways over a ragged batch, under a loss that weighs every output
  /// differently.
  ///
  /// - Parameters:
  ///   - kind: The cell.
  ///   - combined: Add everything that a stack can: residual levels, dropout and zoneout.
  ///   - seed: The seed of weights, inputs, loss and masks.
  /// - Returns: The largest relative difference of each weight and gate.
  public static func report(
    of kind: CellKind, combined: Bool = false, seed: UInt64
  ) -> GradientReport {
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
    let differences = differences(layout, seed: seed) { workspace, gradients in
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
    return GradientReport(
      name: combined ? "\(kind), residual, with dropout and zoneout" : "\(kind)",
      differences: differences.flatMap { name, all in
        // Levels above the lowest may have another cell.
        GradientReport.byGate(
          all, of: name, (name.contains("_l0") ? stack.layers.first : stack.layers.last)?.cell)
      })
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
  private static func worstError(
    _ layout: ParameterLayout, seed: UInt64,
    run: (Workspace<Double>, Gradients<Double>?) -> Double
  ) -> Double {
    differences(layout, seed: seed, run: run).flatMap(\.1).reduce(0) { max($0, $1.error) }
  }

  /// The differences of all weights but those named "loss" and so on, element by element.
  ///
  /// `run` returns the loss, and runs the backward pass where it is given a place for gradients.
  private static func differences(
    _ layout: ParameterLayout, seed: UInt64,
    run: (Workspace<Double>, Gradients<Double>?) -> Double
  ) -> [(String, [GradientReport.Element])] {
    let parameters = Parameters<Double>(layout, seed: seed)
    let packed = PackedWeights<Double>(layout, forTraining: true)
    let workspace = Workspace(parameters, packed: packed, forTraining: true)
    func loss(_ runsBackward: Bool) -> Double {
      packed.load(parameters, on: Shards(threads: 1))
      workspace.reset()
      return run(workspace, runsBackward ? workspace.gradients : nil)
    }
    workspace.gradients?.clear()
    _ = loss(true)
    guard let gradients = workspace.gradients?.values.copy() else { return [] }
    // What weighs the outputs is no weight of the network, and gets no gradient.
    return parameters.layout.entries.filter { !$0.name.hasPrefix("loss") }.map { entry in
      let claimed = Array(gradients.elements(of: entry))
      let found = gradientDifferences(
        of: parameters.elements(of: entry), gradients: claimed, loss: { loss(false) })
      return (
        entry.name,
        zip(claimed, found).map {
          GradientReport.Element(claimed: $0, measured: $1.measured, error: $1.error)
        }
      )
    }
  }
}
