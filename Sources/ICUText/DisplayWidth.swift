internal import CICU

/// How many cells of a terminal a text takes, line ends and other control characters apart.
///
/// Chinese, Japanese and Korean characters and emoji take two, marks none (East_Asian_Width, UAX #11).
/// Emoji that are joined into one picture count with all their parts, as terminals differ there: no text
/// takes more than this.
public func displayWidth(of text: some StringProtocol) -> Int {
  var (width, last) = (0, 0)
  for scalar in text.unicodeScalars {
    let value = scalar.value
    last =
      switch value {
      case 0..<0x20: 0
      case 0x20..<0x7F: 1
      // Variation selector 16 makes an emoji of the character before it, which then takes two cells.
      case 0xFE0F where last == 1: 1
      default: Int(cicu_width(Int32(bitPattern: value)))
      }
    width += last
  }
  return width
}

/// The beginning of a text that takes at most so many cells, with an ellipsis where something is left out.
public func shortened(_ text: String, toWidth most: Int) -> String {
  guard displayWidth(of: text) > most else { return text }
  guard most > 0 else { return "" }
  var (result, width) = ("", 0)
  for character in text {
    let more = displayWidth(of: String(character))
    guard width + more < most else { break }
    result.append(character)
    width += more
  }
  return result + "…"
}

/// The version of ICU that the program runs with, such as `72.1`.
public var icuVersion: String {
  var text = [CChar](repeating: 0, count: 32)
  cicu_version(&text, Int32(text.count))
  return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
