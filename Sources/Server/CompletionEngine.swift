internal import LanguageModel
internal import Synchronization

/// Writes the texts of language models' requests: those under way on a thread take their next steps together, as
/// rows of one batch.
///
/// Each thread has a batch of its own for each model, so that threads wait for nothing of each other. A text depends on
/// its prompt, its options and its seed alone, whatever else is being written, and wherever.
final class CompletionEngine: Sendable {
  /// A request that came, and is checked.
  struct Order: Sendable {
    let exchange: Exchange
    let request: CompletionRequest
    let model: ServedModel<LanguageModel>
    let deadline: Double

    /// The texts that it asks for.
    var texts: Int { request.prompts.count * request.count }
  }

  /// What a thread has taken on.
  fileprivate struct Load {
    /// Texts to write, by the serial number of their model.
    var texts: [Int: Int] = [:]
    var running = 0
    var jobs = 0

    var allTexts: Int { texts.values.reduce(0, +) }
  }

  private struct State {
    /// In the order in which they came.
    var orders: [Order] = []
    var isStopping = false
    var loads: [Load]
  }

  private let limits: ServerLimits
  private let state: Mutex<State>
  private let signals: [Signal]
  private let threads = Mutex<[Thread]>([])
  /// An engine with threads of its own.
  init(_ limits: ServerLimits) {
    self.limits = limits
    // Each thread writes a text at least.
    let count = max(1, min(limits.threads, limits.slots))
    state = Mutex(State(loads: Array(repeating: Load(), count: count)))
    signals = (0..<count).map { _ in Signal() }
    let threads = (0..<count).map { number in Thread { [self] in run(number) } }
    self.threads.withLock { $0 = threads }
  }

  /// Texts being written, and requests under way.
  var load: (running: Int, requests: Int) {
    state.withLock { state in
      (
        state.loads.reduce(0) { $0 + $1.running },
        state.loads.reduce(state.orders.count) { $0 + $1.jobs }
      )
    }
  }

  /// Takes on a request.
  ///
  /// Throws `RequestError` where the queue is full, or the server ends.
  func add(_ order: Order) throws(RequestError) {
    let answer = state.withLock { state -> RequestError? in
      guard !state.isStopping else {
        return RequestError(
          status: 503, message: "the server is shutting down", code: "shutting_down", retryAfter: 5)
      }
      let count = state.loads.reduce(state.orders.count) { $0 + $1.jobs }
      guard count < limits.slots + limits.queue else {
        return RequestError(
          status: 429, message: "the queue of \(limits.queue) requests is full", code: "queue_full",
          retryAfter: 1)
      }
      state.orders.append(order)
      return nil
    }
    if let answer { throw answer }
    for signal in signals { signal.set() }
  }

  /// The texts of a model that a thread writes at once: its share of all.
  private func room(_ number: Int) -> Int {
    let slots = max(1, limits.slots)
    return slots / signals.count + (number < slots % signals.count ? 1 : 0)
  }

  /// A thread's life: it takes on what it has room for, and writes a token of each of its texts.
  private func run(_ number: Int) {
    let room = self.room(number)
    var run = EngineRun(limits, room: room)
    while true {
      let isCheck = run.isCheckDue()
      let (orders, areLeft, isStopping) = state.withLock { state in
        state.loads[number] = run.load
        let orders = Self.take(&state, number, room: room, isCheck: isCheck)
        return (orders, !state.orders.isEmpty, state.isStopping)
      }
      // What was left may be for a thread that sleeps.
      if !orders.isEmpty, areLeft { for signal in signals { signal.set() } }
      for order in orders { run.take(order) }
      guard !run.jobs.isEmpty else {
        if isStopping, !areLeft { return }
        signals[number].wait(atMost: 60)
        continue
      }
      run.step()
    }
  }

  /// The orders that a thread takes on: of models for which it has room, while no thread has less to do.
  ///
  /// With `isCheck`, also those that are late, or that nobody waits for, to be ended.
  private static func take(
    _ state: inout State, _ number: Int, room: Int, isCheck: Bool
  ) -> [Order] {
    guard !state.orders.isEmpty else { return [] }
    let now = Clock.now
    var taken: [Order] = []
    var rest: [Order] = []
    for order in state.orders {
      let serial = order.model.serial
      let mine = state.loads[number].texts[serial] ?? 0
      let least = state.loads.map(\.allTexts).min() ?? 0
      let isNext = mine < room && state.loads[number].allTexts <= least
      if isNext || (isCheck && (now > order.deadline || order.exchange.isGone)) {
        taken.append(order)
        state.loads[number].texts[serial] = mine + order.texts
        state.loads[number].jobs += 1
      } else {
        rest.append(order)
      }
    }
    state.orders = rest
    return taken
  }

  /// Finishes what is under way, and ends.
  func stop() {
    state.withLock { $0.isStopping = true }
    for signal in signals { signal.set() }
    threads.withLock { threads in
      for thread in threads { thread.join() }
      threads = []
    }
  }
}

/// What an engine's thread has in hand.
private struct EngineRun {
  private let limits: ServerLimits
  /// In the order in which they came.
  private(set) var jobs: [CompletionJob] = []
  private var batches: [Batch] = []
  private var nextCheck = 0.0
  private var isCheck = false
  private let room: Int

  /// The batch of one model; another reading of its file has a batch of its own.
  private struct Batch {
    let serial: Int
    let batch: GenerationBatch
    /// The jobs by the numbers of their texts.
    var jobs: [Int: CompletionJob] = [:]
  }

  init(_ limits: ServerLimits, room: Int) {
    self.limits = limits
    self.room = room
  }

  /// What is in hand.
  var load: CompletionEngine.Load {
    var load = CompletionEngine.Load()
    for job in jobs {
      load.texts[job.model.serial, default: 0] += job.unbegun.count + job.running.count
    }
    load.running = batches.reduce(0) { $0 + $1.batch.count }
    load.jobs = jobs.count
    return load
  }

  /// Whether it is time to look who is gone, and whose time is over: now and then.
  mutating func isCheckDue() -> Bool {
    let now = Clock.now
    isCheck = now >= nextCheck
    if isCheck { nextCheck = now + 0.1 }
    return isCheck
  }

  mutating func take(_ order: CompletionEngine.Order) {
    jobs.append(
      CompletionJob(order.exchange, order.request, order.model, deadline: order.deadline))
  }

  /// One step of all texts.
  mutating func step() {
    if isCheck { removeLate() }
    for job in jobs where !job.unbegun.isEmpty { begin(job) }
    for place in batches.indices {
      guard batches[place].batch.count > 0 else { continue }
      // Prompts are read in slices, so that a long one does not hold up the others.
      for step in batches[place].batch.next(promptTokens: 128) {
        guard let job = batches[place].jobs[step.text], let choice = job.running[step.text] else {
          continue
        }
        if step.isOver {
          job.running[step.text] = nil
          batches[place].jobs[step.text] = nil
        }
        if !job.isOver, !job.take(step, of: choice) { leave(job, place) }
      }
    }
    jobs.removeAll(where: \.isOver)
    // A batch is kept for the next request, but not that of a model that was read again since.
    let serials = Set(jobs.map(\.model.serial))
    let newest = batches.map(\.serial).max()
    batches.removeAll { $0.batch.count == 0 && !serials.contains($0.serial) && $0.serial != newest }
  }

  /// Begins as many texts of a job as there is room for.
  private mutating func begin(_ job: CompletionJob) {
    let place = place(of: job.model)
    while batches[place].batch.count < room, let choice = job.takeUnbegun() {
      do {
        let number = batches[place].batch.add(
          try job.generation(choice), likeliest: job.request.likeliest)
        job.running[number] = choice
        batches[place].jobs[number] = job
      } catch {
        job.fail(RequestError(status: 500, message: "\(error)"))
        return leave(job, place)
      }
    }
  }

  private mutating func place(of model: ServedModel<LanguageModel>) -> Int {
    if let place = batches.firstIndex(where: { $0.serial == model.serial }) { return place }
    batches.append(
      Batch(serial: model.serial, batch: GenerationBatch(model.model, capacity: room)))
    return batches.count - 1
  }

  /// Takes a job's texts out of its batch.
  private mutating func leave(_ job: CompletionJob, _ place: Int) {
    for number in job.running.keys {
      batches[place].batch.remove(number)
      batches[place].jobs[number] = nil
    }
    job.running = [:]
    if !job.isOver { job.drop() }
  }

  /// Ends the jobs that nobody waits for, and those whose time is over.
  private mutating func removeLate() {
    let now = Clock.now
    for job in jobs {
      let place = place(of: job.model)
      if job.exchange.isGone {
        leave(job, place)
      } else if now > job.deadline {
        guard job.unbegun.isEmpty, job.hasWritten else {
          job.fail(
            RequestError(
              status: 503, message: "it took longer than \(limits.seconds) seconds",
              code: "timeout",
              retryAfter: 5))
          leave(job, place)
          continue
        }
        for choice in job.running.values.sorted() { job.cutOff(choice) }
        leave(job, place)
      }
    }
    jobs.removeAll(where: \.isOver)
  }
}
