import CommandLineOptions
import Glibc
import MajorTom
import Synchronization

private let trainOptions: [Option] = [
  Option("output", short: "o", "FILE", "Write the model to FILE (needed)"),
  Option("unit", "UNIT", "Symbols: byte, code-point, grapheme, word (default: grapheme)"),
  Option("normalization", "FORM", "none, nfc, nfkc or case-folding (default: none)"),
  Option("locale", "LOCALE", "Locale of word breaks (default: en)"),
  Option("encoding", "NAME", "Encoding of the corpus (default: detected)"),
  Option("min-count", "N", "Spell symbols seen less than N times as bytes (default: 2)"),
  Option("max-size", "N", "Largest vocabulary, the 256 bytes included (default: none)"),
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
  Option("minutes", "M", "Train for M minutes"),
  Option("epochs", "E", "Train E times through the corpus (default: 10)"),
  Option("updates", "N", "Train for N updates"),
  Option("rate", "R", "Highest learning rate (default: 0.003)"),
  Option("warm-up", "N", "Updates until the highest rate (default: 100)"),
  Option("optimizer", "RULE", "adamw or sgd (default: adamw)"),
  Option("momentum", "M", "Momentum of sgd (default: 0.9)"),
  Option("weight-decay", "D", "Weight decay (default: 0.1)"),
  Option("clip", "NORM", "Largest norm of a gradient (default: 1)"),
  Option("patience", "N", "Stop after N validations without gain, 0: never (default: 10)"),
  Option("validate-every", "N", "Updates between validations (default: by size)"),
  Option("seed", "S", "Seed (default: 1)"),
  Option("threads", "N", "Threads; does not change results (default: all)"),
  Option("precision", "P", "Products in f32 or bf16 (default: f32)"),
  Option(flag: "resume", "Go on from the checkpoint of FILE, if there is one"),
  Option(flag: "overwrite", "Start anew where an unfinished checkpoint lies"),
  Option("checkpoint-every", "SECONDS", "Seconds between checkpoints (default: 60)"),
  Option(flag: "json", "One JSON object a line on standard output"),
  Option(flag: "quiet", short: "q", "No progress"),
]

/// The command `majortom train lm CORPUS... -o MODEL`.
func trainLanguageModel(_ words: [String]) throws {
  let arguments = try ParsedArguments(
    words, command: "majortom train lm", synopsis: "CORPUS... -o MODEL [OPTION...]",
    about: "Trains a stacked recurrent language model on text files.", options: trainOptions)
  if arguments.printedHelp { return }
  guard !arguments.words.isEmpty else {
    throw UsageError("no corpus: name at least one text file; see majortom train lm --help")
  }
  guard let output = arguments.text("output") else {
    throw UsageError("no output: say where the model goes with -o FILE")
  }
  let resumes = arguments.has("resume")
  if FileWriter.exists(output + ".checkpoint"), !resumes, !arguments.has("overwrite") {
    throw UsageError(
      "\(output).checkpoint is of a run that was cut short: go on with --resume, or start anew with --overwrite"
    )
  }
  let configuration = try networkConfiguration(arguments)
  let segmentation = Segmentation(
    unit: try arguments.choice("unit", of: TextUnit.self) ?? .grapheme,
    normalization: try arguments.choice("normalization", of: Normalization.self) ?? .none,
    locale: arguments.text("locale") ?? "en")
  let minimumCount = try arguments.integer("min-count", in: 1...Int.max) ?? 2
  let maximumSize = try arguments.integer("max-size", in: 256...4_000_000)
  var options = try trainingOptions(arguments)
  options.files = RunFiles(
    model: output,
    secondsBetweenCheckpoints: try arguments.number("checkpoint-every", in: 0...1e9) ?? 60,
    resumes: resumes)
  options.corpusNames = arguments.words.map { path in
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }
  // A place that cannot be written is known before the training, not after it.
  try FileWriter.probe(output)

  let corpus = try Corpus(
    contentsOf: arguments.words,
    encoding: try arguments.text("encoding").map { try TextEncoding(named: $0) } ?? .detect)
  let (vocabulary, symbols) = try corpus.encoded(
    by: segmentation, minimumCount: minimumCount, maximumSize: maximumSize)
  var model = try LanguageModel(
    configuration, vocabulary: vocabulary, seed: options.plan.seed)
  let reporter = ProgressReporter(
    unit: segmentation.unit == .word ? "words" : "chars", json: arguments.has("json"),
    isQuiet: arguments.has("quiet"))
  reporter.begin(model, symbols: symbols.count, bytes: corpus.byteCount)
  catchInterrupts()
  let end = try model.train(
    on: symbols, options, report: { reporter.report($0) },
    isStopped: { interrupted.load(ordering: .relaxed) })
  reporter.finish(end, model: model, output: output)
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

private enum OptimizerName: String, CaseIterable { case adamw, sgd }

private func trainingOptions(
  _ arguments: ParsedArguments
) throws -> LanguageModel.TrainingOptions {
  var options = LanguageModel.TrainingOptions()
  let any = Double.greatestFiniteMagnitude
  let budgets: [TrainingBudget?] = [
    try arguments.number("minutes", in: 0...any).map { .minutes($0) },
    try arguments.number("epochs", in: 0...any).map { .epochs($0) },
    try arguments.integer("updates", in: 0...Int.max).map { .updates($0) },
  ]
  let given = budgets.compactMap { $0 }
  guard given.count <= 1 else {
    throw UsageError("only one of --minutes, --epochs and --updates can be the budget")
  }
  options.plan.budget = given.first ?? .epochs(10)
  options.plan.rate = try arguments.number("rate", in: 1e-9...10) ?? options.plan.rate
  options.plan.warmUp = try arguments.integer("warm-up", in: 0...Int.max) ?? options.plan.warmUp
  options.plan.rule =
    switch try arguments.choice("optimizer", of: OptimizerName.self) ?? .adamw {
    case .adamw: .adamW()
    case .sgd: .momentum(try arguments.number("momentum", in: 0...0.9999) ?? 0.9)
    }
  options.plan.weightDecay =
    try arguments.number("weight-decay", in: 0...10) ?? options.plan.weightDecay
  options.plan.clip = try arguments.number("clip", in: 1e-9...any) ?? options.plan.clip
  options.plan.patience =
    try arguments.integer("patience", in: 0...Int.max) ?? options.plan.patience
  options.plan.validateEvery = try arguments.integer("validate-every", in: 1...Int.max) ?? 0
  options.plan.seed = UInt64(try arguments.integer("seed", in: 0...Int.max) ?? 1)
  let batch = try arguments.integer("batch", in: 1...65536) ?? 32
  options.lanes = LanePlan(
    batch: batch, steps: try arguments.integer("steps", in: 1...65536) ?? 128,
    validation: try arguments.number("validation", in: 0...0.9) ?? 0.1,
    shards: try arguments.integer("shards", in: 1...batch))
  options.threads = try arguments.integer("threads", in: 1...1024)
  options.precision = try arguments.choice("precision", of: ProductPrecision.self) ?? .float32
  return options
}

/// Set by Ctrl-C or SIGTERM; training looks at it before each update.
private let interrupted = Atomic<Bool>(false)

/// The first signal asks training to save and end, the second ends it at once.
private func catchInterrupts() {
  _ = interrupted.load(ordering: .relaxed)  // made before a signal can need it
  // A parent may have left the signals blocked, as threads of a pool do for what they start.
  var both = sigset_t()
  sigemptyset(&both)
  for number in [SIGINT, SIGTERM] {
    sigaddset(&both, number)
    signal(number) { number in
      interrupted.store(true, ordering: .relaxed)
      signal(number, SIG_DFL)
    }
  }
  pthread_sigmask(SIG_UNBLOCK, &both, nil)
}
