internal import Files

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

/// What a run must agree with to go on from a checkpoint.
struct RunDescription: Codable, Sendable, Equatable {
  let kind, configuration: String
  var options: TrainingOptions
  let data: String

  /// Why a run cannot go on from a checkpoint of another; nil where it can.
  ///
  /// Only the budget may differ: it may be longer.
  func refusal(of other: RunDescription) -> String? {
    if kind != other.kind { return "it is of a \(other.kind.prefix(40))" }
    if configuration != other.configuration { return "it was made with another network" }
    if data != other.data { return "it was made with other data" }
    var theirs = other.options
    theirs.budget = options.budget
    let differences = theirs.differences(from: options)
    let list = differences.joined(separator: ", ")
    return list.isEmpty ? nil : "it was made with other options, then and now: \(list)"
  }
}

/// Keeps the files of a run: the loop tells it what has happened, and it decides what is written.
///
/// A disk that is full for a while does not end a night's training: what fails is told, and tried
/// again at the next occasion; only the last writing of the model must succeed.
final class RunStore {
  private let files: RunFiles?
  private let description: RunDescription
  private let writeModel: (String) throws(FileError) -> Void
  private let clock = ContinuousClock()
  private var lastSaved: ContinuousClock.Instant
  private var modelIsSaved = false
  private var isResumed = false
  // Held until the run's end.
  private var lock: FileLock?

  init(
    _ files: RunFiles?, description: RunDescription,
    writeModel: @escaping (String) throws(FileError) -> Void
  ) {
    self.files = files
    self.description = description
    self.writeModel = writeModel
    lastSaved = clock.now
  }

  /// Takes up a loop where its checkpoint left it, if there is one and it is wanted.
  ///
  /// Throws `FileError.unwritable` where another run has the same files, and `TrainingError.finished` where a model lies there, but no checkpoint: a run that is not
  /// finished always has one.
  func resume<Task>(_ loop: TrainingLoop<Task>) throws {
    guard let files else { return }
    // Before anything is read or written: two runs would each undo what the other has done.
    lock = try FileLock(files.model + ".lock", for: files.model, heldBy: "another training")
    FileWriter.removeLeftovers(of: files.model)
    FileWriter.removeLeftovers(of: files.checkpoint)
    guard files.resumes else { return }
    if FileWriter.exists(files.checkpoint) {
      try loop.restore(from: files.checkpoint, as: description)
      isResumed = true
    } else if FileWriter.exists(files.model) {
      throw TrainingError.finished(path: files.model)
    }
  }

  /// Writes the first checkpoint of a run, before its first update: so where a model lies without one,
  /// the run that made it is finished.
  func begin<Task>(
    _ loop: TrainingLoop<Task>, _ report: (TrainingEvent) throws -> Void
  ) throws {
    guard let files, !isResumed else { return }
    do throws(FileError) {
      try loop.writeCheckpoint(to: files.checkpoint, as: description)
    } catch {
      try report(.notSaved(error))
    }
  }

  /// After an update: writes a checkpoint if it is time.
  func updated<Task>(
    _ loop: TrainingLoop<Task>, _ report: (TrainingEvent) throws -> Void
  ) throws {
    guard let files, clock.now - lastSaved >= .seconds(files.secondsBetweenCheckpoints) else {
      return
    }
    _ = try attempt(files.checkpoint, report) { () throws(FileError) in
      try loop.writeCheckpoint(to: files.checkpoint, as: description)
    }
    lastSaved = clock.now
  }

  /// After a validation that was the best so far: writes the model.
  func improved(_ report: (TrainingEvent) throws -> Void) throws {
    guard let files else { return }
    modelIsSaved = try attempt(files.model, report) { () throws(FileError) in
      try writeModel(files.model)
    }
  }

  /// At the end: writes what is not yet on the disk.
  ///
  /// The checkpoint is removed when the run is complete; so where one lies, a run was cut short.
  func ended<Task>(
    _ end: TrainingEnd, _ loop: TrainingLoop<Task>, _ report: (TrainingEvent) throws -> Void
  ) throws {
    guard let files else { return }
    if end == .interrupted {
      try loop.writeCheckpoint(to: files.checkpoint, as: description)
      try report(.saved(path: files.checkpoint))
    }
    if !modelIsSaved {
      try writeModel(files.model)
      try report(.saved(path: files.model))
    }
    if end != .interrupted { FileWriter.remove(files.checkpoint) }
  }

  private func attempt(
    _ path: String, _ report: (TrainingEvent) throws -> Void,
    _ write: () throws(FileError) -> Void
  ) throws -> Bool {
    do throws(FileError) {
      try write()
    } catch {
      try report(.notSaved(error))
      return false
    }
    try report(.saved(path: path))
    return true
  }
}
