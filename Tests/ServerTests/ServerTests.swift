import Foundation
import Glibc
import MajorTom
import Server
import Synchronization
import Testing

/// A server of the golden models, which have learnt nothing and are small.
func withServer<Result>(
  _ change: (inout ServerOptions) -> Void = { _ in }, models: [String]? = nil,
  _ body: (Client, Server) throws -> Result
) throws -> Result {
  var options = ServerOptions()
  options.address = .network("127.0.0.1", port: 0)
  change(&options)
  let server = try Server(models: models ?? golden, options)
  defer { server.stop() }
  guard case .network(_, let port) = server.address else { throw CancellationError() }
  return try body(Client(port: port), server)
}

/// The folder of the golden models.
let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().appendingPathComponent("GoldenTests/Fixtures/version-1").path
let golden = ["lm", "tagger", "translator"].map { "\(folder)/\($0).safetensors" }

@Suite(.serialized) struct ServerTests {
  @Test func aCompletionIsWhatTheModelWrites() throws {
    let model = try LanguageModel(contentsOf: golden[0])
    let options = GenerationOptions(temperature: 0.7, topP: 0.9, length: 60)
    let expected = try (0..<3).map {
      try Generation(model, after: "Day 1", options, seed: 7 + UInt64($0)).joined()
    }
    try withServer { client, _ in
      let answer = client.post(
        "/v1/completions",
        #"{"prompt":"Day 1","max_tokens":60,"temperature":0.7,"top_p":0.9,"seed":7,"n":3}"#)
      #expect(answer.status == 200)
      #expect(answer.texts == expected)
      let usage = answer.object["usage"] as? [String: Int]
      #expect(usage == ["prompt_tokens": 5, "completion_tokens": 180, "total_tokens": 185])
    }
  }

  @Test func aRequestGetsTheSameBytesAloneAndAmong31Others() throws {
    try withServer { client, _ in
      @Sendable func body(_ number: Int) -> String {
        """
        {"prompt":"\(String(repeating: "Day \(number) ", count: 1 + number % 5))","max_tokens":\(40 + 10 * number),\
        "temperature":\(0.5 + Double(number % 4) / 4),"seed":\(number),"logprobs":2}
        """
      }
      // All but what tells one answer from another.
      @Sendable func told(_ answer: Answer) -> String {
        answer.body.range(of: "\"choices\"").map { String(answer.body[$0.lowerBound...]) }
          ?? answer.body
      }
      let alone = (0..<32).map { told(client.post("/v1/completions", body($0))) }
      let together = Mutex([Int: String]())
      DispatchQueue.concurrentPerform(iterations: 32) { number in
        let answer = told(client.post("/v1/completions", body(number)))
        together.withLock { $0[number] = answer }
      }
      for number in 0..<32 {
        #expect(alone[number].contains("\"finish_reason\":\"length\""))
        #expect(together.withLock { $0[number] } == alone[number])
      }
    }
  }

  @Test func aStreamHoldsTheSameText() throws {
    try withServer { client, _ in
      let fields = #""prompt":"Day 1","max_tokens":50,"seed":3,"stop":"zzz""#
      let whole = client.post("/v1/completions", "{\(fields)}")
      let stream = client.post("/v1/completions", "{\(fields),\"stream\":true}")
      #expect(stream.headers["content-type"] == "text/event-stream")
      let events = stream.body.components(separatedBy: "\n\n").filter { !$0.isEmpty }
      #expect(events.last == "data: [DONE]")
      let texts = events.dropLast().map { event in
        Answer(status: 200, headers: [:], body: String(event.dropFirst(6))).texts.joined()
      }
      // The first token comes at once; later ones may come several together.
      #expect(texts.count > 1 && texts[0].count == 1)
      #expect(texts.joined() == whole.texts[0])
    }
  }

  @Test func aStopEndsTheTextBeforeIt() throws {
    try withServer { client, _ in
      let fields = #""prompt":"Day 1","max_tokens":80,"seed":3"#
      let whole = client.post("/v1/completions", "{\(fields)}").texts[0]
      let stop = String(whole.dropFirst(40).prefix(2))
      let body = try JSONSerialization.data(withJSONObject: ["stop": [stop]])
      let typed = String(decoding: body, as: UTF8.self).dropFirst()
      let answer = client.post("/v1/completions", "{\(fields),\(typed)")
      let before = whole.components(separatedBy: stop)[0]
      #expect(answer.texts == [before])
      #expect(answer.body.contains("\"finish_reason\":\"stop\""))
    }
  }

  @Test func probabilitiesAreThoseOfTheModel() throws {
    let model = try LanguageModel(contentsOf: golden[0])
    try withServer { client, _ in
      let answer = client.post(
        "/v1/completions",
        #"{"prompt":"Day 1","max_tokens":20,"seed":3,"logprobs":1,"echo":true}"#)
      let choice = (answer.object["choices"] as? [[String: Any]])?.first
      let found = (choice?["logprobs"] as? [String: Any])?["token_logprobs"] as? [Any] ?? []
      let text = try #require(answer.texts.first)
      let expected = try model.expectations(of: model.vocabulary.encode(text))
      #expect(found.count == 25)
      for (number, expectation) in zip(found, expected).dropFirst() {
        let number = try #require(number as? Double)
        let bits = try #require(expectation?.bits)
        #expect(abs(-number / log(2) - bits) < 1e-4)
      }
    }
  }

  @Test(arguments: [
    (#"{"prompt":1"#, 400, "the body: it is no JSON from line 1, byte 12 on"),
    ("[]", 400, "the body must be an object"),
    ("", 400, "the body: it is no JSON from line 1, byte 1 on"),
    (#"{"temperature":3}"#, 400, "\"temperature\" must be a number from 0.0 to 2.0"),
    (#"{"n":0}"#, 400, "\"n\" must be a whole number from 1 to 32"),
    (#"{"max_tokens":1.5}"#, 400, "\"max_tokens\" must be a whole number from 0 to 4096"),
    (#"{"stream":"yes"}"#, 400, "\"stream\" must be true or false"),
    (#"{"suffix":"x"}"#, 400, "\"suffix\" must be left out: it is not supported"),
    (#"{"logit_bias":{"9999":1}}"#, 400, "\"logit_bias\": tokens must be from 0 to "),
    (#"{"prompt":[99999]}"#, 400, "tokens of the prompt must be from 0 to "),
    (#"{"stream_options":{"x":1}}"#, 400, "there is no field \"stream_options.x\""),
    (#"{"model":"x"}"#, 404, "there is no language model called \"x\"; there is \"lm\""),
    (#"{"mirostat":1}"#, 400, "\"mirostat\" must be 0 or 2: there is no Mirostat 1"),
  ])
  func whatIsWrongIsNamed(_ body: String, _ status: Int, _ sentence: String) throws {
    try withServer { client, _ in
      let answer = client.post("/v1/completions", body)
      #expect(answer.status == status)
      #expect(answer.message.hasPrefix(sentence), "\(answer.message)")
    }
  }

  @Test func theFarSideOfTheInterfaceAnswers() throws {
    try withServer { client, server in
      #expect(server.modelNames == ["lm", "tagger", "translator"])
      #expect(client.ask("GET", "/health").body == #"{"status":"ok"}"#)
      #expect(client.ask("GET", "/nothing").status == 404)
      #expect(client.ask("PUT", "/health").status == 405)
      let ids = client.post("/v1/tokenize", #"{"text":"Dé"}"#).object["tokens"] as? [Int]
      #expect(ids == [68, 195, 169])
      #expect(
        client.post("/v1/detokenize", #"{"tokens":[68,195,169]}"#).object["text"] as? String == "Dé"
      )
      let tagged = client.post("/v1/tag", #"{"text":"Ann went to Rome."}"#)
      let expected = try Tagger(contentsOf: golden[1]).spans(in: "Ann went to Rome.")
      let items = tagged.object["items"] as? [[String: Any]]
      #expect(items?.compactMap { $0["text"] as? String } == expected.map(\.text))
      let translated = client.post("/v1/translate", #"{"text":"one\ntwo","max_length":9}"#)
      #expect((translated.object["lines"] as? [Any])?.count == 2)
      // The ends of lines may be those of Windows.
      let windows = client.post("/v1/translate", #"{"text":"one\r\ntwo","max_length":9}"#)
      #expect(windows.body == translated.body)
      let long = String(repeating: "one ", count: 2000)
      let refused = client.post("/v1/translate", #"{"attention":true,"beam":4,"text":"\#(long)"}"#)
      #expect(refused.status == 400 && refused.body.contains("attention"))
      let page = client.ask("GET", "/")
      #expect(page.headers["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
      #expect(page.body.contains("</html>"))
      #expect(client.ask("GET", "/metrics").body.contains("majortom_completion_tokens_total"))
    }
  }

  /// Prompts are rated beside those who write, and not without end.
  @Test func promptsAreRatedWithoutHoldingUpOthers() throws {
    try withServer({ $0.limits.promptTokens = 60_000 }) { client, _ in
      let long = String(repeating: "Day 1. ", count: 6000)
      let slow = Mutex<Answer?>(nil)
      let thread = Thread {
        let answer = client.post(
          "/v1/completions", #"{"prompt":"\#(long)","echo":true,"logprobs":0,"max_tokens":1}"#)
        slow.withLock { $0 = answer }
      }
      thread.start()
      for seed in 0..<20 {
        let answer = client.post(
          "/v1/completions", #"{"prompt":"Day","max_tokens":2,"seed":\#(seed)}"#)
        #expect(answer.status == 200)
      }
      while slow.withLock({ $0 == nil }) { usleep(10_000) }
      #expect(slow.withLock { $0?.status } == 200)
      let refused = client.post(
        "/v1/completions",
        #"{"prompt":"\#(long)","echo":true,"logprobs":20,"max_tokens":1,"n":2}"#)
      #expect(refused.status == 400 && refused.body.contains("too much"))
    }
  }

  @Test func foreignHostsAndOriginsAreRefused() throws {
    try withServer { client, _ in
      func status(_ headers: String) -> Int {
        client.ask("GET", "/health", headers: headers).status
      }
      #expect(status("Host: localhost:1\r\n") == 200)
      #expect(status("Host: 127.0.0.1:80\r\n") == 200)
      #expect(status("Host: evil.example\r\n") == 403)
      #expect(status("Host: localhost\r\nOrigin: http://localhost\r\n") == 200)
      #expect(status("Host: localhost\r\nOrigin: http://evil.example\r\n") == 403)
      #expect(status("Host: localhost\r\nOrigin: null\r\n") == 403)
    }
  }

  @Test func aKeyIsAskedFor() throws {
    try withServer({ $0.key = "secret" }) { client, _ in
      func status(_ path: String, _ key: String) -> Int {
        client.ask("GET", path, headers: "Host: localhost\r\n\(key)").status
      }
      #expect(status("/health", "") == 200)
      #expect(status("/v1/models", "") == 401)
      #expect(status("/v1/models", "Authorization: Bearer secre\r\n") == 401)
      #expect(status("/v1/models", "Authorization: Bearer secretsecret\r\n") == 401)
      #expect(status("/v1/models", "Authorization: Bearer secret\r\n") == 200)
    }
  }

  @Test func aFullQueueIsToldAtOnce() throws {
    try withServer({
      $0.limits.slots = 1
      $0.limits.queue = 1
      $0.limits.completionTokens = 1_000_000
    }) { client, server in
      // Two long texts hold the slot and the queue; streamed to who takes nothing, they would soon be cut off.
      let body = #"{"max_tokens":1000000}"#
      let request =
        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
      let readers = (0..<2).map { _ in client.connect() }
      for reader in readers {
        client.send(request, reader)
        usleep(300_000)
      }
      // On a busy machine it takes a while until both have come in.
      var refused = client.post("/v1/completions", #"{"prompt":"Day"}"#)
      for _ in 0..<100 where refused.status != 429 {
        usleep(100_000)
        refused = client.post("/v1/completions", #"{"prompt":"Day"}"#)
      }
      #expect(refused.status == 429)
      #expect(refused.headers["retry-after"] == "1")
      // Who goes away costs nothing any more.
      for reader in readers { close(reader) }
      var status = 429
      for _ in 0..<100 where status == 429 {
        usleep(100_000)
        status = client.post("/v1/completions", #"{"prompt":"Day"}"#).status
      }
      #expect(status == 200)
    }
  }

  @Test func aBodyOrPromptTooLongIsRefused() throws {
    try withServer({
      $0.limits.bodyBytes = 1000
      $0.limits.promptTokens = 10
    }) { client, _ in
      let long = String(repeating: "a", count: 2000)
      #expect(client.post("/v1/completions", "{\"prompt\":\"\(long)\"}").status == 413)
      let answer = client.post("/v1/completions", #"{"prompt":"01234567890"}"#)
      #expect(answer.message == "the prompt has more than 10 tokens")
      #expect(client.post("/v1/tag", #"{"text":"01234567890"}"#).status == 400)
    }
  }

  @Test func stoppingFinishesWhatIsUnderWay() throws {
    try withServer { client, server in
      let text = Mutex("")
      let thread = Thread {
        let answer = client.post("/v1/completions", #"{"max_tokens":4000,"seed":1}"#)
        text.withLock { $0 = answer.texts.first ?? "-" }
      }
      thread.start()
      usleep(200_000)
      #expect(server.stop(drain: 120))
      for _ in 0..<100 where text.withLock({ $0.isEmpty }) { usleep(20_000) }
      #expect(text.withLock { $0.unicodeScalars.count } > 1000)
    }
  }

  @Test func modelsAreReadAgain() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(
      "\(UUID().uuidString).safetensors"
    ).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try FileManager.default.copyItem(atPath: golden[0], toPath: path)
    try withServer(models: [path]) { client, server in
      let before = client.post("/v1/completions", #"{"prompt":"a","seed":1}"#).texts
      try Data("nothing".utf8).write(to: URL(fileURLWithPath: path))
      #expect(throws: (any Error).self) { try server.reload() }
      #expect(client.post("/v1/completions", #"{"prompt":"a","seed":1}"#).texts == before)
      #expect(client.post("/v1/models/reload", "").status == 403)
    }
  }

  @Test func aPortInUseIsNamed() throws {
    try withServer { client, _ in
      var options = ServerOptions()
      options.address = .network("127.0.0.1", port: client.port)
      #expect(
        throws: ServerError.listening(
          "http://127.0.0.1:\(client.port)", reason: "Address already in use")
      ) { try Server(models: golden, options) }
    }
  }

  @Test func modelsThatAreNoneAreNamed() throws {
    #expect(throws: ServerError.noModel) { try Server(models: []) }
    #expect(throws: ServerError.sameName("lm")) { try Server(models: [golden[0], golden[0]]) }
    #expect(throws: (any Error).self) { try Server(models: [#filePath]) }
  }
}
