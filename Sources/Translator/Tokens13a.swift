/// The tokens of a line as BLEU counts them by default, by the rules called 13a.
///
/// They are those of the script mteval-v13a as sacreBLEU reads them. ASCII punctuation stands
/// alone, but for a full stop or comma between digits, a hyphen after anything but a digit, and an
/// apostrophe; four HTML entities are undone, and a word is put together again where a hyphen ends
/// a line. Code points count, not characters: a combining accent is its own.
///
/// - Parameter line: A line, which may hold line breaks.
/// - Returns: The tokens, none of them empty.
public func tokens13a(of line: String) -> [String] {
  codePoints13a(Array(line.unicodeScalars)).words.map(String.init(codePoints:))
}

/// Rewrites a line by the rules of 13a, so that its tokens are what stands between spaces.
func codePoints13a(_ line: [Unicode.Scalar]) -> [Unicode.Scalar] {
  var line = line
  line.replace("<skipped>", with: "")
  line.replace("-\n", with: "")
  line.replace("\n", with: " ")
  if line.contains("&") {
    // One after the other, so that `&amp;lt;` is `<`, and `&amp;quot;` is `&quot;`.
    line.replace("&quot;", with: "\"")
    line.replace("&amp;", with: "&")
    line.replace("&lt;", with: "<")
    line.replace("&gt;", with: ">")
  }
  // The line stands between spaces, so that each of its code points has neighbours.
  var spaced: [Unicode.Scalar] = [" "]
  spaced.reserveCapacity(2 * line.count + 2)
  for codePoint in line {
    if codePoint.standsAlone {
      spaced += [" ", codePoint, " "]
    } else {
      spaced.append(codePoint)
    }
  }
  spaced.append(" ")
  spaced.partPairs(spaceBefore: false) { !$0.isASCIIDigit && $1.isPoint }
  spaced.partPairs(spaceBefore: true) { $0.isPoint && !$1.isASCIIDigit }
  spaced.partPairs(spaceBefore: false) { $0.isASCIIDigit && $1 == "-" }
  return spaced
}

extension [Unicode.Scalar] {
  /// The parts between white space, without empty ones.
  var words: [ArraySlice<Unicode.Scalar>] { split(whereSeparator: \.isSpace) }

  /// Without the white space at its end.
  var withoutTrailingSpace: [Unicode.Scalar] {
    var rest = self[...]
    while let last = rest.last, last.isSpace { rest.removeLast() }
    return Array(rest)
  }

  /// Replaces all places of a text, from the left; what comes of it is not searched again.
  fileprivate mutating func replace(_ text: String, with other: String) {
    let pattern = Array(text.unicodeScalars)
    guard let first = pattern.first, contains(first) else { return }
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(count)
    var index = 0
    while index < count {
      if self[index] == first, self[index...].starts(with: pattern) {
        result += other.unicodeScalars
        index += pattern.count
      } else {
        result.append(self[index])
        index += 1
      }
    }
    self = result
  }

  /// Puts a space between two neighbours that are to be parted, and one before or after both.
  ///
  /// A code point is in one pair at most, the first from the left, as with a regular expression.
  fileprivate mutating func partPairs(
    spaceBefore: Bool, where isParted: (Unicode.Scalar, Unicode.Scalar) -> Bool
  ) {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(count + count / 2)
    var index = 0
    while index < count {
      if index + 1 < count, isParted(self[index], self[index + 1]) {
        if spaceBefore { result.append(" ") }
        result.append(self[index])
        result.append(" ")
        result.append(self[index + 1])
        if !spaceBefore { result.append(" ") }
        index += 2
      } else {
        result.append(self[index])
        index += 1
      }
    }
    self = result
  }
}

extension Unicode.Scalar {
  /// ASCII punctuation that is always a token: all but `'`, `,`, `-` and `.`.
  fileprivate var standsAlone: Bool {
    switch self {
    case " "..."&", "("..."+", "/", ":"..."@", "["..."`", "{"..."~": true
    default: false
    }
  }

  fileprivate var isPoint: Bool { self == "." || self == "," }
  fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }

  /// ASCII punctuation, as Python's `string.punctuation` lists it.
  var isASCIIPunctuation: Bool {
    switch self {
    case "!"..."/", ":"..."@", "["..."`", "{"..."~": true
    default: false
    }
  }

  /// What Python's `str.split` splits at: Unicode's white space, and four separators of ASCII.
  var isSpace: Bool {
    switch value {
    case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F,
      0x205F, 0x3000:
      true
    default: false
    }
  }
}

extension String {
  init(codePoints: ArraySlice<Unicode.Scalar>) {
    self.init(String.UnicodeScalarView(codePoints))
  }
}
