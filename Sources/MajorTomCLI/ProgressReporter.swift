import Glibc
import MajorTom

/// Shows a training run on standard error: one live line on a terminal, else a line now and then.
final class ProgressReporter {
  private let unit: String
  private let json: Bool
  private let isQuiet: Bool
  private let isTerminal = isatty(2) == 1
  private let clock = ContinuousClock()
  private var lastShown: ContinuousClock.Instant?
  private var validation: Double?
  private var losses: [Double] = []
  private var recent: Double?
  private var heading = ""
  private var speed = Double.nan
  private var lastElapsed: Double?
  private var fastestUpdate = Double.infinity

  init(unit: String, json: Bool, isQuiet: Bool) {
    self.unit = unit
    self.json = json
    self.isQuiet = isQuiet || json
  }

  /// Tells what is trained, once training really begins.
  func begin(_ model: LanguageModel, symbols: Int, bytes: Int) {
    let configuration = model.configuration
    heading =
      "\(grouped(bytes)) bytes of text, \(grouped(symbols)) \(unit), "
      + "\(grouped(model.vocabulary.count)) symbols\n"
      + "\(configuration.cell.rawValue), \(configuration.layers) x "
      + "\(configuration.hiddenSize) units, "
      + "\(grouped(model.network.layout.weightCount)) weights"
      + "\(configuration.isBackwards ? ", reads backwards" : "")\n"
  }

  /// Takes an event of the training loop.
  func report(_ event: TrainingEvent) {
    say(heading)
    heading = ""
    switch event {
    case .update(let progress):
      losses.append(progress.loss)
      speed = progress.symbolsPerSecond
      if let lastElapsed { fastestUpdate = min(fastestUpdate, progress.elapsed - lastElapsed) }
      lastElapsed = progress.elapsed
      recent = recent.map { 0.95 * $0 + 0.05 * progress.loss } ?? progress.loss
      if losses.count > 4096 {
        losses = stride(from: 0, to: losses.count, by: 2).map { losses[$0] }
      }
      let pause: Duration = isTerminal ? .milliseconds(200) : .seconds(5)
      if lastShown.map({ clock.now - $0 >= pause }) ?? true {
        lastShown = clock.now
        show(progress, ending: isTerminal ? "" : "\n")
      }
    case .validation(let progress, let loss, let isBest):
      validation = loss
      if json {
        writeJSON([
          "update": .whole(progress.update), "epoch": .number(progress.epoch),
          "loss": .number(recent ?? progress.loss), "validation_nats": .number(loss),
          "validation_bits": .number(bits(loss)), "best": .flag(isBest),
          "seconds": .number(progress.elapsed),
          "symbols_per_second": .number(progress.symbolsPerSecond),
        ])
      }
      show(progress, ending: isBest ? "  best\n" : "\n")
    case .notSaved(let error):
      complain("\(error); training goes on and tries again")
      if json { writeJSON(["not_saved": .text("\(error)")]) }
    case .saved(let path):
      if json { writeJSON(["saved": .text(path)]) }
    }
  }

  /// Tells how it ended, draws the losses, and says what to do with the model.
  func finish(_ end: TrainingEnd, model: LanguageModel, output: String) {
    let record = model.card.record
    if json {
      writeJSON([
        "end": .text(end.rawValue), "model": .text(output), "updates": .whole(record.updates),
        "seconds": .number(record.seconds),
        "best_validation_nats": .number(record.bestLoss ?? .nan),
        "symbols_per_second": .number(speed), "fastest_update_seconds": .number(fastestUpdate),
      ])
      return
    }
    say("\(isTerminal ? "\r\u{1B}[K" : "")loss \(curve(losses, width: 60))\n")
    if let best = record.bestLoss {
      say(
        "best validation \(fixed(bits(best), 3)) bits/\(unit.dropLast()) "
          + "(\(fixed(best, 4)) nats) at step \(grouped(record.bestUpdate))\n")
    }
    say("\(end.rawValue) after \(grouped(record.updates)) steps, \(time(record.seconds))\n")
    if end == .interrupted {
      say("checkpoint in \(output).checkpoint: the same command with --resume goes on from there\n")
    }
    if FileWriter.exists(output) { say("model in \(output)\n") }
  }

  private func show(_ progress: TrainingProgress, ending: String) {
    let valid = validation.map { "\(fixed(bits($0), 3)) bits/\(unit.dropLast())" } ?? "-"
    say(
      "\(isTerminal ? "\r" : "")step \(grouped(progress.update))/\(grouped(progress.updates))"
        + "  loss \(fixed(recent ?? progress.loss, 3))  valid \(valid)"
        + "  \(grouped(Int(progress.symbolsPerSecond))) \(unit)/s"
        + "  \(time(progress.remaining)) left\(isTerminal ? "\u{1B}[K" : "")\(ending)")
  }

  private func say(_ text: String) {
    if !isQuiet { writeError(text) }
  }
}

/// Nats as bits.
func bits(_ nats: Double) -> Double { nats / log(2) }

/// A number with a fixed number of decimals.
func fixed(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite else { return "\(value)" }
  let scale = pow(10.0, Double(decimals))
  let scaled = (abs(value) * scale).rounded()
  guard scaled < 9e18 else { return "\(value)" }
  let digits = String(Int(scaled))
  let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
  let sign = value < 0 && scaled > 0 ? "-" : ""
  return decimals == 0
    ? sign + padded : sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
}

/// A number with one decimal and a power of ten, such as 3.1e-9.
func scientific(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return "\(value)" }
  var exponent = Int(floor(log10(abs(value))))
  if abs(value) / pow(10, Double(exponent)) >= 9.95 { exponent += 1 }
  return "\(fixed(value / pow(10, Double(exponent)), 1))e\(exponent)"
}

/// A whole number with commas between thousands.
func grouped(_ value: Int) -> String {
  var result = ""
  for (index, digit) in String(abs(value)).reversed().enumerated() {
    if index > 0, index % 3 == 0 { result.append(",") }
    result.append(digit)
  }
  return (value < 0 ? "-" : "") + String(result.reversed())
}

/// Seconds as hours, minutes and seconds.
func time(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds < 1e9 else { return "?" }
  let whole = Int(seconds.rounded())
  let padded = { (n: Int) in n < 10 ? "0\(n)" : "\(n)" }
  let (hours, minutes) = (whole / 3600, whole / 60 % 60)
  return hours > 0
    ? "\(hours):\(padded(minutes)):\(padded(whole % 60))" : "\(minutes):\(padded(whole % 60))"
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
