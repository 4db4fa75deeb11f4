/// Something about each place of a text that a reader keeps in mind, as a number.
///
/// Units of a trained network can be compared with it, as in A. Karpathy, J. Johnson and L. Fei-Fei,
/// "Visualizing and understanding recurrent networks" (2015).
public enum TextProperty: Sendable, Equatable {
  /// 1 inside of quotation marks.
  case quotes
  /// The characters since the line began.
  case lineLength
  /// The characters since the word began; 0 outside of words.
  case position
  /// How deep in brackets.
  case brackets
  /// 1 where a regular expression, in ICU's syntax, matches.
  case matches(String)

  /// The ones with a name.
  public static let named: [(name: String, property: TextProperty)] = [
    ("quotes", .quotes), ("line-length", .lineLength), ("position", .position),
    ("brackets", .brackets),
  ]

  /// The property of a name, or else the regular expression.
  ///
  /// Throws `TextError.badPattern` for an expression that is none.
  public init(_ text: String) throws(TextError) {
    if let known = Self.named.first(where: { $0.name == text }) {
      self = known.property
      return
    }
    _ = try Pattern(text, known: Self.named.map(\.name))
    self = .matches(text)
  }

  /// The value after each piece of a text.
  ///
  /// Throws `TextError.badPattern` for an expression that is none, and `TextError.patternTooSlow` for
  /// one that takes too many steps.
  public func values(of pieces: [String]) throws(TextError) -> [Double] {
    switch self {
    case .matches(let pattern): return try matches(of: pattern, in: pieces)
    default:
      var reader = Reader()
      return pieces.map { piece in
        for character in piece { reader.read(character) }
        switch self {
        case .quotes: return reader.isQuoted ? 1 : 0
        case .lineLength: return Double(reader.column)
        case .position: return Double(reader.place)
        default: return Double(reader.depth)
        }
      }
    }
  }

  private func matches(
    of pattern: String, in pieces: [String]
  ) throws(TextError) -> [Double] {
    let text = pieces.joined()
    var isMatched = [Bool](repeating: false, count: text.utf8.count)
    for range in try Pattern(pattern, known: Self.named.map(\.name)).matches(in: text) {
      for place in range { isMatched[place] = true }
    }
    var end = 0
    return pieces.map { piece in
      end += piece.utf8.count
      return end > 0 && isMatched[end - 1] ? 1 : 0
    }
  }

  /// What a reader has in mind after the characters so far.
  private struct Reader {
    var isQuoted = false
    var (column, place, depth) = (0, 0, 0)

    mutating func read(_ character: Character) {
      switch character {
      case "\"": isQuoted.toggle()
      case "“", "«", "„": isQuoted = true
      case "”", "»": isQuoted = false
      case "(", "[", "{": depth += 1
      case ")", "]", "}": depth = max(0, depth - 1)
      default: break
      }
      column = character.isNewline ? 0 : column + 1
      place = character.isLetter ? place + 1 : 0
    }
  }
}
