extension Vocabulary {
  /// Counts the tokens of a corpus and keeps those that occur at least `minimumCount` times, of
  /// these the most frequent where `maximumSize`, which includes the 256 bytes, allows no more.
  ///
  /// Subwords are learnt until the vocabulary has `maximumSize` tokens, or `usualSubwordCount`
  /// where that is nil, or no pair occurs twice and `minimumCount` times. Characters and pairs
  /// compete for the room by how many tokens of text they save.
  ///
  /// Reads the corpus once, and keeps what is distinct in it in memory; `progress` is told what fraction
  /// of the merges is learnt. Throws what reading throws,
  /// `TextError.unknownLocale` and `TextError.vocabularyTooSmall`.
  public init(
    counting segmentation: Segmentation, in corpus: Corpus, minimumCount: Int = 1,
    maximumSize: Int? = nil, progress: (Double) -> Void = { _ in }
  ) throws(TextError) {
    if let maximumSize, maximumSize < 256 { throw .vocabularyTooSmall(maximumSize: maximumSize) }
    segmenter = try Segmenter(segmentation)
    if segmentation.unit == .byte {
      storage = Storage(StringTable())
      return
    }
    if segmentation.unit == .subword {
      storage = try Self.learn(
        from: corpus, segmenter, minimumCount: minimumCount, mergeLimit: MergeTable.most,
        tokenLimit: (maximumSize ?? Self.usualSubwordCount) - 256, progress: progress)
      return
    }
    var counter = TokenCounter()
    try segmenter.forEachNormalizedPiece(of: corpus) { (cutter, text) throws(TextError) in
      try counter.count(text, unit: segmentation.unit, cutter)
    }
    let limit = maximumSize.map { $0 - 256 } ?? Int.max
    storage = Storage(counter.table(minimumCount: minimumCount, limit: limit))
  }

  /// Learns subwords by a number of merges: byte-pair encoding as it was published.
  ///
  /// All characters that occur `minimumCount` times become tokens. There are fewer merges where no
  /// pair of tokens occurs twice and `minimumCount` times any more.
  ///
  /// Reads the corpus once, and keeps its distinct words in memory; `progress` is told what fraction of
  /// the merges is learnt. Throws what reading throws, and `TextError.unknownLocale`.
  public init(
    learningMerges count: Int, in corpus: Corpus, normalization: Normalization = .none,
    locale: String = "en", minimumCount: Int = 2, progress: (Double) -> Void = { _ in }
  ) throws(TextError) {
    segmenter = try Segmenter(
      Segmentation(unit: .subword, normalization: normalization, locale: locale))
    storage = try Self.learn(
      from: corpus, segmenter, minimumCount: minimumCount,
      mergeLimit: min(count, MergeTable.most), tokenLimit: Int.max, progress: progress)
  }

  private static func learn(
    from corpus: Corpus, _ segmenter: Segmenter, minimumCount: Int, mergeLimit: Int,
    tokenLimit: Int, progress: (Double) -> Void
  ) throws(TextError) -> Storage {
    var counter = SegmentCounter()
    try segmenter.forEachNormalizedPiece(of: corpus) { (cutter, text) throws(TextError) in
      try counter.count(text, unit: .subword, cutter)
    }
    var learner = try PairLearner(counter, minimumCount: minimumCount)
    let (table, merges) = learner.learn(
      minimumCount: minimumCount, mergeLimit: mergeLimit, symbolLimit: tokenLimit,
      progress: progress)
    return Storage(table, try MergeTable(merges, of: table))
  }
}

/// Counts tokens.
private struct TokenCounter {
  private var direct = [Int](repeating: 0, count: 0x10000)
  private var table = StringTable()
  private var counts: [Int] = []

  @inline(__always)
  mutating func count(
    _ text: UnsafeBufferPointer<UInt8>, unit: TextUnit, _ cutter: Cutter
  ) throws(TextError) {
    try cutter.forEachToken(in: text, unit: unit) { start, end, scalar, _ in
      if scalar >= 0 && scalar < 0x10000 {
        direct[Int(scalar)] += 1
      } else {
        let index = table.insert(UnsafeBufferPointer(rebasing: text[start..<end]))
        if index == counts.count { counts.append(0) }
        counts[index] += 1
      }
    }
  }

  /// The tokens in their final order.
  func table(minimumCount: Int, limit: Int) -> StringTable {
    var found: [(bytes: [UInt8], count: Int)] = []
    for value in 0x80..<0x10000 where direct[value] > 0 && direct[value] >= minimumCount {
      if let scalar = Unicode.Scalar(UInt32(value)) {
        found.append((Array(String(Character(scalar)).utf8), direct[value]))
      }
    }
    for index in 0..<table.count where counts[index] >= minimumCount {
      found.append((Array(table.bytes[table.range(of: index)]), counts[index]))
    }
    found.sort {
      $0.count != $1.count
        ? $0.count > $1.count : $0.bytes.lexicographicallyPrecedes($1.bytes)
    }
    var result = StringTable()
    for token in found.prefix(limit) {
      token.bytes.withUnsafeBufferPointer { _ = result.insert($0) }
    }
    return result
  }
}
