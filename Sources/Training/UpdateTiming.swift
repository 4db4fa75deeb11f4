internal import DenseMath
internal import Parameters

/// How long the parts of an update take on this machine, as measured.
public struct UpdateTiming: Sendable, Equatable {
  /// The parts that a batch is cut into.
  public var shards: Int
  /// Seconds of a shard's forward and backward pass, while each thread runs one.
  public var shard: Double
  /// Seconds of adding one gradient to another.
  public var addition: Double
  /// Seconds of the norm of a gradient.
  public var norm: Double
  /// Seconds of what every process does with the sum: changing the weights, and packing them anew.
  public var change: Double
  /// The bytes of a gradient as it travels, without rows of embeddings that no token stands for.
  public var gradientBytes: Int
  /// Whether there are such rows: which they are has to be told before the others travel.
  public var isRowSparse: Bool

  /// A timing of these parts.
  public init(
    shards: Int, shard: Double, addition: Double, norm: Double, change: Double,
    gradientBytes: Int, isRowSparse: Bool
  ) {
    self.shards = shards
    self.shard = shard
    self.addition = addition
    self.norm = norm
    self.change = change
    self.gradientBytes = gradientBytes
    self.isRowSparse = isRowSparse
  }
}

extension TrainableModel {
  /// Measures the parts of an update: the median of several, after one that is not counted.
  ///
  /// The model stays as it is. See `train` for data and options.
  ///
  /// - Parameters:
  ///   - data: What would be trained on.
  ///   - wanted: How; what is open is resolved as for a training.
  ///   - threads: The threads of a process.
  ///   - seconds: About how long to measure; three updates at least.
  /// - Returns: The timing.
  /// - Throws: What `train` throws for data and options.
  public func updateTiming(
    on data: TrainingData, options wanted: TrainingOptions, threads: Int? = nil,
    for seconds: Double = 1
  ) throws -> UpdateTiming {
    var options = wanted
    Self.resolve(&options, for: data)
    options.precision = wanted.precision.resolved
    try options.validate()
    let shards = Shards(threads: threads)
    let task = try makeTask(on: data, validation: nil, options, shards)
    let workers = max(2, min(shards.threads, task.shardCount))
    try MemoryEstimate.demand(
      MemoryEstimate.training(network.layout, shards: workers), for: network.layout)
    let parameters = core.weights.block.copy()
    task.prepare(parameters)
    let bench = UpdateBench(task, parameters, options, workers: workers, on: shards)
    let clock = ContinuousClock()
    bench.run()
    let start = clock.now
    var found: [UpdateTiming] = []
    while found.count < 3 || (clock.now - start) / .seconds(1) < seconds {
      found.append(bench.run())
    }
    func median(_ part: KeyPath<UpdateTiming, Double>) -> Double {
      found.map { $0[keyPath: part] }.sorted()[found.count / 2]
    }
    var timing = found[0]
    timing.shard = median(\.shard)
    timing.addition = median(\.addition)
    timing.norm = median(\.norm)
    timing.change = median(\.change)
    return timing
  }
}

/// What an update needs, with the workspaces of so many shards as run at once.
private final class UpdateBench<Task: TrainingTask> {
  private let task: Task
  private let parameters: Parameters<Float>
  private let packed: PackedWeights<Float>
  private let random: CounterRandom
  private let shards: Shards
  private let isRowSparse: Bool
  private var optimizer: Optimizer<Float>
  private var workspaces: [Workspace<Float>]
  private var updates = 0

  init(
    _ task: Task, _ parameters: Parameters<Float>, _ options: TrainingOptions, workers: Int,
    on shards: Shards
  ) {
    self.task = task
    self.parameters = parameters
    self.shards = shards
    let optimizer = Optimizer<Float>(
      task.layout, rule: options.rule, weightDecay: options.weightDecay,
      gradientPrecision: options.gradientPrecision)
    self.optimizer = optimizer
    let packed = PackedWeights<Float>(
      task.layout, forTraining: true, precision: options.precision.products, drops: task.drops)
    self.packed = packed
    workspaces = (0..<workers).map { _ in
      Workspace(parameters, packed: packed, changedBy: optimizer)
    }
    random = CounterRandom(seed: options.seed, stream: .dropout)
    isRowSparse = task.layout.entries.contains(where: \.isRowSparse)
    load()
  }

  private func load() {
    packed.load(parameters, masks: task.drops.isEmpty ? nil : (random, updates), on: shards)
  }

  /// Makes an update of as many shards as there are threads, and times its parts.
  @discardableResult func run() -> UpdateTiming {
    let (task, packed, updates) = (task, packed, updates)
    let clock = ContinuousClock()
    func timed(_ body: () -> Void) -> Double { clock.measure(body) / .seconds(1) }
    // Where there are two workspaces for one thread, or for one shard, the second one runs apart.
    let atOnce = min(shards.threads, task.shardCount)
    func forward(_ some: inout [Workspace<Float>], from first: Int) {
      shards.forEach(&some) { place, workspace in
        workspace.reset()
        workspace.gradients?.clear()
        _ = task.run(shard: (first + place) % task.shardCount, update: updates % 2, on: workspace)
        if let gradients = workspace.gradients { packed.maskGradients(gradients) }
      }
    }
    var together = Array(workspaces[..<atOnce])
    let shard = timed { forward(&together, from: 0) }
    var rest = Array(workspaces[atOnce...])
    if updates == 0 { forward(&rest, from: atOnce) }
    let gradients = workspaces.compactMap(\.gradients)
    let bytes = gradients[0].touchedBytes / (optimizer.gradientPrecision == .bfloat16 ? 2 : 1)
    var size = 0.0
    let norm = timed { size = optimizer.sum([gradients[0]], on: shards) }
    let both = timed { size = optimizer.sum([gradients[0], gradients[1]], on: shards) }
    let change = timed {
      // So little that no number goes out of bounds, however often.
      optimizer.update(
        parameters, along: gradients[0], scale: 1 / max(1, size), rate: 1e-9, on: shards)
      load()
    }
    self.updates += 1
    return UpdateTiming(
      shards: task.shardCount, shard: shard, addition: max(0, both - norm), norm: norm,
      change: change, gradientBytes: bytes, isRowSparse: isRowSparse)
  }
}
