internal import Cells
public import DenseMath
internal import Layers
public import Parameters
public import Training

/// The network of a tagger: words and their characters -> both directions -> scores of chains of tags.
///
///     words.weight [words, E]    characters.* -> features [F]    shapes.weight [8, S]
///     features.* [given, P]      rnn.* (layers x 2 x hidden)     output.*   crf.*
///
/// X. Ma and E. Hovy, "End-to-end sequence labeling via bi-directional LSTM-CNNs-CRF", ACL 2016;
/// G. Lample et al., "Neural architectures for named entity recognition", NAACL 2016.
public struct TaggerNetwork: ModelNetwork {
  /// The weights' names and shapes.
  public let layout: ParameterLayout
  let configuration: Tagger.Configuration
  let embeddings: StackedEmbeddings
  let stack: Stack
  let output: Affine
  let crf: LinearChainCRF

  init(_ configuration: Tagger.Configuration, lexicon: Lexicon, featureSize: Int = 0) {
    var layout = ParameterLayout()
    self.configuration = configuration
    embeddings = StackedEmbeddings(
      configuration, lexicon: lexicon, featureSize: featureSize, in: &layout)
    stack = Stack(
      configuration.cell.makeCell(), layers: configuration.layers, inputSize: embeddings.size,
      hiddenSize: configuration.hiddenSize,
      dropout: Dropout(
        inputs: configuration.inputDropout, states: configuration.stateDropout,
        outputs: configuration.dropout),
      directions: configuration.isForwardOnly ? .forward : .both, prefix: "rnn.", in: &layout)
    output = Affine(
      inputs: stack.outputSize, outputs: lexicon.tags.count, name: "output", in: &layout)
    let tags = lexicon.tags
    crf = LinearChainCRF(
      labels: tags.count, learnsTransitions: configuration.decoder == .crf,
      isAllowed: { from, to in
        !lexicon.hasSpans || TagScheme.mayFollow(from.map { tags[$0] }, to.map { tags[$0] })
      }, name: "crf", in: &layout)
    self.layout = layout
  }

  /// The vectors of words.
  var words: Embedding { embeddings.words }

  /// Brings the vectors of words to the length that suits what they are read with.
  public func adjust(_ parameters: Parameters<Float>) {
    Float.scale(parameters[words.table], by: Float(1 / Double(words.width).squareRoot()))
  }

  /// Sentences in packed rows, falling in length.
  struct Batch<S: Real> {
    let shape: PackedShape
    /// The word of each row, by its place in `distinct`; and its id, 0 for unknown ones.
    let index, words: IndexBlock
    let distinct: [Lexicon.Surface]
    /// The given features of each row, without columns where there are none.
    let features: Matrix<S>?
  }

  /// What the backward pass needs.
  struct Trace<S: Real> {
    let batch: Batch<S>
    let embeddings: StackedEmbeddings.Trace<S>
    let stack: Stack.Trace<S>
    /// The score of each tag for each row.
    let scores: Matrix<S>
  }

  /// The scores of the tags of each row, [rows, tags]; `masks` is nil outside training.
  func forward<S: Real>(
    _ batch: Batch<S>, masks: Dropout.Masks? = nil, on workspace: Workspace<S>
  ) -> Trace<S> {
    let embedded = embeddings.forward(batch, on: workspace)
    let trace = stack.forward(
      .vectors(embedded.vectors), batch.shape, from: zeroStates(batch.shape.batch, on: workspace),
      masks: masks, on: workspace)
    return Trace(
      batch: batch, embeddings: embedded, stack: trace,
      scores: output.forward(trace.output, on: workspace))
  }

  /// The backward pass; `gradient` is that of the scores.
  private func backward<S: Real>(
    _ trace: Trace<S>, gradient: Matrix<S>, on workspace: Workspace<S>
  ) {
    let outputGradient = output.backward(gradient, x: trace.stack.output, on: workspace)
    let states = zeroStates(trace.batch.shape.batch, on: workspace)
    if let vectors = stack.backward(
      trace.stack, outputGradient: outputGradient, stateGradients: states, on: workspace)
    {
      embeddings.backward(trace.embeddings, gradient: vectors, on: workspace)
    }
  }

  /// The sum of the losses of all sentences in nats; adds the gradients of `scale` times it.
  func lossAndGradients<S: Real>(
    _ batch: Batch<S>, tags: [Int], masks: Dropout.Masks?, scale: Double, on workspace: Workspace<S>
  ) -> Double {
    let trace = forward(batch, masks: masks, on: workspace)
    // Either loss leaves its gradient in place of the scores.
    let loss: Double
    if configuration.decoder == .crf {
      loss = crf.lossAndGradient(
        trace.scores, sequences: batch.shape.sequences, tags: tags, scale: scale, on: workspace)
    } else {
      let targets = workspace.arena.indices(of: tags.map { Int32($0) })
      loss = SoftmaxCrossEntropy.lossAndGradient(
        trace.scores, targets: targets, scale: scale)
    }
    backward(trace, gradient: trace.scores, on: workspace)
    return loss
  }

  private func zeroStates<S: Real>(_ batch: Int, on workspace: Workspace<S>) -> [CellState<S>] {
    stack.layers.map { .zeros(of: $0, batch: batch, on: workspace) }
  }
}

extension PackedShape {
  /// The rows of each sequence, step by step.
  var sequences: [[Int]] {
    (0..<batch).map { row in (0..<length(ofRow: row)).map { offsets[$0] + row } }
  }
}
