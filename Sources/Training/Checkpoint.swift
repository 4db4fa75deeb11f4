internal import DenseMath
public import Parameters

extension TrainingLoop {
  /// Writes all that resuming needs: weights, moments, best weights, carried states and counts.
  ///
  /// `description` is a text that `restore` compares, so that a checkpoint is not resumed with
  /// other data or another network. Throws `ModelFileError.unwritable`; an older checkpoint is
  /// intact then.
  public func writeCheckpoint(to path: String, description: String) throws(ModelFileError) {
    var metadata = ["kind": checkpointKind, "description": description]
    metadata["plan"] = ModelMetadata.json(plan)
    metadata["record"] = ModelMetadata.json(record)
    try SafetensorsFile.write(blocks, metadata: metadata, to: path)
  }

  /// Takes up training where a checkpoint left it.
  ///
  /// The plan must be the same but for the budget, which may be longer. Throws
  /// `TrainingError.checkpoint` when the checkpoint belongs to something else, and
  /// `ModelFileError` when the file cannot be used.
  public func restore(from path: String, description: String) throws {
    let file = try SafetensorsFile(contentsOf: path)
    func refuse(_ found: String) -> TrainingError { .checkpoint(path: path, found: found) }
    guard file.metadata["kind"] == checkpointKind else {
      throw refuse("it is not a checkpoint of this tool")
    }
    guard file.metadata["description"] == description else {
      throw refuse("it was made with other data or another network")
    }
    let oldPlan: TrainingPlan = try ModelMetadata.part("plan", of: file, path: path)
    let oldRecord: TrainingRecord = try ModelMetadata.part("record", of: file, path: path)
    var comparable = oldPlan
    comparable.budget = plan.budget
    guard comparable == plan else {
      throw refuse("it was made with another plan (rate, seed, schedule, optimiser)")
    }
    for block in blocks {
      for entry in block.parameters.layout.entries {
        try file.copy(
          block.prefix + entry.name, shape: entry.shape,
          into: block.parameters.elements(of: entry))
      }
    }
    record = oldRecord
    optimizer.updates = oldRecord.updates
  }

  private var blocks: [SafetensorsFile.Block] {
    [.init(parameters), .init(best, prefix: "best.")]
      + optimizer.moments.enumerated().map { .init($1, prefix: "moment\($0).") }
      + task.carried.enumerated().map { .init($1, prefix: "shard\($0).") }
  }
}

private let checkpointKind = "majortom checkpoint 1"
