internal import Files
internal import ICUText

extension TaggedFormat {
  /// The layouts of files.
  public enum Layout: String, Sendable, CaseIterable {
    /// A word a line with its tag, in columns.
    case columns
    /// CoNLL-U.
    case conllu
    /// An object a line with a text and its spans by offsets, as Doccano, Prodigy and spaCy have it.
    case jsonl
    /// The standoff format of brat: annotations in a file `.ann` beside the text in `.txt`.
    case brat
  }

  func isCoNLLU(_ path: String) -> Bool {
    let name = Compression.plainName(path)
    return layout.map { $0 == .conllu } ?? (name.hasSuffix(".conllu") || name.hasSuffix(".conll-u"))
  }

  /// The layout of a file: as said, else by its name, else by its first line.
  ///
  /// Throws `TextError` where its first line cannot be read.
  public func layout(of path: String) throws -> Layout {
    if let layout { return layout }
    let name = Compression.plainName(path)
    if isCoNLLU(path) { return .conllu }
    if name.hasSuffix(".ann") { return .brat }
    if name.hasSuffix(".jsonl") || name.hasSuffix(".ndjson") { return .jsonl }
    var layout = Layout.columns
    try TextLines.forEach(in: path) { line, _ in
      guard let first = line.first(where: { $0 != " " && $0 != "\t" }) else { return true }
      // A column may hold a brace, too, but then a tag comes last.
      if first == "{" || first == "[", line.contains("\"") && !line.contains("\t"),
        line.hasSuffix("}") || line.hasSuffix("]") || line.hasSuffix(",")
      {
        layout = .jsonl
      }
      return false
    }
    return layout
  }
}

extension TaggedCorpus {
  /// Calls a function with each sentence of a file, the numbers of its words' lines, and whether its
  /// tags are made of spans by offsets, and so break no scheme; then there is one line for all.
  static func forEachTagged(
    in path: String, _ format: TaggedFormat, keepsAll: Bool, _ inspection: TaggedInspection?,
    as split: DataSplit, _ body: (TaggedSentence, _ lines: [Int], _ isMade: Bool) -> Void
  ) throws {
    inspection?.begin(path, as: split)
    switch try format.layout(of: path) {
    case .columns, .conllu:
      try forEachSentence(
        in: path, format, keepsAll: keepsAll, progress: inspection?.progress
      ) { body($0, $1, false) }
    case .jsonl:
      try forEachJSONL(in: path, format, keepsAll: keepsAll, inspection) { body($0, [$1], true) }
    case .brat:
      try forEachBrat(in: path, format, inspection, as: split) { body($0, [$1], true) }
    }
  }
}
