/// How a sentence stood in running text before it was cut into words.
public struct RunningText: Sendable, Equatable {
  /// A stretch of text without a cut: one word, or several as in "don't" and "du" (a multiword token).
  public struct Token: Sendable, Equatable {
    /// The text, such as `don't`.
    public var text: String
    /// Its words, such as `do` and `n't`, among those of the sentence.
    public var words: Range<Int>
    /// Whether white space stands behind it.
    public var isFollowedBySpace: Bool

    /// A token.
    public init(text: String, words: Range<Int>, isFollowedBySpace: Bool = true) {
      self.text = text
      self.words = words
      self.isFollowedBySpace = isFollowedBySpace
    }
  }

  /// The tokens, which hold all words of the sentence in order.
  public var tokens: [Token]
  /// Whether a paragraph begins with it.
  public var beginsParagraph: Bool

  /// A sentence of these tokens.
  public init(tokens: [Token], beginsParagraph: Bool = false) {
    self.tokens = tokens
    self.beginsParagraph = beginsParagraph
  }

  /// The text.
  public var text: String {
    var text = ""
    for (place, token) in tokens.enumerated() {
      text += token.text
      if token.isFollowedBySpace, place + 1 < tokens.count { text += " " }
    }
    return text
  }
}

/// What a file says of a sentence's running text, collected while its lines are read: comments,
/// ranges of multiword tokens, `SpaceAfter=No`.
struct RunningTextReader {
  private var text: String?
  private var beginsParagraph = false
  private var isFollowedBySpace: [Bool] = []
  private var tokens: [RunningText.Token] = []
  // Whether the sentence's text is known at all.
  private var isKnown = false

  /// Reads a line that begins with #.
  mutating func comment(_ line: String) {
    let line = line.dropFirst().drop { $0 == " " }
    if line.hasPrefix("newpar") || line.hasPrefix("newdoc") {
      beginsParagraph = true
    } else if line.hasPrefix("text ") || line.hasPrefix("text=") {
      guard let sign = line.firstIndex(of: "=") else { return }
      text = String(line[line.index(after: sign)...].drop { $0 == " " })
    }
  }

  /// Reads a line of CoNLL-U, a word or a range of words; `count` words came before.
  mutating func line(_ columns: [Substring], after count: Int) {
    isKnown = true
    let hasSpace = !columns[9].split(separator: "|").contains("SpaceAfter=No")
    if columns[0].contains(".") { return }
    if let dash = columns[0].firstIndex(of: "-") {
      guard let first = Int(columns[0][..<dash]),
        let last = Int(columns[0][columns[0].index(after: dash)...]), first == count + 1,
        last >= first
      else { return }
      tokens.append(
        RunningText.Token(
          text: String(columns[1]), words: count..<last, isFollowedBySpace: hasSpace))
    } else if tokens.last.map({ $0.words.upperBound <= count }) ?? true {
      tokens.append(
        RunningText.Token(
          text: String(columns[1]), words: count..<count + 1, isFollowedBySpace: hasSpace))
    }
  }

  /// The running text of the sentence that ends here; nil where the file says nothing of it.
  mutating func finish(words: [String]) -> RunningText? {
    defer { self = RunningTextReader() }
    if !isKnown {
      guard text != nil else { return nil }
      tokens = words.indices.map { RunningText.Token(text: words[$0], words: $0..<$0 + 1) }
      tokens[tokens.count - 1].isFollowedBySpace =
        words.last.map { !Script.hasNoSpaces($0) } ?? true
    }
    // A range past the last word, or one that leaves words out, says nothing that could be used.
    guard tokens.last?.words.upperBound == words.count,
      tokens.first?.words.lowerBound == 0,
      zip(tokens, tokens.dropFirst()).allSatisfy({ $0.words.upperBound == $1.words.lowerBound })
    else { return nil }
    if let text {
      guard align(with: text) || isKnown else { return nil }
    }
    return RunningText(tokens: tokens, beginsParagraph: beginsParagraph)
  }

  /// Finds the tokens in the text, and so the white space between them; false where they are not it.
  private mutating func align(with text: String) -> Bool {
    let scalars = Array(text.unicodeScalars)
    var place = 0
    var spaces: [Bool] = []
    for token in tokens {
      let start = place
      while place < scalars.count, scalars[place].properties.isWhitespace { place += 1 }
      if !spaces.isEmpty { spaces[spaces.count - 1] = place > start }
      for scalar in token.text.unicodeScalars {
        guard place < scalars.count, scalars[place] == scalar else { return false }
        place += 1
      }
      spaces.append(tokens.last?.isFollowedBySpace ?? true)
    }
    guard scalars[place...].allSatisfy(\.properties.isWhitespace) else { return false }
    for number in tokens.indices { tokens[number].isFollowedBySpace = spaces[number] }
    return true
  }
}

/// What is known of scripts without asking for a language.
enum Script {
  /// Whether a text ends in a script whose words follow each other without spaces.
  static func hasNoSpaces(_ text: String) -> Bool {
    text.unicodeScalars.last.map(isWithoutSpaces) ?? false
  }

  /// Whether a text begins in such a script.
  static func beginsWithout(_ text: String) -> Bool {
    text.unicodeScalars.first.map(isWithoutSpaces) ?? false
  }

  /// Thai, Lao, Burmese and Khmer, kana and Han with their punctuation; Korean has spaces.
  static func isWithoutSpaces(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x2E80...0x2FDF, 0x3001...0x303F,
      0x3040...0x30FF, 0x31F0...0x31FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF,
      0xFF01...0xFF0F, 0xFF1A...0xFF20, 0xFF3B...0xFF40, 0xFF5B...0xFF9F, 0x20000...0x3FFFF:
      true
    default: false
    }
  }
}
