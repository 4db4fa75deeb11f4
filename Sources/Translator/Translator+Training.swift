internal import Cells
public import DenseMath
public import ICUText
internal import Parameters
internal import Synchronization
public import Training

extension Translator {
  /// All that a training run is told.
  public struct TrainingOptions: Sendable {
    /// Budget, rate and optimiser; patience counts validations, one an epoch.
    public var plan: TrainingPlan
    /// The pairs of an update.
    public var batch = 64
    /// The parts that a batch is cut into; results depend on it, but not on the number of threads.
    public var shards = 2
    /// Pairs with more symbols on a side are left out of training.
    public var mostSymbols = 200
    /// Threads to use; by default as many as there are processors.
    public var threads: Int?
    /// The precision of matrix products in training.
    public var precision = ProductPrecision.float32
    /// Where the model and its checkpoint are kept; nil to keep them in memory only.
    public var files: RunFiles?
    /// The names of the training files, for the model's card.
    public var corpusNames: [String] = []

    /// The defaults.
    public init() {
      plan = TrainingPlan()
      plan.budget = .epochs(20)
      plan.rate = 2e-3
      plan.weightDecay = 0.01
    }
  }

  /// Trains the translator, which becomes the best one that the validation data saw.
  ///
  /// - Parameters:
  ///   - text: The training data.
  ///   - validation: The data to choose by, by the loss of a target symbol; nil to take the last
  ///     epoch.
  ///   - options: Budget, batches, files.
  ///   - report: Told of updates, validations and files.
  ///   - isStopped: Asked before each update; then the state is saved and training ends.
  /// - Returns: How it ended.
  /// - Throws: `TrainingError` for a loss that is not finite, `ModelFileError` for files,
  ///   `TranslatorError.configuration` where no pair is short enough, `TextError`.
  @discardableResult
  public mutating func train(
    on text: ParallelText, validation: ParallelText? = nil, _ options: TrainingOptions,
    report: (TrainingEvent) throws -> Void = { _ in }, isStopped: () -> Bool = { false }
  ) throws -> TrainingEnd {
    let training = try encode(text).filter {
      max($0.source.count, $0.target.count) <= options.mostSymbols + 1
    }
    guard !training.isEmpty else {
      throw TranslatorError.configuration(
        "no pair has at most \(options.mostSymbols) symbols on both sides: raise --longest")
    }
    let task = PairTask(
      self, training: training, validation: try validation.map { try encode($0) } ?? [], options)
    let weights = parameters.copy()
    let loop = TrainingLoop(
      task, parameters: weights, plan: options.plan, threads: options.threads,
      precision: options.precision)
    card.corpus = options.corpusNames
    card.trainingPairs = training.count
    card.validationPairs = validation?.pairs.count ?? 0
    card.plan = options.plan
    card.longestSource = training.reduce(0) { max($0, $1.source.count) }
    card.longestTarget = training.reduce(0) { max($0, $1.target.count) }
    var fingerprint = Fingerprint()
    for pair in training {
      fingerprint.add(pair.source)
      fingerprint.add(pair.target)
    }
    let description = """
      \(ModelMetadata.json(configuration)) \(options.batch) pairs, \(options.shards) shards, \
      \(training.count) of \(text.pairs.count) pairs, \(source.count) and \(target.count) symbols, \
      data \(fingerprint)
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

  /// The loss of a text's target symbols, the end of each sentence among them, in nats a symbol.
  ///
  /// Throws `TextError` where ICU cannot cut a sentence.
  public func loss(on text: ParallelText, threads: Int? = nil) throws(TextError) -> Double {
    PairTask.loss(
      try encode(text), network, parameters, packed: packed, begin: targetBegin,
      on: Shards(threads: threads))
  }

  /// Pairs as the network takes them in, each side with its end.
  func encode(_ text: ParallelText) throws(TextError) -> [PairTask.Symbols] {
    var pairs: [PairTask.Symbols] = []
    pairs.reserveCapacity(text.pairs.count)
    for pair in text.pairs {
      pairs.append(
        PairTask.Symbols(
          source: asRead(try sourceCode.ids(of: pair.source)),
          target: try targetCode.ids(of: pair.target) + [targetEnd]))
    }
    return pairs
  }
}

/// Batches of pairs of like length, in an order of their own in every epoch.
final class PairTask: TrainingTask {
  /// The symbols of a pair, with their ends.
  struct Symbols: Sendable {
    let source, target: [Int32]
  }

  private let network: TranslatorNetwork
  private let training, validation: [Symbols]
  private let begin: Int32
  private let unknown: (source: Int32, target: Int32)
  private let batch: Int
  private let masks, order, words: CounterRandom
  private let plan: Mutex<(epoch: Int, batches: [[Int]])>
  let shardCount, symbolsPerUpdate: Int

  init(
    _ translator: Translator, training: [Symbols], validation: [Symbols],
    _ options: Translator.TrainingOptions
  ) {
    network = translator.network
    begin = translator.targetBegin
    unknown = (translator.sourceUnknown, translator.targetUnknown)
    self.training = training
    self.validation = validation
    batch = max(1, options.batch)
    shardCount = max(1, min(options.shards, batch))
    masks = CounterRandom(seed: options.plan.seed, stream: .dropout)
    order = CounterRandom(seed: options.plan.seed, stream: .shuffle)
    words = CounterRandom(seed: options.plan.seed, stream: .words)
    plan = Mutex((-1, []))
    symbolsPerUpdate = max(
      1, training.reduce(0) { $0 + $1.target.count } * min(batch, training.count) / training.count)
  }

  var layout: ParameterLayout { network.layout }
  var carried: [Parameters<Float>] { [] }
  var updatesPerEpoch: Int { (training.count + batch - 1) / batch }
  var updatesPerValidation: Int { updatesPerEpoch }

  /// The pairs of an update: a function of seed and update alone.
  private func pairs(ofUpdate update: Int) -> [Int] {
    let (epoch, place) = (update / updatesPerEpoch, update % updatesPerEpoch)
    return plan.withLock { plan in
      if plan.epoch != epoch { plan = (epoch, makeBatches(epoch)) }
      return plan.batches[place]
    }
  }

  private func makeBatches(_ epoch: Int) -> [[Int]] {
    let shuffled = order.permutation(of: training.count, step: 2 * epoch)
    func length(_ pair: Int) -> Int {
      training[pair].target.count << 20 | training[pair].source.count << 8
    }
    var batches: [[Int]] = []
    for start in stride(from: 0, to: shuffled.count, by: 64 * batch) {
      let part = shuffled[start..<min(start + 64 * batch, shuffled.count)].sorted {
        (length($1), $0) < (length($0), $1)
      }
      for first in stride(from: 0, to: part.count, by: batch) {
        batches.append(Array(part[first..<min(first + batch, part.count)]))
      }
    }
    return order.permutation(of: batches.count, step: 2 * epoch + 1).map { batches[$0] }
  }

  private static func pairs(_ symbols: [Symbols], begin: Int32) -> TranslatorNetwork.Pairs {
    TranslatorNetwork.Pairs(
      sources: symbols.map(\.source), inputs: symbols.map { [begin] + $0.target.dropLast() },
      targets: symbols.map(\.target))
  }

  /// Pairs as training reads them: some symbols as unknown ones, but neither ends nor targets.
  func pairs(of numbers: [Int], update: Int) -> TranslatorNetwork.Pairs {
    let whole = Self.pairs(numbers.map { training[$0] }, begin: begin)
    let share = network.configuration.wordDropout
    guard share > 0 else { return whole }
    func read(
      _ sentences: [[Int32]], _ places: (Int) -> Range<Int>, as unknown: Int32, side: Int
    ) -> [[Int32]] {
      zip(numbers, sentences).map { number, sentence in
        var sentence = sentence
        for place in places(sentence.count) {
          let index = number << 32 | side << 31 | place
          if words.uniform(step: update, index: index) < share { sentence[place] = unknown }
        }
        return sentence
      }
    }
    return TranslatorNetwork.Pairs(
      sources: read(whole.sources, { 0..<$0 - 1 }, as: unknown.source, side: 0),
      inputs: read(whole.inputs, { 1..<$0 }, as: unknown.target, side: 1),
      targets: whole.targets)
  }

  func run(shard: Int, update: Int, on workspace: Workspace<Float>) -> Double {
    let all = pairs(ofUpdate: update)
    let symbols = all.reduce(0) { $0 + training[$1].target.count }
    let mine = stride(from: shard, to: all.count, by: shardCount).map { all[$0] }
    guard !mine.isEmpty, symbols > 0 else { return 0 }
    let scale = 1 / Double(symbols)
    // Encoder and decoder, and the shards, are far apart in the numbers of the masks.
    let lanes = (
      source: Dropout.Masks(masks, step: update, firstLane: shard << 16),
      target: Dropout.Masks(masks, step: update, firstLane: 1 << 23 | shard << 16)
    )
    var smoothed = 0.0
    return scale
      * network.loss(
        pairs(of: mine, update: update), masks: lanes, scale: scale, withGradients: true,
        smoothed: &smoothed, on: workspace)
  }

  func validate(
    _ parameters: Parameters<Float>, packed: PackedWeights<Float>, on shards: Shards
  ) -> Double? {
    guard !validation.isEmpty else { return nil }
    return Self.loss(validation, network, parameters, packed: packed, begin: begin, on: shards)
  }

  /// The mean loss of a target symbol, in nats.
  static func loss(
    _ pairs: [Symbols], _ network: TranslatorNetwork, _ parameters: Parameters<Float>,
    packed: PackedWeights<Float>, begin: Int32, on shards: Shards
  ) -> Double {
    let order = pairs.indices.sorted {
      (pairs[$1].target.count, $0) < (pairs[$0].target.count, $1)
    }
    var batches = stride(from: 0, to: order.count, by: 64).map { start in
      (pairs: order[start..<min(start + 64, order.count)].map { pairs[$0] }, loss: 0.0)
    }
    shards.forEach(&batches) { _, batch in
      let workspace = Workspace(parameters, packed: packed, forTraining: false)
      var smoothed = 0.0
      batch.loss = network.loss(
        Self.pairs(batch.pairs, begin: begin), scale: 1, withGradients: false,
        smoothed: &smoothed, on: workspace)
    }
    let symbols = pairs.reduce(0) { $0 + $1.target.count }
    return batches.reduce(0) { $0 + $1.loss } / Double(max(1, symbols))
  }
}
