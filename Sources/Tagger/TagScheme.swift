internal import Files

/// How tags say where spans begin and end: `I-PER` and the like.
public enum TagScheme: String, Codable, Sendable, CaseIterable {
  /// `B-` only where a span follows another of its type at once (Ramshaw and Marcus 1995).
  case iob1
  /// `B-` begins every span, `I-` goes on.
  case iob2
  /// `B-` begins, `I-` goes on, `E-` ends, and `S-` is a span of one word.
  case bioes
  /// The same with `L-` (last) for `E-`, and `U-` (unit) for `S-` (Ratinov and Roth 2009).
  case bilou

  /// The marks that the scheme has besides `O`.
  private var marks: [Character] {
    switch self {
    case .iob1, .iob2: ["B", "I"]
    case .bioes: ["B", "I", "E", "S"]
    case .bilou: ["B", "I", "L", "U"]
    }
  }

  /// A tag's mark and type, or nil for a tag that is neither `O` nor of the form `B-TYPE`.
  ///
  /// `L` and `U` of the BILOU scheme are taken for `E` and `S`.
  static func parts(_ tag: String) -> (mark: Character, type: Substring)? {
    if tag == "O" { return ("O", "") }
    guard let mark = tag.first, tag.dropFirst().first == "-", tag.utf8.count > 2 else { return nil }
    switch mark {
    case "B", "I", "E", "S": return (mark, tag.dropFirst(2))
    case "L": return ("E", tag.dropFirst(2))
    case "U": return ("S", tag.dropFirst(2))
    default: return nil
    }
  }

  /// Whether all of some tags are of spans.
  public static func describes(_ tags: some Sequence<String>) -> Bool {
    tags.allSatisfy { parts($0) != nil }
  }

  /// The spans of a sentence's tags under any scheme, as conlleval finds them, broken ones too.
  public static func spans(_ tags: [String]) -> [TaggedSpan] {
    var spans: [TaggedSpan] = []
    var (last, lastType): (Character, Substring) = ("O", "")
    var open: (type: String, start: Int)?
    for (place, tag) in tags.enumerated() {
      let (mark, type) = parts(tag) ?? (mark: "O", type: "")
      let begins =
        mark != "O"
        && (mark == "B" || mark == "S" || last == "O" || last == "E" || last == "S"
          || type != lastType)
      if let span = open, mark == "O" || begins {
        spans.append(TaggedSpan(type: span.type, words: span.start..<place))
        open = nil
      }
      if begins { open = (String(type), place) }
      (last, lastType) = (mark, type)
    }
    if let span = open {
      spans.append(TaggedSpan(type: span.type, words: span.start..<tags.count))
    }
    return spans
  }

  /// The tags of spans over `count` words.
  public func tags(of spans: [TaggedSpan], count: Int) -> [String] {
    var tags = [String](repeating: "O", count: count)
    for (number, span) in spans.enumerated() {
      let last = span.words.upperBound - 1
      let touches =
        number > 0 && spans[number - 1].type == span.type
        && spans[number - 1].words.upperBound == span.words.lowerBound
      for place in span.words {
        let isFirst = place == span.words.lowerBound
        let mark =
          switch self {
          case .iob1: isFirst && touches ? "B" : "I"
          case .iob2: isFirst ? "B" : "I"
          case .bioes where span.words.count == 1: "S"
          case .bioes: isFirst ? "B" : place == last ? "E" : "I"
          case .bilou where span.words.count == 1: "U"
          case .bilou: isFirst ? "B" : place == last ? "L" : "I"
          }
        tags[place] = "\(mark)-\(span.type)"
      }
    }
    return tags
  }

  /// The places of the tags that the scheme does not allow, each with what is wrong.
  public func breaches(in tags: [String]) -> [(place: Int, reason: String)] {
    var found: [(place: Int, reason: String)] = []
    func isInside(_ part: (mark: Character, type: Substring), of type: Substring) -> Bool {
      (part.mark == "B" || part.mark == "I") && part.type == type
    }
    let name = rawValue.uppercased()
    let endsSpans = self == .bioes || self == .bilou
    let (single, end) = self == .bilou ? ("U-", "L-") : ("S-", "E-")
    for (place, tag) in tags.enumerated() {
      let part = Self.parts(tag) ?? (mark: "O", type: "")
      let before = place > 0 ? tags[place - 1] : "O"
      let previous = Self.parts(before) ?? (mark: "O", type: "")
      if part.mark != "O", let mark = tag.first, !marks.contains(mark) {
        found.append((place, "\(quoted(tag)) does not exist in \(name)"))
        continue
      }
      switch (self, part.mark) {
      case (.iob1, "B") where previous.mark == "O" || previous.type != part.type:
        found.append(
          (
            place,
            "\(quoted(tag)) follows \(quoted(before)); in IOB1 B- only separates adjacent spans of one type"
          ))
      case (.iob2, "I") where previous.mark == "O" || previous.type != part.type:
        found.append(
          (place, "\(quoted(tag)) follows \(quoted(before)); in IOB2 a span starts with B-"))
      case (_, "I") where endsSpans && !isInside(previous, of: part.type),
        (_, "E") where endsSpans && !isInside(previous, of: part.type):
        found.append(
          (
            place,
            "\(quoted(tag)) follows \(quoted(before)); in \(name) a span starts with B- or \(single)"
          ))
      case (_, let mark)
      where endsSpans && (mark == "O" || mark == "B" || mark == "S")
        && (previous.mark == "B" || previous.mark == "I"):
        found.append(
          (place, "\(quoted(tag)) follows \(quoted(before)); in \(name) a span ends with \(end)"))
      default: break
      }
    }
    let last = Self.parts(tags.last ?? "O") ?? (mark: "O", type: "")
    if endsSpans, last.mark == "B" || last.mark == "I" {
      found.append(
        (
          tags.count - 1,
          "\(quoted(tags[tags.count - 1])) ends a sentence; in \(name) a span ends with \(end)"
        ))
    }
    return found
  }

  /// Whether one tag may follow another in BIOES; nil stands for before the first and after the last.
  static func mayFollow(_ from: String?, _ to: String?) -> Bool {
    let left = parts(from ?? "O") ?? (mark: "O", type: "")
    let right = parts(to ?? "O") ?? (mark: "O", type: "")
    let isOpen = left.mark == "B" || left.mark == "I"
    let goesOn = right.mark == "I" || right.mark == "E"
    return isOpen ? goesOn && left.type == right.type : !goesOn
  }

  /// The scheme that tags most likely follow.
  ///
  /// Any `E` or `S` says BIOES, and any `L` or `U` says BILOU (of both, what is more); else `B-` at
  /// every beginning, or at most of them, says IOB2.
  public static func detect(in sentences: some Sequence<[String]>) -> TagScheme {
    var detector = SchemeDetector()
    for tags in sentences { detector.add(tags) }
    return detector.scheme
  }
}

/// Finds out which scheme tags follow, sentence by sentence.
struct SchemeDetector: Sendable {
  private var begunByB = 0, begunByI = 0, endedByE = 0, endedByL = 0

  mutating func add(_ tags: [String]) {
    var last = "O"
    for tag in tags {
      guard TagScheme.parts(tag) != nil else { continue }
      switch tag.first {
      case "E", "S": endedByE += 1
      case "L", "U": endedByL += 1
      case "B" where last == "O": begunByB += 1
      case "I" where last == "O": begunByI += 1
      default: break
      }
      last = tag
    }
  }

  /// The scheme of the tags so far.
  var scheme: TagScheme {
    if endedByE + endedByL > 0 { return endedByE >= endedByL ? .bioes : .bilou }
    return begunByB >= begunByI && begunByB > 0 ? .iob2 : begunByI > 0 ? .iob1 : .iob2
  }
}

/// Some words of a sentence that are of one type, such as the name of a person.
public struct TaggedSpan: Sendable, Hashable {
  /// The type, such as `PER`.
  public var type: String
  /// The words, by their places in the sentence.
  public var words: Range<Int>
  /// The probability that both ends and the type are right; 1 for spans of given tags.
  public var confidence: Double

  /// A span.
  public init(type: String, words: Range<Int>, confidence: Double = 1) {
    self.type = type
    self.words = words
    self.confidence = confidence
  }
}
