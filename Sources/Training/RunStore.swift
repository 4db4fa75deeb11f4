internal import Files

/// What a run must agree with to go on from a checkpoint.
struct RunDescription: Codable, Sendable, Equatable {
  let kind, configuration: String
  var options: TrainingOptions
  let data: String
  /// The model whose weights it began with; empty for fresh weights.
  var origin: String?

  /// Why a run cannot go on from a checkpoint of another; nil where it can.
  ///
  /// Only the budget may differ: it may be longer.
  func refusal(of other: RunDescription) -> String? {
    if kind != other.kind { return "it is of a \(other.kind.prefix(40))" }
    if configuration != other.configuration { return "it was made with another network" }
    if data != other.data { return "it was made with other data" }
    if (origin ?? "") != (other.origin ?? "") {
      return "it began with the weights of another model"
    }
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
  // Of many processes one alone writes.
  private let isWriter: Bool
  private var description: RunDescription
  /// Writes the model with the best weights to a path.
  var writeModel: (String) throws(FileError) -> Void = { _ in }
  private let clock = ContinuousClock()
  private var lastSaved: ContinuousClock.Instant
  private(set) var isResumed = false
  // Whether the last checkpoint is sound, and so worth keeping when the next one takes its place.
  private var keepsOlder = true
  // Held until the run's end.
  private var lock: FileLock?

  init(_ files: RunFiles?, description: RunDescription, isWriter: Bool = true) {
    self.files = files
    self.isWriter = isWriter
    self.description = description
    lastSaved = clock.now
  }

  /// Takes up a loop where its checkpoint left it, if there is one and it is wanted.
  ///
  /// - Returns: What should be known of it, a sentence each.
  /// - Throws: `FileError.unwritable` where another run has the same files, `TrainingError.finished`
  ///   where the run has ended and is not to train longer, and what `restore` throws.
  func resume<Task>(_ loop: TrainingLoop<Task>) throws -> [String] {
    guard let files else { return [] }
    if isWriter {
      if files.isFolder { try Folders.make(files.path) }
      // Before anything is read or written: two runs would each undo what the other has done.
      lock = try FileLock(files.lock, for: files.path, heldBy: "another training")
      for file in files.all { FileWriter.removeLeftovers(of: file) }
    }
    keepsOlder = files.resumes
    guard files.resumes else { return [] }
    guard files.hasCheckpoint else {
      // A run that is not finished always has a checkpoint.
      if FileWriter.exists(files.model) { throw TrainingError.finished(path: files.path) }
      return []
    }
    let notes = try restore(loop, files)
    isResumed = true
    if let more = files.additionalBudget { loop.extend(by: more) }
    guard !loop.isFinished else { throw TrainingError.finished(path: files.path) }
    description.options = loop.options
    return notes
  }

  /// Restores the last checkpoint, or where that is damaged the one before it.
  private func restore<Task>(
    _ loop: TrainingLoop<Task>, _ files: RunFiles
  ) throws -> [String] {
    var notes: [String] = []
    if FileWriter.exists(files.checkpoint) {
      do {
        return try loop.restore(from: files.checkpoint, as: description)
      } catch let error as FileError where FileWriter.exists(files.olderCheckpoint) {
        notes.append("\(error); the checkpoint before it is taken")
        keepsOlder = false
      }
    }
    return notes + (try loop.restore(from: files.olderCheckpoint, as: description))
  }

  /// Writes the first checkpoint of a run, before its first update: so where a model lies without one,
  /// the run that made it is finished.
  func begin<Task>(
    _ loop: TrainingLoop<Task>, _ report: (TrainingEvent) throws -> Void
  ) throws {
    guard let files, isWriter, !isResumed else { return }
    do throws(FileError) {
      try writeCheckpoint(loop, files)
      // What an earlier run left is not one of this run.
      FileWriter.remove(files.olderCheckpoint)
    } catch {
      try report(.notSaved(error))
    }
  }

  /// Whether it is time for a checkpoint.
  var isDue: Bool {
    guard let files, isWriter else { return false }
    return clock.now - lastSaved >= .seconds(files.secondsBetweenCheckpoints)
  }

  /// After an update, where it is time: writes a checkpoint.
  func updated<Task>(
    _ loop: TrainingLoop<Task>, _ report: (TrainingEvent) throws -> Void
  ) throws {
    guard let files, isWriter else { return }
    _ = try attempt(files.checkpoint, report) { () throws(FileError) in
      try writeCheckpoint(loop, files)
    }
    lastSaved = clock.now
  }

  /// After a validation that was the best so far: writes the model.
  func improved(_ report: (TrainingEvent) throws -> Void) throws {
    guard let files, isWriter else { return }
    _ = try attempt(files.model, report) { () throws(FileError) in
      try writeModel(files.model)
    }
  }

  /// Where a run was interrupted: writes its checkpoint.
  func interrupted<Task>(
    _ loop: TrainingLoop<Task>, _ report: (TrainingEvent) throws -> Void
  ) throws {
    guard let files, isWriter else { return }
    try writeCheckpoint(loop, files)
    try report(.saved(path: files.checkpoint))
  }

  /// At the end: writes what is not yet on the disk.
  ///
  /// Where a run is complete, a folder keeps its last checkpoint, so that it can train longer; beside a
  /// single file the checkpoint is removed.
  func ended<Task>(
    _ end: TrainingEnd, _ loop: TrainingLoop<Task>, _ report: (TrainingEvent) throws -> Void
  ) throws {
    guard let files, isWriter else { return }
    // Also where the best weights are there already: the model's card counts all updates, whether the run
    // was cut short after its best validation or not.
    try writeModel(files.model)
    try report(.saved(path: files.model))
    guard end != .interrupted else { return }
    if files.isFolder {
      guard
        try attempt(
          files.checkpoint, report,
          { () throws(FileError) in
            try writeCheckpoint(loop, files)
          })
      else { return }
    } else {
      FileWriter.remove(files.checkpoint)
    }
    FileWriter.remove(files.olderCheckpoint)
  }

  private func writeCheckpoint<Task>(
    _ loop: TrainingLoop<Task>, _ files: RunFiles
  ) throws(FileError) {
    try loop.writeCheckpoint(
      to: files.checkpoint, as: description, keeping: keepsOlder ? files.olderCheckpoint : nil)
    keepsOlder = true
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
