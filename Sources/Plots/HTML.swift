/// Pages of HTML that need nothing else: their style is inside, light or dark as the reader's system is.
///
///     HTML.page(title: "A run", body: "<p>\(HTML.escaped(text))</p>")
///
/// A page is well-formed XML, too, as long as its body is. Browsers are told to run no script in it
/// and to load nothing: what stands in it may come from anywhere.
public enum HTML {
  /// A whole page: a title, which is escaped, and a body and further rules of style, which are not.
  ///
  /// Text has lines of a width that is good to read, unless the page `isWide`, as one of many charts.
  public static func page(
    title: String, style: String = "", isWide: Bool = false, body: String
  ) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8"/>
    <meta name="viewport" content="width=device-width, initial-scale=1"/>
    <meta content="default-src 'none'; style-src 'unsafe-inline'" \
    http-equiv="Content-Security-Policy"/>
    <title>\(escaped(title))</title>
    <style>
    :root { color-scheme: light dark }
    * { box-sizing: border-box }
    body { font: 16px/1.5 sans-serif; color: #222; background: #fff;
      max-width: \(isWide ? "88em" : "46em"); margin: 0 auto; padding: 0.75em;
      overflow-wrap: anywhere }
    @media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 } }
    @media (min-width: 600px) { body { padding: 1.5em } }
    h1 { font-size: 1.6em; line-height: 1.25 } h2 { font-size: 1.2em; margin-top: 1.8em }
    h1, h2, h3, p, td, th, figcaption, summary { unicode-bidi: isolate }
    \(Chart.style)
    \(ColoredText.style)
    \(style)
    </style>
    </head>
    <body>
    <h1>\(escaped(title))</h1>
    \(body)
    </body>
    </html>

    """
  }

  /// Text as HTML and XML show it, in elements and in attributes.
  ///
  /// Control characters, which neither allows, become the signs that stand for them, but for tabs and
  /// line feeds; characters that would turn the direction of what follows become U+FFFD.
  public static func escaped(_ text: some StringProtocol) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x26: result += "&amp;"
      case 0x3C: result += "&lt;"
      case 0x3E: result += "&gt;"
      case 0x22: result += "&quot;"
      case 0x27: result += "&#39;"
      case 0x09, 0x0A: result.unicodeScalars.append(scalar)
      case 0..<0x20:
        // Unicode has a picture for each of them, in their order.
        result.unicodeScalars.append(Unicode.Scalar(0x2400 + scalar.value) ?? "\u{FFFD}")
      case 0x7F: result += "\u{2421}"
      case 0x80..<0xA0, 0x202A...0x202E, 0x2066...0x2069: result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar.value & 0xFFFE == 0xFFFE ? "\u{FFFD}" : scalar)
      }
    }
    return result
  }

  /// Text from elsewhere within a sentence: escaped, and whatever its direction, what stands around it keeps
  /// its own.
  public static func isolated(_ text: some StringProtocol) -> String {
    "<bdi>\(escaped(text))</bdi>"
  }

  /// Whether a text runs from right to left: whether the first of its letters is of such a script.
  ///
  /// By the blocks that Unicode keeps for scripts of either direction.
  public static func runsLeft(_ text: some StringProtocol) -> Bool {
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x0590...0x08FF, 0xFB1D...0xFDFF, 0xFE70...0xFEFF, 0x10800...0x10FFF, 0x1E800...0x1EFFF:
        return true
      default: if scalar.properties.isAlphabetic { return false }
      }
    }
    return false
  }

  /// The beginning of a text, for where there is room for so many code points; longer texts end in "…".
  ///
  /// Code points, because a single character may be of any number of them.
  public static func cut(_ text: some StringProtocol, to count: Int) -> String {
    let scalars = text.unicodeScalars
    guard let end = scalars.index(scalars.startIndex, offsetBy: count, limitedBy: scalars.endIndex),
      end != scalars.endIndex
    else { return String(text) }
    return String(text[..<end]) + "…"
  }
}
