import Glibc

/// A page that needs nothing else: its style is inside, light or dark as the reader's system is.
func htmlPage(title: String, style: String = "", body: String) -> String {
  """
  <!doctype html>
  <html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <title>\(escaped(title))</title>
  <style>
  :root { color-scheme: light dark; --ink: #222; --paper: #fff; --line: #ccc }
  @media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #181818; --line: #444 } }
  body { font: 16px/1.5 sans-serif; color: var(--ink); background: var(--paper);
    max-width: 46em; margin: 2em auto; padding: 0 1em }
  text { fill: var(--ink); font: 12px sans-serif }
  \(style)
  </style>
  <h1>\(escaped(title))</h1>
  \(body)
  </html>

  """
}

/// Text as HTML shows it.
func escaped(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// A line in a chart.
struct ChartLine {
  var label: String
  var places: [Int]
  var values: [Double]
}

/// A chart of SVG whose y axis is logarithmic, and whose x axis may be.
func svgChart(_ lines: [ChartLine], x xTitle: String, y yTitle: String, isLogLog: Bool) -> String {
  let colors = ["#d1495b", "#00798c", "#edae49", "#66a182", "#8d6cab", "#b07d4f"]
  let (width, height, left, bottom) = (640.0, 320.0, 70.0, 40.0)
  let all = lines.flatMap(\.values).filter { $0 > 0 }.map { log10($0) }
  let low = max(-32, (all.min() ?? -1).rounded(.down))
  let high = max(low + 1, min(32, (all.max() ?? 1).rounded(.up)))
  func scaled(_ place: Int) -> Double { isLogLog ? log2(Double(place)) : Double(place) }
  let places = lines.flatMap(\.places)
  let (first, last) = (scaled(places.min() ?? 1), scaled(places.max() ?? 2))
  func x(_ place: Int) -> Double {
    left + (width - left - 20) * (scaled(place) - first) / max(1e-9, last - first)
  }
  func y(_ power: Double) -> Double {
    (height - bottom) * (high - min(high, max(low, power))) / (high - low) + 10
  }
  var parts = ["<svg viewBox=\"0 0 640 \(Int(height) + 20 + 20 * lines.count)\" role=\"img\">"]
  for power in stride(from: low, through: high, by: max(1, ((high - low) / 8).rounded(.up))) {
    let at = fixed(y(power), 1)
    parts.append(
      "<line x1=\"70\" x2=\"620\" y1=\"\(at)\" y2=\"\(at)\" stroke=\"var(--line)\"/>"
        + "<text x=\"64\" y=\"\(at)\" text-anchor=\"end\" dominant-baseline=\"middle\">"
        + "10<tspan dy=\"-5\" font-size=\"9\">\(Int(power))</tspan></text>")
  }
  parts.append(
    "<text x=\"14\" y=\"\(Int(height / 2) - 10)\" text-anchor=\"middle\" "
      + "transform=\"rotate(-90 14 \(Int(height / 2) - 10))\">\(escaped(yTitle))</text>")
  let longest = lines.map(\.places).max { $0.count < $1.count } ?? []
  let marks = isLogLog ? longest : longest.filter { $0 % max(1, longest.count / 8) == 0 }
  for place in marks {
    parts.append(
      "<text x=\"\(fixed(x(place), 1))\" y=\"\(Int(height) - 10)\" text-anchor=\"middle\">\(place)</text>"
    )
  }
  parts.append(
    "<text x=\"340\" y=\"\(Int(height) + 8)\" text-anchor=\"middle\">\(escaped(xTitle))</text>")
  for (number, line) in lines.enumerated() {
    let color = colors[number % colors.count]
    // A line ends where it leaves the chart.
    let points = zip(line.places, line.values).prefix { _, value in
      value > 0 && log10(value) >= low && log10(value) <= high
    }.map { place, value in "\(fixed(x(place), 1)),\(fixed(y(log10(value)), 1))" }
    let at = Int(height) + 26 + 20 * number
    parts.append(
      "<polyline fill=\"none\" stroke=\"\(color)\" stroke-width=\"2.5\" "
        + "points=\"\(points.joined(separator: " "))\"/>")
    parts.append(
      "<rect x=\"70\" y=\"\(at - 9)\" width=\"14\" height=\"10\" fill=\"\(color)\"/>"
        + "<text x=\"90\" y=\"\(at)\">\(escaped(line.label))</text>")
  }
  parts.append("</svg>")
  return parts.joined(separator: "\n")
}
