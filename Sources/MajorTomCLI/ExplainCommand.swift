import CommandLineOptions
import Experiments
import Glibc
import MajorTom

/// The command `majortom explain gradient-flow`.
func explainGradientFlow(_ words: [String]) throws {
  let arguments = try ParsedArguments(
    words, command: "majortom explain gradient-flow", synopsis: "[OPTION...]",
    about: "Measures the gradient that reaches back 1, 2, 4 ... steps, with fresh weights.",
    options: [
      Option("hidden", "N", "Units (default: 64)"),
      Option("length", "N", "The farthest step back (default: 512)"),
      Option("seed", "S", "Seed (default: 1)"),
      Option("html", "FILE", "Write the picture as a page of its own"),
      Option(flag: "json", "JSON on standard output"),
    ])
  if arguments.printedHelp { return }
  let (quiet, loud) = GradientFlow.standardCurves(
    hiddenSize: try arguments.integer("hidden", in: 1...2048) ?? 64,
    length: try arguments.integer("length", in: 2...4096) ?? 512,
    seed: UInt64(try arguments.integer("seed", in: 0...Int.max) ?? 1))
  if arguments.has("json") {
    for curve in quiet + loud {
      writeJSON([
        "curve": .text(curve.label), "steps": .list(curve.steps.map { .whole($0) }),
        "norms": .list(curve.norms.map { .number($0) }),
      ])
    }
  } else {
    writeOutput("the gradient that reaches back, as a share of the gradient at the last step\n")
    writeOutput(chart(quiet))
    writeOutput("\nwith recurrent weights 4 times as large\n")
    writeOutput(chart(loud))
  }
  if let path = arguments.text("html") {
    var file = try FileWriter(replacing: path)
    file.write(page(quiet, loud))
    try file.finish()
    if !arguments.has("json") { writeOutput("\npicture in \(path)\n") }
  }
}

/// Bars whose length is the logarithm of the norm: from 10^-12 to 10^12, 1 in the middle of a scale.
private func chart(_ curves: [GradientFlow.Curve]) -> String {
  var text = ""
  for curve in curves {
    text += "\n  \(curve.label)\n"
    for (steps, norm) in zip(curve.steps, curve.norms) {
      let power = norm > 0 ? min(12, max(-12, log10(norm))) : -12
      let places = Int(((power + 12) * 2).rounded())
      let bar = String(repeating: "█", count: places)
      let padding = String(repeating: " ", count: 48 - places)
      let number = String(repeating: " ", count: max(0, 5 - "\(steps)".count)) + "\(steps)"
      text += "  \(number) \(bar)\(padding) \(scientific(norm))\n"
    }
  }
  return text
}

/// The picture as a self-contained page: two panels of SVG, logarithmic both ways.
private func page(
  _ quiet: [GradientFlow.Curve], _ loud: [GradientFlow.Curve]
) -> String {
  """
  <!doctype html>
  <html lang="en">
  <meta charset="utf-8">
  <title>Gradient flow</title>
  <style>
  :root { color-scheme: light dark; --ink: #222; --paper: #fff; --line: #ccc }
  @media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #181818; --line: #444 } }
  body { font: 16px/1.5 sans-serif; color: var(--ink); background: var(--paper);
    max-width: 46em; margin: 2em auto; padding: 0 1em }
  text { fill: var(--ink); font: 12px sans-serif }
  </style>
  <h1>The gradient that reaches back</h1>
  <p>The norm of a loss's gradient with respect to the state some steps earlier, as a share of its
  norm at the last step. Where it vanishes, nothing can be learnt from what happened there.</p>
  \(panel(quiet))
  <h2>Recurrent weights 4 times as large</h2>
  <p>Now gradients may explode: a single update could throw all weights far away. Training shortens
  a gradient that is too long (<code>--clip</code>) and keeps its direction.</p>
  \(panel(loud))
  </html>

  """
}

private func panel(_ curves: [GradientFlow.Curve]) -> String {
  let colors = ["#d1495b", "#00798c", "#edae49", "#66a182"]
  let (width, height, left, bottom) = (640.0, 320.0, 60.0, 40.0)
  let all = curves.flatMap(\.norms).filter { $0 > 0 }.map { log10($0) }
  let low = max(-32, floor(min(all.min() ?? -1, -1)))
  let high = min(32, ceil(max(all.max() ?? 1, 1)))
  let last = log2(Double(curves.first?.steps.last ?? 2))
  func x(_ steps: Int) -> Double { left + (width - left - 20) * log2(Double(steps)) / max(1, last) }
  func y(_ power: Double) -> Double {
    (height - bottom) * (high - min(high, max(low, power))) / (high - low) + 10
  }
  var parts = ["<svg viewBox=\"0 0 640 \(Int(height) + 20 + 20 * curves.count)\" role=\"img\">"]
  for power in stride(from: low, through: high, by: max(1, ((high - low) / 8).rounded(.up))) {
    let at = fixed(y(power), 1)
    parts.append(
      "<line x1=\"60\" x2=\"620\" y1=\"\(at)\" y2=\"\(at)\" stroke=\"var(--line)\"/>"
        + "<text x=\"54\" y=\"\(at)\" text-anchor=\"end\" dominant-baseline=\"middle\">10^\(Int(power))</text>"
    )
  }
  for steps in curves.first?.steps ?? [] {
    parts.append(
      "<text x=\"\(fixed(x(steps), 1))\" y=\"\(Int(height) - 10)\" text-anchor=\"middle\">\(steps)</text>"
    )
  }
  parts.append("<text x=\"340\" y=\"\(Int(height) + 8)\" text-anchor=\"middle\">steps back</text>")
  for (number, curve) in curves.enumerated() {
    let color = colors[number % colors.count]
    // A curve ends where it leaves the panel.
    let points = zip(curve.steps, curve.norms).prefix { _, norm in
      norm > 0 && log10(norm) >= low && log10(norm) <= high
    }.map { steps, norm in "\(fixed(x(steps), 1)),\(fixed(y(log10(norm)), 1))" }
    let line = Int(height) + 26 + 20 * number
    parts.append(
      "<polyline fill=\"none\" stroke=\"\(color)\" stroke-width=\"2.5\" points=\"\(points.joined(separator: " "))\"/>"
    )
    parts.append(
      "<rect x=\"60\" y=\"\(line - 9)\" width=\"14\" height=\"10\" fill=\"\(color)\"/>"
        + "<text x=\"80\" y=\"\(line)\">\(curve.label)</text>")
  }
  parts.append("</svg>")
  return parts.joined(separator: "\n")
}
