internal import DenseMath
public import Parameters

/// How long training lasts.
public enum TrainingBudget: Codable, Sendable, Equatable {
  /// This many changes of the weights.
  case updates(Int)
  /// This many times through the training part of the data.
  case epochs(Double)
  /// This long by the clock, over all resumed runs together.
  case minutes(Double)
}

/// The rules of updates by the names that options and files use.
public enum OptimizerName: String, Codable, Sendable, CaseIterable {
  /// Adam with decoupled weight decay.
  case adamW = "adamw"
  /// Stochastic gradient descent with momentum.
  case sgd
}

/// The precision of matrix products in training; sums, weights and moments are Float in all.
public enum TrainingPrecision: String, Codable, Sendable, CaseIterable {
  /// bfloat16 where the CPU multiplies in it, else Float.
  case auto
  /// 32-bit floating point.
  case float32 = "f32"
  /// bfloat16 factors.
  case bfloat16 = "bf16"

  /// What `auto` is on this CPU; the others are themselves.
  public var resolved: TrainingPrecision {
    guard self == .auto else { return self }
    return ProductPrecision.bfloat16.isInHardware ? .bfloat16 : .float32
  }

  /// What products are told.
  var products: ProductPrecision { resolved == .bfloat16 ? .bfloat16 : .float32 }
}

/// How a model is trained, whatever its kind: all that decides the result besides model and data.
///
/// What a command line sets, a file keeps and a library user writes are this same struct. What is
/// left open (`batch`, `shards`) is chosen by the model's recipe before training begins, and files
/// keep what was chosen. What does not change the result (threads, where files are kept) is in
/// `TrainingRun`.
public struct TrainingOptions: HyperparameterSet {
  /// How long.
  public var budget = TrainingBudget.epochs(10)
  /// The highest learning rate.
  public var rate = 3e-3
  /// The updates over which the rate rises to its highest.
  public var warmUp = 100
  /// The fraction of the highest rate that is left at the end of the cosine.
  public var finalRate = 0.02
  /// The rule of the updates.
  public var optimizer = OptimizerName.adamW
  /// The momentum of stochastic gradient descent.
  public var momentum = 0.9
  /// The weight decay, on matrices only.
  public var weightDecay = 0.1
  /// The largest norm of a gradient: longer ones are shortened to it.
  public var clip = 1.0
  /// Training ends after this many validations in a row without a better one; 0 for never.
  public var patience = 10
  /// Of about how many validations the weights are averaged: the average is validated, too, and the better of
  /// the two counts; 1 for no average.
  ///
  /// At each validation it moves towards the weights by one part in so many: an exponential moving average (Polyak and
  /// Juditsky, SIAM J. Control Optim. 30, 1992, have the plain mean).
  public var average = 1
  /// The updates between validations; 0 leaves it to the model.
  public var validateEvery = 0
  /// The seed of masks and order, and of fresh weights where the tool makes them.
  public var seed: UInt64 = 1
  /// The lanes or examples of an update; nil leaves it to the model's recipe.
  public var batch: Int?
  /// The parts that a batch is cut into; results depend on it, but not on the number of threads.
  public var shards: Int?
  /// The tokens of a lane in one update: the length of truncated backpropagation through time.
  public var steps = 128
  /// The fraction of the data that is kept for validation where no other data are given.
  public var validation = 0.1
  /// Examples with more tokens on a side are left out of training.
  public var maxLength = 200
  /// The precision of matrix products; `auto` becomes what the CPU is fast in before training begins.
  public var precision = TrainingPrecision.float32
  /// The precision in which the gradients of shards are summed and travel; it changes results.
  public var gradientPrecision = GradientPrecision.float32

  /// The defaults, but for those that a model changes.
  public init() {}

  /// The rule of the updates with its constants.
  public var rule: OptimizerRule { optimizer == .adamW ? .adamW() : .momentum(momentum) }

  /// The learning rate of an update, at a point from 0 to 1 of the budget.
  ///
  /// It rises in a line over the warm-up and falls in a half cosine (Loshchilov and Hutter, SGDR,
  /// ICLR 2017).
  public func rate(update: Int, progress: Double) -> Double {
    let rise = min(1, Double(update + 1) / Double(max(1, warmUp)))
    let fall = finalRate + (1 - finalRate) * (1 + cosine(.pi * min(1, max(0, progress)))) / 2
    return rate * rise * fall
  }
}

extension TrainingOptions {
  /// The rows that every model has; those of one kind of model alone are with that model.
  public static let hyperparameters: [Hyperparameter<TrainingOptions>] =
    budgetRows + rateRows + stopRows + batchRows

  private static let rateRows: [Hyperparameter<TrainingOptions>] = [
    .number("rate", \.rate, in: 1e-9...10, "R", "Highest learning rate", .optimization),
    .integer(
      "warm-up", \.warmUp, in: 0...Int.max, "Updates until the highest rate", .optimization,
      formerly: "warmUp"),
    .number(
      "final-rate", \.finalRate, in: 0...1, "F",
      "Fraction of the rate that is left at the end", .optimization, formerly: "finalRate"),
    .choice("optimizer", \.optimizer, "RULE", "Rule of the updates", .optimization),
    .number("momentum", \.momentum, in: 0...0.9999, "M", "Momentum of sgd", .optimization),
    .number(
      "weight-decay", \.weightDecay, in: 0...10, "D", "Weight decay", .optimization,
      formerly: "weightDecay"),
  ]

  private static let stopRows: [Hyperparameter<TrainingOptions>] = [
    .number(
      "clip", \.clip, in: 1e-9...Double.greatestFiniteMagnitude, "NORM",
      "Largest norm of a gradient", .optimization),
    .integer(
      "patience", \.patience, in: 0...Int.max,
      "Stop after N validations without gain, 0: never", .optimization),
    .integer(
      "average", \.average, in: 1...1000,
      "Validate also the average of the weights of N validations, 1: none", .optimization),
    Hyperparameter(
      "validate-every", .integer(0...Int.max), "N", "Updates between validations", .optimization,
      formerName: "validateEvery", automatic: "by size",
      read: { $0.validateEvery > 0 ? .integer($0.validateEvery) : nil },
      write: { if case .integer(let value) = $1 { $0.validateEvery = value } }),
    Hyperparameter(
      "seed", .integer(0...Int.max), "S", "Seed", .optimization,
      read: { .integer(Int(clamping: $0.seed)) },
      write: { if case .integer(let value) = $1 { $0.seed = UInt64(value) } }),
  ]

  private static let batchRows: [Hyperparameter<TrainingOptions>] = [
    .optionalInteger(
      "batch", \.batch, in: 1...65536, "Lanes or examples of an update", .batches,
      automatic: "8 to 32, by the size of the data"),
    .optionalInteger(
      "shards", \.shards, in: 1...65536, "Parts of a batch; changes results", .batches,
      automatic: "by the batch"),
    .integer(
      "steps", \.steps, in: 1...65536, "Tokens of a lane in one update", .batches),
    .number(
      "validation", \.validation, in: 0...0.9, "P",
      "Fraction of the data to validate on", .batches),
    .integer(
      "longest", \.maxLength, in: 1...100_000,
      "Leave out examples with more tokens on a side", .batches, formerly: "mostSymbols"),
    .choice(
      "precision", \.precision, "P", "Precision of products; auto: bf16 where the CPU has it",
      .optimization),
    .choice(
      "gradient-precision", \.gradientPrecision, "P",
      "Precision of shards' gradients; bf16 halves what processes send", .optimization),
  ]

  private static let budgetRows: [Hyperparameter<TrainingOptions>] = [
    .optionalNumber(
      "minutes", \.minutes, in: 0...Double.greatestFiniteMagnitude, "M", "Train for M minutes",
      .optimization),
    .optionalNumber(
      "epochs", \.epochs, in: 0...Double.greatestFiniteMagnitude, "E",
      "Train E times through the data", .optimization),
    .optionalInteger(
      "updates", \.updates, in: 0...Int.max, "Train for N updates", .optimization),
  ]

  /// The names of the rows of which one alone can be given: they are the budget.
  public static let budgetNames = budgetRows.map(\.name)

  /// The budget in minutes, if that is what it is in; setting it makes it so.
  public var minutes: Double? {
    get { if case .minutes(let count) = budget { count } else { nil } }
    set { if let newValue { budget = .minutes(newValue) } }
  }

  /// The budget in epochs, if that is what it is in.
  public var epochs: Double? {
    get { if case .epochs(let count) = budget { count } else { nil } }
    set { if let newValue { budget = .epochs(newValue) } }
  }

  /// The budget in updates, if that is what it is in.
  public var updates: Int? {
    get { if case .updates(let count) = budget { count } else { nil } }
    set { if let newValue { budget = .updates(newValue) } }
  }

  /// Throws `HyperparameterError` where a batch has more shards than lanes or examples.
  public func checkTogether() throws(HyperparameterError) {
    guard let batch, let shards, shards > batch else { return }
    throw HyperparameterError(
      name: "shards", found: "\(shards)", reason: "expected a whole number from 1 to \(batch)")
  }
}

/// What a training run is given besides model, data and options: it does not change the result.
public struct TrainingRun {
  /// Threads to use; by default as many as there are processors.
  public var threads: Int?
  /// Where the model and its checkpoint are kept; nil to keep them in memory only.
  public var files: RunFiles?
  /// The names of the data's files, for the model's card.
  public var dataNames: [String]
  /// What was said of how the data are laid out, for the model's card.
  public var dataLayout: [String: String] = [:]
  /// What was found in the data beforehand, a sentence each, to be told when training begins.
  public var notes: [String]
  /// Asked before each update; where it says so, the state is saved and training ends.
  public var isStopped: () -> Bool
  /// The processes that train together: the first one writes the files and tells what happens.
  public var group: any ProcessGroup = SingleProcess()

  /// A run on all processors that keeps no files, unless told otherwise.
  public init(
    threads: Int? = nil, files: RunFiles? = nil, dataNames: [String] = [], notes: [String] = [],
    isStopped: @escaping () -> Bool = { false }
  ) {
    self.threads = threads
    self.files = files
    self.dataNames = dataNames
    self.notes = notes
    self.isStopped = isStopped
  }
}

/// cos x for x in [0, π], by its series about π / 2: no C library, and the same on every machine.
private func cosine(_ x: Double) -> Double {
  // cos x = -sin(x - π/2), and the series of sin converges fast within π/2.
  let y = x - .pi / 2
  var term = y
  var sum = y
  for k in stride(from: 2.0, through: 26, by: 2) {
    term *= -y * y / (k * (k + 1))
    sum += term
  }
  return -sum
}
