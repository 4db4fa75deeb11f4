public import DenseMath
public import Files
public import Parameters

/// What a model brings to the training loop: its data, its loss, and its validation.
///
/// A task cuts each batch into a fixed number of shards. The loop runs the shards on any number of
/// threads, and the result does not depend on how many: a shard sees only its own workspace.
public protocol TrainingTask: Sendable {
  /// The weights' names and shapes.
  var layout: ParameterLayout { get }
  /// The weights of which a part is left out in each update.
  var drops: [WeightDrop] { get }
  /// The number of shards of a batch.
  var shardCount: Int { get }
  /// The tokens (characters, words) that one update learns from, for the speed shown.
  var tokensPerUpdate: Int { get }
  /// The updates that see the training data once.
  var updatesPerEpoch: Int { get }
  /// The updates between two validations unless the options say otherwise.
  var updatesPerValidation: Int { get }
  /// What each shard keeps from one update to the next, such as the states of its lanes, in the order of the shards:
  /// saved in checkpoints. None where nothing is kept.
  var carried: [Parameters<Float>] { get }
  /// How much there is to train on, and to validate on.
  var trainingSize: DataSize { get }
  /// See `trainingSize`.
  var validationSize: DataSize { get }
  /// What a token is called where tokens are counted, such as `char`.
  var unit: String { get }
  /// What should be known before training, a sentence each, such as how much data is left out.
  var notes: [String] { get }
  /// The update of the first epoch whose batch takes the most memory.
  var largestUpdate: Int { get }
  /// What tells these data from others.
  var fingerprint: Fingerprint { get }

  /// Sets what fresh weights can know of the data beforehand, such as how frequent tokens are.
  ///
  /// Called before the first training of a model, and never for one that was trained already.
  func prepare(_ parameters: Parameters<Float>)

  /// Runs one shard forward and back: adds to the workspace's gradients, which are zero, those of
  /// the mean loss over the whole batch, and returns the shard's part of that mean, in nats.
  ///
  /// Called once for each shard and update, by different threads for different shards.
  func run(shard: Int, update: Int, on workspace: Workspace<Float>) -> Double

  /// The result on the validation data; nil when there are none.
  func validate(on pool: WorkspacePool<Float>, _ shards: Shards) -> Validation?

  /// The same result, which many processes work out together; by default each does all of it.
  ///
  /// Throws what the group throws.
  func validate(
    on pool: WorkspacePool<Float>, _ shards: Shards, sharedBy group: any ProcessGroup
  ) throws -> Validation?
}

extension TrainingTask {
  /// No weight is dropped.
  public var drops: [WeightDrop] { [] }
  /// Nothing is kept.
  public var carried: [Parameters<Float>] { [] }
  /// Nothing.
  public var notes: [String] { [] }
  /// Nothing to validate on.
  public var validationSize: DataSize { DataSize() }
  /// Tokens.
  public var unit: String { "token" }
  /// All are alike.
  public var largestUpdate: Int { 0 }
  /// One an epoch.
  public var updatesPerValidation: Int { updatesPerEpoch }
  /// Each process does all of it.
  public func validate(
    on pool: WorkspacePool<Float>, _ shards: Shards, sharedBy group: any ProcessGroup
  ) throws -> Validation? { validate(on: pool, shards) }
  /// Nothing is known beforehand.
  public func prepare(_ parameters: Parameters<Float>) {}
}
