import CommandLineOptions
import MajorTom

private let trainOptions: [Option] =
  [
    Option("output", short: "o", "FILE", "Write the model to FILE (needed)"),
    Option(
      "unit", "UNIT",
      "Symbols: byte, code-point, grapheme, word, spaced-word, subword (default: grapheme)"),
    Option("vocabulary", "FILE", "Take the symbols of a file of majortom vocabulary"),
    Option("normalization", "FORM", "none, nfc, nfkc or case-folding (default: none)"),
    Option("locale", "LOCALE", "Locale of word breaks (default: en)"),
    Option("encoding", "NAME", "Encoding of the corpus (default: detected)"),
    Option("min-count", "N", "Spell symbols seen less than N times as bytes (default: 2)"),
    Option(
      "max-size", "N",
      "Largest vocabulary, the 256 bytes included (default: none, for subwords "
        + "\(Vocabulary.usualSubwordCount))"
    ),
    Option(
      "cell", "CELL",
      "\(CellKind.allCases.map(\.rawValue).joined(separator: ", ")) (default: lstm)"),
    Option("layers", "N", "Layers (default: 2)"),
    Option("hidden", "N", "Units of a layer (default: 256)"),
    Option("embedding", "N", "Width of a symbol's vector (default: 128)"),
    Option("dropout", "P", "Share of outputs dropped in training (default: 0.2)"),
    Option("dropout-inputs", "P", "Share of symbol vectors dropped in training (default: 0)"),
    Option("dropout-states", "P", "Share of recurrent inputs dropped in training (default: 0)"),
    Option("zoneout", "P", "Share of h that stays as it was at a step (default: 0)"),
    Option("zoneout-cell", "P", "Share of c that stays as it was at a step (default: 0)"),
    Option("weight-drop", "P", "Share of recurrent weights dropped in training (default: 0)"),
    Option("forget-bias", "B", "Initial bias of forget gates (default: 1)"),
    Option(flag: "residual", "Layers above the first add their input to their output"),
    Option("window", "N", "Symbols that a layer of window or tdnn sees (default: 8)"),
    Option(flag: "backwards", "Read texts from their end to their beginning"),
    Option("batch", "N", "Lanes through the corpus (default: 32)"),
    Option("steps", "N", "Symbols of a lane in one update (default: 128)"),
    Option("shards", "N", "Parts of a batch; changes results (default: up to 4)"),
    Option(
      "validation", "SHARE",
      "Share of the corpus to validate on, at its end, backwards at its beginning (default: 0.1)"),
    precisionOption,
  ] + planOptions(TrainingPlan())

/// The command `majortom train lm CORPUS... -o MODEL`.
func trainLanguageModel(_ words: [String]) throws {
  let arguments = try ParsedArguments(
    words, command: "majortom train lm", synopsis: "CORPUS... -o MODEL [OPTION...]",
    about: "Trains a stacked recurrent language model on text files.", options: trainOptions)
  if arguments.printedHelp { return }
  guard !arguments.words.isEmpty else {
    throw UsageError("no corpus: name at least one text file; see majortom train lm --help")
  }
  let configuration = try networkConfiguration(arguments)
  let given = try givenVocabulary(
    arguments, insteadOf: ["unit", "normalization", "locale", "min-count", "max-size"])
  let segmentation = Segmentation(
    unit: try arguments.choice("unit", of: TextUnit.self) ?? .grapheme,
    normalization: try arguments.choice("normalization", of: Normalization.self) ?? .none,
    locale: arguments.text("locale") ?? "en")
  let minimumCount = try arguments.integer("min-count", in: 1...Int.max) ?? 2
  let maximumSize = try arguments.integer("max-size", in: 256...4_000_000)
  var options = try trainingOptions(arguments)
  let files = try runFiles(arguments, reading: ["vocabulary"])
  options.files = files
  options.corpusNames = fileNames(arguments.words)

  let corpus = try Corpus(
    contentsOf: arguments.words,
    encoding: try arguments.text("encoding").map { try TextEncoding(named: $0) } ?? .detect)
  let vocabulary =
    try given
    ?? Vocabulary(
      counting: segmentation, in: corpus, minimumCount: minimumCount, maximumSize: maximumSize)
  let symbols = try EncodedCorpus(corpus, vocabulary: vocabulary)
  var model = try LanguageModel(
    configuration, vocabulary: vocabulary, seed: options.plan.seed)
  let reporter = ProgressReporter(
    unit: symbolName(vocabulary.segmentation.unit), json: arguments.has("json"),
    isQuiet: arguments.has("quiet"))
  reporter.begin(
    """
    \(grouped(corpus.byteCount)) bytes of text, \(grouped(symbols.count)) \(reporter.unit), \
    \(grouped(vocabulary.count)) symbols
    \(configuration.cell.rawValue), \(configuration.layers) x \
    \(configuration.hiddenSize) units, \(grouped(model.network.layout.weightCount)) weights\
    \(configuration.isBackwards ? ", reads backwards" : "")

    """)
  catchInterrupts()
  let end = try model.train(
    on: symbols, options, report: { reporter.report($0) }, isStopped: { isInterrupted })
  reporter.finish(end, record: model.card.record, output: files.model)
}

/// What people call the symbols of a unit.
private func symbolName(_ unit: TextUnit) -> String {
  switch unit {
  case .byte, .codePoint, .grapheme: "chars"
  case .word, .spacedWord: "words"
  case .subword: "pieces"
  }
}

private func networkConfiguration(
  _ arguments: ParsedArguments
) throws -> LanguageModel.Configuration {
  LanguageModel.Configuration(
    cell: try arguments.choice("cell", of: CellKind.self) ?? .lstm,
    layers: try arguments.integer("layers", in: 1...64) ?? 2,
    hiddenSize: try arguments.integer("hidden", in: 1...16384) ?? 256,
    embeddingSize: try arguments.integer("embedding", in: 1...16384) ?? 128,
    dropout: try arguments.number("dropout", in: 0...0.99) ?? 0.2,
    inputDropout: try arguments.number("dropout-inputs", in: 0...0.99) ?? 0,
    stateDropout: try arguments.number("dropout-states", in: 0...0.99) ?? 0,
    zoneoutHidden: try arguments.number("zoneout", in: 0...0.99) ?? 0,
    zoneoutCell: try arguments.number("zoneout-cell", in: 0...0.99) ?? 0,
    weightDrop: try arguments.number("weight-drop", in: 0...0.99) ?? 0,
    forgetBias: try arguments.number("forget-bias", in: -100...100) ?? 1,
    isResidual: arguments.has("residual"),
    window: try arguments.integer("window", in: 1...256) ?? 8,
    isBackwards: arguments.has("backwards"))
}

private func trainingOptions(
  _ arguments: ParsedArguments
) throws -> LanguageModel.TrainingOptions {
  var options = LanguageModel.TrainingOptions()
  options.plan = try trainingPlan(arguments, default: options.plan)
  let batch = try arguments.integer("batch", in: 1...65536) ?? 32
  options.lanes = LanePlan(
    batch: batch, steps: try arguments.integer("steps", in: 1...65536) ?? 128,
    validation: try arguments.number("validation", in: 0...0.9) ?? 0.1,
    shards: try arguments.integer("shards", in: 1...batch))
  options.threads = try arguments.integer("threads", in: 1...1024)
  options.precision = try arguments.choice("precision", of: ProductPrecision.self) ?? .float32
  return options
}
