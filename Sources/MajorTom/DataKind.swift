internal import ICUText
internal import Tagger

/// The kinds of data that models are trained on.
public enum DataKind: String, Sendable, CaseIterable {
  /// Text, for a language model.
  case text = "lm"
  /// Sentences with tags, for a tagger.
  case tagged = "tagger"
  /// Pairs of sentences, for a translator.
  case pairs = "translator"

  /// What sentences call it.
  public var title: String {
    switch self {
    case .text: "text"
    case .tagged: "tagged sentences"
    case .pairs: "pairs of sentences"
    }
  }

  /// The kind that a file likely is of, by its name and its first lines; text where that is unclear.
  public init(guessedFor path: String) {
    let name = Compression.plainName(path)
    let known = [
      ".conllu", ".conll-u", ".conll", ".iob", ".iob2", ".bio", ".bioes", ".bilou", ".ann",
      ".jsonl",
      ".ndjson",
    ]
    if known.contains(where: name.hasSuffix) {
      self = .tagged
      return
    }
    var lines = FirstLines()
    do {
      try TextLines.forEach(in: path) { line, _ in
        lines.add(line)
        return lines.count < 1000
      }
    } catch {
      // What cannot be read as lines of UTF-8 may still be text in another encoding.
    }
    self = lines.kind
  }
}

/// What the first lines of a file look like.
private struct FirstLines {
  private(set) var count = 0
  private var blank = 0, withTab = 0, objects = 0, withSpanTag = 0
  private var columnCounts: [Int: Int] = [:]
  private var lastColumns: Set<Substring> = []

  mutating func add(_ line: String) {
    count += 1
    guard line.contains(where: { !$0.isWhitespace }) else { return blank += 1 }
    if line.hasPrefix("{") || line.hasPrefix("[{"), line.hasSuffix("}") || line.hasSuffix("]") {
      objects += 1
    }
    let hasTab = line.contains("\t")
    if hasTab { withTab += 1 }
    let columns = line.split(whereSeparator: { $0 == "\t" || (!hasTab && $0 == " ") })
    columnCounts[columns.count, default: 0] += 1
    guard columns.count > 1, let last = columns.last else { return }
    lastColumns.insert(last)
    if TagScheme.describes([String(last)]) { withSpanTag += 1 }
  }

  var kind: DataKind {
    let filled = count - blank
    guard filled > 0 else { return .text }
    func isMost(_ number: Int) -> Bool { 10 * number >= 9 * filled }
    if isMost(objects) || isMost(withSpanTag) { return .tagged }
    // A word a line, with few different tags, and sentences between empty lines.
    let (columns, lines) = columnCounts.max { $0.value < $1.value } ?? (0, 0)
    if blank > 0, columns >= 2, isMost(lines), 4 * lastColumns.count <= filled + 40 {
      return .tagged
    }
    return isMost(withTab) ? .pairs : .text
  }
}
