internal import Files
internal import ICUText

extension TaggedCorpus {
  /// Calls a function with each sentence of a text that brat has annotations for; either file may be
  /// named.
  ///
  /// Read are text-bound annotations (`T1<tab>PER 0 5<tab>Major`), whose offsets count code points;
  /// relations, events and notes are left out. A span of several parts is taken from the first to the
  /// last. What the annotations quote must stand at their offsets.
  static func forEachBrat(
    in path: String, _ format: TaggedFormat, _ inspection: TaggedInspection?, as split: DataSplit,
    _ body: (TaggedSentence, Int) -> Void
  ) throws {
    let name = Compression.plainName(path)
    let stem = name.hasSuffix(".ann") || name.hasSuffix(".txt") ? String(name.dropLast(4)) : name
    let annotations = Compression.found(stem + ".ann")
    let textPath = Compression.found(stem + ".txt")
    let text = try wholeText(of: textPath)
    inspection?.begin(textPath, as: split)
    let points = Array(text.unicodeScalars)
    var spans: [AnnotatedText.Span] = []
    try TextLines.forEach(in: annotations, keepsAll: true) { line, number in
      guard line.first == "T" else { return true }
      let (span, parts) = try spanOfBrat(line, annotations, number, points)
      if parts > 1 { inspection?.take(.discontinuousSpan, in: annotations, line: number) }
      spans.append(span)
      return true
    }
    var annotated = AnnotatedText(text: text, spans: spans)
    let segmenter = try Segmenter(Segmentation(unit: .word, locale: format.locale))
    var (line, place) = (1, 0)
    for (sentence, start) in try annotated.sentences(
      cutBy: segmenter, scheme: format.scheme ?? .iob2)
    {
      while place < start {
        if points[place] == "\n" { line += 1 }
        place += 1
      }
      body(sentence, line)
    }
    for (kind, line) in annotated.changes { inspection?.take(kind, in: annotations, line: line) }
  }

  /// A file's text as it is, with all of its line ends, as brat counts them.
  private static func wholeText(of path: String) throws -> String {
    let corpus = try Corpus(contentsOf: path, encoding: .utf8)
    guard corpus.byteCount <= TextLines.longestLine else {
      throw TextError.tooLarge(path: path, limit: TextLines.longestLine)
    }
    var text = ""
    try corpus.forEachPiece { text += $0.text }
    return text
  }

  /// The span that a line such as `T1<tab>PER 0 5;8 12<tab>Major Tom` tells, and how many parts it has.
  private static func spanOfBrat(
    _ line: String, _ path: String, _ number: Int, _ text: [Unicode.Scalar]
  ) throws -> (span: AnnotatedText.Span, parts: Int) {
    func fail(_ reason: String) -> TaggerError {
      .badExample(path: path, line: number, reason: reason)
    }
    let columns = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
    let words = columns.count > 1 ? columns[1].split(separator: " ", maxSplits: 1) : []
    guard let type = words.first, words.count == 2 else {
      throw fail("an annotation of a text has its type and offsets after a tab, such as PER 0 5")
    }
    var parts: [Range<Int>] = []
    for part in words[1].split(separator: ";") {
      let ends = part.split(separator: " ").map { Int($0) }
      guard ends.count == 2, let low = ends[0], let high = ends[1], low >= 0, low <= high,
        high <= text.count
      else {
        throw fail(
          "the offsets \"\(quoted(words[1]))\" are none of a text of \(text.count) characters; they "
            + "count code points, from 0")
      }
      parts.append(low..<high)
    }
    guard let low = parts.map(\.lowerBound).min(), let high = parts.map(\.upperBound).max() else {
      throw fail("there are no offsets after the type")
    }
    if columns.count > 2 {
      let there = parts.map { text[$0].reduce(into: "") { $0.unicodeScalars.append($1) } }
      guard Self.letters(of: there.joined()) == Self.letters(of: columns[2]) else {
        throw fail(
          "the text at \(words[1]) is \"\(quoted(there.joined(separator: " ")))\", and the annotation "
            + "says \"\(quoted(columns[2]))\": they are of another text, or count other units than "
            + "code points")
      }
    }
    return (
      AnnotatedText.Span(type: String(type), places: low..<high, line: number), parts.count
    )
  }

  /// What is not white space, which brat writes as it likes.
  private static func letters(of text: some StringProtocol) -> [Unicode.Scalar] {
    text.unicodeScalars.filter { !$0.properties.isWhitespace }
  }
}
