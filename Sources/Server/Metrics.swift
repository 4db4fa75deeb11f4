internal import Files
internal import Synchronization

/// What a server counts, as Prometheus reads it.
final class Metrics: Sendable {
  private struct Key: Hashable {
    let route: String
    let status: Int
  }

  private struct State {
    var requests: [Key: Int] = [:]
    var seconds: [Key: Double] = [:]
    var promptTokens = 0
    var writtenTokens = 0
  }

  private let state = Mutex(State())

  /// Counts an answer.
  func count(_ route: String, _ status: Int, _ seconds: Double) {
    state.withLock {
      $0.requests[Key(route: route, status: status), default: 0] += 1
      $0.seconds[Key(route: route, status: status), default: 0] += seconds
    }
  }

  /// Counts tokens.
  func count(prompt: Int, written: Int) {
    state.withLock {
      $0.promptTokens += prompt
      $0.writtenTokens += written
    }
  }

  /// All numbers in Prometheus's text format, with some that are measured now.
  func text(gauges: [(name: String, about: String, value: Int)]) -> String {
    let state = state.withLock { $0 }
    let keys = state.requests.keys.sorted { ($0.route, $0.status) < ($1.route, $1.status) }
    var text = ""
    func head(_ name: String, _ type: String, _ about: String) {
      text += "# HELP majortom_\(name) \(about)\n# TYPE majortom_\(name) \(type)\n"
    }
    head("requests_total", "counter", "Requests that were answered.")
    for key in keys {
      text += "majortom_requests_total\(labels(key)) \(state.requests[key] ?? 0)\n"
    }
    head("request_seconds_total", "counter", "Seconds from requests to the ends of their answers.")
    for key in keys {
      text += "majortom_request_seconds_total\(labels(key)) \(state.seconds[key] ?? 0)\n"
    }
    head("prompt_tokens_total", "counter", "Tokens of prompts.")
    text += "majortom_prompt_tokens_total \(state.promptTokens)\n"
    head("completion_tokens_total", "counter", "Tokens written.")
    text += "majortom_completion_tokens_total \(state.writtenTokens)\n"
    for gauge in gauges {
      head(gauge.name, "gauge", gauge.about)
      text += "majortom_\(gauge.name) \(gauge.value)\n"
    }
    return text
  }

  private func labels(_ key: Key) -> String {
    "{route=\"\(key.route)\",status=\"\(key.status)\"}"
  }
}

/// Writes a line for each request.
struct ServerLogger: Sendable {
  private let options: ServerOptions

  init(_ options: ServerOptions) { self.options = options }

  /// Tells of an answer.
  func note(_ request: HTTPRequest, _ status: Int, _ seconds: Double) {
    guard options.log != .none else { return }
    let milliseconds = (seconds * 1000).rounded()
    let body =
      options.logsPrompts ? String(decoding: request.body.prefix(4096), as: UTF8.self) : nil
    // The path is what somebody sent.
    let path = quoted(request.path, atMost: 200)
    if options.log == .json {
      options.write(
        JSONValue.object([
          "time": .text(timeStamp()), "method": .text(quoted(request.method)), "path": .text(path),
          "status": .whole(status), "milliseconds": .number(milliseconds),
          "body": body.map { .text($0) } ?? .raw("null"),
        ]).json + "\n")
    } else {
      options.write(
        "\(timeStamp()) \(quoted(request.method)) \(path) \(status) \(Int(milliseconds)) ms"
          + (body.map { " \(quoted($0, atMost: 4096))" } ?? "") + "\n")
    }
  }
}
