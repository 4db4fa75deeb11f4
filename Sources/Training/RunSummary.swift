internal import Files

/// What can be told of a run in a folder from its files, whether it trains or not.
public struct RunSummary: Sendable {
  /// What state a run is in.
  public enum State: String, Sendable {
    /// It trains now.
    case running
    /// It was cut short, and can be gone on with.
    case interrupted
    /// It is over.
    case finished
    /// It has no checkpoint that can be read.
    case damaged
  }

  /// The folder.
  public let path: String
  /// The word for the kind of model, such as `lm`.
  public let model: String
  /// The names of the data's files, without their folders.
  public let data: String
  /// The state.
  public let state: State
  /// The counts and results at the last checkpoint; nil where none can be read.
  public let record: TrainingRecord?
  /// What a token is called, such as `char`.
  public let unit: String

  /// Looks at a run; nil where a folder is none.
  public init?(of files: RunFiles) {
    guard let place = files.configuration, FileWriter.exists(place),
      let configuration = try? RunConfiguration(contentsOf: place), !configuration.model.isEmpty
    else { return nil }
    path = files.path
    model = configuration.model
    let paths =
      configuration.data
      + ["source", "target"].flatMap {
        configuration.values[$0]?.arguments ?? []
      }
    data = paths.map { $0.split(separator: "/").last.map(String.init) ?? $0 }.joined(
      separator: ", ")
    var found: TrainingRecord?
    for checkpoint in [files.checkpoint, files.olderCheckpoint] where found == nil {
      guard let file = try? ModelFileReader(contentsOf: checkpoint) else { continue }
      found = try? file.part("record")
    }
    if let found, found.isSound {
      record = Self.current(found, files, model)
    } else {
      record = nil
    }
    let isOver = record?.end.map { $0 != .interrupted } ?? false
    if FileLock.isHeld(files.lock) {
      state = .running
    } else {
      state = record == nil ? .damaged : isOver ? .finished : .interrupted
    }
    unit = ["lm": "char", "tagger": "word"][model] ?? "token"
  }

  /// The record with what came after its checkpoint, as the rows of figures tell it.
  ///
  /// They have no checksum, so a file of them that cannot be read changes nothing.
  private static func current(
    _ record: TrainingRecord, _ files: RunFiles, _ model: String
  ) -> TrainingRecord {
    let metric = record.best?.metric ?? (model == "tagger" ? .f1 : .crossEntropy)
    guard let path = files.metrics,
      let text = try? TextFiles.bytes(of: path, maxLength: 1 << 28),
      let history = try? RunHistory(
        csv: String(decoding: text, as: UTF8.self), metric: metric, path: path),
      let last = history.rows.last, last.update > record.updates
    else { return record }
    var record = record
    record.updates = last.update
    if last.seconds.isFinite { record.seconds = last.seconds }
    if let best = history.rows.last(where: \.isBest) {
      (record.best, record.bestUpdate) = (best.validation, best.update)
    }
    return record
  }
}
