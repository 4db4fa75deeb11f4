import Foundation
import Glibc
import MajorTom
import Server
import Synchronization
import Testing

/// What a server does when it is asked wrongly, too much, too slowly, or for too long.
@Suite(.serialized) struct RobustnessTests {
  /// A translation that takes minutes: 64 are followed, each of tens of thousands of tokens.
  private static let endless = """
    {"text":"\(String(repeating: "one two three ", count: 1000))","beam":64,"best":64}
    """

  /// The number of a line of `GET /metrics`.
  private func metric(_ name: String, _ client: Client) -> Int {
    let lines = client.ask("GET", "/metrics").body.split(separator: "\n")
    let line = lines.first { $0.hasPrefix("majortom_\(name) ") }
    return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
  }

  private func begin(_ client: Client, _ path: String, _ body: String) -> Int32 {
    let descriptor = client.connect()
    client.send(
      "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)",
      descriptor)
    return descriptor
  }

  private func wait(_ isThere: () -> Bool) -> Bool {
    // Often, as what is waited for may be over in a tenth of a second.
    for _ in 0..<30_000 {
      if isThere() { return true }
      usleep(2_000)
    }
    return false
  }

  @Test(arguments: [
    (
      #"{"seed":1,"seed":2}"#,
      #"the body: an object has "seed" twice, again before line 1, byte 17"#
    ),
    (#"{"max_tokens":1,}"#, "the body: it is no JSON from line 1, byte 17 on"),
    (
      #"{"temperature":1e999}"#,
      "the body: a number too large to be kept stands before line 1, byte 21"
    ),
    (#"{"prompt":"\ud800"}"#, "the body: half of a character, "),
    (#"{"logit_bias":{"1":1,"01":2}}"#, "\"logit_bias\" must be an object with numbers "),
    (
      "{\"prompt\":[\(String(repeating: "\"\",", count: 99))\"\"]}",
      "100 prompts with 1 texts each are "
    ),
    (String(repeating: String(repeating: "[", count: 400), count: 9), "the body: its lists and "),
  ])
  func whatIsNearlyRightIsRefused(_ body: String, _ sentence: String) throws {
    try withServer { client, _ in
      let answer = client.post("/v1/completions", body)
      #expect(answer.status == 400)
      #expect(answer.message.hasPrefix(sentence), "\(answer.message)")
    }
  }

  /// A decoder takes minutes for it, as its work grows with the level.
  @Test func aMegabyteOfLevelsIsRefusedUnread() throws {
    try withServer { client, _ in
      let deep = String(repeating: "[", count: 400) + String(repeating: "]", count: 400)
      let answer = client.post(
        "/v1/completions",
        "{\"prompt\":[\(Array(repeating: deep, count: 1200).joined(separator: ","))]}")
      #expect(answer.message == "the body: its lists and objects are too many levels deep")
    }
  }

  @Test func headAndOptionsAnswerAsHTTPHasThem() throws {
    try withServer { client, _ in
      let head = client.ask("HEAD", "/health")
      #expect(head.status == 200)
      #expect(head.headers["content-length"] == "15")
      #expect(head.body.isEmpty)
      #expect(client.ask("OPTIONS", "/v1/tag").headers["allow"] == "OPTIONS, POST")
      let wrong = client.ask("PUT", "/v1/tag")
      #expect(wrong.status == 405)
      #expect(wrong.headers["allow"] == "OPTIONS, POST")
      #expect(client.ask("GET", "/health%00/x").status == 404)
    }
  }

  @Test func oneModelIsTold() throws {
    try withServer { client, _ in
      #expect(client.ask("GET", "/v1/models/tagger").object["id"] as? String == "tagger")
      #expect(
        client.ask("GET", "/v1/models/x").message
          == "there is no model called \"x\"; there is \"lm\", \"tagger\", \"translator\"")
      #expect(client.ask("GET", "/v1/models/").status == 404)
    }
  }

  @Test func seedsAndTokensComeBackAsTheyWereSent() throws {
    try withServer { client, _ in
      let answer = client.post("/v1/completions", #"{"prompt":"a","max_tokens":9,"seed":-7}"#)
      #expect(answer.object["seed"] as? Int == -7)
      #expect(client.post("/v1/detokenize", #"{"tokens":[]}"#).object["text"] as? String == "")
    }
  }

  @Test func aKeyOfAnyCharactersIsCompared() throws {
    try withServer({ $0.key = "schlüssel ☃" }) { client, _ in
      func status(_ key: String) -> Int {
        client.ask("GET", "/v1/models", headers: "Host: localhost\r\nAuthorization: \(key)\r\n")
          .status
      }
      #expect(status("Bearer schlüssel ☃") == 200)
      #expect(status("bearer schlüssel ☃") == 200)
      #expect(status("Bearer schlussel ☃") == 401)
      #expect(status("Basic schlüssel ☃") == 401)
    }
  }

  @Test func aBodyTooLongIsReadBeforeItIsRefused() throws {
    try withServer { client, _ in
      let descriptor = client.connect()
      defer { close(descriptor) }
      let bytes = [UInt8](repeating: 32, count: 8 << 20)
      client.send(
        "POST /v1/tag HTTP/1.0\r\nHost: localhost\r\nContent-Length: \(bytes.count)\r\n\r\n",
        descriptor)
      var sent = 0
      while sent < bytes.count {
        let count = bytes[sent...].withUnsafeBytes {
          Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { break }
        sent += count
      }
      #expect(sent == bytes.count)
      #expect(client.answer(descriptor).status == 413)
    }
  }

  @Test func whoSendsTooSlowlyIsLeft() throws {
    try withServer({ $0.limits.idleSeconds = 1 }) { client, _ in
      let descriptor = client.connect()
      defer { close(descriptor) }
      client.send("GET /health HTTP/1.1\r\nX: ", descriptor)
      var byte: UInt8 = 0
      // Something moves ten times a second, and no request comes.
      let isLeft = wait {
        client.send("x", descriptor)
        return recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT)) == 0 || errno == ECONNRESET
      }
      #expect(isLeft)
    }
  }

  /// Reads until the server closes: without that it would be a minute.
  @Test(.timeLimit(.minutes(1))) func whoClosesWithTheirLastByteIsLeft() throws {
    try withServer({ $0.limits.idleSeconds = 600 }) { client, _ in
      // What libmicrohttpd gets in one piece: a request that is not whole, and the end.
      let descriptor = client.connect()
      defer { close(descriptor) }
      client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hea", descriptor)
      shutdown(descriptor, Int32(SHUT_WR))
      #expect(client.answer(descriptor).body.hasPrefix(#"{"status":"ok"}"#))
    }
  }

  @Test func connectionsAreKeptForThoseWhoAreRefused() throws {
    try withServer({
      $0.limits.connections = 8
      $0.limits.completionTokens = 1_000_000
    }) { client, _ in
      let readers = (0..<6).map { _ in begin(client, "/v1/completions", #"{"max_tokens":1000000}"#)
      }
      defer { for reader in readers { close(reader) } }
      #expect(wait { metric("completions_under_way", client) == 6 })
      let refused = client.post("/v1/completions", #"{"prompt":"a"}"#)
      #expect(refused.status == 429)
      #expect(refused.headers["retry-after"] == "1")
      #expect(client.ask("GET", "/health").status == 200)
    }
  }

  @Test func aTranslationThatTakesTooLongIsStopped() throws {
    try withServer({ $0.limits.seconds = 0.5 }) { client, _ in
      let answer = client.post("/v1/translate", Self.endless)
      #expect(answer.status == 503)
      #expect(answer.message == "it took longer than 0.5 seconds")
      #expect(answer.headers["retry-after"] == "5")
    }
  }

  @Test func aLongTranslationHoldsNothingUpAndEndsWithItsReader() throws {
    try withServer { client, _ in
      let reader = begin(client, "/v1/translate", Self.endless)
      usleep(300_000)
      for (path, body) in [
        ("/v1/tag", #"{"text":"Ann went to Rome."}"#), ("/v1/surprise", #"{"text":"abc"}"#),
        ("/v1/translate", #"{"text":"one","max_length":3}"#), ("/v1/tokenize", #"{"text":"abc"}"#),
      ] {
        #expect(client.post(path, body).status == 200)
      }
      // It has not answered yet.
      var byte: UInt8 = 0
      #expect(recv(reader, &byte, 1, Int32(MSG_DONTWAIT)) == -1)
      close(reader)
      #expect(
        wait { metric(#"requests_total{route="/v1/translate",status="499"}"#, client) == 1 })
    }
  }

  // MARK: Models

  private func model(seed: UInt64, isBackwards: Bool = false) throws -> LanguageModel {
    try LanguageModel(
      .init(layers: 1, hiddenSize: 8) { $0.isBackwards = isBackwards },
      vocabulary: Vocabulary(
        counting: Segmentation(unit: .byte), in: Corpus(text: "Day 1. Day 2."), maximumSize: 280),
      seed: seed)
  }

  @Test func aModelPutInPlaceOfOneThatWritesIsTheNext() throws {
    let place = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: place) }
    let path = place.appendingPathComponent("a.safetensors").path
    let (old, new) = (try model(seed: 1), try model(seed: 2))
    try old.write(to: path)
    let options = GenerationOptions(temperature: 1, length: 4000)
    let texts = try [old, new].map { try Generation($0, after: "Day", options, seed: 5).joined() }
    try withServer(models: [path]) { client, server in
      let body = #"{"prompt":"Day","max_tokens":4000,"seed":5}"#
      let found = Mutex<[String]>([])
      let threads = (0..<4).map { _ in
        let thread = Thread {
          let texts = client.post("/v1/completions", body).texts
          found.withLock { $0 += texts }
        }
        thread.start()
        return thread
      }
      #expect(wait { metric("completions_under_way", client) == 4 })
      try new.write(to: path)
      for _ in 0..<5 { try server.reload() }
      #expect(client.post("/v1/completions", body).texts == [texts[1]])
      #expect(wait { threads.allSatisfy(\.isFinished) })
      #expect(found.withLock { $0 } == Array(repeating: texts[0], count: 4))
    }
  }

  @Test func aModelThatReadsBackwardsScoresAndLeavesWritingToAnother() throws {
    let place = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: place) }
    let path = place.appendingPathComponent("back.safetensors").path
    let backwards = try model(seed: 1, isBackwards: true)
    try backwards.write(to: path)
    try withServer(models: [path, golden[0]]) { client, _ in
      let written = client.post("/v1/completions", #"{"prompt":"a"}"#)
      #expect(written.object["model"] as? String == "lm")
      #expect(
        client.post("/v1/completions", #"{"model":"back"}"#).message
          == "the model reads backwards, and writes no text from its beginning")
      let scored = client.post("/v1/surprise", #"{"text":"Day 1"}"#)
      let tokens = scored.object["tokens"] as? [[String: Any]] ?? []
      let expected = try backwards.expectations(of: backwards.vocabulary.encode("Day 1"))
      #expect(scored.object["model"] as? String == "back")
      #expect(tokens.map { $0["bits"] as? Double } == expected.map { $0?.bits })
      #expect(client.ask("GET", "/v1/models/back").object["backwards"] as? Bool == true)
    }
  }
}
