internal import Cells
internal import DenseMath
internal import Layers
internal import Parameters

/// The encoder of a translator: it reads source sentences both ways.
///
///     x = embedding of the ids      h = the stack's outputs over x, forwards | backwards
///
/// M. Schuster and K. K. Paliwal, "Bidirectional recurrent neural networks", IEEE TSP 45, 1997.
struct TranslatorEncoder: Sendable {
  let embedding: Embedding
  let stack: Stack

  /// Declares `encoder.*`: half the configured units in each direction.
  init(
    _ configuration: Translator.Configuration, reading embedding: Embedding,
    in layout: inout ParameterLayout
  ) {
    self.embedding = embedding
    stack = Stack(
      configuration.cell.makeCell(), layers: configuration.layers, inputSize: embedding.width,
      hiddenSize: max(1, configuration.hiddenSize / 2),
      dropout: Dropout(inputs: configuration.inputDropout, outputs: configuration.dropout),
      directions: .both, dropsTop: false, prefix: "encoder.", in: &layout)
  }

  /// What the encoder has made of some sentences.
  struct Trace<S: Real> {
    let sentences: PackedSentences
    fileprivate let embedded: Embedding.Trace<S>
    fileprivate let recurrence: Stack.Trace<S>
    /// The top layer's outputs, sentence after sentence: [tokens, outputSize].
    let outputs: Matrix<S>
    /// The states after each sentence's last token in each direction, in packed rows.
    let finalStates: [CellState<S>]
  }

  /// Reads sentences; `masks` is nil outside training.
  func forward<S: Real>(
    _ sentences: PackedSentences, masks: Dropout.Masks?, on workspace: Workspace<S>
  ) -> Trace<S> {
    let shape = sentences.shape
    let embedded = embedding.forward(sentences.ids, on: workspace)
    let recurrence = stack.forward(
      .indexed(embedded.vectors, embedded.index), shape,
      from: stack.zeroStates(batch: shape.batch, on: workspace), masks: masks, on: workspace)
    let outputs = workspace.arena.matrix(shape.total, stack.outputSize)
    S.gather(recurrence.output, at: sentences.rows, into: outputs)
    return Trace(
      sentences: sentences, embedded: embedded, recurrence: recurrence, outputs: outputs,
      finalStates: stack.finalStates(of: recurrence, on: workspace))
  }

  /// The backward pass of `forward`, from the gradients of the outputs, nil for zeros, and of the final
  /// states, which are used up.
  func backward<S: Real>(
    _ trace: Trace<S>, outputGradient: Matrix<S>?, stateGradients: [CellState<S>],
    on workspace: Workspace<S>
  ) {
    let packed = workspace.arena.zeros(trace.sentences.shape.total, stack.outputSize)
    if let outputGradient { S.scatterAdd(outputGradient, at: trace.sentences.rows, into: packed) }
    if let gradient = stack.backward(
      trace.recurrence, outputGradient: packed, stateGradients: stateGradients, on: workspace)
    {
      embedding.backward(trace.embedded, gradient: gradient, on: workspace)
    }
  }
}
