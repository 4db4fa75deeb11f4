internal import Cells
public import DenseMath
public import Files
public import ICUText
public import Parameters
public import Training

extension Translator {
  /// 64 pairs an update.
  public static func resolve(_ options: inout TrainingOptions, for data: ParallelCorpus) {
    let batch = options.batch ?? 64
    options.batch = batch
    options.shards = options.shards ?? min(2, batch)
  }

  /// Pairs in batches of like length; without other data, a part of them is kept for validation.
  ///
  /// Throws `TrainingError.data` where no pair is short enough, `TextError` where ICU cannot cut a
  /// sentence.
  public func makeTask(
    on data: ParallelCorpus, validation: ParallelCorpus?, _ options: TrainingOptions,
    _ shards: Shards
  ) throws -> PairTask {
    var (training, kept) = (data, validation)
    if kept == nil, options.validation > 0 {
      (training, kept) = data.split(keeping: options.validation)
    }
    let short = try encode(training).filter {
      max($0.source.count, $0.target.count) <= options.maxLength + 1
    }
    guard !short.isEmpty else {
      throw TrainingError.data(
        "no pair has at most \(options.maxLength) tokens on both sides: allow longer ones")
    }
    let all = try kept.map { try encode($0) } ?? []
    let sentences = all.filter { max($0.source.count, $0.target.count) <= Self.maxPairLength }
    return PairTask(
      self, training: short, validation: sentences, options,
      notes: [
        (training.pairs.count - short.count, "more than \(options.maxLength) tokens on a side"),
        (
          all.count - sentences.count,
          "more than \(Self.maxPairLength) tokens on a side, for validation,"
        ),
        (data.skipped, "an empty side"),
      ].filter { $0.0 > 0 }.map { "\(counted($0.0, "pair")) with \($0.1) left out" })
  }

  /// Remembers how long a translation may be: as long as any that training showed.
  public mutating func finishTraining(_ task: PairTask, _ shards: Shards) {
    core.changeParts { $0.longestTarget = max($0.longestTarget, task.longestTarget) }
  }

  /// The loss of a text's target tokens, the end of each sentence among them, in nats a token.
  ///
  /// Throws `TextError` where ICU cannot cut a sentence, and for one that is none by its length.
  public func loss(on corpus: ParallelCorpus, threads: Int? = nil) throws(TextError) -> Double {
    let pairs = try encode(corpus)
    for (pair, text) in zip(pairs, corpus.pairs) {
      try Self.demandSentence(text.source, of: pair.source.count, upTo: Self.maxPairLength)
      try Self.demandSentence(text.target, of: pair.target.count, upTo: Self.maxPairLength)
    }
    return PairTask.loss(
      pairs, network, begin: targetBegin, on: core.workspaces, Shards(threads: threads))
  }

  /// Pairs as the network takes them in, each side with its end.
  func encode(_ corpus: ParallelCorpus) throws(TextError) -> [PairTask.Pair] {
    var pairs: [PairTask.Pair] = []
    pairs.reserveCapacity(corpus.pairs.count)
    for pair in corpus.pairs {
      pairs.append(
        PairTask.Pair(
          source: asRead(try sourceCode.ids(of: pair.source)),
          target: try targetCode.ids(of: pair.target) + [targetEnd]))
    }
    return pairs
  }
}

/// Batches of pairs of like length, in an order of their own in every epoch.
public final class PairTask: TrainingTask {
  /// The ids of a pair, with their ends.
  struct Pair: Sendable {
    let source, target: [Int32]
  }

  private let network: TranslatorNetwork
  private let training, validation: [Pair]
  private let begin: Int32
  private let unknown: (source: Int32, target: Int32)
  private let masks, words: CounterRandom
  private let batches: BucketedBatches
  /// Which pairs are left out.
  public let notes: [String]
  /// The mean number of target tokens of a batch.
  public let tokensPerUpdate: Int

  init(
    _ translator: Translator, training: [Pair], validation: [Pair], _ options: TrainingOptions,
    notes: [String] = []
  ) {
    self.notes = notes
    network = translator.network
    begin = translator.targetBegin
    unknown = (translator.sourceUnknown, translator.targetUnknown)
    self.training = training
    self.validation = validation
    let batch = options.batch ?? 1
    masks = CounterRandom(seed: options.seed, stream: .dropout)
    words = CounterRandom(seed: options.seed, stream: .words)
    batches = BucketedBatches(
      lengths: training.map { $0.target.count << 20 | $0.source.count << 8 }, batch: batch,
      shards: options.shards ?? 1, sortedWithin: 64, seed: options.seed)
    tokensPerUpdate = max(
      1, Self.targetTokens(training) * min(batch, training.count) / training.count)
  }

  /// The most tokens of a target, its end included.
  var longestTarget: Int { training.reduce(0) { max($0, $1.target.count) } }

  private static func targetTokens(_ pairs: [Pair]) -> Int {
    pairs.reduce(0) { $0 + $1.target.count }
  }

  /// The weights' names and shapes.
  public var layout: ParameterLayout { network.layout }
  /// Those of the batches.
  public var shardCount: Int { batches.shardCount }
  /// The batches of an epoch.
  public var updatesPerEpoch: Int { batches.batchesPerEpoch }
  /// The one with the most tokens.
  public var largestUpdate: Int {
    batches.largestUpdate { training[$0].source.count + training[$0].target.count }
  }
  /// The pairs to train on, by the tokens written.
  public var trainingSize: DataSize {
    DataSize("pair", examples: training.count, tokens: Self.targetTokens(training))
  }
  /// The pairs to choose by.
  public var validationSize: DataSize {
    DataSize("pair", examples: validation.count, tokens: Self.targetTokens(validation))
  }

  /// What tells these pairs, and those to choose by, from others.
  public var fingerprint: Fingerprint {
    var fingerprint = Fingerprint()
    for pair in training + validation {
      fingerprint.add(pair.source)
      fingerprint.add(pair.target)
    }
    return fingerprint
  }

  private static func pairs(_ pairs: [Pair], begin: Int32) -> TranslatorNetwork.Pairs {
    TranslatorNetwork.Pairs(
      sources: pairs.map(\.source), inputs: pairs.map { [begin] + $0.target.dropLast() },
      targets: pairs.map(\.target))
  }

  /// Pairs as training reads them: some tokens as unknown ones, but neither ends nor targets.
  func pairs(of examples: [Int], update: Int) -> TranslatorNetwork.Pairs {
    let whole = Self.pairs(examples.map { training[$0] }, begin: begin)
    let probability = network.configuration.wordDropout
    guard probability > 0 else { return whole }
    func read(
      _ sentences: [[Int32]], _ places: (Int) -> Range<Int>, as unknown: Int32, side: Int
    ) -> [[Int32]] {
      zip(examples, sentences).map { example, sentence in
        var sentence = sentence
        for place in places(sentence.count) {
          let index = example << 32 | side << 31 | place
          if words.uniform(step: update, index: index) < probability { sentence[place] = unknown }
        }
        return sentence
      }
    }
    return TranslatorNetwork.Pairs(
      sources: read(whole.sources, { 0..<$0 - 1 }, as: unknown.source, side: 0),
      inputs: read(whole.inputs, { 1..<$0 }, as: unknown.target, side: 1),
      targets: whole.targets)
  }

  /// Runs the pairs of a shard forward and back.
  public func run(shard: Int, update: Int, on workspace: Workspace<Float>) -> Double {
    let all = batches.examples(ofUpdate: update)
    let tokens = all.reduce(0) { $0 + training[$1].target.count }
    let mine = batches.part(shard, of: all)
    guard !mine.isEmpty, tokens > 0 else { return 0 }
    let scale = 1 / Double(tokens)
    // Encoder and decoder, and the shards, are far apart in the rows of the masks.
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

  /// The mean loss of the kept pairs' target tokens.
  public func validate(on pool: WorkspacePool<Float>, _ shards: Shards) -> Validation? {
    guard !validation.isEmpty else { return nil }
    return Validation(
      Self.loss(validation, network, begin: begin, on: pool, shards), .crossEntropy)
  }

  /// The same, the batches shared out.
  public func validate(
    on pool: WorkspacePool<Float>, _ shards: Shards, sharedBy group: any ProcessGroup
  ) throws -> Validation? {
    guard !validation.isEmpty else { return nil }
    let batches = Self.batches(of: validation)
    let losses = try group.shared(batches.count) {
      Self.losses(batches[$0], network, begin: begin, on: pool, shards)
    }
    return Validation(Self.mean(losses, of: validation), .crossEntropy)
  }

  /// The mean loss of a target token, in nats.
  static func loss(
    _ pairs: [Pair], _ network: TranslatorNetwork, begin: Int32,
    on pool: WorkspacePool<Float>, _ shards: Shards
  ) -> Double {
    mean(
      losses(batches(of: pairs)[...], network, begin: begin, on: pool, shards), of: pairs)
  }

  private static func batches(of pairs: [Pair]) -> [[Pair]] {
    BucketedBatches.byLength(pairs.map(\.target.count), maxExamples: 64).flatMap { numbers in
      var parts: [[Pair]] = []
      var tokens = 0
      for pair in numbers.map({ pairs[$0] }) {
        let more = pair.source.count + pair.target.count
        if parts.isEmpty || tokens + more > mostTokens { (tokens, parts) = (0, parts + [[]]) }
        tokens += more
        parts[parts.count - 1].append(pair)
      }
      return parts
    }
  }

  /// The most tokens of both sides of several pairs that are scored at once: that is memory.
  private static let mostTokens = 32_768

  /// The loss of each batch, its tokens added up.
  private static func losses(
    _ batches: ArraySlice<[Pair]>, _ network: TranslatorNetwork, begin: Int32,
    on pool: WorkspacePool<Float>, _ shards: Shards
  ) -> [Double] {
    shards.map(batches.count, on: pool) { place, workspace in
      var smoothed = 0.0
      return network.loss(
        Self.pairs(batches[batches.startIndex + place], begin: begin), scale: 1,
        withGradients: false, smoothed: &smoothed, on: workspace)
    }
  }

  private static func mean(_ losses: [Double], of pairs: [Pair]) -> Double {
    losses.reduce(0, +) / Double(max(1, targetTokens(pairs)))
  }
}
