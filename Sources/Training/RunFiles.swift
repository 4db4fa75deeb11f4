internal import Files

/// Where a training run keeps its files: a folder, or a single model file with a checkpoint beside it.
///
/// A folder holds `config.json` (`RunConfiguration`), `checkpoint` and the one before it,
/// `model.safetensors` (the best weights so far), `metrics.csv` (`RunHistory`), `log`, `report.html`
/// and, where they are wanted, TensorBoard's events.
public struct RunFiles: Sendable {
  /// The folder, or the model file.
  public let path: String
  /// Whether `path` is a folder.
  public let isFolder: Bool
  /// The seconds between checkpoints.
  public var secondsBetweenCheckpoints = 60.0
  /// Whether to go on from the checkpoint if there is one.
  public var resumes = false
  /// How much longer than until now a run that is resumed trains; nil for as long as it was to.
  public var additionalBudget: TrainingBudget?
  /// Whether a folder gets a file of events for TensorBoard.
  public var keepsEvents = false
  /// What a folder's configuration says of the data and of all that is in no table.
  public var inputs = RunInputs()
  /// The model whose weights the run begins with, by its checksum; empty for fresh weights.
  public var origin = ""

  /// Keeps the model in a file of its own.
  public init(model: String, secondsBetweenCheckpoints: Double = 60, resumes: Bool = false) {
    path = model
    isFolder = false
    self.secondsBetweenCheckpoints = secondsBetweenCheckpoints
    self.resumes = resumes
  }

  /// Keeps all of a run in a folder.
  public init(folder: String, secondsBetweenCheckpoints: Double = 60, resumes: Bool = false) {
    var folder = folder[...]
    while folder.count > 1, folder.hasSuffix("/") { folder = folder.dropLast() }
    path = String(folder)
    isFolder = true
    self.secondsBetweenCheckpoints = secondsBetweenCheckpoints
    self.resumes = resumes
  }

  /// The model: written at each validation that is the best so far, and at the end.
  public var model: String { isFolder ? "\(path)/\(Self.modelName)" : path }
  /// The last checkpoint.
  public var checkpoint: String { isFolder ? "\(path)/checkpoint" : "\(path).checkpoint" }
  /// The checkpoint before the last.
  public var olderCheckpoint: String { checkpoint + ".previous" }
  /// The file that the run has locked for as long as it trains.
  var lock: String { isFolder ? "\(path)/lock" : "\(path).lock" }
  /// The configuration; nil where the run is no folder.
  public var configuration: String? { isFolder ? "\(path)/\(Self.configurationName)" : nil }
  /// The rows of figures.
  public var metrics: String? { isFolder ? "\(path)/metrics.csv" : nil }
  /// What was told, line by line, with the time of day.
  public var log: String? { isFolder ? "\(path)/log" : nil }
  /// The page of charts.
  public var report: String? { isFolder ? "\(path)/report.html" : nil }

  /// All files that a run may write, for who must not write to what is read.
  public var all: [String] {
    [model, checkpoint, olderCheckpoint, lock]
      + [configuration, metrics, log, report].compactMap { $0 }
  }

  /// The name of a folder's model.
  public static let modelName = "model.safetensors"
  /// The name of a folder's configuration.
  public static let configurationName = "config.json"

  /// Whether a run that can be gone on with, or has ended, lies there.
  public var hasCheckpoint: Bool {
    FileWriter.exists(checkpoint) || FileWriter.exists(olderCheckpoint)
  }
}

/// What a run was given besides the tables of network and training: for its configuration.
public struct RunInputs: Sendable, Equatable {
  /// The word for the kind of model, such as `lm`.
  public var model = ""
  /// The paths of the data.
  public var data: [String] = []
  /// What else was said: names as options have them, and values.
  public var others: [(name: String, value: ConfigurationValue)] = []

  /// Nothing.
  public init() {}

  /// Whether two are equal in all.
  public static func == (one: RunInputs, other: RunInputs) -> Bool {
    one.model == other.model && one.data == other.data
      && one.others.map(\.name) == other.others.map(\.name)
      && one.others.map(\.value) == other.others.map(\.value)
  }
}
