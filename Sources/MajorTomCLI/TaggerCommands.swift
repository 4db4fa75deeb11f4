import CommandLineOptions
import Glibc
import MajorTom

private enum DataFormatName: String, CaseIterable { case auto, columns, conllu }

/// The options that say how files of tagged sentences are laid out.
private let dataOptions: [Option] = [
  Option("data-format", "NAME", "columns, conllu, or auto: by the file's name (default: auto)"),
  Option(
    "column", "COLUMN",
    "The tags: a number, last, upos, xpos or feats:NAME (default: last; CoNLL-U: upos)"),
  Option("token-column", "N", "The column of the words (default: 1)"),
  Option("scheme", "NAME", "Scheme of span tags: iob1, iob2 or bioes (default: found out)"),
  Option(flag: "repair-tags", "Accept tags that break their scheme, as conlleval reads them"),
]

private func taggedFormat(_ arguments: ParsedArguments) throws -> TaggedFormat {
  let column: TaggedFormat.TagColumn? = try arguments.text("column").map { text throws in
    switch text {
    case "last": return .last
    case "upos": return .upos
    case "xpos": return .xpos
    default:
      if text.hasPrefix("feats:"), text.count > 6 { return .feature(String(text.dropFirst(6))) }
      if let number = Int(text), number >= 1 { return .number(number) }
      throw UsageError(
        "--column \(text): expected a number from 1, last, upos, xpos or feats:NAME")
    }
  }
  let isCoNLLU: Bool? =
    switch try arguments.choice("data-format", of: DataFormatName.self) ?? .auto {
    case .auto: nil
    case .columns: false
    case .conllu: true
    }
  return TaggedFormat(
    isCoNLLU: isCoNLLU, wordColumn: try arguments.integer("token-column", in: 1...1000) ?? 1,
    tagColumn: column, scheme: try arguments.choice("scheme", of: TagScheme.self),
    repairsTags: arguments.has("repair-tags"))
}

/// The command `majortom train tagger TRAIN... -o MODEL`.
func trainTagger(_ words: [String]) throws {
  let defaults = Tagger.TrainingOptions()
  let size = Tagger.Configuration()
  let arguments = try ParsedArguments(
    words, command: "majortom train tagger", synopsis: "TRAIN... -o MODEL [OPTION...]",
    about: """
      Trains a tagger on sentences with tags, in CoNLL columns or CoNLL-U, gzip too: names and their
      types, parts of speech, or any other tag a word has.
      """,
    options: [
      Option("output", short: "o", "FILE", "Write the model to FILE (needed)"),
      Option("dev", "FILE", "Choose the best epoch by this file"),
    ] + dataOptions + [
      Option("locale", "LOCALE", "Locale by which text will be cut into words (default: en)"),
      Option(
        "cell", "CELL",
        "\(CellKind.allCases.map(\.rawValue).joined(separator: ", ")) (default: lstm)"),
      Option("layers", "N", "Layers (default: \(size.layers))"),
      Option("hidden", "N", "Units of a layer in each direction (default: \(size.hiddenSize))"),
      Option(flag: "forward-only", "Read words forwards only, to see what that costs"),
      Option("words", "N", "Width of a word's vector (default: \(size.wordSize))"),
      Option(
        "vectors", "FILE", "Words begin with the vectors of FILE: word2vec, GloVe, fastText text"),
      Option(
        "vector-words", "N",
        "Keep the vectors of the first N words of FILE too, not only of words in use (default: 0)"),
      Option(
        "language-model", "MODEL",
        "Read each sentence with MODEL first, its states are features; may be given more than once"),
      Option(
        "projected", "N", "Width of what is read of them (default: \(size.projectedFeatures))"),
      Option("characters", "READER", "none, cnn or lstm (default: cnn)"),
      Option(
        "character-size", "N", "Width of a character's vector (default: \(size.characterSize))"),
      Option(
        "character-features", "N",
        "What is made of a word's characters (default: \(size.characterFeatures))"),
      Option("shapes", "N", "Width of what tells capitals and digits (default: \(size.shapeSize))"),
      Option("decoder", "NAME", "crf or softmax (default: crf)"),
      Option("min-count", "N", "Words seen less than N times are unknown (default: 1)"),
      Option("dropout-inputs", "P", "Share of inputs dropped (default: \(size.inputDropout))"),
      Option("dropout", "P", "Share of outputs dropped (default: \(size.dropout))"),
      Option("dropout-states", "P", "Share of recurrent inputs dropped (default: 0)"),
      Option(
        "word-dropout", "P",
        "A word seen n times is taken for unknown in P / (P + n) (default: \(size.wordDropout))"),
      Option("batch", "N", "Sentences of an update (default: 8 to 32, by the size of the data)"),
      Option("shards", "N", "Parts of a batch; changes results (default: \(defaults.shards))"),
      precisionOption,
      Option("seeds", "N", "Train with seeds 1 to N, keep the best, tell mean and deviation"),
    ] + planOptions(defaults.plan))
  if arguments.printedHelp { return }
  guard !arguments.words.isEmpty else {
    throw UsageError("no data: name a file of tagged sentences; see majortom train tagger --help")
  }
  let configuration = try taggerConfiguration(arguments)
  let format = try taggedFormat(arguments)
  let minimumCount = try arguments.integer("min-count", in: 1...Int.max) ?? 1
  var options = defaults
  options.plan = try trainingPlan(arguments, default: options.plan)
  let batch = try arguments.integer("batch", in: 1...65536)
  options.shards = try arguments.integer("shards", in: 1...(batch ?? 65536)) ?? options.shards
  options.threads = try arguments.integer("threads", in: 1...1024)
  options.precision =
    try arguments.choice("precision", of: ProductPrecision.self) ?? options.precision
  options.locale = arguments.text("locale") ?? options.locale
  _ = try Segmenter(Segmentation(unit: .word, locale: options.locale))
  let seeds = try arguments.integer("seeds", in: 1...1000)
  if seeds != nil, arguments.has("seed") {
    throw UsageError("only one of --seed and --seeds can be given")
  }
  if seeds != nil, arguments.has("resume") {
    throw UsageError("--seeds trains whole runs and keeps no checkpoint: leave --resume out")
  }
  let files = try runFiles(arguments, reading: ["dev", "vectors", "language-model"])
  options.corpusNames = fileNames(arguments.words)

  let corpus = try TaggedCorpus(contentsOf: arguments.words, format: format)
  let development = try arguments.text("dev").map {
    try TaggedCorpus(contentsOf: [$0], format: format)
  }
  for (name, data) in [("training data", corpus), ("--dev", development)] {
    guard let data, data.repaired > 0 else { continue }
    complain("\(name): \(grouped(data.repaired)) tags broke their scheme and were repaired")
  }
  if let development { try demandAlike(corpus, development) }
  options.batch = batch ?? Tagger.TrainingOptions.batch(for: corpus.sentences.count)
  let languageModels = try arguments.texts("language-model").map {
    try LanguageModel(contentsOf: $0)
  }
  let mostWords = try arguments.integer("vector-words", in: 0...100_000_000) ?? 0
  let vectors = try arguments.text("vectors").map {
    try WordVectors(
      contentsOf: $0, wordsOf: [corpus] + (development.map { [$0] } ?? []), andFirst: mostWords)
  }
  if let vectors {
    if let width = try arguments.integer("words", in: 1...16384), width != vectors.width {
      throw UsageError(
        "--words \(width), and the vectors have \(vectors.width) numbers: leave --words out")
    }
    complain(
      "\(grouped(vectors.vectors.count)) of \(grouped(vectors.wordsInFile)) vectors are in use")
  }
  catchInterrupts()
  func train(_ seed: UInt64, _ files: RunFiles?) throws -> (Tagger, TrainingEnd) {
    options.plan.seed = seed
    options.files = files
    var tagger = try Tagger(
      configuration, learning: corpus, minimumCount: minimumCount, vectors: vectors,
      languageModels: languageModels, seed: seed)
    let reporter = ProgressReporter(
      unit: "words", figure: corpus.hasSpans ? "F1" : "accuracy", json: arguments.has("json"),
      isQuiet: arguments.has("quiet"))
    reporter.begin(
      """
      \(grouped(corpus.sentences.count)) sentences, \(grouped(corpus.wordCount)) words, \
      \(grouped(tagger.lexicon.tags.count)) tags
      \(configuration.cell.rawValue), \(configuration.layers) x \(configuration.hiddenSize) units \
      \(configuration.isForwardOnly ? "forwards" : "both ways"), \
      \(grouped(tagger.network.layout.weightCount)) weights, seed \(seed)

      """)
    let end = try tagger.train(
      on: corpus, development: development, options, report: { reporter.report($0) },
      isStopped: { isInterrupted })
    reporter.finish(end, record: tagger.card.record, output: files?.model ?? "")
    return (tagger, end)
  }
  guard let seeds else {
    _ = try train(options.plan.seed, files)
    return
  }
  var figures: [Double] = []
  var best: Tagger?
  for seed in 1...UInt64(seeds) {
    let (tagger, end) = try train(seed, nil)
    if end == .interrupted {
      complain("interrupted: with --seeds, only whole runs are kept")
      break
    }
    let loss = tagger.card.record.bestLoss ?? 1
    if loss < best?.card.record.bestLoss ?? .infinity || best == nil { best = tagger }
    figures.append(100 * (1 - loss))
    try best?.write(to: files.model)
  }
  guard !figures.isEmpty else { throw Interruption() }
  guard development != nil else { return }
  let mean = figures.reduce(0, +) / Double(figures.count)
  let deviation =
    (figures.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, figures.count - 1)))
    .squareRoot()
  writeError(
    "\(figures.count) seeds: \(figures.map { fixed($0, 2) }.joined(separator: ", ")); "
      + "mean \(fixed(mean, 2)), deviation \(fixed(deviation, 2)); the best is in \(files.model)\n")
}

/// Training that ended before there was anything to keep.
private struct Interruption: Error, CustomStringConvertible {
  var description: String { "no run was whole, so there is no model" }
}

/// Throws where tags of spans meet tags of words.
private func demandAlike(_ corpus: TaggedCorpus, _ other: TaggedCorpus) throws {
  guard corpus.hasSpans == other.hasSpans else {
    throw UsageError(
      "the training data have tags of \(corpus.hasSpans ? "spans" : "words"), and --dev of "
        + "\(other.hasSpans ? "spans" : "words"); choose the right --column")
  }
}

private func taggerConfiguration(_ arguments: ParsedArguments) throws -> Tagger.Configuration {
  var size = Tagger.Configuration()
  func set(_ name: String, _ value: inout Int, least: Int = 1) throws {
    value = try arguments.integer(name, in: least...16384) ?? value
  }
  func share(_ name: String, _ value: inout Double) throws {
    value = try arguments.number(name, in: 0...0.99) ?? value
  }
  size.cell = try arguments.choice("cell", of: CellKind.self) ?? size.cell
  size.layers = try arguments.integer("layers", in: 1...64) ?? size.layers
  size.isForwardOnly = arguments.has("forward-only")
  size.characters =
    try arguments.choice("characters", of: Tagger.CharacterReader.self) ?? size.characters
  size.decoder = try arguments.choice("decoder", of: Tagger.Decoder.self) ?? size.decoder
  try set("hidden", &size.hiddenSize)
  try set("words", &size.wordSize)
  try set("projected", &size.projectedFeatures)
  try set("character-size", &size.characterSize)
  try set("character-features", &size.characterFeatures)
  try set("shapes", &size.shapeSize, least: 0)
  try share("dropout-inputs", &size.inputDropout)
  try share("dropout", &size.dropout)
  try share("dropout-states", &size.stateDropout)
  size.wordDropout = try arguments.number("word-dropout", in: 0...1000) ?? size.wordDropout
  return size
}

/// `majortom evaluate` with a tagger.
func evaluateTagger(_ arguments: ParsedArguments, path: String) throws {
  let tagger = try Tagger(contentsOf: path)
  let corpus = try TaggedCorpus(contentsOf: arguments.words, format: try taggedFormat(arguments))
  if corpus.repaired > 0 {
    complain("\(grouped(corpus.repaired)) tags broke their scheme and were repaired")
  }
  guard corpus.hasSpans == tagger.lexicon.hasSpans else {
    throw UsageError(
      "the model gives tags of \(tagger.lexicon.hasSpans ? "spans" : "words"), and the data have "
        + "tags of \(corpus.hasSpans ? "spans" : "words"); choose the right --column")
  }
  let unknown = Set(corpus.sentences.flatMap(\.tags)).subtracting(tagger.lexicon.tags).sorted()
  if !unknown.isEmpty {
    complain(
      "tags that training never saw, and that count as not found: "
        + unknown.joined(separator: ", "))
  }
  let score = try tagger.evaluate(
    on: corpus, threads: try arguments.integer("threads", in: 1...1024))
  guard arguments.has("json") else {
    writeOutput(score.report)
    return
  }
  guard score.hasSpans else {
    writeJSON(["words": .whole(score.words), "accuracy": .number(score.accuracy)])
    return
  }
  let all = score.all
  writeJSON([
    "words": .whole(score.words), "accuracy": .number(score.accuracy),
    "precision": .number(all.precision), "recall": .number(all.recall), "f1": .number(all.f1),
    "types": .list(
      score.types.sorted { $0.key < $1.key }.map { type, counts in
        .object([
          "type": .text(type), "right": .whole(counts.right), "found": .whole(counts.found),
          "correct": .whole(counts.correct), "f1": .number(counts.f1),
        ])
      }),
  ])
}

/// The options of `evaluate` that are for taggers.
let taggedDataOptions = dataOptions

/// `majortom info` with a tagger.
func describeTagger(_ path: String, json: Bool) throws {
  let tagger = try Tagger(contentsOf: path)
  guard !json else { return writeOutput(tagger.jsonDescription + "\n") }
  let (size, card, lexicon) = (tagger.configuration, tagger.card, tagger.lexicon)
  var lines = [
    """
    tagger: \(size.cell.rawValue), \(size.layers) x \(size.hiddenSize) units \
    \(size.isForwardOnly ? "forwards" : "both ways"), words of \(size.wordSize), characters by \
    \(size.characters.rawValue), decoder \(size.decoder.rawValue)
    """,
    "tags of \(lexicon.hasSpans ? "spans" : "words"): \(lexicon.tags.joined(separator: " "))",
    "knows \(grouped(lexicon.words.count - 1)) words, \(grouped(lexicon.characters.count - 2)) characters",
    """
    data: \(card.corpus.joined(separator: ", ")): \(grouped(card.trainingSentences)) sentences, \
    \(grouped(card.trainingWords)) words; locale \(card.locale)
    """,
    "trained: \(grouped(card.record.updates)) updates in \(time(card.record.seconds))",
  ]
  for model in tagger.languageModels {
    lines.append(
      "reads first: a language model, \(model.configuration.cell.rawValue), "
        + "\(model.configuration.layers) x \(model.configuration.hiddenSize) units"
        + (model.configuration.isBackwards ? ", backwards" : ""))
  }
  if let best = card.record.bestLoss {
    lines.append(
      "development data: \(lexicon.hasSpans ? "F1" : "accuracy") \(fixed(100 * (1 - best), 2)) at "
        + "update \(grouped(card.record.bestUpdate)), temperature \(fixed(card.temperature, 2))")
  }
  writeOutput((lines + weightLines(tagger.network.layout)).joined(separator: "\n") + "\n")
}
