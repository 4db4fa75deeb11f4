internal import Decoding
internal import Files
internal import ICUText
internal import LanguageModel

/// What `POST /v1/completions` asks for.
struct CompletionRequest: Sendable {
  /// One of the prompts.
  struct Prompt: Sendable {
    let tokens: [Int]
    let text: String
    /// What the model expected at each token; empty where nobody asks.
    var expectations: [LanguageModel.Expectation?] = []
  }

  private(set) var prompts: [Prompt]
  /// Texts of each prompt.
  let count: Int
  let options: GenerationOptions
  let seed: UInt64
  let streams: Bool
  let includesUsage: Bool
  let echoes: Bool
  /// How many likely tokens are told beside each; nil where no probabilities are.
  let likeliest: Int?

  /// Whether it is to be told what the model expects in the prompts.
  var rates: Bool { echoes && likeliest != nil }

  /// Finds what the model expects in the prompts, which takes a while; false where it was told to stop.
  mutating func readPrompts(
    by model: LanguageModel, isStopped: () -> Bool
  ) throws(RequestError) -> Bool {
    guard echoes, let likeliest else { return true }
    do {
      for place in prompts.indices {
        guard
          let found = try model.expectationsUnlessStopped(
            of: prompts[place].tokens, keeping: likeliest, isStopped: isStopped)
        else { return false }
        prompts[place].expectations = found
      }
    } catch {
      throw RequestError(status: 500, message: "\(error)")
    }
    return true
  }

  /// Throws `RequestError` where more probabilities are asked for than an answer can tell.
  func demandRoom() throws(RequestError) {
    guard rates, let likeliest else { return }
    let tokens = prompts.reduce(0) { $0 + $1.tokens.count } * count
    guard tokens * (likeliest + 1) <= 1 << 20 else {
      throw .invalid(
        "\"echo\" with \"logprobs\" of \(tokens) tokens would be too much: shorter or fewer prompts, or fewer \"logprobs\"",
        field: "logprobs")
    }
  }

  /// The fields, as OpenAI defines them, and behind them those that llama.cpp's server has.
  static func fields(_ limits: ServerLimits) -> [Field] {
    [
      Field("model", .text, "The model's name; by default the first language model"),
      Field("prompt", .prompt, "What to go on from, one text or several"),
      Field(
        "max_tokens", .whole(0...limits.completionTokens), "The most tokens to write (default: 16)"),
      Field("temperature", .number(0...2), "Below 1 safer, above 1 more varied (default: 1)"),
      Field("top_p", .number(0...1), "Keep the likeliest tokens that reach this probability"),
      Field("n", .whole(1...limits.slots), "How many texts to write of each prompt (default: 1)"),
      Field("stop", .texts(atMost: 16), "Texts before which the writing ends"),
      Field("seed", .whole(Int.min...Int.max), "The same seed writes the same text"),
      Field("stream", .flag, "Whether to send the text as it is written, as server-sent events"),
      Field(
        "stream_options",
        .object([Field("include_usage", .flag, "Whether the last event tells usage")]),
        "Options of a stream"),
      Field("logprobs", .whole(0...20), "Tell the probabilities of tokens, and of so many others"),
      Field("echo", .flag, "Whether to begin with the prompt"),
      Field("logit_bias", .biases, "What is added to the scores of tokens, by their ids"),
      Field(
        "frequency_penalty", .number(-2...2), "What a token's score loses for each time it is there"
      ),
      Field("presence_penalty", .number(-2...2), "What the scores of tokens that are there lose"),
      Field("best_of", .whole(1...limits.slots), "As n, and no other number"),
      Field("suffix", .unused, "Not supported"),
      Field("user", .text, "Not looked at"),
      Field("top_k", .whole(0...1_000_000), "Keep so many of the likeliest tokens; 0 for all"),
      Field(
        "min_p", .number(0...1), "Keep tokens of this fraction of the likeliest one's probability"),
      Field("typical_p", .number(1e-9...1), "Keep tokens whose surprise is usual"),
      Field(
        "repeat_penalty", .number(0.01...100), "What divides the scores of tokens that are there"),
      Field("repeat_last_n", .whole(0...1_000_000), "How far back penalties look (default: 64)"),
      Field("mirostat", .whole(0...2), "2 for Mirostat 2, 0 for none"),
      Field(
        "mirostat_tau", .number(0.01...100), "Mirostat's surprise in bits a token (default: 5)"),
      Field("mirostat_eta", .number(0.001...1), "Mirostat's learning rate (default: 0.1)"),
    ]
  }

  /// What an object of these fields asks a model for.
  ///
  /// Throws `RequestError`.
  init(
    _ object: [String: JSONTree], of model: LanguageModel, _ limits: ServerLimits
  ) throws(RequestError) {
    guard !model.configuration.isBackwards else {
      throw .invalid(
        "the model reads backwards, and writes no text from its beginning", field: "model")
    }
    count = object["n"]?.whole ?? 1
    if let best = object["best_of"]?.whole, best != count {
      throw .invalid("\"best_of\" must be as \"n\", or left out", field: "best_of")
    }
    prompts = try Self.prompts(object["prompt"] ?? .text(""), model, limits, textsOfEach: count)
    streams = object["stream"]?.flag ?? false
    includesUsage = object["stream_options"]?.object?["include_usage"]?.flag ?? false
    echoes = object["echo"]?.flag ?? false
    likeliest = object["logprobs"]?.whole
    seed =
      object["seed"]?.whole.map { UInt64(bitPattern: Int64($0)) } ?? UInt64.random(in: 0..<1 << 53)
    options = try Self.options(object, model)
  }

  private static func prompts(
    _ value: JSONTree, _ model: LanguageModel, _ limits: ServerLimits, textsOfEach count: Int
  ) throws(RequestError) -> [Prompt] {
    var prompts: [Prompt] = []
    let vocabulary = model.vocabulary
    func checkCount(_ prompts: Int) throws(RequestError) {
      guard prompts * count <= limits.slots else {
        throw .invalid(
          "\(prompts) prompts with \(count) texts each are more than \(limits.slots) texts",
          field: "n")
      }
    }
    if let texts = value.texts, !texts.isEmpty {
      try checkCount(texts.count)
      for text in texts {
        // No token has more bytes than that, so what is far too long is told at once.
        guard text.utf8.count <= limits.promptTokens * 64 else { throw tooLong(limits) }
        do {
          prompts.append(Prompt(tokens: try vocabulary.encode(text), text: text))
        } catch {
          throw .invalid("the prompt: \(error)", field: "prompt")
        }
      }
    } else if let lists = value.wholes.flatMap({ $0.isEmpty ? nil : [$0] })
      ?? value.list?.compactMap(\.wholes)
    {
      try checkCount(lists.count)
      for ids in lists {
        guard ids.allSatisfy({ (0..<vocabulary.count).contains($0) }) else {
          throw .invalid(
            "tokens of the prompt must be from 0 to \(vocabulary.count - 1)", field: "prompt")
        }
        prompts.append(Prompt(tokens: ids, text: vocabulary.text(of: ids)))
      }
    }
    guard !prompts.isEmpty else { throw .invalid("there is no prompt", field: "prompt") }
    guard prompts.allSatisfy({ $0.tokens.count <= limits.promptTokens }) else {
      throw tooLong(limits)
    }
    return prompts
  }

  private static func tooLong(_ limits: ServerLimits) -> RequestError {
    .invalid(
      "the prompt has more than \(limits.promptTokens) tokens", field: "prompt",
      code: "context_length_exceeded")
  }

  private static func options(
    _ object: [String: JSONTree], _ model: LanguageModel
  ) throws(RequestError) -> GenerationOptions {
    var options = GenerationOptions(temperature: object["temperature"]?.number ?? 1)
    options.length = object["max_tokens"]?.whole ?? 16
    // 0 is as OpenAI's: the likeliest token alone.
    options.topP = object["top_p"]?.number.flatMap { $0 < 1 ? max(1e-9, $0) : nil }
    options.topK = object["top_k"]?.whole.flatMap { $0 > 0 ? $0 : nil }
    options.minP = object["min_p"]?.number.flatMap { $0 > 0 ? $0 : nil }
    options.typicalP = object["typical_p"]?.number.flatMap { $0 < 1 ? $0 : nil }
    options.repetitionPenalty = object["repeat_penalty"]?.number.flatMap { $0 != 1 ? $0 : nil }
    options.frequencyPenalty = object["frequency_penalty"]?.number.flatMap { $0 != 0 ? $0 : nil }
    options.presencePenalty = object["presence_penalty"]?.number.flatMap { $0 != 0 ? $0 : nil }
    // OpenAI's penalties look at all of the text, llama.cpp's at its end.
    options.penaltyWindow =
      object["repeat_last_n"]?.whole ?? (options.repetitionPenalty == nil ? 1_000_000 : 64)
    guard object["mirostat"]?.whole != 1 else {
      throw .invalid("\"mirostat\" must be 0 or 2: there is no Mirostat 1", field: "mirostat")
    }
    if object["mirostat"]?.whole == 2 {
      options.mirostat = object["mirostat_tau"]?.number ?? 5
      options.mirostatRate = object["mirostat_eta"]?.number ?? 0.1
    }
    for (id, bias) in object["logit_bias"]?.object ?? [:] {
      guard let id = Int(id), (0..<model.vocabulary.count).contains(id) else {
        throw .invalid(
          "\"logit_bias\": tokens must be from 0 to \(model.vocabulary.count - 1)",
          field: "logit_bias")
      }
      options.bias[id] = bias.number ?? 0
    }
    options.stops = object["stop"]?.texts?.filter { !$0.isEmpty } ?? []
    do {
      _ = try Sampler(options.chain, window: options.penaltyWindow)
    } catch {
      throw .invalid("\(error)")
    }
    return options
  }
}
