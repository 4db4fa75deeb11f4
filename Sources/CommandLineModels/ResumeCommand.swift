internal import CommandLineOptions
internal import Files
internal import Training

/// The command `resume RUN` for runs of some kinds of models.
public func resumeCommand(of kinds: [any CommandLineModel.Type]) -> Command {
  Command(
    "resume", summary: "go on with a run that was cut short, or train it longer",
    synopsis: "RUN [OPTION...]",
    about: """
      Goes on with a run from its last checkpoint, to the very bytes that it would have made without a
      break. A run that is finished is left as it is, unless it is told to train longer.
      """,
    options: [
      Option("minutes", "M", "Train for M more minutes than until now"),
      Option("epochs", "E", "Train for E more epochs"),
      Option("updates", "N", "Train for N more updates"),
      Option("threads", "N", "Threads; does not change results (default: as it was begun)"),
      Option(
        "checkpoint-every", "SECONDS", "Seconds between checkpoints (default: as it was begun)"),
      jsonOption,
      Option(flag: "quiet", short: "q", "No progress"),
    ]
  ) { typed in
    guard let path = typed.words.first, typed.words.count == 1 else {
      throw UsageError("one run is needed: \(toolName) resume RUN")
    }
    let group = try joinProcesses()
    var files = RunFiles(folder: path, resumes: true)
    guard let place = files.configuration, FileWriter.exists(place) else {
      guard FileWriter.exists(path) else { throw UsageError("\(path): there is no such run") }
      throw UsageError(
        Folders.exists(path)
          ? "\(path) is no run, as it has no \(RunFiles.configurationName)"
          : "\(path) is a model file: give the command that trains it once more, with --resume")
    }
    let configuration = try RunConfiguration(contentsOf: place)
    files.additionalBudget = try additionalBudget(typed)
    for kind in kinds where [kind.trainTexts.word, kind.kind.name].contains(configuration.model) {
      return try kind.resume(files, configuration, typed, group)
    }
    let known = kinds.map { $0.trainTexts.word }.joined(separator: ", ")
    throw UsageError("\(place): model: expected one of \(known)")
  }
}

private func additionalBudget(_ typed: ParsedArguments) throws -> TrainingBudget? {
  let names = TrainingOptions.budgetNames.filter(typed.has)
  guard names.count <= 1 else {
    throw UsageError(
      "only one of \(names.map { "--\($0)" }.joined(separator: " and ")) can be given")
  }
  let most = Double.greatestFiniteMagnitude
  if let minutes = try typed.number("minutes", in: 0...most) { return .minutes(minutes) }
  if let epochs = try typed.number("epochs", in: 0...most) { return .epochs(epochs) }
  return try typed.integer("updates", in: 0...1 << 53).map { .updates($0) }
}

extension CommandLineModel {
  fileprivate static func resume(
    _ files: RunFiles, _ configuration: RunConfiguration, _ typed: ParsedArguments,
    _ group: any ProcessGroup
  ) throws {
    let run = ParsedArguments(words: [], values: [:])
    let told = try arguments(of: configuration, Self.self, trainOptions, replacedBy: run)
    var arguments = typed.without(TrainingOptions.budgetNames).onlyOptions.filled(from: told)
    // Runs of earlier versions followed no recipe, and must not begin to.
    if !arguments.has("preset") { arguments = arguments.adding("preset", noRecipe.name) }
    try checkUsage(arguments)
    _ = try TrainSettings<Self>(arguments)
    var files = files
    files.secondsBetweenCheckpoints =
      try arguments.number("checkpoint-every", in: 0...1e9) ?? files.secondsBetweenCheckpoints
    files.keepsEvents = arguments.has("tensorboard")
    try trainRun(Self.self, arguments, files, group)
  }
}
