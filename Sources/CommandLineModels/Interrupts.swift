internal import Glibc
internal import Synchronization

/// The signal that has asked training to save and end, if one has: Ctrl-C, SIGTERM, or SIGHUP, by
/// which a terminal that is closed ends what runs in it.
var interruption: Int32? {
  let number = caught.load(ordering: .relaxed)
  return number == 0 ? nil : number
}

/// Set by a signal; training looks at it before each update.
private let caught = Atomic<Int32>(0)

/// The first signal asks training to save and end, the second ends it at once.
func catchInterrupts() {
  _ = caught.load(ordering: .relaxed)  // made before a signal can need it
  // A parent may have left the signals blocked, as threads of a pool do for what they start.
  var all = sigset_t()
  sigemptyset(&all)
  for number in [SIGINT, SIGTERM, SIGHUP] {
    sigaddset(&all, number)
    let before = signal(number) { number in
      caught.store(number, ordering: .relaxed)
      signal(number, SIG_DFL)
    }
    // What was ignored from the beginning, as by nohup, stays so: C's SIG_IGN is the address 1.
    if unsafeBitCast(before, to: Int.self) == 1 { signal(number, SIG_IGN) }
  }
  pthread_sigmask(SIG_UNBLOCK, &all, nil)
}
