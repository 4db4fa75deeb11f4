internal import Glibc
internal import Synchronization

/// Seconds of a clock that nobody sets.
enum Clock {
  /// Now.
  static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

/// A mark that one thread sets and another waits for.
///
/// Sendable: the semaphore is made for being used by any number of threads, and its address never changes.
final class Signal: @unchecked Sendable {
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  init() { sem_init(semaphore, 0, 0) }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  /// Wakes whoever waits, or the next that will.
  func set() { sem_post(semaphore) }

  /// Waits until it is set, at most so many seconds.
  func wait(atMost seconds: Double) {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let nanoseconds = Double(time.tv_nsec) + seconds * 1e9
    time.tv_sec += Int(nanoseconds / 1e9)
    time.tv_nsec = Int(nanoseconds.truncatingRemainder(dividingBy: 1e9))
    while sem_timedwait(semaphore, &time) != 0, errno == EINTR {}
    // Several marks are one.
    while sem_trywait(semaphore) == 0 {}
  }
}

/// A thread that runs until its body returns.
///
/// Sendable: the thread's number is written once, before anyone else has the object.
final class Thread: @unchecked Sendable {
  private var thread = pthread_t()

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Starts it.
  init(_ run: @escaping @Sendable () -> Void) {
    // Networks are deep, and 8 MB are what a main thread has.
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, 8 << 20)
    let body = Unmanaged.passRetained(Body(run))
    let failure = pthread_create(
      &thread, &attributes,
      { pointer in
        if let pointer { Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run() }
        return nil
      }, body.toOpaque())
    precondition(failure == 0, "the system has no thread left")
    pthread_attr_destroy(&attributes)
  }

  /// Waits for its end; to be called once.
  func join() { pthread_join(thread, nil) }
}

/// Threads that do one job after another.
final class Worker: Sendable {
  /// What is to be done.
  struct Job: Sendable {
    /// Whether nobody waits for it any more.
    let isGone: @Sendable () -> Bool
    let run: @Sendable () -> Void
  }

  private struct State {
    var jobs: [Job] = []
    var isStopping = false
    /// When it is looked again who has gone away, as that takes a call of the system for each.
    var nextCheck = 0.0
  }

  private let state = Mutex(State())
  private let room: Int
  private let signals: [Signal]
  private let threads = Mutex<[Thread]>([])

  /// A worker with room for so many jobs that wait.
  ///
  /// Threads of low priority leave the processor to others, and share fairly what is left.
  init(room: Int, threads count: Int = 1, hasLowPriority: Bool = false) {
    self.room = room
    signals = (0..<count).map { _ in Signal() }
    for signal in signals {
      let thread = Thread { [self] in
        // In Linux each thread has a niceness of its own.
        if hasLowPriority { _ = nice(5) }
        run(signal)
      }
      threads.withLock { $0.append(thread) }
    }
  }

  /// How many jobs wait.
  var count: Int { state.withLock { $0.jobs.count } }

  /// Takes on a job; false where there is no room.
  func add(_ job: Job) -> Bool {
    var gone: [Job] = []
    let isAdded = state.withLock { state in
      guard !state.isStopping else { return false }
      if state.jobs.count >= room, Clock.now >= state.nextCheck {
        // Who has gone away leaves the queue.
        state.nextCheck = Clock.now + 0.1
        let isGone = state.jobs.map { $0.isGone() }
        gone = zip(state.jobs, isGone).filter(\.1).map(\.0)
        state.jobs = zip(state.jobs, isGone).filter { !$0.1 }.map(\.0)
      }
      guard state.jobs.count < room else { return false }
      state.jobs.append(job)
      return true
    }
    // They see for themselves that they are gone, and do nothing.
    for job in gone { job.run() }
    if isAdded { for signal in signals { signal.set() } }
    return isAdded
  }

  private func run(_ signal: Signal) {
    while true {
      let (job, isStopping) = state.withLock { state in
        (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.isStopping)
      }
      if let job {
        job.run()
      } else {
        if isStopping { return }
        signal.wait(atMost: 60)
      }
    }
  }

  /// Does what is left, and ends.
  func stop() {
    state.withLock { $0.isStopping = true }
    for signal in signals { signal.set() }
    let threads = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in threads { thread.join() }
  }
}
