internal import Cells
internal import DenseMath
public import ICUText
internal import Parameters

extension LanguageModel {
  /// How many numbers `wordStates(of:threads:)` gives for a word: the units of the top layer.
  public var wordStateSize: Int { configuration.hiddenSize }

  /// The top layer's h at each word of some sentences: the words' features for another model.
  ///
  /// They are one half of contextual string embeddings (A. Akbik, D. Blythe and R. Vollgraf,
  /// "Contextual string embeddings for sequence labeling", COLING 2018). At a word, a model that
  /// reads forwards has read the sentence up to the symbol that follows the word, that symbol
  /// included; one that reads backwards, from the sentence's end up to the symbol before the word.
  ///
  /// A sentence is read from a state of zeros, as its words with a space between two and a line
  /// feed at both ends, which is how a model knows a sentence that was trained on one a line. Where
  /// a symbol covers more than that space or line feed, such as a space with the combining mark
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
    let shards = Shards(threads: threads)
    let workers = min(shards.threads, batches.count)
    var states = [Float](repeating: 0, count: reading.places.count * size)
    states.withUnsafeMutableBufferPointer { states in
      guard let base = states.baseAddress else { return }
      let rows = WordRows(
        matrix: Matrix(base, rows: reading.places.count, columns: size))
      // A worker keeps its scratch memory from batch to batch.
      shards.forEachIndex(workers) { worker in
        let workspace = Workspace(parameters, packed: packed, forTraining: false)
        for number in stride(from: worker, to: batches.count, by: workers) {
          read(batches[number], of: reading, into: rows.matrix, on: workspace)
        }
      }
    }
    return states
  }

  /// Reads some sentences side by side, the longest first, a piece of all of them at a time.
  private func read(
    _ sentences: ArraySlice<Int>, of reading: WordReading, into rows: Matrix<Float>,
    on workspace: Workspace<Float>
  ) {
    // Enough rows for the products of the inputs, and few enough to bound the scratch memory.
    let rowsAtOnce = 2048
    let spans = sentences.map { reading.symbols(of: $0) }
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
          ids[shape.offsets[step] + row] = reading.symbols[spans[row].lowerBound + first + step]
        }
      }
      guard let input = ids.baseAddress else { return }
      let embedded = network.embedding.forward(input, count: shape.total, on: workspace)
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

/// Sentences as the symbols that a model reads, in its order, and where their words are known.
private struct WordReading: Sendable {
  /// The symbols of all sentences.
  private(set) var symbols: [Int32] = []
  /// For each word, the place in its sentence's symbols after which its state is taken.
  private(set) var places: [Int] = []
  // Where each sentence begins in these, and where the last one ends.
  private var firstSymbols = [0]
  private var firstWords = [0]

  init(
    _ sentences: [[String]], _ vocabulary: Vocabulary, isBackwards: Bool
  ) throws(TextError) {
    for words in sentences {
      if !words.isEmpty { try append(words, vocabulary, isBackwards: isBackwards) }
      firstSymbols.append(symbols.count)
      firstWords.append(places.count)
    }
  }

  private mutating func append(
    _ words: [String], _ vocabulary: Vocabulary, isBackwards: Bool
  ) throws(TextError) {
    let (numbers, ends) = try vocabulary.encodeWithEnds("\n\(words.joined(separator: " "))\n")
    // The byte after the line feed; and the symbol that covers the byte beside the word, which
    // need not be a symbol of its own.
    var start = 1
    var symbol = 0
    for word in words {
      let end = start + word.utf8.count
      let byte = isBackwards ? start - 1 : end
      while symbol + 1 < ends.count, ends[symbol] <= byte { symbol += 1 }
      places.append(isBackwards ? numbers.count - 1 - symbol : symbol)
      start = end + 1
    }
    if isBackwards {
      for number in numbers.reversed() { symbols.append(Int32(number)) }
    } else {
      for number in numbers { symbols.append(Int32(number)) }
    }
  }

  func symbols(of sentence: Int) -> Range<Int> {
    firstSymbols[sentence]..<firstSymbols[sentence + 1]
  }

  func words(of sentence: Int) -> Range<Int> {
    firstWords[sentence]..<firstWords[sentence + 1]
  }

  /// The sentences that hold words, in batches of similar length, the longest first.
  ///
  /// How they are cut decides the last bits of the results, so it depends on the lengths alone.
  var batches: [ArraySlice<Int>] {
    let (mostSentences, mostSymbols) = (64, 8192)
    let order = (0..<firstWords.count - 1).filter { !words(of: $0).isEmpty }.sorted {
      let (left, right) = (symbols(of: $0).count, symbols(of: $1).count)
      return left != right ? left > right : $0 < $1
    }
    var batches: [ArraySlice<Int>] = []
    var start = 0
    var total = 0
    for (index, sentence) in order.enumerated() {
      let count = symbols(of: sentence).count
      if index - start == mostSentences || (index > start && total + count > mostSymbols) {
        batches.append(order[start..<index])
        (start, total) = (index, 0)
      }
      total += count
    }
    if start < order.count { batches.append(order[start...]) }
    return batches
  }
}

/// The rows of the words on their way to the threads.
///
/// It is `Sendable` because each word belongs to one sentence, each sentence to one batch, and each
/// batch to one thread.
private struct WordRows: @unchecked Sendable {
  let matrix: Matrix<Float>
}
