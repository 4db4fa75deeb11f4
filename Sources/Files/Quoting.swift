/// What a sentence quotes of a text from outside: its first characters, and an ellipsis for the rest.
///
/// Control characters are made visible, line ends and tabs too, so that a sentence stays one line.
package func quoted(_ text: some StringProtocol, atMost limit: Int = 60) -> String {
  // Code points, not characters: one character can have a million combining marks.
  let start = text.unicodeScalars.prefix(limit)
  let shown = visible(String(String.UnicodeScalarView(start)), keepingLines: false)
  return start.endIndex == text.unicodeScalars.endIndex ? shown : shown + "…"
}

/// A text with its control characters made visible, as `\u{1B}`.
///
/// Those that a terminal obeys: the control characters of ASCII and of ISO 6429 (C0, DEL, C1), and
/// those that turn the direction of what follows (Unicode Standard Annex #9: embeddings, overrides and
/// isolates), by which text can look like another. Tabs and line ends stay with `keepingLines`.
package func visible(_ text: String, keepingLines: Bool) -> String {
  guard text.unicodeScalars.contains(where: isControl) else { return text }
  var result = String.UnicodeScalarView()
  var scalars = text.unicodeScalars[...]
  while let scalar = scalars.popFirst() {
    // A carriage return alone moves back to the beginning of the line.
    let isKept =
      keepingLines && (scalar == "\n" || scalar == "\t" || scalar == "\r" && scalars.first == "\n")
    if isKept || !isControl(scalar) {
      result.append(scalar)
    } else {
      result.append(
        contentsOf: "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".unicodeScalars)
    }
  }
  return String(result)
}

/// JSON whose control characters beyond ASCII are escaped, too, as it allows but does not ask for.
package func escapingControls(inJSON json: String) -> String {
  guard json.unicodeScalars.contains(where: { $0.value > 0x7E && isControl($0) }) else {
    return json
  }
  var result = String.UnicodeScalarView()
  for scalar in json.unicodeScalars {
    if scalar.value > 0x7E, isControl(scalar) {
      let digits = String(scalar.value, radix: 16)
      result.append(
        contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
          .unicodeScalars)
    } else {
      result.append(scalar)
    }
  }
  return String(result)
}

private func isControl(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069: true
  default: false
  }
}
