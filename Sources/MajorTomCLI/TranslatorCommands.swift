import CommandLineOptions
import Glibc
import MajorTom

/// The command `majortom train translator PAIRS... -o MODEL`.
func trainTranslator(_ words: [String]) throws {
  let defaults = Translator.TrainingOptions()
  var size = Translator.Configuration()
  let arguments = try ParsedArguments(
    words, command: "majortom train translator", synopsis: "PAIRS.tsv... -o MODEL [OPTION...]",
    about: """
      Trains a translator on pairs of sentences: columns separated by tabs, or --source and --target
      files that go line by line; gzip too.
      """,
    options: [
      Option("output", short: "o", "FILE", "Write the model to FILE (needed)"),
      Option("dev", "FILE", "Choose the best epoch by this file of pairs"),
      Option("validation", "SHARE", "Else by this share of the pairs (default: 0.05)"),
      Option("columns", "S,T", "The columns of what is read and written (default: 1,2)"),
      Option("source", "FILE", "Sentences to read, line by line, in place of PAIRS"),
      Option("target", "FILE", "Sentences to write, line by line"),
      Option("unit", "UNIT", "Symbols: grapheme, word, subword, ... (default: grapheme)"),
      Option("source-unit", "UNIT", "Symbols of what is read, where they differ"),
      Option(flag: "joint", "Learn one vocabulary from both sides, and use it for both"),
      Option("vocabulary", "FILE", "Cut both sides by FILE, see majortom vocabulary --help"),
      Option("max-size", "N", "Largest vocabulary of a side, the 256 bytes included"),
      Option("source-max-size", "N", "That of what is read, where they differ"),
      Option("target-max-size", "N", "That of what is written, where they differ"),
      Option(
        "min-count", "N",
        "Words seen less than N times are unknown, other symbols spelt as bytes (default: 2)"),
      Option(
        "word-dropout", "P",
        "Share of symbols that training reads as unknown (default: \(size.wordDropout))"),
      Option("source-locale", "LOCALE", "Locale of word breaks in what is read (default: en)"),
      Option("target-locale", "LOCALE", "Locale of word breaks in what is written (default: en)"),
      Option("cell", "CELL", "The recurrent cell, such as lstm or gru (default: lstm)"),
      Option("layers", "N", "Layers of encoder and decoder (default: \(size.layers))"),
      Option("hidden", "N", "Units of a layer (default: \(size.hiddenSize))"),
      Option("embedding", "N", "Width of a symbol's vector (default: \(size.embeddingSize))"),
      Option("attention", "KIND", "none, dot, general or additive (default: general)"),
      Option(flag: "input-feeding", "Tell the decoder what it saw at its last look (slower)"),
      Option(flag: "tied", "Vectors of target symbols also give their scores"),
      Option("cutoffs", "N,...", "Choose in two steps: the N most frequent symbols, then the rest"),
      Option(flag: "reverse-source", "Read the source from its end"),
      Option(
        "dropout-inputs", "P", "Share of symbol vectors dropped (default: \(size.inputDropout))"),
      Option("dropout", "P", "Share of outputs dropped (default: \(size.dropout))"),
      Option(
        "label-smoothing", "P", "Share spread over all symbols (default: \(size.labelSmoothing))"),
      Option("batch", "N", "Pairs of an update (default: \(defaults.batch))"),
      Option("shards", "N", "Parts of a batch; changes results (default: \(defaults.shards))"),
      Option(
        "longest", "N",
        "Leave out pairs with more symbols on a side (default: \(defaults.mostSymbols))"),
      precisionOption,
    ] + planOptions(defaults.plan))
  if arguments.printedHelp { return }
  size.cell = try arguments.choice("cell", of: CellKind.self) ?? size.cell
  size.layers = try arguments.integer("layers", in: 1...32) ?? size.layers
  size.hiddenSize = try arguments.integer("hidden", in: 2...16384) ?? size.hiddenSize
  size.embeddingSize = try arguments.integer("embedding", in: 1...16384) ?? size.embeddingSize
  size.attention =
    try arguments.choice("attention", of: Translator.AttentionKind.self) ?? size.attention
  size.feedsInput = arguments.has("input-feeding")
  size.tiesEmbeddings = arguments.has("tied")
  size.reversesSource = arguments.has("reverse-source")
  size.inputDropout = try arguments.number("dropout-inputs", in: 0...0.99) ?? size.inputDropout
  size.dropout = try arguments.number("dropout", in: 0...0.99) ?? size.dropout
  size.labelSmoothing =
    try arguments.number("label-smoothing", in: 0...0.99) ?? size.labelSmoothing
  size.cutoffs = try cutoffs(arguments)
  size.wordDropout = try arguments.number("word-dropout", in: 0...0.99) ?? size.wordDropout
  do {
    try size.validate()
  } catch {
    throw UsageError("\(error)")
  }
  var options = defaults
  options.plan = try trainingPlan(arguments, default: options.plan)
  options.batch = try arguments.integer("batch", in: 1...65536) ?? options.batch
  options.shards = try arguments.integer("shards", in: 1...options.batch) ?? options.shards
  options.mostSymbols = try arguments.integer("longest", in: 1...100_000) ?? options.mostSymbols
  options.threads = try arguments.integer("threads", in: 1...1024)
  options.precision =
    try arguments.choice("precision", of: ProductPrecision.self) ?? options.precision
  // Spaces of their own would only make sentences of words longer.
  func unit(_ name: String) throws -> TextUnit? {
    let unit = try arguments.choice(name, of: TextUnit.self)
    return unit == .word ? .spacedWord : unit
  }
  let targetUnit = try unit("unit") ?? .grapheme
  let sourceSegmentation = Segmentation(
    unit: try unit("source-unit") ?? targetUnit,
    locale: arguments.text("source-locale") ?? "en")
  let targetSegmentation = Segmentation(
    unit: targetUnit, locale: arguments.text("target-locale") ?? "en")
  let minimumCount = try arguments.integer("min-count", in: 1...Int.max) ?? 2
  func maximumSize(_ name: String) throws -> Int? {
    try arguments.integer(name, in: 256...4_000_000)
  }
  let isJoint = arguments.has("joint")
  let sideOptions = [
    "source-unit", "source-max-size", "target-max-size", "source-locale", "target-locale",
  ]
  if isJoint, let other = sideOptions.first(where: arguments.has) {
    throw UsageError("--\(other) is of one side, and --joint is for both: leave one of them out")
  }
  let given = try givenVocabulary(
    arguments, insteadOf: ["unit", "joint", "max-size", "min-count"] + sideOptions)
  let both = try maximumSize("max-size")
  let sourceSize = try maximumSize("source-max-size") ?? both
  let targetSize = try maximumSize("target-max-size") ?? both
  let share = try arguments.number("validation", in: 0...0.9) ?? 0.05
  let read = try parallelText(arguments)
  let files = try runFiles(arguments, reading: ["dev", "source", "target", "vocabulary"])
  options.files = files
  options.corpusNames = fileNames(
    arguments.words + [arguments.text("source"), arguments.text("target")].compactMap { $0 })

  let all = try read.get()
  let development = try arguments.text("dev").map {
    let (source, target) = try columns(arguments)
    return try ParallelText(contentsOf: [$0], sourceColumn: source, targetColumn: target)
  }
  var training = all
  var validation = development
  if development == nil, share > 0 { (training, validation) = all.split(keeping: share) }
  if validation?.pairs.isEmpty == true { validation = nil }
  if all.skipped > 0 {
    complain("\(grouped(all.skipped)) pairs with an empty side were left out")
  }
  let joint =
    try given
    ?? (isJoint
      ? training.jointVocabulary(
        targetSegmentation, minimumCount: minimumCount, maximumSize: both) : nil)
  let source =
    try joint
    ?? training.vocabulary(
      of: \.source, sourceSegmentation, minimumCount: minimumCount, maximumSize: sourceSize)
  let target =
    try joint
    ?? training.vocabulary(
      of: \.target, targetSegmentation, minimumCount: minimumCount, maximumSize: targetSize)
  var translator = try Translator(size, source: source, target: target, seed: options.plan.seed)
  let reporter = ProgressReporter(
    unit: "symbols", json: arguments.has("json"), isQuiet: arguments.has("quiet"))
  reporter.begin(
    """
    \(grouped(training.pairs.count)) pairs, \(grouped(source.count)) and \(grouped(target.count)) \
    symbols
    \(size.cell.rawValue), \(size.layers) x \(size.hiddenSize) units, attention \
    \(size.attention.rawValue), \(grouped(translator.network.layout.weightCount)) weights

    """)
  catchInterrupts()
  let end = try translator.train(
    on: training, validation: validation, options, report: { reporter.report($0) },
    isStopped: { isInterrupted })
  let left = training.pairs.count - translator.card.trainingPairs
  if left > 0 {
    complain(
      "\(grouped(left)) pairs with more than \(options.mostSymbols) symbols on a side were left out"
    )
  }
  reporter.finish(end, record: translator.card.record, output: files.model)
}

private func cutoffs(_ arguments: ParsedArguments) throws -> [Int]? {
  guard let text = arguments.text("cutoffs") else { return nil }
  guard let numbers = integers(text), numbers.allSatisfy({ $0 <= 4_000_000 }) else {
    throw UsageError("--cutoffs \(text): expected rising numbers, such as 2000,8000")
  }
  return numbers
}

private func columns(_ arguments: ParsedArguments) throws -> (Int, Int) {
  guard let text = arguments.text("columns") else { return (1, 2) }
  guard let numbers = integers(text), numbers.count == 2,
    numbers.allSatisfy({ (1...1000).contains($0) })
  else {
    throw UsageError("--columns \(text): expected two numbers from 1, such as 1,2")
  }
  return (numbers[0], numbers[1])
}

/// Numbers with commas between them; nil where something else is there.
private func integers(_ text: String) -> [Int]? {
  let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
  return parts.contains(nil) ? nil : parts.compactMap { $0 }
}

/// The pairs that the arguments name, read when they are asked for; wrong calls are told at once.
private func parallelText(
  _ arguments: ParsedArguments
) throws -> Result<ParallelText, any Error> {
  switch (arguments.text("source"), arguments.text("target")) {
  case (let source?, let target?):
    guard arguments.words.isEmpty else {
      throw UsageError(
        "pairs are given twice: as \(arguments.words[0]) and with --source, --target")
    }
    return Result { try ParallelText(source: source, target: target) }
  case (nil, nil):
    guard !arguments.words.isEmpty else {
      throw UsageError("no pairs: name a file of columns, or give --source and --target")
    }
    let (source, target) = try columns(arguments)
    return Result {
      try ParallelText(contentsOf: arguments.words, sourceColumn: source, targetColumn: target)
    }
  default: throw UsageError("--source and --target go together")
  }
}

/// The command `majortom translate`.
func translate(_ words: [String]) throws {
  let arguments = try ParsedArguments(
    words, command: "majortom translate", synopsis: "-m MODEL [TEXT...] [OPTION...]",
    about: "Translates a text from arguments, or standard input line by line.",
    options: [
      modelOption(demo: "none"),
      Option("beam", "N", "Translations followed at once (default: 1, greedy)"),
      Option("length-power", "A", "Scores are divided by length to the power A (default: 1)"),
      Option("coverage", "B", "Weight of a penalty for what was not looked at (default: 0)"),
      Option("no-repeat", "N", "Write no row of N symbols twice in a sentence (default: 0, free)"),
      Option("best", "N", "Print the N best, each with its log probability"),
      Option(flag: "attention", "Show what each symbol written looked at"),
      Option(flag: "alignments", "Print i-j pairs: what j looked at most is i, both from 0"),
      Option("html", "FILE", "Write the attention of the first text as a page"),
      Option(flag: "force", "Lines of source, tab, target: print log probability of the target"),
      Option("batch", "N", "Lines to translate at once from standard input (default: 1)"),
      precisionOption, threadsOption, Option(flag: "json", "JSON on standard output"),
    ])
  if arguments.printedHelp { return }
  let best = try arguments.integer("best", in: 1...1000)
  let beam = try arguments.integer("beam", in: 1...1000) ?? best ?? 1
  var search = Translator.Search(
    beam: beam, lengthPower: try arguments.number("length-power", in: 0...10) ?? 1,
    best: best ?? 1)
  search.best = min(search.best, beam)
  search.coverage = try arguments.number("coverage", in: 0...100) ?? 0
  search.noRepeatNGram = try arguments.integer("no-repeat", in: 0...1000) ?? 0
  search.keepsAttention = ["attention", "alignments", "html"].contains(where: arguments.has)
  let batch = try arguments.integer("batch", in: 1...1_000_000) ?? 1
  let threads = try arguments.integer("threads", in: 1...1024)
  if arguments.has("force"),
    let other = ["best", "attention", "alignments", "html"].first(where: arguments.has)
  {
    throw UsageError("--\(other) is of a search, and --force makes none: leave one of them out")
  }
  let path = try modelPath(arguments, demo: "models/translator.safetensors")
  if let page = arguments.text("html") { try demandApart(page, [path, "/dev/stdin"]) }
  var translator = try Translator(contentsOf: path)
  if let precision = try arguments.choice("precision", of: ProductPrecision.self) {
    translator.use(precision)
  }
  let loaded = translator
  var number = 0
  var hasPage = false
  func write(_ lines: [String]) throws {
    if arguments.has("force") {
      for line in lines {
        number += 1
        if line.isEmpty {
          writeOutput("\n")
          continue
        }
        let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
        guard parts.count >= 2 else {
          throw InputError(
            description: "line \(number): there is no tab between a source and its target")
        }
        let pair = ParallelText.Pair(source: String(parts[0]), target: String(parts[1]))
        let value = try loaded.logProbabilities(of: ParallelText([pair]))[0]
        guard value.isFinite else { throw noNumbers(path, pair.source) }
        if arguments.has("json") {
          writeJSON([
            "source": .text(pair.source), "target": .text(pair.target),
            "log_probability": .number(value),
          ])
        } else {
          writeOutput("\(fixed(value, 4))\t\(line)\n")
        }
      }
      return
    }
    let found = try loaded.translate(lines, search, threads: threads)
    if let page = arguments.text("html"), !hasPage, let first = found.first?.first {
      hasPage = true
      var file = try FileWriter(replacing: page)
      file.write(attentionPage(first))
      try file.finish()
    }
    for (line, translations) in zip(lines, found) {
      for translation in translations {
        guard translation.logProbability.isFinite else { throw noNumbers(path, line) }
        let text = onOneLine(translation.text)
        // The last column is the source's end, which is no symbol to point at.
        let links = translation.attention.prefix(translation.written.count).enumerated().map {
          place, row in
          (row.indices.prefix(max(1, translation.read.count)).max { row[$0] < row[$1] } ?? 0, place)
        }
        if arguments.has("json") {
          writeJSON([
            "source": .text(line), "translation": .text(translation.text),
            "log_probability": .number(translation.logProbability),
            "attention": .list(
              translation.attention.map { .list($0.map { .number(Double($0)) }) }),
            "alignments": .list(links.map { .list([.whole($0.0), .whole($0.1)]) }),
          ])
          continue
        } else if best != nil {
          writeOutput("\(fixed(translation.logProbability, 4))\t\(text)\n")
        } else {
          writeOutput(text + "\n")
        }
        if arguments.has("attention") { writeOutput(attentionTable(translation)) }
        if arguments.has("alignments") {
          writeOutput(links.map { "\($0.0)-\($0.1)" }.joined(separator: " ") + "\n")
        }
      }
    }
  }
  if !arguments.words.isEmpty { return try write([arguments.words.joined(separator: " ")]) }
  var lines: [String] = []
  try forEachInputLine { line in
    lines.append(withoutMarks(line))
    if lines.count >= batch {
      try write(lines)
      lines.removeAll(keepingCapacity: true)
    }
  }
  if !lines.isEmpty { try write(lines) }
}

/// The error of weights that give no numbers.
private func noNumbers(_ path: String, _ text: String) -> InputError {
  InputError(
    description: "\(path): its weights give no number for \"\(visible(String(text.prefix(40))))\": "
      + "the file is damaged, or its training went wrong")
}

/// A translation as a line of its own: a model that has learnt little may write any symbol.
private func onOneLine(_ text: String) -> String {
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
  let width = translation.written.map { visible($0).count }.max() ?? 1
  var text = ""
  for (row, weights) in translation.attention.enumerated() {
    let symbol = row < translation.written.count ? visible(translation.written[row]) : endMark
    let padding = String(repeating: " ", count: max(0, max(width, 1) - symbol.count))
    let cells = weights.indices.map { column in
      let shade = shades[min(4, Int((weights[column] * 4.99).rounded(.down)))]
      return String(repeating: shade, count: max(1, read[min(column, read.count - 1)].count))
    }
    text += "  \(padding)\(symbol) |\(cells.joined(separator: " "))|\n"
  }
  let padding = String(repeating: " ", count: max(width, 1))
  return text + "  \(padding)  \(read.joined(separator: " "))\n"
}

private func attentionPage(_ translation: Translator.Translation) -> String {
  let read = translation.read + [endMark]
  let head = read.map { "<th>\(escaped($0))</th>" }.joined()
  let rows = translation.attention.enumerated().map { row, weights in
    let symbol = row < translation.written.count ? translation.written[row] : endMark
    let cells = weights.map { weight in
      "<td style=\"background:rgba(209,73,91,\(fixed(Double(weight), 3)))\" "
        + "title=\"\(fixed(Double(weight), 3))\"></td>"
    }.joined()
    return "<tr><th>\(escaped(symbol))</th>\(cells)</tr>"
  }
  return htmlPage(
    title: "What the decoder looked at",
    style: "td { width: 1.2em; height: 1.2em } th { font-weight: normal; white-space: pre }",
    body: """
      <p>\(escaped(translation.read.joined())) → \(escaped(translation.text))</p>
      <table><tr><th></th>\(head)</tr>
      \(rows.joined(separator: "\n"))
      </table>
      """)
}

/// `majortom evaluate` with a translator.
func evaluateTranslator(_ arguments: ParsedArguments, path: String) throws {
  let translator = try Translator(contentsOf: path)
  let text = try ParallelText(contentsOf: arguments.words)
  let threads = try arguments.integer("threads", in: 1...1024)
  let search = Translator.Search(beam: try arguments.integer("beam", in: 1...1000) ?? 1)
  // A source with several translations is translated once, and compared with all of them.
  var references: [String: [String]] = [:]
  var sources: [String] = []
  for pair in text.pairs {
    if references[pair.source] == nil { sources.append(pair.source) }
    references[pair.source, default: []].append(pair.target)
  }
  let found = try zip(sources, translator.translate(sources, search, threads: threads)).map {
    source, translations in
    guard let best = translations.first, best.logProbability.isFinite else {
      throw noNumbers(path, source)
    }
    return onOneLine(best.text)
  }
  var metrics: [any TranslationMetric] = [BLEU(), ChrF(.chrF2), ExactMatch()]
  for (source, translation) in zip(sources, found) {
    for place in metrics.indices {
      metrics[place].add(translation, references: references[source] ?? [])
    }
  }
  let loss = try translator.loss(on: text, threads: threads)
  if arguments.has("json") {
    for metric in metrics {
      writeJSON(["metric": .text(metric.name), "value": .number(metric.value)])
    }
    writeJSON(["nats_per_symbol": .number(loss), "perplexity": .number(exp(loss))])
    return
  }
  for metric in metrics { writeOutput("\(metric)\n  \(metric.signature)\n") }
  writeOutput(
    "\(grouped(sources.count)) sources, \(fixed(loss, 4)) nats/symbol, perplexity \(fixed(exp(loss), 3))\n"
  )
}

/// `majortom info` with a translator.
func describeTranslator(_ path: String, json: Bool) throws {
  let translator = try Translator(contentsOf: path)
  guard !json else { return writeOutput(translator.jsonDescription + "\n") }
  let (size, card) = (translator.configuration, translator.card)
  func side(_ vocabulary: Vocabulary, longest: Int) -> String {
    "\(grouped(vocabulary.count)) symbols by \(vocabulary.segmentation.unit.rawValue), locale "
      + "\(vocabulary.segmentation.locale), at most \(grouped(longest)) in a sentence"
  }
  var traits = ["attention \(size.attention.rawValue)"]
  if size.feedsInput { traits.append("input feeding") }
  if size.tiesEmbeddings { traits.append("tied vectors") }
  if size.reversesSource { traits.append("source reversed") }
  if let cutoffs = size.cutoffs {
    traits.append("cutoffs " + cutoffs.map(String.init).joined(separator: ","))
  }
  var lines = [
    """
    translator: \(size.cell.rawValue), \(size.layers) x \(size.hiddenSize) units, vectors of \
    \(size.embeddingSize), \(traits.joined(separator: ", "))
    """,
    "reads: " + side(translator.source, longest: card.longestSource),
    "writes: " + side(translator.target, longest: card.longestTarget),
    """
    data: \(card.corpus.joined(separator: ", ")): \(grouped(card.trainingPairs)) pairs to train on, \
    \(grouped(card.validationPairs)) to choose by
    """,
    "trained: \(grouped(card.record.updates)) updates in \(time(card.record.seconds))",
  ]
  if let best = card.record.bestLoss {
    lines.append(
      "validation: \(fixed(best, 4)) nats a symbol at update \(grouped(card.record.bestUpdate))")
  }
  writeOutput((lines + weightLines(translator.network.layout)).joined(separator: "\n") + "\n")
}
