public import DenseMath
internal import Files
public import Parameters

/// A model that is trained, kept in files and described like every other: the one face of all.
///
/// A model brings its configuration (a table of hyperparameters), its parts, its network and its
/// task; everything else is written once, in the extensions of this protocol: `train`,
/// `init(contentsOf:)`, `write(to:)`, `use(_:)`, `describe()`.
///
/// The whole way of training, from data to file, is:
///
///     data -> task (batches) -> network (loss, gradients) -> optimiser -> best weights -> file
public protocol TrainableModel: Sendable {
  /// The size and shape of the network.
  associatedtype Configuration: HyperparameterSet
  /// What changes behaviour besides the network: vocabularies, tags, a calibration.
  associatedtype Parts: ModelParts
  /// The network.
  associatedtype Network: ModelNetwork
  /// What it learns from.
  associatedtype TrainingData
  /// Its data, loss and validation in training.
  associatedtype Task: TrainingTask

  /// What files and people call this kind of model.
  static var kind: ModelKind { get }
  /// The metric that the best weights are chosen by.
  static func metric(for parts: Parts) -> Metric
  /// How it is trained unless told otherwise.
  static var defaultOptions: TrainingOptions { get }
  /// The names of the rows of `TrainingOptions` that do nothing for this kind of model.
  static var idleOptions: Set<String> { get }

  /// All that the model is made of.
  var core: ModelCore<Self> { get set }
  /// A model of this core.
  ///
  /// Throws where the parts of a file do not fit the network.
  init(core: ModelCore<Self>) throws

  /// The network for a configuration and parts.
  ///
  /// Throws `HyperparameterError` where they do not go together.
  static func makeNetwork(_ configuration: Configuration, parts: Parts) throws -> Network

  /// The recipes that can be asked for by name.
  static var recipes: [RecipeName] { get }
  /// The names of the settings that recipes choose.
  static var recipeSettings: Set<String> { get }
  /// The settings for data: of the recipe of this name, or nil for the one that suits them.
  ///
  /// `given` has the settings that are decided already, by name and as text: what is chosen goes together
  /// with them. Throws `RecipeError` for a name that there is not, and what reading the data throws.
  static func recipe(
    for data: TrainingData, named name: String?, given: [String: String]
  ) throws -> Recipe

  /// Chooses what the options still leave open.
  static func resolve(_ options: inout TrainingOptions, for data: TrainingData)

  /// Throws where data cannot be trained on, before anything else is done.
  func check(_ data: TrainingData, validation: TrainingData?) throws

  /// What data have that a model trained on others does not know, a sentence each.
  ///
  /// Throws where the model cannot be trained further on them.
  func strangers(in data: TrainingData) throws -> [String]

  /// Data, loss and validation; `options` have nothing left open.
  func makeTask(
    on data: TrainingData, validation: TrainingData?, _ options: TrainingOptions, _ shards: Shards
  ) throws -> Task

  /// Learns what the model needs besides its network before that is trained, such as how a tagger cuts
  /// text.
  ///
  /// It depends on data and options alone, so that a run that is resumed learns the same again. What takes
  /// time tells `report` where it stands, as `TrainingEvent.preparing`.
  mutating func learnParts(
    on data: TrainingData, _ options: TrainingOptions, _ run: TrainingRun,
    report: (TrainingEvent) throws -> Void
  ) throws

  /// Sets what is found out after training, such as a calibration, given the best weights.
  mutating func finishTraining(_ task: Task, _ shards: Shards)

  /// How much the model knows, such as its tokens: by name in the plural, for reports.
  var sizes: KeyValuePairs<String, Int> { get }
  /// The lines about the model that no other kind has.
  var facts: [ModelFact] { get }
  /// The network in a few words, such as `lstm, 2 x 256 units`.
  var networkText: String { get }

  /// A short sample of what the model does on data, for reports; nil where there is none.
  func sample(on data: TrainingData, seed: UInt64) throws -> String?
}

extension TrainableModel {
  /// The size and shape of the network.
  public var configuration: Configuration { core.configuration }
  /// Where the model comes from.
  public var card: ModelCard { core.card }
  /// The weights, read only.
  public var weights: ModelWeights { core.weights }
  /// The network.
  public var network: Network { core.network }

  /// None.
  public static var idleOptions: Set<String> { [] }
  /// The mean of -log p.
  public static func metric(for parts: Parts) -> Metric { .crossEntropy }
  /// Nothing is left open.
  public static func resolve(_ options: inout TrainingOptions, for data: TrainingData) {}
  /// All data will do.
  public func check(_ data: TrainingData, validation: TrainingData?) throws {}
  /// Nothing is unknown.
  public func strangers(in data: TrainingData) throws -> [String] { [] }
  /// Nothing is needed.
  public mutating func learnParts(
    on data: TrainingData, _ options: TrainingOptions, _ run: TrainingRun,
    report: (TrainingEvent) throws -> Void
  ) throws {}
  /// Nothing is found out.
  public mutating func finishTraining(_ task: Task, _ shards: Shards) {}
  /// None.
  public var sizes: KeyValuePairs<String, Int> { [:] }
  /// None.
  public var facts: [ModelFact] { [] }
  /// None.
  public func sample(on data: TrainingData, seed: UInt64) throws -> String? { nil }

  /// Takes another precision for the products of matrices from now on.
  public mutating func use(_ precision: ProductPrecision) { core.use(precision) }

  /// The model with its weights rounded to a precision, in which it is kept in files and run.
  ///
  ///     try model.quantized(to: .int8).write(to: "small.safetensors")
  ///
  /// Factors of products are rounded, and large tables; in `int8` the file is a quarter as long, and
  /// inference reads a quarter of the bytes. Training it further begins at the rounded weights, and makes
  /// a model in Float.
  public func quantized(to precision: ProductPrecision) -> Self {
    var model = self
    model.core.quantize(to: precision)
    return model
  }

  /// Takes another configuration of the same weights, such as one with other dropouts.
  ///
  /// Throws `HyperparameterError` for one that makes no network, or one of other weights.
  public mutating func reconfigure(_ configuration: Configuration) throws {
    try core.reconfigure(configuration)
  }

  /// The CRC-32C of the bytes of all weights, by which a run knows the model that it began with.
  public var weightsChecksum: String {
    var checksum = CRC32C()
    let block = core.weights.block
    withExtendedLifetime(block) { checksum.add(UnsafeRawBufferPointer(block.elements)) }
    return checksum.digits
  }

  /// The rows of the options that this kind of model has.
  public static var optionRows: [Hyperparameter<TrainingOptions>] {
    TrainingOptions.hyperparameters.filter { !idleOptions.contains($0.name) }
  }

  // MARK: Training

  /// Trains the model, which becomes the best one that validation saw.
  ///
  ///     try model.train(on: data, for: .minutes(3), seed: 1) { print($0) }
  ///
  /// A model that was trained before goes on from its weights.
  ///
  /// - Parameters:
  ///   - data: The training data.
  ///   - validation: The data to choose the best weights by; nil to keep a part of `data` for it,
  ///     where the kind of model does so.
  ///   - budget: How long; nil for what the options say.
  ///   - seed: The seed of order and masks; nil for that of the options.
  ///   - options: Rate, batches and the like; nil for those of the model's recipe, or the defaults of the
  ///     kind of model.
  ///   - run: Threads, files, and what may stop it.
  ///   - report: Told of updates, validations and files.
  /// - Returns: How it ended.
  /// - Throws: `TrainingError` for data that cannot be trained on, a network too large or a loss
  ///   that is not finite (the model is the best one until then), `HyperparameterError` for
  ///   options out of their range, `FileError` for files.
  @discardableResult
  public mutating func train(
    on data: TrainingData, validation: TrainingData? = nil, for budget: TrainingBudget? = nil,
    seed: UInt64? = nil, options: TrainingOptions? = nil, run: TrainingRun = TrainingRun(),
    report: (TrainingEvent) throws -> Void = { _ in }
  ) throws -> TrainingEnd {
    var wanted = options ?? optionsOfRecipe
    wanted.budget = budget ?? wanted.budget
    wanted.seed = seed ?? wanted.seed
    let shards = Shards(threads: run.threads)
    let group = run.group
    let loop = try makeLoop(on: data, validation: validation, wanted, shards, group)
    let task = loop.task
    try group.demandAgreement(on: facts(of: loop, run))
    let store = RunStore(
      run.files, description: description(task, loop.options, origin: run.files?.origin ?? ""),
      isWriter: group.rank == 0)
    // A run that cannot be resumed does not begin, and leaves the model as it is.
    let isFurther = core.card.options != nil
    let notes = try resume(loop, from: store, with: group)
    let strangers = isFurther && !store.isResumed ? try strangers(in: data) : []
    prepareCard(task, loop.options, run)
    let summary = summary(task, loop.options, wanted: wanted.precision)
    let recorder = try RunRecorder(
      group.rank == 0 ? run.files : nil, outline(summary, run, threads: shards.threads),
      record: loop.record,
      isResumed: store.isResumed)
    let sampled = validation ?? data
    let untrained = self
    func tell(_ event: TrainingEvent) throws {
      // Samples are of the weights as they are, not of the best ones.
      let failures = recorder.take(event) {
        try untrained.current(of: loop).sample(on: sampled, seed: loop.options.seed)
      }
      try report(event)
      for failure in failures { try report(.notSaved(failure)) }
    }
    try tell(.begun(summary))
    for note in run.notes + notes + strangers { try tell(.noted(note)) }
    defer { self = snapshot(of: loop, task, shards) }
    do {
      try store.begin(loop, tell)
      let start = ContinuousClock.now
      // What does not change the network is left to the process that writes it.
      if group.rank == 0 { try learnParts(on: data, loop.options, run, report: tell) }
      // It is a part of the training, but not once more of one that is resumed.
      if !store.isResumed { loop.record.seconds += (ContinuousClock.now - start) / .seconds(1) }
      store.writeModel = { [self] path throws(FileError) in
        try snapshot(of: loop, task, shards).write(to: path)
      }
      let end = try loop.run(store: store, report: tell, isStopped: run.isStopped)
      try tell(.ended(end, loop.record))
      return end
    } catch {
      recorder.failed(error)
      throw error
    }
  }

  /// The memory that training would take, which is not done.
  ///
  /// See `train` for the parameters, and for what is thrown.
  public func memoryForecast(
    on data: TrainingData, validation: TrainingData? = nil, options: TrainingOptions? = nil,
    run: TrainingRun = TrainingRun()
  ) throws -> MemoryForecast {
    let shards = Shards(threads: run.threads)
    return try makeLoop(
      on: data, validation: validation, options ?? optionsOfRecipe, shards
    ).memoryForecast()
  }

  /// A loop over data with all that the options leave open resolved.
  private func makeLoop(
    on data: TrainingData, validation: TrainingData?, _ wanted: TrainingOptions, _ shards: Shards,
    _ group: any ProcessGroup = SingleProcess()
  ) throws -> TrainingLoop<Task> {
    var options = wanted
    try check(data, validation: validation)
    Self.resolve(&options, for: data)
    options.precision = wanted.precision.resolved
    try options.validate()
    func demandShards(_ found: Int) throws {
      guard found < group.count else { return }
      throw ProcessError.tooMany(processes: group.count, shards: found)
    }
    let cut = options.shards ?? 1
    try demandShards(cut)
    let most = (cut + group.count - 1) / group.count
    try MemoryEstimate.demand(
      MemoryEstimate.training(network.layout, shards: most), for: network.layout)
    let task = try makeTask(on: data, validation: validation, options, shards)
    try demandShards(task.shardCount)
    return TrainingLoop(
      task, parameters: startingWeights(task), options: options, on: shards, with: group)
  }

  /// A copy of the weights to train, prepared by the task where they are fresh.
  private func startingWeights(_ task: Task) -> Parameters<Float> {
    let weights = core.weights.block.copy()
    if core.card.options == nil, core.card.updates == 0 { task.prepare(weights) }
    return weights
  }

  private mutating func prepareCard(_ task: Task, _ options: TrainingOptions, _ run: TrainingRun) {
    core.card.data = run.dataNames
    core.card.dataLayout = run.dataLayout.isEmpty ? nil : run.dataLayout
    core.card.fingerprint = task.fingerprint.description
    core.card.unit = task.unit
    core.card.training = task.trainingSize
    core.card.validation = task.validationSize
    core.card.options = options
  }

  private func summary(
    _ task: Task, _ options: TrainingOptions, wanted: TrainingPrecision
  ) -> TrainingSummary {
    let memory = MemoryEstimate.training(network.layout, shards: task.shardCount)
    let precision =
      "products in \(options.precision.rawValue), as this CPU has \(ProductKernels.name)"
    return TrainingSummary(
      network: networkText, sizes: sizes.map { counted($0.value, String($0.key.dropLast())) },
      weights: network.layout.weightCount, training: task.trainingSize,
      validation: task.validationSize, unit: task.unit, options: options, memory: memory,
      notes: task.notes + (wanted == .auto ? [precision] : []))
  }

  /// What a checkpoint must agree with to be gone on with.
  private func description(
    _ task: Task, _ options: TrainingOptions, origin: String
  ) -> RunDescription {
    RunDescription(
      kind: Self.kind.name, configuration: JSON.text(of: configuration), options: options,
      data: task.fingerprint.description, origin: origin)
  }

  /// What the files of a run in a folder say of it.
  private func outline(
    _ summary: TrainingSummary, _ run: TrainingRun, threads: Int
  ) -> RunOutline {
    let name = run.files.map { $0.path.split(separator: "/").last.map(String.init) ?? $0.path }
    var facts = [
      ("model", "\(Self.kind.title): \(summary.network)"),
      ("weights", grouped(summary.weights)),
      ("data", run.dataNames.joined(separator: ", ")),
      ("trained on", summary.training.text(unit: summary.unit)),
      ("validated on", summary.validation.text(unit: summary.unit)),
    ]
    facts += summary.notes.map { ("note", $0) }
    facts += Configuration.hyperparameters.compactMap { row in
      row.read(configuration).map { (row.name, $0.text) }
    }
    facts += Self.optionRows.compactMap { row in
      row.read(summary.options).map { (row.name, $0.text) }
    }
    return RunOutline(
      title: "\(name ?? "") \u{2013} \(Self.kind.title)", facts: facts, unit: summary.unit,
      metric: Self.metric(for: core.parts),
      configuration: configurationText(summary.options, run.files),
      machine: "products by \(ProductKernels.name), \(counted(threads, "thread"))")
  }

  /// The text of `config.json`: what the run was given, and the tables with nothing left open.
  private func configurationText(_ options: TrainingOptions, _ files: RunFiles?) -> String {
    var inputs = files?.inputs ?? RunInputs()
    if inputs.model.isEmpty { inputs.model = Self.kind.name }
    return RunConfiguration.text(
      inputs,
      configuration.configurationRows() + options.configurationRows(without: Self.idleOptions))
  }

  /// The model with the weights of a loop as they are now.
  private func current(of loop: TrainingLoop<Task>) -> Self {
    var model = self
    model.core.adopt(ModelWeights(loop.parameters.copy()))
    return model
  }

  /// The model with the best weights of a loop: for as long as the loop does not go on.
  private func snapshot(of loop: TrainingLoop<Task>, _ task: Task, _ shards: Shards) -> Self {
    var model = self
    model.core.adopt(ModelWeights(loop.best))
    model.core.card.updates = loop.record.updates
    model.core.card.best = loop.record.best
    model.core.card.bestUpdate = loop.record.bestUpdate
    model.finishTraining(task, shards)
    return model
  }

  /// Takes over the weights of another model of the same shape: a warm start.
  ///
  /// Throws `TrainingError.data` where a weight has another name or shape.
  public mutating func adoptWeights(of other: Self) throws(TrainingError) {
    let (mine, theirs) = (network.layout.entries, other.network.layout.entries)
    for (entry, found) in zip(mine, theirs)
    where entry.name != found.name || entry.shape != found.shape {
      throw .data(
        "the other model has a weight \(found.name) of shape \(found.shape) where \(entry.name) of "
          + "shape \(entry.shape) is needed")
    }
    guard mine.count == theirs.count else {
      throw .data("the other model has \(theirs.count) weights where \(mine.count) are needed")
    }
    core.adopt(other.weights)
    core.card.updates = max(1, other.card.updates)
  }
}
