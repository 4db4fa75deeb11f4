internal import Cluster
internal import CommandLineOptions
internal import Files
internal import Glibc
internal import Training

/// The preset that leaves the plain defaults of the tables.
let noRecipe = RecipeName("none", "the plain defaults")

/// The options of every training that do not change its result.
let runOptions: [Option] = [
  Option("seeds", "N", "Train with seeds 1 to N, keep the best, tell mean and deviation"),
  Option("threads", "N", "Threads; does not change results (default: all)"),
  Option(flag: "resume", "Go on from the checkpoint, if there is one"),
  Option(flag: "overwrite", "Start anew where a run or a model lies"),
  Option("checkpoint-every", "SECONDS", "Seconds between checkpoints (default: 60)"),
  Option(flag: "tensorboard", "Write events for TensorBoard into the run's folder"),
  Option(flag: "dry-run", "Tell the memory that the training would take, and do not train"),
  jsonOption,
  Option(flag: "quiet", short: "q", "No progress"),
]

/// The command `majortom train KIND`: everything is parsed, then read, then trained.
func trainModel<Model: CommandLineModel>(
  _ type: Model.Type, _ typed: ParsedArguments, _ known: [Option]
) throws {
  let arguments = try configured(type, typed, known)
  try Model.checkUsage(arguments)
  let settings = try TrainSettings<Model>(arguments)
  try demandNothingIdle(
    type, typed, settings.configuration, settings.tokens, settings.options)
  let seeds = try seedCount(arguments)
  guard !arguments.has("dry-run") else {
    // Each process would say the same.
    stayAlone()
    if (Launch.found?.rank ?? 0) == 0 { try forecast(type, arguments) }
    return
  }
  let group = try joinProcesses()
  let files = try runFiles(
    arguments, reading: Model.fileOptions + ["from", "config"], isWriter: group.rank == 0)
  if typed.has("tensorboard"), !files.isFolder {
    throw UsageError("--tensorboard: a model file has no place for events: name a folder with -o")
  }
  guard let seeds else { return try trainRun(type, arguments, files, group) }
  guard !files.isFolder else {
    throw UsageError(
      "--seeds keeps the best model alone: give -o a name that ends in .safetensors")
  }
  catchInterrupts()
  var data = try Model.read(arguments)
  let chosen = try TrainSettings<Model>(arguments, for: data.data)
  try trainSeeds(seeds, to: files.model, isWriter: group.rank == 0) { seed in
    var settings = chosen
    settings.options.seed = seed
    // What was found is told once.
    defer { data.findings = [] }
    return try train(settings, arguments, on: data, nil, group)
  }
}

/// What the options of a training say, found fit.
struct TrainSettings<Model: CommandLineModel> {
  var configuration: Model.Configuration
  var tokens: Model.TokenOptions
  var options: TrainingOptions
  /// What chose the settings that were not given, as far as they follow it.
  var recipe: Recipe?

  /// The settings of a call; with data, what is not given is chosen by them.
  init(_ arguments: ParsedArguments, for data: Model.TrainingData? = nil) throws {
    try Self.demandPreset(arguments.text("preset"))
    let recipe = try data.flatMap { try Self.recipe(arguments, for: $0) }
    configuration = try arguments.applied(
      to: try recipe?.applied(to: Model.Configuration()) ?? Model.Configuration())
    tokens = try arguments.applied(
      to: try recipe?.applied(to: Model.TokenOptions()) ?? Model.TokenOptions())
    guard TrainingOptions.budgetNames.count(where: arguments.has) <= 1 else {
      let names = TrainingOptions.budgetNames.map { "--\($0)" }
      throw UsageError(
        "only one of \(names.dropLast().joined(separator: ", ")) and \(names.last ?? "") can be the "
          + "budget")
    }
    options = try arguments.applied(
      to: try recipe?.applied(to: Model.defaultOptions) ?? Model.defaultOptions, Model.optionRows)
    self.recipe = nil
    self.recipe = recipe?.followed(by: value)
    try demandNoOther(than: "from", namesFixedByOrigin(Model.self), arguments)
  }

  private static func demandPreset(_ name: String?) throws(UsageError) {
    let known = (Model.recipes + [noRecipe]).map(\.name)
    guard let name, !known.contains(name) else { return }
    let nearest = nearestName(to: name, among: known).map { "; did you mean \($0)?" } ?? ""
    throw UsageError(
      "--preset \(quoted(name)): expected one of \(known.joined(separator: ", "))\(nearest)")
  }

  /// The recipe that a call asks for; nil for none, and where a model says all that a recipe would.
  private static func recipe(
    _ arguments: ParsedArguments, for data: Model.TrainingData
  ) throws -> Recipe? {
    let name = arguments.text("preset")
    guard name != noRecipe.name else { return nil }
    var given: [String: String] = [:]
    for name in Model.trainOptions.map(\.name) where arguments.has(name) {
      given[name] = arguments.text(name) ?? ""
    }
    var recipe = try Model.recipe(for: data, named: name, given: given)
    if arguments.has("vocabulary") {
      recipe.choices.removeAll { Model.TokenOptions.names.contains($0.name) }
    }
    return recipe.choices.isEmpty ? nil : recipe
  }

  /// The value of a setting, as text.
  func value(_ name: String) -> String? {
    func read<Root: HyperparameterSet>(_ root: Root) -> String? {
      Root.hyperparameters.first { $0.name == name }?.read(root)?.text
    }
    return read(configuration) ?? read(tokens) ?? read(options)
  }

  /// The model that training begins with.
  func beginning(_ arguments: ParsedArguments, on data: Model.TrainingData) throws -> Model {
    guard let origin = arguments.text("from") else {
      var model = try Model.fresh(configuration, tokens, on: data, options, arguments)
      model.core.follow(recipe)
      return model
    }
    var model = try Model(contentsOf: try modelFile(origin))
    let rows = Model.Configuration.hyperparameters.filter { $0.group == .regularization }
    try model.reconfigure(try arguments.applied(to: model.configuration, rows))
    return model
  }
}

/// Trains a run that keeps its files; ends the process where a signal ended the run.
func trainRun<Model: CommandLineModel>(
  _ type: Model.Type, _ arguments: ParsedArguments, _ files: RunFiles,
  _ group: any ProcessGroup
) throws {
  catchInterrupts()
  let data = try Model.read(arguments)
  let settings = try TrainSettings<Model>(arguments, for: data.data)
  var files = files
  files.inputs = try Model.inputs(arguments, settings)
  do {
    if try train(settings, arguments, on: data, files, group).end == .interrupted {
      // The signal may have come to another process.
      try endTogether(status: 128 + (interruption ?? SIGTERM))
    }
  } catch TrainingError.finished(let path) {
    // Not an error: whoever resumes in a loop until all is done has come to the end.
    let more =
      files.isFolder ? "; to train longer: \(toolName) resume \(shellWord(path)) --minutes M" : ""
    complain("\(TrainingError.finished(path: path)); nothing was changed\(more)")
  }
}

private func train<Model: CommandLineModel>(
  _ settings: TrainSettings<Model>, _ arguments: ParsedArguments,
  on data: (data: Model.TrainingData, validation: Model.TrainingData?, findings: [String]),
  _ files: RunFiles?, _ group: any ProcessGroup
) throws -> (model: Model, end: TrainingEnd) {
  var model = try settings.beginning(arguments, on: data.data)
  var files = files
  if arguments.has("from") { files?.origin = model.weightsChecksum }
  var run = TrainingRun(
    threads: try arguments.threads() ?? (group as? Processes)?.threads, files: files,
    dataNames: fileNames(arguments.words + ["source", "target"].compactMap(arguments.text)),
    notes: data.findings,
    isStopped: { interruption != nil })
  run.group = group
  run.dataLayout = try Model.dataLayout(arguments)
  let reporter = ProgressReporter(
    files, json: arguments.has("json"), isQuiet: arguments.has("quiet"))
  let end = try model.train(
    on: data.data, validation: data.validation, options: settings.options, run: run
  ) { reporter.report($0) }
  return (model, end)
}

/// Tells what a training would take, and does not train.
private func forecast<Model: CommandLineModel>(
  _ type: Model.Type, _ arguments: ParsedArguments
) throws {
  let data = try Model.read(arguments)
  let settings = try TrainSettings<Model>(arguments, for: data.data)
  let model = try settings.beginning(arguments, on: data.data)
  let forecast = try model.memoryForecast(
    on: data.data, validation: data.validation, options: settings.options,
    run: TrainingRun(threads: try arguments.threads()))
  guard arguments.has("json") else { return writeOutput("\(forecast)\n") }
  let parts = forecast.parts.map {
    JSONValue.object(["name": .text($0.name), "bytes": .whole($0.bytes)])
  }
  writeJSON(["bytes": .whole(forecast.total), "parts": .list(parts)])
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
  _ seeds: Int, to path: String, isWriter: Bool,
  _ train: (UInt64) throws -> (model: Model, end: TrainingEnd)
) throws {
  var results: [Validation] = []
  var best: Model?
  for seed in 1...UInt64(seeds) {
    let (model, end) = try train(seed)
    if end == .interrupted {
      complain("interrupted: with --seeds, only whole runs are kept")
      try endTogether(status: 128 + (interruption ?? SIGTERM))
    }
    let result = model.card.best
    if best == nil || result?.isBetter(than: best?.card.best) == true {
      best = model
      if isWriter { try model.write(to: path) }
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

/// Paths without their folders.
private func fileNames(_ paths: [String]) -> [String] {
  paths.map { path in
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }
}
