internal import Cells
public import DenseMath
internal import Glibc
public import ICUText
internal import Parameters
public import Training

/// How a corpus is laid out for training: lanes that run side by side through it.
public struct LanePlan: Codable, Sendable, Equatable {
  /// The number of lanes, and the steps that each takes in one update.
  public var batch, steps: Int
  /// The share of the corpus that is kept for validation: what is read last, so its end, or its
  /// beginning for a model that reads backwards.
  public var validation: Double
  /// The parts that a batch is cut into; results depend on it, but not on the number of threads.
  public var shards: Int

  /// A layout; by default 32 lanes of 128 steps, a tenth for validation, at most 4 shards.
  public init(batch: Int = 32, steps: Int = 128, validation: Double = 0.1, shards: Int? = nil) {
    self.batch = batch
    self.steps = steps
    self.validation = validation
    self.shards = shards ?? max(1, min(4, batch / 8))
  }

  /// How many symbols of a corpus are read before the validation part.
  ///
  /// At most a million symbols are validated on: more would cost time and tell no more.
  public func trainingCount(of symbols: Int) -> Int {
    symbols - min(1_000_000, symbols - Int((1 - validation) * Double(symbols)))
  }
}

extension LanguageModel {
  /// All that a training run is told.
  public struct TrainingOptions: Sendable {
    /// Budget, rate and optimiser.
    public var plan = TrainingPlan()
    /// Lanes and validation.
    public var lanes = LanePlan()
    /// Threads to use; by default as many as there are processors.
    public var threads: Int?
    /// The precision of matrix products.
    public var precision = ProductPrecision.float32
    /// Where the model and its checkpoint are kept; nil to keep them in memory only.
    public var files: RunFiles?
    /// The names of the corpus files, for the model's card.
    public var corpusNames: [String] = []

    /// The defaults.
    public init() {}
  }

  /// Trains the model, which becomes the best one that validation saw.
  ///
  /// - Parameters:
  ///   - symbols: The corpus in the model's own vocabulary, in the order of the text.
  ///   - options: Budget, lanes, files.
  ///   - report: Told of updates, validations and files.
  ///   - isStopped: Asked before each update; then the state is saved and training ends.
  /// - Returns: How it ended.
  /// - Throws: `LanguageModelError` for a corpus too short, `TrainingError` for a loss that is
  ///   not finite (the model is the best one until then), `ModelFileError` for files.
  @discardableResult
  public mutating func train(
    on symbols: EncodedCorpus, _ options: TrainingOptions,
    report: (TrainingEvent) throws -> Void = { _ in }, isStopped: () -> Bool = { false }
  ) throws -> TrainingEnd {
    // The model's own block, the one in training, the best, two moments, a gradient a shard, and
    // packed copies for both ways.
    try network.demandMemory(blocks: 8 + options.lanes.shards)
    let task = try LaneTask(
      network, symbols: asRead(symbols), lanes: options.lanes, weightDrop: configuration.weightDrop,
      random: CounterRandom(seed: options.plan.seed, stream: .dropout))
    let weights = parameters.copy()
    task.setOutputBias(of: weights)
    let loop = TrainingLoop(
      task, parameters: weights, plan: options.plan, threads: options.threads,
      precision: options.precision)
    card.corpus = options.corpusNames
    card.trainingSymbols = task.trainingCount
    card.validationSymbols = symbols.count - task.trainingCount
    card.plan = options.plan
    card.lanes = options.lanes
    let description = """
      \(ModelMetadata.json(configuration)) \(ModelMetadata.json(options.lanes)) \(vocabulary.count) symbols, \
      text \(task.fingerprint)
      """
    var snapshot = self
    defer { adopt(loop.best, loop.record) }
    return try loop.run(
      options.files, description: description,
      writeModel: { path throws(ModelFileError) in
        snapshot.parameters = loop.best
        snapshot.card.record = loop.record
        try snapshot.write(to: path)
      }, report: report, isStopped: isStopped)
  }

  /// The part of a corpus of so many symbols that training on it keeps for validation.
  ///
  /// It is the end, or the beginning for a model that reads backwards.
  public func validationRange(of symbols: Int) -> Range<Int> {
    let training = (card.lanes ?? LanePlan()).trainingCount(of: symbols)
    return configuration.isBackwards ? 0..<symbols - training : training..<symbols
  }

  private mutating func adopt(_ weights: Parameters<Float>, _ record: TrainingRecord) {
    parameters = weights
    card.record = record
    packed = PackedWeights(network.layout, forTraining: false)
    packed.load(weights, on: Shards())
  }
}

/// Lanes through a corpus: lane b of B reads the b-th of B equal stretches, and carries its state.
///
/// It is `Sendable` because everything in it is constant but the lanes' states, and each of those
/// is touched only by the run of its own shard.
final class LaneTask: TrainingTask, @unchecked Sendable {
  let network: LanguageNetwork
  let symbols: EncodedCorpus
  let lanes: LanePlan
  let trainingCount: Int
  let drops: [WeightDrop]
  let updatesPerEpoch: Int
  private let laneLength: Int
  private let random: CounterRandom
  private let shapes: [PackedShape]
  private let states: [StackState<Float>]

  init(
    _ network: LanguageNetwork, symbols: EncodedCorpus, lanes: LanePlan, weightDrop: Double = 0,
    random: CounterRandom
  ) throws(LanguageModelError) {
    self.network = network
    drops =
      weightDrop > 0
      ? network.stack.layers.compactMap(\.recurrentWeight).map {
        WeightDrop($0, rate: weightDrop)
      } : []
    self.symbols = symbols
    self.lanes = lanes
    self.random = random
    trainingCount = lanes.trainingCount(of: symbols.count)
    laneLength = trainingCount / lanes.batch
    // Each pass starts up to steps - 1 symbols later than the last, so that batches differ.
    updatesPerEpoch = (laneLength - lanes.steps) / lanes.steps
    guard updatesPerEpoch >= 1 else {
      throw .corpusTooShort(
        symbols: trainingCount, needed: 2 * lanes.steps * lanes.batch, batch: lanes.batch,
        steps: lanes.steps)
    }
    let bounds = (0...lanes.shards).map { $0 * lanes.batch / lanes.shards }
    let sizes = zip(bounds, bounds.dropFirst()).map { $1 - $0 }
    shapes = sizes.map { PackedShape(steps: lanes.steps, batch: $0) }
    states = sizes.map { StackState(network.stack, batch: $0) }
  }

  var layout: ParameterLayout { network.layout }
  var shardCount: Int { lanes.shards }
  var symbolsPerUpdate: Int { lanes.batch * lanes.steps }
  var carried: [Parameters<Float>] { states.map(\.block) }

  var updatesPerValidation: Int {
    max(1, 8 * (symbols.count - trainingCount) / symbolsPerUpdate)
  }

  func run(shard: Int, update: Int, on workspace: Workspace<Float>) -> Double {
    let epoch = update / updatesPerEpoch
    let within = update % updatesPerEpoch
    if within == 0 { states[shard].clear() }
    let start = random.integer(below: lanes.steps, step: epoch, index: 1 << 60)
    let (steps, batch) = (lanes.steps, shapes[shard].batch)
    let firstLane = shard * lanes.batch / lanes.shards
    let inputs = workspace.arena.indices(steps * batch)
    let targets = workspace.arena.indices(steps * batch)
    let stretch = workspace.arena.indices(steps + 1)
    for lane in 0..<batch {
      let at = (firstLane + lane) * laneLength + start + within * steps
      stretch.withUnsafeMutableBufferPointer { symbols.copy(at..<at + steps + 1, into: $0) }
      for step in 0..<steps {
        inputs[step * batch + lane] = stretch[step]
        targets[step * batch + lane] = stretch[step + 1]
      }
    }
    let scale = 1 / Double(symbolsPerUpdate)
    return scale
      * network.lossAndGradients(
        .init(inputs: inputs, targets: targets, shape: shapes[shard]), state: states[shard],
        masks: Dropout.Masks(random, step: update, firstLane: firstLane), scale: scale,
        on: workspace)
  }

  func validate(
    _ parameters: Parameters<Float>, packed: PackedWeights<Float>, on shards: Shards
  ) -> Double? {
    guard symbols.count - trainingCount >= 2 else { return nil }
    return LaneValidation(network, tokens: symbols, range: trainingCount..<symbols.count)
      .meanNats(parameters, packed: packed, on: shards)
  }

  /// Begins the output bias at the logarithm of each symbol's share of the training text.
  ///
  /// The first updates then need not learn how frequent symbols are, and bytes that never occur
  /// stay improbable.
  func setOutputBias(of parameters: Parameters<Float>) {
    var counts = [Double](repeating: 0.01, count: network.output.outputs)
    forEachStretch { for id in $0 { counts[Int(id)] += 1 } }
    let bias = parameters[network.output.bias]
    for (id, count) in counts.enumerated() {
      bias[0, id] = Float(log(count / Double(trainingCount)))
    }
  }

  /// What tells this text from others.
  var fingerprint: Fingerprint {
    var fingerprint = Fingerprint()
    forEachStretch { fingerprint.add($0) }
    return fingerprint
  }

  private func forEachStretch(_ body: (UnsafeMutableBufferPointer<Int32>) -> Void) {
    let buffer = UnsafeMutableBufferPointer<Int32>.allocate(capacity: 1 << 16)
    defer { buffer.deallocate() }
    for start in stride(from: 0, to: trainingCount, by: buffer.count) {
      let range = start..<min(start + buffer.count, trainingCount)
      let part = UnsafeMutableBufferPointer(rebasing: buffer[..<range.count])
      symbols.copy(range, into: part)
      body(part)
    }
  }
}
