import MajorTom

/// Characters -> vectors -> both directions -> the last state of each -> a score for each language.
///
///     embedding.weight [V, E] -> rnn.* (layers x hidden, both ways) -> output.* [languages, 2 H]
struct IdentifierNetwork: ModelNetwork {
  let layout: ParameterLayout
  private let embedding: Embedding
  private let stack: Stack
  private let output: Affine
  private let layers: Int
  private let dropout: Double

  init(_ configuration: LanguageIdentifier.Configuration, characters: Int, languages: Int) {
    var layout = ParameterLayout()
    embedding = Embedding(
      vocabularySize: characters, width: configuration.embeddingSize, name: "embedding.weight",
      in: &layout)
    stack = Stack(
      configuration.cell.makeCell(), layers: configuration.layers, inputSize: embedding.width,
      hiddenSize: configuration.hiddenSize, dropout: Dropout(outputs: configuration.dropout),
      directions: .both, dropsTop: false, prefix: "rnn.", in: &layout)
    (layers, dropout) = (configuration.layers, configuration.dropout)
    output = Affine(
      inputs: stack.outputSize, outputs: languages, name: "output", in: &layout)
    self.layout = layout
  }

  /// What the backward pass needs, and the scores, [lines, languages].
  struct Trace<S: Real> {
    let scores, summary: Matrix<S>
    let mask: Matrix<S>?
    let shape: PackedShape
    let embedded: Embedding.Trace<S>
    let stack: Stack.Trace<S>
  }

  /// The scores of lines, which fall in length.
  func forward<S: Real>(
    _ lines: [[Int32]], masks: Dropout.Masks? = nil, on workspace: Workspace<S>
  ) -> Trace<S> {
    let shape = PackedShape(lengths: lines.map(\.count))
    let ids = workspace.arena.indices(shape.total)
    for (row, line) in lines.enumerated() {
      for (step, id) in line.enumerated() { ids[shape.offsets[step] + row] = id }
    }
    let embedded = embedding.forward(ids, on: workspace)
    let trace = stack.forward(
      .indexed(embedded.vectors, embedded.index), shape,
      from: stack.zeroStates(batch: lines.count, on: workspace), masks: masks, on: workspace)
    let summary = workspace.arena.matrix(lines.count, stack.outputSize)
    for (side, state) in stack.finalStates(of: trace, on: workspace).suffix(2).enumerated() {
      S.copy(state.hidden, into: summary.part(side, width: stack.hiddenSize))
    }
    // The stack drops what its layers pass on, and here nothing but its last states is looked at.
    var mask: Matrix<S>?
    if let masks, dropout > 0 {
      let drawn = workspace.arena.matrix(summary.rows, summary.columns)
      masks.draw(drawn, outputsOfLevel: layers, rate: dropout)
      S.multiply(summary, drawn, into: summary)
      mask = drawn
    }
    return Trace(
      scores: output.forward(summary, on: workspace), summary: summary, mask: mask, shape: shape,
      embedded: embedded, stack: trace)
  }

  /// The sum of the losses in nats; adds the gradients of `scale` times it.
  func lossAndGradients<S: Real>(
    _ lines: [[Int32]], languages: [Int32], masks: Dropout.Masks?, scale: Double,
    on workspace: Workspace<S>
  ) -> Double {
    let trace = forward(lines, masks: masks, on: workspace)
    let loss = SoftmaxCrossEntropy.lossAndGradient(
      trace.scores, targets: workspace.arena.indices(of: languages), scale: scale)
    backward(trace, on: workspace)
    return loss
  }

  /// The backward pass; the gradient of the scores stands in their place.
  private func backward<S: Real>(_ trace: Trace<S>, on workspace: Workspace<S>) {
    let summary = output.backward(trace.scores, x: trace.summary, on: workspace)
    if let mask = trace.mask { S.multiply(summary, mask, into: summary) }
    let states = stack.zeroStates(batch: trace.shape.batch, on: workspace)
    for (side, state) in states.suffix(2).enumerated() {
      S.copy(summary.part(side, width: stack.hiddenSize), into: state.hidden)
    }
    // No step's output is looked at: all that is learnt comes through the last states.
    let vectors = stack.backward(
      trace.stack, outputGradient: workspace.arena.zeros(trace.shape.total, stack.outputSize),
      stateGradients: states, on: workspace)
    if let vectors { embedding.backward(trace.embedded, gradient: vectors, on: workspace) }
  }
}
