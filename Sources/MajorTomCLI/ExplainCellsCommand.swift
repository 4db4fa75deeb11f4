import CommandLineModels
import CommandLineOptions
import MajorTom

/// The command `majortom explain cells`.
let explainCellsCommand = Command(
  "explain cells", summary: "colour a text by what a unit does there",
  synopsis: "[-m MODEL] [TEXT...] [OPTION...]",
  about: """
    Colours the characters of a text by the activation of one unit of a language model. The text
    comes from files, from --text, or from standard input. Without --unit, units are ranked by
    how strongly they correlate with a property of the text, and the strongest is shown.
    """,
  options: cellsOptions
) { arguments in
  let request = try CellsRequest(arguments)
  if let page = request.page {
    try demandApart(page, [try modelPath(arguments)] + arguments.words)
  }
  let text = try text(
    arguments, atMost: try arguments.integer("read", in: 1...1 << 30) ?? 100_000)
  let path = try modelPath(arguments)
  let model = try LanguageModel(contentsOf: path)
  let signal =
    arguments.text("signal") ?? request.unit.flatMap { model.signals(ofLayer: $0.layer).first }
    ?? model.signals[0]
  let (ids, pieces) = try model.pieces(of: text)
  let rankings = try request.rankings(model, signal: signal, ids, pieces)
  let shown = try request.shown(by: model, rankings, signal: signal, ids, pieces)
  // The page first: where it cannot be written, nothing is printed as if all had gone well.
  if let file = request.page {
    var page = ExplainPage(shown.title)
    page.facts(model.pageFacts(path) + [("ranked over", counted(ids.count, "symbol"))])
    shown.add(to: &page, rankings, hue: model.hue)
    try FileWriter.write(page.html(), to: file)
  }
  for ranking in rankings {
    if request.isJSON {
      ranking.writeAsJSON(signal: signal, top: request.listed)
    } else {
      writeOutput(ranking.table(signal: signal, top: request.listed))
    }
  }
  shown.write(request)
}

private let cellsOptions = [
  modelOption(),
  Option("text", "TEXT", "The text itself, instead of files"),
  Option(
    "find", "WHAT",
    "\(TextProperty.named.map(\.name).joined(separator: ", ")), or a regular expression"),
  Option("unit", "L.N", "Show this unit: layer and number, each from 1"),
  Option("signal", "NAME", "c, h, or a gate such as i, f, g, o (default: c, else h)"),
  Option("top", "N", "How many units to list (default: 5)"),
  Option("show", "N", "How many symbols to colour (default: 600)"),
  Option("read", "N", "How many characters to rank by (default: 100000)"),
  colorOption,
  Option("html", "FILE", "Write the coloured text as a web page"),
  Option(flag: "json", "JSON on standard output"),
]

/// What of a text and a model is wanted.
private struct CellsRequest {
  let find: (name: String, property: TextProperty)?
  let unit: LanguageModel.Unit?
  let top, most: Int
  let isColored, isJSON: Bool
  let page: String?

  init(_ arguments: ParsedArguments) throws {
    find = try arguments.text("find").map { ($0, try TextProperty($0)) }
    top = try arguments.integer("top", in: 1...1_000_000) ?? 5
    most = try arguments.integer("show", in: 1...10_000_000) ?? 600
    isColored = try arguments.isColored()
    unit = try arguments.text("unit").map(Self.unit)
    isJSON = arguments.has("json")
    page = arguments.text("html")
  }

  /// A unit as `LAYER.NUMBER`.
  private static func unit(_ text: String) throws(UsageError) -> LanguageModel.Unit {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let layer = parts[0], let number = parts[1] else {
      throw UsageError("--unit \(text): expected layer and number, such as 1.17")
    }
    return LanguageModel.Unit(layer: layer, number: number)
  }

  /// The units to list for each property: one, unless a property was asked for.
  var listed: Int { find == nil ? 1 : top }

  /// The units by the property asked for, or by every named one where nothing was.
  func rankings(
    _ model: LanguageModel, signal: String, _ ids: [Int], _ pieces: [String]
  ) throws -> [Ranking] {
    let properties = find.map { [$0] } ?? (unit == nil ? TextProperty.named : [])
    // Nothing is asked of the text where a unit is named.
    let rankings =
      properties.isEmpty
      ? []
      : try withProgress("reading \(counted(ids.count, "symbol"))") { bar in
        try Ranking.all(properties, model, signal: signal, ids, pieces, progress: bar.report)
      }
    if let find, rankings.allSatisfy({ !$0.varies }) {
      throw CellsError(
        description:
          "--find \(quoted(find.name)): it is the same all over this text; try a longer one")
    }
    return rankings
  }

  /// The unit asked for, else the one that follows a property best, over the beginning of the text.
  func shown(
    by model: LanguageModel, _ rankings: [Ranking], signal: String, _ ids: [Int],
    _ pieces: [String]
  ) throws -> ShownUnit {
    let best = rankings.filter(\.varies).compactMap { ranking in
      ranking.units.first.map { (name: ranking.name, $0.unit, $0.correlation) }
    }.max { abs($0.2) < abs($1.2) }
    let unit = unit ?? best?.1 ?? LanguageModel.Unit(layer: 1, number: 1)
    // In a model that reads backwards, activations depend on the text that follows: all is read.
    let read = model.configuration.isBackwards ? ids : Array(ids.prefix(most))
    let values = try model.activations(of: [unit], signal: signal, in: read).first ?? []
    guard values.allSatisfy(\.isFinite) else { throw LanguageModelError.overflow }
    let count = min(most, values.count)
    let followed = self.unit == nil ? rankings.first { $0.name == best?.name } : nil
    return ShownUnit(
      unit: unit, signal: signal, followed: followed, pieces: Array(pieces.prefix(count)),
      values: Array(values.prefix(count)))
  }
}

extension ShownUnit {
  private var line: String {
    "\(signal) of unit \(unit.layer).\(unit.number)"
      + (followed.map { ", which follows \($0.name)" } ?? "")
  }

  fileprivate func write(_ request: CellsRequest) {
    if request.isJSON {
      return writeJSON([
        "unit": .text("\(unit.layer).\(unit.number)"), "signal": .text(signal),
        "symbols": .list(pieces.map { .text($0) }),
        "values": .list(values.map { .number(Double($0)) }),
      ])
    }
    writeOutput("\n\(line):\n\n")
    if request.isColored {
      writeOutput(colored, styled: true)
    } else {
      for (piece, value) in zip(pieces, values) {
        writeOutput("\(visible(piece))\t\(fixed(Double(value), 4))\n")
      }
    }
    if let path = request.page { writeOutput("\npage in \(path)\n") }
  }

  private var colored: String {
    let largest = largest
    var text = ""
    for (piece, value) in zip(pieces, values) where !piece.isEmpty {
      let (red, green, blue) = shade(value, largest: largest)
      // A line feed shows its colour on a sign of its own; so do other control characters, which
      // then do no harm in a terminal.
      for character in piece {
        let isControl = character.unicodeScalars.allSatisfy { $0.value < 32 || $0.value == 127 }
        let sign = character.isNewline ? "¶" : isControl ? "·" : shown(String(character))
        text += "\u{1B}[48;2;\(red);\(green);\(blue)m\u{1B}[38;2;0;0;0m\(sign)\u{1B}[0m"
        if character.isNewline { text += "\n" }
      }
    }
    return text + "\n"
  }
}

extension Ranking {
  fileprivate func table(signal: String, top: Int) -> String {
    guard varies else { return "\(name): the same all over this text\n" }
    return units.prefix(top).map { unit, correlation in
      "\(name): \(signal) of unit \(unit.layer).\(unit.number), correlation "
        + "\(fixed(correlation, 3))\n"
    }.joined()
  }

  fileprivate func writeAsJSON(signal: String, top: Int) {
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

/// A shade for a value as a fraction of the largest: red above 0, blue below, white at 0.
private func shade(_ value: Float, largest: Float) -> (red: Int, green: Int, blue: Int) {
  let fraction = largest > 0 ? max(-1, min(1, value / largest)) : 0
  let pale = Int((255 - 175 * abs(fraction)).rounded())
  return fraction >= 0 ? (255, pale, pale) : (pale, pale, 255)
}

/// A request that the text cannot meet.
private struct CellsError: Error, CustomStringConvertible {
  let description: String
}
