internal import Glibc

/// What the program that has started the processes says of them, before they have joined.
public struct Launch: Sendable, Equatable {
  /// The number of this process, from 0 on.
  public let rank: Int
  /// How many were started.
  public let count: Int

  /// What the environment says: of Open MPI's mpirun, MPICH's, or Slurm's srun with a plugin for either.
  ///
  /// It is nil for a process that was started alone.
  public static var found: Launch? { Launch(environment) }

  init?(_ value: (String) -> String?) {
    func number(_ name: String) -> Int? { value(name).flatMap { Int($0) } }
    let pairs = [
      ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"),
      ("PMIX_RANK", "SLURM_STEP_NUM_TASKS"), ("PMIX_RANK", "PRTE_NUM_RANKS"),
    ]
    for (rank, count) in pairs {
      guard let rank = number(rank), let count = number(count) else { continue }
      // Such as mpirun -n 1 within a step of Slurm, whose own variables are of all its tasks.
      guard count > 1 else { return nil }
      (self.rank, self.count) = (rank, count)
      return
    }
    return nil
  }

  /// The name of this machine.
  package static var host: String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return string(name)
  }

  private static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}
