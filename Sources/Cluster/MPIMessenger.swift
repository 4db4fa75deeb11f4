internal import CMPI
internal import Glibc

/// Messages by MPI, whose library is opened at run time.
///
/// It is `Sendable` because all calls come from the thread that has joined: no other one touches what changes.
final class MPIMessenger: Messenger, @unchecked Sendable {
  private let functions: UnsafePointer<cmpi_functions>
  let rank, count: Int
  // The processes of this machine, by their numbers, and what all are called; set once all have told it.
  private var neighbours: [Int: pid_t] = [:]
  private var name: (Int) -> String = { "process \($0)" }

  /// Opens the library and joins the others.
  ///
  /// Throws `ClusterError.noLibrary` where it is missing, or is of another MPI than that which has started the processes.
  init(_ launch: Launch) throws(ClusterError) {
    functions = try Self.open()
    var (rank, count): (Int32, Int32) = (0, 0)
    if let wrong = functions.pointee.join(&rank, &count) {
      throw .noLibrary("MPI: \(String(cString: wrong))")
    }
    (self.rank, self.count) = (Int(rank), Int(count))
    guard Int(count) == launch.count else {
      let version = functions.pointee.version().map { String(cString: $0) } ?? "an MPI"
      throw .noLibrary(
        "\(launch.count) processes were started, but \(version), which libmajortom-mpi.so was made for, knows of "
          + "\(count): make it with the mpicc of the mpirun in use, as make mpi MPICC=mpicc.mpich does"
      )
    }
  }

  /// Where the library may be: what `$MAJORTOM_MPI` names, beside an installed program, in a build.
  private static var places: [String] {
    if let path = getenv("MAJORTOM_MPI").map({ String(cString: $0) }), !path.isEmpty {
      // Without a folder, the name would be looked for where the system keeps its libraries.
      return [path.contains("/") ? path : "./\(path)"]
    }
    var room = [CChar](repeating: 0, count: 4096)
    guard readlink("/proc/self/exe", &room, room.count - 1) > 0 else { return [] }
    let program = string(room)
    let folder = program.lastIndex(of: "/").map { program[..<$0] } ?? "."
    return ["../lib/majortom", ".", "../../mpi"].map { "\(folder)/\($0)/libmajortom-mpi.so" }
  }

  private static func open() throws(ClusterError) -> UnsafePointer<cmpi_functions> {
    let places = places
    guard let path = places.first(where: { access($0, F_OK) == 0 }) else {
      throw .noLibrary(
        "mpirun has started several processes, but the library by which they exchange messages is missing: \(places.first ?? "libmajortom-mpi.so"); make mpi makes it, and needs mpicc (Debian: libopenmpi-dev openmpi-bin)"
      )
    }
    var wrong = [CChar](repeating: 0, count: 1024)
    guard let functions = cmpi_open(path, &wrong, wrong.count) else {
      throw .noLibrary("the library of messages cannot be used: \(string(wrong))")
    }
    return functions
  }

  func exchange(_ transfers: [Transfer]) throws {
    var list = transfers.filter { !$0.bytes.isEmpty }.map {
      cmpi_transfer(
        peer: Int32($0.peer), is_send: $0.isSend, bytes: $0.bytes.baseAddress,
        size: $0.bytes.count)
    }
    guard !list.isEmpty else { return }
    let watch: cmpi_watch = { context in
      guard let context else { return true }
      return Unmanaged<MPIMessenger>.fromOpaque(context).takeUnretainedValue().gone.isEmpty
    }
    let wrong = functions.pointee.exchange(
      &list, list.count, watch, Unmanaged.passUnretained(self).toOpaque())
    guard let wrong else { return }
    let reason = String(cString: wrong)
    let gone = gone
    let names = gone.map(name).joined(separator: ", ")
    throw ClusterError.lost(
      gone.isEmpty
        ? "MPI: \(reason)" : "\(names) \(gone.count == 1 ? "has" : "have") gone",
      // Only who is on the same machine has seen it.
      teller: gone.isEmpty
        ? rank : (neighbours.keys + [rank]).filter { !gone.contains($0) }.min() ?? rank)
  }

  /// Watches the processes of this machine from now on: where one ends, nobody waits for it.
  func watch(_ neighbours: [Int: pid_t], name: @escaping (Int) -> String) {
    self.neighbours = neighbours
    self.name = name
  }

  /// The processes of this machine that have ended.
  private var gone: [Int] {
    neighbours.filter { kill($0.value, 0) != 0 && errno == ESRCH }.map(\.key).sorted()
  }

  func leave() { functions.pointee.leave() }
  func abort(status: Int32) { functions.pointee.abort(status) }
}
