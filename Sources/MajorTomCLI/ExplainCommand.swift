import CommandLineOptions
import Experiments
import Glibc
import MajorTom

/// The command `majortom explain gradient-flow`.
func explainGradientFlow(_ words: [String]) throws {
  let arguments = try ParsedArguments(
    words, command: "majortom explain gradient-flow", synopsis: "[-m MODEL TEXT...] [OPTION...]",
    about: """
      Measures the gradient that reaches back 1, 2, 4 ... steps: with fresh weights, before and
      after learning to add two numbers far apart, and where it explodes; or, with -m, that of a
      language model on text files.
      """,
    options: [
      modelOption(isDefaulted: false),
      Option("text", "TEXT", "The text itself, in place of files"),
      Option("hidden", "N", "Units of the networks with fresh weights (default: 64)"),
      Option("length", "N", "The farthest step back (default: 512)"),
      Option("sequences", "N", "Sequences to learn from; 0 learns nothing (default: 4000)"),
      Option("seed", "S", "Seed (default: 1)"),
      Option("html", "FILE", "Write the picture as a page of its own"),
      Option(flag: "json", "JSON on standard output"),
    ])
  if arguments.printedHelp { return }
  let length = try arguments.integer("length", in: 2...4096) ?? 512
  let panels: [Panel]
  if arguments.has("model") {
    let model = try LanguageModel(contentsOf: modelPath(arguments))
    // Stretches are taken from all over a text; this much is enough to choose among.
    let text = try text(arguments, atMost: 1 << 20)
    panels = [try modelPanel(model, symbols: model.pieces(of: text).symbols, length: length)]
  } else {
    guard arguments.words.isEmpty, !arguments.has("text") else {
      throw UsageError("a text is read by a model: name one with -m FILE")
    }
    panels = freshPanels(
      hiddenSize: try arguments.integer("hidden", in: 1...2048) ?? 64, length: length,
      sequences: try arguments.integer("sequences", in: 0...10_000_000) ?? 4000,
      seed: UInt64(try arguments.integer("seed", in: 0...Int.max) ?? 1))
  }
  // The page first: where it cannot be written, nothing is printed as if all had gone well.
  if let path = arguments.text("html") {
    var file = try FileWriter(replacing: path)
    file.write(
      htmlPage(
        title: "The gradient that reaches back", body: panels.map(\.html).joined(separator: "\n")))
    try file.finish()
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

/// Some curves under one heading.
private struct Panel {
  enum Kind: String {
    /// Shares of the gradient by steps back.
    case flow
    /// Something of each update.
    case updates
  }

  var kind = Kind.flow
  let title, text: String
  var curves: [GradientFlow.Curve]
  var yTitle = "share of the gradient one step back"

  var html: String {
    let lines = curves.map {
      ChartLine(label: $0.label, places: $0.places, values: $0.values)
    }
    let chart = svgChart(
      lines, x: kind == .flow ? "steps back" : "updates", y: yTitle, isLogLog: kind == .flow)
    return "<h2>\(escaped(title))</h2>\n<p>\(escaped(text))</p>\n\(chart)"
  }

  var terminal: String {
    title + "\n" + (kind == .flow ? bars : courses)
  }

  /// Bars whose length is the logarithm of the share: from 10^-12 to 10^12, 1 in the middle.
  private var bars: String {
    var text = ""
    for curve in curves {
      text += "\n  \(curve.label)\n"
      for (steps, share) in zip(curve.places, curve.values) {
        let power = share > 0 ? min(12, max(-12, log10(share))) : -12
        let places = Int(((power + 12) * 2).rounded())
        let bar = String(repeating: "█", count: places)
        let padding = String(repeating: " ", count: 48 - places)
        let number = String(repeating: " ", count: max(0, 5 - "\(steps)".count)) + "\(steps)"
        text += "  \(number) \(bar)\(padding) \(scientific(share))\n"
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
        ? ", then no number any more" : ""
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
  _ model: LanguageModel, symbols: [Int], length: Int
) throws -> Panel {
  let (trained, fresh) = (
    try model.gradientNorms(on: symbols, length: length),
    try model.gradientNorms(on: symbols, length: length, fresh: true)
  )
  return Panel(
    title: "the gradient that reaches back in this model, as a share of the one a step back",
    text: """
      The norm of the gradient of the model's loss at a symbol, with respect to the states some \
      steps earlier. Where it vanishes, what was read there plays no part.
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
  var panels = [
    Panel(
      title: "the gradient that reaches back with fresh weights, as a share of the one a step back",
      text: """
        The norm of a loss's gradient with respect to the state some steps earlier. Where it \
        vanishes, nothing can be learnt from what happened there. A window has nothing beyond its \
        edge; an LSTM's forget gates say how much it keeps.
        """,
      curves: quiet)
  ]
  if sequences > 0 {
    let learnt = min(100, length)
    let curves = [(CellKind.elman, "Elman"), (.gru, "GRU"), (.lstm, "LSTM")].flatMap { kind, name in
      let (before, after) = GradientFlow.learning(
        kind, label: name, length: learnt, measuredOver: length, sequences: sequences, seed: seed)
      return [before, after]
    }
    panels.append(
      Panel(
        title: "before and after learning to add two numbers of \(learnt)",
        text: """
          The adding problem: among \(learnt) numbers two are marked, and their sum is asked for at \
          the end. A cell with gates learns to keep its state open; without them the gradient that \
          would have to teach it does not arrive.
          """,
        curves: curves))
  }
  panels.append(
    Panel(
      title: "with recurrent weights 4 times as large",
      text: "Now gradients may explode: a single update could throw all weights far away.",
      curves: loud))
  let runs = [("not clipped", nil), ("clipped at 1", 1.0)].map { label, clip in
    GradientFlow.clipping(
      at: clip, label: label, length: min(50, length), updates: 200, seed: seed)
  }
  panels.append(
    Panel(
      kind: .updates,
      title: "clipping: an Elman network with relu and large weights learns, norm of the gradient",
      text: """
        Training shortens a gradient that is too long and keeps its direction (--clip). Without \
        that, one steep place is enough: weights are thrown away, and what follows is no number or \
        no progress.
        """,
      curves: runs.map(\.norms), yTitle: "norm of the gradient"))
  panels.append(
    Panel(
      kind: .updates, title: "the same, loss", text: "What the updates above did to the loss.",
      curves: runs.map(\.losses), yTitle: "loss"))
  return panels
}
