import CommandLineOptions
import Glibc
import MajorTom

/// The option that names a model, which has a default unless it means something to leave it out.
func modelOption(isDefaulted: Bool = true, demo: String = "the demo's") -> Option {
  Option(
    "model", short: "m", "FILE",
    isDefaulted ? "The model (default: $MAJORTOM_MODEL, else \(demo))" : "A language model")
}
let threadsOption = Option("threads", "N", "Threads (default: as many as gain)")
private let jsonOption = Option(flag: "json", "JSON on standard output")

/// The command `majortom generate`.
func generate(_ words: [String]) throws {
  let arguments = try ParsedArguments(
    words, command: "majortom generate", synopsis: "[-m MODEL] [--prompt TEXT] [OPTION...]",
    about: "Writes text with a language model, character by character.",
    options: [
      modelOption(),
      Option(
        "prompt", short: "p", "TEXT",
        "The text to go on from; for a model that reads backwards, what the text ends with"),
      Option("length", short: "n", "N", "Symbols to write (default: 500)"),
      Option(
        "temperature", short: "t", "T", "Below 1 bolder, above 1 wilder, 0 greedy (default: 0.8)"),
      Option("top-k", "K", "Choose among the K likeliest (default: all)"),
      Option("top-p", "P", "Choose among the likeliest that together reach P (default: 1)"),
      Option("min-p", "P", "Leave out what is less than P times as likely as the likeliest"),
      Option("seed", short: "s", "S", "Seed (default: another each time)"),
      Option("stop", "TEXT", "End before TEXT appears; may be given more than once"),
      Option(flag: "no-echo", "Do not print the prompt"),
      threadsOption, jsonOption,
    ])
  if arguments.printedHelp { return }
  guard arguments.words.isEmpty || !arguments.has("prompt") else {
    throw UsageError("the prompt is given twice: as --prompt and as '\(arguments.words[0])'")
  }
  let prompt = arguments.text("prompt") ?? arguments.words.joined(separator: " ")
  let any = Double.greatestFiniteMagnitude
  var options = GenerationOptions(stops: arguments.texts("stop"))
  options.topK = try arguments.integer("top-k", in: 1...Int.max)
  options.temperature =
    try arguments.number("temperature", in: 0...any) ?? options.temperature
  options.topP = try arguments.number("top-p", in: 1e-9...1)
  options.minP = try arguments.number("min-p", in: 0...1)
  let seed =
    try arguments.integer("seed", in: 0...Int.max).map(UInt64.init) ?? .random(in: 0..<1 << 32)
  options.length = try arguments.integer("length", in: 0...Int.max) ?? options.length
  options.threads = try arguments.integer("threads", in: 1...1024)
  let model = try LanguageModel(contentsOf: modelPath(arguments))
  let isBackwards = model.configuration.isBackwards
  guard !isBackwards || !arguments.has("stop") else {
    throw UsageError("--stop: \(LanguageModelError.backwardsWithStops)")
  }
  let pieces = try Generation(model, after: prompt, options, seed: seed)
  if arguments.has("json") {
    var text = ""
    for piece in pieces { text += piece }
    writeJSON(["prompt": .text(prompt), "text": .text(text), "seed": .whole(Int(seed))])
    return
  }
  let echoes = !arguments.has("no-echo")
  if echoes, !isBackwards { writeOutput(prompt) }
  for piece in pieces { writeOutput(piece) }
  if echoes, isBackwards { writeOutput(prompt) }
  writeOutput("\n")
}

private enum EvaluatedPart: String, CaseIterable { case all, validation }

/// The command `majortom evaluate`.
func evaluate(_ words: [String]) throws {
  let arguments = try ParsedArguments(
    words, command: "majortom evaluate", synopsis: "[-m MODEL] TEXT... [OPTION...]",
    about: """
      Measures how well a language model predicts text files, or a tagger tags files of tagged
      sentences.
      """,
    options: [
      modelOption(),
      Option("protocol", "NAME", "carried: one run; crops: stretches of 256 (default: both)"),
      Option("part", "PART", "all, or validation: the part that training kept (default: all)"),
      Option("encoding", "NAME", "Encoding of the text (default: detected)"),
    ] + taggedDataOptions + [
      Option("beam", "N", "Translators: translations followed at once (default: 1)"),
      threadsOption, jsonOption,
    ])
  if arguments.printedHelp { return }
  guard !arguments.words.isEmpty else {
    throw UsageError("no text: name at least one text file")
  }
  let protocols =
    try arguments.choice("protocol", of: EvaluationProtocol.self).map { [$0] }
    ?? EvaluationProtocol.allCases
  let part = try arguments.choice("part", of: EvaluatedPart.self) ?? .all
  let threads = try arguments.integer("threads", in: 1...1024)
  let path = try modelPath(arguments)
  let ofLanguageModels = ["protocol", "part", "encoding"]
  let ofTaggers = taggedDataOptions.map(\.name)
  func demandNone(of options: [String], _ kind: String) throws(UsageError) {
    if let other = options.first(where: arguments.has) {
      throw UsageError("--\(other) does not apply to \(path), which holds a \(kind)")
    }
  }
  switch try ModelMetadata.kind(of: path) {
  case Tagger.fileKind:
    try demandNone(of: ofLanguageModels + ["beam"], "tagger")
    return try evaluateTagger(arguments, path: path)
  case Translator.fileKind:
    try demandNone(of: ofLanguageModels + ofTaggers, "translator")
    return try evaluateTranslator(arguments, path: path)
  default: try demandNone(of: ofTaggers + ["beam"], "language model")
  }
  let model = try LanguageModel(contentsOf: path)
  let corpus = try Corpus(
    contentsOf: arguments.words,
    encoding: try arguments.text("encoding").map { try TextEncoding(named: $0) } ?? .detect)
  let symbols = try EncodedCorpus(corpus, vocabulary: model.vocabulary)
  let range = part == .all ? 0..<symbols.count : model.validationRange(of: symbols.count)
  for name in protocols {
    let result = try model.evaluate(on: symbols, range: range, protocol: name, threads: threads)
    if arguments.has("json") {
      writeJSON([
        "protocol": .text(name.rawValue), "symbols": .whole(result.tokens),
        "bytes": .whole(result.bytes), "nats_per_symbol": .number(result.natsPerToken),
        "bits_per_symbol": .number(result.bitsPerToken),
        "bits_per_byte": .number(result.bitsPerByte), "perplexity": .number(result.perplexity),
      ])
    } else {
      let figures = [
        "\(grouped(result.tokens)) symbols", "\(fixed(result.natsPerToken, 4)) nats/symbol",
        "\(fixed(result.bitsPerToken, 4)) bits/symbol",
        "\(fixed(result.bitsPerByte, 4)) bits/byte", "perplexity \(fixed(result.perplexity, 3))",
      ]
      writeOutput("\(name.rawValue): \(figures.joined(separator: ", "))\n")
    }
  }
}

/// The command `majortom info MODEL`.
func info(_ words: [String]) throws {
  let arguments = try ParsedArguments(
    words, command: "majortom info", synopsis: "[MODEL] [OPTION...]",
    about: "Shows what a model file holds.", options: [modelOption(), jsonOption])
  if arguments.printedHelp { return }
  let path = try arguments.words.first ?? modelPath(arguments)
  switch try ModelMetadata.kind(of: path) {
  case Tagger.fileKind: return try describeTagger(path, json: arguments.has("json"))
  case Translator.fileKind: return try describeTranslator(path, json: arguments.has("json"))
  default: break
  }
  let model = try LanguageModel(contentsOf: path)
  if arguments.has("json") {
    writeOutput(model.jsonDescription + "\n")
    return
  }
  let (configuration, card) = (model.configuration, model.card)
  let segmentation = model.vocabulary.segmentation
  let (training, validation) = (grouped(card.trainingSymbols), grouped(card.validationSymbols))
  var lines = [
    """
    language model\(configuration.isBackwards ? " that reads backwards" : ""): \
    \(configuration.cell.rawValue), \(configuration.layers) x \(configuration.hiddenSize) units, \
    vectors of \(configuration.embeddingSize), dropout \(configuration.dropout)
    """,
    """
    symbols: \(grouped(model.vocabulary.count)), by \(segmentation.unit.rawValue), \
    normalization \(segmentation.normalization.rawValue), locale \(segmentation.locale)
    """,
    """
    corpus: \(card.corpus.joined(separator: ", ")): \(training) symbols to train on, \
    \(validation) to validate on
    """,
    "trained: \(grouped(card.record.updates)) updates in \(time(card.record.seconds))",
  ]
  if let best = card.record.bestLoss {
    lines.append(
      "validation: \(fixed(best, 4)) nats, \(fixed(bits(best), 4)) bits a symbol, at update "
        + grouped(card.record.bestUpdate))
  }
  writeOutput((lines + weightLines(model.network.layout)).joined(separator: "\n") + "\n")
}

/// The number of weights, and the shape of each tensor.
func weightLines(_ layout: ParameterLayout) -> [String] {
  ["weights: \(grouped(layout.weightCount))"]
    + layout.entries.map { entry in
      "  \(entry.name)  " + entry.shape.map(String.init).joined(separator: " x ")
    }
}

/// The model that the user means: `--model`, `$MAJORTOM_MODEL`, or the demo's, here or up from the
/// tool's own place.
func modelPath(
  _ arguments: ParsedArguments, demo name: String = "models/demo.safetensors"
) throws(UsageError) -> String {
  if let path = arguments.text("model") { return path }
  if let path = getenv("MAJORTOM_MODEL").map({ String(cString: $0) }), !path.isEmpty { return path }
  if FileWriter.exists(name) { return name }
  var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
  let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
  var folder = String(decoding: buffer.prefix(max(0, length)).map(UInt8.init), as: UTF8.self)
  while let slash = folder.lastIndex(of: "/") {
    folder = String(folder[..<slash])
    if FileWriter.exists("\(folder)/\(name)") { return "\(folder)/\(name)" }
  }
  throw UsageError(
    "no model: name one with -m FILE, or train one: majortom train lm TEXT -o FILE, majortom train "
      + "tagger DATA -o FILE or majortom train translator PAIRS -o FILE, or make demo")
}
