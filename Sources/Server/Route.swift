internal import Files
internal import ICUText
internal import LanguageModel
internal import Tagger
internal import Translator

/// What can be asked for: a row that answering and the OpenAPI description are both made from.
struct Route: Sendable {
  let method, path, about: String
  /// What is answered, as a media type.
  var type = "application/json"
  /// Whether it needs no key.
  var isOpen = false
  /// Whether it may take long.
  var isSlow = false
  /// The fields of its body; none where it has no body.
  var fields: @Sendable (ServerLimits) -> [Field] = { _ in [] }
  let answer: @Sendable (ServerCore, Exchange, [String: JSONTree]) throws(RequestError) -> Void

  var hasBody: Bool { !fields(ServerLimits()).isEmpty }

  /// Whether a request's path is meant; the last part of `{model}` stands for any.
  func isMeant(by asked: String) -> Bool {
    guard path.hasSuffix("{model}") else { return path == asked }
    let start = path.dropLast("{model}".count)
    return asked.hasPrefix(start) && asked.utf8.count > start.utf8.count
  }

  /// All of them.
  static let all: [Route] = [
    Route(
      method: "GET", path: "/", about: "The page", type: "text/html", isOpen: true,
      answer: { _, exchange, _ in
        exchange.answer(page, "text/html; charset=utf-8", more: pageHeaders)
      }),
    Route(
      method: "GET", path: "/health", about: "Whether the server is there", isOpen: true,
      answer: { _, exchange, _ in exchange.answer(.object(["status": .text("ok")])) }),
    Route(
      method: "GET", path: "/metrics", about: "Numbers for Prometheus", type: "text/plain",
      answer: { core, exchange, _ in
        let load = core.engine.load
        let gauges = [
          ("texts_running", "Texts that are being written.", load.running),
          ("completions_under_way", "Completions that are written or wait.", load.requests),
          (
            "jobs_waiting", "Other requests that wait.",
            core.worker.count + core.reader.count + core.longReader.count
          ),
        ]
        exchange.answer(
          core.metrics.text(gauges: gauges.map { (name: $0.0, about: $0.1, value: $0.2) }),
          "text/plain; version=0.0.4")
      }),
    Route(
      method: "GET", path: "/openapi.json", about: "This description", isOpen: true,
      answer: { core, exchange, _ in exchange.answer(OpenAPI.description(core.options.limits)) }),
    Route(
      method: "GET", path: "/v1/models", about: "The models that are served",
      answer: { core, exchange, _ in exchange.answer(core.models.json) }),
    Route(
      method: "GET", path: "/v1/models/{model}", about: "One of the models",
      answer: { core, exchange, _ throws(RequestError) in
        let name = String(exchange.request.path.dropFirst("/v1/models/".count))
        exchange.answer(try core.models.json(of: name))
      }),
    Route(
      method: "POST", path: "/v1/models/reload", about: "Reads the files of all models again",
      isSlow: true, answer: reload),
    Route(
      method: "POST", path: "/v1/completions", about: "Goes on with a text",
      fields: CompletionRequest.fields, answer: complete),
    Route(
      method: "POST", path: "/v1/tag", about: "Marks what a tagger finds in a text", isSlow: true,
      fields: { _ in tagFields }, answer: tag),
    Route(
      method: "POST", path: "/v1/translate", about: "Translates a text, line by line", isSlow: true,
      fields: translateFields, answer: translate),
    Route(
      method: "POST", path: "/v1/tokenize", about: "The tokens of a text",
      fields: { _ in [languageModelField, textField] }, answer: tokenize),
    Route(
      method: "POST", path: "/v1/detokenize", about: "The text of tokens",
      fields: { _ in
        [languageModelField, Field("tokens", .wholes, "Ids of tokens", isNeeded: true)]
      }, answer: detokenize),
    Route(
      method: "POST", path: "/v1/surprise", about: "How little a model expected each token",
      isSlow: true, fields: { _ in [languageModelField, textField] }, answer: surprise),
  ]

  private static let textField = Field("text", .text, "The text", isNeeded: true)
  private static let languageModelField = Field(
    "model", .text, "The model's name; by default the first language model")
  private static let tagFields = [
    Field("model", .text, "The model's name; by default the first tagger"), textField,
    Field("least", .number(0...1), "Leave out what is less probable (default: 0)"),
  ]
  @Sendable private static func translateFields(_ limits: ServerLimits) -> [Field] {
    [
      Field("model", .text, "The model's name; by default the first translator"), textField,
      Field("beam", .whole(1...64), "Translations followed at once (default: 1)"),
      Field("best", .whole(1...64), "How many translations to tell (default: 1)"),
      Field("attention", .flag, "Tell what each token looked at"),
      Field(
        "length_power", .number(0...10), "Scores are divided by length to this power (default: 1)"),
      Field(
        "coverage", .number(0...100), "Weight of a penalty for what was not looked at (default: 0)"),
      Field(
        "no_repeat", .whole(0...1000), "Write no row of so many tokens twice (default: 0, free)"),
      Field("max_length", .whole(1...limits.completionTokens), "The longest translation in tokens"),
    ]
  }

  // MARK: What they do

  @Sendable private static func reload(
    _ core: ServerCore, _ exchange: Exchange, _: [String: JSONTree]
  ) throws(RequestError) {
    guard core.options.key != nil else {
      throw RequestError(
        status: 403, message: "models are read again by who knows a key, and there is none")
    }
    do {
      try core.reload()
    } catch {
      throw RequestError(status: 500, message: "the models stay as they were: \(error)")
    }
    exchange.answer(core.models.json)
  }

  @Sendable private static func complete(
    _ core: ServerCore, _ exchange: Exchange, _ object: [String: JSONTree]
  ) throws(RequestError) {
    let limits = core.options.limits
    let model = try core.models.writer(object["model"]?.text)
    let request = try CompletionRequest(object, of: model.model, limits)
    @Sendable func begin(_ request: CompletionRequest) throws(RequestError) {
      try core.engine.add(
        CompletionEngine.Order(
          exchange: exchange, request: request, model: model,
          deadline: exchange.request.start + limits.seconds))
    }
    guard request.rates else { return try begin(request) }
    try request.demandRoom()
    // On the threads of slow work: others must not wait while prompts are rated.
    try core.work(for: exchange) { () throws(RequestError) in
      var request = request
      guard try request.readPrompts(by: model.model, isStopped: exchange.stopper(limits)) else {
        if exchange.isGone { return exchange.drop() }
        throw exchange.timeout(limits)
      }
      try begin(request)
    }
  }

  /// The text of a request, which is not too long.
  private static func text(
    _ object: [String: JSONTree], _ core: ServerCore
  ) throws(RequestError) -> String {
    let text = object["text"]?.text ?? ""
    let most = core.options.limits.promptTokens
    guard text.unicodeScalars.count <= most else {
      throw .invalid(
        "\"text\" has more than \(most) characters", field: "text", code: "context_length_exceeded")
    }
    return text
  }

  @Sendable private static func tag(
    _ core: ServerCore, _ exchange: Exchange, _ object: [String: JSONTree]
  ) throws(RequestError) {
    let model = try ServedModels.find(object["model"]?.text, in: core.models.taggers)
    let text = try text(object, core)
    let least = object["least"]?.number ?? 0
    let found: [SpanInText]
    do {
      let sentences = try model.model.tag(text, threads: 1)
      guard sentences.allSatisfy({ $0.tagging.confidences.allSatisfy(\.isFinite) }) else {
        throw TaggerError.overflow
      }
      found = sentences.flatMap {
        model.model.lexicon.hasSpans ? $0.spans(in: text) : $0.taggedWords
      }
    } catch {
      throw failure(error)
    }
    exchange.answer(
      .object([
        "model": .text(model.name), "text": .text(text),
        "kind": .text(model.model.lexicon.hasSpans ? "spans" : "words"),
        "items": .list(
          found.filter { $0.confidence >= least }.map { item in
            .object([
              "type": .text(item.type), "text": .text(item.text),
              "confidence": .number(item.confidence), "bytes": range(item.bytes),
              "utf16": range(item.utf16), "code_points": range(item.codePoints),
            ])
          }),
      ]))
  }

  private static func range(_ range: Range<Int>) -> JSONValue {
    .list([.whole(range.lowerBound), .whole(range.upperBound)])
  }

  /// A text that ICU cannot take is the client's fault; weights that overflow are not.
  private static func failure(_ error: any Error) -> RequestError {
    error is TextError
      ? .invalid("the text: \(error)", field: "text")
      : RequestError(status: 500, message: "\(error)")
  }

  @Sendable private static func translate(
    _ core: ServerCore, _ exchange: Exchange, _ object: [String: JSONTree]
  ) throws(RequestError) {
    let model = try ServedModels.find(object["model"]?.text, in: core.models.translators)
    let text = try text(object, core)
    let best = object["best"]?.whole ?? 1
    let beam = object["beam"]?.whole ?? best
    guard best <= beam else {
      throw .invalid("\"best\" must be at most \"beam\", which is \(beam)", field: "best")
    }
    var search = Translator.Search(
      beam: beam, lengthPower: object["length_power"]?.number ?? 1, best: best)
    search.coverage = object["coverage"]?.number ?? 0
    search.noRepeatNGram = object["no_repeat"]?.whole ?? 0
    search.keepsAttention = object["attention"]?.flag ?? false
    if let longest = object["max_length"]?.whole {
      (search.maxLength, search.maxLengthPerToken, search.allowsLongest) = (longest, 0, false)
    }
    let lines = lines(of: text)
    try demandRoom(for: lines, search)
    let found: [[Translator.Translation]]
    do {
      found = try model.model.translations(
        of: lines, search, isStopped: exchange.stopper(core.options.limits))
    } catch {
      throw failure(error)
    }
    guard found.count == lines.count else {
      if exchange.isGone { return exchange.drop() }
      throw exchange.timeout(core.options.limits)
    }
    guard found.allSatisfy({ $0.allSatisfy(\.logProbability.isFinite) }) else {
      throw RequestError(status: 500, message: "the model's weights give no numbers")
    }
    exchange.answer(
      .object([
        "model": .text(model.name),
        "lines": .list(
          zip(lines, found).map { line, translations in
            .object([
              "source": .text(line),
              "translations": .list(translations.map { value(of: $0, search.keepsAttention) }),
            ])
          }),
      ]))
  }

  /// The lines of a text, whose ends may be those of Windows.
  static func lines(of text: String) -> [String] {
    text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      String(line.last == "\r" ? line.dropLast() : line)
    }
  }

  /// Throws `RequestError` where what is kept of attention could fill the memory.
  private static func demandRoom(
    for lines: [String], _ search: Translator.Search
  ) throws(RequestError) {
    guard search.keepsAttention else { return }
    // A token is a character at least.
    var weights = 0.0
    for line in lines {
      let source = Double(line.unicodeScalars.count + 1)
      let longest = Double(search.maxLength) + search.maxLengthPerToken * source
      weights += source * longest * Double(search.beam)
    }
    guard weights <= 16e6 else {
      throw .invalid(
        "\"attention\" of lines so long would be too much: shorter lines, a smaller \"beam\" or \"max_length\"",
        field: "attention")
    }
  }

  private static func value(
    of translation: Translator.Translation, _ hasAttention: Bool
  ) -> JSONValue {
    let attention = translation.attention.map { row in
      JSONValue.list(row.map { .number(Double($0)) })
    }
    return .object([
      "text": .text(translation.text), "log_probability": .number(translation.logProbability),
      "cut_off": .flag(translation.isCutOff),
      "unseen": .list(translation.unseen.map { .text($0) }),
      "read": .list(translation.read.map { .text($0) }),
      "written": .list(translation.written.map { .text($0) }),
      "attention": hasAttention ? .list(attention) : .raw("null"),
    ])
  }

  @Sendable private static func tokenize(
    _ core: ServerCore, _ exchange: Exchange, _ object: [String: JSONTree]
  ) throws(RequestError) {
    let model = try ServedModels.find(object["model"]?.text, in: core.models.languageModels)
    let text = try text(object, core)
    let ids: [Int]
    do {
      ids = try model.model.vocabulary.encode(text)
    } catch {
      throw failure(error)
    }
    exchange.answer(
      .object([
        "model": .text(model.name), "tokens": .list(ids.map { .whole($0) }),
        "texts": .list(ids.map { .text(model.tokenName($0)) }),
      ]))
  }

  @Sendable private static func detokenize(
    _ core: ServerCore, _ exchange: Exchange, _ object: [String: JSONTree]
  ) throws(RequestError) {
    let model = try ServedModels.find(object["model"]?.text, in: core.models.languageModels)
    let ids = object["tokens"]?.wholes ?? []
    let count = model.model.vocabulary.count
    guard ids.allSatisfy({ (0..<count).contains($0) }) else {
      throw .invalid("\"tokens\" must be from 0 to \(count - 1)", field: "tokens")
    }
    exchange.answer(
      .object(["model": .text(model.name), "text": .text(model.model.vocabulary.text(of: ids))]))
  }

  @Sendable private static func surprise(
    _ core: ServerCore, _ exchange: Exchange, _ object: [String: JSONTree]
  ) throws(RequestError) {
    let model = try ServedModels.find(object["model"]?.text, in: core.models.languageModels)
    let text = try text(object, core)
    let ids: [Int]
    let read: [LanguageModel.Expectation?]?
    do {
      ids = try model.model.vocabulary.encode(text)
      read = try model.model.expectationsUnlessStopped(
        of: ids, keeping: 0, isStopped: exchange.stopper(core.options.limits))
    } catch {
      throw failure(error)
    }
    guard let found = read else {
      if exchange.isGone { return exchange.drop() }
      throw exchange.timeout(core.options.limits)
    }
    let bits = found.compactMap { $0?.bits }
    let mean = bits.isEmpty ? Double.nan : bits.reduce(0, +) / Double(bits.count)
    exchange.answer(
      .object([
        "model": .text(model.name), "bits": .number(mean),
        "tokens": .list(
          zip(ids, found).map { id, expectation in
            .object([
              "id": .whole(id), "text": .text(model.tokenName(id)),
              "bits": expectation.map { .number($0.bits) } ?? .raw("null"),
            ])
          }),
      ]))
  }
}
