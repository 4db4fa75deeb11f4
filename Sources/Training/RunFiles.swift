public import Parameters

/// Where a training run keeps its model and its checkpoint.
public struct RunFiles: Sendable {
  /// The model: written at each validation that is the best so far, and at the end.
  public var model: String
  /// The seconds between checkpoints, which go to `model` + `.checkpoint`.
  public var secondsBetweenCheckpoints: Double
  /// Whether to go on from the checkpoint if there is one.
  public var resumes: Bool

  /// Keeps the model in a file.
  public init(model: String, secondsBetweenCheckpoints: Double = 60, resumes: Bool = false) {
    self.model = model
    self.secondsBetweenCheckpoints = secondsBetweenCheckpoints
    self.resumes = resumes
  }

  /// The checkpoint's path.
  public var checkpoint: String { model + ".checkpoint" }
}

extension TrainingLoop {
  /// `run`, with the model and checkpoints kept in files.
  ///
  /// The checkpoint is removed when the budget is used up; so where one lies, a run was cut short.
  ///
  /// - Parameters:
  ///   - files: Where; nil to keep nothing.
  ///   - description: A text that tells whether a checkpoint belongs to this run.
  ///   - writeModel: Writes `best` and `record` as a model file.
  ///   - report: Told of each update, validation and file.
  ///   - isStopped: Asked before each update.
  /// - Returns: How training ended.
  /// - Throws: What `run(report:isStopped:)`, `restore` and the writing of files throw.
  public func run(
    _ files: RunFiles?, description: String,
    writeModel: (String) throws(ModelFileError) -> Void, report: (TrainingEvent) throws -> Void,
    isStopped: () -> Bool
  ) throws -> TrainingEnd {
    guard let files else { return try run(report: report, isStopped: isStopped) }
    if files.resumes, FileWriter.exists(files.checkpoint) {
      try restore(from: files.checkpoint, description: description)
    }
    let clock = ContinuousClock()
    var lastSaved = clock.now
    // A disk that is full for a while must not end a night's training: only the last write counts.
    var modelIsSaved = false
    func attempt(_ path: String, _ write: () throws(ModelFileError) -> Void) throws -> Bool {
      do {
        try write()
        try report(.saved(path: path))
        return true
      } catch let error as ModelFileError {
        try report(.notSaved(error))
        return false
      }
    }
    func save(_ event: TrainingEvent) throws {
      try report(event)
      switch event {
      case .validation(_, _, isBest: true):
        modelIsSaved = try attempt(files.model) { () throws(ModelFileError) in
          try writeModel(files.model)
        }
      case .update where clock.now - lastSaved >= .seconds(files.secondsBetweenCheckpoints):
        _ = try attempt(files.checkpoint) { () throws(ModelFileError) in
          try writeCheckpoint(to: files.checkpoint, description: description)
        }
        lastSaved = clock.now
      default: break
      }
    }
    let end = try run(report: save, isStopped: isStopped)
    if end == .interrupted {
      try writeCheckpoint(to: files.checkpoint, description: description)
      try report(.saved(path: files.checkpoint))
    }
    if !modelIsSaved {
      try writeModel(files.model)
      try report(.saved(path: files.model))
    }
    if end != .interrupted { FileWriter.remove(files.checkpoint) }
    return end
  }
}
