internal import Cells
internal import DenseMath
internal import Layers
internal import Parameters

/// One recurrent layer and an output layer, trained on ragged batches of examples with Adam.
final class Learner {
  private let stack: Stack
  private let output: Affine
  private let parameters: Parameters<Float>
  private let packed: PackedWeights<Float>
  private let workspace: Workspace<Float>
  private var optimizer: Optimizer<Float>
  private let oneThread = Shards(threads: 1)

  /// A network for a task; `gain` multiplies the recurrent weights.
  init(
    _ kind: CellKind, for task: any SequenceTask, seed: UInt64,
    rule: OptimizerRule = .adamW(beta2: 0.999), gain: Float = 1
  ) {
    let recipe = task.recipe
    var biases: CellSettings = ["forget-bias": recipe.forgetBias]
    biases["input-bias"] = recipe.inputBias
    var layout = ParameterLayout()
    stack = Stack(
      kind.makeCell(biases), layers: 1, inputSize: task.inputSize,
      hiddenSize: recipe.hiddenSize, prefix: "rnn.",
      in: &layout)
    output = Affine(
      inputs: recipe.hiddenSize, outputs: task.outputSize, name: "output", in: &layout)
    parameters = Parameters(layout, seed: seed)
    packed = PackedWeights(layout, forTraining: true)
    let optimizer = Optimizer<Float>(layout, rule: rule, weightDecay: 0)
    workspace = Workspace(parameters, packed: packed, changedBy: optimizer)
    self.optimizer = optimizer
    if let recurrent = stack.layers[0].recurrentWeight {
      Float.scale(parameters[recurrent], by: gain)
    }
    packed.load(parameters, on: oneThread)
  }

  /// One update; returns the mean loss, and the norm of the gradient before it is clipped.
  @discardableResult
  func learn(
    _ examples: [Example], rate: Double, clip: Double? = 1
  ) -> (loss: Double, norm: Double) {
    workspace.reset()
    workspace.gradients?.clear()
    let (shape, trace, logits, order) = run(examples)
    let steps = targets(examples, order: order, shape: shape)
    let count = Double(max(1, steps.reduce(0) { $0 + ($1 == .any ? 0 : 1) }))
    let classes = workspace.arena.indices(shape.total)
    for (row, target) in steps.enumerated() {
      if case .symbol(let id) = target { classes[row] = Int32(id) } else { classes[row] = -1 }
    }
    guard let gradients = workspace.gradients else { return (.nan, .nan) }
    let errors = steps.enumerated().compactMap { row, target -> (Int, Float)? in
      guard case .value(let value) = target else { return nil }
      return (row, 2 * (logits[row, 0] - value))
    }
    var loss =
      SoftmaxCrossEntropy.lossAndGradient(logits, targets: classes, scale: 1 / count) / count
    for (row, error) in errors {
      logits[row, 0] = error / Float(count)
      loss += Double(error * error) / 4 / count
    }
    let gradient = output.backward(logits, x: trace.output, on: workspace)
    stack.backward(
      trace, outputGradient: gradient,
      stateGradients: stack.zeroStates(batch: examples.count, on: workspace), wantsInput: false,
      on: workspace)
    let norm = optimizer.sum([gradients], on: oneThread)
    guard norm.isFinite else { return (loss, norm) }
    let most = clip ?? .infinity
    optimizer.update(
      parameters, along: gradients, scale: norm > most ? most / norm : 1, rate: rate,
      on: oneThread)
    packed.load(parameters, on: oneThread)
    return (loss, norm)
  }

  /// How much of the loss at the end of examples of one length reaches back, step by step.
  func gradientNorms(_ examples: [Example]) -> [Double] {
    workspace.reset()
    let inputs = examples[0].inputs.indices.map { step in
      let rows = workspace.arena.matrix(examples.count, examples[0].inputs[step].count)
      for (row, example) in examples.enumerated() {
        for (column, value) in example.inputs[step].enumerated() { rows[row, column] = value }
      }
      return SequenceInput.vectors(rows)
    }
    return stack.gradientNorms(inputs: inputs, batch: examples.count, on: workspace) { last in
      let logits = output.forward(last, on: workspace)
      let gradient = workspace.arena.zeros(logits.rows, logits.columns)
      for (row, example) in examples.enumerated() {
        if case .value(let value)? = example.targets.last {
          gradient[row, 0] = 2 * (logits[row, 0] - value)
        }
      }
      return output.backward(gradient, x: last, on: workspace)
    }
  }

  /// The outputs of each example at each of its steps.
  func outputs(_ examples: [Example]) -> [[[Float]]] {
    workspace.reset()
    let (shape, _, logits, order) = run(examples)
    var results = [[[Float]]](repeating: [], count: examples.count)
    for step in 0..<shape.steps {
      for row in 0..<shape.rowsPerStep[step] {
        let place = shape.offsets[step] + row
        results[order[row]].append((0..<logits.columns).map { logits[place, $0] })
      }
    }
    return results
  }

  private func run(
    _ examples: [Example]
  ) -> (PackedShape, Stack.Trace<Float>, Matrix<Float>, [Int]) {
    let order = examples.indices.sorted {
      (examples[$0].inputs.count, $1) > (examples[$1].inputs.count, $0)
    }
    let shape = PackedShape(lengths: order.map { examples[$0].inputs.count })
    let inputs = workspace.arena.matrix(shape.total, examples[0].inputs[0].count)
    for step in 0..<shape.steps {
      for row in 0..<shape.rowsPerStep[step] {
        for (column, value) in examples[order[row]].inputs[step].enumerated() {
          inputs[shape.offsets[step] + row, column] = value
        }
      }
    }
    let trace = stack.forward(
      .vectors(inputs), shape, from: stack.zeroStates(batch: examples.count, on: workspace),
      on: workspace)
    return (shape, trace, output.forward(trace.output, on: workspace), order)
  }

  private func targets(
    _ examples: [Example], order: [Int], shape: PackedShape
  ) -> [Example.Target] {
    (0..<shape.steps).flatMap { step in
      (0..<shape.rowsPerStep[step]).map { examples[order[$0]].targets[step] }
    }
  }
}
