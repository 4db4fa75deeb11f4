/// A text each of whose pieces is coloured by a number, for pages.
///
///     ColoredText(pieces: ["D", "a", "y"], values: [0.2, -0.9, 0.4], unit: "c").html
///
/// What is above 0 is red, and what is below blue, the stronger the farther from it. Lines of text flow with
/// the page, and run as their script does. Each piece says its number to who points at it.
public struct ColoredText: Sendable {
  /// The pieces of the text; empty ones are left out.
  public var pieces: [String]
  /// The number of each; what is no number has no colour.
  public var values: [Double]
  /// What is said of each besides its number, if anything.
  public var notes: [String]
  /// What numbers of this size or more have the strongest colour.
  public var largest: Double
  /// What the numbers are, as the scale of colours says it.
  public var name: String

  /// How many colours there are on each side of 0.
  private static let levels = 10

  /// A coloured text; without `largest` the strongest colour is that of the number farthest from 0.
  public init(
    pieces: [String], values: [Double], name: String, largest: Double? = nil, notes: [String] = []
  ) {
    self.pieces = pieces
    self.values = values
    self.notes = notes
    self.name = name
    self.largest =
      largest ?? values.lazy.filter(\.isFinite).map { abs($0) }.max() ?? 0
  }

  private func level(_ value: Double) -> Int {
    guard value.isFinite, largest > 0 else { return 0 }
    return Int((max(-1, min(1, value / largest)) * Double(Self.levels)).rounded())
  }

  private static func style(ofLevel level: Int) -> String {
    level == 0 ? "" : " class=\"\(level > 0 ? "u" : "v")\(abs(level))\""
  }

  /// The text.
  public var html: String {
    var spans = ""
    for (place, piece) in pieces.enumerated() where !piece.isEmpty && place < values.count {
      // A line feed shows its colour on a sign of its own.
      let sign = HTML.escaped(piece).replacing("\n", with: "¶\n")
      let note = place < notes.count && !notes[place].isEmpty ? ", \(notes[place])" : ""
      let words = HTML.escaped(HTML.cut("\(Chart.text(of: values[place]))\(note)", to: 200))
      spans +=
        "<span\(Self.style(ofLevel: level(values[place]))) title=\"\(words)\">\(sign)</span>"
    }
    return "<pre class=\"colored\" dir=\"auto\">\(spans)</pre>"
  }

  /// The colours and what they stand for, from the least to the greatest.
  public var scale: String {
    let lowest = values.contains { $0 < 0 } ? -Self.levels : 0
    let swatches = stride(from: lowest, through: Self.levels, by: 2).map {
      "<span\(Self.style(ofLevel: $0))> </span>"
    }
    let least = lowest < 0 ? Chart.text(of: -largest) : "0"
    return "<p class=\"scale\">\(HTML.escaped(name)): \(least) "
      + "<span class=\"colored\">\(swatches.joined())</span> \(Chart.text(of: largest))</p>"
  }

  /// The rules of style that coloured texts in a page need: a part of each page.
  ///
  /// Letters stand out from the strongest colour by 4.5 : 1, on light and on dark paper.
  static let style: String = {
    let rules = (1...levels).map { level in
      let part = Chart.text(of: 0.75 * Double(level) / Double(Self.levels))
      return ".colored .u\(level) { background: rgba(213, 94, 0, \(part)) } "
        + ".colored .v\(level) { background: rgba(0, 114, 178, \(part)) }"
    }
    return """
      pre.colored { white-space: pre-wrap; overflow-wrap: anywhere; font: 15px/1.7 monospace; margin: 0.5em 0 1.5em }
      .scale .colored { white-space: nowrap }
      .scale .colored span { display: inline-block; width: 0.9em; height: 1em; vertical-align: -0.1em }
      @media (prefers-color-scheme: dark) { .colored { color: #fff } }
      \(rules.joined(separator: "\n"))
      """
  }()
}
