internal import DenseMath
internal import Layers
internal import Parameters

/// What a tagger reads of each word, side by side: its vector, its characters, how it is
/// capitalised, and given features such as the states of language models. (Flair's word.)
///
///     [word E | characters F | shape S | given features, projected P]
struct StackedEmbeddings: Sendable {
  let words: Embedding
  private let characters: CharacterEncoder?
  private let shapes: Embedding?
  // From given features to what is read of them.
  private let features: Affine?

  /// Declares `words.*`, `characters.*`, `shapes.*` and `features.*`, as far as they are there.
  init(_ configuration: Tagger.Configuration, lexicon: Lexicon, in layout: inout ParameterLayout) {
    words = Embedding(
      symbols: lexicon.words.count, width: configuration.wordSize, name: "words.weight",
      in: &layout)
    characters = CharacterEncoder(configuration, symbols: lexicon.characters.count, in: &layout)
    shapes =
      configuration.shapeSize > 0
      ? Embedding(
        symbols: Lexicon.Shape.allCases.count, width: configuration.shapeSize,
        name: "shapes.weight", in: &layout) : nil
    features =
      configuration.featureSize > 0
      ? Affine(
        inputs: configuration.featureSize, outputs: configuration.projectedFeatures,
        name: "features", in: &layout) : nil
  }

  /// The width of all together.
  var size: Int {
    words.width + (characters?.features ?? 0) + (shapes?.width ?? 0) + (features?.outputs ?? 0)
  }

  /// What the backward pass needs.
  struct Trace<S: Real> {
    /// The vector of each row, [rows, size].
    let vectors: Matrix<S>
    fileprivate let batch: TaggerNetwork.Batch
    fileprivate let words: Embedding.Trace<S>
    fileprivate var characters: CharacterEncoder.Trace<S>?
    fileprivate var shapes: Embedding.Trace<S>?
    fileprivate var features: Matrix<S>?
  }

  /// The vectors of all rows of a batch.
  func forward<S: Real>(_ batch: TaggerNetwork.Batch, on workspace: Workspace<S>) -> Trace<S> {
    var parts = ColumnParts(workspace.arena.matrix(batch.shape.total, size))
    var trace = Trace(
      vectors: parts.block, batch: batch,
      words: lookUp(words, batch.words, into: parts.next(words.width), on: workspace))
    if let characters {
      trace.characters = read(
        characters, batch, into: parts.next(characters.features), on: workspace)
    }
    if let shapes {
      let ids = workspace.arena.indices(batch.shape.total)
      for row in ids.indices { ids[row] = batch.distinct[Int(batch.index[row])].shape }
      trace.shapes = lookUp(
        shapes, ids, into: parts.next(shapes.width), on: workspace)
    }
    if let features, let given = batch.features {
      trace.features = project(features, given, into: parts.next(features.outputs), on: workspace)
    }
    return trace
  }

  /// Adds to the gradients of all parts; `gradient` is that of the vectors, [rows, size].
  func backward<S: Real>(_ trace: Trace<S>, gradient: Matrix<S>, on workspace: Workspace<S>) {
    var parts = ColumnParts(gradient)
    lookUpBackward(words, trace.words, gradient: parts.next(words.width), on: workspace)
    if let characters, let found = trace.characters {
      readBackward(
        characters, found, trace.batch, gradient: parts.next(characters.features), on: workspace)
    }
    if let shapes, let found = trace.shapes {
      lookUpBackward(shapes, found, gradient: parts.next(shapes.width), on: workspace)
    }
    if let features, let given = trace.features {
      projectBackward(features, given, gradient: parts.next(features.outputs), on: workspace)
    }
  }

  // MARK: Parts

  private func lookUp<S: Real>(
    _ embedding: Embedding, _ ids: IndexBlock, into part: Matrix<S>,
    on workspace: Workspace<S>
  ) -> Embedding.Trace<S> {
    let trace = embedding.forward(ids, on: workspace)
    S.gather(trace.vectors, at: trace.index, into: part)
    return trace
  }

  private func lookUpBackward<S: Real>(
    _ embedding: Embedding, _ trace: Embedding.Trace<S>, gradient: Matrix<S>,
    on workspace: Workspace<S>
  ) {
    let sum = workspace.arena.zeros(trace.vectors.rows, embedding.width)
    S.scatterAdd(gradient, at: trace.index, into: sum)
    embedding.backward(trace, gradient: sum, on: workspace)
  }

  private func read<S: Real>(
    _ characters: CharacterEncoder, _ batch: TaggerNetwork.Batch, into part: Matrix<S>,
    on workspace: Workspace<S>
  ) -> CharacterEncoder.Trace<S> {
    let trace = characters.forward(batch.distinct.map(\.characters), on: workspace)
    S.gather(trace.features, at: batch.index, into: part)
    return trace
  }

  private func readBackward<S: Real>(
    _ characters: CharacterEncoder, _ trace: CharacterEncoder.Trace<S>,
    _ batch: TaggerNetwork.Batch, gradient: Matrix<S>, on workspace: Workspace<S>
  ) {
    let sum = workspace.arena.zeros(trace.features.rows, characters.features)
    S.scatterAdd(gradient, at: batch.index, into: sum)
    characters.backward(trace, gradient: sum, on: workspace)
  }

  private func project<S: Real>(
    _ features: Affine, _ given: UnsafePointer<Float>, into part: Matrix<S>,
    on workspace: Workspace<S>
  ) -> Matrix<S> {
    let block = workspace.arena.matrix(part.rows, features.inputs)
    for place in 0..<part.rows * features.inputs { block.base[place] = S(given[place]) }
    S.copy(features.forward(block, on: workspace), into: part)
    return block
  }

  /// No gradient goes to what was given.
  private func projectBackward<S: Real>(
    _ features: Affine, _ given: Matrix<S>, gradient part: Matrix<S>, on workspace: Workspace<S>
  ) {
    let gradient = workspace.arena.matrix(part.rows, part.columns)
    S.copy(part, into: gradient)
    workspace.addGradient(of: features.weight, from: gradient, times: given)
    S.addColumns(of: gradient, into: workspace.gradient(of: features.bias))
  }
}

/// The columns of a block, taken from left to right.
private struct ColumnParts<S: Real> {
  let block: Matrix<S>
  private var column = 0

  init(_ block: Matrix<S>) { self.block = block }

  mutating func next(_ width: Int) -> Matrix<S> {
    defer { column += width }
    return block.columns(column..<column + width)
  }
}
