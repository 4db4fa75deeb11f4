import CommandLineModels
import CommandLineOptions
import MajorTom

/// The command `majortom generate`.
let generateCommand = Command(
  "generate", summary: "write text with a language model",
  synopsis: "[-m MODEL] [--prompt TEXT] [OPTION...]",
  about: """
    Writes text with a language model, character by character. The seed is told on standard error: the same \
    seed, prompt and options write the same text again.
    """,
  options: [
    modelOption(),
    Option(
      "prompt", short: "p", "TEXT",
      "The text to go on from; for a model that reads backwards, what the text ends with"),
    Option("length", short: "n", "N", "Tokens to write (default: 500)"),
  ] + samplingTable + [
    Option("seed", short: "s", "S", "Seed (default: another each time)"),
    Option(
      "samples", "N", "Write N texts, of seeds S, S+1 and so on, together as one batch (default: 1)"
    ),
    Option("stop", "TEXT", "End before TEXT appears; may be given more than once"),
    Option("save-state", "FILE", "Keep in FILE where the text is at its end, to go on from later"),
    Option(
      "state", "FILE",
      "Go on from where a text was, as it would have gone on; with --seed, in another way"),
    Option(
      flag: "interactive", short: "i", "Write a text in turns: what is typed, what is written"),
    Option("avoid-verbatim", "N", "Never write N tokens in a row that stand in the training text"),
    Option(flag: "copied", "Report the longest passages that stand in the training text, too"),
    Option(
      "training-text", "FILE",
      "The training text for these two (default: what the run was trained on)"),
    Option(flag: "no-echo", "Do not print the prompt"),
    precisionOption, jsonOption,
  ]
) { arguments in
  let request = try GenerateRequest(arguments)
  if arguments.has("interactive") { return try request.interact() }
  let texts = request.samples == 1 ? try request.write() : try request.writeBatch()
  if arguments.has("copied") { try request.reportCopies(in: texts) }
}

/// What `generate` was asked for.
struct GenerateRequest {
  let arguments: ParsedArguments
  let model: LanguageModel
  let path: String
  var prompt: String
  var options: GenerationOptions
  let seed: UInt64
  let samples: Int
  let state: TextState?

  init(_ typed: ParsedArguments) throws {
    guard typed.words.isEmpty || !typed.has("prompt") else {
      throw UsageError("the prompt is given twice: as --prompt and as '\(typed.words[0])'")
    }
    // Wrong usage is told before a file is opened.
    _ = try samplingOptions(typed, nil)
    samples = try typed.integer("samples", in: 1...10_000) ?? 1
    path = try modelPath(typed)
    let model = try typed.model(LanguageModel.self, path)
    try Self.check(typed, model, samples: samples)
    state = try typed.text("state").map { try TextState(contentsOf: $0, of: model) }
    // What is not typed is as it was when the state was kept.
    let arguments = typed.filled(
      from: ParsedArguments(words: [], values: state?.notes ?? [:]))
    self.arguments = arguments
    self.model = model
    prompt = typed.text("prompt") ?? typed.words.joined(separator: " ")
    var options = try samplingOptions(arguments, model)
    options.length = try typed.integer("length", in: 0...Int.max) ?? options.length
    options.stops = arguments.texts("stop")
    let typedSeed = try typed.integer("seed", in: 0...Int.max).map(UInt64.init)
    seed = typedSeed ?? state?.seed ?? .random(in: 0..<1 << 32)
    if let length = try typed.integer("avoid-verbatim", in: 1...10_000) {
      options.avoiding = try model.verbatimIndex(of: trainingText(typed, path), length: length)
    }
    self.options = options
  }

  private static func check(
    _ arguments: ParsedArguments, _ model: LanguageModel, samples: Int
  ) throws {
    if model.configuration.isBackwards {
      if arguments.has("stop") {
        throw UsageError("--stop: \(LanguageModelError.backwardsWithStops)")
      }
      for name in ["state", "save-state", "interactive", "samples"] where arguments.has(name) {
        throw UsageError("--\(name): \(LanguageModelError.backwardsWithState)")
      }
    }
    if samples > 1 {
      for name in ["save-state", "interactive"] where arguments.has(name) {
        throw UsageError("--\(name) is for one text: leave out --samples")
      }
    }
    if arguments.has("training-text"), !arguments.has("avoid-verbatim"), !arguments.has("copied") {
      throw UsageError("--training-text is for --avoid-verbatim or --copied: give one of them")
    }
  }

  /// A text at its beginning, or where the state was.
  func begin(seed: UInt64) throws -> Generation {
    guard let state else { return try Generation(model, after: prompt, options, seed: seed) }
    return try Generation(model, from: state, after: prompt, options, seed: seed)
  }

  /// Keeps where a text is, with the options it was written with.
  func keep(_ text: Generation, at file: String) throws {
    let typed = (samplingTable.map(\.name) + ["stop"]).filter { arguments.has($0) }
    let notes = Dictionary(uniqueKeysWithValues: typed.map { ($0, arguments.texts($0)) })
    try TextState(text, notes: notes).write(to: file)
  }

  /// Writes one text, piece by piece.
  func write() throws -> [String] {
    var pieces = try begin(seed: seed)
    pieces.keepsEnd = arguments.has("save-state")
    let asJSON = arguments.has("json")
    if !asJSON { tellSeed(seed) }
    let isBackwards = model.configuration.isBackwards
    let echoes = !arguments.has("no-echo") && !asJSON
    if echoes, !isBackwards { writeOutput(prompt) }
    var text = ""
    while let piece = pieces.next() {
      if !asJSON { writeOutput(piece) }
      if asJSON || arguments.has("copied") { text += piece }
    }
    if let failure = pieces.failure {
      if !asJSON { writeOutput("\n") }
      throw failure
    }
    if let file = arguments.text("save-state") { try keep(pieces, at: file) }
    if asJSON {
      writeJSON(["prompt": .text(prompt), "text": .text(text), "seed": .raw("\(seed)")])
    } else {
      if echoes, isBackwards { writeOutput(prompt) }
      // The next part of a text that is kept follows at once.
      if !pieces.keepsEnd { writeOutput("\n") }
    }
    return [text]
  }

  /// Writes several texts as rows of one batch, each when it is whole and those before it are.
  func writeBatch() throws -> [String] {
    let batch = GenerationBatch(model, capacity: min(samples, 64))
    var texts = Array(repeating: "", count: samples)
    var isOver = Array(repeating: false, count: samples)
    var (begun, shown) = (0, 0)
    while shown < samples {
      while begun < samples, batch.count < batch.capacity {
        batch.add(try begin(seed: seed &+ UInt64(begun)))
        begun += 1
      }
      for step in batch.next() {
        if let failure = step.failure { throw failure }
        texts[step.text] += step.piece
        if step.isOver { isOver[step.text] = true }
      }
      while shown < samples, isOver[shown] {
        show(texts[shown], number: shown)
        shown += 1
      }
    }
    return texts
  }

  private func show(_ text: String, number: Int) {
    let seed = seed &+ UInt64(number)
    if arguments.has("json") {
      return writeJSON(["prompt": .text(prompt), "text": .text(text), "seed": .raw("\(seed)")])
    }
    if number > 0 { writeOutput("---\n") }
    tellSeed(seed)
    writeOutput((arguments.has("no-echo") ? "" : prompt) + text + "\n")
  }

  func tellSeed(_ seed: UInt64) { writeError("seed \(seed)\n") }

  /// Tells what of the texts is the training text's.
  func reportCopies(in texts: [String]) throws {
    let corpus = try trainingText(arguments, path)
    for (number, text) in texts.enumerated() {
      let passages = try model.passages(of: text, copiedFrom: corpus)
      if samples > 1 { writeError("text \(number + 1): ") }
      guard !passages.isEmpty else {
        writeError("no passage of 20 tokens or more stands in the training text\n")
        continue
      }
      writeError("the longest passages that stand in the training text, too:\n")
      for passage in passages {
        let text = passage.text.split(separator: "\n", omittingEmptySubsequences: false)
          .joined(separator: "⏎")
        writeError("  \(passage.range.count) tokens, from token \(passage.origin + 1): \(text)\n")
      }
    }
  }
}

/// The text that a model was trained on: what is typed, else what its run says.
private func trainingText(_ arguments: ParsedArguments, _ path: String) throws -> Corpus {
  let typed = arguments.texts("training-text")
  guard typed.isEmpty else {
    return try Corpus(contentsOf: typed).telling(arguments.readingBar(typed).report)
  }
  let folder =
    path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]) : "."
  let configuration = folder + "/" + RunFiles.configurationName
  guard path.split(separator: "/").last.map(String.init) == RunFiles.modelName,
    FileWriter.exists(configuration)
  else {
    throw UsageError(
      "\(quoted(path)) says not where its training text is: name it with --training-text FILE")
  }
  let run = try RunConfiguration(contentsOf: configuration)
  let missing = run.data.filter { !FileWriter.exists($0) }
  guard missing.isEmpty, !run.data.isEmpty else {
    throw UsageError(
      "the training text that \(quoted(configuration)) names is not there"
        + (missing.first.map { ": \(quoted($0))" } ?? "") + "; name it with --training-text FILE")
  }
  return try Corpus(contentsOf: run.data).telling(arguments.readingBar(run.data).report)
}
