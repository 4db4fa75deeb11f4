import CommandLineModels
import CommandLineOptions
import Glibc
import MajorTom

/// The kinds of models that the tool knows.
let modelKinds: [any TrainableModel.Type] = [LanguageModel.self, Tagger.self, Translator.self]

/// The kind of model that a file holds.
///
/// Throws `FileError` for a file that cannot be read, or of a kind that the tool does not know.
func modelKind(of path: String) throws -> any TrainableModel.Type {
  let found = try ModelFileReader(contentsOf: path).kind
  guard let type = modelKinds.first(where: { $0.kind.name == found }) else {
    throw FileError.mismatch(
      path: path,
      found: found == TextState.kind.name
        ? "this is the state of a text, which majortom generate --state goes on from"
        : "this is a \(quoted(found)), which is no model that majortom uses")
  }
  return type
}

/// The command `majortom info PATH...`.
let infoCommand = Command(
  "info", summary: "show what models, checkpoints and runs hold",
  synopsis: "[PATH...] [OPTION...]",
  about: """
    Shows what model files, checkpoints and runs hold, and what lies in a folder of them. With --json it
    writes an object a line, one for each.
    """,
  options: [
    modelOption(), jsonOption,
    Option(
      flag: "verify", "Only check the files against their checksums; exit 1 where one is damaged"),
  ]
) { arguments in
  let paths = arguments.words.isEmpty ? [try modelPath(arguments, of: nil)] : arguments.words
  let isJSON = arguments.has("json")
  var hasFailed = false
  for (number, path) in paths.enumerated() {
    do {
      guard !arguments.has("verify") else {
        try verify(try modelFile(path), asJSON: isJSON)
        continue
      }
      let found = try description(of: path)
      if paths.count > 1, !isJSON { writeOutput("\(number > 0 ? "\n" : "")\(path)\n") }
      writeOutput((isJSON ? found.json : found.lines.joined(separator: "\n")) + "\n")
    } catch  where paths.count > 1 {
      // The others are still wanted.
      complain("\(error)")
      hasFailed = true
    }
  }
  if hasFailed { exit(1) }
}

/// Reads all of a model or checkpoint, and says that its bytes are those that were written.
///
/// Throws `FileError` where they are not, or where nothing tells.
private func verify(_ path: String, asJSON: Bool) throws {
  // Reading a file compares its checksum; a model must also make sense.
  let checksum = try SafetensorsFile(contentsOf: path).checksum
  if try ModelFileReader(contentsOf: path).kind != "checkpoint" {
    _ = try modelKind(of: path).init(contentsOf: path)
  }
  guard let checksum else {
    throw FileError.mismatch(
      path: path,
      found: "it has no checksum, as files of earlier versions and of other programs have none: "
        + "it can be read, but nothing tells whether it is as it was written")
  }
  if asJSON { return writeJSON(["file": .text(path), "checksum": .text(checksum)]) }
  writeOutput("\(path): its checksum \(checksum) is right\n")
}
