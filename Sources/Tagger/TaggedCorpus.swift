internal import Files
public import ICUText

/// A sentence of words, each with a tag.
public struct TaggedSentence: Sendable, Equatable {
  /// The words.
  public var words: [String]
  /// The tags, as many as words.
  public var tags: [String]
  /// How it stood in running text; nil where that is not known.
  public var running: RunningText?

  /// A sentence.
  public init(words: [String], tags: [String], running: RunningText? = nil) {
    self.words = words
    self.tags = tags
    self.running = running
  }
}

/// How a file of tagged sentences is laid out.
public struct TaggedFormat: Sendable, Equatable {
  /// Which column or part of a column holds the tags.
  public enum TagColumn: Sendable, Equatable {
    /// The last one.
    case last
    /// A column, counted from 1.
    case number(Int)
    /// Of CoNLL-U: the universal part of speech.
    case upos
    /// Of CoNLL-U: the language's own part of speech.
    case xpos
    /// Of CoNLL-U: the value of a feature, `_` for words without it.
    case feature(String)
  }

  /// The layout; nil to go by the file's name and first line.
  public var layout: Layout?
  /// The column of the words, counted from 1; CoNLL-U has its own.
  public var wordColumn: Int
  /// The column of the tags; nil for the last one, and UPOS in CoNLL-U.
  public var tagColumn: TagColumn?
  /// The scheme of span tags; nil to find out.
  public var scheme: TagScheme?
  /// Whether tags that break their scheme are repaired, as conlleval reads them, or refused.
  public var repairsTags: Bool
  /// The locale by whose rules a text is cut into words, where its file does not say them.
  public var locale = "en"

  /// A layout; by default the first column holds words and the last one tags (CoNLL-U: UPOS).
  public init(
    layout: Layout? = nil, wordColumn: Int = 1, tagColumn: TagColumn? = nil,
    scheme: TagScheme? = nil, repairsTags: Bool = false
  ) {
    self.layout = layout
    self.wordColumn = wordColumn
    self.tagColumn = tagColumn
    self.scheme = scheme
    self.repairsTags = repairsTags
  }
}

/// Sentences with their tags, read from files.
///
/// Files are CoNLL columns (tabs or spaces, an empty line after a sentence, `-DOCSTART-` lines left
/// out), CoNLL-U (empty nodes left out), or texts with spans by offsets: JSONL and brat's standoff
/// format; all may be compressed with gzip or zstd. How sentences stood in running text is kept where
/// files say it. Span tags of any scheme become BIOES.
public struct TaggedCorpus: Sendable, Equatable {
  /// The sentences.
  public var sentences: [TaggedSentence]
  /// Whether the tags are of spans, and so in BIOES, rather than of single words.
  public let hasSpans: Bool
  /// The scheme that span tags had.
  public let scheme: TagScheme?
  /// The tags that broke their scheme and were repaired.
  public let repaired: Int

  /// The number of words.
  public var wordCount: Int { sentences.reduce(0) { $0 + $1.words.count } }

  /// Sentences whose tags are in any scheme.
  public init(_ sentences: [TaggedSentence], scheme: TagScheme? = nil) {
    let hasSpans = sentences.allSatisfy { TagScheme.describes($0.tags) }
    self.hasSpans = hasSpans
    self.scheme = hasSpans ? scheme ?? TagScheme.detect(in: sentences.lazy.map(\.tags)) : nil
    self.sentences = hasSpans ? sentences.map(Self.normalized) : sentences
    repaired = 0
  }

  /// Reads files.
  ///
  /// - Parameters:
  ///   - paths: The files, read one after another.
  ///   - format: How they are laid out.
  ///   - inspection: Looks at the sentences as they are read.
  ///   - split: What the inspection takes them to be for.
  /// - Throws: `TextError` for files that cannot be read, `TaggerError` for lines that are wrong, with
  ///   file and line.
  public init(
    contentsOf paths: [String], format: TaggedFormat = TaggedFormat(),
    inspection: TaggedInspection? = nil, as split: DataSplit = .training
  ) throws {
    var read: [Read] = []
    var kinds: [(path: String, isOfSpans: Bool)] = []
    for path in paths {
      let before = read.count
      try Self.forEachTagged(in: path, format, keepsAll: true, inspection, as: split) {
        inspection?.take($0, lines: $1, isMade: $2)
        read.append(Read(sentence: $0, path: path, lines: $1, isMade: $2))
      }
      let new = read[before...]
      if new.isEmpty { throw TaggerError.noSentences(path: path) }
      let isOfSpans = try Self.areOfSpans(new, path)
      if let first = kinds.first, first.isOfSpans != isOfSpans {
        throw TaggerError.configuration(
          "\(first.path) has tags of \(first.isOfSpans ? "spans" : "words"), and \(path) of "
            + "\(isOfSpans ? "spans" : "words"): they cannot be learnt together")
      }
      kinds.append((path, isOfSpans))
      if case .feature(let name) = format.tagColumn,
        new.allSatisfy({ $0.sentence.tags.allSatisfy { $0 == "_" } })
      {
        throw TaggerError.configuration("\(path): no word has the feature \(quoted(name))")
      }
    }
    hasSpans = kinds.allSatisfy(\.isOfSpans)
    guard hasSpans else {
      (sentences, scheme, repaired) = (read.map(\.sentence), nil, 0)
      return
    }
    let foreign = read.lazy.filter { !$0.isMade }
    let scheme = format.scheme ?? TagScheme.detect(in: foreign.map(\.sentence.tags))
    var repaired = 0
    for item in foreign {
      let breaches = scheme.breaches(in: item.sentence.tags)
      repaired += breaches.count
      if let breach = breaches.first, !format.repairsTags {
        throw TaggerError.schemeBroken(
          path: item.path, line: item.line(of: breach.place), reason: breach.reason)
      }
    }
    self.scheme = scheme
    self.repaired = repaired
    sentences = read.map { Self.normalized($0.sentence) }
  }

  /// A sentence with its place; whether its tags were made of spans by offsets.
  private struct Read {
    var sentence: TaggedSentence
    var path: String
    // Of each word, or of all.
    var lines: [Int]
    var isMade: Bool

    func line(of place: Int) -> Int { lines[min(place, lines.count - 1)] }
  }

  /// Whether the tags of a file are of spans.
  ///
  /// Throws `TaggerError.unknownTag` where nearly all are.
  private static func areOfSpans(_ read: ArraySlice<Read>, _ path: String) throws -> Bool {
    var census = TagCensus()
    for item in read {
      for (place, tag) in item.sentence.tags.enumerated() {
        census.add(tag, line: item.line(of: place))
      }
    }
    if census.verdict == .mixed, let (tag, line) = census.firstOther {
      throw TaggerError.unknownTag(
        path: path, line: line, tag: tag, spans: census.count - census.others, all: census.count)
    }
    return census.verdict == .spans
  }

  private static func normalized(_ sentence: TaggedSentence) -> TaggedSentence {
    TaggedSentence(
      words: sentence.words,
      tags: TagScheme.bioes.tags(
        of: TagScheme.spans(sentence.tags), count: sentence.words.count),
      running: sentence.running)
  }

  /// Calls a function with each sentence and the number of its first line.
  static func forEachSentence(
    in path: String, _ format: TaggedFormat, keepsAll: Bool,
    progress: ((Double) -> Void)? = nil, _ body: (TaggedSentence, [Int]) -> Void
  ) throws {
    let isCoNLLU = format.isCoNLLU(path)
    var sentence = TaggedSentence(words: [], tags: [])
    // Comments, ranges and empty nodes have lines, too.
    var lines: [Int] = []
    var hasTabs: Bool?
    var running = RunningTextReader()
    func finish() {
      if !sentence.words.isEmpty {
        sentence.running = running.finish(words: sentence.words)
        body(sentence, lines)
      }
      sentence = TaggedSentence(words: [], tags: [])
      lines = []
    }
    try TextLines.forEach(in: path, keepsAll: keepsAll, progress: progress) { line, number in
      if line.allSatisfy({ $0 == " " || $0 == "\t" }) {
        finish()
        return true
      }
      let found =
        isCoNLLU
        ? try wordOfCoNLLU(
          line, format, path: path, number: number, after: sentence.words.count, &running)
        : try wordOfColumns(line, format, hasTabs: &hasTabs, path: path, number: number)
      guard let (word, tag) = found else {
        if line.hasPrefix("#") { running.comment(line) }
        return true
      }
      lines.append(number)
      sentence.words.append(word)
      sentence.tags.append(tag)
      return true
    }
    finish()
  }

  private static func wordOfColumns(
    _ line: String, _ format: TaggedFormat, hasTabs: inout Bool?, path: String, number: Int
  ) throws -> (String, String)? {
    if line.hasPrefix("-DOCSTART-") { return nil }
    let isSeparated = line.contains("\t")
    // Where tabs separate, a line without one that begins with # is a comment; # alone is a word.
    if line.hasPrefix("#"), !isSeparated, hasTabs ?? (line.hasPrefix("# ") && line.count > 3) {
      return nil
    }
    let usesTabs = hasTabs ?? isSeparated
    hasTabs = usesTabs
    let columns =
      usesTabs
      ? line.split(separator: "\t", omittingEmptySubsequences: false)
      : line.split(whereSeparator: { $0 == " " || $0 == "\t" })
    let tagColumn: Int
    switch format.tagColumn ?? .last {
    case .number(let column): tagColumn = column
    case .last: tagColumn = columns.count
    default:
      throw TaggerError.columnOfCoNLLU(path: path)
    }
    let needed = max(format.wordColumn, tagColumn, 2)
    guard columns.count >= needed else {
      if line.hasPrefix("{"), line.hasSuffix("}") {
        throw TaggerError.otherLayout(path: path, line: number, found: .jsonl, expected: .columns)
      }
      throw TaggerError.columnMissing(
        path: path, line: number, found: columns.count, needed: needed)
    }
    return (String(columns[format.wordColumn - 1]), String(columns[tagColumn - 1]))
  }

  private static func wordOfCoNLLU(
    _ line: String, _ format: TaggedFormat, path: String, number: Int, after count: Int,
    _ running: inout RunningTextReader
  ) throws -> (String, String)? {
    if line.hasPrefix("#") { return nil }
    let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
    guard columns.count == 10 else {
      throw TaggerError.notCoNLLU(path: path, line: number, found: columns.count)
    }
    running.line(columns, after: count)
    // 3-4 is a range of several words, 3.1 an empty node.
    if columns[0].contains("-") || columns[0].contains(".") { return nil }
    let tag: Substring
    switch format.tagColumn ?? .upos {
    case .upos: tag = columns[3]
    case .xpos: tag = columns[4]
    case .last: tag = columns[9]
    case .number(let column):
      guard (1...10).contains(column) else {
        throw TaggerError.columnMissing(path: path, line: number, found: 10, needed: column)
      }
      tag = columns[column - 1]
    case .feature(let name):
      tag =
        columns[5].split(separator: "|").first { $0.hasPrefix(name + "=") }?
        .dropFirst(name.count + 1) ?? "_"
    }
    return (String(columns[1]), String(tag))
  }
}
