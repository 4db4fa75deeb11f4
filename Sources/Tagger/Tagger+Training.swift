internal import Cells
public import DenseMath
public import Files
internal import Glibc
internal import ICUText
internal import Layers
public import Parameters
public import Training

extension Tagger {
  /// The batch of the recipe, in two shards.
  public static func resolve(_ options: inout TrainingOptions, for data: TaggedCorpus) {
    let batch = options.batch ?? batch(for: data)
    options.batch = batch
    options.shards = options.shards ?? min(2, batch)
  }

  /// Throws `TrainingError.data` where there is no sentence, `TaggerError.unlikeTags` where tags of
  /// spans meet tags of words.
  public func check(_ data: TaggedCorpus, validation: TaggedCorpus?) throws {
    guard !data.sentences.isEmpty else {
      throw TrainingError.data("there is no sentence to train on")
    }
    if let validation, validation.hasSpans != data.hasSpans {
      throw TaggerError.unlikeTags(trainingHasSpans: data.hasSpans)
    }
  }

  /// Sentences in batches of like length; without other data, a part of them is kept for validation.
  ///
  /// So that words of that part are as unknown to the tagger as new ones, it may be made for the rest
  /// alone: for `TaggedCorpus.split(keeping:).training`.
  ///
  /// Throws `TextError` where ICU cannot fold a word.
  public func makeTask(
    on data: TaggedCorpus, validation: TaggedCorpus?, _ options: TrainingOptions,
    _ shards: Shards
  ) throws -> SentenceTask {
    var (training, validation, notes) = (data, validation, [String]())
    if validation == nil, options.validation > 0 {
      let parts = data.split(keeping: options.validation)
      if parts.kept.sentences.isEmpty {
        notes.append(
          "\(counted(data.sentences.count, "sentence")) are too few to keep some for validation: the "
            + "last epoch is taken, not the best")
      } else {
        (training, validation) = parts
      }
    }
    return SentenceTask(
      network, lexicon: lexicon, metric: Self.metric(for: core.parts), corpus: training,
      training: try encode(training, threads: shards.threads),
      development: try validation.map { try encode($0, threads: shards.threads) },
      developmentTags: validation?.sentences.map(\.tags) ?? [], options, notes: notes)
  }

  /// Calibrates the probabilities on the development data.
  public mutating func finishTraining(_ task: SentenceTask, _ shards: Shards) {
    core.changeParts { [workspaces = core.workspaces] in
      $0.temperature = task.temperature(on: workspaces, shards)
    }
  }

  /// How well the tagger does on data.
  ///
  /// `progress` is told what fraction is tagged. Throws `TextError` where ICU cannot fold a word, and
  /// `TaggerError.overflow` where the weights give no numbers.
  public func evaluate(
    on corpus: TaggedCorpus, threads: Int? = nil, progress: (@Sendable (Double) -> Void)? = nil
  ) throws -> SpanScore {
    var score = SpanScore()
    let found = try tag(corpus.sentences.map(\.words), threads: threads, progress: progress)
    for (sentence, tagging) in zip(corpus.sentences, found) {
      guard tagging.confidences.allSatisfy(\.isFinite) else { throw TaggerError.overflow }
      score.add(right: sentence.tags, found: tagging.tags)
    }
    return score
  }

  /// How well the tagger cuts and tags the text of the data, given as one that nobody has cut.
  ///
  /// Where the data do not say how they stood in text, the spaces between their words are guessed.
  /// `progress` is told what fraction is tagged. Throws `TextError` where ICU cannot cut it, and
  /// `TaggerError.overflow` where the weights give no numbers.
  public func evaluateRaw(
    on corpus: TaggedCorpus, threads: Int? = nil, progress: (@Sendable (Double) -> Void)? = nil
  ) throws -> RawScore {
    var (right, found) = (RawScore.Side(), RawScore.Side())
    var corpus = corpus
    if !corpus.hasRunningText {
      for place in corpus.sentences.indices {
        var running = RunningText(guessing: corpus.sentences[place].words)
        // Sentences of such data need not follow each other: each is a text of its own.
        running.beginsParagraph = true
        corpus.sentences[place].running = running
      }
    }
    for sentence in corpus.sentences {
      let running = sentence.running ?? RunningText(separate: sentence.words)
      right.add(words: sentence.words, tags: sentence.tags, tokens: running.tokens)
    }
    let sentences = try cut(corpus.paragraphs.map(\.text), threads: threads).joined()
    let taggings = try tag(
      sentences.map { $0.words.map(\.text) }, threads: threads, progress: progress)
    for (sentence, tagging) in zip(sentences, taggings) {
      guard tagging.confidences.allSatisfy(\.isFinite) else { throw TaggerError.overflow }
      found.add(words: sentence.words.map(\.text), tags: tagging.tags, tokens: sentence.tokens)
    }
    return try RawScore(right: right, found: found)
  }

  /// Sentences as the network takes them in; tags that the lexicon lacks become -1.
  func encode(_ corpus: TaggedCorpus, threads: Int? = nil) throws(TextError) -> SentenceData {
    let encoder = try WordEncoder(ids)
    let tagIDs = Dictionary(uniqueKeysWithValues: zip(lexicon.tags, 0...))
    var data = SentenceData(
      surfaces: [], sentences: [], tags: [], features: [], featureSize: core.parts.featureSize)
    for sentence in corpus.sentences {
      var row: [Int32] = []
      for word in sentence.words { row.append(try encoder.place(of: word)) }
      data.sentences.append(row)
      data.tags.append(sentence.tags.map { tagIDs[$0] ?? -1 })
    }
    data.surfaces = encoder.surfaces
    data.features = try features(of: corpus.sentences.map(\.words), threads: threads)
    return data
  }
}

/// Batches of sentences of like length, in an order of their own in every epoch.
public final class SentenceTask: TrainingTask {
  private let network: TaggerNetwork
  private let tags: [String]
  private let metric: Metric
  private let corpus: TaggedCorpus
  private let training: SentenceData
  private let starts: [Int]
  private let development: SentenceData?
  private let developmentTags: [[String]]
  private let wordDropout: Double
  private let counts: [Int]
  private let masks, unknown: CounterRandom
  private let batches: BucketedBatches
  /// Why nothing is kept for validation, where that is so.
  public let notes: [String]

  init(
    _ network: TaggerNetwork, lexicon: Lexicon, metric: Metric, corpus: TaggedCorpus,
    training: SentenceData, development: SentenceData?, developmentTags: [[String]],
    _ options: TrainingOptions, notes: [String] = []
  ) {
    self.notes = notes
    self.network = network
    self.metric = metric
    self.corpus = corpus
    tags = lexicon.tags
    counts = lexicon.counts
    self.training = training
    starts = training.starts
    self.development = development
    self.developmentTags = developmentTags
    wordDropout = network.configuration.wordDropout
    masks = CounterRandom(seed: options.seed, stream: .dropout)
    unknown = CounterRandom(seed: options.seed, stream: .words)
    batches = BucketedBatches(
      lengths: training.sentences.map(\.count), batch: options.batch ?? 1,
      shards: options.shards ?? 1, sortedWithin: 32, seed: options.seed)
  }

  /// The weights' names and shapes.
  public var layout: ParameterLayout { network.layout }
  /// Those of the batches.
  public var shardCount: Int { batches.shardCount }
  /// The batches of an epoch.
  public var updatesPerEpoch: Int { batches.batchesPerEpoch }
  /// The mean number of words of a batch.
  public var tokensPerUpdate: Int { max(1, (starts.last ?? 0) / updatesPerEpoch) }
  /// The one with the most words.
  public var largestUpdate: Int {
    batches.largestUpdate { training.sentences[$0].count }
  }
  /// Words.
  public var unit: String { "word" }
  /// The sentences to train on.
  public var trainingSize: DataSize {
    DataSize("sentence", examples: training.sentences.count, tokens: starts.last ?? 0)
  }
  /// The sentences to choose by.
  public var validationSize: DataSize {
    DataSize(
      "sentence", examples: development?.sentences.count ?? 0,
      tokens: development?.starts.last ?? 0)
  }

  /// What tells these sentences, and those to choose by, from others.
  public var fingerprint: Fingerprint {
    var fingerprint = Fingerprint()
    for sentence in corpus.sentences {
      for (word, tag) in zip(sentence.words, sentence.tags) {
        fingerprint.add(word)
        fingerprint.add(tag)
      }
    }
    for sentence in development?.sentences ?? [] { fingerprint.add(sentence) }
    for tag in developmentTags.joined() { fingerprint.add(tag) }
    return fingerprint
  }

  /// Runs the sentences of a shard forward and back.
  public func run(shard: Int, update: Int, on workspace: Workspace<Float>) -> Double {
    let all = batches.examples(ofUpdate: update)
    let words = all.reduce(0) { $0 + training.sentences[$1].count }
    let mine = batches.part(shard, of: all)
    guard !mine.isEmpty, words > 0 else { return 0 }
    let batch = network.batch(mine, of: training, starts: starts, on: workspace) {
      sentence, step, word in
      guard wordDropout > 0 else { return false }
      let probability = wordDropout / (wordDropout + Double(counts[Int(word)]))
      return unknown.uniform(step: update, index: starts[sentence] + step) < probability
    }
    var targets = [Int](repeating: 0, count: batch.shape.total)
    for (row, rows) in batch.shape.sequences.enumerated() {
      for (step, place) in rows.enumerated() { targets[place] = training.tags[mine[row]][step] }
    }
    let scale = 1 / Double(words)
    // Shards are far apart in the rows of the masks, whatever their sizes.
    let lanes = Dropout.Masks(masks, step: update, firstLane: shard << 16)
    return scale
      * network.lossAndGradients(
        batch, tags: targets, masks: lanes, scale: scale, on: workspace)
  }

  /// F1 or accuracy on the development data.
  public func validate(on pool: WorkspacePool<Float>, _ shards: Shards) -> Validation? {
    guard let development else { return nil }
    let batches = development.batches
    let found = bestTags(of: batches[...], of: development, on: pool, shards)
    return validation(found, of: batches, of: development)
  }

  /// The same, the batches shared out.
  public func validate(
    on pool: WorkspacePool<Float>, _ shards: Shards, sharedBy group: any ProcessGroup
  ) throws -> Validation? {
    guard let development else { return nil }
    let batches = development.batches
    let found = try group.shared(batches.count) {
      bestTags(of: batches[$0], of: development, on: pool, shards).map(Double.init)
    }
    return validation(found.map { Int($0) }, of: batches, of: development)
  }

  /// The numbers of the likeliest tags, of some batches word by word.
  private func bestTags(
    of batches: ArraySlice<[Int]>, of data: SentenceData, on pool: WorkspacePool<Float>,
    _ shards: Shards
  ) -> [Int] {
    let chain = network.crf.chain(of: pool.parameters)
    let scores = Array(network.scores(of: batches, of: data, on: pool, shards).joined())
    var found = [[Int]](repeating: [], count: scores.count)
    shards.forEach(&found) { place, result in result = chain.best(scores[place]) }
    return Array(found.joined())
  }

  /// The score of the tags of all batches.
  private func validation(
    _ found: [Int], of batches: [[Int]], of data: SentenceData
  ) -> Validation {
    var bySentence = [ArraySlice<Int>](repeating: [], count: data.sentences.count)
    var rest = found[...]
    for sentence in batches.joined() {
      let count = data.sentences[sentence].count
      bySentence[sentence] = rest.prefix(count)
      rest = rest.dropFirst(count)
    }
    var score = SpanScore()
    for (right, found) in zip(developmentTags, bySentence) {
      score.add(right: right, found: found.map { tags[$0] })
    }
    return Validation(score.metric, metric)
  }

  /// What scores are to be divided by so that probabilities on the development data are honest.
  ///
  /// That is the temperature under which the right tags are likeliest: C. Guo et al., "On
  /// calibration of modern neural networks" (ICML 2017). 1 without development data.
  func temperature(on pool: WorkspacePool<Float>, _ shards: Shards) -> Double {
    guard let development else { return 1 }
    let chain = network.crf.chain(of: pool.parameters)
    let scores = network.scores(of: development, on: pool, shards)
    // A sentence with a tag never seen in training has no probability at any temperature.
    // One number is well known after some hundred sentences.
    let known = scores.indices.filter {
      !scores[$0].isEmpty && !development.tags[$0].contains(-1)
    }.prefix(500)
    guard !known.isEmpty else { return 1 }
    func loss(_ temperature: Double) -> Double {
      let cooled = chain.divided(by: temperature)
      var losses = [Double](repeating: 0, count: known.count)
      shards.forEach(&losses) { place, loss in
        let sentence = known[known.startIndex + place]
        let own = scores[sentence].map { $0 / temperature }
        loss = cooled.sums(own).logPartition - cooled.score(of: development.tags[sentence], own)
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
