import CommandLineModels
import CommandLineOptions
import Glibc
import MajorTom
import Server

/// The command `majortom serve`.
let serveCommand = Command(
  "serve", summary: "serve models over HTTP, with a page to use them",
  synopsis: "[-m MODEL...] [OPTION...]",
  about: """
    Serves models of any kind over HTTP until it gets SIGTERM or Ctrl-C: completions as OpenAI's interface \
    has them, tagging, translation, and a page for a browser. The address is told on standard error. SIGHUP \
    reads the models again. docs/serve.md and /openapi.json describe the interface.
    """,
  options: [
    Option(
      "model", short: "m", "FILE",
      "A model; may be given more than once (default: those of $MAJORTOM_MODEL, else the installed ones)"
    ),
    Option("listen", "ADDRESS", "A numeric address, or unix:PATH (default: 127.0.0.1)"),
    Option("port", short: "p", "N", "The port; 0 for any that is free (default: 8080)"),
    Option("api-key-file", "FILE", "Ask clients for the key in the first line of FILE"),
    Option("allow-origin", "ORIGIN", "Pages of ORIGIN may ask, too; may be given more than once"),
    Option("allow-host", "NAME", "The server is called NAME, too; may be given more than once"),
    Option("max-body", "BYTES", "The longest body of a request (default: 1048576)"),
    Option(
      "max-prompt", "N", "The longest prompt in tokens, and text in characters (default: 16384)"),
    Option("max-length", "N", "The most tokens of a completion (default: 4096)"),
    Option("max-texts", "N", "Texts that a model writes at once (default: 32)"),
    Option("threads", "N", "Threads that write (default: one a core)"),
    Option("max-jobs", "N", "Texts tagged, translated or scored at once (default: 4)"),
    Option("max-queue", "N", "Requests that wait; more are answered 429 (default: 256)"),
    Option("max-connections", "N", "Connections at once (default: 2048)"),
    Option("max-seconds", "S", "The longest time for a request (default: 300)"),
    Option(
      "max-idle", "S",
      "The longest time for a request to come, or for nothing to move (default: 60)"),
    Option("drain", "SECONDS", "On SIGTERM, time to finish what is under way (default: 30)"),
    Option("log", "FORMAT", "Lines on standard error: text, json or none (default: text)"),
    Option(flag: "log-prompts", "Log what is asked, too"),
  ]
) { arguments in
  let drain = try arguments.number("drain", in: 0...86_400) ?? 30
  let options = try serverOptions(arguments)
  let paths = try servedModels(arguments)
  // Threads inherit what is blocked: the signals come to `sigwait` alone.
  var signals = sigset_t()
  sigemptyset(&signals)
  for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
  pthread_sigmask(SIG_BLOCK, &signals, nil)
  let server = try Server(models: paths, options)
  complain(
    "serving \(server.modelNames.joined(separator: ", ")) at \(server.address)\(options.key == nil ? "" : ", with a key"); Ctrl-C ends"
  )
  while true {
    var number: Int32 = 0
    guard sigwait(&signals, &number) == 0 else { continue }
    guard number == SIGHUP else { break }
    do {
      try server.reload()
      complain("the models were read again")
    } catch {
      complain("the models stay as they were: \(error)")
    }
  }
  // A second Ctrl-C ends it at once. Who stops services may send SIGTERM twice, as `timeout` does.
  var interrupt = sigset_t()
  sigemptyset(&interrupt)
  sigaddset(&interrupt, SIGINT)
  pthread_sigmask(SIG_UNBLOCK, &interrupt, nil)
  let isFinished = server.stop(drain: drain)
  complain(isFinished ? "ended" : "ended; what was not finished in \(drain) seconds was cut off")
}

private func serverOptions(_ arguments: ParsedArguments) throws -> ServerOptions {
  var options = ServerOptions()
  let port = try arguments.integer("port", in: 0...65_535)
  let address = arguments.text("listen") ?? "127.0.0.1"
  if address.hasPrefix("unix:") {
    guard port == nil else {
      throw UsageError("--port is for addresses, and a UNIX socket has none")
    }
    guard address.utf8.count > 5 else { throw UsageError("--listen unix: needs a path") }
    options.address = .unix(String(address.dropFirst(5)))
  } else {
    options.address = .network(address, port: port ?? 8080)
  }
  let most = 1_000_000
  var limits = options.limits
  limits.bodyBytes = try arguments.integer("max-body", in: 1...1 << 30) ?? limits.bodyBytes
  limits.promptTokens = try arguments.integer("max-prompt", in: 1...most) ?? limits.promptTokens
  limits.completionTokens =
    try arguments.integer("max-length", in: 1...most) ?? limits.completionTokens
  limits.slots = try arguments.integer("max-texts", in: 1...1024) ?? limits.slots
  limits.threads = try arguments.threads() ?? limits.threads
  limits.queue = try arguments.integer("max-queue", in: 0...most) ?? limits.queue
  limits.connections =
    try arguments.integer("max-connections", in: 1...100_000) ?? limits.connections
  limits.jobs = try arguments.integer("max-jobs", in: 1...256) ?? limits.jobs
  limits.seconds = try arguments.number("max-seconds", in: 0.001...86_400) ?? limits.seconds
  limits.idleSeconds = try arguments.integer("max-idle", in: 1...86_400) ?? limits.idleSeconds
  options.limits = limits
  options.key = try arguments.text("api-key-file").map(key)
  options.origins = try arguments.texts("allow-origin").map { origin in
    let origin = origin.hasSuffix("/") ? String(origin.dropLast()) : origin
    guard origin.hasPrefix("http://") || origin.hasPrefix("https://"),
      origin.split(separator: "/").count == 2
    else {
      throw UsageError("--allow-origin \(quoted(origin)): expected one such as https://example.org")
    }
    return origin
  }
  options.hosts = try arguments.texts("allow-host").map { host in
    guard !host.isEmpty, !host.contains("/"), !host.contains(":") else {
      throw UsageError(
        "--allow-host \(quoted(host)): expected a name without port, such as example.org")
    }
    return host
  }
  options.log = try arguments.choice("log", of: ServerLog.self) ?? .text
  options.logsPrompts = arguments.has("log-prompts")
  options.write = { writeError($0) }
  return options
}

/// The key in the first line of a file.
private func key(in path: String) throws -> String {
  let bytes = try TextFiles.bytes(of: path, maxLength: 4096)
  let line = bytes.prefix { $0 != 10 && $0 != 13 }
  guard !line.isEmpty, line.allSatisfy({ (0x21...0x7E).contains($0) }) else {
    throw UsageError(
      "--api-key-file \(quoted(path)): its first line must be a key of visible ASCII characters")
  }
  return String(decoding: line, as: UTF8.self)
}

/// The models named, or the usual one of each kind.
private func servedModels(_ arguments: ParsedArguments) throws -> [String] {
  let typed = arguments.texts("model") + arguments.words
  guard typed.isEmpty else { return try typed.map { try modelFile($0) } }
  var paths: [String] = []
  for kind in modelKinds.map({ $0.kind }) {
    do {
      let path = try modelPath(arguments, of: kind)
      if !paths.contains(path) { paths.append(path) }
    } catch is UsageError {
      // There is none of this kind; what cannot be read is told.
    }
  }
  // The sentence of a language model that is missing says what to do.
  return paths.isEmpty ? [try modelPath(arguments)] : paths
}
