import MajorTom

/// The pages of `explain all` that a translator and a sentence make, and that of `translate --html`.
struct TranslatorPages {
  let translator: Translator
  let path: String
  let source: String

  // MARK: Attention

  /// What the decoder looked at in the best of some translations; the others stand below it.
  func attention(_ translations: [Translator.Translation]) -> ExplainPage {
    var page = ExplainPage("What the decoder looked at while it wrote each token")
    guard let best = translations.first else { return page }
    page.paragraph(
      """
      The decoder writes one token after another, and for each it shares out its attention over the tokens \
      that were read: each row sums to 1. The stronger a cell's colour, the more that token counted. \(Self.end) is the \
      end of the sentence.
      """)
    page.facts(
      translator.pageFacts(path) + [
        ("read", source), ("written", best.text),
        ("log probability", fixed(best.logProbability, 4)),
      ])
    if best.attention.isEmpty {
      page.paragraph(
        "This translator has no attention: its decoder sees the encoder's last state alone.")
    } else {
      let written = best.written + [Self.end]
      page.picture(
        HeatMap(
          title: page.title, rowTitle: "written ↓", columnTitle: "read →",
          rows: (0..<best.attention.count).map {
            label($0 < written.count ? written[$0] : Self.end)
          },
          columns: (best.read + [Self.end]).map(label),
          values: best.attention.map { $0.map(Double.init) }, scaleTitle: "all of the attention",
          hue: translator.hue, runsLeft: HTML.runsLeft(source)))
      note(best, on: &page)
    }
    guard translations.count > 1 else { return page }
    page.heading("Other candidates")
    page.paragraph(
      "In the order of what they are compared by: the log probability divided by a power of the length."
    )
    page.table(
      ["log probability", "translation"],
      translations.map { [fixed($0.logProbability, 4), HTML.isolated($0.text)] }, numbers: [0])
    return page
  }

  /// What stands for the end of a sentence: a sign that more fonts have than the terminal's.
  private static let end = "■"

  /// Says where a picture was cut, and where the translation was.
  private func note(_ best: Translator.Translation, on page: inout ExplainPage) {
    let longest = max(best.attention.count, best.attention.first?.count ?? 0)
    if longest > HeatMap.most {
      page.paragraph("Only the first \(HeatMap.most) rows and columns of \(longest) are shown.")
    }
    if best.isCutOff {
      page.paragraph(
        "The translation stops after \(counted(best.written.count, "token")), as no more are allowed."
      )
    }
  }

  // MARK: The beam

  /// The tree that a beam search grows; runs without branches are one line.
  ///
  /// Throws `TextError` where ICU cannot cut the source.
  func beam(_ search: Translator.Search) throws -> ExplainPage {
    var page = ExplainPage("The tree that a beam search grows")
    page.paragraph(
      """
      At each step the search goes on with the \(search.beam) likeliest beginnings of a translation and drops \
      all others. Here is everything that it followed: a list below a line shows the ways in which that \
      beginning went on, and the number at the end of a line is the logarithm of the probability of all up \
      to there. The best translation is in bold; ✓ marks a translation that is finished, with the score that \
      finished ones are compared by, and ✗ one that was dropped there.
      """)
    guard let tree = try translator.beamTree(of: source, search) else {
      page.paragraph("There is nothing to translate.")
      return page
    }
    let finished = tree.branches.count { $0.score != nil }
    page.facts(
      translator.pageFacts(path) + [
        ("read", source), ("written", tree.best.text), ("beam", "\(search.beam)"),
        (
          "followed",
          "\(counted(tree.branches.count, "token")), \(counted(finished, "translation")) finished"
        ),
      ])
    page.picture(chart(tree, search))
    let direction = HTML.runsLeft(tree.best.text) ? "rtl" : "ltr"
    let list = BeamList(tree: tree).html
    page.add("<div dir=\"\(direction)\">\(list)</div>")
    return page
  }

  /// The log probability of each finished translation token by token.
  private func chart(_ tree: Translator.BeamTree, _ search: Translator.Search) -> Chart {
    let ends = tree.branches.indices.filter { tree.branches[$0].score != nil }
      .sorted { (tree.branches[$1].score ?? 0, $0) < (tree.branches[$0].score ?? 0, $1) }
    let lines = ends.prefix(5).enumerated().map { place, end in
      var path: [Double] = []
      var next: Int? = end
      while let number = next {
        path.append(tree.branches[number].logProbability)
        next = tree.branches[number].parent
      }
      return Chart.Line(
        place == 0 ? "the best" : "number \(place + 1)", x: path.indices.map { Double($0 + 1) },
        y: path.reversed(), name: place == 0 ? "best" : "\(place + 1)")
    }
    return Chart(
      title: "How the log probability of each finished translation falls",
      x: Chart.Axis("tokens written", isWhole: true),
      y: Chart.Axis("log probability", includesZero: true), lines: lines)
  }
}

/// A beam's tree as nested lists.
private struct BeamList {
  let tree: Translator.BeamTree
  let children: [[Int]]
  /// Deeper lists would have no room on a telephone.
  private static let deepest = 30

  init(tree: Translator.BeamTree) {
    self.tree = tree
    children = tree.children
  }

  var html: String { list(children[tree.branches.count], depth: 0) }

  private func list(_ branches: [Int], depth: Int) -> String {
    guard depth < Self.deepest else { return "<ul class=\"tree\"><li>…</li></ul>" }
    let items = branches.sorted {
      (tree.branches[$1].logProbability, $0) < (tree.branches[$0].logProbability, $1)
    }.map { item($0, depth: depth) }
    return "<ul\(depth == 0 ? " class=\"tree\"" : "")>\(items.joined(separator: "\n"))</ul>"
  }

  /// A branch with all that goes on from it alone, and then its own branches.
  private func item(_ first: Int, depth: Int) -> String {
    var bytes: [UInt8] = []
    var last = first
    while true {
      bytes += tree.branches[last].bytes
      guard children[last].count == 1 else { break }
      last = children[last][0]
    }
    let branch = tree.branches[last]
    let text = String(decoding: bytes, as: UTF8.self).replacing("\n", with: "⏎")
    let spaced = text.hasPrefix(" ") ? "␣" + text.dropFirst() : text
    let ended = spaced.hasSuffix(" ") ? spaced.dropLast() + "␣" : spaced[...]
    let probability = Chart.text(of: (branch.logProbability * 100).rounded() / 100)
    let fate =
      branch.score.map { " ✓ score \(Chart.text(of: ($0 * 1000).rounded() / 1000))" }
      ?? (children[last].isEmpty ? " ✗" : "")
    let kind = branch.isBest ? "best" : fate == " ✗" ? "dropped" : ""
    let below = children[last].isEmpty ? "" : "\n" + list(children[last], depth: depth + 1)
    let shown = bytes.isEmpty ? "(end)" : HTML.escaped(ended)
    return "<li><span class=\"\(kind)\"><bdi class=\"tokens\">\(shown)</bdi></span> "
      + "<small><bdi>\(probability)\(fate)</bdi></small>\(below)</li>"
  }
}
