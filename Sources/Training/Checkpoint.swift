internal import DenseMath
internal import Files
internal import Parameters

extension TrainingLoop {
  /// Writes all that resuming needs: weights, moments, best weights, carried states and counts.
  ///
  /// `description` is compared by `restore`, so that a checkpoint is not gone on with on other data
  /// or by another network. What stood at `path` goes to `older`, if that is given. Throws
  /// `FileError.unwritable`; an older checkpoint is intact then.
  func writeCheckpoint(
    to path: String, as description: RunDescription, keeping older: String? = nil
  ) throws(FileError) {
    bringUpToDate()
    var file = ModelFileContents(kind: checkpointKind.name)
    file.add(description, as: "run")
    file.add(record, as: "record")
    file.add(ProductKernels.name, as: machinePart)
    for (block, prefix) in blocks { file.add(block, prefix: prefix) }
    try file.write(to: path, keeping: older)
  }

  /// Takes up training where a checkpoint left it.
  ///
  /// Returns what should be known of it, a sentence each. Throws `TrainingError.checkpoint` when the
  /// checkpoint belongs to something else, and `FileError` when the file cannot be used.
  @discardableResult
  func restore(from path: String, as description: RunDescription) throws -> [String] {
    let file = try ModelFileReader(contentsOf: path)
    func refuse(_ found: String) -> TrainingError { .checkpoint(path: path, found: found) }
    guard file.kind != version1Kind else {
      throw refuse(
        "an earlier version of majortom wrote it: train anew, or go on with that version")
    }
    guard file.kind == checkpointKind.name else {
      throw refuse("it is not a \(checkpointKind.title)")
    }
    let found: RunDescription = try file.part("run")
    if let refusal = description.refusal(of: found) { throw refuse(refusal) }
    let oldRecord: TrainingRecord = try file.part("record")
    let machine: String? = file.has(machinePart) ? try file.part(machinePart) : nil
    guard oldRecord.isSound else { throw file.malformed("its counts are impossible") }
    // All is read before anything is changed: a checkpoint that is refused leaves no trace.
    var read: [Parameters<Float>] = []
    for (block, prefix) in blocks { read.append(try file.block(block.layout, prefix: prefix)) }
    try file.finish()
    // Else rows would make up for steps of weights that are gone.
    bringUpToDate()
    for ((block, _), numbers) in zip(blocks, read) { block.assign(numbers) }
    record = oldRecord
    optimizer.updates = oldRecord.updates - oldRecord.restartedAt
    guard let machine, machine != ProductKernels.name else { return [] }
    return [
      "the checkpoint is of a CPU with \(machine.prefix(40)), and this one has \(ProductKernels.name): bits "
        + "may differ from those of a run on one kind of CPU"
    ]
  }

  private var blocks: [(Parameters<Float>, prefix: String)] {
    [(parameters, ""), (best, "best.")] + (average.map { [($0, "average.")] } ?? [])
      + optimizer.moments.enumerated().map { ($1, "moment\($0).") }
      + task.carried.enumerated().map { ($1, "shard\($0).") }
  }
}

let checkpointKind = ModelKind(name: "checkpoint", title: "checkpoint of this tool")
/// The part that says on what kind of CPU the checkpoint was made.
let machinePart = "machine"
private let version1Kind = "majortom checkpoint 1"
