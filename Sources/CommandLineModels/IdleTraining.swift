internal import Cells
internal import CommandLineOptions
internal import Training

/// Throws `UsageError` for an option of `majortom train` that would do nothing with the others, as
/// they stand after a configuration was read.
func demandNothingIdle<Model: CommandLineModel>(
  _ type: Model.Type, _ arguments: ParsedArguments, _ configuration: Model.Configuration,
  _ tokens: Model.TokenOptions, _ options: TrainingOptions
) throws(UsageError) {
  func value(_ name: String) -> String? {
    read(name, configuration) ?? read(name, tokens) ?? read(name, options)
  }
  for (name, reason) in idleInTraining(arguments, value) where arguments.has(name) {
    throw UsageError("--\(name): \(reason)")
  }
}

private func read<Root: HyperparameterSet>(_ name: String, _ root: Root) -> String? {
  Root.hyperparameters.first { $0.name == name }?.read(root)?.text
}

/// The options that do nothing with the others, and why; `value` gives that of a hyperparameter.
private func idleInTraining(
  _ arguments: ParsedArguments, _ value: (String) -> String?
) -> [(name: String, reason: String)] {
  var idle: [(String, String)] = []
  func add(_ names: String..., because reason: String, if areIdle: Bool) {
    if areIdle { idle += names.map { ($0, reason) } }
  }
  let cell = value("cell") ?? ""
  let kind = (try? CellKind(cell)) ?? .lstm
  let made = kind.makeCell()
  let settings = kind.knownSettings.map(\.name)
  idle += kind.settings.names.map { ($0, "--cell \(cell) says it already") }
  add("momentum", because: "it is of --optimizer sgd", if: value("optimizer") != "sgd")
  add("window", because: "it is of --cell window and tdnn", if: !settings.contains("window"))
  add(
    "dropout-states", "weight-drop", because: "--cell \(cell) has no recurrent weights",
    if: !made.hasRecurrentProduct)
  add(
    "zoneout-cell", because: "--cell \(cell) has no state c of its own",
    if: made.cellVectorCount == 0)
  add(
    "forget-bias", because: "--cell \(cell) has no forget gate with a bias of its own",
    if: !settings.contains("forget-bias"))
  add("residual", because: "it is of layers above the first", if: value("layers") == "1")
  add(
    "input-feeding", because: "it is of attention, and --attention is none",
    if: value("attention") == "none")
  add(
    "character-size", "character-features",
    because: "it is of what reads characters, and that is none",
    if: value("characters") == "none")
  add("vector-words", because: "it is of --vectors FILE", if: !arguments.has("vectors"))
  add("projected", because: "it is of --language-model", if: !arguments.has("language-model"))
  add(
    "locale", "min-count", "max-size", because: "a vocabulary of bytes is always the same",
    if: value("unit") == "byte")
  add(
    "validation", because: "--dev says what is validated on: leave one of them out",
    if: arguments.has("dev"))
  add(
    "patience", "validate-every", "average", because: "--validation 0 keeps nothing to validate on",
    if: value("validation") == "0" && !arguments.has("dev"))
  add(
    "columns", because: "it is of files of columns, and --source and --target have none",
    if: arguments.has("source") && !arguments.has("dev"))
  add(
    "token-column", because: "the words of CoNLL-U have a column of their own",
    if: arguments.text("data-format") == "conllu")
  add(
    "column", "token-column", "repair-tags",
    because: "texts with spans by offsets have no columns of tags",
    if: ["jsonl", "brat"].contains(arguments.text("data-format")))
  add(
    "max-size", because: "--source-max-size and --target-max-size say it of both sides",
    if: arguments.has("source-max-size") && arguments.has("target-max-size"))
  add(
    "checkpoint-every", because: "--seeds trains whole runs and keeps no checkpoint",
    if: arguments.has("seeds"))
  return idle
}
