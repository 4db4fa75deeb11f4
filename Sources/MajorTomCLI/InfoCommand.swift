import CommandLineModels
import CommandLineOptions
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
      path: path, found: "this is a \(quoted(found)), which is no model that majortom uses")
  }
  return type
}

/// The command `majortom info MODEL`.
let infoCommand = Command(
  "info", summary: "show what a model file holds", synopsis: "[MODEL] [OPTION...]",
  about: "Shows what a model file holds.",
  options: [
    modelOption(), jsonOption,
    Option(flag: "verify", "Only check the file against its checksum; exit 1 where it is damaged"),
  ]
) { arguments in
  let path = try arguments.words.first.map(modelFile) ?? modelPath(arguments, of: nil)
  guard !arguments.has("verify") else { return try verify(path, asJSON: arguments.has("json")) }
  let model = try modelKind(of: path).init(contentsOf: path)
  guard !arguments.has("json") else { return writeOutput(model.jsonDescription + "\n") }
  let lines = model.describe().map { "\($0.label): \($0.text)" }
  let tensors = model.weights.names.map { name in
    let shape = model.weights.shape(of: name) ?? []
    return "  \(name)  \(shape.map(String.init).joined(separator: " x "))"
  }
  writeOutput((lines + tensors).joined(separator: "\n") + "\n")
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
