internal import Files
internal import ICUText
internal import LanguageModel

/// A request for completions on its way through an engine: what of its texts is written, and how that is told.
///
/// It is used by the engine's thread alone.
final class CompletionJob {
  /// One of its texts.
  struct Choice {
    /// What is written and not yet sent.
    var text = ""
    var tokens: [Token] = []
    /// Where the next token begins in the text, in code points.
    var offset = 0
    var written = 0
    var finish: String?
    /// When something was sent last.
    var sent = -Double.infinity
  }

  /// A token with what the model expected.
  struct Token {
    let id: Int
    let offset: Int
    /// Nil for the first of a prompt, which is expected from nothing.
    let expectation: LanguageModel.Expectation?
  }

  let exchange: Exchange
  let request: CompletionRequest
  let model: ServedModel<LanguageModel>
  /// When it must be over.
  let deadline: Double
  private(set) var choices: [Choice]
  /// The texts that are not begun.
  private(set) var unbegun: Range<Int>
  /// The numbers of those that are being written, in the engine's batch.
  var running: [Int: Int] = [:]
  private var hasBegun = false
  private(set) var isOver = false
  private let id: String
  private let created = Int(secondsSince1970())

  /// A job of a request that is checked.
  init(
    _ exchange: Exchange, _ request: CompletionRequest, _ model: ServedModel<LanguageModel>,
    deadline: Double
  ) {
    self.exchange = exchange
    self.request = request
    self.model = model
    self.deadline = deadline
    let count = request.prompts.count * request.count
    choices = Array(repeating: Choice(), count: count)
    unbegun = 0..<count
    id = "cmpl-" + String(UInt64.random(in: 0...(.max)), radix: 36)
  }

  /// The next text to begin: its number among the choices.
  func takeUnbegun() -> Int? {
    unbegun.popFirst()
  }

  /// The text of a choice at its beginning; throws what beginning one throws.
  func generation(_ choice: Int) throws -> Generation {
    let prompt = request.prompts[choice / request.count]
    if request.echoes { echo(prompt, choice) }
    return try Generation(
      model.model, afterTokens: prompt.tokens, request.options,
      seed: request.seed &+ UInt64(choice % request.count))
  }

  private func echo(_ prompt: CompletionRequest.Prompt, _ choice: Int) {
    choices[choice].text = prompt.text
    for (token, expectation) in zip(prompt.tokens, prompt.expectations) {
      add(token, expectation, to: choice)
    }
  }

  private func add(_ token: Int, _ expectation: LanguageModel.Expectation?, to choice: Int) {
    choices[choice].tokens.append(
      Token(id: token, offset: choices[choice].offset, expectation: expectation))
    // Of a character that is spelt by bytes its first one counts.
    choices[choice].offset += model.model.vocabulary.bytes(of: token).count { $0 & 0xC0 != 0x80 }
  }

  /// Takes in a step of a text; false where nobody waits for it any more.
  func take(_ step: GenerationBatch.Step, of choice: Int) -> Bool {
    choices[choice].text += step.piece
    if let token = step.token {
      choices[choice].written += 1
      if let expectation = step.expectation { add(token, expectation, to: choice) }
    }
    if step.isOver {
      choices[choice].finish =
        step.isStopped ? "stop" : "length"
    }
    if let failure = step.failure {
      fail(RequestError(status: 500, message: "\(failure)", code: "overflow"))
      return false
    }
    return deliver(choice)
  }

  /// Whether anything was written of any text.
  var hasWritten: Bool { choices.contains { $0.written > 0 } }

  /// Ends a text where it is.
  func cutOff(_ choice: Int) {
    choices[choice].finish = "length"
    _ = deliver(choice)
  }

  /// Sends what is new of a text, or all of the answer when all is there.
  private func deliver(_ number: Int) -> Bool {
    if request.streams, !sendNews(of: number) { return false }
    if choices.allSatisfy({ $0.finish != nil }) { finish() }
    return true
  }

  /// Sends what is new of a text, unless the last news are so young that nobody could tell them apart; false where
  /// nobody reads them.
  private func sendNews(of number: Int) -> Bool {
    let choice = choices[number]
    let now = Clock.now
    let isDue = choice.finish != nil || (!choice.text.isEmpty && now - choice.sent >= Self.burst)
    guard isDue else { return true }
    choices[number].sent = now
    choices[number].text = ""
    choices[number].tokens = []
    return send(event([object(choice, number)], usage: nil))
  }

  /// Seconds between two events of a text: half of what a screen takes to show another picture.
  ///
  /// An event a token would take more time than the model does.
  private static let burst = 0.008

  private func finish() {
    isOver = true
    exchange.count(prompt: promptTokens, written: writtenTokens)
    guard request.streams else {
      let objects = choices.enumerated().map { object($0.element, $0.offset) }
      return exchange.answer(event(objects, usage: usage))
    }
    if request.includesUsage { _ = send(event([], usage: usage)) }
    _ = sendEvent("[DONE]")
    exchange.end()
  }

  /// Ends the job with an error: as the answer, or as the last event.
  func fail(_ error: RequestError) {
    isOver = true
    exchange.count(prompt: promptTokens, written: writtenTokens)
    guard hasBegun else { return exchange.answer(error) }
    for number in choices.indices {
      choices[number].sent = -Double.infinity
      _ = sendNews(of: number)
    }
    _ = send(error.json)
    exchange.end()
  }

  /// Ends the job because nobody reads it.
  func drop() {
    isOver = true
    exchange.count(prompt: promptTokens, written: writtenTokens)
    exchange.drop()
  }

  private func send(_ value: JSONValue) -> Bool { sendEvent(value.json) }

  private func sendEvent(_ data: String) -> Bool {
    if !hasBegun {
      hasBegun = true
      exchange.begin("text/event-stream")
    }
    return exchange.send("data: \(data)\n\n")
  }

  // MARK: Objects

  private var promptTokens: Int { request.prompts.reduce(0) { $0 + $1.tokens.count } }
  private var writtenTokens: Int { choices.reduce(0) { $0 + $1.written } }

  private var usage: JSONValue {
    .object([
      "prompt_tokens": .whole(promptTokens), "completion_tokens": .whole(writtenTokens),
      "total_tokens": .whole(promptTokens + writtenTokens),
    ])
  }

  private func event(_ choices: [JSONValue], usage: JSONValue?) -> JSONValue {
    .object([
      "id": .text(id), "object": .text("text_completion"), "created": .whole(created),
      "model": .text(model.name), "seed": .whole(Int(bitPattern: UInt(request.seed))),
      "choices": .list(choices),
      "usage": usage ?? .raw("null"),
    ])
  }

  private func object(_ choice: Choice, _ number: Int) -> JSONValue {
    .object([
      "text": .text(choice.text), "index": .whole(number), "logprobs": probabilities(choice.tokens),
      "finish_reason": choice.finish.map { .text($0) } ?? .raw("null"),
    ])
  }

  private func probabilities(_ tokens: [Token]) -> JSONValue {
    guard let likeliest = request.likeliest else { return .raw("null") }
    let ln2 = 0.693147180559945309
    let chosen = tokens.map { token in
      token.expectation.map { JSONValue.number(-$0.bits * ln2) } ?? .raw("null")
    }
    let others = tokens.map { token -> JSONValue in
      guard likeliest > 0, let expectation = token.expectation else { return .raw("null") }
      var pairs = expectation.likeliest.map { ($0.id, logarithm($0.probability)) }
      // The one that was drawn is always told.
      if !pairs.contains(where: { $0.0 == token.id }) {
        pairs.append((token.id, -expectation.bits * ln2))
      }
      var names: Set<String> = []
      let unique = pairs.filter { names.insert(model.tokenName($0.0)).inserted }
      return .raw(
        "{"
          + unique.map {
            JSONValue.text(model.tokenName($0.0)).json + ":" + JSONValue.number($0.1).json
          }.joined(separator: ",") + "}")
    }
    return .object([
      "tokens": .list(tokens.map { .text(model.tokenName($0.id)) }),
      "token_logprobs": .list(chosen), "top_logprobs": .list(others),
      "text_offset": .list(tokens.map { .whole($0.offset) }),
    ])
  }
}
