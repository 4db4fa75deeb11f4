import MajorTom

extension LanguagePages {
  /// How surprised the model is at each symbol, and by what instead.
  func surprise() throws -> ExplainPage {
    var page = ExplainPage("What surprises the model, character by character")
    // Who reads backwards has read all that follows.
    let isBackwards = model.configuration.isBackwards
    let read = isBackwards ? ids : Array(ids.prefix(max(2, show)))
    let expectations = Array(try model.expectations(of: read).prefix(max(2, show)))
    let shown = min(show, expectations.count)
    let known = expectations.compactMap { $0 }
    let mean = known.reduce(0) { $0 + $1.bits } / Double(max(1, known.count))
    page.paragraph(
      """
      \(isBackwards ? "The model reads from the end to the beginning, and says of each symbol how likely it is to stand before what it has read." : "Before each symbol the model says how likely each one is to come next.") \
      Its surprise at the one that comes is the logarithm of 1 / probability, in bits: 0 for what it was sure of, 1 for what was as likely \
      as not, 10 for what it gave a chance of one in a thousand. The mean is what the text would take to be \
      stored, \(fixed(mean, 2)) bits a symbol here.\(isBackwards ? "" : " The beginnings of words are hard, and their ends are easy.")
      """)
    page.facts(
      model.pageFacts(path) + [
        ("shown", "\(counted(shown, "symbol"))"),
        ("mean surprise", "\(fixed(mean, 3)) bits a symbol"),
      ])
    let words = { (found: LanguageModel.Expectation) in
      likeliest(found).map { "\($0.token) \($0.chance)" }.joined(separator: ", ")
    }
    let notes = expectations.prefix(shown).map { $0.map { "bits; expected: " + words($0) } ?? "" }
    page.colored(
      ColoredText(
        pieces: Array(pieces.prefix(shown)),
        values: expectations.prefix(shown).map { $0?.bits ?? .nan }, name: "bits", largest: 10,
        notes: notes))
    page.picture(chart(Array(expectations.prefix(min(100, shown))), mean: mean))
    page.heading("The greatest surprises")
    let greatest = expectations.prefix(shown).enumerated().compactMap { place, expectation in
      expectation.map { (place: place, found: $0) }
    }.sorted { ($1.found.bits, $0.place) < ($0.found.bits, $1.place) }.prefix(10)
    page.table(
      [isBackwards ? "before" : "after", "came", "bits", "what was expected"],
      greatest.map { place, found in
        let context =
          isBackwards
          ? pieces[place + 1..<min(place + 13, pieces.count)] : pieces[max(0, place - 12)..<place]
        let before = context.joined()
        return [
          "<bdi class=\"tokens\">\(HTML.escaped(before.replacing("\n", with: "⏎")))</bdi>",
          HTML.isolated(label(pieces[place])), fixed(found.bits, 1),
          // Each for itself, so that numbers beside letters of either direction stay beside them.
          likeliest(found).map { "\(HTML.isolated($0.token))\u{A0}\($0.chance)" }
            .joined(separator: ", "),
        ]
      }, numbers: [2])
    return page
  }

  /// The likeliest symbols with their probabilities.
  private func likeliest(
    _ expectation: LanguageModel.Expectation
  ) -> [(token: String, chance: String)] {
    expectation.likeliest.map { id, probability in
      let text = String(decoding: model.vocabulary.bytes(of: id), as: UTF8.self)
      return (label(text), "\(fixed(100 * probability, 0))\u{A0}%")
    }
  }

  private func chart(_ expectations: [LanguageModel.Expectation?], mean: Double) -> Chart {
    let places = expectations.indices.map { Double($0 + 1) }
    return Chart(
      title: "Surprise at each symbol",
      x: Chart.Axis("symbol of the text", isWhole: true),
      y: Chart.Axis("surprise in bits", includesZero: true),
      lines: [
        Chart.Line(
          "surprise", x: places, y: expectations.map { $0?.bits ?? .nan }, hue: model.hue,
          name: "surprise"),
        Chart.Line(
          "mean", x: [places.first ?? 0, places.last ?? 1], y: [mean, mean], hue: .gray,
          name: "mean"),
      ])
  }
}
