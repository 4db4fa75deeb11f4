internal import Cells
internal import DenseMath
internal import Layers
public import Parameters

/// The network of a tagger: words and their characters -> both directions -> tags judged in chains.
///
///     words.weight [words, E]    characters.* -> features [F]    shapes.weight [8, S]
///     features.* [given, P]      rnn.* (layers x 2 x hidden)     output.*   crf.*
///
/// X. Ma and E. Hovy, "End-to-end sequence labeling via bi-directional LSTM-CNNs-CRF", ACL 2016;
/// G. Lample et al., "Neural architectures for named entity recognition", NAACL 2016.
public struct TaggerNetwork: Sendable {
  /// The weights' names and shapes.
  public let layout: ParameterLayout
  let configuration: Tagger.Configuration
  let words: Embedding
  let characters: CharacterEncoder
  let shapes: Embedding?
  /// From given features, such as the states of language models, to what is read of them.
  let features: Affine?
  let stack: Stack
  let output: Affine
  let crf: LinearChainCRF
  let featureSize: Int
  private let inputSize: Int

  init(_ configuration: Tagger.Configuration, lexicon: Lexicon) {
    var layout = ParameterLayout()
    self.configuration = configuration
    featureSize = configuration.featureSize
    words = Embedding(
      symbols: lexicon.words.count, width: configuration.wordSize, name: "words.weight",
      in: &layout)
    characters = CharacterEncoder(
      configuration, symbols: lexicon.characters.count, in: &layout)
    shapes =
      configuration.shapeSize > 0
      ? Embedding(
        symbols: Lexicon.Shape.allCases.count, width: configuration.shapeSize,
        name: "shapes.weight", in: &layout) : nil
    features =
      featureSize > 0
      ? Affine(
        inputs: featureSize, outputs: configuration.projectedFeatures, name: "features",
        in: &layout) : nil
    inputSize =
      configuration.wordSize + characters.features + configuration.shapeSize
      + (features?.outputs ?? 0)
    stack = Stack(
      configuration.cell.makeCell(), layers: configuration.layers, inputSize: inputSize,
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

  /// Brings the vectors of words to the length that suits what they are read with.
  func adjust<S: Real>(_ parameters: Parameters<S>) {
    S.scale(parameters[words.table], by: S(1 / Double(words.width).squareRoot()))
  }

  /// Sentences in packed rows, falling in length.
  struct Batch {
    let shape: PackedShape
    /// The word of each row, by its place in `distinct`; and its number, 0 for unknown ones.
    let index, words: UnsafePointer<Int32>
    let distinct: [Lexicon.Surface]
    /// The given features of each row, without columns where there are none.
    let features: UnsafePointer<Float>?
  }

  /// What the way back needs.
  struct Trace<S: Real> {
    let batch: Batch
    let words: Embedding.Trace<S>
    let characters: CharacterEncoder.Trace<S>?
    let shapes: Embedding.Trace<S>?
    let features: Matrix<S>?
    let stack: Stack.Trace<S>
    /// The score of each tag for each row.
    let scores: Matrix<S>
  }

  func forward<S: Real>(
    _ batch: Batch, masks: Dropout.Masks? = nil, on workspace: Workspace<S>
  ) -> Trace<S> {
    let total = batch.shape.total
    let input = workspace.arena.matrix(total, inputSize)
    var column = 0
    func next(_ width: Int) -> Matrix<S> {
      defer { column += width }
      return input.columns(column..<column + width)
    }
    let wordTrace = words.forward(batch.words, count: total, on: workspace)
    S.gather(wordTrace.vectors, at: wordTrace.index, into: next(words.width))
    let characterTrace = characters.forward(
      batch.distinct.map(\.characters), on: workspace)
    if let characterTrace {
      S.gather(characterTrace.features, at: batch.index, into: next(characters.features))
    }
    var shapeTrace: Embedding.Trace<S>?
    if let shapes {
      let ids = workspace.arena.indices(total)
      for row in 0..<total { ids[row] = batch.distinct[Int(batch.index[row])].shape }
      let trace = shapes.forward(ids.baseAddress.unsafelyUnwrapped, count: total, on: workspace)
      S.gather(trace.vectors, at: trace.index, into: next(shapes.width))
      shapeTrace = trace
    }
    var given: Matrix<S>?
    if let features, let values = batch.features {
      let block = workspace.arena.matrix(total, featureSize)
      for place in 0..<total * featureSize { block.base[place] = S(values[place]) }
      let projected = features.forward(block, on: workspace)
      S.copy(projected, into: next(features.outputs))
      given = block
    }
    let states = zeroStates(batch.shape.batch, on: workspace)
    let trace = stack.forward(
      .vectors(input), batch.shape, from: states, masks: masks, on: workspace)
    return Trace(
      batch: batch, words: wordTrace, characters: characterTrace, shapes: shapeTrace,
      features: given, stack: trace, scores: output.forward(trace.output, on: workspace))
  }

  /// The sum of the losses of all sentences in nats; adds the gradients of `scale` times it.
  func lossAndGradients<S: Real>(
    _ batch: Batch, tags: [Int], masks: Dropout.Masks?, scale: Double, on workspace: Workspace<S>
  ) -> Double {
    let trace = forward(batch, masks: masks, on: workspace)
    let loss: Double
    if configuration.decoder == .crf {
      loss = crf.lossAndGradient(
        trace.scores, sequences: batch.shape.sequences, tags: tags, scale: scale, on: workspace)
    } else {
      let targets = workspace.arena.indices(tags.count)
      for (row, tag) in tags.enumerated() { targets[row] = Int32(tag) }
      loss = SoftmaxCrossEntropy.lossAndGradient(
        trace.scores, targets: targets.baseAddress.unsafelyUnwrapped, scale: scale)
    }
    let outputGradient = output.backward(trace.scores, x: trace.stack.output, on: workspace)
    guard
      let gradient = stack.backward(
        trace.stack, outputGradient: outputGradient,
        stateGradients: zeroStates(batch.shape.batch, on: workspace), on: workspace)
    else { return loss }
    var column = 0
    func next(_ width: Int) -> Matrix<S> {
      defer { column += width }
      return gradient.columns(column..<column + width)
    }
    func back(_ embedding: Embedding, _ trace: Embedding.Trace<S>) {
      let sum = workspace.arena.zeros(trace.vectors.rows, embedding.width)
      S.scatterAdd(next(embedding.width), at: trace.index, into: sum)
      embedding.backward(trace, gradient: sum, on: workspace)
    }
    back(words, trace.words)
    if let found = trace.characters {
      let sum = workspace.arena.zeros(found.features.rows, characters.features)
      S.scatterAdd(next(characters.features), at: batch.index, into: sum)
      characters.backward(found, gradient: sum, on: workspace)
    }
    if let shapes, let found = trace.shapes { back(shapes, found) }
    if let features, let given = trace.features {
      let part = next(features.outputs)
      let projected = workspace.arena.matrix(part.rows, part.columns)
      S.copy(part, into: projected)
      workspace.addGradient(of: features.weight, from: projected, times: given)
      S.addColumns(of: projected, into: workspace.gradient(of: features.bias))
    }
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

/// What the characters of a word say: filters over them, or both directions of an LSTM.
struct CharacterEncoder: Sendable {
  /// The width of what is said; 0 for nothing.
  let features: Int
  private let cnn: CharacterCNN?
  private let embedding: Embedding?
  private let stack: Stack?

  init(_ configuration: Tagger.Configuration, symbols: Int, in layout: inout ParameterLayout) {
    let size = configuration.characterSize
    switch configuration.characters {
    case .none: (features, cnn, embedding, stack) = (0, nil, nil, nil)
    case .cnn:
      let cnn = CharacterCNN(
        symbols: symbols, embeddingSize: size, width: 3, filters: configuration.characterFeatures,
        name: "characters", in: &layout)
      (self.cnn, features, embedding, stack) = (cnn, cnn.filters, nil, nil)
    case .lstm:
      embedding = Embedding(
        symbols: symbols, width: size, name: "characters.embedding", in: &layout)
      let half = max(1, configuration.characterFeatures / 2)
      stack = Stack(
        LSTM(), layers: 1, inputSize: size, hiddenSize: half, directions: .both,
        prefix: "characters.", in: &layout)
      (cnn, features) = (nil, 2 * half)
    }
  }

  struct Trace<S: Real> {
    let features: Matrix<S>
    fileprivate let cnn: CharacterCNN.Trace<S>?
    fileprivate let embedded: Embedding.Trace<S>?
    fileprivate let stack: Stack.Trace<S>?
    // The row of each word among the words by falling length.
    fileprivate let rows: UnsafePointer<Int32>?
  }

  /// The features of words, [words, features]; character 1 stands around each.
  func forward<S: Real>(_ words: [[Int32]], on workspace: Workspace<S>) -> Trace<S>? {
    if let cnn {
      let trace = cnn.forward(words, padding: 1, on: workspace)
      return Trace(features: trace.features, cnn: trace, embedded: nil, stack: nil, rows: nil)
    }
    guard let embedding, let stack else { return nil }
    let order = words.indices.sorted { (words[$1].count, $0) < (words[$0].count, $1) }
    let shape = PackedShape(lengths: order.map { words[$0].count })
    let ids = workspace.arena.indices(shape.total)
    let rows = workspace.arena.indices(words.count)
    for (row, word) in order.enumerated() {
      rows[word] = Int32(row)
      for (step, character) in words[word].enumerated() {
        ids[shape.offsets[step] + row] = character
      }
    }
    let embedded = embedding.forward(
      ids.baseAddress.unsafelyUnwrapped, count: shape.total, on: workspace)
    let trace = stack.forward(
      .indexed(embedded.vectors, embedded.index), shape,
      from: states(words.count, stack, workspace),
      on: workspace)
    let features = workspace.arena.matrix(words.count, features)
    let place = UnsafePointer(rows.baseAddress.unsafelyUnwrapped)
    for (part, state) in states(words.count, stack, workspace).enumerated() {
      trace.layers[part].copyFinalState(into: state)
      S.gather(state.hidden, at: place, into: features.part(part, width: stack.hiddenSize))
    }
    return Trace(features: features, cnn: nil, embedded: embedded, stack: trace, rows: place)
  }

  /// The way back.
  func backward<S: Real>(
    _ trace: Trace<S>, gradient: Matrix<S>, on workspace: Workspace<S>
  ) {
    if let cnn, let found = trace.cnn {
      cnn.backward(found, gradient: gradient, on: workspace)
    }
    guard let embedding, let stack, let embedded = trace.embedded, let found = trace.stack,
      let rows = trace.rows
    else { return }
    let final = states(gradient.rows, stack, workspace)
    for (part, state) in final.enumerated() {
      S.scatterAdd(gradient.part(part, width: stack.hiddenSize), at: rows, into: state.hidden)
    }
    let outputs = workspace.arena.zeros(found.output.rows, found.output.columns)
    if let vectors = stack.backward(
      found, outputGradient: outputs, stateGradients: final, on: workspace)
    {
      embedding.backward(embedded, gradient: vectors, on: workspace)
    }
  }

  private func states<S: Real>(
    _ count: Int, _ stack: Stack, _ workspace: Workspace<S>
  ) -> [CellState<S>] {
    stack.layers.map { .zeros(of: $0, batch: count, on: workspace) }
  }
}
