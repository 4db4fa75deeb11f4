internal import Files
internal import Glibc
internal import Synchronization

/// An HTTP server of models: completions as OpenAI's interface has them, tagging, translation, and a page.
///
///     var options = ServerOptions()
///     options.address = .network("127.0.0.1", port: 0)
///     let server = try Server(models: ["ships-log.safetensors"], options)
///     print(server.address)
///     ...
///     server.stop(drain: 10)
///
/// It answers on threads of its own until it is stopped. libmicrohttpd is opened when the first server starts.
public final class Server: Sendable {
  private let core: ServerCore
  private let listener: HTTPListener
  private let isStopped = Mutex(false)

  /// Reads the models, listens, and serves.
  ///
  /// Throws `ServerError` where it cannot listen or a file is no model that can be served, and what reading
  /// models throws.
  public init(models paths: [String], _ options: ServerOptions = ServerOptions()) throws {
    let core = try ServerCore(paths, options)
    self.core = core
    do {
      listener = try HTTPListener(options.address, options.limits) { core.handle($0) }
    } catch {
      core.stop()
      throw error
    }
  }

  deinit { stop() }

  /// Where it listens, with the port that it got.
  public var address: ServerAddress { listener.address }

  /// The names of its models.
  public var modelNames: [String] { core.models.names }

  /// Reads all models again; what is under way ends on the old ones.
  ///
  /// Throws what reading them throws; the old ones stay then.
  public func reload() throws { try core.reload() }

  /// Accepts nothing more, finishes what is under way, at most so many seconds long, and ends; whether all was
  /// finished.
  @discardableResult
  public func stop(drain seconds: Double = 0) -> Bool {
    let isFirst = isStopped.withLock { isStopped in
      defer { isStopped = true }
      return !isStopped
    }
    guard isFirst else { return true }
    core.drain()
    listener.close()
    let end = Clock.now + seconds
    while listener.liveRequests > 0, Clock.now < end { usleep(10_000) }
    let isFinished = listener.liveRequests == 0
    listener.stop()
    core.stop()
    return isFinished
  }
}

/// All of a server but where it listens.
final class ServerCore: Sendable {
  let options: ServerOptions
  let metrics = Metrics()
  let engine: CompletionEngine
  /// Reads requests, and does what is done at once.
  let reader: Worker
  /// Reads long requests, which the others are not to wait for.
  let longReader: Worker
  /// Tags, translates, scores, and loads models.
  let worker: Worker
  private let log: ServerLogger
  private let gate: Gate
  private let paths: [String]
  private let loaded: Mutex<ServedModels>
  private let reloading = Mutex(())
  private let isDraining = Atomic(false)

  init(_ paths: [String], _ options: ServerOptions) throws {
    let models = try ServedModels(paths)
    self.paths = paths
    self.options = options
    loaded = Mutex(models)
    log = ServerLogger(options)
    gate = Gate(options)
    engine = CompletionEngine(options.limits)
    reader = Worker(room: options.limits.slots + options.limits.queue)
    longReader = Worker(room: options.limits.queue)
    // The system gives its threads fair turns, and those that write texts come first.
    worker = Worker(
      room: options.limits.queue, threads: options.limits.jobs, hasLowPriority: true)
  }

  /// The models as they were read last.
  var models: ServedModels { loaded.withLock { $0 } }

  /// Reads all models again.
  func reload() throws {
    // One after another, so that the last reading is the one that stays.
    try reloading.withLock { _ in
      let models = try ServedModels(paths)
      loaded.withLock { $0 = models }
    }
  }

  /// Refuses what comes from now on.
  func drain() { isDraining.store(true, ordering: .relaxed) }

  /// Finishes what is under way, and ends.
  func stop() {
    reader.stop()
    longReader.stop()
    // Some of its work goes on to the engine.
    worker.stop()
    engine.stop()
  }

  /// Does some work of a request on the threads for what takes long.
  func work(
    for exchange: Exchange, _ body: @escaping @Sendable () throws(RequestError) -> Void
  ) throws(RequestError) {
    let job = Worker.Job(isGone: { exchange.isGone }) {
      guard !exchange.isGone else { return exchange.drop() }
      do throws(RequestError) { try body() } catch { exchange.answer(error) }
    }
    guard worker.add(job) else { throw Self.full }
  }

  /// Takes a request, on the listener's thread: what takes time is handed on.
  func handle(_ request: HTTPRequest) {
    let isHead = request.method == "HEAD"
    let meant = Route.all.filter { $0.isMeant(by: request.path) }
    let route = meant.first { $0.method == (isHead ? "GET" : request.method) }
    let exchange = Exchange(
      request, route: route?.path ?? "other", headers: gate.headers(for: request), metrics, log)
    do throws(RequestError) {
      try gate.check(request, isOpen: route?.isOpen == true)
      if request.method == "OPTIONS" {
        return exchange.answer("", "text/plain", status: 204, more: allow(meant))
      }
      guard let route else { throw unknown(request, meant) }
      guard !isDraining.load(ordering: .relaxed) else { throw Self.closing }
      guard !request.isTooLarge else {
        throw RequestError(
          status: 413, message: "the body has more than \(options.limits.bodyBytes) bytes",
          code: "body_too_large")
      }
      try start(route, exchange)
    } catch {
      exchange.answer(error)
    }
  }

  private static let full = RequestError(
    status: 429, message: "the queue of requests is full", code: "queue_full", retryAfter: 1)
  private static let closing = RequestError(
    status: 503, message: "the server is shutting down", code: "shutting_down", retryAfter: 5)

  /// Does what a route does, on the thread that it belongs to.
  private func start(_ route: Route, _ exchange: Exchange) throws(RequestError) {
    let job: @Sendable () -> Void = { [self] in
      guard !exchange.isGone else { return exchange.drop() }
      do throws(RequestError) {
        guard Clock.now < exchange.request.start + options.limits.seconds else {
          throw exchange.timeout(options.limits)
        }
        let object =
          route.hasBody
          ? try Field.object(in: exchange.request.body, route.fields(options.limits)) : [:]
        try route.answer(self, exchange, object)
      } catch {
        exchange.answer(error)
      }
    }
    guard route.isSlow || route.hasBody else { return job() }
    guard !exchange.request.isCrowded else { throw Self.full }
    let isLong = exchange.request.body.count > 1 << 15
    let worker = route.isSlow ? worker : isLong ? longReader : reader
    guard worker.add(Worker.Job(isGone: { exchange.isGone }, run: job)) else { throw Self.full }
  }

  private func allow(_ routes: [Route]) -> String {
    guard !routes.isEmpty else { return "" }
    return "Allow: \(Set(routes.map(\.method) + ["OPTIONS"]).sorted().joined(separator: ", "))\n"
  }

  private func unknown(_ request: HTTPRequest, _ routes: [Route]) -> RequestError {
    guard routes.isEmpty else {
      return RequestError(
        status: 405,
        message: "\(quoted(request.path)) is asked for with "
          + Set(routes.map(\.method)).sorted().joined(separator: ", "),
        code: "method_not_allowed", more: allow(routes))
    }
    return RequestError(
      status: 404, message: "there is nothing at \(quoted(request.path))", code: "not_found")
  }
}
