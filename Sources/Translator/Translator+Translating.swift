internal import Decoding
internal import DenseMath
public import ICUText
internal import Parameters
internal import Synchronization

extension Translator {
  /// How translations are searched for.
  public struct Search: Sendable, Equatable {
    /// The hypotheses of a sentence that are followed at once, at least 1; 1 is greedy, and takes the
    /// likeliest token each time.
    public var beam = 1
    /// The power of the length that log probabilities are divided by before they are compared: 0
    /// prefers short translations, 1 compares means.
    public var lengthPower = 1.0
    /// The weight of a penalty, where finished translations are compared, for source tokens that
    /// attention hardly looked at.
    ///
    /// It is β of Wu et al., "Google's neural machine translation system", 2016.
    public var coverage = 0.0
    /// No n-gram of this many tokens is written twice in a translation; 0 allows all.
    public var noRepeatNGram = 0
    /// The translations of each sentence that are given, at most `beam`.
    public var best = 1
    /// The longest translation: this many tokens, and `maxLengthPerToken` for each token of the source
    /// with its end; or, with `allowsLongest`, as many as the longest that training showed.
    public var maxLength = 20
    /// See `maxLength`.
    public var maxLengthPerToken = 3.0
    /// See `maxLength`.
    public var allowsLongest = true
    /// A hypothesis is dropped when it is less likely than the likeliest of its sentence by this much,
    /// in nats; infinity drops none.
    ///
    /// It makes a wide beam narrow where there is no doubt, and so fast. Where several translations are
    /// asked for (`best`), none is dropped.
    public var margin = 2.0
    /// Whether translations carry the weights of attention, which takes memory for long ones.
    public var keepsAttention = false

    /// A search.
    public init(beam: Int = 1, lengthPower: Double = 1, best: Int = 1) {
      self.beam = beam
      self.lengthPower = lengthPower
      self.best = best
    }
  }

  /// A translation and how likely it is.
  public struct Translation: Sendable, Equatable {
    /// The text.
    public var text: String
    /// The logarithm of its probability; the end is included, unless it was cut off at the greatest
    /// length.
    ///
    /// Minus infinity where the weights give no numbers, as those of a damaged file may do.
    public var logProbability: Double
    /// What the decoder looked at: for each token written, the attention weight of each token of the
    /// source.
    ///
    /// The last row and the last column are the ends. Empty without attention, or where it was not
    /// asked for.
    public var attention: [[Float]]
    /// The tokens written and those read, as texts, without their ends.
    ///
    /// They have the spaces that the tokens begin with, and copied words in place of unknown ones.
    public var written: [String]
    /// See `written`.
    public var read: [String]
    /// What the model never met in what it was trained to read: words, or characters where tokens are
    /// smaller.
    public var unseen: [String] = []
    /// Whether the translation was cut off at the greatest length (`Search.maxLength`).
    public var isCutOff = false
  }

  /// The likeliest translation that is found; an empty text gives an empty one.
  ///
  /// Throws `TextError` where ICU cannot cut the text.
  public func translate(_ text: String, _ search: Search = Search()) throws(TextError) -> String {
    try translate([text], search)[0].first?.text ?? ""
  }

  /// The likeliest translations of each text, the best first; an empty text gives an empty one.
  ///
  /// - Parameters:
  ///   - texts: The texts, many of which are translated side by side.
  ///   - search: How.
  ///   - threads: Threads to use; results do not depend on it.
  ///   - progress: Told what fraction of the tokens is translated.
  /// - Returns: At most `search.best` translations of each text.
  /// - Throws: `TextError` where ICU cannot cut a text.
  public func translate(
    _ texts: [String], _ search: Search = Search(), threads: Int? = nil,
    progress: (@Sendable (Double) -> Void)? = nil
  ) throws(TextError) -> [[Translation]] {
    try translate(texts, search, threads: threads, progress: progress, isStopped: { false })
  }

  /// The same by one thread, which asks at each step whether it should stop; then nothing is returned.
  package func translations(
    of texts: [String], _ search: Search, isStopped: @escaping @Sendable () -> Bool
  ) throws(TextError) -> [[Translation]] {
    let hasStopped = Atomic(false)
    let found = try translate(texts, search, threads: 1, progress: nil) {
      if isStopped() { hasStopped.store(true, ordering: .relaxed) }
      return hasStopped.load(ordering: .relaxed)
    }
    return hasStopped.load(ordering: .relaxed) ? [] : found
  }

  private func translate(
    _ texts: [String], _ search: Search, threads: Int?, progress: (@Sendable (Double) -> Void)?,
    isStopped: @Sendable () -> Bool
  ) throws(TextError) -> [[Translation]] {
    var sources: [Source] = []
    for text in texts { sources.append(try read(text)) }
    let all = sources
    let wanted = all.indices.filter { !all[$0].pieces.isEmpty }.sorted {
      (all[$1].ids.count, $0) < (all[$0].ids.count, $1)
    }
    // A margin leaves few of the hypotheses of a wide beam.
    let atOnce = max(1, Self.rowsAtOnce / max(1, search.beam / 2))
    let batches = stride(from: 0, to: wanted.count, by: atOnce).map { start in
      Array(wanted[start..<min(start + atOnce, wanted.count)])
    }
    // Each worker keeps its memory from batch to batch.
    let shards = Shards(threads: threads)
    let workerCount = min(shards.threads, batches.count)
    let work = Work(
      tokens: wanted.reduce(0) { $0 + all[$1].ids.count }, progress: progress ?? { _ in })
    var workers = [[(number: Int, translations: [Translation])]](
      repeating: [], count: workerCount)
    shards.forEach(&workers) { worker, found in
      let workspaces = TranslationSteps.Workspaces(core.workspaces)
      for batch in stride(from: worker, to: batches.count, by: workerCount).map({ batches[$0] }) {
        found += zip(
          batch, translate(batch.map { all[$0] }, search, on: workspaces, isStopped: isStopped)
        )
        .map { (number: $0, translations: $1) }
        work.did(batch.reduce(0) { $0 + all[$1].ids.count })
      }
    }
    var results = [[Translation]](
      repeating: [
        Translation(text: "", logProbability: 0, attention: [], written: [], read: [])
      ], count: texts.count)
    for (number, translations) in workers.joined() { results[number] = translations }
    return results
  }

  /// A text as the encoder reads it.
  struct Source {
    /// Its tokens and their end.
    let ids: [Int32]
    /// What each token stands for, in the text's order and without the end.
    let pieces: [String]
    /// Its words by their places among `ids`.
    let words: [SentenceCode.Word]
    let unseen: [String]
  }

  /// A text as the encoder reads it.
  ///
  /// Throws `TextError` where ICU cannot cut it, or where it is no sentence by its length.
  func read(_ text: String) throws(TextError) -> Source {
    let sentence = try sourceCode.sentence(text)
    let count = sentence.ids.count
    try Self.demandSentence(text, of: count, upTo: Self.maxSourceLength)
    var words = sentence.words
    if configuration.reversesSource {
      for number in words.indices {
        let places = words[number].places
        words[number].places = count - places.upperBound..<count - places.lowerBound
      }
    }
    let unseen =
      sourceCode.hasUnknown
      ? words.filter { !$0.isKnown }.map { String($0.text.trimmingPrefix(" ")) }
      : SentenceCode.strangeCharacters(sentence)
    return Source(ids: asRead(sentence.ids), pieces: sentence.texts, words: words, unseen: unseen)
  }

  private struct Stop: Error {}

  /// The translations of some sources that are not empty, side by side; none where it is stopped.
  ///
  /// `grown` is told of each branch of the search's tree.
  func translate(
    _ sources: [Source], _ search: Search, on workspaces: TranslationSteps.Workspaces,
    grown: (BeamSearch.Branch) -> Void = { _ in }, isStopped: () -> Bool = { false }
  ) -> [[Translation]] {
    if isStopped() { return [] }
    let steps = TranslationSteps(
      network, reading: sources.map(\.ids), unknown: targetUnknown,
      writesUnknown: targetCode.hasUnknown,
      // Pieces of words are no words to copy.
      keeping: TranslationSteps.Kept(
        weights: search.keepsAttention, coverage: search.coverage,
        copies: targetCode.hasUnknown && sourceCode.hasUnknown),
      on: workspaces)
    let beams = BeamSearch(
      beam: search.beam, lengthPower: search.lengthPower, noRepeatNGram: search.noRepeatNGram,
      best: search.best, margin: search.best > 1 ? .infinity : search.margin)
    let found = try? beams.run(
      startID: targetBegin, endID: targetEnd,
      maxLengths: sources.map {
        max(
          search.maxLength + Int(search.maxLengthPerToken * Double($0.ids.count)),
          search.allowsLongest ? core.parts.longestTarget : 0)
      },
      adjustment: steps.coveragePenalty, grown: grown,
      step: { live in
        if isStopped() { throw Stop() }
        return steps.step(live)
      })
    return zip(sources, found ?? []).map { source, hypotheses in
      hypotheses.map { translation(of: $0, source, steps) }
    }
  }

  private func translation(
    of hypothesis: BeamSearch.Hypothesis, _ source: Source, _ steps: TranslationSteps
  ) -> Translation {
    let (text, written) = targetCode.text(
      of: hypothesis.ids,
      copies: steps.copies(of: hypothesis, from: source.words).map { source.words[$0].text })
    var attention = steps.attention(of: hypothesis)
    if configuration.reversesSource {
      // The end stays last.
      attention = attention.map { $0.dropLast().reversed() + $0.suffix(1) }
    }
    return Translation(
      text: text, logProbability: hypothesis.logProbability, attention: attention,
      written: written, read: source.pieces, unseen: source.unseen, isCutOff: !hypothesis.hasEnd)
  }

  /// The logarithm of the probability of each given translation.
  ///
  /// Throws `TextError` where ICU cannot cut a text, and for one that is no sentence by its length.
  public func logProbabilities(of text: ParallelCorpus) throws(TextError) -> [Double] {
    var results: [Double] = []
    for pair in text.pairs {
      let one = ParallelCorpus([pair])
      let tokens = try encode(one)[0].target.count
      results.append(-(try loss(on: one, threads: 1)) * Double(tokens))
    }
    return results
  }

  /// The hypotheses that are followed side by side.
  private static let rowsAtOnce = 128
  /// Longer texts are no sentences, and would take memory without end.
  private static let maxSourceLength = 50_000
  /// Of a pair that is scored each token of one side looks at each of the other.
  static let maxPairLength = 16_384

  /// Throws `TextError.tooManyTokens` for a text that is no sentence by its length.
  static func demandSentence(
    _ text: String, of count: Int, upTo limit: Int
  ) throws(TextError) {
    guard count > limit else { return }
    throw .tooManyTokens(beginning: String(text.prefix(40)), count: count, limit: limit)
  }
}

/// How much of the texts is translated, by any number of threads.
private final class Work: Sendable {
  private let tokens: Int
  private let progress: @Sendable (Double) -> Void
  private let done = Atomic(0)

  init(tokens: Int, progress: @escaping @Sendable (Double) -> Void) {
    self.tokens = tokens
    self.progress = progress
  }

  func did(_ count: Int) {
    let done = done.add(count, ordering: .relaxed).newValue
    progress(Double(done) / Double(max(1, tokens)))
  }
}
