internal import DenseMath
internal import Parameters

/// The one training loop: batches to gradients, clipping, updates, validation, keeping the best.
///
/// Everything that decides the result is counted in updates, never in seconds, except a budget in
/// minutes. So a run gives the same weights, bit for bit, for any number of threads and processes, and a
/// resumed run the same as one that was never interrupted.
final class TrainingLoop<Task: TrainingTask> {
  /// The options, with nothing left open.
  private(set) var options: TrainingOptions
  /// The weights as they are now, and as they were at the best validation.
  let parameters, best: Parameters<Float>
  /// The average of the weights at the last validations; nil where the options want none.
  let average: Parameters<Float>?
  /// The counts and results so far.
  var record = TrainingRecord()

  let task: Task
  var optimizer: Optimizer<Float>
  private let packed: PackedWeights<Float>
  private let workspaces: [Workspace<Float>]
  private let validationWorkspaces: WorkspacePool<Float>
  private let averageWorkspaces: WorkspacePool<Float>?
  private let gradients: [Gradients<Float>]
  private let random: CounterRandom
  private let shards: Shards
  private let group: any ProcessGroup
  // The shards of this process.
  private let mine: Range<Int>
  private var losses: [Double]
  private let clock = ContinuousClock()

  /// Prepares to train `parameters`, which change from now on.
  init(
    _ task: Task, parameters: Parameters<Float>, options: TrainingOptions, on shards: Shards,
    with group: any ProcessGroup = SingleProcess()
  ) {
    self.task = task
    self.group = group
    mine = group.share(of: task.shardCount, for: group.rank)
    self.options = options
    self.parameters = parameters
    best = parameters.copy()
    let average = options.average > 1 ? parameters.copy() : nil
    self.average = average
    let optimizer = Optimizer<Float>(
      task.layout, rule: options.rule, weightDecay: options.weightDecay,
      gradientPrecision: options.gradientPrecision)
    self.optimizer = optimizer
    let packed = PackedWeights<Float>(
      task.layout, forTraining: true, precision: options.precision.products, drops: task.drops)
    self.packed = packed
    validationWorkspaces = WorkspacePool(parameters, packed: packed)
    averageWorkspaces = average.map { WorkspacePool($0, packed: packed) }
    workspaces = mine.map { _ in
      Workspace(parameters, packed: packed, changedBy: optimizer)
    }
    gradients = workspaces.compactMap(\.gradients)
    random = CounterRandom(seed: options.seed, stream: .dropout)
    losses = Array(repeating: 0, count: mine.count)
    self.shards = shards
  }

  /// Runs the largest batch and a validation, without an update.
  ///
  /// What they leave in the workspaces is what training takes. The loop must not train after it, as
  /// the lanes have moved on.
  func rehearse() {
    loadWeights()
    let task = task
    let number = task.largestUpdate
    let (workspaces, first) = (Exclusively(workspaces), mine.lowerBound)
    shards.forEach(&losses) { place, loss in
      workspaces.elements[place].reset()
      loss = task.run(shard: first + place, update: number, on: workspaces.elements[place])
      workspaces.elements[place].reset()
    }
    _ = task.validate(on: validationWorkspaces, shards)
  }

  /// The bytes of the packed copies of the weights.
  var packedBytes: Int { packed.byteCount }
  /// The scratch memory of the shards' batches, in bytes.
  var activationBytes: Int { workspaces.reduce(0) { $0 + $1.arena.capacity } }
  /// The same of validations.
  var validationBytes: Int { validationWorkspaces.idleBytes }

  /// How often the workspaces asked the system for memory: constant once training is steady.
  var arenaAllocations: Int { workspaces.reduce(0) { $0 + $1.arena.allocations } }

  /// Trains until the budget is used up, validation stops improving, or `isStopped` says so.
  ///
  /// - Parameters:
  ///   - store: Keeps the files of the run; nil to keep none.
  ///   - report: Told of each update and validation; where it throws, training ends with that.
  ///   - isStopped: Asked before each update.
  /// - Returns: How it ended. `best` then holds the weights of the best validation, or the last
  ///   ones where there are no validation data.
  /// - Throws: `TrainingError.diverged` when a loss or gradient is not finite once more after
  ///   `TrainingRecord.mostRetreats` retreats to the last good weights; `best` is intact.
  func run(
    store: RunStore? = nil, report: (TrainingEvent) throws -> Void = { _ in },
    isStopped: @escaping () -> Bool = { false }
  ) throws -> TrainingEnd {
    loadWeights()
    record.end = nil
    let watch = Watch(
      start: clock.now, secondsBefore: record.seconds, updatesBefore: record.updates)
    let interval = options.validateEvery > 0 ? options.validateEvery : task.updatesPerValidation
    var progress = progress(watch, loss: .nan, norm: .nan, rate: 0)
    var end: TrainingEnd?
    let agreement = Agreement(
      group, seconds: { self.seconds(watch) }, isStopped: isStopped,
      isDue: { store?.isDue == true })
    _ = try agreement.gather([])
    // What else they have done by now took each its own time.
    if group.count > 1 { record.seconds = agreement.seconds }
    while end == nil {
      // Before all else: a run that was cut short between the checkpoint of an update and its
      // validation makes that now, and so ends as if it had never been cut short.
      if record.updates > 0, record.updates % max(1, interval) == 0, usedBudget < 1 {
        try validate(progress, store, report)
        _ = try agreement.gather([])
        record.seconds = agreement.seconds
      }
      let used = usedBudget
      end =
        used >= 1
        ? .budget : agreement.isStopped ? .interrupted : patienceIsOver ? .patience : nil
      if end != nil { break }
      let rate =
        record.rateFactor
        * options.rate(update: record.updates - record.restartedAt, progress: used)
      guard let (loss, norm) = try update(rate: rate, agreement, report) else { continue }
      record.seconds = agreement.seconds
      progress = self.progress(watch, loss: loss, norm: norm, rate: rate)
      try report(.update(progress))
      if agreement.isDue {
        try gatherStates()
        try store?.updated(self, report)
      }
    }
    if end == .budget {
      try validate(progress, store, report)
      _ = try agreement.gather([])
    }
    try gatherStates()
    record.seconds = agreement.seconds
    bringUpToDate()
    record.end = end
    if end == .interrupted { try store?.interrupted(self, report) }
    // Not before that checkpoint: whoever goes on with it may have to go back to the last good weights.
    if record.best == nil { best.assign(parameters) }
    try store?.ended(end ?? .budget, self, report)
    return end ?? .budget
  }

  private var patienceIsOver: Bool {
    options.patience > 0 && record.validationsSinceBest >= options.patience
  }

  /// When this run began, and what earlier runs had made by then.
  private struct Watch {
    let start: ContinuousClock.Instant
    let secondsBefore: Double
    let updatesBefore: Int
  }

  private func seconds(_ watch: Watch) -> Double {
    watch.secondsBefore + (clock.now - watch.start) / .seconds(1)
  }

  private func progress(
    _ watch: Watch, loss: Double, norm: Double, rate: Double
  ) -> TrainingProgress {
    let made = Double((record.updates - watch.updatesBefore) * task.tokensPerUpdate)
    let seconds = max(1e-9, record.seconds - watch.secondsBefore)
    return TrainingProgress(
      update: record.updates, updates: expectedUpdates, epoch: epoch, loss: loss,
      gradientNorm: norm, rate: rate, tokensPerSecond: made / seconds, elapsed: record.seconds,
      remaining: remainingSeconds, unit: task.unit)
  }

  /// One batch: returns its loss in nats a token and the gradient's norm.
  ///
  /// Where one of them is not finite, the weights are those of the last good state afterwards, and nil is
  /// returned.
  private func update(
    rate: Double, _ agreement: Agreement, _ report: (TrainingEvent) throws -> Void
  ) throws -> (loss: Double, norm: Double)? {
    let (task, first) = (task, mine.lowerBound)
    let number = record.updates
    let workspaces = Exclusively(workspaces)
    let packed = packed
    shards.forEach(&losses) { place, loss in
      let workspace = workspaces.elements[place]
      workspace.reset()
      workspace.gradients?.clear()
      loss = task.run(shard: first + place, update: number, on: workspace)
      if let gradients = workspace.gradients { packed.maskGradients(gradients) }
    }
    let loss = try agreement.gather(losses).reduce(0, +)
    let norm = try group.sum(
      gradients, ofShards: task.shardCount, by: optimizer, on: shards)
    guard loss.isFinite, norm.isFinite else {
      let error = TrainingError.diverged(
        update: number + 1, weight: gradients[0].values.firstNotFinite,
        keepsBest: record.best != nil)
      guard record.retreats < TrainingRecord.mostRetreats else { throw error }
      retreat()
      try report(.retreated(error, to: record.goodUpdate, rateFactor: record.rateFactor))
      return nil
    }
    let scale = norm > options.clip ? options.clip / norm : 1
    optimizer.update(parameters, along: gradients[0], scale: scale, rate: rate, on: shards)
    record.updates += 1
    loadWeights()
    return (loss, norm)
  }

  /// Goes back to the last good weights, with half the rate, a warm-up, and nothing remembered of
  /// gradients and of what was read.
  ///
  /// Updates are counted on, so the batches are those that come next; and all of it is in the record, so a
  /// run that is resumed does the same.
  private func retreat() {
    bringUpToDate()
    parameters.assign(best)
    for moment in optimizer.moments { moment.clear() }
    for state in task.carried { state.clear() }
    optimizer.updates = 0
    record.retreats += 1
    record.restartedAt = record.updates
    loadWeights()
  }

  /// Brings what shards keep from one update to the next to all processes, each shard's from its own.
  private func gatherStates() throws {
    guard group.count > 1, !task.carried.isEmpty else { return }
    var bytes: [UInt8] = []
    for shard in mine { bytes += UnsafeRawBufferPointer(task.carried[shard].elements) }
    for (rank, found) in try group.gather(bytes).enumerated() where rank != group.rank {
      var rest = found[...]
      for shard in group.share(of: task.shardCount, for: rank) {
        let room = UnsafeMutableRawBufferPointer(task.carried[shard].elements)
        room.copyBytes(from: rest.prefix(room.count))
        rest = rest.dropFirst(room.count)
      }
    }
  }

  /// Packs the weights for the next update.
  private func loadWeights() {
    packed.load(parameters, masks: task.drops.isEmpty ? nil : (random, record.updates), on: shards)
  }

  /// Lets the rows of embeddings that updates have left out make up for it, so that weights and
  /// moments can be read.
  func bringUpToDate() { optimizer.bringUpToDate(parameters, on: shards) }

  private func validate(
    _ progress: TrainingProgress, _ store: RunStore?, _ report: (TrainingEvent) throws -> Void
  ) throws {
    // The same update is not validated twice, as at the end of a run that is resumed.
    guard record.lastValidation != record.updates else { return }
    bringUpToDate()
    if !task.drops.isEmpty { packed.load(parameters, on: shards) }
    let current = try task.validate(on: validationWorkspaces, shards, sharedBy: group)
    let ofAverage = current == nil ? nil : try validateAverage()
    if !task.drops.isEmpty || ofAverage != nil { loadWeights() }
    let isAverage = ofAverage?.isBetter(than: current) ?? false
    guard let found = isAverage ? ofAverage : current else {
      // With nothing to tell good from bad by, the latest finite weights are good.
      best.assign(parameters)
      record.goodUpdate = record.updates
      record.lastValidation = record.updates
      return
    }
    let isBest = found.isBetter(than: record.best)
    if isBest {
      best.assign(isAverage ? average ?? parameters : parameters)
      record.best = found
      record.bestUpdate = record.updates
      record.goodUpdate = record.updates
    }
    record.lastValidation = record.updates
    record.validationsSinceBest = isBest ? 0 : record.validationsSinceBest + 1
    try report(.validation(progress, found, isBest: isBest))
    if isBest { try store?.improved(report) }
  }

  /// Takes the weights into their average, and validates that; nil where there is none, or it is nothing but
  /// the weights.
  private func validateAverage() throws -> Validation? {
    guard let average, let averageWorkspaces else { return nil }
    defer { record.averaged += 1 }
    guard record.averaged > 0 else {
      average.assign(parameters)
      return nil
    }
    average.approach(parameters, by: 1 / Float(options.average))
    packed.load(average, on: shards)
    return try task.validate(on: averageWorkspaces, shards, sharedBy: group)
  }

  /// Whether the run has ended, and was not told to train longer since.
  var isFinished: Bool { record.end != nil && (record.end == .patience || usedBudget >= 1) }

  /// Sets the budget to what was used until now and so much more.
  func extend(by more: TrainingBudget) {
    switch more {
    case .updates(let count): options.budget = .updates(record.updates + count)
    case .epochs(let count): options.budget = .epochs(epoch + count)
    case .minutes(let minutes): options.budget = .minutes(record.seconds / 60 + minutes)
    }
    if record.end == .patience { record.validationsSinceBest = 0 }
    record.end = nil
  }

  /// The fraction of the budget that is used up: 1 and more at its end.
  private var usedBudget: Double {
    switch options.budget {
    case .updates(let count): Double(record.updates) / Double(max(1, count))
    case .epochs(let count):
      Double(record.updates) / max(1, (count * Double(task.updatesPerEpoch)).rounded(.up))
    case .minutes(let minutes): record.seconds / max(1e-3, 60 * minutes)
    }
  }

  private var epoch: Double { Double(record.updates) / Double(max(1, task.updatesPerEpoch)) }

  private var expectedUpdates: Int {
    Int(min(1e15, (Double(record.updates) / max(1e-12, usedBudget)).rounded()))
  }

  private var remainingSeconds: Double {
    record.seconds * (1 / max(1e-12, min(1, usedBudget)) - 1)
  }
}

/// The shards' workspaces on their way to the threads.
///
/// It is `Sendable` because the loop gives each index to exactly one thread at a time.
private struct Exclusively<Element>: @unchecked Sendable {
  let elements: [Element]
  init(_ elements: [Element]) { self.elements = elements }
}
