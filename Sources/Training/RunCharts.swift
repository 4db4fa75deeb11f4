internal import Glibc
internal import Plots

/// The charts of a run's figures.
struct RunCharts {
  private let rows: [RunHistory.Row]
  private let history: RunHistory
  private let unit: String
  private let updates: [Double]

  init(_ history: RunHistory, unit: String) {
    self.history = history
    self.unit = unit
    rows = history.rows
    updates = rows.map { Double($0.update) }
  }

  /// The charts with their names; those of which nothing is known are left out.
  var all: [(name: String, chart: Chart)] {
    let others = history.metric == .crossEntropy ? [] : [validation]
    return ([loss] + others + [rate, gradientNorm, speed, memory]).compactMap { $0 }
  }

  /// The training loss, and the validation where that is a loss, too.
  private var loss: (String, Chart)? {
    let inBits = history.metric == .crossEntropy
    let values = rows.map { inBits ? bits($0.loss) : $0.loss }
    var lines: [Chart.Line] = []
    if let smooth = smoothed(values) {
      lines = [
        Chart.Line("training, smoothed", x: smooth.x, y: smooth.y),
        Chart.Line("validation", x: [], y: [], style: .points),
        Chart.Line("training", x: updates, y: values, style: .faint),
      ]
    } else {
      lines = [
        Chart.Line("training", x: updates, y: values),
        Chart.Line("validation", x: [], y: [], style: .points),
      ]
    }
    if inBits, rows.contains(where: { $0.validation != nil }) {
      lines[1] = validationLine { bits($0) }
    } else {
      lines.remove(at: 1)
    }
    return chart(
      "Loss", Chart.Axis("\(inBits ? "bits" : "nats") per \(unit)", scale(of: lines)), lines,
      marks: inBits ? bestMark { bits($0) } : [])
  }

  /// The validation where it is of another kind than the loss.
  private var validation: (String, Chart)? {
    let name = history.metric.name
    return chart(
      name, Chart.Axis("\(name) of the validation, in percent"), [validationLine { 100 * $0 }],
      marks: bestMark { 100 * $0 })
  }

  private var rate: (String, Chart)? {
    chart(
      "Learning rate", Chart.Axis("learning rate", includesZero: true),
      [Chart.Line("learning rate", x: updates, y: rows.map(\.rate))])
  }

  private var gradientNorm: (String, Chart)? {
    let norms = rows.map(\.gradientNorm)
    let line = { (style: Chart.Line.Style) in
      Chart.Line("norm", x: updates, y: norms, style: style)
    }
    let smooth = smoothed(norms).map { Chart.Line("smoothed", x: $0.x, y: $0.y) }
    return chart(
      "Norm of the gradient", Chart.Axis("norm before clipping", .logarithmic),
      smooth.map { [$0, line(.faint)] } ?? [line(.plain)])
  }

  private var speed: (String, Chart)? {
    chart(
      "Speed", Chart.Axis("\(unit)s per second", includesZero: true),
      [Chart.Line("speed", x: updates, y: rows.map(\.tokensPerSecond))])
  }

  private var memory: (String, Chart)? {
    let bytes = rows.map { $0.memoryBytes > 0 ? Double($0.memoryBytes) : .nan }
    let inGiB = bytes.contains { $0 >= 2 * 1_073_741_824 }
    return chart(
      "Memory", Chart.Axis("\(inGiB ? "GiB" : "MiB") of the process", includesZero: true),
      [Chart.Line("memory", x: updates, y: bytes.map { $0 / (inGiB ? 1_073_741_824 : 1_048_576) })])
  }

  private func chart(
    _ name: String, _ axis: Chart.Axis, _ lines: [Chart.Line], marks: [Chart.Mark] = []
  ) -> (String, Chart)? {
    let lines = lines.filter { $0.y.contains { $0.isFinite } }
    guard !lines.isEmpty else { return nil }
    return (
      name,
      Chart(
        title: name, x: Chart.Axis("updates", isWhole: true), y: axis, lines: lines, marks: marks)
    )
  }

  private func validationLine(_ value: (Double) -> Double) -> Chart.Line {
    let validated = rows.filter { $0.validation != nil }
    return Chart.Line(
      "validation", x: validated.map { Double($0.update) },
      y: validated.map { value($0.validation?.value ?? .nan) }, style: .points)
  }

  private func bestMark(_ value: (Double) -> Double) -> [Chart.Mark] {
    guard let best = history.best, let validation = best.validation else { return [] }
    let text = "best: \(validation.text(unit: unit)) at update \(grouped(best.update))"
    return [Chart.Mark(text, x: Double(best.update), y: value(validation.value))]
  }

  /// Logarithmic where the numbers are of different orders of magnitude.
  private func scale(of lines: [Chart.Line]) -> Chart.Axis.Scale {
    let values = lines.flatMap(\.y).filter(\.isFinite)
    guard let least = values.min(), let greatest = values.max(), least > 0 else { return .linear }
    return greatest / least > 100 ? .logarithmic : .linear
  }

  /// The means of sixty stretches of the run, each in its middle; nil for a short run.
  private func smoothed(_ values: [Double]) -> (x: [Double], y: [Double])? {
    let stretches = 60
    guard rows.count > 5 * stretches, let first = updates.first, let last = updates.last,
      last > first
    else { return nil }
    var sums = [(weight: Double, x: Double, y: Double)](repeating: (0, 0, 0), count: stretches)
    var previous = first - 1
    for (update, value) in zip(updates, values) {
      // A row stands for all updates since the one before.
      let weight = max(1, update - previous)
      previous = update
      guard value.isFinite else { continue }
      let place = Int((update - first) / (last - first) * Double(stretches))
      let stretch = max(0, min(stretches - 1, place))
      sums[stretch].weight += weight
      sums[stretch].y += weight * value
      sums[stretch].x += weight * (update - (weight - 1) / 2)
    }
    let full = sums.filter { $0.weight > 0 }
    return (full.map { $0.x / $0.weight }, full.map { $0.y / $0.weight })
  }
}
