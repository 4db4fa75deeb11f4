import CommandLineOptions
import Glibc
import MajorTom

/// Whether output is coloured.
enum ColorChoice: String, CaseIterable {
  case auto, always, never

  /// On a terminal, unless it was said otherwise here or by `$NO_COLOR`.
  var isColored: Bool {
    self == .always || self == .auto && isatty(1) == 1 && getenv("NO_COLOR") == nil
  }
}

/// The command `majortom explain cells`.
func explainCells(_ words: [String]) throws {
  let properties = TextProperty.named.map(\.name)
  let arguments = try ParsedArguments(
    words, command: "majortom explain cells", synopsis: "[-m MODEL] [TEXT...] [OPTION...]",
    about: """
      Colours the characters of a text by what a unit of a language model does there. The text
      comes from files, from --text, or from standard input. Without --unit, units are ranked by
      how well they follow a property of the text, and the best is shown.
      """,
    options: [
      modelOption(),
      Option("text", "TEXT", "The text itself, in place of files"),
      Option("find", "WHAT", "\(properties.joined(separator: ", ")), or a regular expression"),
      Option("unit", "L.N", "Show this unit: layer and number, each from 1"),
      Option("signal", "NAME", "c, h, or a gate such as i, f, g, o (default: c, else h)"),
      Option("top", "N", "How many units to list (default: 5)"),
      Option("show", "N", "How many symbols to colour (default: 600)"),
      Option("read", "N", "How many characters to rank by (default: 100000)"),
      Option("color", "WHEN", "auto, always or never (default: auto)"),
      Option("html", "FILE", "Write the coloured text as a page of its own"),
      Option(flag: "json", "JSON on standard output"),
    ])
  if arguments.printedHelp { return }
  let property = try arguments.text("find").map { try TextProperty($0) }
  let top = try arguments.integer("top", in: 1...1_000_000) ?? 5
  let most = try arguments.integer("show", in: 1...10_000_000) ?? 600
  let color = try arguments.choice("color", of: ColorChoice.self) ?? .auto
  let wanted = try arguments.text("unit").map(unit)
  let text = try text(
    arguments, atMost: try arguments.integer("read", in: 1...1 << 30) ?? 100_000)
  let model = try LanguageModel(contentsOf: modelPath(arguments))
  let signal = arguments.text("signal") ?? model.signals[0]
  let (symbols, pieces) = try model.pieces(of: text)
  let json = arguments.has("json")

  var rankings: [Ranking] = []
  if let property, let name = arguments.text("find") {
    rankings = [try Ranking(model, name, property, signal: signal, symbols, pieces)]
  } else if wanted == nil {
    rankings = try TextProperty.named.map {
      try Ranking(model, $0.name, $0.property, signal: signal, symbols, pieces)
    }
  }
  if let property = arguments.text("find"), rankings.allSatisfy({ !$0.varies }) {
    throw CellsError(
      description: "--find \(property): it is the same all over this text; try a longer one")
  }
  let listed = arguments.has("find") ? top : 1
  if json {
    for ranking in rankings { ranking.writeAsJSON(signal: signal, top: listed) }
  } else {
    for ranking in rankings { writeOutput(ranking.table(signal: signal, top: listed)) }
  }
  let best = rankings.filter(\.varies).compactMap { ranking in
    ranking.units.first.map { (ranking.name, $0) }
  }.max { abs($0.1.correlation) < abs($1.1.correlation) }
  let shown = wanted ?? best?.1.unit ?? LanguageModel.Unit(layer: 1, number: 1)
  // What a model shows that reads backwards depends on the text behind, so all of that is read.
  let read = model.configuration.isBackwards ? symbols : Array(symbols.prefix(most))
  let values = Array(
    (try model.activations(of: [shown], signal: signal, in: read).first ?? []).prefix(most))
  let title =
    "\(signal) of unit \(shown.layer).\(shown.number)"
    + (wanted == nil ? best.map { ", which follows \($0.0)" } ?? "" : "")
  let shownPieces = Array(pieces.prefix(values.count))
  if let path = arguments.text("html") {
    var file = try FileWriter(replacing: path)
    file.write(page(title, shownPieces, values))
    try file.finish()
  }
  if json {
    writeJSON([
      "unit": .text("\(shown.layer).\(shown.number)"), "signal": .text(signal),
      "symbols": .list(shownPieces.map { .text($0) }),
      "values": .list(values.map { .number(Double($0)) }),
    ])
    return
  }
  writeOutput("\n\(title):\n\n")
  if color.isColored {
    writeOutput(colored(shownPieces, values))
  } else {
    for (piece, value) in zip(shownPieces, values) {
      writeOutput("\(visible(piece))\t\(fixed(Double(value), 4))\n")
    }
  }
  if let path = arguments.text("html") { writeOutput("\npage in \(path)\n") }
}

/// A unit as `LAYER.NUMBER`.
private func unit(_ text: String) throws(UsageError) -> LanguageModel.Unit {
  let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
  guard parts.count == 2, let layer = parts[0], let number = parts[1] else {
    throw UsageError("--unit \(text): expected layer and number, such as 1.17")
  }
  return LanguageModel.Unit(layer: layer, number: number)
}

/// How well units follow a property.
private struct Ranking {
  let name: String
  let units: [(unit: LanguageModel.Unit, correlation: Double)]
  let varies: Bool

  init(
    _ model: LanguageModel, _ name: String, _ property: TextProperty, signal: String,
    _ symbols: [Int], _ pieces: [String]
  ) throws {
    let values = try property.values(of: pieces)
    self.name = name
    varies = Set(values).count > 1
    units = try model.units(following: values, signal: signal, in: symbols)
  }

  func table(signal: String, top: Int) -> String {
    guard varies else { return "\(name): the same all over this text\n" }
    return units.prefix(top).map { unit, correlation in
      "\(name): \(signal) of unit \(unit.layer).\(unit.number), correlation "
        + "\(fixed(correlation, 3))\n"
    }.joined()
  }

  func writeAsJSON(signal: String, top: Int) {
    writeJSON([
      "property": .text(name), "varies": .flag(varies), "signal": .text(signal),
      "units": .list(
        units.prefix(top).map { unit, correlation in
          .object([
            "unit": .text("\(unit.layer).\(unit.number)"), "correlation": .number(correlation),
          ])
        }),
    ])
  }
}

/// A shade for a value as a share of the largest: red above 0, blue below, white at 0.
private func shade(_ value: Float, largest: Float) -> (red: Int, green: Int, blue: Int) {
  let share = largest > 0 ? max(-1, min(1, value / largest)) : 0
  let pale = Int((255 - 175 * abs(share)).rounded())
  return share >= 0 ? (255, pale, pale) : (pale, pale, 255)
}

private func colored(_ pieces: [String], _ values: [Float]) -> String {
  let largest = values.reduce(0) { max($0, abs($1)) }
  var text = ""
  for (piece, value) in zip(pieces, values) where !piece.isEmpty {
    let (red, green, blue) = shade(value, largest: largest)
    // A line feed shows its colour on a sign of its own; other control characters do no harm there.
    for character in piece {
      let isControl = character.unicodeScalars.allSatisfy { $0.value < 32 || $0.value == 127 }
      let sign = character.isNewline ? "¶" : isControl ? "·" : String(character)
      text += "\u{1B}[48;2;\(red);\(green);\(blue)m\u{1B}[38;2;0;0;0m\(sign)\u{1B}[0m"
      if character.isNewline { text += "\n" }
    }
  }
  return text + "\n"
}

private func page(_ title: String, _ pieces: [String], _ values: [Float]) -> String {
  let largest = values.reduce(0) { max($0, abs($1)) }
  var spans = ""
  for (piece, value) in zip(pieces, values) where !piece.isEmpty {
    let (red, green, blue) = shade(value, largest: largest)
    let sign = escaped(piece).replacing("\n", with: "¶\n")
    spans +=
      "<span style=\"background:rgb(\(red),\(green),\(blue))\" title=\"\(fixed(Double(value), 4))\">"
      + "\(sign)</span>"
  }
  return htmlPage(
    title: title,
    style:
      "pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 15px } span { color: #000 }",
    body: """
      <p>Red is above 0, blue below, and the fullest shade is \(fixed(Double(largest), 3)). Point at
      a symbol to see its value.</p>
      <pre dir="auto">\(spans)</pre>
      """)
}

/// A wish that the text cannot meet.
private struct CellsError: Error, CustomStringConvertible {
  let description: String
}
