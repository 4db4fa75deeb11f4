internal import Files
public import ICUText
internal import Training

/// Looks at tagged sentences that a tagger is to learn.
///
///     let inspection = TaggedInspection()
///     let corpus = try TaggedCorpus(contentsOf: ["train.conll"], inspection: inspection)
///     for finding in inspection.findings { print(finding) }
public final class TaggedInspection: DataInspection {
  private typealias Tags = [String: (count: Int, first: DataPlace)]

  /// The tags of a file.
  private struct File {
    var path: String
    var split: DataSplit
    var tags: Tags = [:]

    /// What the tags are.
    var census: TagCensus {
      var census = TagCensus()
      for (tag, value) in tags.sorted(by: { $0.value.first.line < $1.value.first.line }) {
        census.add(tag, line: value.first.line, times: value.count)
      }
      return census
    }
  }

  private struct Part {
    var lengths = LengthTable()
    var (words, characters, spans, names) = (0, 0, 0, 0)
    var scripts = ScriptTable()
  }

  /// A sentence of so many words is likely several, between which empty lines are missing.
  static let longSentence = 300
  /// A name this much less frequent than a near one is likely a slip of it.
  static let rareBeside = 50

  /// Told what fraction of a file is read, while it is.
  public var progress: (@Sendable (Double) -> Void)?
  private var state: InspectionState
  private var parts: [DataSplit: Part] = [:]
  private var long = Occurrences()
  private var detector = SchemeDetector()
  private var breaches: [TagScheme: (occurrences: Occurrences, reason: String)] = [:]
  private var scheme: TagScheme?
  private var repairsTags = false
  private var files: [File] = []
  private var spanNotes: [(kind: Finding.Kind, occurrences: Occurrences)] = []
  // More different tags than these are no tags, which the reader tells.
  private static let mostTags = 100_000

  /// An inspection; one that is not full leaves out what takes time, and what the reader refuses by
  /// itself: scripts, and tags that break their scheme.
  public init(isFull: Bool = true) { state = InspectionState(isFull: isFull) }

  /// Says where the next sentences come from.
  public func begin(_ path: String, as split: DataSplit = .training) {
    state.begin(path, split)
    files.append(File(path: path, split: split))
  }

  /// Reads a file without keeping its sentences; what cannot be read is a finding.
  public func read(
    _ path: String, format: TaggedFormat = TaggedFormat(), as split: DataSplit = .training
  ) {
    (scheme, repairsTags) = (format.scheme, format.repairsTags)
    do {
      var isEmpty = true
      try TaggedCorpus.forEachTagged(in: path, format, keepsAll: false, self, as: split) {
        sentence, lines, isMade in
        isEmpty = false
        take(sentence, lines: lines, isMade: isMade)
      }
      if isEmpty { throw TaggerError.noSentences(path: path) }
    } catch {
      state.told.append(Finding(error, in: path))
    }
  }

  /// Looks at a sentence with the number of its first line; its words are on lines of their own.
  public func take(_ sentence: TaggedSentence, line: Int) {
    take(sentence, lines: sentence.words.indices.map { line + $0 }, isMade: false)
  }

  /// Looks at a sentence; one whose tags are made of spans by offsets stands on one line, and breaks no
  /// scheme.
  func take(_ sentence: TaggedSentence, lines: [Int], isMade: Bool) {
    guard let line = lines.first else { return }
    // Taken out, so that its tables are not copied.
    var part = parts.removeValue(forKey: state.split) ?? Part()
    defer { parts[state.split] = part }
    let count = sentence.words.count
    func lineOf(_ place: Int) -> Int { lines[min(place, lines.count - 1)] }
    part.lengths.add(count, at: state.place(line))
    part.words += count
    if count > Self.longSentence { long.add(state.place(line)) }
    if files.isEmpty { files.append(File(path: state.path, split: state.split)) }
    let file = files.count - 1
    var (words, tags) = (TextHash(), TextHash())
    for place in sentence.words.indices {
      var (word, tag) = (sentence.words[place], sentence.tags[place])
      word.withUTF8 { text in
        words.add(text)
        part.characters += state.take(text, line: lineOf(place))
        if state.isFull { part.scripts.add(text) }
      }
      tag.withUTF8 { tags.add($0) }
      if files[file].tags.count < Self.mostTags {
        files[file].tags[tag, default: (0, state.place(lineOf(place)))].count += 1
      } else if files[file].tags[tag] != nil {
        files[file].tags[tag]?.count += 1
      }
    }
    state.compare(words.value, with: tags.value, line: line)
    guard state.isFull else { return }
    part.spans += TagScheme.spans(sentence.tags).count
    guard !isMade else { return }
    detector.add(sentence.tags)
    for scheme in TagScheme.allCases {
      for breach in scheme.breaches(in: sentence.tags) {
        breaches[scheme, default: (Occurrences(), breach.reason)].occurrences
          .add(state.place(lineOf(breach.place)))
      }
    }
  }

  /// Takes note of something about a span at a line of a file.
  func take(_ kind: Finding.Kind, in path: String, line: Int, times: Int = 1) {
    let place = DataPlace(path: path, line: line)
    if let known = spanNotes.firstIndex(where: { $0.kind == kind }) {
      spanNotes[known].occurrences.add(place, times: times)
    } else {
      var occurrences = Occurrences()
      occurrences.add(place, times: times)
      spanNotes.append((kind, occurrences))
    }
  }

  /// What was found so far, the worst first.
  public var findings: [Finding] {
    var found = state.told + kindFindings + tagFindings + schemeFindings + spanFindings
    found += nameFindings + unseenFindings
    found += state.equalityFindings("sentence", contradiction: "other tags")
    found += state.characters.findings
    found += [
      long.finding(
        .warning, .longExample,
        "\(number(long.count, of: "sentence")) of over \(Self.longSentence) words; an empty line ends a "
          + "sentence: are some missing?")
    ].compactMap { $0 }
    return Finding.sorted(found)
  }

  /// Sentences, words, characters, tags, lengths and scripts.
  public var summary: DataSummary {
    let names = Dictionary(
      uniqueKeysWithValues: DataSplit.allCases.map { ($0, self.names(of: $0).count) })
    var parts = parts
    for (split, count) in names { parts[split]?.names = count }
    var rows: [(String, (Part) -> DataSummary.Value)] = [
      ("sentences", { .whole($0.lengths.total) }), ("words", { .whole($0.words) }),
      ("characters of words", { .whole($0.characters) }),
      ("words of a sentence, median", { .whole($0.lengths.median) }),
      ("words of a sentence, longest", { .whole($0.lengths.longest) }),
    ]
    rows.append((hasSpans ? "types of spans" : "tags", { .whole($0.names) }))
    if hasSpans, state.isFull { rows.append(("spans", { .whole($0.spans) })) }
    if state.isFull { rows.append(("scripts", { .text($0.scripts.text) })) }
    return DataSummary(parts, rows)
  }
}

// MARK: Findings

extension TaggedInspection {
  private var hasSpans: Bool { files.allSatisfy { $0.census.verdict != .words } }

  /// Files whose tags cannot be learnt together, and tags that are too many.
  private var kindFindings: [Finding] {
    var found: [Finding] = []
    let kinds = files.filter { !$0.tags.isEmpty }.map {
      (path: $0.path, isOfSpans: $0.census.verdict != .words)
    }
    if let first = kinds.first, let other = kinds.first(where: { $0.isOfSpans != first.isOfSpans })
    {
      found.append(
        Finding(
          .error, .unlikeTags, path: other.path,
          "the tags are of \(other.isOfSpans ? "spans" : "words"), and those of \(first.path) of "
            + "\(first.isOfSpans ? "spans" : "words"): they cannot be learnt together; are the columns "
            + "the right ones?"))
    }
    let count = names(of: .training).count * (hasSpans ? 4 : 1)
    if count > Lexicon.maxTags, let path = kinds.first?.path {
      let error = TaggerError.tooManyTags(found: count, limit: Lexicon.maxTags)
      found.append(
        Finding(.error, .tooManyTags, path: path, "\(error); is the column the right one?"))
    }
    return found
  }

  /// Tags of no scheme, for each file.
  private var tagFindings: [Finding] {
    var found: [Finding] = []
    for file in files {
      let (path, census) = (file.path, file.census)
      guard let (tag, line) = census.firstOther else { continue }
      switch census.verdict {
      case .spans: break
      case .mixed:
        let error = TaggerError.unknownTag(
          path: path, line: line, tag: tag, spans: census.count - census.others,
          all: census.count)
        var finding = Finding(error, in: path)
        (finding.kind, finding.count) = (.unknownTag, census.others)
        found.append(finding)
      case .words:
        if let finding = likeSpans(file, census) { found.append(finding) }
      }
    }
    return found
  }

  /// Tags of words that would be of spans if all were written otherwise.
  private func likeSpans(_ file: File, _ census: TagCensus) -> Finding? {
    let tags = file.tags
    let likely = tags.filter { TagScheme.parts($0.key) == nil && $0.key.count > 1 }
    guard !likely.isEmpty, let line = census.firstOther?.line,
      tags.keys.allSatisfy({ TagScheme.parts(TagCensus.likelyTag($0) ?? $0) != nil }),
      likely.keys.contains(where: { TagCensus.likelyTag($0) != nil })
    else { return nil }
    return Finding(
      .warning, .unknownTag, path: file.path, line: line, count: census.others,
      "the tags look like those of spans, but are of no scheme, and so are taken for tags of words; "
        + "write O, and a mark with a hyphen and a type, such as B-PER")
  }

  /// Tags that break the scheme of all.
  private var schemeFindings: [Finding] {
    guard state.isFull, hasSpans else { return [] }
    guard let (occurrences, reason) = breaches[scheme ?? detector.scheme] else { return [] }
    return [
      occurrences.finding(
        repairsTags ? .note : .error, .brokenScheme,
        "\(reason); \(number(occurrences.count, of: "tag")) in all"
          + (repairsTags ? ", which are repaired" : ""))
    ].compactMap { $0 }
  }

  /// What the readers of spans by offsets told.
  private var spanFindings: [Finding] {
    spanNotes.compactMap { kind, occurrences in
      let count = number(occurrences.count, of: "span")
      switch kind {
      case .spanInsideWord:
        return occurrences.finding(
          .warning, kind, "\(count) with an end inside a word, which is cut there")
      case .overlappingSpans:
        return occurrences.finding(
          .warning, kind,
          "\(count) left out for longer ones that overlap: a word is in at most one span")
      case .discontinuousSpan:
        return occurrences.finding(
          .warning, kind, "\(count) in several parts, taken from the first to the last")
      case .spaceInSpan:
        return occurrences.finding(
          .note, kind, "\(count) with white space at an end, which is cut off, or with nothing else"
        )
      case .rejectedExample:
        return occurrences.finding(
          .note, kind,
          "\(number(occurrences.count, of: "example")) left out, as they were not accepted")
      default: return occurrences.finding(.note, kind, count)
      }
    }
  }

  /// How often the types of spans, or else the tags of words, occur, with their first places.
  private func names(of split: DataSplit) -> Tags {
    let hasSpans = hasSpans
    var names: Tags = [:]
    for file in files where file.split == split {
      for (tag, value) in file.tags {
        var name = tag
        if hasSpans {
          guard let (mark, type) = TagScheme.parts(tag), mark != "O" else { continue }
          name = String(type)
        }
        guard let known = names[name] else {
          names[name] = value
          continue
        }
        let isEarlier =
          known.first.path == value.first.path && value.first.line < known.first.line
        names[name] = (known.count + value.count, isEarlier ? value.first : known.first)
      }
    }
    return names
  }

  private var noun: String { hasSpans ? "type" : "tag" }

  /// Names that are seldom: slips of others, and those with one example.
  private var nameFindings: [Finding] {
    let names = names(of: .training)
    var found: [Finding] = []
    var once: [(name: String, first: DataPlace)] = []
    for (name, value) in names.sorted(by: { $0.key < $1.key }) {
      let near = names.filter { other in
        other.key != name && other.value.count >= Self.rareBeside * value.count
          && Self.areNear(name, other.key)
      }.max { ($0.value.count, $1.key) < ($1.value.count, $0.key) }
      if let near {
        found.append(
          Finding(
            hasSpans ? .warning : .note, .nearName, path: value.first.path, line: value.first.line,
            count: value.count,
            "the \(noun) \(quoted(name)) stands on \(number(value.count, of: "word")) only, and "
              + "\(quoted(near.key)) on \(grouped(near.value.count)): is it meant?"
          ))
      } else if value.count == 1 {
        once.append((name, value.first))
      }
    }
    guard let first = once.min(by: { $0.first.line < $1.first.line }) else { return found }
    let list = once.prefix(10).map { quoted($0.name) }.joined(separator: ", ")
    found.append(
      Finding(
        .note, .seenOnce, path: first.first.path, line: first.first.line, count: once.count,
        "\(number(once.count, of: noun)) with one example, too few to learn from: \(list)"
          + (once.count > 10 ? ", ..." : "")))
    return found
  }

  /// Whether one name may be a slip of the other; the tags of Universal Dependencies are not.
  private static func areNear(_ name: String, _ other: String) -> Bool {
    if name.lowercased() == other.lowercased() { return true }
    let known = [
      "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN",
      "PUNCT", "SCONJ", "SYM", "VERB", "X",
    ]
    guard !known.contains(name), min(name.count, other.count) >= 3 else { return false }
    return nameDistance(name.uppercased(), other.uppercased()) <= 1
  }

  /// Names that only the development data have.
  private var unseenFindings: [Finding] {
    let (training, development) = (names(of: .training), names(of: .development))
    guard !training.isEmpty else { return [] }
    let unseen = development.filter { training[$0.key] == nil }.sorted { $0.key < $1.key }
    guard let first = unseen.min(by: { $0.value.first.line < $1.value.first.line }) else {
      return []
    }
    let list = unseen.prefix(10).map { "\(quoted($0.key)) (\($0.value.count))" }
    return [
      Finding(
        .warning, .unseenInTraining, path: first.value.first.path, line: first.value.first.line,
        count: unseen.reduce(0) { $0 + $1.value.count },
        "\(number(unseen.count, of: noun)) that the training data do not have, and that so can never "
          + "be found: \(list.joined(separator: ", "))\(unseen.count > 10 ? ", ..." : "")")
    ]
  }
}
