internal import Cells
public import DenseMath
public import Files
internal import Glibc
public import ICUText
public import Parameters
public import Training

/// What a language model can be trained and evaluated on: a text, or its tokens.
public protocol TokenSource: Sendable {
  /// The tokens of a vocabulary.
  ///
  /// Throws `TextError` where the text cannot be read.
  func encoded(by vocabulary: Vocabulary) throws -> EncodedCorpus
}

extension Corpus: TokenSource {
  /// Reads and encodes the text.
  public func encoded(by vocabulary: Vocabulary) throws -> EncodedCorpus {
    try EncodedCorpus(self, vocabulary: vocabulary)
  }
}

extension EncodedCorpus: TokenSource {
  /// The tokens themselves, which must be of that vocabulary.
  public func encoded(by vocabulary: Vocabulary) -> EncodedCorpus { self }
}

extension LanguageModel {
  /// Chooses lanes, and 2, 4 or 8 shards: at least 16 lanes each, a tile's rows, but for 2.
  public static func resolve(_ options: inout TrainingOptions, for data: any TokenSource) {
    let batch = options.batch ?? 32
    options.batch = batch
    // Powers of two, which any even number of threads divides evenly.
    options.shards = options.shards ?? (batch >= 128 ? 8 : batch >= 64 ? 4 : min(2, batch))
  }

  /// Lanes through a corpus, which is read and encoded here.
  ///
  /// Throws `TextError` for a corpus that cannot be read, `LanguageModelError.corpusTooShort`.
  public func makeTask(
    on data: any TokenSource, validation: (any TokenSource)?, _ options: TrainingOptions,
    _ shards: Shards
  ) throws -> LaneTask {
    try LaneTask(
      network, tokens: asRead(data.encoded(by: vocabulary)), options,
      weightDrop: configuration.weightDrop, unit: unit)
  }

  /// The part of a corpus of so many tokens that training on it keeps for validation.
  ///
  /// It is the end, or the beginning for a model that reads backwards.
  public func validationRange(of tokens: Int) -> Range<Int> {
    let fraction = (card.options ?? Self.defaultOptions).validation
    let training = LaneTask.trainingCount(of: tokens, keeping: fraction)
    return configuration.isBackwards ? 0..<tokens - training : training..<tokens
  }
}

/// Lanes through a corpus: lane b of B reads the b-th of B equal stretches, and carries its state.
///
/// It is `Sendable` because everything in it is constant but the lanes' states, and each of those
/// is touched only by the run of its own shard.
public final class LaneTask: TrainingTask, @unchecked Sendable {
  /// The weights of which a part is left out in each update.
  public let drops: [WeightDrop]
  /// The updates that see the training part once.
  public let updatesPerEpoch: Int
  /// What a token is called.
  public let unit: String
  /// The number of shards.
  public let shardCount: Int
  private let network: LanguageNetwork
  private let tokens: EncodedCorpus
  private let batch, steps, trainingCount, laneLength: Int
  private let random: CounterRandom
  private let states: [StackState<Float>]

  init(
    _ network: LanguageNetwork, tokens: EncodedCorpus, _ options: TrainingOptions,
    weightDrop: Double, unit: String
  ) throws(LanguageModelError) {
    self.network = network
    self.tokens = tokens
    self.unit = unit
    batch = options.batch ?? 1
    steps = options.steps
    shardCount = options.shards ?? 1
    random = CounterRandom(seed: options.seed, stream: .dropout)
    drops =
      weightDrop > 0
      ? network.stack.layers.compactMap(\.recurrentWeight).map {
        WeightDrop($0, rate: weightDrop)
      } : []
    trainingCount = Self.trainingCount(of: tokens.count, keeping: options.validation)
    laneLength = trainingCount / batch
    // Each pass starts up to steps - 1 tokens later than the last, so that batches differ.
    updatesPerEpoch = (laneLength - steps) / steps
    guard updatesPerEpoch >= 1 else {
      throw .corpusTooShort(
        tokens: trainingCount, needed: 2 * steps * batch, batch: batch, steps: steps)
    }
    let bounds = (0...shardCount).map { [batch, shardCount] in $0 * batch / shardCount }
    let sizes = zip(bounds, bounds.dropFirst()).map { $1 - $0 }
    states = sizes.map { StackState(network.stack, batch: $0) }
  }

  /// How many tokens of a corpus are read before the validation part: what is read last, so the
  /// text's end, or its beginning for a model that reads backwards.
  ///
  /// At most a million tokens are validated on: more would cost time and tell no more.
  static func trainingCount(of tokens: Int, keeping fraction: Double) -> Int {
    tokens - min(1_000_000, tokens - Int((1 - fraction) * Double(tokens)))
  }

  /// The weights' names and shapes.
  public var layout: ParameterLayout { network.layout }
  /// The tokens of all lanes' steps.
  public var tokensPerUpdate: Int { batch * steps }
  /// The states of the lanes.
  public var carried: [Parameters<Float>] { states.map(\.block) }
  /// The tokens before the validation part.
  public var trainingSize: DataSize { DataSize(tokens: trainingCount) }
  /// The tokens of the validation part.
  public var validationSize: DataSize { DataSize(tokens: tokens.count - trainingCount) }

  /// About eight times as much training as validating.
  public var updatesPerValidation: Int {
    max(1, 8 * (tokens.count - trainingCount) / tokensPerUpdate)
  }

  /// Runs the lanes of a shard on by some steps, and back.
  public func run(shard: Int, update: Int, on workspace: Workspace<Float>) -> Double {
    let epoch = update / updatesPerEpoch
    let within = update % updatesPerEpoch
    if within == 0 { states[shard].clear() }
    let start = random.integer(below: steps, step: epoch, index: 1 << 60)
    let firstLane = shard * batch / shardCount
    let lanes = firstLane..<(shard + 1) * batch / shardCount
    let read = LanguageNetwork.batch(
      of: tokens, from: lanes.map { $0 * laneLength + start + within * steps }, steps: steps,
      on: workspace)
    let scale = 1 / Double(tokensPerUpdate)
    return scale
      * network.lossAndGradients(
        read, state: states[shard],
        masks: Dropout.Masks(random, step: update, firstLane: firstLane), scale: scale,
        on: workspace)
  }

  /// The mean loss of the validation part, read in lanes.
  public func validate(on pool: WorkspacePool<Float>, _ shards: Shards) -> Validation? {
    guard tokens.count - trainingCount >= 2 else { return nil }
    let range = trainingCount..<tokens.count
    return Validation(
      LaneValidation(network, tokens: tokens, range: range).meanNats(on: pool, shards),
      .crossEntropy)
  }

  /// The same, the lanes shared out.
  public func validate(
    on pool: WorkspacePool<Float>, _ shards: Shards, sharedBy group: any ProcessGroup
  ) throws -> Validation? {
    guard tokens.count - trainingCount >= 2 else { return nil }
    let lanes = LaneValidation(network, tokens: tokens, range: trainingCount..<tokens.count)
    return Validation(
      try lanes.meanNats(on: pool, shards, sharedBy: group), .crossEntropy)
  }

  /// Begins the output bias at the logarithm of each token's frequency in the training text.
  ///
  /// The first updates then need not learn how frequent tokens are, and bytes that never occur
  /// stay improbable.
  public func prepare(_ parameters: Parameters<Float>) {
    var counts = [Double](repeating: 0.01, count: network.output.outputs)
    tokens.forEachStretch(until: trainingCount) { for id in $0 { counts[Int(id)] += 1 } }
    let bias = parameters[network.output.bias]
    for (id, count) in counts.enumerated() {
      bias[0, id] = Float(log(count / Double(trainingCount)))
    }
  }

  /// What tells this text from others, the part that is validated on too, as it decides when to stop.
  public var fingerprint: Fingerprint {
    tokens.fingerprint
  }
}
