public import DenseMath
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
  /// The symbols (characters, words) that one update learns from, for the speed shown.
  var symbolsPerUpdate: Int { get }
  /// The updates that see the training data once.
  var updatesPerEpoch: Int { get }
  /// The updates between two validations unless the plan says otherwise.
  var updatesPerValidation: Int { get }
  /// What a shard keeps from one update to the next, such as the states of its lanes: saved in
  /// checkpoints. Empty blocks where nothing is kept.
  var carried: [Parameters<Float>] { get }

  /// Runs one shard forward and back: adds to the workspace's gradients, which are zero, those of
  /// the mean loss over the whole batch, and returns the shard's share of that mean, in nats.
  ///
  /// Called once for each shard and update, by different threads for different shards.
  func run(shard: Int, update: Int, on workspace: Workspace<Float>) -> Double

  /// The mean loss on the validation data, in nats a symbol; nil when there are none.
  func validate(
    _ parameters: Parameters<Float>, packed: PackedWeights<Float>, on shards: Shards
  ) -> Double?
}

extension TrainingTask {
  /// No weight is dropped.
  public var drops: [WeightDrop] { [] }
}
