public import FoundationEssentials

extension ParallelCorpus {
  /// Reads files of columns that are separated by tabs; gzip and zstd are read as well.
  ///
  /// Pairs that are empty on a side are left out and counted in `skipped`.
  ///
  /// - Parameters:
  ///   - paths: The files, read one after another.
  ///   - sourceColumn: The column of what is read, from 1.
  ///   - targetColumn: The column of what is written, from 1.
  ///   - inspection: Looks at the pairs as they are read.
  ///   - split: What the inspection takes them to be for.
  /// - Throws: A `TextError` that names the file for one that cannot be read,
  ///   `CorpusError.columnMissing` with file and line, and `CorpusError.noPairs`.
  public init(
    contentsOf paths: [String], sourceColumn: Int = 1, targetColumn: Int = 2,
    inspection: PairInspection? = nil, as split: DataSplit = .training
  ) throws {
    precondition(min(sourceColumn, targetColumn) >= 1, "columns count from 1")
    self.init([])
    for path in paths {
      inspection?.begin(path, as: split)
      try Self.forEachPair(
        in: path, keepsAll: true, sourceColumn: sourceColumn, targetColumn: targetColumn,
        progress: inspection?.progress
      ) { pair, line in
        inspection?.take(pair, line: line)
        add(pair)
      }
    }
    if pairs.isEmpty { throw CorpusError.noPairs(paths: paths) }
  }

  /// Reads a file of columns that are separated by tabs, as `init(contentsOf:)` of many paths does.
  public init(contentsOf path: String, sourceColumn: Int = 1, targetColumn: Int = 2) throws {
    try self.init(contentsOf: [path], sourceColumn: sourceColumn, targetColumn: targetColumn)
  }

  /// Reads a file of columns that are separated by tabs, as `init(contentsOf:)` of many paths does.
  public init(contentsOf url: URL, sourceColumn: Int = 1, targetColumn: Int = 2) throws {
    try self.init(
      contentsOf: [url.filePath], sourceColumn: sourceColumn, targetColumn: targetColumn)
  }

  /// Reads two files that go line by line; gzip and zstd are read as well.
  ///
  /// Pairs that are empty on a side are left out and counted in `skipped`.
  ///
  /// - Parameters:
  ///   - source: The file of what is read.
  ///   - target: The file of what is written.
  ///   - inspection: Looks at the pairs as they are read.
  /// - Throws: A `TextError` that names the file for one that cannot be read,
  ///   `CorpusError.unequalLines` where one has more lines, and `CorpusError.noPairs`.
  public init(source: String, target: String, inspection: PairInspection? = nil) throws {
    self.init([])
    inspection?.beginFiles(source: source, target: target)
    try Self.forEachPair(source: source, target: target) { pair, line in
      inspection?.take(pair, line: line)
      add(pair)
    }
    if pairs.isEmpty { throw CorpusError.noPairs(paths: [source, target]) }
  }

  /// Reads two files that go line by line, as `init(source:target:)` of paths does.
  public init(source: URL, target: URL) throws {
    try self.init(source: source.filePath, target: target.filePath)
  }

  /// Gives out the pairs of a file of columns with their lines, those with an empty side too.
  static func forEachPair(
    in path: String, keepsAll: Bool, sourceColumn: Int, targetColumn: Int,
    progress: ((Double) -> Void)? = nil, _ body: (SentencePair, Int) -> Void
  ) throws {
    let needed = max(sourceColumn, targetColumn)
    try TextLines.forEach(in: path, keepsAll: keepsAll, progress: progress) { line, number in
      if line.allSatisfy(\.isWhitespace) { return true }
      let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard columns.count >= needed else {
        if line.hasPrefix("{"), line.hasSuffix("}") {
          throw CorpusError.isJSON(path: path, line: number)
        }
        throw CorpusError.columnMissing(
          path: path, line: number, found: columns.count, needed: needed)
      }
      body(pair(columns[sourceColumn - 1], columns[targetColumn - 1]), number)
      return true
    }
  }

  /// Gives out the pairs of two files that go line by line.
  static func forEachPair(
    source: String, target: String, _ body: (SentencePair, Int) -> Void
  ) throws {
    let (sources, targets) = (try lines(of: source), try lines(of: target))
    guard sources.count == targets.count else {
      throw CorpusError.unequalLines(source, sources.count, target, targets.count)
    }
    for (place, (source, target)) in zip(sources, targets).enumerated() {
      body(pair(source[...], target[...]), place + 1)
    }
  }

  private static func lines(of path: String) throws -> [String] {
    var lines: [String] = []
    try TextLines.forEach(in: path, keepsAll: true) { line, _ in
      lines.append(line)
      return true
    }
    return lines
  }

  private static func pair(_ source: Substring, _ target: Substring) -> SentencePair {
    SentencePair(source: trimmed(source), target: trimmed(target))
  }

  private mutating func add(_ pair: SentencePair) {
    if pair.source.isEmpty || pair.target.isEmpty {
      skipped += 1
    } else {
      pairs.append(pair)
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
