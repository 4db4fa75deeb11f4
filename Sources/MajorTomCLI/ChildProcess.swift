import CommandLineModels
import CommandLineOptions
import Glibc
import MajorTom

/// The tool itself as a process of its own, with its output in a file.
struct ChildProcess {
  private let number: pid_t

  /// Starts `majortom` with arguments; both its outputs go to the file `output`.
  ///
  /// Throws `InputError` where the system does not start it.
  init(_ arguments: [String], output: String) throws(InputError) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o666)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    let words = ["majortom"] + arguments
    var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var number = pid_t()
    let failure = posix_spawn(&number, "/proc/self/exe", &actions, nil, &pointers, environ)
    guard failure == 0 else {
      throw InputError(
        description: "the tool could not start itself: \(String(cString: strerror(failure)))")
    }
    self.number = number
  }

  /// Waits until it ends, or for some seconds; returns its status as `waitpid` tells it, or nil.
  func wait(atMost seconds: Double = .infinity) -> Int32? {
    var status: Int32 = 0
    if seconds == .infinity {
      while waitpid(number, &status, 0) < 0, errno == EINTR {}
      return status
    }
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
      if waitpid(number, &status, WNOHANG) == number { return status }
      usleep(1000)
    }
    return nil
  }

  /// Ends it as the loss of power would, at any place.
  func kill() {
    Glibc.kill(number, SIGKILL)
    _ = wait()
  }
}
