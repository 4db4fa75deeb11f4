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

/// A thread that does one job after another.
final class Worker: Sendable {
  private struct State {
    var jobs: [@Sendable () -> Void] = []
    var isStopping = false
  }

  private let state = Mutex(State())
  private let signal = Signal()
  private let room: Int
  private let thread = Mutex<Thread?>(nil)

  /// A worker with room for so many jobs that wait.
  init(room: Int) {
    self.room = room
    let thread = Thread { [self] in run() }
    self.thread.withLock { $0 = thread }
  }

  /// How many jobs wait.
  var count: Int { state.withLock { $0.jobs.count } }

  /// Takes on a job; false where there is no room.
  func add(_ job: @escaping @Sendable () -> Void) -> Bool {
    let isAdded = state.withLock { state in
      guard state.jobs.count < room, !state.isStopping else { return false }
      state.jobs.append(job)
      return true
    }
    if isAdded { signal.set() }
    return isAdded
  }

  private func run() {
    while true {
      let (jobs, isStopping) = state.withLock { state in
        defer { state.jobs = [] }
        return (state.jobs, state.isStopping)
      }
      for job in jobs { job() }
      if jobs.isEmpty {
        if isStopping { return }
        signal.wait(atMost: 60)
      }
    }
  }

  /// Does what is left, and ends.
  func stop() {
    state.withLock { $0.isStopping = true }
    signal.set()
    thread.withLock { thread in
      thread?.join()
      thread = nil
    }
  }
}
