import CommandLineModels
import CommandLineOptions
import Experiments
import Glibc
import MajorTom

/// The command `majortom explain gradient-flow`.
let gradientFlowCommand = Command(
  "explain gradient-flow", summary: "see how far back gradients reach",
  synopsis: "[-m MODEL TEXT...] [OPTION...]",
  about: """
    Measures the norm of the gradient 1, 2, 4 ... steps back in time: with fresh weights, before
    and after learning to add two numbers far apart, and where it explodes; or, with -m, in a
    language model on text files.
    """,
  options: [
    modelOption(isDefaulted: false),
    Option("text", "TEXT", "The text itself, instead of files"),
    Option("hidden", "N", "Units of the networks with fresh weights (default: 64)"),
    Option("length", "N", "The most steps back (default: 512)"),
    Option("sequences", "N", "Sequences to learn from; 0 to skip learning (default: 4000)"),
    Option("seed", "S", "Seed (default: 1)"),
    Option("html", "FILE", "Write the charts as a web page"),
    Option(flag: "json", "JSON on standard output"),
  ]
) { arguments in
  if let page = arguments.text("html") {
    try demandApart(page, arguments.texts("model") + arguments.words)
  }
  let panels = try panels(arguments)
  // The page first: where it cannot be written, nothing is printed as if all had gone well.
  if let path = arguments.text("html") {
    let body = panels.map(\.html).joined(separator: "\n")
    try FileWriter.write(HTML.page(title: "The gradient through time", body: body), to: path)
  }
  for (number, panel) in panels.enumerated() {
    if arguments.has("json") {
      panel.writeAsJSON()
    } else {
      writeOutput((number > 0 ? "\n" : "") + panel.terminal)
    }
  }
  if let path = arguments.text("html"), !arguments.has("json") {
    writeOutput("\npicture in \(path)\n")
  }
}

private func panels(_ arguments: ParsedArguments) throws -> [Panel] {
  let length = try arguments.integer("length", in: 2...4096) ?? 512
  if arguments.has("model") {
    let model = try LanguageModel(contentsOf: modelPath(arguments))
    // Stretches are taken from all over a text; this much is enough to choose among.
    let text = try text(arguments, atMost: 1 << 20)
    return [try modelPanel(model, ids: model.pieces(of: text).ids, length: length)]
  }
  guard arguments.words.isEmpty, !arguments.has("text") else {
    throw UsageError("a text is read by a model: name one with -m FILE")
  }
  return try freshPanels(
    hiddenSize: arguments.integer("hidden", in: 1...2048) ?? 64, length: length,
    sequences: arguments.integer("sequences", in: 0...10_000_000) ?? 4000,
    seed: UInt64(arguments.integer("seed", in: 0...Int.max) ?? 1))
}

/// Some curves under one heading.
private struct Panel {
  enum Kind: String {
    /// Fractions of the gradient by steps back.
    case flow
    /// Something of each update.
    case updates
  }

  var kind = Kind.flow
  let title, text: String
  var curves: [GradientFlow.Curve]
  var yTitle = "norm, relative to one step back"

  var html: String {
    let lines = curves.map {
      Chart.Line($0.label, x: $0.places.map(Double.init), y: $0.values)
    }
    // Beyond these powers of ten nothing is left of a gradient, and nothing saves it.
    let chart = Chart(
      title: title,
      x: kind == .flow
        ? Chart.Axis("steps back", .logarithmic) : Chart.Axis("updates", isWhole: true),
      y: Chart.Axis(yTitle, .logarithmic, limits: 1e-32...1e32), lines: lines)
    return "<h2>\(HTML.escaped(title))</h2>\n<p>\(HTML.escaped(text))</p>\n\(chart.svg)"
  }

  var terminal: String {
    title + "\n" + (kind == .flow ? bars : courses)
  }

  /// Bars whose length is the logarithm of the fraction: from 10^-12 to 10^12, 1 in the middle.
  private var bars: String {
    var text = ""
    for curve in curves {
      text += "\n  \(curve.label)\n"
      for (steps, fraction) in zip(curve.places, curve.values) {
        let power = fraction > 0 ? min(12, max(-12, log10(fraction))) : -12
        let places = Int(((power + 12) * 2).rounded())
        let bar = String(repeating: "█", count: places)
        let padding = String(repeating: " ", count: 48 - places)
        let number = String(repeating: " ", count: max(0, 5 - "\(steps)".count)) + "\(steps)"
        text += "  \(number) \(bar)\(padding) \(scientific(fraction))\n"
      }
    }
    return text
  }

  /// One line for each curve: how it went, and its largest and last value.
  private var courses: String {
    let width = curves.map(\.label.count).max() ?? 0
    return curves.map { curve in
      let label = curve.label + String(repeating: " ", count: width - curve.label.count)
      let end =
        curve.values.count < (curves.map(\.values.count).max() ?? 0)
        ? ", then no longer finite" : ""
      return
        "  \(label)  largest \(scientific(curve.values.max() ?? .nan)), "
        + "last \(scientific(curve.values.last ?? .nan)) after "
        + "\(grouped(curve.values.count)) updates\(end)\n"
    }.joined()
  }

  func writeAsJSON() {
    for curve in curves {
      writeJSON([
        "panel": .text(title), "curve": .text(curve.label),
        kind == .flow ? "steps" : "updates": .list(curve.places.map { .whole($0) }),
        "values": .list(curve.values.map { .number($0) }),
      ])
    }
  }
}

private func modelPanel(
  _ model: LanguageModel, ids: [Int], length: Int
) throws -> Panel {
  let (trained, fresh) = (
    try model.gradientNorms(on: ids, length: length),
    try model.gradientNorms(on: ids, length: length, fresh: true)
  )
  return Panel(
    title: "the gradient through time in this model, relative to one step back",
    text: """
      The norm of the gradient of the model's loss at one token with respect to the states some \
      steps earlier. Where it vanishes, what was read there has no influence on the prediction.
      """,
    curves: [
      GradientFlow.Curve(label: "trained", norms: trained),
      GradientFlow.Curve(label: "fresh weights", norms: fresh),
    ])
}

private func freshPanels(
  hiddenSize: Int, length: Int, sequences: Int, seed: UInt64
) -> [Panel] {
  let (quiet, loud) = GradientFlow.standardCurves(
    hiddenSize: hiddenSize, length: length, seed: seed)
  let fresh = Panel(
    title: "the gradient through time with fresh weights, relative to one step back",
    text: """
      The norm of a loss's gradient with respect to the state some steps earlier. Where it \
      vanishes, nothing can be learnt from what happened there. A window sees nothing beyond its \
      edge; the forget gates of an LSTM decide how much it keeps.
      """,
    curves: quiet)
  let exploding = Panel(
    title: "with recurrent weights 4 times as large",
    text: "Now gradients may explode: a single update could ruin all weights.", curves: loud)
  return [fresh] + learningPanels(length: length, sequences: sequences, seed: seed) + [exploding]
    + clippingPanels(length: length, seed: seed)
}

/// The gradient before and after learning; no panel where nothing is to be learnt from.
private func learningPanels(length: Int, sequences: Int, seed: UInt64) -> [Panel] {
  guard sequences > 0 else { return [] }
  let learnt = min(100, length)
  let curves = [(CellKind.elman, "Elman"), (.gru, "GRU"), (.lstm, "LSTM")].flatMap { kind, name in
    let (before, after) = GradientFlow.learning(
      kind, label: name, length: learnt, measuredOver: length, sequences: sequences, seed: seed)
    return [before, after]
  }
  return [
    Panel(
      title: "before and after learning to add two numbers of \(learnt)",
      text: """
        The adding problem: among \(learnt) numbers two are marked, and their sum is asked for at \
        the end. A cell with gates learns to keep its state; without gates, the gradient that \
        would have to teach this does not arrive.
        """,
      curves: curves)
  ]
}

/// The same training with and without clipping.
private func clippingPanels(length: Int, seed: UInt64) -> [Panel] {
  let runs = [("not clipped", nil), ("clipped at 1", 1.0)].map { label, clip in
    GradientFlow.clipping(
      at: clip, label: label, length: min(50, length), updates: 200, seed: seed)
  }
  return [
    Panel(
      kind: .updates,
      title:
        "clipping: norm of the gradient while an Elman network with relu and large weights learns",
      text: """
        Clipping shortens a gradient that is too long and keeps its direction (--clip in training). \
        Without it, one steep place is enough to ruin the weights: after that, losses are not finite \
        or do not improve.
        """,
      curves: runs.map(\.norms), yTitle: "norm of the gradient"),
    Panel(
      kind: .updates, title: "the same runs: loss", text: "The loss of each update of these runs.",
      curves: runs.map(\.losses), yTitle: "loss"),
  ]
}
