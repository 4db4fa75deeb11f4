import Glibc

/// Looks at pairs of sentences that a translator is to learn.
///
///     let inspection = PairInspection()
///     let pairs = try ParallelCorpus(contentsOf: ["pairs.tsv"], inspection: inspection)
///     for finding in inspection.findings { print(finding) }
public final class PairInspection: DataInspection {
  private struct Part {
    var sources = LengthTable(), targets = LengthTable()
    var (sourceCharacters, targetCharacters, empty) = (0, 0, 0)
    var sourceScripts = ScriptTable(), targetScripts = ScriptTable()
  }

  private struct Ratio {
    var logarithm: Double
    var place: DataPlace
    var source, target: Int
  }

  /// How many times as long as usual, beside its source, a target is that is told.
  static let oddRatio = 4.0
  /// Pairs whose longer side has fewer characters tell nothing by their ratio.
  static let leastCharacters = 25
  /// A side of so many characters takes more time and memory than it teaches.
  static let longSide = 1000

  /// Told what fraction of a file is read, while it is.
  public var progress: (@Sendable (Double) -> Void)?
  private var state: InspectionState
  private var targets = CharacterInspection()
  // Where targets stand, if not in the file of their sources.
  private var targetPath: String?
  private var parts: [DataSplit: Part] = [:]
  private var empty = Occurrences(), copied = Occurrences(), long = Occurrences()
  // Logarithms of ratios in steps of 1/20, from -8 to 8, and the most extreme ones with their places.
  private var ratios = [Int](repeating: 0, count: 321)
  private var highest: [Ratio] = [], lowest: [Ratio] = []

  /// An inspection; one that is not full leaves out what takes time: scripts.
  public init(isFull: Bool = true) { state = InspectionState(isFull: isFull) }

  /// Says where the next pairs come from.
  public func begin(_ path: String, as split: DataSplit = .training) {
    state.begin(path, split)
    targetPath = nil
  }

  /// Says that the next pairs come from two files that go line by line.
  func beginFiles(source: String, target: String, as split: DataSplit = .training) {
    begin(source, as: split)
    targetPath = target
  }

  /// Reads a file of columns without keeping its pairs; what cannot be read is a finding.
  public func read(
    _ path: String, sourceColumn: Int = 1, targetColumn: Int = 2, as split: DataSplit = .training
  ) {
    begin(path, as: split)
    do {
      try ParallelCorpus.forEachPair(
        in: path, keepsAll: false, sourceColumn: sourceColumn, targetColumn: targetColumn,
        progress: progress, take)
    } catch {
      state.told.append(Finding(error, in: path))
    }
  }

  /// Reads two files that go line by line; what cannot be read is a finding.
  public func read(source: String, target: String, as split: DataSplit = .training) {
    beginFiles(source: source, target: target, as: split)
    do {
      try ParallelCorpus.forEachPair(source: source, target: target, take)
    } catch {
      // The error names the file that it is of, or both.
      let isOfTarget = "\(error)".hasPrefix(target)
      state.told.append(Finding(error, in: isOfTarget ? target : source))
    }
  }

  /// Looks at a pair, whose sides may be empty.
  public func take(_ pair: SentencePair, line: Int) {
    let place = state.place(line)
    // Taken out, so that its tables are not copied.
    var part = parts.removeValue(forKey: state.split) ?? Part()
    defer { parts[state.split] = part }
    guard !pair.source.isEmpty, !pair.target.isEmpty else {
      part.empty += 1
      return empty.add(place)
    }
    var (left, right) = (pair.source, pair.target)
    var hash = TextHash()
    let source = left.withUTF8 { text in
      hash.add(text)
      if state.isFull { part.sourceScripts.add(text) }
      return state.take(text, line: line)
    }
    hash.add("\t")
    // Languages may differ in how they are composed, so each side is held against itself.
    let target = right.withUTF8 { text in
      hash.add(text)
      if state.isFull { part.targetScripts.add(text) }
      return targets.take(text, at: targetPath.map { DataPlace(path: $0, line: line) } ?? place)
    }
    part.sources.add(source, at: place)
    part.targets.add(target, at: place)
    part.sourceCharacters += source
    part.targetCharacters += target
    if max(source, target) > Self.longSide { long.add(place) }
    if pair.source == pair.target { copied.add(place) }
    if max(source, target) >= Self.leastCharacters {
      note(
        Ratio(
          logarithm: log(Double(target) / Double(source)), place: place, source: source,
          target: target))
    }
    // A source may well have several translations: only whole pairs are duplicates.
    state.compare(hash.value, with: 0, line: line)
  }

  private func note(_ ratio: Ratio) {
    ratios[Int((max(-8, min(8, ratio.logarithm)) * 20).rounded()) + 160] += 1
    func keep(_ list: inout [Ratio], by isBefore: (Double, Double) -> Bool) {
      guard list.count < 4 || isBefore(ratio.logarithm, list[3].logarithm) else { return }
      let place = list.firstIndex { isBefore(ratio.logarithm, $0.logarithm) } ?? list.count
      list.insert(ratio, at: place)
      if list.count > 4 { list.removeLast() }
    }
    keep(&highest, by: >)
    keep(&lowest, by: <)
  }

  /// What was found so far, the worst first.
  public var findings: [Finding] {
    var found: [Finding?] = state.told
    let pairs = parts.values.reduce(0) { $0 + $1.sources.total }
    if pairs == 0, state.told.isEmpty, !state.path.isEmpty {
      found.append(Finding(CorpusError.noPairs(paths: [state.path]), in: state.path))
    }
    found += (state.characters.findings + targets.findings) as [Finding?]
    found += state.equalityFindings("pair", contradiction: nil) as [Finding?]
    found.append(ratioFinding)
    found.append(
      copied.finding(
        5 * copied.count > pairs ? .warning : .note, .copiedPair,
        "\(number(copied.count, of: "pair")) whose source and target are the same; leave out what is "
          + "not translated"))
    found.append(
      empty.finding(
        20 * empty.count > pairs ? .warning : .note, .emptySide,
        "\(number(empty.count, of: "pair")) with an empty side, left out in training; fill them, or "
          + "see whether the columns are the right ones"))
    found.append(
      long.finding(
        .note, .longExample,
        "\(number(long.count, of: "pair")) of over \(Self.longSide) characters on a side; cut them into "
          + "sentences"))
    return Finding.sorted(found.compactMap { $0 })
  }

  private var ratioFinding: Finding? {
    let sum = ratios.reduce(0, +)
    guard sum >= 20 else { return nil }
    var (median, before) = (0, 0)
    for (place, count) in ratios.enumerated() {
      before += count
      if 2 * before >= sum {
        median = place
        break
      }
    }
    let usual = Double(median - 160) / 20
    let limit = log(Self.oddRatio)
    let count = ratios.enumerated().reduce(0) { sum, row in
      abs(Double(row.offset - 160) / 20 - usual) > limit ? sum + row.element : sum
    }
    let odd = (highest + lowest).filter { abs($0.logarithm - usual) > limit }
      .sorted { abs($0.logarithm - usual) > abs($1.logarithm - usual) }
    guard count > 0, let worst = odd.first else { return nil }
    var places = Occurrences()
    for ratio in odd where !places.first.contains(ratio.place) { places.add(ratio.place) }
    places.add(worst.place, times: max(0, count - places.count))
    return places.finding(
      .warning, .lengthRatio,
      "\(number(count, of: "pair")) with a side \(Int(Self.oddRatio)) times as long as usual beside the "
        + "other, this one of \(worst.source) and \(worst.target) characters; see whether the lines "
        + "belong together")
  }

  /// Pairs, characters, lengths and scripts of both sides.
  public var summary: DataSummary {
    var rows: [(String, (Part) -> DataSummary.Value)] = [
      ("pairs", { .whole($0.sources.total) }), ("pairs with an empty side", { .whole($0.empty) }),
      ("characters of sources", { .whole($0.sourceCharacters) }),
      ("characters of targets", { .whole($0.targetCharacters) }),
      ("characters of a source, median", { .whole($0.sources.median) }),
      ("characters of a source, longest", { .whole($0.sources.longest) }),
      ("characters of a target, median", { .whole($0.targets.median) }),
      ("characters of a target, longest", { .whole($0.targets.longest) }),
    ]
    if state.isFull {
      rows += [
        ("scripts of sources", { .text($0.sourceScripts.text) }),
        ("scripts of targets", { .text($0.targetScripts.text) }),
      ]
    }
    return DataSummary(parts, rows)
  }
}
