import CommandLineModels
import CommandLineOptions
import MajorTom

/// The command `majortom generate`.
let generateCommand = Command(
  "generate", summary: "write text with a language model",
  synopsis: "[-m MODEL] [--prompt TEXT] [OPTION...]",
  about: "Writes text with a language model, character by character.",
  options: [
    modelOption(),
    Option(
      "prompt", short: "p", "TEXT",
      "The text to go on from; for a model that reads backwards, what the text ends with"),
    Option("length", short: "n", "N", "Tokens to write (default: 500)"),
    Option(
      "temperature", short: "t", "T",
      "Lower is safer, higher more varied, 0 always takes the likeliest (default: 0.8)"),
    Option("top-k", "K", "Choose among the K likeliest (default: all)"),
    Option("top-p", "P", "Choose among the likeliest that together reach P (default: 1)"),
    Option("min-p", "P", "Leave out what is less than P times as likely as the likeliest"),
    Option("seed", short: "s", "S", "Seed (default: another each time)"),
    Option("stop", "TEXT", "End before TEXT appears; may be given more than once"),
    Option(flag: "no-echo", "Do not print the prompt"),
    precisionOption, jsonOption,
  ]
) { arguments in
  guard arguments.words.isEmpty || !arguments.has("prompt") else {
    throw UsageError("the prompt is given twice: as --prompt and as '\(arguments.words[0])'")
  }
  let prompt = arguments.text("prompt") ?? arguments.words.joined(separator: " ")
  var options = try samplingOptions(arguments)
  let seed =
    try arguments.integer("seed", in: 0...Int.max).map(UInt64.init) ?? .random(in: 0..<1 << 32)
  options.length = try arguments.integer("length", in: 0...Int.max) ?? options.length
  let model = try arguments.model(LanguageModel.self, modelPath(arguments))
  let isBackwards = model.configuration.isBackwards
  guard !isBackwards || !arguments.has("stop") else {
    throw UsageError("--stop: \(LanguageModelError.backwardsWithStops)")
  }
  var pieces = try Generation(model, after: prompt, options, seed: seed)
  if arguments.has("json") {
    var text = ""
    while let piece = pieces.next() { text += piece }
    if let failure = pieces.failure { throw failure }
    return writeJSON(["prompt": .text(prompt), "text": .text(text), "seed": .whole(Int(seed))])
  }
  let echoes = !arguments.has("no-echo")
  if echoes, !isBackwards { writeOutput(prompt) }
  while let piece = pieces.next() { writeOutput(piece) }
  if let failure = pieces.failure {
    writeOutput("\n")
    throw failure
  }
  if echoes, isBackwards { writeOutput(prompt) }
  writeOutput("\n")
}

private func samplingOptions(_ arguments: ParsedArguments) throws -> GenerationOptions {
  let any = Double.greatestFiniteMagnitude
  var options = GenerationOptions(stops: arguments.texts("stop"))
  options.topK = try arguments.integer("top-k", in: 1...Int.max)
  options.temperature = try arguments.number("temperature", in: 0...any) ?? options.temperature
  options.topP = try arguments.number("top-p", in: 1e-9...1)
  options.minP = try arguments.number("min-p", in: 0...1)
  return options
}
