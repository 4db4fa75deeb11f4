internal import Cluster
internal import Glibc
internal import Synchronization
internal import Training

/// The version of the tool.
let runningVersion = Mutex("")

/// The processes that this one trains with, once it has joined them.
private let joined = Mutex<Processes?>(nil)

/// Joins the processes that mpirun has started with this one; a process alone is a group, too.
///
/// The first one alone tells what happens. Throws what `Processes.join` throws.
func joinProcesses() throws -> any ProcessGroup {
  guard let group = try Processes.join(version: runningVersion.withLock({ $0 })) else {
    return SingleProcess()
  }
  joined.withLock { $0 = group }
  isHushed.store(group.rank > 0, ordering: .relaxed)
  return group
}

/// Ends the process with a status other than 0, and with all the others, if they have come to the same end.
///
/// Throws where another process has failed.
func endTogether(status: Int32? = nil) throws {
  if let group = joined.withLock({ $0 }) {
    _ = try group.gather([])
    group.leave()
  }
  if let status { exit(status) }
}

/// Ends the process after an error, and with it the others, who learn of it; it is told once.
func endTogether(_ error: any Error, telling sentence: String, status: Int32) -> Never {
  guard let group = joined.withLock({ $0 }) else {
    // What is wrong before the processes have joined is wrong in all of them.
    if (Launch.found?.rank ?? 0) == 0 { complain(sentence) }
    exit(status)
  }
  var failures: [ProcessFailure]
  do {
    if case .failed(let found) = error as? ClusterError {
      failures = found
    } else if let error = error as? ClusterError {
      throw error
    } else {
      failures = try group.fail(sentence, status: status)
    }
  } catch {
    tellLoss(error, sentence, group)
    group.abort(status: 1)
    exit(1)
  }
  complain("\(ClusterError.failed(failures))")
  group.leave()
  exit(failures.first?.status ?? status)
}

/// Tells that processes have gone: by one of those that are left.
private func tellLoss(_ error: any Error, _ sentence: String, _ group: Processes) {
  guard case .lost(let found, let teller) = error as? ClusterError else {
    return complain(sentence)
  }
  guard group.rank == teller else { return }
  isHushed.store(false, ordering: .relaxed)
  complain(
    "\(found), and the other processes end, too: what was saved last can be gone on with, on any number of processes"
  )
}
