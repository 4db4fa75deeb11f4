import CommandLineModels
import Experiments
import Glibc
import MajorTom

/// Some curves under one heading.
struct FlowPanel {
  enum Kind: String {
    /// Fractions of the gradient by steps back.
    case flow
    /// Something of each update.
    case updates
  }

  var kind = Kind.flow
  /// What JSON and the terminal call it.
  let title: String
  /// What a page calls it, and what it says of it.
  let heading, text: String
  var curves: [GradientFlow.Curve]
  var yTitle = "norm, relative to one step back"
  /// The colour of all curves; without one each has that of its network.
  var hue: Chart.Hue?
  /// What is to be known besides, on a page.
  var facts: [(name: String, text: String)] = []

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

// MARK: The panels

extension FlowPanel {
  /// The gradient in a language model, beside the same network with fresh weights.
  static func ofModel(
    _ model: LanguageModel, _ path: String, ids: [Int], length: Int
  ) throws -> FlowPanel {
    let (trained, fresh) = (
      try model.gradientNorms(on: ids, length: length),
      try model.gradientNorms(on: ids, length: length, fresh: true)
    )
    return FlowPanel(
      title: "the gradient through time in this model, relative to one step back",
      heading: "How far back the gradient reaches in this model",
      text: """
        The norm of the gradient of the model's loss at one token with respect to the states some \
        steps earlier. Where it vanishes, what was read there has no influence on the prediction.
        """,
      curves: [
        GradientFlow.Curve(label: "trained", norms: trained),
        GradientFlow.Curve(label: "fresh weights", norms: fresh),
      ], hue: model.hue, facts: model.pageFacts(path))
  }

  /// The gradient in networks of each kind that have learnt nothing, or only what is told here.
  static func ofFreshNetworks(
    hiddenSize: Int, length: Int, sequences: Int, seed: UInt64
  ) -> [FlowPanel] {
    let (quiet, loud) = GradientFlow.standardCurves(
      hiddenSize: hiddenSize, length: length, seed: seed)
    let fresh = FlowPanel(
      title: "the gradient through time with fresh weights, relative to one step back",
      heading: "How far back the gradient reaches with fresh weights",
      text: """
        The norm of a loss's gradient with respect to the state some steps earlier. Where it \
        vanishes, nothing can be learnt from what happened there. A window sees nothing beyond its \
        edge; the forget gates of an LSTM decide how much it keeps.
        """,
      curves: quiet)
    let exploding = FlowPanel(
      title: "with recurrent weights 4 times as large",
      heading: "How gradients explode with recurrent weights 4 times as large",
      text: "Now gradients may explode: a single update could ruin all weights.", curves: loud)
    return [fresh] + learningPanels(length: length, sequences: sequences, seed: seed) + [exploding]
      + clippingPanels(length: length, seed: seed)
  }

  /// The gradient before and after learning; no panel where nothing is to be learnt from.
  private static func learningPanels(length: Int, sequences: Int, seed: UInt64) -> [FlowPanel] {
    guard sequences > 0 else { return [] }
    let learnt = min(100, length)
    let networks = [(CellKind.elman, "Elman"), (.gru, "GRU"), (.lstm, "LSTM")]
    let curves = withProgress("learning to add") { bar in
      networks.enumerated().flatMap { place, network in
        let (before, after) = GradientFlow.learning(
          network.0, label: network.1, length: learnt, measuredOver: length, sequences: sequences,
          seed: seed
        ) { bar.update((Double(place) + $0) / Double(networks.count), network.1) }
        return [before, after]
      }
    }
    return [
      FlowPanel(
        title: "before and after learning to add two numbers of \(learnt)",
        heading: "What learning to add two numbers of \(learnt) does to the gradient",
        text: """
          The adding problem: among \(learnt) numbers two are marked, and their sum is asked for at \
          the end. A cell with gates learns to keep its state; without gates, the gradient that \
          would have to teach this does not arrive.
          """,
        curves: curves)
    ]
  }

  /// The same training with and without clipping.
  private static func clippingPanels(length: Int, seed: UInt64) -> [FlowPanel] {
    let runs = [("not clipped", nil), ("clipped at 1", 1.0)].map { label, clip in
      GradientFlow.clipping(
        at: clip, label: label, length: min(50, length), updates: 200, seed: seed)
    }
    return [
      FlowPanel(
        kind: .updates,
        title:
          "clipping: norm of the gradient while an Elman network with relu and large weights learns",
        heading:
          "What clipping does: the gradient while an Elman network with large weights learns",
        text: """
          Clipping shortens a gradient that is too long and keeps its direction (--clip in training). \
          Without it, one steep place is enough to ruin the weights: after that, losses are not finite \
          or do not improve.
          """,
        curves: runs.map(\.norms), yTitle: "norm of the gradient"),
      FlowPanel(
        kind: .updates, title: "the same runs: loss",
        heading: "What clipping does: the loss of the same runs",
        text: "The loss of each update of these runs.",
        curves: runs.map(\.losses), yTitle: "loss"),
    ]
  }
}
