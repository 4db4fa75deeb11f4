import MajorTom

/// The pages of `explain all` that a language model and a text make.
struct LanguagePages {
  let model: LanguageModel
  let path: String
  /// The text that units are ranked by.
  let ids: [Int]
  let pieces: [String]
  /// How many symbols are coloured.
  let show: Int
  /// What of the units is ranked: c where there is one.
  let signal: String
  let rankings: [Ranking]

  /// Throws what the ranking of units throws.
  init(_ model: LanguageModel, _ path: String, text: String, show: Int) throws {
    self.model = model
    self.path = path
    self.show = show
    let (ids, pieces) = try model.pieces(of: text)
    (self.ids, self.pieces) = (ids, pieces)
    let signal = model.signals[0]
    self.signal = signal
    rankings = try Ranking.all(TextProperty.named, model, signal: signal, ids, pieces)
  }

  private var facts: [(name: String, text: String)] {
    model.pageFacts(path) + [("text", counted(ids.count, "symbol"))]
  }

  // MARK: Units

  /// For each property the unit that follows it best, where the property changes most.
  func units() throws -> ExplainPage {
    var page = ExplainPage("Which units keep track of quotes, brackets, lines and words")
    page.paragraph(
      """
      A network that predicts characters has to keep in mind where in the text it is, and some of its \
      units can be read: their value goes up and down with something that a reader keeps in mind, too. \
      All units were compared with four such properties; the ones that follow each best are shown. After \
      A. Karpathy, J. Johnson and L. Fei-Fei, "Visualizing and understanding recurrent networks" (2015).
      """)
    page.facts(facts)
    for ranking in rankings {
      guard ranking.varies, let best = ranking.units.first?.unit else {
        page.heading("No unit to show for \(ranking.name)")
        page.paragraph(
          "\(ranking.words.prefix(1).uppercased() + ranking.words.dropFirst()) is the same all over this text."
        )
        continue
      }
      let stretch = stretch(for: ranking)
      let values =
        try model.activations(
          of: [best], signal: signal,
          in: model.configuration.isBackwards ? ids : Array(ids[..<stretch.upperBound])
        ).first ?? []
      guard values.allSatisfy(\.isFinite) else { throw LanguageModelError.overflow }
      let shown = ShownUnit(
        unit: best, signal: signal, followed: ranking, first: stretch.lowerBound,
        pieces: Array(pieces[stretch]), values: Array(values[stretch]))
      page.heading(shown.title)
      shown.add(to: &page, [ranking], hue: model.hue)
    }
    return page
  }

  /// The stretch of the text in which a property varies most, for its size; the first of equal ones.
  private func stretch(for ranking: Ranking) -> Range<Int> {
    let count = min(show, ids.count)
    var best = (variance: -1.0, start: 0)
    for start in stride(from: 0, through: ids.count - count, by: max(1, count / 2)) {
      let part = ranking.values[start..<start + count]
      let mean = part.reduce(0, +) / Double(count)
      let variance = part.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      // A little more is not worth leaving the beginning of the text for.
      if variance > best.variance * 1.05 + 1e-9 { best = (variance, start) }
    }
    let start = beginning(after: best.start, before: ids.count - count)
    return start..<start + count
  }

  /// The next beginning of a line, else of a word, so that a text does not begin in the middle of one.
  private func beginning(after start: Int, before limit: Int) -> Int {
    guard start > 0 else { return 0 }
    let places = start...max(start, min(limit, start + show / 4))
    let line = places.first { pieces[$0 - 1].hasSuffix("\n") && pieces[$0] != "\n" }
    return line ?? places.first { pieces[$0 - 1].hasSuffix(" ") } ?? start
  }

  // MARK: Gates

  /// The gates of one unit over a text, and how far open all gates are.
  func gates() throws -> ExplainPage {
    var page = ExplainPage("What the gates do over time")
    let best = rankings.filter(\.varies).max {
      abs($0.units.first?.correlation ?? 0) < abs($1.units.first?.correlation ?? 0)
    }
    let unit = best?.units.first?.unit ?? LanguageModel.Unit(layer: 1, number: 1)
    let stretch = best.map { self.stretch(for: $0) } ?? 0..<min(show, ids.count)
    page.paragraph(
      """
      A gate is a number between 0 (shut) and 1 (open) that a cell computes anew at each symbol: it says \
      how much of something is let through. These are all signals of one unit\
      \(best.map { ", the one that follows \($0.words)" } ?? ""), over the same text.
      """)
    page.facts(facts + [("unit", "\(unit.number) of layer \(unit.layer)")])
    let read = model.configuration.isBackwards ? ids : Array(ids[..<stretch.upperBound])
    var signals: [(name: String, values: [Double])] = []
    for name in model.signals(ofLayer: unit.layer).prefix(8) {
      let values = try model.activations(of: [unit], signal: name, in: read).first ?? []
      guard values.allSatisfy(\.isFinite) else { throw LanguageModelError.overflow }
      signals.append((name, values[stretch].map(Double.init)))
    }
    page.picture(chart(of: signals, unit, stretch))
    for (name, values) in signals {
      let words = ShownUnit.words(of: name)
      page.heading(words.prefix(1).uppercased() + words.dropFirst())
      page.colored(
        ColoredText(
          pieces: Array(pieces[stretch]), values: values, name: name,
          largest: Self.gateNames.contains(name) ? 1 : nil))
    }
    try saturation(read, to: &page)
    return page
  }

  /// The signals that lie between 0 and 1.
  private static let gateNames: Set = ["i", "f", "o", "r", "z"]

  private func chart(
    of signals: [(name: String, values: [Double])], _ unit: LanguageModel.Unit,
    _ stretch: Range<Int>
  ) -> Chart {
    let gates = signals.filter { Self.gateNames.contains($0.name) }
    let count = min(40, stretch.count)
    let places = (0..<count).map { Double(stretch.lowerBound + $0 + 1) }
    return Chart(
      title: "The gates of unit \(unit.layer).\(unit.number)",
      x: Chart.Axis("symbol of the text", isWhole: true),
      y: Chart.Axis(gates.isEmpty ? "value" : "how far open", includesZero: true),
      lines: (gates.isEmpty ? signals : gates).map { name, values in
        Chart.Line(ShownUnit.words(of: name), x: places, y: Array(values.prefix(count)), name: name)
      })
  }

  /// How often the gates of each layer are wide open or all but shut.
  private func saturation(_ read: [Int], to page: inout ExplainPage) throws {
    let layers = 1...model.configuration.layers
    let units = 1...min(model.configuration.hiddenSize, 256)
    let ids = Array(read.suffix(300))
    var rows: [[String]] = []
    for layer in layers {
      for name in model.signals(ofLayer: layer) where Self.gateNames.contains(name) {
        let values = try model.activations(
          of: units.map { LanguageModel.Unit(layer: layer, number: $0) }, signal: name, in: ids
        ).joined()
        let count = Double(max(1, values.count))
        let (open, shut) = (
          Double(values.count { $0 > 0.9 }) / count, Double(values.count { $0 < 0.1 }) / count
        )
        rows.append([
          "\(layer)", name,
          ExplainPage.bar(open, "\(fixed(100 * open, 1)) %", model.hue),
          ExplainPage.bar(shut, "\(fixed(100 * shut, 1)) %", model.hue),
        ])
      }
    }
    guard !rows.isEmpty else { return }
    page.heading("How often gates are wide open, and how often all but shut")
    page.paragraph(
      """
      Over \(units.count < model.configuration.hiddenSize ? "the first \(units.count)" : "all") units of a layer \
      and the last \(counted(ids.count, "symbol")) that were read: a forget gate \
      above 0.9 keeps its cell for many steps, and one below 0.1 forgets it at once.
      """)
    page.table(["layer", "gate", "above 0.9", "below 0.1"], rows)
  }
}
