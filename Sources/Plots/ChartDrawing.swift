/// Where things stand in a chart, and its parts.
struct ChartDrawing {
  private static let width = 480.0
  private static let (top, bottom) = (34.0, 224.0)
  // What fits at the largest size of letters, see `Chart.style`.
  private static let row = 23.0
  private static let (mostLines, mostMarks, mostDiscs) = (24, 12, 60)
  // Names at the lines' ends: as many as stand below each other, and how wide.
  private static let (mostNames, widestName) = (10, 132.0)

  private let chart: Chart
  private let horizontal, vertical: Ruler
  private let left: Double
  private let right: Double
  private let lines: [Thinned]

  init(_ chart: Chart) {
    var chart = chart
    // As many as a legend can name.
    chart.lines = Array(chart.lines.prefix(Self.mostLines))
    chart.marks = Array(chart.marks.prefix(Self.mostMarks))
    self.chart = chart
    let points =
      chart.lines.flatMap { line in
        zip(line.x, line.y).filter { chart.x.shows($0) && chart.y.shows($1) }
      } + chart.marks.map { ($0.x, $0.y) }.filter { chart.x.shows($0) && chart.y.shows($1) }
    vertical = Ruler(chart.y, points.lazy.map { $0.1 }, most: 5, endsAtTicks: true)
    let names = chart.lines.compactMap(\.name).map { min(Self.widestName, Letters.width(of: $0)) }
    right = Self.width - 14 - (names.count > Self.mostNames ? 0 : names.max().map { $0 + 4 } ?? 0)
    left = 16 + (vertical.ticks.map { Letters.width(of: $0.label) }.max() ?? 0)
    let x = points.lazy.map { $0.0 }
    // How many numbers there is room for depends on how wide they are.
    let guess = Ruler(chart.x, x, most: 6, endsAtTicks: false)
    let widest = guess.ticks.map { Letters.width(of: $0.label) }.max() ?? 0
    let most = max(2, Int((right - left) / (widest + 12)))
    let horizontal = Ruler(chart.x, x, most: min(7, most), endsAtTicks: false)
    self.horizontal = horizontal
    lines = chart.lines.map { line in
      Thinned(line.x, line.y, to: Chart.mostPoints) { x, y in
        chart.x.shows(x) && chart.y.shows(y) ? horizontal.place(of: x) : nil
      }
    }
  }

  func svg(attributes: String, style: String) -> String {
    let legend = legend
    let height = Int(Self.bottom + 52 + Self.row * Double(legend.count) + (legend.isEmpty ? 0 : 6))
    let parts =
      [
        "<svg class=\"chart\" viewBox=\"0 0 \(Int(Self.width)) \(height)\" role=\"img\"\(attributes)>"
          + style,
        "<title>\(shown(chart.title))</title>", "<desc>\(shown(description))</desc>",
      ] + grid + titles + curves + crosses + names + marks + legend + ["</svg>"]
    return parts.joined(separator: "\n")
  }

  private func shown(_ text: String) -> String { HTML.escaped(HTML.cut(text, to: 4000)) }

  private func x(_ value: Double) -> Double { left + (right - left) * horizontal.place(of: value) }
  private func y(_ value: Double) -> Double {
    Self.bottom - (Self.bottom - Self.top) * vertical.place(of: value)
  }

  // MARK: Axes

  /// A line and a number for each tick.
  private var grid: [String] {
    var parts = ["<g class=\"grid\">"]
    for tick in vertical.ticks {
      let at = y(tick.value)
      parts.append(
        "<line x1=\"\(places(left))\" x2=\"\(places(right))\" y1=\"\(places(at))\" y2=\"\(places(at))\"/>"
          + "<text x=\"\(places(left - 8))\" y=\"\(places(at + 5))\" text-anchor=\"end\">"
          + "\(tick.label)</text>")
    }
    var end = 0.0
    for tick in horizontal.ticks {
      let at = x(tick.value)
      let bottom = places(Self.bottom)
      parts.append(
        "<line x1=\"\(places(at))\" x2=\"\(places(at))\" y1=\"\(bottom)\" "
          + "y2=\"\(places(Self.bottom + 5))\"/>")
      let half = Letters.width(of: tick.label) / 2
      let middle = max(half, min(Self.width - half, at))
      guard middle - half >= end else { continue }
      end = middle + half + 6
      parts.append(
        "<text x=\"\(places(middle))\" y=\"\(places(Self.bottom + 21))\" text-anchor=\"middle\">"
          + "\(tick.label)</text>")
    }
    return parts + ["</g>"]
  }

  private var titles: [String] {
    let (xTitle, yTitle) = (Letters.fitted(chart.x.title, 400), Letters.fitted(chart.y.title, 460))
    return [
      "<text x=\"8\" y=\"18\">\(HTML.escaped(yTitle))</text>",
      "<text x=\"\(places((left + right) / 2))\" y=\"\(places(Self.bottom + 42))\" "
        + "text-anchor=\"middle\">\(HTML.escaped(xTitle))</text>",
    ]
  }

  // MARK: Lines

  private func color(_ number: Int) -> Int { chart.lines[number].hue?.rawValue ?? number % 6 }

  /// Which dashes a line has: each plain line has others, the first has none.
  private func dashes(_ number: Int) -> String {
    let before = chart.lines[..<number].filter { $0.style == .plain }.count
    return chart.lines[number].style == .plain && before % 6 > 0 ? " d\(before % 6)" : ""
  }

  private var curves: [String] {
    // Pale lines first: the others lie above them.
    let order = chart.lines.indices.sorted {
      (chart.lines[$0].style == .faint ? 0 : 1, $0) < (chart.lines[$1].style == .faint ? 0 : 1, $1)
    }
    return order.flatMap { number -> [String] in
      let line = chart.lines[number]
      let faint = line.style == .faint ? " faint" : ""
      return lines[number].parts.flatMap { part -> [String] in
        let points = part.map { (x: line.x[$0], y: line.y[$0]) }
        let path = points.map { "\(places(x($0.x))),\(places(y($0.y)))" }
        let curve =
          "<polyline class=\"c\(color(number))\(dashes(number))\(faint)\" "
          + "points=\"\(path.joined(separator: " "))\"/>"
        // A single point has no line to be seen by.
        let isAlone = part.count == 1
        guard isAlone || line.style == .points && lines[number].count <= Self.mostDiscs else {
          return [curve]
        }
        return (isAlone ? [] : [curve])
          + points.map { point in
            sign(
              number, x(point.x), y(point.y),
              saying: "\(line.label): \(Chart.text(of: point.y))"
                + " (\(chart.x.title) \(Chart.text(of: point.x)))")
          }
      }
    }
  }

  /// A disc, a square, a triangle or a diamond.
  private func sign(_ number: Int, _ x: Double, _ y: Double, saying words: String = "") -> String {
    let shape: [(Double, Double)] =
      switch number % 4 {
      case 0: [(-3, -3), (3, -3), (3, 3), (-3, 3)]
      case 1: []
      case 2: [(-4, 3), (4, 3), (0, -4.5)]
      default: [(0, -4.5), (4.5, 0), (0, 4.5), (-4.5, 0)]
      }
    let words = words.isEmpty ? "" : "<title>\(HTML.escaped(HTML.cut(words, to: 200)))</title>"
    let (name, form) =
      shape.isEmpty
      ? ("circle", "cx=\"\(places(x))\" cy=\"\(places(y))\" r=\"3.5\"")
      : (
        "polygon",
        "points=\"\(shape.map { "\(places(x + $0.0)),\(places(y + $0.1))" }.joined(separator: " "))\""
      )
    return words.isEmpty
      ? "<\(name) class=\"p\(color(number))\" \(form)/>"
      : "<\(name) class=\"p\(color(number))\" \(form)>\(words)</\(name)>"
  }

  private var marks: [String] {
    chart.marks.filter { chart.x.shows($0.x) && chart.y.shows($0.y) }.map { mark in
      "<circle class=\"ring\" cx=\"\(places(x(mark.x)))\" cy=\"\(places(y(mark.y)))\" r=\"7\">"
        + "<title>\(HTML.escaped(HTML.cut(mark.label, to: 200)))</title></circle>"
    }
  }

  // MARK: Ends of lines

  /// Where the last point of a line is drawn; nil for a line without points.
  private func end(of number: Int) -> (x: Double, y: Double)? {
    guard let last = lines[number].parts.last?.last else { return nil }
    return (x(chart.lines[number].x[last]), y(chart.lines[number].y[last]))
  }

  /// A cross at the end of each line that stops before others do.
  private var crosses: [String] {
    chart.lines.enumerated().flatMap { number, line -> [String] in
      guard let stop = line.stop, let end = end(of: number) else { return [] }
      return [cross(number, end.x, end.y, saying: "\(line.label): \(stop)")]
    }
  }

  private func cross(_ number: Int, _ x: Double, _ y: Double, saying words: String) -> String {
    let (left, right, top, bottom) = (places(x - 5), places(x + 5), places(y - 5), places(y + 5))
    return "<g class=\"c\(color(number)) cross\">"
      + "<title>\(HTML.escaped(HTML.cut(words, to: 200)))</title>"
      + "<line x1=\"\(left)\" y1=\"\(top)\" x2=\"\(right)\" y2=\"\(bottom)\"/>"
      + "<line x1=\"\(left)\" y1=\"\(bottom)\" x2=\"\(right)\" y2=\"\(top)\"/></g>"
  }

  /// The names beside the ends of lines, apart from each other.
  private var names: [String] {
    let named = chart.lines.indices.compactMap {
      number -> (number: Int, name: String, at: Double)? in
      guard let name = chart.lines[number].name, let end = end(of: number) else { return nil }
      return (number, name, end.y)
    }.sorted { ($0.at, $0.number) < ($1.at, $1.number) }
    guard !named.isEmpty, named.count <= Self.mostNames else { return [] }
    let ends = Letters.apart(
      named.map(\.at), by: 18, within: Self.top - 12...Self.bottom + 4)
    return zip(named, ends).flatMap { found, at -> [String] in
      guard let end = end(of: found.number) else { return [] }
      let far = abs(at - end.y) > 6 || right - end.x > 12
      let leader =
        "<line class=\"leader\" x1=\"\(places(end.x + 7))\" y1=\"\(places(end.y))\" "
        + "x2=\"\(places(right + 7))\" y2=\"\(places(at))\"/>"
      let text = Letters.fitted(found.name, Self.widestName)
      return (far ? [leader] : []) + [
        "<text class=\"p\(color(found.number))\" x=\"\(places(right + 10))\" "
          + "y=\"\(places(at + 5))\">\(HTML.escaped(text))</text>"
      ]
    }
  }

  // MARK: Legend

  /// Rows for each line that no name at its end says all of, each mark and each cross; none where there is
  /// only one line, which the axis names.
  private var legend: [String] {
    var rows: [String] = []
    var next: Double { Self.bottom + 52 + Self.row / 2 + Self.row * Double(rows.count) }
    let hasNames = chart.lines.count(where: { $0.name != nil }) <= Self.mostNames
    for (number, line) in chart.lines.enumerated()
    where chart.lines.count + chart.marks.count > 1 && !(hasNames && line.name == line.label) {
      let at = next
      let faint = line.style == .faint ? " faint" : ""
      let sample =
        "<polyline class=\"c\(color(number))\(dashes(number))\(faint)\" "
        + "points=\"8,\(places(at)) 52,\(places(at))\"/>"
      let disc = line.style == .points ? sign(number, 30, at) : ""
      rows.append(sample + disc + name(line.label, at))
    }
    for mark in chart.marks where chart.lines.count + chart.marks.count > 1 {
      let at = next
      rows.append(
        "<circle class=\"ring\" cx=\"30\" cy=\"\(places(at))\" r=\"7\"/>" + name(mark.label, at))
    }
    for (number, line) in chart.lines.enumerated() {
      guard let stop = line.stop, end(of: number) != nil else { continue }
      let words = "\(line.name ?? line.label): \(stop)"
      for (place, part) in Letters.wrapped(words, Self.width - 70).prefix(4).enumerated() {
        let at = next
        rows.append((place == 0 ? cross(number, 30, at, saying: words) : "") + name(part, at))
      }
    }
    return rows
  }

  private func name(_ label: String, _ at: Double) -> String {
    let cut = Letters.fitted(label, Self.width - 70)
    let whole = cut == label ? "" : "<title>\(HTML.escaped(HTML.cut(label, to: 1000)))</title>"
    return "<text x=\"62\" y=\"\(places(at + 5))\">\(HTML.escaped(cut))\(whole)</text>"
  }

  // MARK: Words

  /// What the chart shows, for readers who hear it.
  private var description: String {
    let lines = zip(chart.lines, lines).map { line, thinned in
      let shown = thinned.parts.flatMap { $0 }
      guard let first = shown.first, let last = shown.last else {
        return "\(line.label): no numbers"
      }
      let values = shown.map { line.y[$0] }
      return
        "\(line.label): from \(Chart.text(of: line.y[first])) at \(Chart.text(of: line.x[first])) "
        + "to \(Chart.text(of: line.y[last])) at \(Chart.text(of: line.x[last])), "
        + "least \(Chart.text(of: values.min() ?? .nan)), "
        + "greatest \(Chart.text(of: values.max() ?? .nan))"
        + (line.stop.map { "; it stops there: \($0)" } ?? "")
    }
    return (["\(chart.y.title) by \(chart.x.title)"] + lines + chart.marks.map(\.label))
      .joined(separator: "; ") + "."
  }
}

/// A place in a chart, to a tenth of a unit.
func places(_ value: Double) -> String {
  let tenths = Int((max(-1e6, min(1e6, value)) * 10).rounded())
  let sign = tenths < 0 ? "-" : ""
  let rest = tenths.magnitude % 10
  return "\(sign)\(tenths.magnitude / 10)" + (rest == 0 ? "" : ".\(rest)")
}
