import CommandLineModels
import CommandLineOptions
import MajorTom

private let searchOptions = [
  Option("beam", "N", "Translations followed at once (default: 1, greedy)"),
  Option(
    "margin", "NATS",
    "Drop what is less likely than the likeliest by e^NATS; with --best all is kept (default: 2)"),
  Option("length-power", "A", "Scores are divided by length to the power A (default: 1)"),
  Option("coverage", "B", "Weight of a penalty for what was not looked at (default: 0)"),
  Option("no-repeat", "N", "Write no row of N tokens twice in a sentence (default: 0, free)"),
  Option(
    "max-length", "N",
    "Longest translation in tokens (default: the longest in training, or 20 and 3 for each read)"),
  Option("best", "N", "Print the N best, each with its log probability"),
]

// What a search alone can show, and forced decoding cannot.
private let shownOptions = [
  Option(flag: "attention", "Show what each token written looked at"),
  Option(flag: "alignments", "Print i-j pairs: what j looked at most is i, both from 0"),
  Option("html", "FILE", "Write the attention of the first text as a page"),
]

/// The command `majortom translate`.
let translateCommand = Command(
  "translate", summary: "translate a text", synopsis: "[-m MODEL] [TEXT...] [OPTION...]",
  about: "Translates a text from arguments, or line by line from files or standard input.",
  options: [modelOption()] + inputOptions + lineOptions + searchOptions + shownOptions + [
    Option(flag: "force", "Lines of source, tab, target: print log probability of the target"),
    Option(
      "batch", "N", "Lines of the input translated together, where so many are there (default: 256)"
    ),
    precisionOption, threadsOption, jsonOption,
  ]
) { arguments in
  let search = try search(arguments)
  let batch = try arguments.integer("batch", in: 1...1_000_000) ?? 256
  let threads = try arguments.threads()
  let ofSearches = ["best"] + shownOptions.map(\.name)
  if arguments.has("force"), let other = ofSearches.first(where: arguments.has) {
    throw UsageError("--\(other) is of a search, and --force makes none: leave one of them out")
  }
  // What is wrong with the text is told before a model is read.
  _ = try arguments.givenText()
  let path = try modelPath(arguments, of: Translator.kind)
  if let page = arguments.text("html") {
    try demandApart(page, [path, "/dev/stdin"] + arguments.inputFiles)
  }
  let translator = try arguments.model(Translator.self, path)
  var writer = TranslationWriter(
    translator: translator, path: path, search: search, threads: threads, arguments: arguments)
  let hint =
    arguments.has("force")
    ? "type a source, a tab and its target, and press Return to see how likely it is; Ctrl-D ends"
    : "type a text and press Return to see it translated; Ctrl-D ends"
  try forEachBatch(of: arguments, batch, hint: hint) { lines in
    if arguments.has("force") {
      try writer.writeForced(lines)
    } else {
      try writer.write(lines)
    }
  }
  writer.finish()
}

private func search(_ arguments: ParsedArguments) throws -> Translator.Search {
  let best = try arguments.integer("best", in: 1...1000)
  let beam = try arguments.integer("beam", in: 1...1000) ?? best ?? 1
  if let best, best > beam {
    throw UsageError(
      "--best \(best): a beam of \(beam) has no more than \(beam); use --beam \(best) or more")
  }
  var search = Translator.Search(
    beam: beam, lengthPower: try arguments.number("length-power", in: 0...10) ?? 1,
    best: best ?? 1)
  search.margin = try arguments.number("margin", in: 0...Double.infinity) ?? search.margin
  search.coverage = try arguments.number("coverage", in: 0...100) ?? 0
  search.noRepeatNGram = try arguments.integer("no-repeat", in: 0...1000) ?? 0
  if let longest = try arguments.integer("max-length", in: 1...1_000_000) {
    (search.maxLength, search.maxLengthPerToken, search.allowsLongest) = (longest, 0, false)
  }
  search.keepsAttention = shownOptions.map(\.name).contains(where: arguments.has)
  return search
}

/// Translates lines and writes what came of it.
private struct TranslationWriter {
  let translator: Translator
  let path: String
  let search: Translator.Search
  let threads: Int?
  let arguments: ParsedArguments
  private var hasPage = false
  private var notes = 0
  private static let mostNotes = 10

  init(
    translator: Translator, path: String, search: Translator.Search, threads: Int?,
    arguments: ParsedArguments
  ) {
    self.translator = translator
    self.path = path
    self.search = search
    self.threads = threads
    self.arguments = arguments
  }

  /// Writes the log probability of each line's own target.
  func writeForced(_ lines: [InputText]) throws {
    for (line, pair) in zip(lines, try lines.map { try forced($0.text) }) {
      guard let (pair, value) = pair else {
        writeOutput("\n")
        continue
      }
      if arguments.has("json") {
        writeJSON([
          "source": .text(pair.source), "target": .text(pair.target),
          "log_probability": .number(value), "line": .whole(line.start.line),
          "file": line.fileValue,
        ])
      } else {
        writeOutput("\(fixed(value, 4))\t\(line.text)\n")
      }
    }
  }

  /// A line's source and target, and how likely the target is; nil for an empty line.
  private func forced(_ line: String) throws -> (pair: SentencePair, logProbability: Double)? {
    guard !line.isEmpty else { return nil }
    let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
    guard parts.count >= 2 else {
      throw InputError(description: "there is no tab between a source and its target")
    }
    let pair = SentencePair(source: String(parts[0]), target: String(parts[1]))
    let value = try translator.logProbabilities(of: ParallelCorpus([pair]))[0]
    guard value.isFinite else { throw noNumbers(path, pair.source) }
    return (pair, value)
  }

  /// Writes the translations of lines.
  mutating func write(_ lines: [InputText]) throws {
    let found = try translator.translate(lines.map(\.text), search, threads: threads)
    for (line, translations) in zip(lines, found) {
      guard translations.allSatisfy(\.logProbability.isFinite) else {
        throw noNumbers(path, line.text)
      }
    }
    if let file = arguments.text("html"), !hasPage, let first = found.first, !first.isEmpty {
      let pages = TranslatorPages(translator: translator, path: path, source: lines[0].text)
      try FileWriter.write(pages.attention(first).html(), to: file)
      hasPage = true
    }
    for (line, translations) in zip(lines, found) {
      for translation in translations { write(translation, of: line) }
      if let first = translations.first, !arguments.has("json") { note(first, of: line) }
    }
  }

  /// Tells what in a translation is not to be trusted, of the first lines that have it.
  private mutating func note(_ translation: Translator.Translation, of line: InputText) {
    var reasons: [String] = []
    if !translation.unseen.isEmpty {
      let some = translation.unseen.prefix(5).map { "\"\(quoted($0))\"" }.joined(separator: ", ")
      let more = translation.unseen.count > 5 ? " and others" : ""
      reasons.append("the model does not know \(some)\(more)")
    }
    if translation.isCutOff {
      reasons.append(
        "cut off at its limit of \(counted(translation.written.count, "token")) (--max-length)")
    }
    guard !reasons.isEmpty else { return }
    notes += 1
    if notes <= Self.mostNotes {
      complain("\(line.placeName): \(reasons.joined(separator: "; "))")
    }
  }

  /// Tells of the notes that were too many to write.
  func finish() {
    guard notes > Self.mostNotes else { return }
    complain("and so with \(counted(notes - Self.mostNotes, "more line")); --json tells all")
  }

  private func write(_ translation: Translator.Translation, of line: InputText) {
    // The last column is the source's end, which is no token to point at.
    let links = translation.attention.prefix(translation.written.count).enumerated().map {
      place, row in
      (row.indices.prefix(max(1, translation.read.count)).max { row[$0] < row[$1] } ?? 0, place)
    }
    if arguments.has("json") {
      return writeJSON([
        "source": .text(line.text), "translation": .text(translation.text),
        "log_probability": .number(translation.logProbability),
        "unseen": .list(translation.unseen.map { .text($0) }),
        "cut_off": .flag(translation.isCutOff),
        "attention": .list(
          translation.attention.map { .list($0.map { .number(Double($0)) }) }),
        "alignments": .list(links.map { .list([.whole($0.0), .whole($0.1)]) }),
        "line": .whole(line.start.line), "file": line.fileValue,
      ])
    }
    let probability =
      arguments.has("best") ? "\(fixed(translation.logProbability, 4))\t" : ""
    writeOutput("\(probability)\(onOneLine(translation.text))\n")
    if arguments.has("attention") { writeOutput(attentionTable(translation)) }
    if arguments.has("alignments") {
      writeOutput(links.map { "\($0.0)-\($0.1)" }.joined(separator: " ") + "\n")
    }
  }
}

/// The error of weights that give no numbers.
func noNumbers(_ path: String, _ text: String) -> InputError {
  InputError(
    description: "\(path): its weights give no number for \"\(quoted(text))\": "
      + "the file is damaged, or its training went wrong")
}

/// A translation as a line of its own: a model that has learnt little may write any token.
func onOneLine(_ text: String) -> String {
  String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 }))
}

private func isControl(_ codePoint: Unicode.Scalar) -> Bool {
  ["\n", "\r", "\t", "\u{85}", "\u{2028}", "\u{2029}"].contains(codePoint)
}

private let endMark = "⏹"

/// A row for each symbol written, a shade for each symbol read.
private func attentionTable(_ translation: Translator.Translation) -> String {
  guard !translation.attention.isEmpty else { return "" }
  let shades = Array(" ░▒▓█")
  let read = translation.read.map(visible) + [endMark]
  // A column is as wide as its symbol on a terminal: two cells for Chinese, none for a mark alone.
  let widths = read.map { max(1, displayWidth(of: $0)) }
  let width = translation.written.map { displayWidth(of: visible($0)) }.max() ?? 1
  var text = ""
  for (row, weights) in translation.attention.enumerated() {
    let symbol = row < translation.written.count ? visible(translation.written[row]) : endMark
    let padding = String(repeating: " ", count: max(0, max(width, 1) - displayWidth(of: symbol)))
    let cells = weights.indices.map { column in
      let shade = shades[min(4, Int((weights[column] * 4.99).rounded(.down)))]
      return String(repeating: shade, count: widths[min(column, read.count - 1)])
    }
    text += "  \(padding)\(symbol) |\(cells.joined(separator: " "))|\n"
  }
  let padding = String(repeating: " ", count: max(width, 1))
  let labels = zip(read, widths).map { label, width in
    label + String(repeating: " ", count: width - displayWidth(of: label))
  }
  return text + "  \(padding)  \(labels.joined(separator: " "))\n"
}
