internal import Cells
public import DenseMath
internal import Glibc
public import ICUText
internal import Layers
internal import Parameters
internal import Synchronization
public import Training

extension Tagger {
  /// All that a training run is told.
  public struct TrainingOptions: Sendable {
    /// Budget, rate and optimiser; patience counts validations, one an epoch.
    public var plan: TrainingPlan
    /// The sentences of an update.
    public var batch = 32
    /// The sentences of an update that suit a number of training sentences: 8 to 32, so that a small
    /// corpus gives enough updates.
    public static func batch(for sentences: Int) -> Int { max(8, min(32, sentences / 64)) }
    /// The parts that a batch is cut into; results depend on it, but not on the number of threads.
    public var shards = 2
    /// Threads to use; by default as many as there are processors.
    public var threads: Int?
    /// The precision of matrix products in training.
    public var precision = ProductPrecision.float32
    /// Where the model and its checkpoint are kept; nil to keep them in memory only.
    public var files: RunFiles?
    /// The names of the training files, for the model's card.
    public var corpusNames: [String] = []
    /// The locale by whose rules text will be cut into sentences and words.
    public var locale = "en"

    /// The defaults.
    public init() {
      plan = TrainingPlan()
      plan.budget = .epochs(30)
      plan.rate = 2e-3
      plan.weightDecay = 0.01
    }
  }

  /// Trains the tagger, which becomes the best one that the development data saw.
  ///
  /// - Parameters:
  ///   - corpus: The training data.
  ///   - development: The data to choose by: F1 of spans, else accuracy; nil to take the last epoch.
  ///   - options: Budget, batches, files.
  ///   - report: Told of updates, validations and files; the loss of a validation is 1 less the
  ///     figure.
  ///   - isStopped: Asked before each update; then the state is saved and training ends.
  /// - Returns: How it ended.
  /// - Throws: `TrainingError` for a loss that is not finite (the model is the best one until
  ///   then), `ModelFileError` for files, `TaggerError` for data that do not fit.
  @discardableResult
  public mutating func train(
    on corpus: TaggedCorpus, development: TaggedCorpus? = nil, _ options: TrainingOptions,
    report: (TrainingEvent) throws -> Void = { _ in }, isStopped: () -> Bool = { false }
  ) throws -> TrainingEnd {
    guard !corpus.sentences.isEmpty else {
      throw TaggerError.configuration("there is no sentence to train on")
    }
    let task = SentenceTask(
      network, lexicon: lexicon, training: try encode(corpus, threads: options.threads),
      development: try development.map { try encode($0, threads: options.threads) },
      developmentTags: development?.sentences.map(\.tags) ?? [], options)
    let weights = parameters.copy()
    let loop = TrainingLoop(
      task, parameters: weights, plan: options.plan, threads: options.threads,
      precision: options.precision)
    card.corpus = options.corpusNames
    card.trainingSentences = corpus.sentences.count
    card.trainingWords = corpus.wordCount
    card.validationSentences = development?.sentences.count ?? 0
    card.plan = options.plan
    card.batch = options.batch
    card.locale = options.locale
    segmenter = try Segmenter(Segmentation(unit: .word, locale: options.locale))
    var fingerprint = Fingerprint()
    for sentence in corpus.sentences {
      for (word, tag) in zip(sentence.words, sentence.tags) {
        fingerprint.add(word)
        fingerprint.add(tag)
      }
    }
    let description = """
      \(ModelMetadata.json(configuration)) \(options.batch) sentences, \(options.shards) shards, \
      \(corpus.sentences.count) sentences of \(corpus.wordCount) words, \(lexicon.words.count) \
      known, \(lexicon.tags.joined(separator: " ")), data \(fingerprint)
      """
    var snapshot = self
    defer {
      adopt(loop.best, loop.record)
      card.temperature = task.temperature(loop.best)
    }
    return try loop.run(
      options.files, description: description,
      writeModel: { path throws(ModelFileError) in
        snapshot.parameters = loop.best
        snapshot.card.record = loop.record
        snapshot.card.temperature = task.temperature(loop.best)
        try snapshot.write(to: path)
      }, report: report, isStopped: isStopped)
  }

  /// How well the tagger does on data.
  ///
  /// Throws `TextError` where ICU cannot fold a word.
  public func evaluate(
    on corpus: TaggedCorpus, threads: Int? = nil
  ) throws(TextError) -> SpanScore {
    var score = SpanScore()
    let found = try tag(corpus.sentences.map(\.words), threads: threads)
    for (sentence, tagging) in zip(corpus.sentences, found) {
      score.add(right: sentence.tags, found: tagging.tags)
    }
    return score
  }

  /// Sentences as the network takes them in; tags that the lexicon lacks become -1.
  func encode(_ corpus: TaggedCorpus, threads: Int? = nil) throws(TextError) -> SentenceData {
    let encoder = try WordEncoder(ids)
    let numbers = Dictionary(uniqueKeysWithValues: zip(lexicon.tags, 0...))
    var data = SentenceData(
      surfaces: [], sentences: [], tags: [], features: [], featureSize: configuration.featureSize)
    for sentence in corpus.sentences {
      var row: [Int32] = []
      for word in sentence.words { row.append(try encoder.place(of: word)) }
      data.sentences.append(row)
      data.tags.append(sentence.tags.map { numbers[$0] ?? -1 })
    }
    data.surfaces = encoder.surfaces
    data.features = try features(of: corpus.sentences.map(\.words), threads: threads)
    return data
  }
}

/// Batches of sentences of like length, in an order of their own in every epoch.
final class SentenceTask: TrainingTask {
  private let network: TaggerNetwork
  private let tags: [String]
  private let training: SentenceData
  private let starts: [Int]
  private let development: SentenceData?
  private let developmentTags: [[String]]
  private let batch: Int
  private let wordDropout: Double
  private let counts: [Int]
  private let masks, unknown, order: CounterRandom
  private let plan: Mutex<(epoch: Int, batches: [[Int]])>
  let shardCount: Int

  init(
    _ network: TaggerNetwork, lexicon: Lexicon, training: SentenceData, development: SentenceData?,
    developmentTags: [[String]], _ options: Tagger.TrainingOptions
  ) {
    self.network = network
    tags = lexicon.tags
    counts = lexicon.counts
    self.training = training
    starts = training.starts
    self.development = development
    self.developmentTags = developmentTags
    batch = max(1, options.batch)
    shardCount = max(1, min(options.shards, batch))
    wordDropout = network.configuration.wordDropout
    masks = CounterRandom(seed: options.plan.seed, stream: .dropout)
    unknown = CounterRandom(seed: options.plan.seed, stream: .words)
    order = CounterRandom(seed: options.plan.seed, stream: .shuffle)
    plan = Mutex((-1, []))
  }

  var layout: ParameterLayout { network.layout }
  var carried: [Parameters<Float>] { [] }
  var updatesPerEpoch: Int { (training.sentences.count + batch - 1) / batch }
  var updatesPerValidation: Int { updatesPerEpoch }
  var symbolsPerUpdate: Int { max(1, (starts.last ?? 0) / updatesPerEpoch) }

  /// The sentences of an update, falling in length: a function of seed and update alone.
  private func sentences(ofUpdate update: Int) -> [Int] {
    let (epoch, place) = (update / updatesPerEpoch, update % updatesPerEpoch)
    return plan.withLock { plan in
      if plan.epoch != epoch { plan = (epoch, makeBatches(epoch)) }
      return plan.batches[place]
    }
  }

  private func makeBatches(_ epoch: Int) -> [[Int]] {
    let shuffled = order.permutation(of: training.sentences.count, step: 2 * epoch)
    // Sorted within stretches of 32 batches: alike in length, and yet never the same together.
    var batches: [[Int]] = []
    for start in stride(from: 0, to: shuffled.count, by: 32 * batch) {
      let part = shuffled[start..<min(start + 32 * batch, shuffled.count)].sorted {
        (training.sentences[$1].count, $0) < (training.sentences[$0].count, $1)
      }
      for first in stride(from: 0, to: part.count, by: batch) {
        batches.append(Array(part[first..<min(first + batch, part.count)]))
      }
    }
    return order.permutation(of: batches.count, step: 2 * epoch + 1).map { batches[$0] }
  }

  func run(shard: Int, update: Int, on workspace: Workspace<Float>) -> Double {
    let all = sentences(ofUpdate: update)
    let words = all.reduce(0) { $0 + training.sentences[$1].count }
    // Every shardCount-th sentence, so that all shards have long and short ones.
    let numbers = stride(from: shard, to: all.count, by: shardCount).map { all[$0] }
    guard !numbers.isEmpty, words > 0 else { return 0 }
    let batch = network.batch(numbers, of: training, starts: starts, on: workspace) {
      number, step, word in
      guard wordDropout > 0 else { return false }
      let share = wordDropout / (wordDropout + Double(counts[Int(word)]))
      return unknown.uniform(step: update, index: starts[number] + step) < share
    }
    var targets = [Int](repeating: 0, count: batch.shape.total)
    for (row, rows) in batch.shape.sequences.enumerated() {
      for (step, place) in rows.enumerated() { targets[place] = training.tags[numbers[row]][step] }
    }
    let scale = 1 / Double(words)
    // Shards are far apart in the numbers of the masks, whatever their sizes.
    let lanes = Dropout.Masks(masks, step: update, firstLane: shard << 16)
    return scale
      * network.lossAndGradients(
        batch, tags: targets, masks: lanes, scale: scale, on: workspace)
  }

  func validate(
    _ parameters: Parameters<Float>, packed: PackedWeights<Float>, on shards: Shards
  ) -> Double? {
    guard let development else { return nil }
    let chain = network.crf.chain(of: parameters)
    let scores = network.scores(of: development, parameters, packed: packed, on: shards)
    var found = [[String]](repeating: [], count: scores.count)
    shards.forEach(&found) { number, result in
      result = chain.best(scores[number]).map { tags[$0] }
    }
    var score = SpanScore()
    for (right, found) in zip(developmentTags, found) { score.add(right: right, found: found) }
    return 1 - score.metric
  }

  /// What scores are to be divided by so that probabilities on the development data are honest.
  ///
  /// That is the temperature under which the right tags are likeliest: C. Guo et al., "On
  /// calibration of modern neural networks" (ICML 2017). 1 without development data.
  func temperature(_ parameters: Parameters<Float>) -> Double {
    guard let development else { return 1 }
    let shards = Shards()
    let packed = PackedWeights<Float>(network.layout, forTraining: false)
    packed.load(parameters, on: shards)
    let chain = network.crf.chain(of: parameters)
    let scores = network.scores(of: development, parameters, packed: packed, on: shards)
    // A sentence with a tag never seen in training has no probability at any temperature.
    // One number is well known after some hundred sentences.
    let known = scores.indices.filter {
      !scores[$0].isEmpty && !development.tags[$0].contains(-1)
    }.prefix(500)
    guard !known.isEmpty else { return 1 }
    func loss(_ heat: Double) -> Double {
      let heated = LinearChain(
        start: chain.start.map { $0 / heat }, transitions: chain.transitions.map { $0 / heat },
        end: chain.end.map { $0 / heat })
      var losses = [Double](repeating: 0, count: known.count)
      shards.forEach(&losses) { place, loss in
        let number = known[known.startIndex + place]
        let cooled = scores[number].map { $0 / heat }
        loss =
          heated.sums(cooled).logPartition - heated.score(of: development.tags[number], cooled)
      }
      return losses.reduce(0, +)
    }
    // Golden-section search over the logarithm of the temperature, from 1/4 to 8.
    var (low, high) = (-1.386, 2.079)
    let ratio = 0.381966
    for _ in 0..<10 {
      let (left, right) = (low + ratio * (high - low), high - ratio * (high - low))
      if loss(exp(left)) < loss(exp(right)) { high = right } else { low = left }
    }
    return exp((low + high) / 2)
  }
}
