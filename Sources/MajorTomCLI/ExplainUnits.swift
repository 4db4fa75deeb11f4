import MajorTom

/// How well the units of a model follow a property of a text.
struct Ranking {
  let name: String
  let property: TextProperty
  /// The property at each symbol.
  let values: [Double]
  let units: [(unit: LanguageModel.Unit, correlation: Double)]
  let varies: Bool

  /// The rankings for some properties, for which the text is read once.
  ///
  /// Throws what the properties and the model throw.
  static func all(
    _ properties: [(name: String, property: TextProperty)], _ model: LanguageModel,
    signal: String, _ ids: [Int], _ pieces: [String], progress: (Double) -> Void = { _ in }
  ) throws -> [Ranking] {
    let values = try properties.map { try $0.property.values(of: pieces) }
    let units = try model.units(followingEach: values, signal: signal, in: ids, progress: progress)
    return properties.indices.map {
      Ranking(
        name: properties[$0].name, property: properties[$0].property, values: values[$0],
        units: units[$0], varies: Set(values[$0]).count > 1)
    }
  }

  /// What the property is, as what a unit follows.
  var words: String {
    switch property {
    case .quotes: "whether the text is inside of quotation marks"
    case .lineLength: "how long the line is so far"
    case .position: "how far into the word the text is"
    case .brackets: "how deep in brackets the text is"
    case .matches(let pattern): "where \(pattern) matches"
    }
  }
}

/// The activations of one unit over a part of a text.
struct ShownUnit {
  let unit: LanguageModel.Unit
  let signal: String
  /// The property that it follows, where it was chosen by one.
  let followed: Ranking?
  /// The place of the first symbol shown.
  var first = 0
  let pieces: [String]
  let values: [Float]

  /// The farthest from 0.
  var largest: Float { values.reduce(0) { max($0, abs($1)) } }

  /// What is seen.
  var title: String {
    let name = "\(unit.layer).\(unit.number)"
    guard let followed, let correlation else { return "What unit \(name) does" }
    // By eye, what is below is no likeness.
    return abs(correlation) < 0.2
      ? "No unit clearly follows \(followed.words); unit \(name) comes closest"
      : "Unit \(name) follows \(followed.words)"
  }

  /// How strongly it follows the property.
  private var correlation: Double? {
    followed?.units.first { $0.unit == unit }?.correlation
  }

  /// The coloured text, a chart of its beginning, and the other candidates.
  func add(to page: inout ExplainPage, _ rankings: [Ranking], hue: Chart.Hue) {
    page.facts(
      [("unit", "\(unit.number) of layer \(unit.layer), its \(Self.words(of: signal))")]
        + (correlation.map {
          [("correlation", "\(fixed($0, 3)) (Pearson's r) with \(followed?.words ?? "")")]
        } ?? [])
        + [("shown", "\(counted(pieces.count, "symbol")) from symbol \(grouped(first + 1)) on")])
    page.paragraph(
      """
      Red is above 0 and blue below: the colour of a symbol is the value after it was read. Point at a \
      symbol to see its value.
      """)
    page.colored(
      ColoredText(pieces: pieces, values: values.map(Double.init), name: signal))
    page.picture(chart(hue))
    if let followed {
      page.heading("Other candidates for \(followed.name)")
      page.table(
        ["unit", "correlation"],
        followed.units.prefix(10).map { unit, correlation in
          [
            "\(unit.layer).\(unit.number)",
            ExplainPage.bar(abs(correlation), fixed(correlation, 3), hue),
          ]
        })
    }
    let others = rankings.filter { $0.name != followed?.name }
    guard !others.isEmpty else { return }
    page.heading("The best units for other properties")
    page.table(
      ["property", "unit", "correlation"],
      others.map { ranking in
        guard ranking.varies, let best = ranking.units.first else {
          return [HTML.escaped(ranking.name), "–", "the same all over this text"]
        }
        return [
          HTML.escaped(ranking.name), "\(best.unit.layer).\(best.unit.number)",
          ExplainPage.bar(abs(best.correlation), fixed(best.correlation, 3), hue),
        ]
      })
  }

  /// The values of the first symbols, and the property beside them, brought to the same range.
  private func chart(_ hue: Chart.Hue) -> Chart {
    let count = min(120, values.count)
    let places = (0..<count).map { Double(first + $0 + 1) }
    var lines = [
      Chart.Line(
        "\(signal) of unit \(unit.layer).\(unit.number)", x: places,
        y: values.prefix(count).map(Double.init), hue: hue, name: "\(signal)")
    ]
    if let followed, let line = scaled(followed, places) { lines.append(line) }
    return Chart(
      title: title, x: Chart.Axis("symbol of the text", isWhole: true),
      y: Chart.Axis("value of \(signal)", includesZero: true), lines: lines)
  }

  /// A property in the range of the unit's values, upside down where it follows it so.
  private func scaled(_ ranking: Ranking, _ places: [Double]) -> Chart.Line? {
    let part = ranking.values[first...].prefix(places.count)
    let shown = values.prefix(places.count).map(Double.init)
    guard let low = part.min(), let high = part.max(), high > low, let least = shown.min(),
      let most = shown.max()
    else { return nil }
    let turns = (correlation ?? 0) < 0
    return Chart.Line(
      "\(ranking.name), scaled\(turns ? " and turned over" : "")", x: places,
      y: part.map { value in
        let fraction = (value - low) / (high - low)
        return least + (turns ? 1 - fraction : fraction) * (most - least)
      }, hue: .gray, name: HTML.cut(ranking.name, to: 11))
  }

  /// What a signal is, as the cells call it.
  static func words(of signal: String) -> String {
    let known = [
      "c": "cell state c", "h": "hidden state h", "i": "input gate i", "f": "forget gate f",
      "o": "output gate o", "g": "candidate g", "r": "reset gate r", "z": "update gate z",
      "n": "candidate n", "a": "activation a",
    ]
    return known[signal] ?? "signal \(signal)"
  }
}
