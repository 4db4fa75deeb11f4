internal import Cells
internal import DenseMath
internal import Glibc
public import ICUText
internal import Layers
internal import Parameters

extension Tagger {
  /// The tags of a sentence.
  public struct Tagging: Sendable, Equatable {
    /// One tag a word: of spans in BIOES.
    public var tags: [String]
    /// The probability of each word's tag.
    public var confidences: [Double]
    /// The spans, where tags are of spans, each with the probability that it is one, both ends and
    /// type.
    public var spans: [(span: TagScheme.Span, confidence: Double)]

    /// Equal when all parts are.
    public static func == (left: Tagging, right: Tagging) -> Bool {
      left.tags == right.tags && left.confidences == right.confidences
        && left.spans.elementsEqual(right.spans) { $0 == $1 }
    }
  }

  /// A span found in a text, with its place in the original.
  public struct TextSpanFound: Sendable, Equatable {
    /// The type, such as `PER`.
    public var type: String
    /// The text of the span.
    public var text: String
    /// Where it stands in the original: UTF-8 bytes, UTF-16 units, code points.
    public var bytes, utf16, codePoints: Range<Int>
    /// The probability that both ends and the type are right.
    public var confidence: Double

    /// A span.
    public init(
      type: String, text: String, bytes: Range<Int>, utf16: Range<Int>, codePoints: Range<Int>,
      confidence: Double
    ) {
      self.type = type
      self.text = text
      self.bytes = bytes
      self.utf16 = utf16
      self.codePoints = codePoints
      self.confidence = confidence
    }
  }

  /// A sentence of a text with its words and their tags.
  public struct TaggedText: Sendable {
    /// The words with their places in the original.
    public var words: [TextSpan]
    /// Their tags.
    public var tagging: Tagging

    /// A sentence.
    public init(words: [TextSpan], tagging: Tagging) {
      self.words = words
      self.tagging = tagging
    }
  }

  /// The tags of sentences that are cut into words already.
  ///
  /// - Parameters:
  ///   - sentences: The words of each sentence; an empty sentence gets no tags.
  ///   - threads: Threads to use; results do not depend on it.
  /// - Returns: The tags of each sentence.
  /// - Throws: `TextError` where ICU cannot fold a word.
  public func tag(_ sentences: [[String]], threads: Int? = nil) throws(TextError) -> [Tagging] {
    let encoder = try WordEncoder(numbers)
    let chain = chain()
    let scores = try self.scores(of: sentences, encoder, on: Shards(threads: threads))
    var results = [Tagging](
      repeating: Tagging(tags: [], confidences: [], spans: []), count: sentences.count)
    Shards(threads: threads).forEach(&results) { number, result in
      result = tagging(scores[number], chain)
    }
    return results
  }

  /// The `count` likeliest taggings of a sentence, each with its probability.
  ///
  /// Throws `TextError` where ICU cannot fold a word.
  public func best(
    _ count: Int, _ words: [String]
  ) throws(TextError) -> [(tags: [String], probability: Double)] {
    let scores = try self.scores(of: [words], WordEncoder(numbers), on: Shards(threads: 1))
    return chain().best(count, scores[0]).map { path in
      (path.tags.map { lexicon.tags[$0] }, exp(path.logProbability))
    }
  }

  /// A text cut into sentences and words by ICU in the model's locale, with tags.
  ///
  /// Throws `TextError` where ICU cannot cut it.
  public func tag(_ text: String, threads: Int? = nil) throws(TextError) -> [TaggedText] {
    let sentences = try sentences(of: text)
    let taggings = try tag(sentences.map { $0.map(\.text) }, threads: threads)
    return zip(sentences, taggings).map { TaggedText(words: $0, tagging: $1) }
  }

  /// The spans of a text, in its order.
  ///
  /// Throws `TextError` where ICU cannot cut it.
  public func spans(in text: String, threads: Int? = nil) throws(TextError) -> [TextSpanFound] {
    try tag(text, threads: threads).flatMap { Self.spans(in: text, $0) }
  }

  /// The spans of one tagged sentence of a text.
  public static func spans(in text: String, _ sentence: TaggedText) -> [TextSpanFound] {
    let utf8 = text.utf8
    return sentence.tagging.spans.compactMap { span, confidence in
      guard let first = sentence.words[span.words].first, let last = sentence.words[span.words].last
      else { return nil }
      let bytes = first.bytes.lowerBound..<last.bytes.upperBound
      let start = utf8.index(utf8.startIndex, offsetBy: bytes.lowerBound)
      let end = utf8.index(start, offsetBy: bytes.count)
      return TextSpanFound(
        type: span.type, text: String(text[start..<end]), bytes: bytes,
        utf16: first.utf16.lowerBound..<last.utf16.upperBound,
        codePoints: first.codePoints.lowerBound..<last.codePoints.upperBound,
        confidence: confidence)
    }
  }

  /// The words of each sentence of a text, as ICU cuts it in the model's locale, without the white
  /// space between.
  ///
  /// Throws `TextError` where ICU cannot cut it.
  public func sentences(of text: String) throws(TextError) -> [[TextSpan]] {
    guard let segmenter else {
      var copy = self
      copy.segmenter = try Segmenter(Segmentation(unit: .word, locale: card.locale))
      return try copy.sentences(of: text)
    }
    let words = try segmenter.spans(of: text).filter { span in
      !span.text.allSatisfy(\.isWhitespace)
    }
    let ends = try segmenter.sentences(of: text).map(\.bytes.upperBound)
    var sentences: [[TextSpan]] = []
    var next = 0
    for end in ends {
      let first = next
      while next < words.count, words[next].bytes.lowerBound < end { next += 1 }
      if next > first { sentences.append(Array(words[first..<next])) }
    }
    return sentences
  }

  /// The words of a sentence that is cut already, parted by white space.
  public static func words(of line: String) -> [TextSpan] {
    var words: [TextSpan] = []
    var (bytes, utf16, points) = (0, 0, 0)
    var open: (text: String, bytes: Int, utf16: Int, points: Int)?
    func close() {
      guard let word = open else { return }
      words.append(
        TextSpan(
          text: word.text, bytes: word.bytes..<bytes, utf16: word.utf16..<utf16,
          codePoints: word.points..<points, isWordLike: true))
      open = nil
    }
    for scalar in line.unicodeScalars {
      // ASCII by hand: asking Unicode's tables for each letter takes longer than tagging it.
      let isSpace =
        scalar.isASCII
        ? scalar == " " || (9...13).contains(scalar.value) : scalar.properties.isWhitespace
      if isSpace {
        close()
      } else if open == nil {
        open = (String(scalar), bytes, utf16, points)
      } else {
        open?.text.unicodeScalars.append(scalar)
      }
      bytes += UTF8.width(scalar)
      utf16 += UTF16.width(scalar)
      points += 1
    }
    close()
    return words
  }

  // MARK: Scores

  /// The chain of tags, its scores divided by the temperature.
  func chain() -> LinearChain {
    let chain = network.crf.chain(of: parameters)
    let heat = card.temperature
    return LinearChain(
      start: chain.start.map { $0 / heat }, transitions: chain.transitions.map { $0 / heat },
      end: chain.end.map { $0 / heat })
  }

  func tagging(_ scores: [Double], _ chain: LinearChain) -> Tagging {
    let best = chain.best(scores)
    let sums = chain.sums(scores)
    let tags = best.map { lexicon.tags[$0] }
    let confidences = best.indices.map { step in
      min(1, chain.probability(of: best[step...step], scores, sums))
    }
    guard lexicon.hasSpans else {
      return Tagging(tags: tags, confidences: confidences, spans: [])
    }
    let spans = TagScheme.spans(tags).map { span in
      (span, min(1, chain.probability(of: best[span.words], scores, sums)))
    }
    return Tagging(tags: tags, confidences: confidences, spans: spans)
  }

  /// The scores of the tags of each sentence, [words, tags] one after another, divided by the
  /// temperature.
  private func scores(
    of sentences: [[String]], _ encoder: WordEncoder, on shards: Shards
  ) throws(TextError) -> [[Double]] {
    var places: [[Int32]] = []
    for words in sentences {
      var row: [Int32] = []
      for word in words { row.append(try encoder.place(of: word)) }
      places.append(row)
    }
    let data = SentenceData(
      surfaces: encoder.surfaces, sentences: places, tags: [],
      features: try features(of: sentences, threads: shards.threads),
      featureSize: configuration.featureSize)
    return network.scores(
      of: data, parameters, packed: packed, temperature: card.temperature, on: shards)
  }
}

extension Tagger {
  /// The states of all language models at each word, side by side.
  func features(of sentences: [[String]], threads: Int?) throws(TextError) -> [Float] {
    if languageModels.count == 1 {
      return try languageModels[0].wordStates(of: sentences, threads: threads)
    }
    let words = sentences.reduce(0) { $0 + $1.count }
    let size = configuration.featureSize
    var rows = [Float](repeating: 0, count: words * size)
    var column = 0
    for model in languageModels {
      let states = try model.wordStates(of: sentences, threads: threads)
      let width = model.wordStateSize
      rows.withUnsafeMutableBufferPointer { rows in
        states.withUnsafeBufferPointer { states in
          for word in 0..<words {
            for place in 0..<width {
              rows[word * size + column + place] = states[word * width + place]
            }
          }
        }
      }
      column += width
    }
    return rows
  }
}

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
}

extension TaggerNetwork {
  /// Puts sentences, falling in length, into packed rows.
  ///
  /// `isUnknown` says which words are taken for unknown, by the number of the sentence in
  /// `sentences`, the step and the word's number.
  func batch<S: Real>(
    _ numbers: [Int], of data: SentenceData, starts: [Int], on workspace: Workspace<S>,
    isUnknown: (Int, Int, Int32) -> Bool = { _, _, _ in false }
  ) -> Batch {
    let shape = PackedShape(lengths: numbers.map { data.sentences[$0].count })
    let (index, words) = (
      workspace.arena.indices(shape.total), workspace.arena.indices(shape.total)
    )
    var distinct: [Lexicon.Surface] = []
    var places: [Int32: Int32] = [:]
    var features: UnsafeMutablePointer<Float>?
    if featureSize > 0 {
      // Float's indices have the size of Floats: the arena has no other block of them for Double.
      let room = workspace.arena.indices(shape.total * featureSize)
      features = UnsafeMutableRawPointer(room.baseAddress.unsafelyUnwrapped).bindMemory(
        to: Float.self, capacity: room.count)
    }
    for step in 0..<shape.steps {
      for row in 0..<shape.rowsPerStep[step] {
        let at = shape.offsets[step] + row
        let surface = data.sentences[numbers[row]][step]
        let place = places[surface] ?? Int32(distinct.count)
        if place == distinct.count {
          places[surface] = place
          distinct.append(data.surfaces[Int(surface)])
        }
        index[at] = place
        let word = distinct[Int(place)].word
        words[at] = word > 0 && isUnknown(numbers[row], step, word) ? 0 : word
        if let features {
          let from = (starts[numbers[row]] + step) * featureSize
          data.features.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            (features + at * featureSize).update(from: base + from, count: featureSize)
          }
        }
      }
    }
    return Batch(
      shape: shape, index: UnsafePointer(index.baseAddress.unsafelyUnwrapped),
      words: UnsafePointer(words.baseAddress.unsafelyUnwrapped), distinct: distinct,
      features: features.map { UnsafePointer($0) })
  }

  /// The scores of the tags of each sentence, [words, tags] one after another.
  func scores(
    of data: SentenceData, _ parameters: Parameters<Float>, packed: PackedWeights<Float>,
    temperature: Double = 1, on shards: Shards
  ) -> [[Double]] {
    let order = data.sentences.indices.filter { !data.sentences[$0].isEmpty }.sorted {
      (data.sentences[$1].count, $0) < (data.sentences[$0].count, $1)
    }
    // Batches of sentences of like length, with at most so many words together.
    var batches: [(numbers: [Int], scores: [[Double]])] = []
    var words = 0
    for number in order {
      let count = data.sentences[number].count
      if batches.isEmpty || words + count > 2048 || batches[batches.count - 1].numbers.count >= 64 {
        batches.append(([], []))
        words = 0
      }
      words += count
      batches[batches.count - 1].numbers.append(number)
    }
    let starts = data.starts
    shards.forEach(&batches) { _, batch in
      let workspace = Workspace(parameters, packed: packed, forTraining: false)
      let trace = forward(
        self.batch(batch.numbers, of: data, starts: starts, on: workspace), on: workspace)
      batch.scores = trace.batch.shape.sequences.map { rows in
        LinearChainCRF.numbers(trace.scores, rows).map { $0 / temperature }
      }
    }
    var results = [[Double]](repeating: [], count: data.sentences.count)
    for (numbers, scores) in batches {
      for (number, score) in zip(numbers, scores) { results[number] = score }
    }
    return results
  }
}
