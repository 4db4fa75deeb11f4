import Glibc
import Synchronization

/// Whether Ctrl-C or SIGTERM has asked training to save and end.
var isInterrupted: Bool { interrupted.load(ordering: .relaxed) }

/// Set by Ctrl-C or SIGTERM; training looks at it before each update.
private let interrupted = Atomic<Bool>(false)

/// The first signal asks training to save and end, the second ends it at once.
func catchInterrupts() {
  _ = interrupted.load(ordering: .relaxed)  // made before a signal can need it
  // A parent may have left the signals blocked, as threads of a pool do for what they start.
  var both = sigset_t()
  sigemptyset(&both)
  for number in [SIGINT, SIGTERM] {
    sigaddset(&both, number)
    signal(number) { number in
      interrupted.store(true, ordering: .relaxed)
      signal(number, SIG_DFL)
    }
  }
  pthread_sigmask(SIG_UNBLOCK, &both, nil)
}
