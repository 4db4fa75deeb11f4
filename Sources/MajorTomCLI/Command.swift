import CommandLineOptions
import MajorTom

/// A command of the tool: a row that calling, help and reference are made from.
struct Command: Sendable {
  /// The words that call it, such as `train lm`.
  let words: String
  /// What it does, in a few words.
  let summary: String
  /// What follows the words.
  let synopsis: String
  /// What it does, in sentences.
  let about: String
  /// Its options.
  let options: [Option]
  /// Does it.
  let run: @Sendable (ParsedArguments) throws -> Void

  init(
    _ words: String, summary: String, synopsis: String, about: String, options: [Option],
    run: @escaping @Sendable (ParsedArguments) throws -> Void
  ) {
    self.words = words
    self.summary = summary
    self.synopsis = synopsis
    self.about = about
    self.options = options
    self.run = run
  }

  /// Parses what follows the command's words, and does it or prints its help.
  func call(_ rest: [String]) throws {
    let arguments = try ParsedArguments(
      rest, command: "majortom \(words)", synopsis: synopsis, about: about, options: options)
    if arguments.printedHelp { return }
    try demandNothingIdle(arguments)
    try run(arguments)
  }
}

// MARK: Options from hyperparameters

extension Hyperparameter {
  /// The option of a row; `root` has the default, unless it is one of those that a recipe chooses.
  func option(defaultsFrom root: Root, chosenByRecipe chosen: Set<String>) -> Option {
    let text = help(
      defaultsFrom: root, saying: chosen.contains(name) ? "by the data" : nil)
    return argument.map { Option(name, $0, text) } ?? Option(flag: name, text)
  }
}

extension HyperparameterSet {
  /// The options of the table, with these values as defaults but for what a recipe chooses.
  func options(chosenByRecipe chosen: Set<String>) -> [Option] {
    Self.hyperparameters.map { $0.option(defaultsFrom: self, chosenByRecipe: chosen) }
  }

  /// The names of the table.
  static var names: [String] { hyperparameters.map(\.name) }
}

extension ParsedArguments {
  /// A value changed as the options of a table say.
  ///
  /// Throws `UsageError` for a value out of its range, or values that do not go together.
  func applied<Root: HyperparameterSet>(
    to root: Root, _ rows: [Hyperparameter<Root>] = Root.hyperparameters
  ) throws(UsageError) -> Root {
    var root = root
    do {
      for row in rows where has(row.name) {
        if row.argument == nil {
          try row.set(&root, to: .flag(true))
        } else if let typed = text(row.name) {
          do throws(HyperparameterError) {
            try row.set(&root, toText: typed)
          } catch {
            let nearest = nearestName(to: typed, among: row.domain.choices)
            throw UsageError("--\(error)\(nearest.map { "; did you mean \($0)?" } ?? "")")
          }
        }
      }
      try root.validate()
    } catch let error as HyperparameterError {
      throw UsageError("--\(error)")
    } catch let error as UsageError {
      throw error
    } catch {
      throw UsageError("\(error)")
    }
    return root
  }
}

// MARK: Options that several commands have

/// The option that names a model, which has a default unless it means something to leave it out.
func modelOption(isDefaulted: Bool = true, demo: String = "the demo's") -> Option {
  Option(
    "model", short: "m", "FILE",
    isDefaulted ? "The model (default: $MAJORTOM_MODEL, else \(demo))" : "A language model")
}
let threadsOption = Option("threads", "N", "Threads (default: as many as gain)")
let jsonOption = Option(flag: "json", "JSON on standard output")
let encodingOption = Option("encoding", "NAME", "Encoding of the text (default: detected)")
/// The option that chooses how products of matrices are made in inference.
let precisionOption = Option(
  "precision", "P", "Products in f32, bf16 or int8 (default: that of the file)")

extension ParsedArguments {
  /// A model, with products in the precision asked for.
  func model<Model: TrainableModel>(_ type: Model.Type, _ path: String) throws -> Model {
    let precision = try choice("precision", of: ProductPrecision.self)
    var model = try Model(contentsOf: path)
    if let precision { model.use(precision) }
    return model
  }

  /// The threads asked for.
  func threads() throws(UsageError) -> Int? { try integer("threads", in: 1...1024) }

  /// The files that the words name, read as the encoding option says.
  func corpus() throws -> Corpus {
    try Corpus(contentsOf: words, encoding: try encoding())
  }

  /// The encoding that the option names, else the one that is found out.
  func encoding() throws -> TextEncoding {
    try text("encoding").map { try TextEncoding(named: $0) } ?? .detect
  }
}

/// Writes one JSON object as a line on standard output.
func writeJSON(_ pairs: KeyValuePairs<String, JSONValue>) {
  writeOutput(JSONValue.object(pairs).json + "\n")
}
