public import DenseMath
public import Parameters

/// The one training loop: batches to gradients, clipping, updates, validation, keeping the best.
///
/// Everything that decides the result is counted in updates, never in seconds, except a budget in
/// minutes. So a run gives the same weights, bit for bit, for any number of threads, and a resumed
/// run the same as one that was never interrupted.
public final class TrainingLoop<Task: TrainingTask> {
  /// The plan.
  public let plan: TrainingPlan
  /// The weights as they are now, and as they were at the best validation.
  public let parameters, best: Parameters<Float>
  /// The counts and figures so far.
  public internal(set) var record = TrainingRecord()

  let task: Task
  var optimizer: Optimizer<Float>
  private let packed: PackedWeights<Float>
  private let workspaces: [Workspace<Float>]
  private let gradients: [Gradients<Float>]
  private let random: CounterRandom
  private let shards: Shards
  private var losses: [Double]
  private let clock = ContinuousClock()

  /// Prepares to train `parameters`, which change from now on.
  public init(
    _ task: Task, parameters: Parameters<Float>, plan: TrainingPlan, threads: Int? = nil,
    precision: ProductPrecision = .float32
  ) {
    self.task = task
    self.plan = plan
    self.parameters = parameters
    best = parameters.copy()
    optimizer = Optimizer(task.layout, rule: plan.rule, weightDecay: plan.weightDecay)
    let packed = PackedWeights<Float>(
      task.layout, forTraining: true, precision: precision, drops: task.drops)
    self.packed = packed
    workspaces = (0..<task.shardCount).map { _ in
      Workspace(parameters, packed: packed, forTraining: true)
    }
    gradients = workspaces.compactMap(\.gradients)
    random = CounterRandom(seed: plan.seed, stream: .dropout)
    losses = Array(repeating: 0, count: task.shardCount)
    shards = Shards(threads: threads)
  }

  /// How often the workspaces asked the system for memory: constant once training is steady.
  public var arenaAllocations: Int { workspaces.reduce(0) { $0 + $1.arena.allocations } }

  /// Trains until the budget is used up, validation stops improving, or `isStopped` says so.
  ///
  /// - Parameters:
  ///   - report: Told of each update and validation; where it throws, training ends with that.
  ///   - isStopped: Asked before each update.
  /// - Returns: How it ended. `best` then holds the weights of the best validation, or the last
  ///   ones where there are no validation data.
  /// - Throws: `TrainingError.diverged` when a loss or gradient is not finite; `best` is intact.
  public func run(
    report: (TrainingEvent) throws -> Void = { _ in }, isStopped: () -> Bool = { false }
  ) throws -> TrainingEnd {
    loadWeights()
    let start = clock.now
    let before = record.seconds
    let firstUpdate = record.updates
    let interval = plan.validateEvery > 0 ? plan.validateEvery : task.updatesPerValidation
    var end = TrainingEnd.budget
    var progress = TrainingProgress(
      update: record.updates, updates: 0, epoch: 0, loss: .nan, gradientNorm: .nan, rate: 0,
      symbolsPerSecond: 0, elapsed: before, remaining: 0)
    while true {
      let share = share(of: record)
      if share >= 1 { break }
      if isStopped() {
        end = .interrupted
        break
      }
      if plan.patience > 0, record.validationsSinceBest >= plan.patience {
        end = .patience
        break
      }
      let rate = plan.rate(update: record.updates, progress: share)
      let (loss, norm) = try update(rate: rate)
      record.seconds = before + (clock.now - start) / .seconds(1)
      let made = Double(record.updates - firstUpdate)
      progress = TrainingProgress(
        update: record.updates, updates: expectedUpdates, epoch: epoch, loss: loss,
        gradientNorm: norm, rate: rate,
        symbolsPerSecond: made * Double(task.symbolsPerUpdate) / (record.seconds - before),
        elapsed: record.seconds, remaining: remainingSeconds)
      try report(.update(progress))
      if record.updates % interval == 0, self.share(of: record) < 1 {
        try validate(progress, report)
        record.seconds = before + (clock.now - start) / .seconds(1)
      }
    }
    if end == .budget { try validate(progress, report) }
    record.seconds = before + (clock.now - start) / .seconds(1)
    if record.bestLoss == nil { best.assign(parameters) }
    return end
  }

  /// One batch: returns its loss in nats a symbol and the gradient's norm.
  private func update(rate: Double) throws(TrainingError) -> (loss: Double, norm: Double) {
    let task = task
    let number = record.updates
    let workspaces = Exclusively(workspaces)
    let packed = packed
    shards.forEach(&losses) { shard, loss in
      let workspace = workspaces.elements[shard]
      workspace.reset()
      workspace.gradients?.clear()
      loss = task.run(shard: shard, update: number, on: workspace)
      if let gradients = workspace.gradients { packed.maskGradients(gradients) }
    }
    let loss = losses.reduce(0, +)
    let norm = optimizer.sum(gradients, on: shards)
    guard loss.isFinite, norm.isFinite else {
      throw .diverged(update: number + 1, weight: gradients[0].values.firstNotFinite)
    }
    let scale = norm > plan.clip ? plan.clip / norm : 1
    optimizer.update(parameters, along: gradients[0], scale: scale, rate: rate, on: shards)
    record.updates += 1
    loadWeights()
    return (loss, norm)
  }

  /// Packs the weights for the next update.
  private func loadWeights() {
    packed.load(parameters, masks: task.drops.isEmpty ? nil : (random, record.updates), on: shards)
  }

  private func validate(
    _ progress: TrainingProgress, _ report: (TrainingEvent) throws -> Void
  ) throws {
    // The same update is not validated twice, as at the end of a run that is resumed.
    guard record.lastValidation != record.updates else { return }
    if !task.drops.isEmpty { packed.load(parameters, on: shards) }
    let result = task.validate(parameters, packed: packed, on: shards)
    if !task.drops.isEmpty { loadWeights() }
    guard let loss = result else { return }
    let isBest = loss < record.bestLoss ?? .infinity
    if isBest {
      best.assign(parameters)
      record.bestLoss = loss
      record.bestUpdate = record.updates
    }
    record.lastValidation = record.updates
    record.validationsSinceBest = isBest ? 0 : record.validationsSinceBest + 1
    try report(.validation(progress, loss: loss, isBest: isBest))
  }

  /// The part of the budget that is used up, from 0 to 1.
  private func share(of record: TrainingRecord) -> Double {
    switch plan.budget {
    case .updates(let count): Double(record.updates) / Double(max(1, count))
    case .epochs(let count):
      Double(record.updates) / max(1, (count * Double(task.updatesPerEpoch)).rounded(.up))
    case .minutes(let minutes): record.seconds / max(1e-3, 60 * minutes)
    }
  }

  private var epoch: Double { Double(record.updates) / Double(max(1, task.updatesPerEpoch)) }

  private var expectedUpdates: Int {
    Int(min(1e15, (Double(record.updates) / max(1e-12, share(of: record))).rounded()))
  }

  private var remainingSeconds: Double {
    record.seconds * (1 / max(1e-12, min(1, share(of: record))) - 1)
  }
}

/// The counts and figures of a run that a checkpoint keeps.
public struct TrainingRecord: Codable, Sendable, Equatable {
  /// The updates made.
  public var updates = 0
  /// The seconds trained, validation included.
  public var seconds = 0.0
  /// The lowest validation loss, in nats a symbol, and the update it was seen at.
  public var bestLoss: Double?
  /// The update of the lowest validation loss.
  public var bestUpdate = 0
  /// The update of the last validation.
  public var lastValidation = 0
  /// The validations since the best one.
  public var validationsSinceBest = 0

  /// A record of nothing yet.
  public init() {}
}

/// The shards' workspaces on their way to the threads.
///
/// It is `Sendable` because the loop gives each index to exactly one thread at a time.
private struct Exclusively<Element>: @unchecked Sendable {
  let elements: [Element]
  init(_ elements: [Element]) { self.elements = elements }
}
