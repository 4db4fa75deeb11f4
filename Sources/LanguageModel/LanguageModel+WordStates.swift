internal import Cells
internal import DenseMath
public import ICUText
internal import Parameters
internal import Training

extension LanguageModel {
  /// How many numbers `wordStates(of:threads:)` gives a word: the units of the top layer.
  public var wordStateSize: Int { configuration.hiddenSize }

  /// The top layer's h at each word of some sentences: the words' features for another model.
  ///
  /// They are one half of contextual string embeddings (A. Akbik, D. Blythe and R. Vollgraf,
  /// "Contextual string embeddings for sequence labeling", COLING 2018). At a word, a model that
  /// reads forwards has read the sentence up to the token that follows the word, that token
  /// included; one that reads backwards, from the sentence's end up to the token before the word.
  ///
  /// A sentence is read from a state of zeros, as its words with a space between two and a line
  /// feed at both ends, which is how a model knows a sentence that was trained on one a line. Where
  /// a token covers more than that space or line feed, such as a space with the combining mark
  /// that a word begins with, or the subword that the next word begins with, it is read whole.
  ///
  /// - Parameters:
  ///   - sentences: The words of each sentence.
  ///   - threads: The threads to use; they do not change the result.
  /// - Returns: A row of `wordStateSize` numbers for each word, sentence after sentence.
  /// - Throws: `TextError.tooLong` for a sentence that ICU cannot take.
  public func wordStates(
    of sentences: [[String]], threads: Int? = nil
  ) throws(TextError) -> [Float] {
    let size = wordStateSize
    let reading = try WordReading(sentences, vocabulary, isBackwards: configuration.isBackwards)
    let batches = reading.batches
    var states = [Float](repeating: 0, count: reading.places.count * size)
    states.withUnsafeMutableBufferPointer { states in
      guard let base = states.baseAddress else { return }
      let rows = WordRows(
        matrix: Matrix(base, rows: reading.places.count, columns: size))
      _ = Shards(threads: threads).map(batches.count, on: core.workspaces) {
        number, workspace in
        read(batches[number], of: reading, into: rows.matrix, on: workspace)
      }
    }
    return states
  }

  /// Reads some sentences side by side, the longest first, a piece of all of them at a time.
  private func read(
    _ sentences: [Int], of reading: WordReading, into rows: Matrix<Float>,
    on workspace: Workspace<Float>
  ) {
    // Enough rows for the products of the inputs, and few enough to bound the scratch memory.
    let rowsAtOnce = 2048
    let spans = sentences.map { reading.tokens(of: $0) }
    let lengths = spans.map(\.count)
    let longest = lengths.first ?? 0
    let wanted = sentences.enumerated().flatMap { row, sentence in
      reading.words(of: sentence).map { (place: reading.places[$0], row: row, word: $0) }
    }.sorted { ($0.place, $0.word) < ($1.place, $1.word) }
    var next = 0
    let state = StackState<Float>(network.stack, batch: spans.count)
    var first = 0
    while first < longest {
      let running = lengths.prefix { $0 > first }
      let steps = min(longest - first, max(1, rowsAtOnce / running.count))
      let shape = PackedShape(lengths: running.map { min(steps, $0 - first) })
      workspace.reset()
      let ids = workspace.arena.indices(shape.total)
      for step in 0..<steps {
        for row in 0..<shape.rowsPerStep[step] {
          ids[shape.offsets[step] + row] = reading.tokens[spans[row].lowerBound + first + step]
        }
      }
      let embedded = network.embedding.forward(ids, on: workspace)
      let trace = network.stack.forward(
        .indexed(embedded.vectors, embedded.index), shape,
        from: state.layers.map { $0.rows(0..<shape.batch) }, on: workspace)
      guard let top = trace.layers.last?.output else { return }
      while next < wanted.count, wanted[next].place < first + steps {
        let (place, row, word) = wanted[next]
        let found = shape.offsets[place - first] + row
        Float.copy(top.rows(found..<found + 1), into: rows.rows(word..<word + 1))
        next += 1
      }
      state.update(from: trace)
      first += steps
    }
  }
}

/// Sentences as the tokens that a model reads, in its order, and where their words are known.
private struct WordReading: Sendable {
  /// The ids of the tokens of all sentences.
  private(set) var tokens: [Int32] = []
  /// For each word, the place in its sentence's tokens after which its state is taken.
  private(set) var places: [Int] = []
  // Where each sentence begins in these, and where the last one ends.
  private var firstTokens = [0]
  private var firstWords = [0]

  init(
    _ sentences: [[String]], _ vocabulary: Vocabulary, isBackwards: Bool
  ) throws(TextError) {
    for words in sentences {
      if !words.isEmpty { try append(words, vocabulary, isBackwards: isBackwards) }
      firstTokens.append(tokens.count)
      firstWords.append(places.count)
    }
  }

  private mutating func append(
    _ words: [String], _ vocabulary: Vocabulary, isBackwards: Bool
  ) throws(TextError) {
    let (ids, ends) = try vocabulary.encodeWithEnds("\n\(words.joined(separator: " "))\n")
    // The byte after the line feed; and the token that covers the byte beside the word, which need
    // not be a token of its own.
    var start = 1
    var token = 0
    for word in words {
      let end = start + word.utf8.count
      let byte = isBackwards ? start - 1 : end
      while token + 1 < ends.count, ends[token] <= byte { token += 1 }
      places.append(isBackwards ? ids.count - 1 - token : token)
      start = end + 1
    }
    if isBackwards {
      for id in ids.reversed() { tokens.append(Int32(id)) }
    } else {
      for id in ids { tokens.append(Int32(id)) }
    }
  }

  func tokens(of sentence: Int) -> Range<Int> {
    firstTokens[sentence]..<firstTokens[sentence + 1]
  }

  func words(of sentence: Int) -> Range<Int> {
    firstWords[sentence]..<firstWords[sentence + 1]
  }

  /// The sentences that hold words, in batches of like length, the longest first.
  var batches: [[Int]] {
    let lengths = (0..<firstWords.count - 1).map {
      words(of: $0).isEmpty ? 0 : tokens(of: $0).count
    }
    return BucketedBatches.byLength(lengths, maxExamples: 64, maxTokens: 8192)
  }
}

/// The rows of the words on their way to the threads.
///
/// It is `Sendable` because each word belongs to one sentence, each sentence to one batch, and each
/// batch to one thread.
private struct WordRows: @unchecked Sendable {
  let matrix: Matrix<Float>
}
