/// A model of how long an update takes on many machines, from the parts measured on one.
///
///     let plan = ClusterPlan(bandwidth: 1.25e9, latency: 50e-6, threads: 2, cores: 2)
///     print(plan.update(timing, processes: 16)?.seconds ?? .nan)
///
/// Time is computing that the processes share, what each does alone, and the exchange: each process owns a slice of
/// the gradient, gets the other processes' sums for it, adds them, and sends the result to all. So an exchange moves about twice
/// the gradient's bytes over each process's line, however many there are, in rounds whose latency does not
/// depend on their number. Nothing is computed while gradients travel.
public struct ClusterPlan: Sendable, Equatable {
  /// Bytes a second that a machine can send, and receive at the same time.
  public var bandwidth: Double
  /// Seconds until a message between two machines arrives.
  public var latency: Double
  /// The threads of a process.
  public var threads: Int
  /// The cores of a machine.
  public var cores: Int
  /// The processes on a machine.
  public var perMachine = 1

  /// A plan for machines with a process each.
  public init(bandwidth: Double, latency: Double, threads: Int, cores: Int) {
    self.bandwidth = bandwidth
    self.latency = latency
    self.threads = threads
    self.cores = cores
  }

  /// Seconds of an update, by what for.
  public struct Update: Sendable, Equatable {
    /// The shards of the process that has the most.
    public var compute = 0.0
    /// Additions of gradients, and the norm.
    public var sum = 0.0
    /// Messages.
    public var exchange = 0.0
    /// The weights' change, which each process makes for itself.
    public var change = 0.0
    /// All of it.
    public var seconds: Double { compute + sum + exchange + change }
  }

  /// Seconds to prepare a message and to take one.
  static let messageSeconds = 1e-6
  /// Seconds until a process of the same machine sees a message: it naps that long while it waits.
  static let wakingSeconds = 20e-6

  /// An update by so many processes; nil where there are more than shards, as each needs one.
  public func update(_ timing: UpdateTiming, processes: Int) -> Update? {
    guard processes >= 1, processes <= timing.shards else { return nil }
    let shares = (0..<processes).map {
      $0 * timing.shards / processes..<($0 + 1) * timing.shards / processes
    }
    let sums = shares.map { Self.sums(of: $0, shards: timing.shards) }
    let (most, all) = (shares.map(\.count).max() ?? 1, sums.reduce(0, +))
    let (count, here) = (Double(processes), min(processes, perMachine))
    // What more threads than cores take longer.
    func slowdown(_ threads: Int) -> Double {
      max(1, Double(here * min(self.threads, threads)) / Double(cores))
    }
    var update = Update()
    let rounds = (most + threads - 1) / threads
    update.compute = Double(rounds) * timing.shard * slowdown(most)
    let busy = slowdown(threads)
    let own = zip(shares, sums).map { $0.count - $1 }.max() ?? 0
    update.sum =
      busy
      * (timing.addition * (Double(own) + Double(all - 1) / count) + timing.norm / count)
    update.change = busy * timing.change
    guard processes > 1 else { return update }

    // Each slice of the others' goes out once for each of the sums here, each of theirs comes in; then one goes to all.
    let slice = Double(timing.gradientBytes) / count
    let bytes =
      sums.map { own in
        slice * Double(max(own * (processes - 1), all - own) + processes - 1)
      }.max() ?? 0
    let others = Double(processes - here) / (count - 1)
    let away = bytes * others * Double(here) / bandwidth
    let within = bytes * (1 - others) / Double(timing.gradientBytes) * timing.addition * busy
    let steps = timing.isRowSparse ? 5.0 : 3
    let wait = processes > here ? latency : Self.wakingSeconds * busy
    update.exchange = away + within + steps * (wait + (count - 1) * Self.messageSeconds)
    return update
  }

  /// The sums that are left of a run of shards when all additions of the tree within it are made.
  static func sums(of run: Range<Int>, shards: Int) -> Int {
    var (place, count) = (run.lowerBound, 0)
    while place < run.upperBound {
      // The largest aligned subtree that begins here; at the tree's end it may be cut short.
      var size = 1
      while place % (2 * size) == 0, min(place + 2 * size, shards) <= run.upperBound,
        place + size < shards
      {
        size *= 2
      }
      place = min(place + size, shards)
      count += 1
    }
    return count
  }
}
