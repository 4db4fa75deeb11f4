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
    /// The probability of each word's tag; not a number where the weights give none, as those of a
    /// damaged file may do.
    public var confidences: [Double]
    /// The spans, where tags are of spans, each with the probability that both ends and the type
    /// are right.
    public var spans: [TaggedSpan]

    /// Tags with their probabilities and spans.
    public init(tags: [String], confidences: [Double], spans: [TaggedSpan]) {
      self.tags = tags
      self.confidences = confidences
      self.spans = spans
    }
  }

  /// The tags of sentences that are cut into words already.
  ///
  /// - Parameters:
  ///   - sentences: The words of each sentence; an empty sentence gets no tags.
  ///   - threads: Threads to use; results do not depend on it.
  ///   - progress: Told what fraction is tagged.
  /// - Returns: The tags of each sentence.
  /// - Throws: `TextError` where ICU cannot fold a word.
  public func tag(
    _ sentences: [[String]], threads: Int? = nil, progress: (@Sendable (Double) -> Void)? = nil
  ) throws(TextError) -> [Tagging] {
    let encoder = try WordEncoder(ids)
    let chain = chain()
    let scores = try self.scores(
      of: sentences, encoder, on: Shards(threads: threads, progress: progress))
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
    let scores = try self.scores(of: [words], WordEncoder(ids), on: Shards(threads: 1))
    return chain().best(count, scores[0]).map { path in
      (path.tags.map { lexicon.tags[$0] }, exp(path.logProbability))
    }
  }

  /// A text cut into sentences and words, with tags.
  ///
  /// Throws `TextError` where ICU cannot cut it.
  public func tag(_ text: String, threads: Int? = nil) throws(TextError) -> [SentenceInText] {
    let sentences = try cut([text], threads: threads)[0]
    let taggings = try tag(sentences.map { $0.words.map(\.text) }, threads: threads)
    return zip(sentences, taggings).map {
      SentenceInText(words: $0.words, multiwords: $0.multiwords, tagging: $1)
    }
  }

  /// The spans of a text, in its order.
  ///
  ///     for span in try Tagger(contentsOf: path).spans(in: text) {
  ///       print(span.type, span.text, span.bytes, span.confidence)
  ///     }
  ///
  /// Throws `TextError` where ICU cannot cut it.
  public func spans(in text: String, threads: Int? = nil) throws(TextError) -> [SpanInText] {
    try tag(text, threads: threads).flatMap { $0.spans(in: text) }
  }

  /// The sentences of texts, as the model has learnt to cut them, or else by ICU's rules with what the
  /// data's tokens say of them.
  ///
  /// Lines are no sentences: in a text, empty lines part the paragraphs. Only models of earlier
  /// versions cut by the plain rules of their locale, to which a line's end is one of a sentence.
  ///
  /// - Parameters:
  ///   - texts: The texts; how one is cut does not depend on the others.
  ///   - threads: Threads to use; results do not depend on it.
  /// - Returns: The sentences of each text, in order.
  /// - Throws: `TextError` where ICU cannot cut one.
  public func cut(
    _ texts: [String], threads: Int? = nil
  ) throws(TextError) -> [[CutSentence]] {
    if let splitter = core.parts.splitter { return try splitter.cut(texts, threads: threads) }
    var results: [[CutSentence]] = []
    if let ruleCutter {
      for text in texts { results.append(try ruleCutter.cut(text)) }
      return results
    }
    for text in texts {
      results.append(try sentencesByRules(of: text).map { CutSentence(words: $0) })
    }
    return results
  }

  /// The words of each sentence of a text, without the white space between; see `cut`.
  ///
  /// Throws `TextError` where ICU cannot cut it.
  public func sentences(of text: String) throws(TextError) -> [[TextSpan]] {
    try cut([text])[0].map(\.words)
  }

  private func sentencesByRules(of text: String) throws(TextError) -> [[TextSpan]] {
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
    network.crf.chain(of: core.weights.block).divided(by: core.parts.temperature)
  }

  func tagging(_ scores: [Double], _ chain: LinearChain) -> Tagging {
    let best = chain.best(scores)
    let sums = chain.sums(scores)
    let tags = best.map { lexicon.tags[$0] }
    // Rounding may take a probability past 1; what is not a number stays so.
    func confidence(_ places: Range<Int>) -> Double {
      let probability = chain.probability(of: best[places], scores, sums)
      return probability > 1 ? 1 : probability
    }
    let confidences = best.indices.map { confidence($0..<$0 + 1) }
    guard lexicon.hasSpans else {
      return Tagging(tags: tags, confidences: confidences, spans: [])
    }
    let spans = TagScheme.spans(tags).map { span in
      TaggedSpan(
        type: span.type, words: span.words,
        confidence: confidence(span.words))
    }
    return Tagging(tags: tags, confidences: confidences, spans: spans)
  }

  /// The scores of the tags of each sentence, [words, tags] one after another, divided by the
  /// temperature.
  func scores(
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
      featureSize: core.parts.featureSize)
    return network.scores(
      of: data, on: core.workspaces, temperature: core.parts.temperature, shards)
  }
}

extension Tagger {
  /// The states of all language models at each word, side by side.
  func features(of sentences: [[String]], threads: Int?) throws(TextError) -> [Float] {
    if languageModels.count == 1 {
      return try languageModels[0].wordStates(of: sentences, threads: threads)
    }
    let words = sentences.reduce(0) { $0 + $1.count }
    let size = core.parts.featureSize
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
