public import CommandLineOptions
package import Files
package import Training

/// A command of the tool: a row that calling, help and reference are made from.
public struct Command: Sendable {
  /// The words that call it, such as `train lm`.
  public let words: String
  /// What it does, in a few words.
  public let summary: String
  /// What follows the words.
  public let synopsis: String
  /// What it does, in sentences.
  public let about: String
  /// Its options.
  public let options: [Option]
  /// Does it.
  public let run: @Sendable (ParsedArguments) throws -> Void

  /// A command of these parts; `words` may be several, such as `train lm`.
  public init(
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
  ///
  /// Throws `UsageError`, what `check` throws for what cannot be meant, and what the command throws.
  func call(
    _ rest: [String], check: (Command, ParsedArguments) throws -> Void
  ) throws {
    let arguments = try ParsedArguments(
      rest, command: "\(toolName) \(words)", synopsis: synopsis, about: about, options: options)
    if arguments.printedHelp { return }
    try check(self, arguments)
    try run(arguments)
  }
}

// MARK: Options from hyperparameters

extension Hyperparameter {
  /// The option of a row; `root` has the default, unless it is one of those that a recipe chooses.
  package func option(defaultsFrom root: Root, chosenByRecipe chosen: Set<String>) -> Option {
    let text = help(
      defaultsFrom: root, saying: chosen.contains(name) ? "by the data" : nil)
    return argument.map { Option(name, $0, text) } ?? Option(flag: name, text)
  }
}

extension HyperparameterSet {
  /// The options of the table, with these values as defaults but for what a recipe chooses.
  package func options(chosenByRecipe chosen: Set<String>) -> [Option] {
    Self.hyperparameters.map { $0.option(defaultsFrom: self, chosenByRecipe: chosen) }
  }

  /// The names of the table.
  package static var names: [String] { hyperparameters.map(\.name) }
}

extension ParsedArguments {
  /// A value changed as the options of a table say.
  ///
  /// Throws `UsageError` for a value out of its range, or values that do not go together.
  package func applied<Root: HyperparameterSet>(
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

package let threadsOption = Option("threads", "N", "Threads (default: as many as gain)")
package let jsonOption = Option(flag: "json", "JSON on standard output")
extension ParsedArguments {
  /// The threads asked for.
  package func threads() throws(UsageError) -> Int? { try integer("threads", in: 1...1024) }
}

/// Writes one JSON object as a line on standard output.
package func writeJSON(_ pairs: KeyValuePairs<String, JSONValue>) {
  writeOutput(JSONValue.object(pairs).json + "\n")
}
