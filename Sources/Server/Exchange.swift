internal import Files
internal import Synchronization

/// A request with what its answer needs besides: headers of the server's, the log, and the numbers it keeps.
struct Exchange: Sendable {
  let request: HTTPRequest
  private let route: String
  private let headers: String
  private let metrics: Metrics
  private let log: ServerLogger

  init(
    _ request: HTTPRequest, route: String, headers: String, _ metrics: Metrics, _ log: ServerLogger
  ) {
    self.request = request
    self.route = route
    self.headers = headers
    self.metrics = metrics
    self.log = log
  }

  /// Whether nobody waits for the answer any more.
  var isGone: Bool { request.isGone }

  /// What to tell whose time is over.
  func timeout(_ limits: ServerLimits) -> RequestError {
    RequestError(
      status: 503, message: "it took longer than \(limits.seconds) seconds", code: "timeout",
      retryAfter: 5)
  }

  /// Tells long work, which asks often, whether to stop: as nobody waits for it, or its time is over.
  func stopper(_ limits: ServerLimits) -> @Sendable () -> Bool {
    let end = request.start + limits.seconds
    let nextCheck = Mutex(0.0)
    return {
      let now = Clock.now
      return nextCheck.withLock { next in
        guard now >= next else { return false }
        next = now + 0.05
        return now > end || request.isGone
      }
    }
  }

  private func headers(_ type: String) -> String {
    "Content-Type: \(type)\nCache-Control: no-store\nX-Content-Type-Options: nosniff\n" + headers
  }

  private func note(_ status: Int) {
    let seconds = Clock.now - request.start
    metrics.count(route, status, seconds)
    log.note(request, status, seconds)
  }

  /// Answers with a JSON value.
  func answer(_ value: JSONValue, status: Int = 200) {
    answer(value.json, "application/json", status: status)
  }

  /// Answers with a text of a media type.
  func answer(_ text: String, _ type: String, status: Int = 200, more: String = "") {
    note(status)
    request.answer(status, headers(type) + more, text)
  }

  /// Answers with what is wrong.
  func answer(_ error: RequestError) {
    answer(error.json.json, "application/json", status: error.status, more: error.headers)
  }

  /// Begins an answer that is sent in pieces.
  func begin(_ type: String) { request.begin(200, headers(type) + "X-Accel-Buffering: no\n") }

  /// Sends a piece; false where nobody reads it, or too slowly.
  func send(_ piece: String) -> Bool { request.send(piece) }

  /// The end of the pieces.
  func end() {
    note(200)
    request.end()
  }

  /// Cuts an answer that nobody reads.
  func drop() {
    // The status of nginx for a client that has closed the connection.
    note(499)
    request.end(failed: true)
  }

  /// Counts tokens that were read and written.
  func count(prompt: Int, written: Int) { metrics.count(prompt: prompt, written: written) }
}
