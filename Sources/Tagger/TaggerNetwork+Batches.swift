internal import Cells
internal import DenseMath
internal import Layers
internal import Parameters
internal import Training

/// Sentences as the network takes them in.
struct SentenceData: Sendable {
  /// The distinct words.
  var surfaces: [Lexicon.Surface]
  /// The words of each sentence, by their places in `surfaces`.
  var sentences: [[Int32]]
  /// The tags of each sentence; empty where they are not known.
  var tags: [[Int]]
  /// The given features of all words in order, `featureSize` each.
  var features: [Float]
  var featureSize: Int

  /// The first word of each sentence among all.
  var starts: [Int] {
    sentences.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
  }

  /// The sentences that have words, in batches of like length, the longest first, with at most so
  /// many words together.
  var batches: [[Int]] {
    BucketedBatches.byLength(sentences.map(\.count), maxExamples: 64, maxTokens: 2048)
  }
}

extension TaggerNetwork {
  /// Puts sentences, falling in length, into packed rows.
  ///
  /// - Parameters:
  ///   - sentences: The sentences, by their places in `data`.
  ///   - data: All sentences.
  ///   - starts: The first word of each of them among all.
  ///   - workspace: Where the batch is put.
  ///   - isUnknown: Which known words are taken for unknown ones, by the place of the sentence in
  ///     `data`, the step and the word's id.
  /// - Returns: The batch, until the workspace is reset.
  func batch<S: Real>(
    _ sentences: [Int], of data: SentenceData, starts: [Int], on workspace: Workspace<S>,
    isUnknown: (Int, Int, Int32) -> Bool = { _, _, _ in false }
  ) -> Batch<S> {
    let shape = PackedShape(lengths: sentences.map { data.sentences[$0].count })
    let (index, words) = (
      workspace.arena.indices(shape.total), workspace.arena.indices(shape.total)
    )
    var distinct: [Lexicon.Surface] = []
    var places: [Int32: Int32] = [:]
    for step in 0..<shape.steps {
      for row in 0..<shape.rowsPerStep[step] {
        let at = shape.offsets[step] + row
        let surface = data.sentences[sentences[row]][step]
        let place = places[surface] ?? Int32(distinct.count)
        if place == distinct.count {
          places[surface] = place
          distinct.append(data.surfaces[Int(surface)])
        }
        index[at] = place
        let word = distinct[Int(place)].word
        words[at] = word > 0 && isUnknown(sentences[row], step, word) ? 0 : word
      }
    }
    return Batch(
      shape: shape, index: index, words: words, distinct: distinct,
      features: features(of: sentences, shape, data, starts: starts, on: workspace))
  }

  /// The given features of each row of a batch, [rows, features]; nil where there are none.
  private func features<S: Real>(
    of sentences: [Int], _ shape: PackedShape, _ data: SentenceData, starts: [Int],
    on workspace: Workspace<S>
  ) -> Matrix<S>? {
    let size = data.featureSize
    guard size > 0 else { return nil }
    let rows = workspace.arena.matrix(shape.total, size)
    for step in 0..<shape.steps {
      for row in 0..<shape.rowsPerStep[step] {
        let (place, from) = (shape.offsets[step] + row, (starts[sentences[row]] + step) * size)
        for column in 0..<size { rows[place, column] = S(data.features[from + column]) }
      }
    }
    return rows
  }

  /// The scores of the tags of each sentence, [words, tags] one after another.
  func scores(
    of data: SentenceData, on pool: WorkspacePool<Float>, temperature: Double = 1,
    _ shards: Shards
  ) -> [[Double]] {
    let batches = data.batches
    let scores = scores(
      of: batches[...], of: data, on: pool, temperature: temperature, shards)
    var results = [[Double]](repeating: [], count: data.sentences.count)
    for (batch, scores) in zip(batches, scores) {
      for (sentence, score) in zip(batch, scores) { results[sentence] = score }
    }
    return results
  }

  /// The same of some batches alone, batch by batch.
  func scores(
    of batches: ArraySlice<[Int]>, of data: SentenceData, on pool: WorkspacePool<Float>,
    temperature: Double = 1, _ shards: Shards
  ) -> [[[Double]]] {
    let starts = data.starts
    return shards.map(batches.count, on: pool) { number, workspace in
      let trace = forward(
        batch(batches[batches.startIndex + number], of: data, starts: starts, on: workspace),
        on: workspace)
      return trace.batch.shape.sequences.map { rows in
        LinearChainCRF.numbers(trace.scores, rows).map { $0 / temperature }
      }
    }
  }
}
