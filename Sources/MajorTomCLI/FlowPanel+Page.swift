import Experiments
import MajorTom

/// The page of some panels.
func gradientFlowPage(_ panels: [FlowPanel]) -> ExplainPage {
  var page = ExplainPage("How far back gradients reach")
  page.paragraph(
    """
    To learn from something that happened k steps ago, a network needs the gradient of its loss with \
    respect to its state k steps back. Each curve is the norm of that gradient. Both axes are \
    logarithmic: a straight line that falls means that every step back loses the same factor. A cross \
    marks where a curve stops, and the rows below the chart say why.
    """)
  for panel in panels { panel.add(to: &page) }
  return page
}

extension FlowPanel {
  /// Beyond these powers of ten nothing is left of a gradient, and nothing saves it.
  private static let limits = 1e-32...1e32

  /// The chart, its text and what is seen in it in figures.
  fileprivate func add(to page: inout ExplainPage) {
    page.heading(heading)
    page.paragraph(text)
    if !facts.isEmpty { page.facts(facts) }
    page.picture(chart)
    guard kind == .flow else { return }
    let farthest = curves.compactMap(\.places.last).max() ?? 0
    page.table(
      ["network", "less than 1 % is left from", "left \(grouped(farthest)) steps back"],
      curves.map { curve in
        let faint = zip(curve.places, curve.values).first { $0.1 < 0.01 }
        let reach = faint.map { "\(counted($0.0, "step")) back" } ?? "nowhere"
        return [
          HTML.escaped(curve.label), reach,
          curve.places.last == farthest ? Chart.text(of: curve.values.last ?? .nan) : "–",
        ]
      }, numbers: [2])
  }

  var chart: Chart {
    let lines = curves.map { curve in
      Chart.Line(
        curve.label, x: curve.places.map(Double.init), y: curve.values,
        hue: hue ?? Chart.Hue(network: curve.label), name: Self.shortened(curve.label),
        stop: stop(of: curve))
    }
    return Chart(
      title: heading,
      x: kind == .flow
        ? Chart.Axis("steps back in time", .logarithmic) : Chart.Axis("updates", isWhole: true),
      y: Chart.Axis(yTitle, .logarithmic, limits: Self.limits), lines: lines)
  }

  /// A label in a few letters, for the end of a line.
  private static func shortened(_ label: String) -> String {
    let parts = label.split(separator: ", ", maxSplits: 1)
    guard parts.count == 2 else { return label }
    if parts[1].hasPrefix("after") { return "\(parts[0]), learnt" }
    if parts[1].hasPrefix("forget") { return "\(parts[0]), \(parts[1].dropFirst(7))" }
    return parts[1].hasPrefix("U x") ? String(parts[0]) : label
  }

  /// Why nothing is drawn from some point of a curve on; nil for one that is drawn to its end.
  func stop(of curve: GradientFlow.Curve) -> String? {
    guard kind == .flow else {
      let longest = curves.map(\.values.count).max() ?? 0
      return curve.values.count < longest
        ? "stops after \(counted(curve.values.count, "update")): then no number is finite any more"
        : nil
    }
    let last = curve.values.lastIndex { $0.isFinite && Self.limits.contains($0) } ?? -1
    guard last + 1 < curve.values.count else { return nil }
    let (steps, next) = (grouped(curve.places[last + 1]), curve.values[last + 1])
    if !next.isFinite { return "stops, as \(steps) steps back it is no longer finite" }
    if next == 0 {
      // What was still much a moment ago has not vanished little by little.
      return last >= 0 && curve.values[last] > 1e-20
        ? "stops, as \(steps) steps back it is 0: nothing reaches so far"
        : "stops, as \(steps) steps back it is 0: too small for the machine's numbers"
    }
    let side = next < Self.limits.lowerBound ? "below" : "above"
    return "stops, as \(steps) steps back it is \(Chart.text(of: next)), \(side) this chart"
  }
}
