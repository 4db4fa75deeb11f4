/// How much room texts take: by the widest of the usual fonts.
enum Letters {
  /// The largest size of letters in charts, see `Chart.style`.
  static let largest = 17.0

  /// How wide a text is at most, in units, in letters of a size.
  static func width(of text: String, size: Double = largest) -> Double {
    text.unicodeScalars.reduce(0) { sum, scalar in
      switch scalar {
      case ",", ".", "·": sum + 0.35 * size
      case "⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹", "⁻": sum + 0.45 * size
      // Letters of East Asia, and signs drawn like them, are as wide as they are high.
      default: sum + (scalar.value < 0x1100 ? 0.64 : 1) * size
      }
    }
  }

  /// The beginning of a text that fits into a width.
  static func fitted(_ text: String, _ width: Double, size: Double = largest) -> String {
    var count = 0
    var used = 0.0
    for scalar in text.unicodeScalars {
      // Most letters are narrower than digits.
      used += Self.width(of: String(scalar), size: size) * 0.9
      if used > width { break }
      count += 1
    }
    return HTML.cut(text, to: count)
  }

  /// A text as lines that fit into a width, cut at spaces where there are any.
  static func wrapped(_ text: String, _ width: Double) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      let longer = (lines.last ?? "") + " " + word
      if !lines.isEmpty, fitted(longer, width) == longer {
        lines[lines.count - 1] = longer
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }

  /// Places, rising, moved apart so that neighbours are at least so far from each other, as long as there
  /// is room for them all.
  static func apart(
    _ places: [Double], by distance: Double, within range: ClosedRange<Double>
  ) -> [Double] {
    var found = places
    for place in found.indices {
      let least = place == 0 ? range.lowerBound : found[place - 1] + distance
      found[place] = max(found[place], least)
    }
    for place in found.indices.reversed() {
      let most = place == found.count - 1 ? range.upperBound : found[place + 1] - distance
      found[place] = min(found[place], most)
    }
    return found
  }
}
