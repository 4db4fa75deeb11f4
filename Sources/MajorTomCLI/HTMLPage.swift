import Glibc
import MajorTom

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
  let chart = Chart(lines, isLogLog: isLogLog)
  return
    ([chart.opening] + chart.grid + chart.titles(x: xTitle, y: yTitle) + chart.ticks
    + chart.curves + ["</svg>"]).joined(separator: "\n")
}

/// Where things stand in a chart, and its parts.
private struct Chart {
  private static let colors = ["#d1495b", "#00798c", "#edae49", "#66a182", "#8d6cab", "#b07d4f"]
  private let lines: [ChartLine]
  private let isLogLog: Bool
  private let width = 640.0
  private let height = 320.0
  private let left = 70.0
  private let bottom = 40.0
  // The powers of ten at the lower and at the upper edge; the places at the left and at the right.
  private let low, high, first, last: Double

  init(_ lines: [ChartLine], isLogLog: Bool) {
    self.lines = lines
    self.isLogLog = isLogLog
    let powers = lines.flatMap(\.values).filter { $0 > 0 }.map { log10($0) }
    low = max(-32, (powers.min() ?? -1).rounded(.down))
    high = max(low + 1, min(32, (powers.max() ?? 1).rounded(.up)))
    let places = lines.flatMap(\.places)
    first = Self.scaled(places.min() ?? 1, isLogLog)
    last = Self.scaled(places.max() ?? 2, isLogLog)
  }

  private static func scaled(_ place: Int, _ isLogLog: Bool) -> Double {
    isLogLog ? log2(Double(place)) : Double(place)
  }

  private func x(_ place: Int) -> Double {
    left + (width - left - 20) * (Self.scaled(place, isLogLog) - first) / max(1e-9, last - first)
  }

  private func y(_ power: Double) -> Double {
    (height - bottom) * (high - min(high, max(low, power))) / (high - low) + 10
  }

  var opening: String {
    "<svg viewBox=\"0 0 640 \(Int(height) + 20 + 20 * lines.count)\" role=\"img\">"
  }

  /// A line across for some powers of ten, with its number.
  var grid: [String] {
    stride(from: low, through: high, by: max(1, ((high - low) / 8).rounded(.up))).map { power in
      let at = fixed(y(power), 1)
      return "<line x1=\"70\" x2=\"620\" y1=\"\(at)\" y2=\"\(at)\" stroke=\"var(--line)\"/>"
        + "<text x=\"64\" y=\"\(at)\" text-anchor=\"end\" dominant-baseline=\"middle\">"
        + "10<tspan dy=\"-5\" font-size=\"9\">\(Int(power))</tspan></text>"
    }
  }

  func titles(x xTitle: String, y yTitle: String) -> [String] {
    let middle = Int(height / 2) - 10
    return [
      "<text x=\"14\" y=\"\(middle)\" text-anchor=\"middle\" "
        + "transform=\"rotate(-90 14 \(middle))\">\(escaped(yTitle))</text>",
      "<text x=\"340\" y=\"\(Int(height) + 8)\" text-anchor=\"middle\">\(escaped(xTitle))</text>",
    ]
  }

  /// The numbers below: all places of the longest line, or some of many.
  var ticks: [String] {
    let longest = lines.map(\.places).max { $0.count < $1.count } ?? []
    let marks = isLogLog ? longest : longest.filter { $0 % max(1, longest.count / 8) == 0 }
    return marks.map { place in
      "<text x=\"\(fixed(x(place), 1))\" y=\"\(Int(height) - 10)\" text-anchor=\"middle\">"
        + "\(place)</text>"
    }
  }

  /// Each line, and its label in the legend.
  var curves: [String] {
    lines.enumerated().flatMap { number, line in
      let color = Self.colors[number % Self.colors.count]
      // A line ends where it leaves the chart.
      let points = zip(line.places, line.values).prefix { _, value in
        value > 0 && log10(value) >= low && log10(value) <= high
      }.map { place, value in "\(fixed(x(place), 1)),\(fixed(y(log10(value)), 1))" }
      let at = Int(height) + 26 + 20 * number
      return [
        "<polyline fill=\"none\" stroke=\"\(color)\" stroke-width=\"2.5\" "
          + "points=\"\(points.joined(separator: " "))\"/>",
        "<rect x=\"70\" y=\"\(at - 9)\" width=\"14\" height=\"10\" fill=\"\(color)\"/>"
          + "<text x=\"90\" y=\"\(at)\">\(escaped(line.label))</text>",
      ]
    }
  }
}
