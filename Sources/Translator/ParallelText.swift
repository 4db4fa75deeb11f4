public import ICUText

/// Pairs of sentences that mean the same, read from files.
///
/// Files are columns separated by tabs, or two files that go line by line; gzip is read as well.
/// Pairs that are empty on a side are left out and counted.
public struct ParallelText: Sendable, Equatable {
  /// A pair.
  public struct Pair: Sendable, Hashable {
    /// What is read and what is written.
    public var source, target: String

    /// A pair.
    public init(source: String, target: String) {
      self.source = source
      self.target = target
    }
  }

  /// The pairs.
  public var pairs: [Pair]
  /// The pairs that were left out because a side was empty.
  public private(set) var skipped: Int

  /// Pairs.
  public init(_ pairs: [Pair], skipped: Int = 0) {
    self.pairs = pairs
    self.skipped = skipped
  }

  /// Reads files of columns, of which two are taken, counted from 1.
  ///
  /// Throws `TextError` for files that cannot be read, `TranslatorError` for lines that are wrong, with
  /// file and line.
  public init(
    contentsOf paths: [String], sourceColumn: Int = 1, targetColumn: Int = 2
  ) throws {
    var pairs: [Pair] = []
    var skipped = 0
    let needed = max(sourceColumn, targetColumn)
    for path in paths {
      try TextLines.forEach(in: path) { line, number in
        if line.allSatisfy(\.isWhitespace) { return true }
        let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
        guard columns.count >= needed else {
          throw TranslatorError.columnMissing(
            path: path, line: number, found: columns.count, needed: needed)
        }
        Self.add(columns[sourceColumn - 1], columns[targetColumn - 1], to: &pairs, &skipped)
        return true
      }
    }
    guard !pairs.isEmpty else { throw TranslatorError.noPairs(path: paths.first ?? "") }
    self.init(pairs, skipped: skipped)
  }

  /// Reads two files that go line by line.
  ///
  /// Throws `TextError` for files that cannot be read, `TranslatorError.unequalLines` where one has more
  /// lines.
  public init(source: String, target: String) throws {
    func lines(_ path: String) throws -> [String] {
      var lines: [String] = []
      try TextLines.forEach(in: path) { line, _ in
        lines.append(line)
        return true
      }
      return lines
    }
    let (sources, targets) = (try lines(source), try lines(target))
    guard sources.count == targets.count else {
      throw TranslatorError.unequalLines(
        source, sources.count, target, targets.count)
    }
    var pairs: [Pair] = []
    var skipped = 0
    for (source, target) in zip(sources, targets) {
      Self.add(source[...], target[...], to: &pairs, &skipped)
    }
    guard !pairs.isEmpty else { throw TranslatorError.noPairs(path: source) }
    self.init(pairs, skipped: skipped)
  }

  private static func add(
    _ source: Substring, _ target: Substring, to pairs: inout [Pair], _ skipped: inout Int
  ) {
    let (source, target) = (trimmed(source), trimmed(target))
    if source.isEmpty || target.isEmpty {
      skipped += 1
    } else {
      pairs.append(Pair(source: source, target: target))
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }

  /// Splits by distinct source, so that none stands on both sides; the same for the same share.
  ///
  /// Which side a source goes to is decided by the text itself (FNV-1a), not by its place.
  public func split(keeping share: Double) -> (training: ParallelText, kept: ParallelText) {
    let threshold = UInt64(min(max(share, 0), 1) * 0x1p32)
    func isKept(_ pair: Pair) -> Bool {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for byte in pair.source.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      // The upper bits of FNV-1a are the well mixed ones.
      hash ^= hash >> 29
      hash = hash &* 0xbf58_476d_1ce4_e5b9
      return hash >> 32 < threshold
    }
    return (
      ParallelText(pairs.filter { !isKept($0) }), ParallelText(pairs.filter { isKept($0) })
    )
  }

  /// A vocabulary of one side.
  ///
  /// Where symbols may begin with the space before a word, one stands before each text, too, so
  /// that its first word is the same symbol as elsewhere. Throws `TextError` where ICU cannot cut a text.
  public func vocabulary(
    of side: KeyPath<Pair, String>, _ segmentation: Segmentation, minimumCount: Int = 2,
    maximumSize: Int? = nil
  ) throws -> Vocabulary {
    try vocabulary(
      of: [side], segmentation, minimumCount: minimumCount, maximumSize: maximumSize)
  }

  /// One vocabulary for both sides, so that names and loan words are cut alike on both.
  ///
  /// Throws `TextError` where ICU cannot cut a text.
  public func jointVocabulary(
    _ segmentation: Segmentation, minimumCount: Int = 2, maximumSize: Int? = nil
  ) throws -> Vocabulary {
    try vocabulary(
      of: [\.source, \.target], segmentation, minimumCount: minimumCount, maximumSize: maximumSize)
  }

  private func vocabulary(
    of sides: [KeyPath<Pair, String>], _ segmentation: Segmentation, minimumCount: Int,
    maximumSize: Int?
  ) throws -> Vocabulary {
    let lines = sides.map { side in
      pairs.map { segmentation.sentence($0[keyPath: side]) + "\n" }.joined()
    }
    return try Vocabulary(
      counting: segmentation, in: Corpus(text: lines.joined()), minimumCount: minimumCount,
      maximumSize: maximumSize)
  }
}
