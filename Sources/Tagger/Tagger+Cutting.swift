internal import DenseMath
public import Training

extension Tagger {
  /// Learns to cut running text, where the data say how theirs stood; a run that goes on takes what it has learnt.
  public mutating func learnParts(
    on data: TaggedCorpus, _ options: TrainingOptions, _ run: TrainingRun,
    report: (TrainingEvent) throws -> Void
  ) throws {
    guard core.parts.splitter == nil, data.sentences.count >= Splitter.fewestSentences,
      data.hasRunningText
    else { return }
    let paragraphs = data.paragraphsToLearn
    var splitter = try Splitter(
      on: paragraphs, locale: core.parts.locale, seed: options.seed)
    let own = Splitter.options(for: paragraphs, within: options)
    if let files = run.files, files.resumes,
      let learnt = (try? Tagger(contentsOf: files.model))?.core.parts.splitter,
      try learnt.isLearnt(from: paragraphs, by: splitter, own)
    {
      core.changeParts { $0.splitter = learnt }
      return
    }
    let end = try splitter.train(
      on: paragraphs, options: own,
      run: TrainingRun(threads: run.threads, isStopped: run.isStopped)
    ) { event in
      guard case .update(let progress) = event else { return }
      try report(.preparing("learning to cut text", progress))
    }
    // What was not learnt to its end is no good, and is learnt anew where the run goes on.
    guard end != .interrupted else { return }
    core.changeParts { $0.splitter = splitter }
  }
}

extension Splitter {
  /// Whether it has come of these paragraphs as `fresh` would with such options, however long it took.
  fileprivate func isLearnt(
    from paragraphs: [CutParagraph], by fresh: Splitter, _ options: TrainingOptions
  ) throws -> Bool {
    let task = try fresh.makeTask(on: paragraphs, validation: nil, options, Shards(threads: 1))
    let card = core.card
    return card.fingerprint == task.fingerprint.description && card.options?.seed == options.seed
      && card.options?.batch == options.batch && card.options?.shards == options.shards
  }

  /// Of fewer sentences a network learns less than the rules know.
  static let fewestSentences = 200

  /// How a splitter is trained on paragraphs that a tagger is trained on: some times through them, the
  /// more often the fewer they are, and where the whole has its time, for a part of it.
  static func options(
    for paragraphs: [CutParagraph], within options: TrainingOptions
  ) -> TrainingOptions {
    var own = defaultOptions
    (own.seed, own.precision) = (options.seed, options.precision)
    let bytes = paragraphs.reduce(0) { $0 + $1.text.utf8.count }
    // Enough updates of a small corpus, and few enough of a large one.
    own.batch = max(4, min(8, bytes / 6000))
    let epochs = max(3, min(30, 12_000_000 / Double(max(1, bytes))))
    own.budget = .epochs(epochs)
    if case .minutes(let minutes) = options.budget {
      // As fast as one slow core is.
      let needed = epochs * Double(bytes) / 60_000 / 60
      if needed > 0.15 * minutes { own.budget = .minutes(0.15 * minutes) }
    }
    return own
  }
}
