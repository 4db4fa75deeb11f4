internal import LanguageModel
internal import Synchronization

/// Writes the texts of a language model's requests: all that are under way take their next steps together, as
/// rows of one batch.
///
/// A text depends on its prompt, its options and its seed alone, whatever else is being written.
final class CompletionEngine: Sendable {
  /// A request that came, and is checked.
  struct Order: Sendable {
    let exchange: Exchange
    let request: CompletionRequest
    let model: ServedModel<LanguageModel>
    let deadline: Double
  }

  private struct State {
    var orders: [Order] = []
    var isStopping = false
    var running = 0
    // Jobs that are begun, or wait in the thread.
    var jobs = 0
  }

  private let limits: ServerLimits
  private let state = Mutex(State())
  private let signal = Signal()
  private let thread = Mutex<Thread?>(nil)

  /// An engine with a thread of its own.
  init(_ limits: ServerLimits) {
    self.limits = limits
    let thread = Thread { [self] in
      var run = EngineRun(limits)
      self.run(&run)
    }
    self.thread.withLock { $0 = thread }
  }

  /// Texts being written, and requests under way.
  var load: (running: Int, requests: Int) {
    state.withLock { ($0.running, $0.jobs + $0.orders.count) }
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
      guard state.orders.count + state.jobs < limits.slots + limits.queue else {
        return RequestError(
          status: 429, message: "the queue of \(limits.queue) requests is full", code: "queue_full",
          retryAfter: 1)
      }
      state.orders.append(order)
      return nil
    }
    if let answer { throw answer }
    signal.set()
  }

  private func run(_ run: inout EngineRun) {
    while true {
      let (orders, isStopping) = state.withLock { state in
        defer { state.orders = [] }
        state.jobs = run.jobs.count + state.orders.count
        state.running = run.running
        return (state.orders, state.isStopping)
      }
      for order in orders { run.take(order) }
      guard !run.jobs.isEmpty else {
        if isStopping { return }
        signal.wait(atMost: 60)
        continue
      }
      run.step()
    }
  }

  /// Finishes what is under way, and ends.
  func stop() {
    state.withLock { $0.isStopping = true }
    signal.set()
    thread.withLock { thread in
      thread?.join()
      thread = nil
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

  /// The batch of one model; another reading of its file has a batch of its own.
  private struct Batch {
    let serial: Int
    let batch: GenerationBatch
    /// The jobs by the numbers of their texts.
    var jobs: [Int: CompletionJob] = [:]
  }

  init(_ limits: ServerLimits) { self.limits = limits }

  var running: Int { batches.reduce(0) { $0 + $1.batch.count } }

  mutating func take(_ order: CompletionEngine.Order) {
    jobs.append(
      CompletionJob(order.exchange, order.request, order.model, deadline: order.deadline))
  }

  /// One step of all texts.
  mutating func step() {
    removeLate()
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
    while batches[place].batch.count < limits.slots, let choice = job.takeUnbegun() {
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
      Batch(serial: model.serial, batch: GenerationBatch(model.model, capacity: limits.slots)))
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

  /// Now and then: who is gone, and whose time is over.
  private mutating func removeLate() {
    let now = Clock.now
    guard now >= nextCheck else { return }
    nextCheck = now + 0.1
    for job in jobs {
      let place = place(of: job.model)
      if job.exchange.isGone {
        leave(job, place)
      } else if now > job.deadline {
        guard job.unbegun.isEmpty else {
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
