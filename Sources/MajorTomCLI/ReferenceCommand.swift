import CommandLineModels
import CommandLineOptions
import MajorTom

/// The command `majortom reference FOLDER`, by which `make docs` writes docs/reference: a page a
/// command and one of the hyperparameters, made from the same tables as the help.
let referenceCommand = Command(
  "reference", summary: "write the reference of all commands as Markdown or man pages",
  synopsis: "[--man] FOLDER",
  about: """
    Writes a page a command to FOLDER, which is made where there is none: as Markdown, with a page of all
    hyperparameters, or as pages for man.
    """,
  options: [Option(flag: "man", "Pages for man instead of Markdown")]
) { arguments in
  guard let folder = arguments.words.first, arguments.words.count == 1 else {
    throw UsageError("one folder is needed: majortom reference FOLDER")
  }
  try Folders.make(folder)
  for (name, page) in arguments.has("man") ? manPages() : referencePages() {
    try FileWriter.write(page, to: "\(folder)/\(name)")
  }
}

/// The pages by their files' names.
func referencePages() -> [(name: String, page: String)] {
  let shown = commands.filter { $0.words != referenceCommand.words }
  func name(_ command: Command) -> String {
    command.words.replacing(" ", with: "-") + ".md"
  }
  var index = "# Reference\n\nMade from the tables of the tool by `make docs`.\n\n"
  index += "| command | what it does |\n|---|---|\n"
  for command in shown {
    index += "| [majortom \(command.words)](\(name(command))) | \(command.summary) |\n"
  }
  index += "\n[Hyperparameters](hyperparameters.md) as files and libraries know them.\n"
  return [("README.md", index), ("hyperparameters.md", hyperparameterPage())]
    + shown.map { (name($0), page($0)) }
}

private func page(_ command: Command) -> String {
  var text = "# majortom \(command.words)\n\n\(command.about)\n\n"
  text += "    majortom \(command.words) \(command.synopsis)\n\n"
  guard !command.options.isEmpty else { return text }
  text += "| option | meaning |\n|---|---|\n"
  for option in command.options {
    text += "| `\(option.synopsis)` | \(escapedCell(option.help)) |\n"
  }
  return text
}

private func hyperparameterPage() -> String {
  """
  # Hyperparameters

  The names are those of the options and of the JSON in model files.

  ## Language model

  \(table(LanguageModel.Configuration()))
  ## Tagger

  \(table(Tagger.Configuration()))
  ## Translator

  \(table(Translator.Configuration()))
  ## Training

  Defaults of the language model; the tagger and the translator change some, as their pages say.

  \(table(LanguageModel.defaultOptions))
  """
}

private func table<Root: HyperparameterSet>(_ root: Root) -> String {
  var text = "| name | group | values | default | what it is |\n|---|---|---|---|---|\n"
  for row in Root.hyperparameters {
    let value = row.read(root)?.text ?? row.automatic ?? ""
    text +=
      "| `\(row.name)` | \(row.group.rawValue) | \(escapedCell(row.domain.expectation)) | "
      + "\(escapedCell(value)) | \(escapedCell(row.help)) |\n"
  }
  return text
}

private func escapedCell(_ text: String) -> String { text.replacing("|", with: "\\|") }
