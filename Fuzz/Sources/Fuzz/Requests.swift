import Glibc
import MajorTom
import Server

/// Readers of what a server is sent.
let requestDrivers: [Driver] = [
  // The first layer: what is read is written so that it is read again.
  Driver(name: "json", run: readJSON, mutate: changeJSON, longest: 1024, seeds: { Seeds.json }),
  // All layers: a server that answers, over a socket, whatever it is sent as the body of a request.
  Driver(name: "serve", run: ask, mutate: changeJSON, longest: 512, seeds: { Seeds.bodies }),
]

private func changeJSON(_ mutation: inout Mutation) {
  let all = 0..<mutation.bytes.count
  if mutation.number(below: 3) == 0 {
    mutation.changeNumber(in: all)
  } else {
    mutation.changePart(all)
  }
}

private func readJSON(_ bytes: [UInt8]) throws {
  let tree = try JSONTree(json: bytes)
  let written = text(of: tree)
  do {
    demand(isSame(try JSONTree(json: written.utf8), tree), "\(written) is what was read")
  } catch {
    fatalError("broken: \(written) is read again: \(error)")
  }
}

/// A number is rounded when it is read, and may be a whole one when it is read again.
private func isSame(_ one: JSONTree, _ other: JSONTree) -> Bool {
  switch (one, other) {
  case (.list(let one), .list(let other)):
    one.count == other.count && zip(one, other).allSatisfy { isSame($0, $1) }
  case (.object(let one), .object(let other)):
    one.count == other.count
      && one.allSatisfy { name, value in other[name].map { isSame($0, value) } ?? false }
  case (.whole(let one), .number(let other)), (.number(let other), .whole(let one)):
    Double(one) == other
  default: one == other
  }
}

private func text(of tree: JSONTree) -> String {
  switch tree {
  case .null: "null"
  case .flag(let flag): JSONValue.flag(flag).json
  case .whole(let number): JSONValue.whole(number).json
  case .number(let number): JSONValue.number(number).json
  case .text(let text): JSONValue.text(text).json
  case .list(let items): "[\(items.map { text(of: $0) }.joined(separator: ","))]"
  case .object(let pairs):
    "{\(pairs.map { "\(JSONValue.text($0).json):\(text(of: $1))" }.joined(separator: ","))}"
  }
}

// MARK: A server

/// One that serves small models until the process ends.
private let server: Server = {
  var options = ServerOptions()
  options.address = .unix("\(Scratch.folder)/socket")
  options.limits.bodyBytes = 2048
  (options.limits.promptTokens, options.limits.completionTokens) = (64, 4)
  (options.limits.slots, options.limits.jobs) = (8, 1)
  do {
    return try Server(
      models: [
        Scratch.file(Seeds.languageModel(), named: "lm.safetensors"),
        Scratch.file(Seeds.tagger(), named: "tagger.safetensors"),
        Scratch.file(Seeds.translator(), named: "translator.safetensors"),
      ], options)
  } catch { fatalError("no server: \(error)") }
}()

private let paths = ["completions", "tag", "translate", "tokenize", "detokenize", "surprise"]

/// The first byte chooses what is asked for; the others are the body.
private func ask(_ bytes: [UInt8]) throws {
  let path = paths[Int(bytes.first ?? 0) % paths.count]
  let body = bytes.dropFirst()
  let answer = send(
    Array("POST /v1/\(path) HTTP/1.0\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body)
  let text = String(decoding: answer, as: UTF8.self)
  let status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
  demand((200..<500).contains(status), "a request is answered or refused: \(text)")
  let end = Array("\r\n\r\n".utf8)
  guard let start = answer.indices.first(where: { answer[$0...].starts(with: end) }) else {
    return demand(false, "an answer has a body")
  }
  let said = String(decoding: answer[(start + end.count)...], as: UTF8.self)
  if said.hasPrefix("data: ") { return }
  do { _ = try JSONTree(json: said.utf8) } catch {
    fatalError("broken: what is answered is JSON: \(error): \(said)")
  }
}

/// What is answered to some bytes, until the server closes.
private func send(_ bytes: [UInt8]) -> [UInt8] {
  guard case .unix(let path) = server.address else { fatalError("no socket") }
  let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
  let failure = withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
  demand(failure == 0, "the server listens")
  var sent = 0
  while sent < bytes.count {
    let count = bytes[sent...].withUnsafeBytes {
      Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
    guard count > 0 || errno == EINTR else { break }
    sent += max(0, count)
  }
  var answer: [UInt8] = []
  var block = [UInt8](repeating: 0, count: 1 << 16)
  while case let count = recv(descriptor, &block, block.count, 0), count != 0 {
    // libFuzzer has an alarm.
    if count < 0, errno != EINTR { break }
    answer += block[..<max(0, count)]
  }
  return answer
}

extension Seeds {
  static let json: [(name: String, bytes: [UInt8])] = [
    ("object", #"{"a":[1,-2.5e3,"x\né\ud83d\ude00",true,null,{}],"b":{"c":[[],[1,2],["a"]]}}"#),
    ("text", #""\u0000\u202e\/""#), ("refused", #"{"a":1,"a":1e999,}"#),
  ].map { ($0, Array($1.utf8)) }

  static let bodies: [(name: String, bytes: [UInt8])] = [
    (
      "completion", 0,
      #"{"prompt":["D","é"],"max_tokens":3,"temperature":0.5,"top_p":0.9,"n":2,"stop":["a"],"seed":1,"#
        + #""logprobs":2,"echo":true,"logit_bias":{"1":5},"frequency_penalty":0.1,"top_k":3}"#
    ),
    (
      "stream", 0,
      #"{"prompt":[1,2],"stream":true,"stream_options":{"include_usage":true},"mirostat":2,"#
        + #""presence_penalty":1,"min_p":0.1,"typical_p":0.9,"repeat_penalty":1.1,"repeat_last_n":8}"#
    ),
    ("tag", 1, #"{"text":"Ada met Bo Ng.","least":0.5,"model":"tagger"}"#),
    (
      "translate", 2,
      #"{"text":"one\ntwo","beam":2,"best":2,"attention":true,"length_power":1,"coverage":0.1,"#
        + #""no_repeat":2,"max_length":3}"#
    ),
    ("tokenize", 3, #"{"text":"a\u0000b"}"#), ("detokenize", 4, #"{"tokens":[1,2]}"#),
    ("surprise", 5, #"{"text":"Day 1"}"#), ("refused", 0, #"{"temperature":"x"}"#),
  ].map { (name: String, number: UInt8, body: String) in (name, [number] + Array(body.utf8)) }
}
