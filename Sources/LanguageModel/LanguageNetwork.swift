public import Cells
public import DenseMath
internal import ICUText
public import Layers
public import Parameters
public import Training

/// The network of a language model: tokens -> vectors -> stacked cells -> a score for each token.
///
///     embedding.weight [V, E] -> rnn.* (layers x hidden) -> output.weight [V, H], output.bias [V]
public struct LanguageNetwork: ModelNetwork {
  /// The weights' names and shapes.
  public let layout: ParameterLayout
  /// The parts.
  public let embedding: Embedding
  /// The recurrent layers.
  public let stack: Stack
  /// From the top layer to the scores.
  public let output: Affine

  /// A network for a vocabulary of so many tokens.
  public init(_ configuration: LanguageModel.Configuration, vocabularySize: Int) {
    var layout = ParameterLayout()
    embedding = Embedding(
      vocabularySize: vocabularySize, width: configuration.embeddingSize, name: "embedding.weight",
      in: &layout)
    var settings: CellSettings = ["window": Double(configuration.window)]
    // A cell's own default counts unless somebody asked for another.
    if configuration.forgetBias != LanguageModel.Configuration().forgetBias {
      settings["forget-bias"] = configuration.forgetBias
    }
    stack = Stack(
      configuration.cell.makeCell(settings), layers: configuration.layers,
      inputSize: configuration.embeddingSize,
      hiddenSize: configuration.hiddenSize,
      dropout: Dropout(
        inputs: configuration.inputDropout, states: configuration.stateDropout,
        outputs: configuration.dropout, zoneoutHidden: configuration.zoneoutHidden,
        zoneoutCell: configuration.zoneoutCell),
      isResidual: configuration.isResidual, prefix: "rnn.", in: &layout)
    output = Affine(
      inputs: configuration.hiddenSize, outputs: vocabularySize, name: "output", in: &layout)
    self.layout = layout
  }

  /// The ids of packed tokens [shape.total] and of what should follow each; a negative target counts
  /// nothing.
  public struct Batch {
    let inputs, targets: IndexBlock
    let shape: PackedShape

    /// A batch of tokens, in packed rows.
    public init(
      inputs: IndexBlock, targets: IndexBlock, shape: PackedShape
    ) {
      self.inputs = inputs
      self.targets = targets
      self.shape = shape
    }
  }

  /// A batch of as many lanes as there are starts: each reads `steps` tokens of a text from its own
  /// start on, and should predict the one after each.
  static func batch<S: Real>(
    of tokens: EncodedCorpus, from starts: [Int], steps: Int, on workspace: Workspace<S>
  ) -> Batch {
    let lanes = starts.count
    let inputs = workspace.arena.indices(steps * lanes)
    let targets = workspace.arena.indices(steps * lanes)
    let stretch = workspace.arena.indices(steps + 1)
    for (lane, start) in starts.enumerated() {
      stretch.withUnsafeMutableBufferPointer { tokens.copy(start..<start + steps + 1, into: $0) }
      for step in 0..<steps {
        inputs[step * lanes + lane] = stretch[step]
        targets[step * lanes + lane] = stretch[step + 1]
      }
    }
    return Batch(inputs: inputs, targets: targets, shape: PackedShape(steps: steps, batch: lanes))
  }

  /// The sum of the losses in nats, running on from `state`, which moves to the end of the batch.
  public func loss<S: Real>(
    _ batch: Batch, state: StackState<S>, on workspace: Workspace<S>
  ) -> Double {
    let embedded = embedding.forward(batch.inputs, on: workspace)
    let trace = stack.forward(
      .indexed(embedded.vectors, embedded.index), batch.shape, from: state.layers, on: workspace)
    state.update(from: trace)
    return SoftmaxCrossEntropy.loss(
      output.forward(trace.output, on: workspace), targets: batch.targets)
  }

  /// The same in training, the forward and the backward pass: adds the gradients of `scale` times
  /// the sum to the workspace's.
  ///
  /// No gradient flows back beyond the start of the batch: truncated backpropagation through time.
  public func lossAndGradients<S: Real>(
    _ batch: Batch, state: StackState<S>, masks: Dropout.Masks?, scale: Double,
    on workspace: Workspace<S>
  ) -> Double {
    let embedded = embedding.forward(batch.inputs, on: workspace)
    let trace = stack.forward(
      .indexed(embedded.vectors, embedded.index), batch.shape, from: state.layers, masks: masks,
      on: workspace)
    state.update(from: trace)
    let logits = output.forward(trace.output, on: workspace)
    let loss = SoftmaxCrossEntropy.lossAndGradient(logits, targets: batch.targets, scale: scale)
    let outputGradient = output.backward(logits, x: trace.output, on: workspace)
    let stateGradients = stack.layers.map {
      CellState<S>.zeros(of: $0, batch: batch.shape.batch, on: workspace)
    }
    if let gradient = stack.backward(
      trace, outputGradient: outputGradient, stateGradients: stateGradients, on: workspace)
    {
      embedding.backward(embedded, gradient: gradient, on: workspace)
    }
    return loss
  }
}
