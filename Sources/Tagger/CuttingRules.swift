internal import ICUText

/// ICU's rules for words, adapted to the tokens of data that do not say how they stood in text.
///
/// From the data's tokens it is learnt which of them ICU would cut (abbreviations, addresses, words with
/// hyphens), and which pieces of words they have that ICU would not cut off ("n't").
struct CuttingRules: Codable, Sendable, Equatable {
  /// What tokens are made of beyond ICU's words: kinds of them that data either keep whole or cut.
  enum Kind: String, Codable, CaseIterable {
    /// `https://swift.org`, `www.swift.org`.
    case address
    /// `ada@example.org`.
    case mail
    /// `@ada`.
    case mention
    /// `#tag`.
    case hashtag
    /// `well-known`.
    case hyphenated
    /// `U.S.`, `e.g.`: single letters with full stops.
    case initials
    /// `50%`, `$5`, `10:30`, `3/4`, `3.14`, `-5`: digits with what stands between and around them.
    case figure
    /// `...`, `!!!`, `--`: one mark several times.
    case marks
  }

  /// The kinds that are kept whole.
  var kept: Set<Kind> = []
  /// Other tokens that ICU would cut, such as `Dr.` and `:-)`.
  var tokens: Set<String> = []
  /// What is cut off the end of words, such as `n't` and `'s`, in lower case.
  var endings: Set<String> = []
  /// Tokens with a full stop at their end behind which sentences mostly go on, such as `Dr.`.
  var abbreviations: Set<String> = []

  /// No token is looked for that is longer, in code points.
  static let longestToken = 32

  private enum CodingKeys: String, CodingKey { case kept, tokens, endings, abbreviations }

  init() {}

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    kept = Set(try values.decode([Kind].self, forKey: .kept))
    tokens = Set(try values.decode([String].self, forKey: .tokens))
    endings = Set(try values.decode([String].self, forKey: .endings))
    abbreviations = Set(try values.decode([String].self, forKey: .abbreviations))
  }

  /// Writes lists in order, so that equal rules make equal files.
  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(kept.sorted { $0.rawValue < $1.rawValue }, forKey: .kept)
    try values.encode(tokens.sorted(), forKey: .tokens)
    try values.encode(endings.sorted(), forKey: .endings)
    try values.encode(abbreviations.sorted(), forKey: .abbreviations)
  }
}

extension CuttingRules {
  /// The rules of the tokens of sentences.
  init(of sentences: [TaggedSentence], _ segmenter: Segmenter) throws(TextError) {
    var whole: [Kind: Int] = [:]
    var cut: [Kind: Int] = [:]
    var others: [String: Int] = [:]
    var stops: [String: (within: Int, last: Int)] = [:]
    var endings: [String: (cut: Int, whole: Int)] = [:]
    // Words with the mark behind them, which data that have both as one token keep together.
    var parted: [String: Int] = [:]
    for sentence in sentences {
      for (place, word) in sentence.words.enumerated() {
        let next = place + 1 < sentence.words.count ? sentence.words[place + 1] : nil
        if word.count > 1, word.hasSuffix("."), word.contains(where: \.isLetter) {
          if next == nil { stops[word, default: (0, 0)].last += 1 }
          if next != nil { stops[word, default: (0, 0)].within += 1 }
        }
        if let (kind, isWhole) = Self.evidence(word, next) {
          if isWhole { whole[kind, default: 0] += 1 } else { cut[kind, default: 0] += 1 }
        }
        if Self.kind(of: word) == nil { others[word, default: 0] += 1 }
        if let next, next.count == 1, ".!?,".contains(next) { parted[word + next, default: 0] += 1 }
        if let ending = Self.ending(of: word) {
          let isCut = ending.count == word.count
          if isCut { endings[ending, default: (0, 0)].cut += 1 }
          if !isCut { endings[ending, default: (0, 0)].whole += 1 }
        }
      }
    }
    kept = Set(Kind.allCases.filter { whole[$0, default: 0] > cut[$0, default: 0] })
    for (word, count) in others
    where word.unicodeScalars.count <= Self.longestToken && count >= parted[word, default: 0] {
      if try Self.isCut(word, segmenter) { tokens.insert(word) }
    }
    abbreviations = Set(stops.filter { $0.value.within > $0.value.last }.keys)
    self.endings = Set(
      endings.filter { $0.value.cut > max(2, $0.value.whole) }.keys)
  }

  /// Whether ICU cuts a token, which has no spaces.
  private static func isCut(_ word: String, _ segmenter: Segmenter) throws(TextError) -> Bool {
    guard !word.contains(where: \.isWhitespace), word.unicodeScalars.count > 1 else { return false }
    return try Array(word.utf8).withUnsafeBufferPointer { (bytes) throws(TextError) in
      try segmenter.ends(in: bytes, unit: .word).count > 1
    }
  }

  /// What a token, and the one behind it, say of a kind: that it is kept whole, or that it is cut.
  private static func evidence(_ word: String, _ next: String?) -> (Kind, isWhole: Bool)? {
    if let kind = kind(of: word) { return (kind, true) }
    guard let next else { return nil }
    switch word {
    case "@" where next.first?.isLetter == true: return (.mention, false)
    case "#" where next.first?.isLetter == true: return (.hashtag, false)
    case "http", "https": return next.hasPrefix(":") ? (.address, false) : nil
    case "-": return next.first?.isLetter == true ? (.hyphenated, false) : nil
    case "$", "£", "€": return next.first?.isNumber == true ? (.figure, false) : nil
    default: break
    }
    if next == "%", word.last?.isNumber == true { return (.figure, false) }
    if next == word, word.count == 1, let mark = word.first, isMark(mark) { return (.marks, false) }
    return nil
  }

  /// The end of a word that data may cut off: from an apostrophe on, with the n of "n't".
  static func ending(of word: String) -> String? {
    let folded = word.lowercased().replacing("\u{2019}", with: "'")
    guard let apostrophe = folded.lastIndex(of: "'") else { return nil }
    var ending = folded[apostrophe...]
    if ending == "'t", apostrophe > folded.startIndex,
      folded[folded.index(before: apostrophe)] == "n"
    {
      ending = folded[folded.index(before: apostrophe)...]
    }
    let letters = ending.drop { $0 != "'" }.dropFirst()
    guard (1...3).contains(letters.count), letters.allSatisfy(\.isLetter) else { return nil }
    return String(ending)
  }

  private static func isMark(_ character: Character) -> Bool { ".!?-*=_~".contains(character) }
}

// MARK: Kinds

extension CuttingRules {
  /// The kind that a whole token is of; nil for one of ICU's words, and for what is of no kind.
  static func kind(of word: String) -> Kind? {
    let characters = Array(word)
    return Kind.allCases.first { length(of: $0, in: characters, at: 0) == characters.count }
  }

  /// How many characters a token of a kind has that begins at a place; nil for none.
  static func length(of kind: Kind, in text: [Character], at start: Int) -> Int? {
    let count: Int
    switch kind {
    case .address: count = address(text, start)
    case .mail: count = mail(text, start)
    case .mention: count = named(text, start, after: "@")
    case .hashtag: count = named(text, start, after: "#")
    case .hyphenated: count = hyphenated(text, start)
    case .initials: count = initials(text, start)
    case .figure: count = figure(text, start)
    case .marks:
      count = isMark(text[start]) ? text[start...].prefix { $0 == text[start] }.count : 0
    }
    return count > 1 ? count : nil
  }

  private static func address(_ text: [Character], _ start: Int) -> Int {
    let rest = text[start...]
    let isAddress = ["http://", "https://", "ftp://", "www."].contains { opening in
      rest.count > opening.count && rest.starts(with: opening) { $0.lowercased() == String($1) }
    }
    guard isAddress else { return 0 }
    var found = rest.prefix { !$0.isWhitespace && !"<>\"“”".contains($0) }
    while let last = found.last, ".,;:!?)]'".contains(last) { found.removeLast() }
    return found.count
  }

  private static func mail(_ text: [Character], _ start: Int) -> Int {
    // A name has at most 64 characters and a host 255 (RFC 5321): else a long run would be read from each place.
    let name = text[start...].prefix(65).prefix {
      $0.isLetter || $0.isNumber || "._%+-".contains($0)
    }
    guard !name.isEmpty, name.endIndex < text.count, text[name.endIndex] == "@" else { return 0 }
    var host = text[(name.endIndex + 1)...].prefix(255).prefix {
      $0.isLetter || $0.isNumber || ".-".contains($0)
    }
    while let last = host.last, ".-".contains(last) { host.removeLast() }
    return host.contains(".") ? name.count + 1 + host.count : 0
  }

  private static func named(_ text: [Character], _ start: Int, after sign: Character) -> Int {
    guard text[start] == sign else { return 0 }
    let name = text[(start + 1)...].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    return name.isEmpty ? 0 : 1 + name.count
  }

  private static func hyphenated(_ text: [Character], _ start: Int) -> Int {
    var (end, hyphens) = (start, 0)
    while true {
      let part = text[end...].prefix { $0.isLetter || $0.isNumber }
      guard !part.isEmpty else { return 0 }
      end = part.endIndex
      guard end + 1 < text.count, text[end] == "-", text[end + 1].isLetter || text[end + 1].isNumber
      else { break }
      end += 1
      hyphens += 1
    }
    let hasLetters = text[start..<end].contains(where: \.isLetter)
    return hyphens > 0 && hasLetters ? end - start : 0
  }

  private static func initials(_ text: [Character], _ start: Int) -> Int {
    var end = start
    while end + 1 < text.count, text[end].isLetter, text[end + 1] == "." { end += 2 }
    let goesOn = end < text.count && (text[end].isLetter || text[end].isNumber)
    return end - start >= 2 && !goesOn ? end - start : 0
  }

  private static func figure(_ text: [Character], _ start: Int) -> Int {
    var end = start
    if "$£€+-".contains(text[end]) { end += 1 }
    let first = end
    var joints = 0
    while end < text.count {
      if text[end].isNumber {
        end += 1
      } else if end > first, end + 1 < text.count, text[end + 1].isNumber,
        ".,:/".contains(text[end])
      {
        joints += ".,".contains(text[end]) ? 0 : 1
        end += 1
      } else {
        break
      }
    }
    guard end > first else { return 0 }
    let hasPercent = end < text.count && text[end] == "%"
    if hasPercent { end += 1 }
    // A plain number is one of ICU's words.
    return first > start || hasPercent || joints > 0 ? end - start : 0
  }
}
