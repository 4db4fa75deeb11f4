internal import CMPI
internal import DenseMath
internal import Files
internal import Glibc
internal import Training

extension Processes {
  /// Joins the processes that mpirun has started with this one; nil where it was started alone.
  ///
  /// Throws `ClusterError.noLibrary`.
  public static func join() throws -> Processes? {
    guard let launch = Launch.found else { return nil }
    let messenger = try MPIMessenger(launch)
    let group = Processes(messenger)
    let all = try group.gather(Array(Neighbour.mine.text.utf8)).map {
      Neighbour(text: String(decoding: $0, as: UTF8.self))
    }
    group.setHosts(all.map(\.host))
    let mine = all[group.rank]
    var near: [Int: pid_t] = [:]
    for (rank, other) in all.enumerated()
    where rank != group.rank && (other.host, other.space) == (mine.host, mine.space) {
      near[rank] = other.process
    }
    messenger.watch(near) { group.name(of: $0) }
    let sharing = all.count { ($0.host, $0.processors) == (mine.host, mine.processors) }
    group.setThreads(max(1, Shards.processors / sharing))
    return group
  }

  /// Throws `ProcessError.unlike` where another process is of another program, or its CPU would make other bits.
  ///
  /// `version` is that of the program.
  public func demandSameProgram(version: String) throws {
    try demandAgreement(on: [
      ("the version of the program", version),
      ("the checksum of the program", Self.checksumOfProgram),
      ("the level of the CPU", Kernels.levelName),
      ("the CPU's matrix products", ProductKernels.name),
      ("the C library", Self.libraryVersion),
    ])
  }

  private static var libraryVersion: String {
    var text = [CChar](repeating: 0, count: 256)
    return confstr(Int32(_CS_GNU_LIBC_VERSION), &text, text.count) > 0
      ? string(text) : "unknown"
  }

  /// The CRC-32C of the program's file: what was built otherwise may make other bits.
  private static var checksumOfProgram: String {
    var checksum = CRC32C()
    let program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
    guard program >= 0 else { return "unknown" }
    defer { close(program) }
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 8)
    defer { room.deallocate() }
    while true {
      let count = read(program, room.baseAddress, room.count)
      guard count > 0 else { return checksum.digits }
      checksum.add(UnsafeRawBufferPointer(rebasing: room[..<count]))
    }
  }
}

/// Where a process is: by it others know whether they can watch it, and share its processors.
private struct Neighbour {
  let host, space, processors: String
  let process: pid_t

  private init(host: String, space: String, processors: String, process: pid_t) {
    (self.host, self.space, self.processors) = (host, space, processors)
    self.process = process
  }

  /// This process.
  static var mine: Neighbour {
    var space = [CChar](repeating: 0, count: 256)
    // Process numbers of another container mean nothing here.
    _ = readlink("/proc/self/ns/pid", &space, space.count - 1)
    var processors = [CChar](repeating: 0, count: 512)
    cmpi_processors(&processors, processors.count)
    return Neighbour(
      host: Launch.host, space: string(space),
      processors: string(processors),
      process: getpid())
  }

  /// Its parts, a line each.
  var text: String { [host, space, processors, "\(process)"].joined(separator: "\n") }

  init(text: String) {
    let parts = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    func part(_ place: Int) -> String { parts.indices.contains(place) ? parts[place] : "" }
    self.init(
      host: part(0), space: part(1), processors: part(2), process: pid_t(part(3)) ?? 0)
  }
}

/// The text up to the first zero of what a C function has filled.
func string(_ text: [CChar]) -> String {
  String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
