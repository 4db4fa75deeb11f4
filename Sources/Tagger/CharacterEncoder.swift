internal import Cells
internal import DenseMath
internal import Layers
internal import Parameters

/// What the characters of a word say: filters over them, or both directions of an LSTM.
enum CharacterEncoder: Sendable {
  case cnn(CharacterCNN)
  case lstm(CharacterLSTM)

  /// Declares `characters.*`; nil where words are read without their characters.
  init?(
    _ configuration: Tagger.Configuration, vocabularySize: Int, in layout: inout ParameterLayout
  ) {
    let size = configuration.characterSize
    switch configuration.characters {
    case .none: return nil
    case .cnn:
      self = .cnn(
        CharacterCNN(
          vocabularySize: vocabularySize, embeddingSize: size, width: 3,
          filters: configuration.characterFeatures, name: "characters", in: &layout))
    case .lstm:
      self = .lstm(
        CharacterLSTM(
          vocabularySize: vocabularySize, embeddingSize: size,
          hiddenSize: max(1, configuration.characterFeatures / 2), name: "characters", in: &layout))
    }
  }

  /// The width of what is said.
  var features: Int {
    switch self {
    case .cnn(let cnn): cnn.filters
    case .lstm(let lstm): lstm.features
    }
  }

  /// What the backward pass needs.
  enum Trace<S: Real> {
    case cnn(CharacterCNN.Trace<S>)
    case lstm(CharacterLSTM.Trace<S>)

    /// The features of each word, [words, features].
    var features: Matrix<S> {
      switch self {
      case .cnn(let trace): trace.features
      case .lstm(let trace): trace.features
      }
    }
  }

  /// The features of words, [words, features]; character 1 stands around each.
  func forward<S: Real>(_ words: [[Int32]], on workspace: Workspace<S>) -> Trace<S> {
    switch self {
    case .cnn(let cnn): .cnn(cnn.forward(words, padding: 1, on: workspace))
    case .lstm(let lstm): .lstm(lstm.forward(words, on: workspace))
    }
  }

  /// The backward pass.
  func backward<S: Real>(_ trace: Trace<S>, gradient: Matrix<S>, on workspace: Workspace<S>) {
    switch (self, trace) {
    case (.cnn(let cnn), .cnn(let trace)):
      cnn.backward(trace, gradient: gradient, on: workspace)
    case (.lstm(let lstm), .lstm(let trace)):
      lstm.backward(trace, gradient: gradient, on: workspace)
    default: preconditionFailure("a trace goes back to the encoder that made it")
    }
  }
}

/// An LSTM over the characters of a word: its final states in both directions, side by side.
struct CharacterLSTM: Sendable {
  private let embedding: Embedding
  private let stack: Stack

  /// Declares `<name>.embedding`, and the LSTM's weights after `<name>.`.
  init(
    vocabularySize: Int, embeddingSize: Int, hiddenSize: Int, name: String,
    in layout: inout ParameterLayout
  ) {
    embedding = Embedding(
      vocabularySize: vocabularySize, width: embeddingSize, name: "\(name).embedding", in: &layout)
    stack = Stack(
      LSTM(), layers: 1, inputSize: embeddingSize, hiddenSize: hiddenSize, directions: .both,
      prefix: "\(name).", in: &layout)
  }

  /// The width of what it says.
  var features: Int { stack.outputSize }

  /// What the backward pass needs.
  struct Trace<S: Real> {
    /// The features of each word, [words, features].
    let features: Matrix<S>
    fileprivate let embedded: Embedding.Trace<S>
    fileprivate let stack: Stack.Trace<S>
    // The row of each word among the words by falling length.
    fileprivate let rows: IndexBlock
  }

  /// The features of words, none of which is empty.
  func forward<S: Real>(_ words: [[Int32]], on workspace: Workspace<S>) -> Trace<S> {
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
    let embedded = embedding.forward(ids, on: workspace)
    let trace = stack.forward(
      .indexed(embedded.vectors, embedded.index), shape,
      from: zeroStates(words.count, on: workspace), on: workspace)
    let features = workspace.arena.matrix(words.count, features)
    for (part, state) in zeroStates(words.count, on: workspace).enumerated() {
      trace.layers[part].copyFinalState(into: state)
      S.gather(state.hidden, at: rows, into: features.part(part, width: stack.hiddenSize))
    }
    return Trace(features: features, embedded: embedded, stack: trace, rows: rows)
  }

  /// The backward pass.
  func backward<S: Real>(_ trace: Trace<S>, gradient: Matrix<S>, on workspace: Workspace<S>) {
    let final = zeroStates(gradient.rows, on: workspace)
    for (part, state) in final.enumerated() {
      S.scatterAdd(
        gradient.part(part, width: stack.hiddenSize), at: trace.rows, into: state.hidden)
    }
    let outputs = workspace.arena.zeros(trace.stack.output.rows, trace.stack.output.columns)
    if let vectors = stack.backward(
      trace.stack, outputGradient: outputs, stateGradients: final, on: workspace)
    {
      embedding.backward(trace.embedded, gradient: vectors, on: workspace)
    }
  }

  private func zeroStates<S: Real>(_ words: Int, on workspace: Workspace<S>) -> [CellState<S>] {
    stack.layers.map { .zeros(of: $0, batch: words, on: workspace) }
  }
}
