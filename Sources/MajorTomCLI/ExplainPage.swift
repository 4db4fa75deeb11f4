import MajorTom

/// A page that explains something: sentences, tables, coloured texts and pictures.
struct ExplainPage {
  private enum Part {
    case html(String)
    /// A picture in the page, and as a file of its own.
    case picture(String, image: String)
  }

  /// What is seen on it.
  let title: String
  private var parts: [Part] = []

  init(_ title: String) { self.title = title }

  /// Adds what is HTML already.
  mutating func add(_ html: String) { parts.append(.html(html)) }

  /// Adds a heading.
  mutating func heading(_ text: String) { add("<h2>\(HTML.escaped(text))</h2>") }

  /// Adds a paragraph.
  mutating func paragraph(_ text: String) { add("<p>\(HTML.escaped(text))</p>") }

  /// Adds a chart.
  mutating func picture(_ chart: Chart) { parts.append(.picture(chart.svg, image: chart.image)) }

  /// Adds a table of shades.
  mutating func picture(_ map: HeatMap) { parts.append(.picture(map.svg, image: map.image)) }

  /// Adds a text with its colours and what they stand for.
  mutating func colored(_ text: ColoredText) { add(text.scale + "\n" + text.html) }

  /// Adds what is to be known, by name.
  mutating func facts(_ rows: [(name: String, text: String)]) {
    let rows = rows.map {
      "<tr><th scope=\"row\">\(HTML.escaped($0.name))</th><td>\(HTML.isolated($0.text))</td></tr>"
    }
    add("<table class=\"facts\">\n\(rows.joined(separator: "\n"))\n</table>")
  }

  /// Adds a table; cells are HTML already, and `numbers` says which columns hold numbers.
  mutating func table(_ head: [String], _ rows: [[String]], numbers: Set<Int> = []) {
    func row(_ cells: [String], _ tag: String) -> String {
      let cells = cells.enumerated().map { column, cell in
        "<\(tag)\(numbers.contains(column) ? " class=\"number\"" : "")>\(cell)</\(tag)>"
      }
      return "<tr>\(cells.joined())</tr>"
    }
    let all = [row(head.map { HTML.escaped($0) }, "th")] + rows.map { row($0, "td") }
    add("<div class=\"scroll\"><table>\n\(all.joined(separator: "\n"))\n</table></div>")
  }

  /// A bar as long as a fraction, which stands beside it in figures.
  static func bar(_ fraction: Double, _ figures: String, _ hue: Chart.Hue = .blue) -> String {
    let width = fixed(100 * max(0, min(1, fraction.isFinite ? fraction : 0)), 1)
    let bar = "<span class=\"bar b\(hue.rawValue)\" style=\"width: \(width)%\"></span>"
    return "<span class=\"track\">\(bar)</span> \(figures)"
  }

  /// The pictures as files of their own.
  var images: [String] {
    parts.compactMap { if case .picture(_, let image) = $0 { image } else { nil } }
  }

  /// The page; with the names of the pictures' files there is a link below each, and `around` stands at the
  /// beginning and at the end.
  func html(pictures names: [String] = [], around: String = "") -> String {
    var names = names[...]
    let body = parts.map { part -> String in
      switch part {
      case .html(let html): return html
      case .picture(let svg, _):
        guard let name = names.popFirst() else { return svg }
        let link = HTML.escaped(name)
        return "\(svg)\n<p class=\"link\"><a href=\"\(link)\">this picture as a file</a></p>"
      }
    }
    return HTML.page(
      title: title, style: Self.style, body: ([around] + body + [around]).joined(separator: "\n"))
  }

  private static let style = """
    a { color: #0063a6 } @media (prefers-color-scheme: dark) { a { color: #6cb6ff } }
    table { border-collapse: collapse; margin: 0.8em 0 }
    td, th { text-align: start; vertical-align: top; padding: 0.2em 1em 0.2em 0; font-weight: normal;
      overflow-wrap: break-word }
    .facts td { overflow-wrap: anywhere } th { opacity: 0.75 } td.number, th.number { text-align: end; white-space: nowrap }
    .facts th { min-width: 6em } td:has(.track) { white-space: nowrap }
    .bar { display: inline-block; height: 0.75em; min-width: 1px }
    .track { display: inline-block; width: 14vw } @media (min-width: 600px) { .track { width: 14em } }
    .b0 { background: #3f8ec7 } .b1 { background: #d9722f } .b2 { background: #2a9b7d }
    .b3 { background: #b163ab } .b4 { background: #9a8420 } .b5 { background: #888 }
    .link { font-size: 0.85em; margin-top: 0.2em } nav { margin: 0.6em 0; font-size: 0.95em }
    svg.chart { margin: 0.6em 0 }
    ul.tree, ul.tree ul { list-style: none; margin: 0; padding-inline-start: 1em;
      border-inline-start: 1px solid rgba(128, 128, 128, 0.5) }
    ul.tree { padding-inline-start: 0; border: none } ul.tree li { padding: 0.1em 0 0.1em 0.4em }
    .best { font-weight: bold } .dropped { opacity: 0.65 } small { opacity: 0.8 }
    .tokens { white-space: pre-wrap }
    """
}

extension Chart.Hue {
  /// The colour of a kind of network, the same on all pages, by the name of its cell in whatever words.
  init(network name: String) {
    let name = name.lowercased()
    self =
      if name.contains("lstm") {
        .blue
      } else if name.contains("gru") {
        .green
      } else if name.contains("elman") || name.contains("clipped") {
        .orange
      } else if name.contains("window") || name.contains("tdnn") {
        .purple
      } else {
        .olive
      }
  }
}

extension TrainableModel {
  /// The colour of the model's kind of network.
  var hue: Chart.Hue { Chart.Hue(network: networkText) }

  /// What pages say of the model.
  func pageFacts(_ path: String) -> [(name: String, text: String)] {
    return [("model", modelName(path)), ("network", "a \(Self.kind.title): \(networkText)")]
  }
}

/// What a model is called on a page: the name of its file, or of the run that it is of.
func modelName(_ path: String) -> String {
  let parts = path.split(separator: "/")
  let isOfRun = parts.last.map(String.init) == RunFiles.modelName && parts.count > 1
  return parts.dropLast(isOfRun ? 1 : 0).last.map(String.init) ?? path
}

/// A token as a label: what would not be seen as a sign, without the space that it begins with.
func label(_ token: String) -> String {
  if token == " " { return "␣" }
  if token == "\n" { return "⏎" }
  return token.hasPrefix(" ") ? String(token.dropFirst()) : token
}
