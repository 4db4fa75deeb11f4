internal import Parameters

/// The card of a file of format 1, of any kind of model: its fields as far as they are still known.
///
/// What changed behaviour there (a tagger's locale and temperature) is read by the model itself.
struct Version1Card: Decodable {
  struct Record: Decodable {
    var updates: Int?
    var bestUpdate: Int?
    var bestLoss: Double?
  }

  struct Plan: Decodable {
    var budget: TrainingBudget?
    var rate, finalRate, weightDecay, clip: Double?
    var warmUp, patience, validateEvery: Int?
    var seed: UInt64?
    var rule: OptimizerRule?
  }

  struct Lanes: Decodable {
    var batch, steps, shards: Int?
    var validation: Double?
  }

  var corpus: [String]?
  var trainingSymbols, validationSymbols: Int?
  var trainingSentences, trainingWords, validationSentences: Int?
  var trainingPairs, validationPairs: Int?
  var batch: Int?
  var record: Record?
  var plan: Plan?
  var lanes: Lanes?
}

extension ModelCard {
  /// The card of a file of format 1; `metric` is what the kind of model validates by.
  ///
  /// Losses of metrics that are to be raised were kept as 1 less the metric.
  init(_ old: Version1Card, metric: Metric, defaults: TrainingOptions) {
    self.init()
    data = old.corpus ?? []
    if let words = old.trainingWords {
      training = DataSize("sentence", examples: old.trainingSentences ?? 0, tokens: words)
      validation = DataSize("sentence", examples: old.validationSentences ?? 0)
    } else if let pairs = old.trainingPairs {
      training = DataSize("pair", examples: pairs)
      validation = DataSize("pair", examples: old.validationPairs ?? 0)
    } else {
      training = DataSize(tokens: old.trainingSymbols ?? 0)
      validation = DataSize(tokens: old.validationSymbols ?? 0)
    }
    updates = max(0, old.record?.updates ?? 0)
    bestUpdate = max(0, old.record?.bestUpdate ?? 0)
    best = old.record?.bestLoss.map {
      Validation(metric.direction == .lower ? $0 : 1 - $0, metric)
    }
    guard let plan = old.plan else { return }
    var options = defaults
    options.budget = plan.budget ?? options.budget
    options.rate = plan.rate ?? options.rate
    options.finalRate = plan.finalRate ?? options.finalRate
    options.weightDecay = plan.weightDecay ?? options.weightDecay
    options.clip = plan.clip ?? options.clip
    options.warmUp = plan.warmUp ?? options.warmUp
    options.patience = plan.patience ?? options.patience
    options.validateEvery = plan.validateEvery ?? options.validateEvery
    options.seed = plan.seed ?? options.seed
    if case .momentum(let momentum) = plan.rule {
      options.optimizer = .sgd
      options.momentum = momentum
    }
    options.batch = old.batch ?? old.lanes?.batch
    options.shards = old.lanes?.shards
    options.steps = old.lanes?.steps ?? options.steps
    options.validation = old.lanes?.validation ?? options.validation
    // Provenance that is out of its range says nothing that could be relied on.
    self.options = (try? options.validate()) == nil ? nil : options
  }
}
