internal import Cluster
internal import Glibc
internal import Synchronization
internal import Training

/// The version of the tool.
let runningVersion = Mutex("")

/// The processes that this one trains with, once it has joined them.
private let joined = Mutex<Processes?>(nil)
private let hasTriedToJoin = Atomic<Bool>(false)

/// Has this process train, or forecast, without the others.
func stayAlone() { hasTriedToJoin.store(true, ordering: .relaxed) }

/// Joins the processes that mpirun has started with this one; a process alone is a group, too.
///
/// The first one alone tells what happens. Throws what joining throws, and where the processes are not of one program.
func joinProcesses() throws -> any ProcessGroup {
  hasTriedToJoin.store(true, ordering: .relaxed)
  guard let group = try Processes.join() else { return SingleProcess() }
  joined.withLock { $0 = group }
  isHushed.store(group.rank > 0, ordering: .relaxed)
  try group.demandSameProgram(version: runningVersion.withLock { $0 })
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
  guard let group = try? joinedByNow() else {
    // What is wrong before the processes can join is mostly wrong in all of them: the first one tells it, and mpirun
    // ends the others with it. Who is still there then has met it alone.
    if let rank = Launch.found?.rank, rank > 0 {
      sleep(2)
      complain("process \(rank) on host \(Launch.host): \(sentence)")
    } else {
      complain(sentence)
    }
    exit(status)
  }
  do {
    if let error = error as? ClusterError { throw error }
    try group.fail(sentence, status: status)
  } catch ClusterError.failed(let failures, let count) {
    complain("\(ClusterError.failed(failures, of: count))")
    group.leave()
    exit(failures.first?.status ?? status)
  } catch {
    tellLoss(error, sentence, group)
    group.abort(status: 1)
    exit(1)
  }
}

/// The processes that this one trains with; where a training fails before they have joined, they do so now.
private func joinedByNow() throws -> Processes? {
  if let group = joined.withLock({ $0 }) { return group }
  guard let command = CommandLine.arguments.dropFirst().first,
    ["train", "resume"].contains(command), !hasTriedToJoin.load(ordering: .relaxed)
  else { return nil }
  // Where they do not agree, they have joined all the same, and this error is the first.
  _ = try? joinProcesses()
  return joined.withLock { $0 }
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
