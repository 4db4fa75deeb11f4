@_exported public import CommandLineOptions
public import Training

/// A kind of model on a command line: what it reads, and how a fresh one is made of that.
///
/// The rest is written once: options made of the tables of hyperparameters, `train KIND` with runs,
/// checkpoints, progress and reports, and `resume`.
public protocol CommandLineModel: TrainableModel {
  /// How its data become tokens.
  associatedtype TokenOptions: HyperparameterSet = NoTokens

  /// The word after `train`, what it does, what it takes, and that in sentences.
  static var trainTexts: (word: String, summary: String, synopsis: String, about: String) { get }
  /// The options that name data and what else is read.
  static var dataOptions: [Option] { get }
  /// The names of those options that name files.
  static var fileOptions: [String] { get }

  /// Throws `UsageError` for words and options that cannot be meant, before anything is read.
  static func checkUsage(_ arguments: ParsedArguments) throws
  /// Reads the data, and those to choose by if they are given, and says in a few sentences what is
  /// wrong with them.
  static func read(
    _ arguments: ParsedArguments
  ) throws -> (data: TrainingData, validation: TrainingData?, findings: [String])
  /// What options say of how the data are laid out, by their names: evaluation reads others so, too.
  static func dataLayout(_ arguments: ParsedArguments) throws -> [String: String]
  /// Makes a fresh model for data.
  static func fresh(
    _ configuration: Configuration, _ tokens: TokenOptions, on data: TrainingData,
    _ options: TrainingOptions, _ arguments: ParsedArguments
  ) throws -> Self
}

extension CommandLineModel {
  /// None.
  public static var dataOptions: [Option] { [] }
  /// None.
  public static var fileOptions: [String] { [] }
  /// Nothing.
  public static func dataLayout(_ arguments: ParsedArguments) -> [String: String] { [:] }

  /// Demands data.
  public static func checkUsage(_ arguments: ParsedArguments) throws {
    guard arguments.words.isEmpty else { return }
    throw UsageError(
      "no data: name at least one file; see \(toolName) train \(trainTexts.word) --help")
  }

  /// The command that trains this kind of model.
  public static var trainCommand: Command {
    let options = trainOptions
    return Command(
      "train \(trainTexts.word)", summary: trainTexts.summary, synopsis: trainTexts.synopsis,
      about: trainTexts.about, options: options
    ) { arguments in
      try trainModel(Self.self, arguments, options)
    }
  }

  /// The options of the command.
  package static var trainOptions: [Option] {
    let own = [
      Option(
        "output", short: "o", "RUN",
        "The run's folder, or a name that ends in .safetensors for a model file alone (needed)"),
      Option(
        "config", "FILE", "Take what is not typed from FILE, such as the config.json of a run"),
      Option("from", "MODEL", "Begin with the weights of MODEL, a file or a run"),
      Option(
        "preset", "NAME",
        "Choose what is not given as for: \((recipes + [noRecipe]).map { "\($0.name) (\($0.help))" }.joined(separator: ", ")) (default: by the data)"
      ),
    ]
    let chosen = recipeSettings
    let tables =
      TokenOptions().options(chosenByRecipe: chosen)
      + Configuration().options(chosenByRecipe: chosen)
      + optionRows.map { $0.option(defaultsFrom: defaultOptions, chosenByRecipe: chosen) }
    return own + dataOptions + tables + runOptions
  }
}

/// How data become tokens where there is nothing to choose.
public struct NoTokens: HyperparameterSet {
  /// Nothing.
  public init() {}
  /// No rows.
  public static let hyperparameters: [Hyperparameter<NoTokens>] = []
}
