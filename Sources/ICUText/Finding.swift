/// Something in data that would stop or harm a training, or that is odd, with its place.
///
/// Findings are made by the inspections of each kind of data: `TextInspection`, `PairInspection` and,
/// of tagged sentences, `TaggedInspection`.
public struct Finding: Sendable, Equatable, CustomStringConvertible {
  /// How much it matters.
  public enum Severity: String, Sendable, Comparable, CaseIterable {
    /// It is worth knowing.
    case note
    /// A model trained on the data will be worse than it need be, or its figures will mislead.
    case warning
    /// Training refuses the data.
    case error

    /// Notes come before warnings, and these before errors.
    public static func < (left: Severity, right: Severity) -> Bool {
      left.rank < right.rank
    }

    private var rank: Int {
      switch self {
      case .note: 0
      case .warning: 1
      case .error: 2
      }
    }
  }

  /// What was found.
  public enum Kind: String, Sendable, CaseIterable {
    /// Data that cannot be read.
    case unreadable
    /// A tag of no scheme among tags of spans, and tags of words that look like those of spans.
    case unknownTag = "unknown-tag"
    /// Tags of spans in one file, of words in another.
    case unlikeTags = "unlike-tags"
    /// More different tags than a tagger can tell apart.
    case tooManyTags = "too-many-tags"
    /// Tags that break their scheme.
    case brokenScheme = "broken-scheme"
    /// A type or tag that is seldom, beside a frequent one with nearly its name.
    case nearName = "near-name"
    /// A type or tag with a single example.
    case seenOnce = "seen-once"
    /// A type or tag that only the development data have.
    case unseenInTraining = "unseen-in-training"
    /// Examples that stand in the data more than once.
    case duplicate
    /// An example of the training data in the development data.
    case sharedExample = "shared-example"
    /// The same sentence with other tags.
    case contradiction
    /// A span with an end inside a word.
    case spanInsideWord = "span-inside-word"
    /// Spans that overlap or lie in one another.
    case overlappingSpans = "overlapping-spans"
    /// A span of several parts.
    case discontinuousSpan = "discontinuous-span"
    /// A span with white space at an end, or with nothing else in it.
    case spaceInSpan = "space-in-span"
    /// Examples that whoever annotated them did not accept.
    case rejectedExample = "rejected-example"
    /// A sentence or line that is very long.
    case longExample = "long-example"
    /// A pair with nothing on a side.
    case emptySide = "empty-side"
    /// A pair whose sides are the same.
    case copiedPair = "copied-pair"
    /// A pair with one side much longer than the other, for these data.
    case lengthRatio = "length-ratio"
    /// A line that stands in a text very often.
    case repeatedLine = "repeated-line"
    /// Control characters.
    case controlCharacter = "control-character"
    /// U+FFFD, which stands for characters lost in decoding.
    case replacementCharacter = "replacement-character"
    /// A byte order mark inside of a text.
    case byteOrderMark = "byte-order-mark"
    /// Composed characters (NFC) beside decomposed ones (NFD).
    case mixedNormalization = "mixed-normalization"
    /// Lines that end in CR LF.
    case lineEnds = "line-ends"
    /// An encoding other than UTF-8.
    case encoding
    /// Data of one kind where another was expected.
    case otherFormat = "other-format"
  }

  /// How much it matters.
  public var severity: Severity
  /// What was found.
  public var kind: Kind
  /// The file.
  public var path: String
  /// The line, from 1; nil for what is of the file as a whole.
  public var line: Int?
  /// How often it was found.
  public var count: Int
  /// What was found and what to do about it, without its place.
  public var sentence: String

  /// A finding.
  public init(
    _ severity: Severity, _ kind: Kind, path: String, line: Int? = nil, count: Int = 1,
    _ sentence: String
  ) {
    self.severity = severity
    self.kind = kind
    self.path = path
    self.line = line
    self.count = count
    self.sentence = sentence
  }

  /// `path:line: sentence`.
  public var description: String {
    path + (line.map { ":\($0)" } ?? "") + ": " + sentence
  }

  /// Some findings, the worst first, and else in the order of their lines.
  public static func sorted(_ findings: [Finding]) -> [Finding] {
    findings.enumerated().sorted { left, right in
      let (a, b) = (left.element, right.element)
      if a.severity != b.severity { return a.severity > b.severity }
      return left.offset < right.offset
    }.map(\.element)
  }
}

extension Finding {
  /// What a reader threw, with the place taken out of its sentence.
  package init(_ error: any Error, in path: String) {
    self.init(.error, .unreadable, path: path, "\(error)")
    guard sentence.hasPrefix(path) else { return }
    var rest = sentence.dropFirst(path.count)
    if rest.first == ":" {
      let digits = rest.dropFirst().prefix(while: \.isNumber)
      if let number = Int(digits) {
        line = number
        rest = rest.dropFirst(1 + digits.count)
      }
    }
    while rest.first == ":" || rest.first == " " { rest.removeFirst() }
    if !rest.isEmpty { sentence = String(rest) }
    if case .notUTF8(_, _, _, let number)? = error as? TextError {
      line = number
      if let name = TextEncoding.name(guessedFor: path) {
        kind = .encoding
        sentence += " It seems to be \(name)."
      }
    }
  }
}

/// A place in data.
package struct DataPlace: Sendable, Equatable {
  package var path: String
  package var line: Int

  package init(path: String, line: Int) {
    self.path = path
    self.line = line
  }
}

/// How often something was found, and where first.
package struct Occurrences: Sendable {
  package private(set) var count = 0
  package private(set) var first: [DataPlace] = []

  package init() {}

  package mutating func add(_ place: DataPlace, times: Int = 1) {
    count += times
    if first.count < 4, first.last != place { first.append(place) }
  }

  /// A finding at the first place, whose sentence names the next ones; nil where there is none.
  package func finding(
    _ severity: Finding.Severity, _ kind: Finding.Kind, _ sentence: String
  ) -> Finding? {
    guard let place = first.first else { return nil }
    let more = first.dropFirst()
    var further = ""
    if !more.isEmpty {
      let names = more.map { $0.path == place.path ? "\($0.line)" : "\($0.path):\($0.line)" }
      further =
        " (also line\(names.count == 1 ? "" : "s") \(names.joined(separator: ", "))\(count > first.count ? ", ..." : ""))"
    }
    return Finding(
      severity, kind, path: place.path, line: place.line, count: count, sentence + further)
  }
}

/// A count with its noun, such as `1 line` or `1,204 lines`.
package func number(_ count: Int, of noun: String) -> String {
  var digits = String(count)
  var place = digits.endIndex
  while digits.distance(from: digits.startIndex, to: place) > 3 {
    place = digits.index(place, offsetBy: -3)
    digits.insert(",", at: place)
  }
  return "\(digits) \(noun)\(count == 1 ? "" : "s")"
}
