import CommandLineModels
import CommandLineOptions
import Experiments
import Glibc
import MajorTom

/// The command `majortom explain gradient-flow`.
let gradientFlowCommand = Command(
  "explain gradient-flow", summary: "see how far back gradients reach",
  synopsis: "[-m MODEL TEXT...] [OPTION...]",
  about: """
    Measures the norm of the gradient 1, 2, 4 ... steps back in time: with fresh weights, before
    and after learning to add two numbers far apart, and where it explodes; or, with -m, in a
    language model on text files.
    """,
  options: [
    modelOption(isDefaulted: false),
    Option("text", "TEXT", "The text itself, instead of files"),
    Option("hidden", "N", "Units of the networks with fresh weights (default: 64)"),
    Option("length", "N", "The most steps back (default: 512)"),
    Option("sequences", "N", "Sequences to learn from; 0 to skip learning (default: 4000)"),
    Option("seed", "S", "Seed (default: 1)"),
    Option("html", "FILE", "Write the charts as a web page"),
    Option(flag: "json", "JSON on standard output"),
  ]
) { arguments in
  if let page = arguments.text("html") {
    try demandApart(page, arguments.texts("model") + arguments.words)
  }
  let panels = try panels(arguments)
  // The page first: where it cannot be written, nothing is printed as if all had gone well.
  if let path = arguments.text("html") {
    try FileWriter.write(gradientFlowPage(panels).html(), to: path)
  }
  for (number, panel) in panels.enumerated() {
    if arguments.has("json") {
      panel.writeAsJSON()
    } else {
      writeOutput((number > 0 ? "\n" : "") + panel.terminal)
    }
  }
  if let path = arguments.text("html"), !arguments.has("json") {
    writeOutput("\npicture in \(path)\n")
  }
}

private func panels(_ arguments: ParsedArguments) throws -> [FlowPanel] {
  let length = try arguments.integer("length", in: 2...4096) ?? 512
  if arguments.has("model") {
    let path = try modelPath(arguments)
    let model = try LanguageModel(contentsOf: path)
    // Stretches are taken from all over a text; this much is enough to choose among.
    let text = try text(arguments, atMost: 1 << 20)
    return [try .ofModel(model, path, ids: model.pieces(of: text).ids, length: length)]
  }
  guard arguments.words.isEmpty, !arguments.has("text") else {
    throw UsageError("a text is read by a model: name one with -m FILE")
  }
  return try FlowPanel.ofFreshNetworks(
    hiddenSize: arguments.integer("hidden", in: 1...2048) ?? 64, length: length,
    sequences: arguments.integer("sequences", in: 0...10_000_000) ?? 4000,
    seed: UInt64(arguments.integer("seed", in: 0...Int.max) ?? 1))
}
