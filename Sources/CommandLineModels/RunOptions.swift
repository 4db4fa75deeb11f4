package import CommandLineOptions
internal import Files
internal import Training

/// What was typed, with the rest taken from the file of `--config`.
///
/// Throws `FileError` or `UsageError` for a file that cannot be meant.
func configured<Model: CommandLineModel>(
  _ type: Model.Type, _ typed: ParsedArguments, _ known: [Option]
) throws -> ParsedArguments {
  guard let path = typed.text("config") else { return typed }
  return try typed.filled(
    from: arguments(
      of: RunConfiguration(contentsOf: path), Model.self, known, replacedBy: typed))
}

/// A configuration as arguments of a training command, without what others typed instead.
///
/// Throws `UsageError` for names and values that the command does not have.
func arguments<Model: CommandLineModel>(
  of configuration: RunConfiguration, _ type: Model.Type, _ known: [Option],
  replacedBy typed: ParsedArguments = ParsedArguments(words: [], values: [:])
) throws(UsageError) -> ParsedArguments {
  let path = configuration.path
  guard [Model.trainTexts.word, Model.kind.name, ""].contains(configuration.model) else {
    throw UsageError(
      "\(path): this is of \(toolName) train \(configuration.model.prefix(20)), and "
        + "\(Model.trainTexts.word) is asked for")
  }
  let never = ["output", "config", "resume", "overwrite", "dry-run", "json", "quiet", "seeds"]
  for name in configuration.values.keys.sorted() {
    guard let option = known.first(where: { $0.name == name }), !never.contains(name) else {
      let names = known.map(\.name).filter { !never.contains($0) }
      let nearest = nearestName(to: name, among: names).map { "; did you mean \($0)?" } ?? ""
      throw UsageError("\(path): there is no setting \(name.prefix(60))\(nearest)")
    }
    if case .flag = configuration.values[name], !option.isFlag {
      throw UsageError("\(path): \(name): expected a value, not yes or no")
    } else if option.isFlag, case .flag = configuration.values[name] {
      continue
    } else if option.isFlag {
      throw UsageError("\(path): \(name): expected true or false")
    }
  }
  let values = configuration.values.mapValues(\.arguments).filter { !$0.value.isEmpty }
  let all = ParsedArguments(words: configuration.data, values: values)
  do throws(UsageError) {
    _ = try all.applied(to: Model.Configuration())
    _ = try all.applied(to: Model.TokenOptions())
    _ = try all.applied(to: Model.defaultOptions, Model.optionRows)
  } catch {
    throw UsageError("\(path): \(error.description.drop { $0 == "-" })")
  }
  // A model that a run begins with has its tokens and sizes of its own.
  let isFurther = all.has("from") && !typed.has("from")
  return all.without(
    replacedNames(Model.self, typed) + (isFurther ? namesFixedByOrigin(Model.self) : []))
}

/// The settings of a configuration that something typed takes the place of, though it has another name.
private func replacedNames<Model: CommandLineModel>(
  _ type: Model.Type, _ typed: ParsedArguments
) -> [String] {
  var names: [String] = []
  if TrainingOptions.budgetNames.contains(where: typed.has) { names += TrainingOptions.budgetNames }
  if typed.has("seeds") { names.append("seed") }
  if typed.has("vocabulary") { names += Model.TokenOptions.names }
  if Model.TokenOptions.names.contains(where: typed.has) { names.append("vocabulary") }
  if !typed.words.isEmpty { names += ["source", "target"] }
  if typed.has("from") { names += namesFixedByOrigin(Model.self) }
  return names
}

/// What the model that a run begins with decides: all but what keeps it from learning by heart.
func namesFixedByOrigin<Model: CommandLineModel>(_ type: Model.Type) -> [String] {
  Model.TokenOptions.names + ["vocabulary", "vectors", "vector-words", "language-model"]
    + Model.Configuration.hyperparameters.filter { $0.group != .regularization }.map(\.name)
}

extension CommandLineModel {
  /// What a run's configuration says of data and tokens.
  static func inputs(
    _ arguments: ParsedArguments, _ settings: TrainSettings<Self>
  ) throws -> RunInputs {
    var inputs = RunInputs()
    inputs.model = trainTexts.word
    inputs.data = arguments.words.map(Folders.absolute)
    let paths = Set(fileOptions + ["from"])
    let told = dataOptions.map(\.name) + ["from", "threads", "checkpoint-every", "tensorboard"]
    for option in trainOptions where told.contains(option.name) && arguments.has(option.name) {
      let texts = arguments.texts(option.name)
      let values = paths.contains(option.name) ? texts.map(Folders.absolute) : texts
      let value: ConfigurationValue =
        option.isFlag ? .flag(true) : values.count == 1 ? .text(values[0]) : .texts(values)
      inputs.others.append((option.name, value))
    }
    inputs.others.append(("preset", .text(settings.recipe?.name ?? noRecipe.name)))
    if !arguments.has("vocabulary"), !arguments.has("from") {
      for row in TokenOptions.hyperparameters {
        guard let value = row.read(settings.tokens) else { continue }
        inputs.others.append((row.name, ConfigurationValue(value)))
      }
    }
    return inputs
  }
}

/// Where a run goes, found fit to be written to.
func runFiles(
  _ arguments: ParsedArguments, reading options: [String], isWriter: Bool
) throws -> RunFiles {
  guard let output = arguments.text("output"), !output.isEmpty else {
    throw UsageError(
      "no output: say where the run goes with -o RUN, or its model alone with -o FILE.safetensors")
  }
  let resumes = arguments.has("resume")
  let seconds = try arguments.number("checkpoint-every", in: 0...1e9) ?? 60
  let isFile = output.hasSuffix(".safetensors") && !Folders.exists(output)
  var files =
    isFile
    ? RunFiles(model: output, secondsBetweenCheckpoints: seconds, resumes: resumes)
    : RunFiles(folder: output, secondsBetweenCheckpoints: seconds, resumes: resumes)
  files.keepsEvents = !isFile && arguments.has("tensorboard")
  guard isWriter else { return files }
  // A run's own configuration may be read and written again.
  let inputs = (arguments.words + options.flatMap(arguments.texts)).filter {
    files.configuration == nil || !FileWriter.areSame($0, files.configuration ?? "")
  }
  for file in files.all { try demandApart(file, inputs) }
  let mayReplace = resumes || arguments.has("overwrite")
  if isFile {
    try demandFree(model: files, mayReplace: mayReplace)
  } else {
    try demandFree(folder: files, mayReplace: mayReplace)
  }
  return files
}

private func demandFree(model files: RunFiles, mayReplace: Bool) throws {
  if files.hasCheckpoint, !mayReplace {
    throw UsageError(
      "\(files.checkpoint) is of a run that was cut short: go on with --resume, or start anew with --overwrite"
    )
  }
  for path in [files.checkpoint, files.olderCheckpoint] { try demandCheckpoint(path) }
  // Places that cannot be written are known before the training, not after it.
  for path in files.all { try FileWriter.probe(path) }
  if FileWriter.exists(files.model), !mayReplace {
    throw UsageError("\(files.model) exists: write to another file, or replace it with --overwrite")
  }
}

private func demandFree(folder files: RunFiles, mayReplace: Bool) throws {
  let path = files.path
  if FileWriter.exists(path), !Folders.exists(path) {
    throw UsageError(
      "\(path) is no folder, as a run is: name another place, or a model file that ends in .safetensors"
    )
  }
  let others = Folders.names(in: path).filter { !$0.hasPrefix(".") }
  if !others.isEmpty {
    guard others.contains(RunFiles.configurationName) else {
      throw UsageError(
        "\(path) is a folder that is no run, as it has no \(RunFiles.configurationName): name a new one"
      )
    }
    // Another program's config.json says nothing of a model.
    if !files.hasCheckpoint, let configuration = files.configuration {
      _ = try RunConfiguration(contentsOf: configuration).demandRun()
    }
    if !mayReplace {
      throw UsageError(
        "\(path) is a run: go on with \(toolName) resume \(shellWord(path)), or start anew with --overwrite"
      )
    }
    for path in [files.checkpoint, files.olderCheckpoint] { try demandCheckpoint(path) }
  }
  let isNew = !Folders.exists(path)
  try Folders.make(path)
  defer { if isNew { Folders.removeIfEmpty(path) } }
  for file in files.all { try FileWriter.probe(file) }
}

/// Throws where something lies at the place of a checkpoint that is none.
private func demandCheckpoint(_ path: String) throws {
  guard FileWriter.exists(path) else { return }
  let kind: String?
  do throws(FileError) {
    kind = try ModelFileReader(contentsOf: path).kind
  } catch .malformed(_, let found) where found.contains("checksum") {
    // A checkpoint of this tool that was damaged: the one before it is taken.
    return
  } catch {
    kind = nil
  }
  guard kind?.hasSuffix("checkpoint") == true || kind == "majortom checkpoint 1" else {
    throw UsageError(
      "\(path) is where the run's checkpoint goes, and is none: move it away, or name another place with -o"
    )
  }
}

/// Throws where what is written would replace something that is read.
package func demandApart(_ output: String, _ inputs: [String]) throws(UsageError) {
  if let input = inputs.first(where: { FileWriter.areSame($0, output) }) {
    throw UsageError("\(output) is read as \(input): write to another file")
  }
}

/// A path as a shell takes it for one word.
package func shellWord(_ path: String) -> String {
  let plain = path.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."),
      UInt8(ascii: "_"), UInt8(ascii: "-"), 0x80...:
      true
    default: false
    }
  }
  return plain && !path.isEmpty ? path : "'" + path.replacing("'", with: "'\\''") + "'"
}

/// The model file that a path means: itself, or that of a run.
///
/// Throws `InputError` for a folder that is no run, or has no model yet.
public func modelFile(_ path: String) throws(InputError) -> String {
  guard Folders.exists(path) else { return path }
  let model = RunFiles(folder: path).model
  guard FileWriter.exists(model) else {
    throw InputError(
      description: FileWriter.exists("\(path)/\(RunFiles.configurationName)")
        ? "\(path): the run has no model yet: it gets one at its first validation"
        : "\(path) is a folder, and no run")
  }
  return model
}

/// Throws `UsageError` where an option is given beside others that its file makes idle.
package func demandNoOther(
  than name: String, _ others: [String], _ arguments: ParsedArguments
) throws(UsageError) {
  guard arguments.has(name), let other = others.first(where: arguments.has) else { return }
  throw UsageError("--\(other): the file of --\(name) says this already; leave one of them out")
}

/// Something that was given and is not what it should be, as a sentence.
public struct InputError: Error, CustomStringConvertible {
  /// The sentence.
  public let description: String

  /// An error with this sentence.
  public init(description: String) { self.description = description }
}
