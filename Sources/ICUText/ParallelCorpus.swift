/// Sentences with their translations: what a translator learns from.
///
/// The pairs are read from files, or made by ICU: numbers in words, dates, names.
///
///     let phrases = try ParallelCorpus(contentsOf: "phrases.tsv")
///     let numbers = try ParallelCorpus(
///       numbers: 0...999, from: .init(locale: "en"), to: .init(locale: "fr"))
///     let parts = try numbers.split(dev: 100, test: 100)
public struct ParallelCorpus: Sendable, Equatable {
  /// The pairs: in the order of the files, or in the order in which they were drawn.
  public var pairs: [SentencePair]
  /// How many pairs of the files were left out because a side was empty.
  public internal(set) var skipped: Int

  /// A corpus of these pairs.
  public init(_ pairs: [SentencePair], skipped: Int = 0) {
    self.pairs = pairs
    self.skipped = skipped
  }
}

extension ParallelCorpus {
  /// The parts of a corpus, which share no source.
  public struct Parts: Sendable, Equatable {
    /// What to learn from.
    public let train: ParallelCorpus
    /// What to choose by.
    public let dev: ParallelCorpus
    /// What to measure on in the end.
    public let test: ParallelCorpus
  }

  /// The corpus in three parts, cut by distinct source in the order of the pairs: the first sources
  /// are those of `dev`, the next those of `test`, and all pairs of a source go where it goes.
  ///
  /// - Parameters:
  ///   - dev: How many sources to choose by; nil for a tenth.
  ///   - test: How many sources to measure on; nil for a tenth.
  /// - Returns: The parts, of which `train` is never empty.
  /// - Throws: `CorpusError.nothingToTrainOn` where no source is left.
  public func split(dev: Int? = nil, test: Int? = nil) throws(CorpusError) -> Parts {
    var numbers: [String: Int] = [:]
    let numbered = pairs.map { pair in
      let number = numbers[pair.source] ?? numbers.count
      numbers[pair.source] = number
      return (number: number, pair: pair)
    }
    let count = numbers.count
    let dev = max(0, dev ?? count / 10)
    let test = max(0, test ?? count / 10)
    guard dev < count, test < count - dev else {
      throw .nothingToTrainOn(count: count, dev: dev, test: test)
    }
    func part(_ sources: Range<Int>) -> ParallelCorpus {
      ParallelCorpus(numbered.filter { sources.contains($0.number) }.map(\.pair))
    }
    return Parts(
      train: part(dev + test..<count), dev: part(0..<dev), test: part(dev..<dev + test))
  }

  /// Splits by distinct source, so that none stands on both sides; the same fraction always gives
  /// the same split.
  ///
  /// Which side a source goes to is decided by its text alone (the hash FNV-1a), not by its place
  /// or by the other pairs.
  ///
  /// - Parameter fraction: Of the sources, how many to keep apart: from 0 to 1.
  /// - Returns: The pairs to train on, and those kept apart.
  public func split(
    keeping fraction: Double
  ) -> (training: ParallelCorpus, kept: ParallelCorpus) {
    let threshold = UInt64(min(max(fraction, 0), 1) * 0x1p32)
    func isKept(_ pair: SentencePair) -> Bool {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for byte in pair.source.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      // The upper bits of FNV-1a are the well mixed ones.
      hash ^= hash >> 29
      hash = hash &* 0xbf58_476d_1ce4_e5b9
      return hash >> 32 < threshold
    }
    return (
      ParallelCorpus(pairs.filter { !isKept($0) }), ParallelCorpus(pairs.filter { isKept($0) })
    )
  }
}

extension ParallelCorpus {
  /// A vocabulary of one side.
  ///
  /// Where tokens may begin with the space before a word, one is put before each sentence as well,
  /// so that its first word is the same token as elsewhere.
  ///
  /// - Parameters:
  ///   - side: `\.source` or `\.target`.
  ///   - segmentation: How sentences are cut.
  ///   - minimumCount: How often a token occurs at least.
  ///   - maximumSize: The most tokens, the 256 bytes included; nil for all.
  /// - Returns: The vocabulary, whose segmentation is the one given.
  /// - Throws: `TextError` where ICU cannot cut the text, or a size is too small.
  public func vocabulary(
    of side: KeyPath<SentencePair, String>, _ segmentation: Segmentation, minimumCount: Int = 2,
    maximumSize: Int? = nil
  ) throws(TextError) -> Vocabulary {
    try vocabulary(
      of: [side], segmentation, minimumCount: minimumCount, maximumSize: maximumSize)
  }

  /// One vocabulary for both sides, so that names and loan words are cut alike on both.
  ///
  /// Parameters and errors are those of `vocabulary(of:_:minimumCount:maximumSize:)`.
  public func jointVocabulary(
    _ segmentation: Segmentation, minimumCount: Int = 2, maximumSize: Int? = nil
  ) throws(TextError) -> Vocabulary {
    try vocabulary(
      of: [\.source, \.target], segmentation, minimumCount: minimumCount, maximumSize: maximumSize)
  }

  private func vocabulary(
    of sides: [KeyPath<SentencePair, String>], _ segmentation: Segmentation, minimumCount: Int,
    maximumSize: Int?
  ) throws(TextError) -> Vocabulary {
    let lines = sides.map { side in
      pairs.map { segmentation.sentence($0[keyPath: side]) + "\n" }.joined()
    }
    return try Vocabulary(
      counting: segmentation, in: Corpus(text: lines.joined()), minimumCount: minimumCount,
      maximumSize: maximumSize)
  }
}
