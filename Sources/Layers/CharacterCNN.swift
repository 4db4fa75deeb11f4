public import DenseMath
public import Parameters

/// What the characters of words say: filters slide over them, and each keeps its strongest answer.
///
///     a[p] = Σₖ W_k · e(character p + k - ⌊(width - 1) / 2⌋) + b        k from 0 to width - 1
///     features = tanh(max over p of a[p])
///
/// J. Chiu and E. Nichols, "Named entity recognition with bidirectional LSTM-CNNs", TACL 4 (2016).
/// A batch has few distinct characters, so each is projected once for each place in a filter, and
/// what slides over the words is a sum of rows of these tables: there is no product per position.
public struct CharacterCNN: Sendable {
  /// The characters that may be looked up, the width of a vector, of a filter, and the filters.
  public let vocabularySize, embeddingSize, width, filters: Int
  private let embedding: Embedding
  private let places: [Weight]
  private let bias: Weight

  /// Declares `<name>.embedding`, `<name>.weight_<k>` [filters, embeddingSize] and `<name>.bias`.
  public init(
    vocabularySize: Int, embeddingSize: Int, width: Int, filters: Int, name: String,
    in layout: inout ParameterLayout
  ) {
    self.vocabularySize = vocabularySize
    self.embeddingSize = embeddingSize
    self.width = width
    self.filters = filters
    embedding = Embedding(
      vocabularySize: vocabularySize, width: embeddingSize, name: "\(name).embedding", in: &layout)
    let bound = 1 / Double(width * embeddingSize).squareRoot()
    places = (0..<width).map {
      layout.declare(
        "\(name).weight_\($0)", shape: [filters, embeddingSize], as: .uniform(bound),
        isFactor: true)
    }
    bias = layout.declare("\(name).bias", shape: [filters], as: .constant(0))
  }

  /// What the backward pass needs.
  public struct Trace<S: Real> {
    /// The features of each word, [words, filters].
    public let features: Matrix<S>
    let characters: Embedding.Trace<S>
    // For each place of the filters, which distinct character stands there, by position.
    let index: [IndexBlock]
    let strongest: IndexBlock
    let positions: Int
  }

  /// The features of words.
  ///
  /// - Parameters:
  ///   - words: The characters of each word, each below `vocabularySize`; no word is empty.
  ///   - padding: The character that stands before and after a word.
  ///   - workspace: The weights.
  /// - Returns: The features.
  public func forward<S: Real>(
    _ words: [[Int32]], padding: Int32, on workspace: Workspace<S>
  ) -> Trace<S> {
    // One stretch of characters with padding between: position p of a filter sees p to p + width - 1.
    let margin = width - 1
    let before = margin / 2
    let positions = words.reduce(0) { $0 + $1.count }
    let all = workspace.arena.indices(words.reduce(0) { $0 + $1.count + margin })
    let starts = workspace.arena.indices(words.count + 1)
    let index = places.map { _ in workspace.arena.indices(positions) }
    var (place, row) = (0, 0)
    var first: [Int] = []
    for (number, word) in words.enumerated() {
      starts[number] = Int32(row)
      first.append(place)
      for offset in 0..<word.count + margin {
        let at = offset - before
        all[place + offset] = word.indices.contains(at) ? word[at] : padding
      }
      place += word.count + margin
      row += word.count
    }
    starts[words.count] = Int32(row)
    let characters = embedding.forward(all, on: workspace)
    row = 0
    for (number, word) in words.enumerated() {
      for position in 0..<word.count {
        for k in 0..<width { index[k][row] = characters.index[first[number] + position + k] }
        row += 1
      }
    }
    let sums = workspace.arena.zeros(positions, filters)
    let term = workspace.arena.matrix(positions, filters)
    let table = workspace.arena.matrix(characters.vectors.rows, filters)
    for (k, weight) in places.enumerated() {
      workspace.product(characters.vectors, weight, into: table, accumulate: false)
      S.gather(table, at: index[k], into: k == 0 ? sums : term)
      if k > 0 { S.add(term, into: sums) }
    }
    let features = workspace.arena.matrix(words.count, filters)
    let strongest = workspace.arena.indices(words.count * filters)
    S.largestRows(
      sums, starts: starts, into: features, at: strongest)
    S.addRow(workspace[bias], into: features)
    S.tanh(features, into: features)
    return Trace(
      features: features, characters: characters,
      index: index, strongest: strongest, positions: positions)
  }

  /// The backward pass: adds to the weights' gradients; `gradient` is that of the features.
  public func backward<S: Real>(
    _ trace: Trace<S>, gradient: Matrix<S>, on workspace: Workspace<S>
  ) {
    let inner = workspace.arena.matrix(gradient.rows, gradient.columns)
    S.tanhGradient(gradient, at: trace.features, into: inner)
    S.addColumns(of: inner, into: workspace.gradient(of: bias))
    let sums = workspace.arena.zeros(trace.positions, filters)
    S.largestRowsGradient(inner, at: trace.strongest, into: sums)
    let vectors = trace.characters.vectors
    let vectorGradient = workspace.arena.zeros(vectors.rows, vectors.columns)
    let table = workspace.arena.matrix(vectors.rows, filters)
    for (weight, index) in zip(places, trace.index) {
      S.fill(table, with: 0)
      S.scatterAdd(sums, at: index, into: table)
      workspace.addGradient(of: weight, from: table, times: vectors)
      workspace.productBack(table, weight, into: vectorGradient, accumulate: true)
    }
    embedding.backward(trace.characters, gradient: vectorGradient, on: workspace)
  }
}
