internal import ICUText

/// A text with spans by offsets in code points, as tools for annotation keep it, on its way to words
/// with tags.
struct AnnotatedText {
  /// A stretch of a text with its type.
  struct Span: Equatable {
    var type: String
    /// Where it stands, in code points.
    var places: Range<Int>
    /// The line of the file that says so.
    var line: Int
  }

  /// A word and where it stands, in code points.
  struct Word {
    var text: String
    var places: Range<Int>
  }

  /// The text.
  let text: String
  /// The spans, in any order.
  var spans: [Span]
  /// The words; nil to have them cut by the segmenter.
  var words: [Word]?

  /// What was changed of the spans, with their lines.
  private(set) var changes: [(kind: Finding.Kind, line: Int)] = []

  init(text: String, spans: [Span], words: [Word]? = nil) {
    self.text = text
    self.spans = spans
    self.words = words
  }

  /// The sentences with tags in `scheme`, and where each begins in code points.
  ///
  /// A word that an end of a span lies in is cut there, as whoever annotated the text saw two words; no
  /// sentence ends inside of a span; of spans that overlap, the longest is kept.
  mutating func sentences(
    cutBy segmenter: Segmenter, scheme: TagScheme
  ) throws(TextError) -> [(sentence: TaggedSentence, start: Int)] {
    trimSpans()
    dropOverlaps()
    let whole = if let words { words } else { Self.words(of: try segmenter.spans(of: text)) }
    let words = cut(whole)
    let ends = try segmenter.sentences(of: text).map(\.codePoints.upperBound)
    var found: [(TaggedSentence, Int)] = []
    var (nextWord, nextSpan) = (0, 0)
    for end in ends {
      // A span that goes on past the end takes the sentence with it.
      var open = nextSpan
      while open < spans.count, spans[open].places.upperBound <= end { open += 1 }
      if open < spans.count, spans[open].places.lowerBound < end { continue }
      let first = nextWord
      while nextWord < words.count, words[nextWord].places.lowerBound < end { nextWord += 1 }
      guard nextWord > first else { continue }
      let part = words[first..<nextWord]
      let tags = scheme.tags(of: spans(before: end, over: part, &nextSpan), count: part.count)
      found.append(
        (TaggedSentence(words: part.map(\.text), tags: tags), part[first].places.lowerBound))
    }
    return found
  }

  /// The spans before a place, by the words of a sentence that they cover.
  private mutating func spans(
    before end: Int, over words: ArraySlice<Word>, _ next: inout Int
  ) -> [TaggedSpan] {
    var found: [TaggedSpan] = []
    var place = words.startIndex
    while next < spans.count, spans[next].places.lowerBound < end {
      let span = spans[next]
      next += 1
      while place < words.endIndex, words[place].places.upperBound <= span.places.lowerBound {
        place += 1
      }
      let first = place
      while place < words.endIndex, words[place].places.lowerBound < span.places.upperBound {
        place += 1
      }
      if first == place {
        // As where the tokens of a file leave out a part of its text.
        changes.append((.spaceInSpan, span.line))
      } else {
        found.append(
          TaggedSpan(type: span.type, words: first - words.startIndex..<place - words.startIndex))
      }
    }
    return found
  }

  private static func words(of spans: [TextSpan]) -> [Word] {
    spans.lazy.filter { !$0.text.allSatisfy(\.isWhitespace) }.map {
      Word(text: $0.text, places: $0.codePoints)
    }
  }

  /// Takes white space off the ends of spans, and spans of nothing else out.
  private mutating func trimSpans() {
    let points = Array(text.unicodeScalars)
    spans = spans.compactMap { span in
      var (low, high) = (span.places.lowerBound, span.places.upperBound)
      while low < high, points[low].properties.isWhitespace { low += 1 }
      while high > low, points[high - 1].properties.isWhitespace { high -= 1 }
      if low..<high != span.places { changes.append((.spaceInSpan, span.line)) }
      return low < high ? Span(type: span.type, places: low..<high, line: span.line) : nil
    }
  }

  /// Keeps the longest of spans that overlap, and sorts those that are left by their places.
  private mutating func dropOverlaps() {
    spans.sort { ($0.places.lowerBound, $0.line) < ($1.places.lowerBound, $1.line) }
    let touch = zip(spans, spans.dropFirst()).contains { left, right in
      left.places.upperBound > right.places.lowerBound
    }
    guard touch else { return }
    let end = spans.reduce(0) { max($0, $1.places.upperBound) }
    // What overlaps a span that is at least as long covers one of its ends.
    var isTaken = [Bool](repeating: false, count: end)
    var isKept = [Bool](repeating: false, count: spans.count)
    let byLength = spans.indices.sorted {
      (spans[$1].places.count, $0) < (spans[$0].places.count, $1)
    }
    for number in byLength {
      let span = spans[number]
      if isTaken[span.places.lowerBound] || isTaken[span.places.upperBound - 1] {
        changes.append((.overlappingSpans, span.line))
        continue
      }
      isKept[number] = true
      for place in span.places { isTaken[place] = true }
    }
    spans = spans.indices.filter { isKept[$0] }.map { spans[$0] }
  }

  /// Cuts words at the ends of spans that lie in them.
  private mutating func cut(_ words: [Word]) -> [Word] {
    let ends = spans.flatMap { span in
      [(span.places.lowerBound, span.line), (span.places.upperBound, span.line)]
    }
    var next = 0
    var result: [Word] = []
    for word in words {
      var rest = word
      while next < ends.count, ends[next].0 < word.places.upperBound {
        let (end, line) = ends[next]
        next += 1
        guard end > rest.places.lowerBound else { continue }
        let points = rest.text.unicodeScalars
        let place = points.index(points.startIndex, offsetBy: end - rest.places.lowerBound)
        result.append(
          Word(text: String(points[..<place]), places: rest.places.lowerBound..<end))
        rest = Word(text: String(points[place...]), places: end..<rest.places.upperBound)
        changes.append((.spanInsideWord, line))
      }
      result.append(rest)
    }
    return result
  }
}
