public import Files
internal import Parameters

/// What can be told of a checkpoint from its file, without the data that it was made with.
public struct CheckpointSummary: Sendable {
  /// The kind of the model that is trained, as files call it.
  public let modelKind: String
  /// The model's configuration, as JSON.
  public let configuration: String
  /// How it is trained.
  public let options: TrainingOptions
  /// The counts and results so far.
  public let record: TrainingRecord
  /// The kernels of matrix products on the machine that wrote it; nil in files of earlier versions.
  public let machine: String?
  /// The number of weights that are learnt.
  public let weights: Int

  /// Whether a file is a checkpoint, which may yet be damaged.
  public static func isCheckpoint(_ path: String) -> Bool {
    (try? ModelFileReader(contentsOf: path).kind) == checkpointKind.name
  }

  /// Reads a checkpoint.
  ///
  /// Throws `FileError` for a file that cannot be read, is damaged, or is none.
  public init(contentsOf path: String) throws(FileError) {
    let file = try ModelFileReader(contentsOf: path)
    try file.demand(checkpointKind)
    let run: RunDescription = try file.part("run")
    (modelKind, configuration, options) = (run.kind, run.configuration, run.options)
    record = try file.part("record")
    guard record.isSound else { throw file.malformed("its counts are impossible") }
    machine = file.has(machinePart) ? try file.part(machinePart) : nil
    let prefixes = ["best.", "average.", "moment", "shard"]
    weights = try SafetensorsFile(contentsOf: path).tensors.reduce(0) { sum, tensor in
      prefixes.contains(where: tensor.key.hasPrefix) ? sum : sum + tensor.value.shape.reduce(1, *)
    }
  }
}
