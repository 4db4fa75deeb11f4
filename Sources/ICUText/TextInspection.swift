/// Looks at text that a language model is to learn.
///
///     let inspection = TextInspection()
///     try inspection.read("book.txt")
///     for finding in inspection.findings { print(finding) }
public final class TextInspection: DataInspection {
  private struct Part {
    var lines = LengthTable()
    var (bytes, characters, blankLines, returns) = (0, 0, 0, 0)
    var encodings: [String] = []
    var scripts = ScriptTable()
  }

  private struct RepeatedLine {
    var count: Int32
    var line: Int32
    var file: Int32
  }

  /// A line that stands so often says more about the file than about its language.
  static let mostRepeats = 1000
  /// Of more different lines, the rarest are forgotten, so that memory stays bounded.
  var mostLines = 1 << 20

  /// Told what fraction of a file is read, while it is.
  public var progress: (@Sendable (Double) -> Void)?
  private var state: InspectionState
  private var parts: [DataSplit: Part] = [:]
  private var repeats: [UInt64: RepeatedLine] = [:]
  private var paths: [String] = []
  private var lineEnds = Occurrences(), withoutReturn = 0
  private var longLines = Occurrences()
  private var otherEncodings: [Finding] = []
  private var firstLines: [String] = []
  private var reads: [Finding] = []

  /// An inspection; one that is not full leaves out what takes time: scripts.
  public init(isFull: Bool = true) { state = InspectionState(isFull: isFull) }

  /// Reads a file; what cannot be read is a finding.
  public func read(
    _ path: String, encoding: TextEncoding = .detect, as split: DataSplit = .training
  ) {
    state.begin(path, split)
    paths.append(path)
    var part = parts[split] ?? Part()
    do {
      let corpus = try Corpus(contentsOf: path, encoding: encoding).telling(progress ?? { _ in })
      let name = corpus.encodings.first ?? ""
      if !part.encodings.contains(name) { part.encodings.append(name) }
      if encoding == .detect, name != "UTF-8" {
        reads.append(
          Finding(
            .note, .encoding, path: path,
            "read as \(name), which was found out from its bytes; where letters come out wrong, name "
              + "the right encoding"))
      }
      part.bytes += corpus.byteCount
      var line = 0
      try corpus.forEachPiece { piece in
        piece.withUTF8 { take($0, line: &line, &part) }
      }
    } catch {
      reads.append(Finding(error, in: path))
    }
    if part.lines.total > 0 { parts[split] = part }
    lookAtKind(path)
  }

  private func take(_ text: UnsafeBufferPointer<UInt8>, line: inout Int, _ part: inout Part) {
    var start = 0
    while start < text.count {
      let rest = UnsafeBufferPointer(rebasing: text[start...])
      let length = rest.firstIndex(of: 0x0A) ?? rest.count
      line += 1
      take(line: UnsafeBufferPointer(rebasing: rest[..<length]), number: line, &part)
      if length < rest.count { part.characters += 1 }
      start += length + 1
    }
  }

  private func take(line text: UnsafeBufferPointer<UInt8>, number: Int, _ part: inout Part) {
    let place = state.place(number)
    var text = text
    if text.last == 0x0D {
      lineEnds.add(place)
      part.characters += 1
      text = UnsafeBufferPointer(rebasing: text.dropLast())
    } else {
      withoutReturn += 1
    }
    let characters = state.characters.take(text, at: place)
    part.characters += characters
    part.lines.add(characters, at: place)
    if state.isFull { part.scripts.add(text) }
    if characters > 1 << 20 { longLines.add(place) }
    if firstLines.count < 20, !text.isEmpty, text.count < 10_000 {
      firstLines.append(String(decoding: text, as: UTF8.self))
    }
    guard text.contains(where: { $0 > 0x20 }) else { return part.blankLines += 1 }
    var hash = TextHash()
    hash.add(text)
    if var known = repeats[hash.value] {
      known.count += 1
      repeats[hash.value] = known
    } else {
      if repeats.count >= mostLines { forgetRareLines() }
      repeats[hash.value] = RepeatedLine(
        count: 1, line: Int32(clamping: number), file: Int32(paths.count - 1))
    }
  }

  private func forgetRareLines() {
    var least: Int32 = 1
    while repeats.count > mostLines / 2 {
      repeats = repeats.filter { $0.value.count > least }
      least *= 2
    }
  }

  /// Tells text that is rather data for another kind of model.
  private func lookAtKind(_ path: String) {
    defer { firstLines.removeAll() }
    guard firstLines.count >= 2 else { return }
    if firstLines.allSatisfy({ $0.hasPrefix("{") && $0.hasSuffix("}") }) {
      reads.append(
        Finding(
          .warning, .otherFormat, path: path, line: 1,
          "this looks like JSONL, whose braces and keys a language model would learn; take out its text"
        ))
    }
  }

  /// What was found so far, the worst first.
  public var findings: [Finding] {
    var found = reads + state.characters.findings
    let lines = parts.values.reduce(0) { $0 + $1.lines.total }
    let often = repeats.values.filter {
      $0.count >= Self.mostRepeats || ($0.count >= 50 && 20 * Int($0.count) >= lines)
    }.sorted { ($1.count, $0.file, $0.line) < ($0.count, $1.file, $1.line) }
    for line in often.prefix(3) {
      found.append(
        Finding(
          .warning, .repeatedLine, path: paths[Int(line.file)], line: Int(line.line),
          count: Int(line.count),
          "this line stands \(number(Int(line.count), of: "time")) in the text, which the model will "
            + "learn to write as often; leave most of them out"))
    }
    if lineEnds.count > 0 {
      let isMixed = withoutReturn > lineEnds.count / 100 + paths.count
      found += [
        lineEnds.finding(
          isMixed ? .warning : .note, .lineEnds,
          "\(number(lineEnds.count, of: "line")) \(lineEnds.count == 1 ? "ends" : "end") in CR LF"
            + (isMixed ? " and others in LF alone" : "")
            + ", and the model will learn to write CR; remove it, as with dos2unix")
      ].compactMap { $0 }
    }
    found += [
      longLines.finding(
        .note, .longExample,
        "\(number(longLines.count, of: "line")) of over a million characters; are its line ends lost?"
      )
    ].compactMap { $0 }
    return Finding.sorted(found)
  }

  /// Lines, characters, bytes, lengths of lines, encodings and scripts.
  public var summary: DataSummary {
    DataSummary(
      parts,
      [
        ("lines", { .whole($0.lines.total) }), ("blank lines", { .whole($0.blankLines) }),
        ("characters", { .whole($0.characters) }), ("bytes", { .whole($0.bytes) }),
        ("characters of a line, median", { .whole($0.lines.median) }),
        ("characters of a line, longest", { .whole($0.lines.longest) }),
        ("encodings", { .text($0.encodings.joined(separator: ", ")) }),
      ] + (state.isFull ? [("scripts", { .text($0.scripts.text) })] : []))
  }
}
