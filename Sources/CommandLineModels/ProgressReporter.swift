internal import Files
internal import Glibc
internal import ICUText
internal import Training

/// Shows a training run on standard error: one live line on a terminal, else a line now and then; what
/// validations find stays.
///
/// Losses are in bits a token, as validations are.
final class ProgressReporter {
  private let files: RunFiles?
  private let json: Bool
  private let line: ProgressLine
  private let isQuiet: Bool
  private var validation: Validation?
  // The line of the last validation, which waits for the news that its model is saved.
  private var pending: (progress: TrainingProgress, isBest: Bool)?
  private var losses: [Double] = []
  private var recent: Double?
  private var unit = "token"
  // Whether the updates are known from the beginning: those of a budget in minutes are a guess.
  private var knowsUpdates = true
  private var speed = Double.nan
  private var lastElapsed: Double?
  private var fastestUpdate = Double.infinity
  private var isHeard = true

  /// A reporter of a run that keeps files, if it does.
  init(_ files: RunFiles?, json: Bool, isQuiet: Bool) {
    self.files = files
    self.json = json
    self.isQuiet = isQuiet || json
    line = ProgressLine(isQuiet: self.isQuiet)
  }

  /// Takes an event of training.
  func report(_ event: TrainingEvent) {
    keepPending(hearing: event)
    switch event {
    case .begun(let summary):
      unit = summary.unit
      if case .minutes = summary.options.budget { knowsUpdates = false }
      say("\(summary)\n")
    case .preparing(let what, let progress):
      line.show { _ in
        [what, "step \(grouped(progress.update))/\(grouped(progress.updates))", left(progress)]
      }
    case .update(let progress): take(progress)
    case .validation(let progress, let result, let isBest):
      validation = result
      if json { writeValidation(progress, result, isBest: isBest) }
      pending = (progress, isBest)
    case .notSaved(let error):
      complain("\(error); training goes on and tries again")
      if json { tell(["not_saved": .text("\(error)")]) }
    case .saved(let path):
      if json { tell(["saved": .text(path)]) }
    case .noted(let sentence):
      complain(sentence)
      if json { tell(["note": .text(sentence)]) }
    case .retreated(_, let update, let factor):
      complain("\(event)")
      if json { tell(["retreat_to": .whole(update), "rate_factor": .number(factor)]) }
    case .ended(let end, let record): finish(end, record)
    }
  }

  private func keepPending(hearing event: TrainingEvent) {
    guard let (progress, isBest) = pending else { return }
    pending = nil
    var isSaved = false
    if case .saved(let path) = event { isSaved = path == files?.model }
    let news = isBest ? isSaved ? "best, saved" : "best" : ""
    // Of a line that stays, the validation is what matters.
    line.keep([
      place(progress), valid, news, loss(progress), left(progress), speed(progress),
    ])
  }

  private func take(_ progress: TrainingProgress) {
    losses.append(progress.loss)
    speed = progress.tokensPerSecond
    if let lastElapsed { fastestUpdate = min(fastestUpdate, progress.elapsed - lastElapsed) }
    lastElapsed = progress.elapsed
    recent = recent.map { 0.95 * $0 + 0.05 * progress.loss } ?? progress.loss
    if losses.count > 4096 {
      losses = stride(from: 0, to: losses.count, by: 2).map { losses[$0] }
    }
    line.show { _ in
      [place(progress), left(progress), loss(progress), valid, speed(progress)]
    }
  }

  /// The loss, of the last updates rather than of one.
  private func loss(_ progress: TrainingProgress) -> String {
    // A run that is gone on with may begin with a validation.
    let loss = recent ?? progress.loss
    return loss.isNaN ? "" : "loss \(fixed(bits(loss), 3)) bits/\(unit)"
  }

  private var valid: String { validation.map { "valid \($0.text(unit: unit))" } ?? "" }

  private func speed(_ progress: TrainingProgress) -> String {
    "\(grouped(progress.wholeTokensPerSecond)) \(unit)s/s"
  }

  private func left(_ progress: TrainingProgress) -> String { "\(time(progress.remaining)) left" }

  private func place(_ progress: TrainingProgress) -> String {
    let step = "step \(grouped(progress.update))"
    return knowsUpdates ? step + "/\(grouped(progress.updates))" : step
  }

  private func writeValidation(
    _ progress: TrainingProgress, _ result: Validation, isBest: Bool
  ) {
    tell([
      "update": .whole(progress.update), "epoch": .number(progress.epoch),
      "loss": .number(recent ?? progress.loss), "metric": .text(result.metric.name),
      "validation": .number(result.value), "best": .flag(isBest),
      "seconds": .number(progress.elapsed),
      "tokens_per_second": .number(progress.tokensPerSecond),
    ])
  }

  /// Tells how it ended, draws the losses, and says what to do with the model.
  private func finish(_ end: TrainingEnd, _ record: TrainingRecord) {
    if json {
      tell([
        "end": .text(end.rawValue), "model": .text(files?.model ?? ""),
        "updates": .whole(record.updates), "seconds": .number(record.seconds),
        "metric": .text(record.best?.metric.name ?? ""),
        "best_validation": .number(record.best?.value ?? .nan),
        "tokens_per_second": .number(speed), "fastest_update_seconds": .number(fastestUpdate),
      ])
      return
    }
    line.end()
    if !losses.isEmpty {
      let texts = curve(losses.map(bits), width: 1).count + displayWidth(of: "loss  bits/\(unit)")
      let room = columns(of: 2).map { $0 - texts - 1 } ?? 60
      if room > 0 { say("loss \(curve(losses.map(bits), width: min(60, room))) bits/\(unit)\n") }
    }
    if let best = record.best {
      say("best validation \(best.text(unit: unit)) at step \(grouped(record.bestUpdate))\n")
    }
    say("\(end.rawValue) after \(counted(record.updates, "step")), \(time(record.seconds))\n")
    guard let files else { return }
    if end == .interrupted {
      say(
        files.isFolder
          ? "go on with: \(toolName) resume \(shellWord(files.path))\n"
          : "checkpoint in \(files.checkpoint): the same command with --resume goes on from there\n"
      )
    }
    if FileWriter.exists(files.model) { say("model in \(files.model)\n") }
    if let report = files.report, FileWriter.exists(report) { say("report in \(report)\n") }
  }

  /// Writes a line of JSON; a reader that has gone, or a full disk, does not end a night's training.
  private func tell(_ pairs: KeyValuePairs<String, JSONValue>) {
    let line = JSONValue.object(pairs).json + "\n"
    guard isHeard, let failure = failureOfWriting(line) else { return }
    isHeard = false
    complain(
      "standard output: \(String(cString: strerror(failure))); training goes on without telling")
  }

  private func say(_ text: String) {
    if !isQuiet { writeError(text) }
  }
}

/// A row of blocks as high as the values, averaged to a width, with the first and last average.
func curve(_ values: [Double], width: Int) -> String {
  guard !values.isEmpty else { return "" }
  let columns = min(width, values.count)
  let means = (0..<columns).map { column in
    let part = values[column * values.count / columns..<(column + 1) * values.count / columns]
    return part.reduce(0, +) / Double(part.count)
  }
  let blocks = Array("▁▂▃▄▅▆▇█")
  guard let low = means.min(), let high = means.max() else { return "" }
  let row = means.map { blocks[Int(7 * ($0 - low) / max(1e-9, high - low))] }
  return "\(fixed(means[0], 3)) \(String(row)) \(fixed(means[columns - 1], 3))"
}
