import CommandLineOptions
import Glibc
import MajorTom

/// A kind of model as `majortom train` sees it: what it reads, and how a fresh one is made of that.
protocol CommandLineModel: TrainableModel {
  /// How its data become tokens.
  associatedtype TokenOptions: HyperparameterSet

  /// The word after `train`, what it does, what it takes, and that in sentences.
  static var trainTexts: (word: String, summary: String, synopsis: String, about: String) { get }
  /// The options that name data and what else is read.
  static var dataOptions: [Option] { get }
  /// The names of those options that name files.
  static var fileOptions: [String] { get }

  /// Throws `UsageError` for words and options that cannot be meant, before anything is read.
  static func checkUsage(_ arguments: ParsedArguments) throws
  /// Reads the data, and those to choose by if they are given.
  static func read(
    _ arguments: ParsedArguments
  ) throws -> (data: TrainingData, validation: TrainingData?)
  /// Makes a fresh model for data.
  static func fresh(
    _ configuration: Configuration, _ tokens: TokenOptions, on data: TrainingData,
    _ options: TrainingOptions, _ arguments: ParsedArguments
  ) throws -> Self
}

extension CommandLineModel {
  /// The command that trains this kind of model.
  static var trainCommand: Command {
    let own = [
      Option("output", short: "o", "FILE", "Write the model to FILE (needed)")
    ]
    let tables =
      TokenOptions().options + Configuration().options
      + optionRows.map { $0.option(defaultsFrom: defaultOptions) }
    return Command(
      "train \(trainTexts.word)", summary: trainTexts.summary, synopsis: trainTexts.synopsis,
      about: trainTexts.about, options: own + dataOptions + tables + runOptions
    ) { arguments in
      try trainModel(Self.self, arguments)
    }
  }
}

/// The options of every training that do not change its result.
private let runOptions: [Option] = [
  Option("seeds", "N", "Train with seeds 1 to N, keep the best, tell mean and deviation"),
  Option("threads", "N", "Threads; does not change results (default: all)"),
  Option(flag: "resume", "Go on from the checkpoint of FILE, if there is one"),
  Option(flag: "overwrite", "Start anew where an unfinished checkpoint lies"),
  Option("checkpoint-every", "SECONDS", "Seconds between checkpoints (default: 60)"),
  Option(flag: "dry-run", "Tell the memory that the training would take, and do not train"),
  jsonOption,
  Option(flag: "quiet", short: "q", "No progress"),
]

/// The command `majortom train KIND`: everything is parsed, then read, then trained.
private func trainModel<Model: CommandLineModel>(
  _ type: Model.Type, _ arguments: ParsedArguments
) throws {
  try Model.checkUsage(arguments)
  let configuration = try arguments.applied(to: Model.Configuration())
  let tokens = try arguments.applied(to: Model.TokenOptions())
  let options = try trainingOptions(type, arguments)
  try demandNothingIdle(type, arguments, configuration, tokens, options)
  let seeds = try seedCount(arguments)
  let isDry = arguments.has("dry-run")
  let files = isDry ? nil : try runFiles(arguments, reading: Model.fileOptions)
  let run = TrainingRun(
    threads: try arguments.threads(), files: seeds == nil ? files : nil,
    dataNames: fileNames(arguments.words + ["source", "target"].compactMap(arguments.text)),
    isStopped: { interruption != nil })
  let (data, validation) = try Model.read(arguments)
  if isDry {
    let model = try Model.fresh(configuration, tokens, on: data, options, arguments)
    return tell(
      try model.memoryForecast(on: data, validation: validation, options: options, run: run),
      asJSON: arguments.has("json"))
  }
  catchInterrupts()
  func train(_ options: TrainingOptions) throws -> (model: Model, end: TrainingEnd) {
    var model = try Model.fresh(configuration, tokens, on: data, options, arguments)
    let reporter = ProgressReporter(
      output: run.files?.model, json: arguments.has("json"), isQuiet: arguments.has("quiet"))
    let end = try model.train(
      on: data, validation: validation, options: options, run: run
    ) { reporter.report($0) }
    return (model, end)
  }
  guard let seeds else {
    do {
      if try train(options).end == .interrupted { exit(128 + (interruption ?? 0)) }
    } catch TrainingError.finished(let path) {
      // Not an error: whoever resumes in a loop until all is done has come to the end.
      complain("\(TrainingError.finished(path: path)); nothing was changed")
    }
    return
  }
  try trainSeeds(seeds, to: files?.model ?? "") { seed in
    var options = options
    options.seed = seed
    return try train(options)
  }
}

private func tell(_ forecast: MemoryForecast, asJSON isJSON: Bool) {
  guard isJSON else { return writeOutput("\(forecast)\n") }
  let parts = forecast.parts.map {
    JSONValue.object(["name": .text($0.name), "bytes": .whole($0.bytes)])
  }
  writeJSON(["bytes": .whole(forecast.total), "parts": .list(parts)])
}

private func trainingOptions<Model: CommandLineModel>(
  _ type: Model.Type, _ arguments: ParsedArguments
) throws -> TrainingOptions {
  guard TrainingOptions.budgetNames.count(where: arguments.has) <= 1 else {
    let names = TrainingOptions.budgetNames.map { "--\($0)" }
    throw UsageError(
      "only one of \(names.dropLast().joined(separator: ", ")) and \(names.last ?? "") can be the "
        + "budget")
  }
  return try arguments.applied(to: Model.defaultOptions, Model.optionRows)
}

private func seedCount(_ arguments: ParsedArguments) throws -> Int? {
  guard let seeds = try arguments.integer("seeds", in: 1...1000) else { return nil }
  if arguments.has("seed") { throw UsageError("only one of --seed and --seeds can be given") }
  if arguments.has("resume") {
    throw UsageError("--seeds trains whole runs and keeps no checkpoint: leave --resume out")
  }
  return seeds
}

/// Trains whole runs that differ in their seed alone; the best model is kept.
private func trainSeeds<Model: CommandLineModel>(
  _ seeds: Int, to path: String, _ train: (UInt64) throws -> (model: Model, end: TrainingEnd)
) throws {
  var results: [Validation] = []
  var best: Model?
  for seed in 1...UInt64(seeds) {
    let (model, end) = try train(seed)
    if end == .interrupted {
      complain("interrupted: with --seeds, only whole runs are kept")
      exit(128 + (interruption ?? 0))
    }
    let result = model.card.best
    if best == nil || result?.isBetter(than: best?.card.best) == true {
      best = model
      try model.write(to: path)
    }
    if let result { results.append(result) }
  }
  guard best != nil else { throw InputError(description: "no run was whole, so there is no model") }
  guard let metric = results.first?.metric else { return }
  let scale = metric == .crossEntropy ? 1.0 : 100
  let values = results.map { scale * $0.value }
  let mean = values.reduce(0, +) / Double(values.count)
  let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  let deviation = (squares / Double(max(1, values.count - 1))).squareRoot()
  let decimals = metric == .crossEntropy ? 4 : 2
  writeError(
    "\(counted(values.count, "seed")), \(metric.name): "
      + "\(values.map { fixed($0, decimals) }.joined(separator: ", ")); mean "
      + "\(fixed(mean, decimals)), deviation \(fixed(deviation, decimals)); the best is in \(path)\n"
  )
}

/// Where a model goes, found fit to be written, with its checkpoint looked for.
private func runFiles(
  _ arguments: ParsedArguments, reading options: [String]
) throws -> RunFiles {
  guard let output = arguments.text("output"), !output.isEmpty else {
    throw UsageError("no output: say where the model goes with -o FILE")
  }
  try demandApart(output, arguments.words + options.flatMap(arguments.texts))
  let resumes = arguments.has("resume")
  if FileWriter.exists(output + ".checkpoint"), !resumes, !arguments.has("overwrite") {
    throw UsageError(
      "\(output).checkpoint is of a run that was cut short: go on with --resume, or start anew with --overwrite"
    )
  }
  let seconds = try arguments.number("checkpoint-every", in: 0...1e9) ?? 60
  let files = RunFiles(model: output, secondsBetweenCheckpoints: seconds, resumes: resumes)
  // Places that cannot be written are known before the training, not after it.
  try FileWriter.probe(files.model)
  try FileWriter.probe(files.checkpoint)
  if FileWriter.exists(output), !resumes, !arguments.has("overwrite") {
    throw UsageError("\(output) exists: write to another file, or replace it with --overwrite")
  }
  return files
}

/// Throws where what is written would replace something that is read.
func demandApart(_ output: String, _ inputs: [String]) throws(UsageError) {
  if let input = inputs.first(where: { FileWriter.areSame($0, output) }) {
    throw UsageError("\(output) is read as \(input): write to another file")
  }
}

/// Paths without their folders.
private func fileNames(_ paths: [String]) -> [String] {
  paths.map { path in
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }
}
