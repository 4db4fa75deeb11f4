import CommandLineModels
import MajorTom

/// The pages of `explain all` that a tagger and a sentence make.
struct TaggerPages {
  let tagger: Tagger
  let path: String
  let words: [String]
  let tagging: Tagger.Tagging

  /// Of a text the first sentence is taken.
  ///
  /// Throws `TextError` where ICU cannot cut it.
  init(_ tagger: Tagger, _ path: String, text: String) throws {
    self.tagger = tagger
    self.path = path
    words = try Array((tagger.sentences(of: text).first ?? []).map(\.text).prefix(Self.mostWords))
    guard !words.isEmpty else { throw InputError(description: "the sentence to tag has no words") }
    tagging = try tagger.tag([words])[0]
    guard tagging.confidences.allSatisfy(\.isFinite) else { throw TaggerError.overflow }
  }

  private static let mostWords = 60

  private var runsLeft: Bool { HTML.runsLeft(words.joined(separator: " ")) }

  private var facts: [(name: String, text: String)] {
    tagger.pageFacts(path) + [("sentence", words.joined(separator: " ")), ("found", found)]
  }

  private var found: String {
    guard tagger.lexicon.hasSpans else {
      return zip(words, tagging.tags).map { "\($0)/\($1)" }.joined(separator: " ")
    }
    let spans = tagging.spans.map { span in
      "\(words[span.words].joined(separator: " ")): \(span.type) (\(fixed(100 * span.confidence, 1)) %)"
    }
    return spans.isEmpty ? "no names" : spans.joined(separator: ", ")
  }

  // MARK: Marginals

  /// The probability of each type at each word.
  func marginals() throws -> ExplainPage {
    var page = ExplainPage("How sure the tagger is of each word")
    let spans = tagger.lexicon.hasSpans
    page.paragraph(
      spans
        ? """
        The tagger has a probability for each sequence of tags over the whole sentence. Summed over all \
        sequences in which a word is part of a name of some type, they are that word's marginals: the numbers \
        below, in percent. What is missing to 100 is the probability of no name\
        \(tagger.types.count > 12 ? ", or of a type that is not shown" : "").
        """
        : """
        The tagger has a probability for each sequence of tags over the whole sentence. Summed over all \
        sequences in which a word has some tag, they are that word's marginals: the numbers below, in percent.
        """)
    page.facts(facts)
    let rows = try tagger.typeProbabilities(of: [words])[0]
    // Of many tags, those that are likely anywhere.
    let types = tagger.types.indices.sorted { one, other in
      let (a, b) = (rows.map { $0[one] }.max() ?? 0, rows.map { $0[other] }.max() ?? 0)
      return (b, one) < (a, other)
    }.prefix(12).sorted()
    page.picture(
      HeatMap(
        title: page.title, rowTitle: "word", columnTitle: spans ? "in a name of type" : "tag",
        rows: words, columns: types.map { tagger.types[$0] },
        values: rows.map { row in types.map { row[$0] } }, scaleTitle: "100 percent",
        hue: tagger.hue, showsNumbers: true))
    page.heading("The likeliest taggings of the whole sentence")
    page.table(
      ["probability", "tags"],
      try tagger.best(5, words).map { tags, probability in
        let shown = zip(words, tags).map { word, tag in
          tag == "O"
            ? HTML.isolated(word)
            : "<b>\(HTML.isolated(word))</b><small>/\(HTML.escaped(tag))</small>"
        }
        return [
          "\(fixed(100 * probability, 1)) %",
          "<span dir=\"\(runsLeft ? "rtl" : "ltr")\">\(shown.joined(separator: " "))</span>",
        ]
      }, numbers: [0])
    return page
  }

  // MARK: Both directions

  /// How the probabilities at the words of a sentence change as each further word arrives.
  func directions() throws -> ExplainPage {
    let beginnings = try tagger.typeProbabilities(ofBeginningsOf: words)
    let type = watchedType(beginnings)
    let name = tagger.types[type]
    var page = ExplainPage(
      "What the words to the right add: the probability of \(name), word by word")
    let reader =
      tagger.configuration.isForwardOnly
      ? """
      This tagger reads forwards only, so nothing but the chain of tags can change its mind about a word \
      that it has read.
      """
      : """
      This tagger reads both ways. At a word, its forward direction has read the same in each row; so what \
      changes down a column is what the backward direction, and the chain of tags, add.
      """
    page.paragraph(
      """
      Somebody who reads from left to right does not know yet what comes. Here the tagger gets the first \
      word of the sentence, then the first two, and so on, each time as if there were no more. \(reader)
      """)
    page.facts(facts)
    let watched = watchedWords(beginnings, type)
    page.picture(chart(beginnings, type, watched))
    if let place = mostChanged(beginnings, watched, type) {
      page.heading("All that \(words[place]) may be")
      page.paragraph(
        "All that is likely at this word at any time, as words arrive.")
      page.picture(chart(beginnings, at: place))
    }
    page.heading("The probability of \(name) at each word, in percent")
    page.paragraph("A row for each word that arrives, a column for each word that has arrived.")
    page.picture(
      HeatMap(
        title: "probability of \(name) at each word, as words arrive", rowTitle: "arrives",
        columnTitle: "probability of \(name) at", rows: words, columns: words,
        values: beginnings.map { $0.map { $0[type] } }, scaleTitle: "100 percent", hue: tagger.hue,
        showsNumbers: true, runsLeft: runsLeft))
    page.heading("What each word changed")
    page.table(
      ["word that arrives"] + watched.map { "\(name) at \(words[$0])" },
      words.indices.map { last in
        [HTML.isolated(words[last])]
          + watched.map { place in
            guard place <= last else { return "–" }
            let now = beginnings[last][place][type]
            guard place < last else { return "\(fixed(100 * now, 1)) %" }
            let change = 100 * (now - beginnings[last - 1][place][type])
            return "\(fixed(100 * now, 1)) % (\(change < 0 ? "−" : "+")\(fixed(abs(change), 1)))"
          }
      }, numbers: Set(1...max(1, watched.count)))
    return page
  }

  /// The type to watch: PER if the tagger knows it and it is likely somewhere, else the one whose
  /// probability changes most at some word.
  private func watchedType(_ beginnings: [[[Double]]]) -> Int {
    let last = beginnings.last ?? []
    if let person = tagger.types.firstIndex(of: "PER"), last.contains(where: { $0[person] > 0.2 }) {
      return person
    }
    func most(_ type: Int) -> Double {
      words.indices.map { range(beginnings, at: $0, type) }.max() ?? 0
    }
    return tagger.types.indices.max { most($0) < most($1) } ?? 0
  }

  /// How far apart the probabilities of a type at a word are, as words arrive.
  private func range(_ beginnings: [[[Double]]], at place: Int, _ type: Int) -> Double {
    let values = beginnings[place...].map { $0[place][type] }
    return (values.max() ?? 0) - (values.min() ?? 0)
  }

  /// The words to watch: those that are of the type in the end or were once, at most four, in order.
  private func watchedWords(_ beginnings: [[[Double]]], _ type: Int) -> [Int] {
    let heights = words.indices.map { place in
      beginnings[place...].map { $0[place][type] }.max() ?? 0
    }
    let high = words.indices.sorted { (heights[$1], $0) < (heights[$0], $1) }
    let likely = high.filter { heights[$0] > 0.2 }
    return Array((likely.isEmpty ? high.prefix(1) : likely.prefix(4))).sorted()
  }

  private static let hues: [Chart.Hue] = [.blue, .orange, .green, .purple]

  /// The watched word about which the tagger changed its mind most, if any word arrived after it.
  private func mostChanged(_ beginnings: [[[Double]]], _ watched: [Int], _ type: Int) -> Int? {
    func range(_ place: Int) -> Double { self.range(beginnings, at: place, type) }
    return watched.filter { $0 + 1 < words.count }.max { (range($0), $1) < (range($1), $0) }
  }

  /// The probabilities of the likeliest types at one word.
  private func chart(_ beginnings: [[[Double]]], at place: Int) -> Chart {
    let rows = beginnings[place...].map { $0[place] }
    func most(_ type: Int) -> Double { rows.map { $0[type] }.max() ?? 0 }
    let types = tagger.types.indices.filter { most($0) > 0.02 }
      .sorted { (most($1), $0) < (most($0), $1) }.prefix(4)
    let places = (place..<words.count).map { Double($0 + 1) }
    var lines = types.enumerated().map { number, type in
      Chart.Line(
        tagger.types[type], x: places, y: rows.map { 100 * $0[type] }, style: .points,
        hue: Self.hues[number], name: tagger.types[type])
    }
    if tagger.lexicon.hasSpans {
      lines.append(
        Chart.Line(
          "no name", x: places, y: rows.map { 100 * max(0, 1 - $0.reduce(0, +)) }, style: .points,
          hue: .gray, name: "no name"))
    }
    return Chart(
      title: "What \(words[place]) may be, as words arrive",
      x: Chart.Axis("words read", isWhole: true),
      y: Chart.Axis("probability at \(words[place]) in percent", includesZero: true), lines: lines)
  }

  private func chart(_ beginnings: [[[Double]]], _ type: Int, _ watched: [Int]) -> Chart {
    return Chart(
      title: "Probability of \(tagger.types[type]) as words arrive",
      x: Chart.Axis("words read", isWhole: true),
      y: Chart.Axis("probability of \(tagger.types[type]) in percent", includesZero: true),
      lines: watched.enumerated().map { number, place in
        Chart.Line(
          "\(words[place]) (word \(place + 1))", x: (place..<words.count).map { Double($0 + 1) },
          y: beginnings[place...].map { 100 * $0[place][type] }, style: .points,
          hue: Self.hues[number % 4],
          name: words[place])
      })
  }
}
