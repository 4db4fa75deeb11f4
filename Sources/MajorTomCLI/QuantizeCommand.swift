import CommandLineModels
import CommandLineOptions
import Glibc
import MajorTom

private enum FilePrecision: String, CaseIterable { case int8, bf16 }

/// The command `majortom quantize`.
let quantizeCommand = Command(
  "quantize", summary: "make a model's file smaller and its use faster",
  synopsis: "[-m MODEL] -o FILE --precision int8|bf16 [OPTION...]",
  about: """
    Writes a model with its matrices rounded: to bytes with a scale for each row (int8), or to bfloat16,
    16 bits a number (bf16). Whatever reads a model file reads it, and computes in that precision. What it
    costs, majortom evaluate shows.
    """,
  options: [
    modelOption(), Option("output", short: "o", "FILE", "The file to write"),
    Option("precision", "P", "int8 or bf16"),
    Option(flag: "overwrite", "Replace FILE if it exists"), jsonOption,
  ]
) { arguments in
  guard arguments.words.isEmpty else {
    throw UsageError("'\(arguments.words[0])' is one word too many: name the model with -m")
  }
  guard let output = arguments.text("output") else { throw UsageError("no output: -o FILE") }
  guard let chosen = try arguments.choice("precision", of: FilePrecision.self) else {
    throw UsageError("no precision: --precision int8 or --precision bf16")
  }
  let path = try modelPath(arguments, of: nil)
  try demandApart(output, [path])
  guard arguments.has("overwrite") || !FileWriter.exists(output) else {
    throw UsageError("\(output) exists: give --overwrite to replace it")
  }
  let precision = chosen == .int8 ? ProductPrecision.int8 : .bfloat16
  try write(try modelKind(of: path), from: path, as: precision, to: output)
  let (before, after) = (bytes(of: path), bytes(of: output))
  guard !arguments.has("json") else {
    return writeJSON([
      "model": .text(output), "precision": .text(chosen.rawValue), "bytes_before": .whole(before),
      "bytes": .whole(after),
    ])
  }
  writeOutput(
    "\(output): \(chosen.rawValue), \(counted(after, "byte")); \(path) has \(grouped(before))\n")
}

private func write<Model: TrainableModel>(
  _ type: Model.Type, from path: String, as precision: ProductPrecision, to output: String
) throws {
  try withProgress("quantizing") { bar in
    let model = try Model(contentsOf: path)
    bar.update(0.4, "rounding")
    let rounded = model.quantized(to: precision)
    bar.update(0.8, "writing")
    try rounded.write(to: output)
  }
}

private func bytes(of path: String) -> Int {
  var status = stat()
  return stat(path, &status) == 0 ? Int(status.st_size) : 0
}
