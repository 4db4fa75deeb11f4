internal import DenseMath
internal import Files

/// Keeps what a run in a folder tells: its configuration, rows of figures, log, report and events.
///
/// None of it can end a training: what cannot be written is told once for each file, and tried again.
final class RunRecorder {
  private let files: RunFiles
  private let title: String
  private let facts: [(String, String)]
  private let unit: String
  private var log, metrics, eventLog: AppendedFile?
  private var events: EventFile?
  private var history: RunHistory
  private var state = RunReport.State.running
  // The row of the last update, which a validation of the same update may still join.
  private var pending: RunHistory.Row?
  private var losses = (sum: 0.0, norms: 0.0, count: 0)
  private var told: Set<String> = []
  private var failures: [FileError] = []
  private let clock = ContinuousClock()
  private var lastReport: ContinuousClock.Instant?
  private var nextSample: ContinuousClock.Instant?

  /// Opens the files of a run, or makes them; does nothing where the run is no folder.
  ///
  /// A run that is resumed keeps the rows of figures up to its checkpoint. Throws `FileError.unwritable`
  /// where the configuration cannot be written, without which a run cannot be gone on with.
  init(
    _ files: RunFiles?, _ run: RunOutline, record: TrainingRecord, isResumed: Bool
  ) throws(FileError) {
    self.files = files ?? RunFiles(model: "")
    title = run.title
    facts = run.facts
    unit = run.unit
    history = RunHistory(metric: run.metric)
    guard let configuration = files?.configuration else { return }
    // On a disk that is full a run can be gone on with as long as nothing changes.
    let found = try? TextFiles.bytes(of: configuration, maxLength: 1 << 20)
    if found != Array(run.configuration.utf8) {
      try FileWriter.write(run.configuration, to: configuration)
    }
    // A log says what was, whether a run begins or goes on.
    if let path = files?.log { attempt { () throws(FileError) in log = try AppendedFile(path) } }
    if isResumed { takeUp(record) }
    openMetrics(record)
    write("\(isResumed ? "goes on after update \(record.updates)" : "begins") (\(run.machine))")
  }

  /// Reads the rows of earlier parts of the run, without what comes after the checkpoint.
  private func takeUp(_ record: TrainingRecord) {
    guard let path = files.metrics, FileWriter.exists(path) else { return }
    do {
      let text = try TextFiles.bytes(of: path, maxLength: 1 << 28)
      history = try RunHistory(
        csv: String(decoding: text, as: UTF8.self), metric: history.metric, path: path)
    } catch {
      // Anybody may write to this file, and what it holds does not decide anything.
      let aside = path + ".damaged"
      FileWriter.move(path, to: aside)
      write("\(error); it is \(aside) now, and the figures begin anew")
    }
    history.cut(to: record.updates)
    // The validation of the checkpoint's update is made again where the checkpoint came before it.
    if var last = history.rows.last, last.update == record.updates,
      record.lastValidation < record.updates
    {
      history.rows.removeLast()
      (last.validation, last.isBest, last.sample) = (nil, false, nil)
      pending = last
    }
  }

  private func openMetrics(_ record: TrainingRecord) {
    guard let path = files.metrics else { return }
    attempt { () throws(FileError) in
      try FileWriter.write(history.csv, to: path)
      metrics = try AppendedFile(path)
    }
    for name in Folders.names(in: files.path) where name.hasPrefix(EventFile.namePrefix) {
      FileWriter.remove("\(files.path)/\(name)")
    }
    guard files.keepsEvents else { return }
    let events = EventFile(startTime: secondsSince1970() - record.seconds)
    attempt { () throws(FileError) in
      let file = try AppendedFile("\(files.path)/\(events.name)")
      try file.append(events.bytes(of: history))
      (self.events, eventLog) = (events, file)
    }
  }

  /// Takes an event; returns what could not be written, for the first time.
  ///
  /// `sample` is called where a sample is due; its time is kept below a twentieth of the whole.
  func take(_ event: TrainingEvent, sample: () throws -> String?) -> [FileError] {
    guard files.isFolder else { return [] }
    switch event {
    case .update(let progress): add(progress)
    case .validation(let progress, let found, let isBest):
      var row = pending ?? RunHistory.Row(update: progress.update, epoch: progress.epoch)
      pending = nil
      if losses.count > 0 { fill(&row, progress) }
      (row.validation, row.isBest, row.sample) = (found, isBest, dueSample(sample))
      append(row)
      write("\(event)")
      writeReport(isDue: lastReport.map { clock.now - $0 >= .seconds(5) } ?? true)
    case .begun, .notSaved, .noted, .retreated: write("\(event)")
    case .preparing, .saved: break
    case .ended(let end, _):
      write("\(event)")
      finish(
        end == .interrupted
          ? .interrupted(next: "majortom resume \(files.path)") : .finished(end))
    }
    defer { failures = [] }
    return failures
  }

  /// Notes the error that ended the run.
  func failed(_ error: any Error) {
    guard files.isFolder else { return }
    write("\(error)")
    finish(.failed("\(error)"))
  }

  private func finish(_ state: RunReport.State) {
    flush()
    self.state = state
    writeReport(isDue: true)
    log?.sync()
  }

  private func add(_ progress: TrainingProgress) {
    flush()
    losses.sum += progress.loss
    losses.norms += progress.gradientNorm
    losses.count += 1
    guard RunHistory.hasRow(update: progress.update) else { return }
    var row = RunHistory.Row(update: progress.update, epoch: progress.epoch)
    fill(&row, progress)
    pending = row
  }

  /// Sets the means since the row before.
  private func fill(_ row: inout RunHistory.Row, _ progress: TrainingProgress) {
    row.seconds = progress.elapsed
    row.loss = losses.sum / Double(losses.count)
    row.gradientNorm = losses.norms / Double(losses.count)
    row.rate = progress.rate
    row.tokensPerSecond = progress.tokensPerSecond
    row.memoryBytes = SystemMemory.residentBytes ?? 0
    losses = (0, 0, 0)
  }

  private func flush() {
    if let row = pending { append(row) }
    pending = nil
  }

  private func append(_ row: RunHistory.Row) {
    history.rows.append(row)
    attempt { () throws(FileError) in try metrics?.append(row.line) }
    if let events {
      attempt { () throws(FileError) in try eventLog?.append(events.bytes(of: row)) }
    }
  }

  private func dueSample(_ sample: () throws -> String?) -> String? {
    if let nextSample, clock.now < nextSample { return nil }
    let start = clock.now
    let found = (try? sample()) ?? nil
    let end = clock.now
    nextSample = end + (end - start) * 20
    return found
  }

  private func write(_ text: String) {
    let time = timeStamp()
    let lines = text.split(separator: "\n").map { "\(time) \($0)\n" }.joined()
    attempt { () throws(FileError) in try log?.append(lines) }
  }

  private func writeReport(isDue: Bool) {
    guard isDue, let path = files.report else { return }
    lastReport = clock.now
    let report = RunReport(
      title: title, facts: facts, history: history, unit: unit, state: state)
    attempt { () throws(FileError) in try FileWriter.write(report.html, to: path) }
  }

  private func attempt(_ write: () throws(FileError) -> Void) {
    do throws(FileError) {
      try write()
    } catch {
      if told.insert("\(error)").inserted { failures.append(error) }
    }
  }
}

/// What a recorder must know of a run beforehand.
struct RunOutline {
  /// What the report is called.
  let title: String
  /// What the report says of model, data and options.
  let facts: [(String, String)]
  let unit: String
  let metric: Metric
  /// The text of the configuration.
  let configuration: String
  /// What it runs on.
  let machine: String
}
