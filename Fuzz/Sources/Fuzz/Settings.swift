import CommandLineOptions
import MajorTom

/// Readers of what a user sets: options and configurations.
let settingDrivers: [Driver] = [
  Driver(name: "options", run: parseOptions, seeds: { Seeds.commandLines }),
  Driver(name: "configuration", run: readConfiguration, seeds: { Seeds.configurations }),
]

/// A table as the tool's commands have them: rows of all that a language model is made and trained by.
private let options: [Option] =
  [
    Option("output", short: "o", "FILE", "Where the model goes"),
    Option("threads", "N", "Threads to use"), Option(flag: "overwrite", "Replace a model"),
    Option(flag: "json", short: "j", "As JSON"),
  ] + rows(LanguageModel.Configuration.self) + rows(TrainingOptions.self)

private func rows<Root: HyperparameterSet>(_ type: Root.Type) -> [Option] {
  Root.hyperparameters.map { row in
    row.argument.map { Option(row.name, $0, row.help(defaultsFrom: Root())) }
      ?? Option(flag: row.name, row.help)
  }
}

/// Words with NUL between them, as in /proc/self/cmdline.
private func parseOptions(_ bytes: [UInt8]) throws {
  let words = bytes.split(separator: 0, omittingEmptySubsequences: false).map {
    String(decoding: $0, as: UTF8.self)
  }
  let found = try ParsedArguments(
    words, command: "majortom train", synopsis: "FILE...", about: "Trains.", options: options)
  demand(found.words.count <= words.count, "no word comes from nowhere")
  _ = try found.integer("threads", in: 1...64)
  _ = try found.number("rate", in: 0...1)
  // Any text may be the name of a cell with its settings.
  if let text = found.text("cell"), let kind = try? CellKind(text) {
    _ = kind.makeCell()
    demand(try CellKind("\(kind)") == kind, "a cell's text is read back")
  }
  try set(LanguageModel.Configuration.self, found)
  try set(TrainingOptions.self, found)
}

private func set<Root: HyperparameterSet>(_ type: Root.Type, _ found: ParsedArguments) throws {
  var root = Root()
  for row in Root.hyperparameters {
    for text in found.texts(row.name) { try row.set(&root, toText: text) }
  }
  try root.validate()
  try checkRoundTrip(root)
}

private func readConfiguration(_ bytes: [UInt8]) throws {
  try read(LanguageModel.Configuration.self, bytes)
  try read(LanguageModel.TokenOptions.self, bytes)
  try read(Tagger.Configuration.self, bytes)
  try read(Tagger.TokenOptions.self, bytes)
  try read(Translator.Configuration.self, bytes)
  try read(Translator.TokenOptions.self, bytes)
  try read(TrainingOptions.self, bytes)
}

/// That one kind of configuration refuses it does not mean that the next one does.
private func read<Root: HyperparameterSet>(_ type: Root.Type, _ bytes: [UInt8]) throws {
  let value: Root
  do { value = try JSON.value(from: bytes) } catch {
    return demand(!"\(error)".isEmpty, "an error is a sentence")
  }
  try checkRoundTrip(value)
  _ = value.differences(from: Root())
}

private func checkRoundTrip<Root: HyperparameterSet>(_ value: Root) throws {
  let text = JSON.text(of: value)
  let again: Root
  do { again = try JSON.value(from: text.utf8) } catch {
    fatalError("broken: what was read is written so that it can be read: \(text): \(error)")
  }
  demand(again == value, "what is written is what was read: \(text)")
}
