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
  init(
    _ configuration: Tagger.Configuration, lexicon: Lexicon, featureSize: Int,
    in layout: inout ParameterLayout
  ) {
    words = Embedding(
      vocabularySize: lexicon.words.count, width: configuration.wordSize, name: "words.weight",
      in: &layout)
    characters = CharacterEncoder(
      configuration, vocabularySize: lexicon.characters.count, in: &layout)
    shapes =
      configuration.shapeSize > 0
      ? Embedding(
        vocabularySize: Lexicon.Shape.allCases.count, width: configuration.shapeSize,
        name: "shapes.weight", in: &layout) : nil
    features =
      featureSize > 0
      ? Affine(
        inputs: featureSize, outputs: configuration.projectedFeatures,
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
    fileprivate let batch: TaggerNetwork.Batch<S>
    fileprivate let words: Embedding.Trace<S>
    fileprivate var characters: CharacterEncoder.Trace<S>?
    fileprivate var shapes: Embedding.Trace<S>?
    fileprivate var features: Matrix<S>?
  }

  /// The vectors of all rows of a batch.
  func forward<S: Real>(_ batch: TaggerNetwork.Batch<S>, on workspace: Workspace<S>) -> Trace<S> {
    let rows = batch.shape.total
    var parts = ColumnParts(workspace.arena.matrix(rows, size))
    let found = words.forward(batch.words, on: workspace)
    S.gather(found.vectors, at: found.index, into: parts.next(words.width))
    var trace = Trace(vectors: parts.block, batch: batch, words: found)
    if let characters {
      let found = characters.forward(batch.distinct.map(\.characters), on: workspace)
      S.gather(found.features, at: batch.index, into: parts.next(characters.features))
      trace.characters = found
    }
    if let shapes {
      let ids = workspace.arena.indices(rows)
      for row in 0..<rows { ids[row] = batch.distinct[Int(batch.index[row])].shape }
      let found = shapes.forward(ids, on: workspace)
      S.gather(found.vectors, at: found.index, into: parts.next(shapes.width))
      trace.shapes = found
    }
    if let features, let given = batch.features {
      S.copy(features.forward(given, on: workspace), into: parts.next(features.outputs))
      trace.features = given
    }
    return trace
  }

  /// Adds to the gradients of all parts; `gradient` is that of the vectors, [rows, size].
  ///
  /// No gradient goes to what was given.
  func backward<S: Real>(_ trace: Trace<S>, gradient: Matrix<S>, on workspace: Workspace<S>) {
    var parts = ColumnParts(gradient)
    // What a gather spread over the rows of a batch is added up again.
    func collected(_ width: Int, at index: IndexBlock, rows: Int) -> Matrix<S> {
      let sum = workspace.arena.zeros(rows, width)
      S.scatterAdd(parts.next(width), at: index, into: sum)
      return sum
    }
    func backward(_ embedding: Embedding, _ found: Embedding.Trace<S>) {
      embedding.backward(
        found, gradient: collected(embedding.width, at: found.index, rows: found.vectors.rows),
        on: workspace)
    }
    backward(words, trace.words)
    if let characters, let found = trace.characters {
      characters.backward(
        found,
        gradient: collected(
          characters.features, at: trace.batch.index, rows: found.features.rows), on: workspace)
    }
    if let shapes, let found = trace.shapes { backward(shapes, found) }
    if let features, let given = trace.features {
      let part = parts.next(features.outputs)
      let gradient = workspace.arena.matrix(part.rows, part.columns)
      S.copy(part, into: gradient)
      workspace.addGradient(of: features.weight, from: gradient, times: given)
      S.addColumns(of: gradient, into: workspace.gradient(of: features.bias))
    }
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
