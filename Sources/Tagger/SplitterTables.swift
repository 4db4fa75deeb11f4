/// The words of the multiword tokens of data: of those that are no pieces of their text, such as "du": "de",
/// "le", and of those that are, such as "dont": "do", "nt".
struct Expansions: Sendable, Equatable {
  /// By the token in lower case.
  let words: [String: [String]]

  init(words: [String: [String]]) { self.words = words }

  /// The words of each token that mostly has several.
  init(of paragraphs: [CutParagraph]) {
    var counts: [String: [[String]: Int]] = [:]
    for token in paragraphs.lazy.flatMap(\.tokens) {
      let words = token.words.map { $0.lowercased() }
      counts[token.text.lowercased(), default: [:]][words, default: 0] += 1
    }
    words = counts.compactMapValues { found in
      let best = found.max {
        ($0.value, $1.key.joined(separator: " ")) < ($1.value, $0.key.joined(separator: " "))
      }
      return best.flatMap { $0.key.count > 1 ? $0.key : nil }
    }
  }

  /// The words of a token, capitalised as it is; nil where it is not known.
  func words(of token: String) -> [String]? {
    guard var found = words[token.lowercased()] else { return nil }
    // Pieces are cut out of the token itself.
    if found.joined() == token.lowercased(), token.lowercased().count == token.count {
      var rest = token[...]
      return found.map { word in
        defer { rest = rest.dropFirst(word.count) }
        return String(rest.prefix(word.count))
      }
    }
    let isUpper = token.count > 1 && token == token.uppercased() && token != token.lowercased()
    if isUpper { return found.map { $0.uppercased() } }
    if let first = token.first, first.isUppercase, let word = found.first {
      found[0] = word.prefix(1).uppercased() + word.dropFirst()
    }
    return found
  }
}

/// Tokens with other marks than letters and digits that data mostly keep whole, such as "Inc." and ":-)".
///
/// They are few, and each is rare: a table knows them sooner than a network does.
struct WholeTokens: Sendable, Equatable {
  /// The tokens in lower case.
  let tokens: Set<String>

  /// The most tokens that are joined to one.
  static let most = 5

  init(tokens: Set<String>) { self.tokens = tokens }

  /// Those that are whole at least twice, and more than twice as often as they are cut.
  init(of paragraphs: [CutParagraph]) {
    var whole: [String: Int] = [:]
    for token in paragraphs.lazy.flatMap(\.tokens) where Self.mayBe(token) {
      whole[token.text.lowercased(), default: 0] += 1
    }
    var cut: [String: Int] = [:]
    for paragraph in paragraphs {
      for place in paragraph.tokens.indices {
        var (text, end) = (paragraph.tokens[place].text, paragraph.tokens[place].end)
        for next in paragraph.tokens[(place + 1)...].prefix(Self.most - 1) {
          guard next.end - next.text.utf8.count == end else { break }
          (text, end) = (text + next.text, next.end)
          let key = text.lowercased()
          if whole[key] != nil { cut[key, default: 0] += 1 }
        }
      }
    }
    tokens = Set(whole.filter { $0.value > max(1, 2 * cut[$0.key, default: 0]) }.keys)
  }

  private static func mayBe(_ token: CutParagraph.Token) -> Bool {
    token.words.count == 1 && token.text.utf8.count <= 24 && token.text.unicodeScalars.count > 1
      && token.text.contains { !$0.isLetter && !$0.isNumber && !$0.isWhitespace }
  }

  /// Whether a stretch is one of them.
  func contains(_ text: String) -> Bool { tokens.contains(text.lowercased()) }
}
