public import Cells
internal import DenseMath

/// The tasks by which LSTM was introduced, run on cells of the library.
public enum SelfTest {
  /// All tasks; `lag` replaces the usual distance where a task has one.
  public static func tasks(lag: Int? = nil) -> [any SequenceTask] {
    [
      EmbeddedReber(), ContinualReber(), Adding(length: lag ?? 100),
      TemporalOrder(length: lag ?? 100),
      LongLag(lag: lag ?? 100), Counting(), Copying(delay: lag ?? 20),
    ]
  }

  /// How one seed of a task went.
  public struct Outcome: Sendable, CustomStringConvertible {
    /// The seed.
    public let seed: UInt64
    /// The sequences learnt from until the criterion was met, or nil if it was not.
    public let sequences: Int?

    /// `seed 1: learnt from 2400 sequences`.
    public var description: String {
      "seed \(seed): \(sequences.map { "learnt from \($0) sequences" } ?? "not learnt")"
    }
  }

  /// Learns a task until its criterion is met on fresh examples, or gives up after its last sequence.
  ///
  /// Every sequence that an update learns from is counted, those of starts given up included. The
  /// criterion is tried on examples from a stream of their own, another set each time, some forty
  /// times over the budget. Throws `CellError` for a kind by which no cell can be made.
  public static func run(
    _ task: any SequenceTask, cell: CellKind, seed: UInt64
  ) throws(CellError) -> Outcome {
    try cell.check()
    return learn(task, cell, seed: seed)
  }

  private static func learn(_ task: any SequenceTask, _ cell: CellKind, seed: UInt64) -> Outcome {
    let recipe = task.recipe
    var learner = Learner(cell, for: task, seed: seed)
    var training = TaskRandom(seed: seed, stream: 1)
    var testing = TaskRandom(seed: seed, stream: 2)
    let interval = max(1, recipe.maxSequences / recipe.batch / 40)
    var sequences = 0
    var update = 0
    var start = 0
    while sequences < recipe.maxSequences {
      if sequences - start >= recipe.sequencesPerStart {
        start = sequences
        // Seeds of later starts are far from those that a user counts up.
        learner = Learner(cell, for: task, seed: seed &+ UInt64(sequences) << 32)
      }
      let examples = (0..<recipe.batch).map { _ in task.example(&training) }
      learner.learn(examples, rate: recipe.rate)
      sequences += recipe.batch
      update += 1
      guard update % interval == 0 else { continue }
      let probes = task.probes(&testing)
      if task.isLearnt(probes, outputs: learner.outputs(probes)) {
        return Outcome(seed: seed, sequences: sequences)
      }
    }
    return Outcome(seed: seed, sequences: nil)
  }

  /// Runs a task with seeds 1 to `seeds`, side by side on `threads` threads.
  ///
  /// `progress` is told what fraction of the seeds is done. Throws `CellError` for a kind by which no cell can
  /// be made.
  public static func run(
    _ task: any SequenceTask, cell: CellKind, seeds: [UInt64], threads: Int? = nil,
    progress: (@Sendable (Double) -> Void)? = nil
  ) throws(CellError) -> [Outcome] {
    try cell.check()
    var outcomes = seeds.map { Outcome(seed: $0, sequences: nil) }
    Shards(threads: threads, progress: progress).forEach(&outcomes) { _, outcome in
      outcome = learn(task, cell, seed: outcome.seed)
    }
    return outcomes
  }
}
