public import FoundationEssentials

extension ParallelCorpus {
  /// Reads files of columns that are separated by tabs; gzip is read as well.
  ///
  /// Pairs that are empty on a side are left out and counted in `skipped`.
  ///
  /// - Parameters:
  ///   - paths: The files, read one after another.
  ///   - sourceColumn: The column of what is read, from 1.
  ///   - targetColumn: The column of what is written, from 1.
  /// - Throws: A `TextError` that names the file for one that cannot be read,
  ///   `CorpusError.columnMissing` with file and line, and `CorpusError.noPairs`.
  public init(
    contentsOf paths: [String], sourceColumn: Int = 1, targetColumn: Int = 2
  ) throws {
    precondition(min(sourceColumn, targetColumn) >= 1, "columns count from 1")
    self.init([])
    let needed = max(sourceColumn, targetColumn)
    for path in paths {
      try TextLines.forEach(in: path, keepsAll: true) { line, number in
        if line.allSatisfy(\.isWhitespace) { return true }
        let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
        guard columns.count >= needed else {
          throw CorpusError.columnMissing(
            path: path, line: number, found: columns.count, needed: needed)
        }
        add(columns[sourceColumn - 1], columns[targetColumn - 1])
        return true
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

  /// Reads two files that go line by line; gzip is read as well.
  ///
  /// Pairs that are empty on a side are left out and counted in `skipped`.
  ///
  /// - Parameters:
  ///   - source: The file of what is read.
  ///   - target: The file of what is written.
  /// - Throws: A `TextError` that names the file for one that cannot be read,
  ///   `CorpusError.unequalLines` where one has more lines, and `CorpusError.noPairs`.
  public init(source: String, target: String) throws {
    let (sources, targets) = (try Self.lines(of: source), try Self.lines(of: target))
    guard sources.count == targets.count else {
      throw CorpusError.unequalLines(source, sources.count, target, targets.count)
    }
    self.init([])
    for (source, target) in zip(sources, targets) { add(source[...], target[...]) }
    if pairs.isEmpty { throw CorpusError.noPairs(paths: [source, target]) }
  }

  /// Reads two files that go line by line, as `init(source:target:)` of paths does.
  public init(source: URL, target: URL) throws {
    try self.init(source: source.filePath, target: target.filePath)
  }

  private static func lines(of path: String) throws -> [String] {
    var lines: [String] = []
    try TextLines.forEach(in: path, keepsAll: true) { line, _ in
      lines.append(line)
      return true
    }
    return lines
  }

  private mutating func add(_ source: Substring, _ target: Substring) {
    let pair = SentencePair(source: Self.trimmed(source), target: Self.trimmed(target))
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
