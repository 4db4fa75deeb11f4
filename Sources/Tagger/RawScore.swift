internal import Training

/// How well a text that nobody has cut is cut and tagged, measured as the CoNLL-2018 shared task does.
///
/// D. Zeman et al., "CoNLL 2018 shared task: multilingual parsing from raw text to universal
/// dependencies" (CoNLL 2018); the numbers are those of its `conll18_ud_eval.py`. Tokens and sentences
/// agree where both their ends do, counted in characters that are no spaces; words by their
/// characters, and within multiword tokens by the longest common subsequence of their forms; tags on
/// words that agree.
public struct RawScore: Sendable, Equatable {
  /// What agrees of one kind: in the data, found, both, and where it is of words, the aligned ones.
  public struct Counts: Sendable, Equatable {
    /// How many are in the data, how many were found, and how many of them agree.
    public internal(set) var right = 0, found = 0, correct = 0
    /// The words that agree, where tags are counted; else nil.
    public internal(set) var aligned: Int?

    /// The fraction of what was found that is right, from 0 to 1.
    public var precision: Double { found > 0 ? Double(correct) / Double(found) : 0 }
    /// The fraction of what is right that was found.
    public var recall: Double { right > 0 ? Double(correct) / Double(right) : 0 }
    /// The harmonic mean of both.
    public var f1: Double { right + found > 0 ? 2 * Double(correct) / Double(right + found) : 0 }
    /// The fraction of the aligned words whose tag is right; nil where no tags are counted.
    public var alignedAccuracy: Double? {
      aligned.map { $0 > 0 ? Double(correct) / Double($0) : 0 }
    }
  }

  /// A text as one side has cut and tagged it.
  public struct Side: Sendable {
    fileprivate struct Word {
      let form: String
      let tag: String
      let span: Range<Int>
      let isMultiword: Bool
    }

    // Code points without spaces, and where in them things are.
    fileprivate var characters: [Unicode.Scalar] = []
    fileprivate var tokens: [Range<Int>] = []
    fileprivate var sentences: [Range<Int>] = []
    fileprivate var words: [Word] = []

    /// A text of nothing.
    public init() {}

    /// Adds a sentence: words with their tags, and its tokens, each with the words that it holds.
    ///
    /// A token whose words are several is a multiword token.
    public mutating func add(words: [String], tags: [String], tokens: [RunningText.Token]) {
      let start = characters.count
      for token in tokens {
        let first = characters.count
        characters += Self.withoutSpaces(token.text)
        let span = first..<characters.count
        self.tokens.append(span)
        for word in token.words {
          let form = String(String.UnicodeScalarView(Self.withoutSpaces(words[word])))
          self.words.append(
            Word(
              form: form.lowercased(), tag: tags[word], span: span,
              isMultiword: token.words.count > 1 || words[word] != token.text))
        }
      }
      sentences.append(start..<characters.count)
    }

    private static func withoutSpaces(_ text: String) -> [Unicode.Scalar] {
      text.unicodeScalars.filter { $0.properties.generalCategory != .spaceSeparator }
    }
  }

  /// Tokens, sentences, words, and the tags of words.
  public private(set) var tokens, sentences, words, tags: Counts

  /// Compares what was found with what is right.
  ///
  /// Throws `TaggerError.unlikeTexts` where the two are not of one text.
  public init(right: Side, found: Side) throws(TaggerError) {
    if let place = zip(right.characters, found.characters).enumerated().first(where: {
      $0.element.0 != $0.element.1
    })?.offset
      ?? (right.characters.count == found.characters.count
        ? nil : min(right.characters.count, found.characters.count))
    {
      func part(_ side: Side) -> String {
        String(String.UnicodeScalarView(side.characters[place...].prefix(20)))
      }
      throw .unlikeTexts(right: part(right), found: part(found))
    }
    tokens = Self.compared(right.tokens, found.tokens)
    sentences = Self.compared(right.sentences, found.sentences)
    let aligned = Self.aligned(right.words, found.words)
    words = Counts(right: right.words.count, found: found.words.count, correct: aligned.count)
    tags = words
    tags.correct = aligned.count { right.words[$0].tag == found.words[$1].tag }
    tags.aligned = aligned.count
  }

  private static func compared(_ right: [Range<Int>], _ found: [Range<Int>]) -> Counts {
    var counts = Counts(right: right.count, found: found.count)
    var (r, f) = (0, 0)
    while r < right.count, f < found.count {
      if found[f].lowerBound < right[r].lowerBound {
        f += 1
      } else if right[r].lowerBound < found[f].lowerBound {
        r += 1
      } else {
        if right[r].upperBound == found[f].upperBound { counts.correct += 1 }
        (r, f) = (r + 1, f + 1)
      }
    }
    return counts
  }

  /// The pairs of words that agree.
  private static func aligned(_ right: [Side.Word], _ found: [Side.Word]) -> [(Int, Int)] {
    var pairs: [(Int, Int)] = []
    var (r, f) = (0, 0)
    while r < right.count, f < found.count {
      if right[r].isMultiword || found[f].isMultiword {
        let (rights, founds) = stretch(right, found, &r, &f)
        pairs += common(right, rights, found, founds)
      } else if right[r].span == found[f].span {
        pairs.append((r, f))
        (r, f) = (r + 1, f + 1)
      } else if right[r].span.lowerBound <= found[f].span.lowerBound {
        r += 1
      } else {
        f += 1
      }
    }
    return pairs
  }

  /// The shortest stretches of words, one of which begins with a multiword token, that no
  /// multiword token of the other side reaches beyond; `r` and `f` move behind them.
  private static func stretch(
    _ right: [Side.Word], _ found: [Side.Word], _ r: inout Int, _ f: inout Int
  ) -> (Range<Int>, Range<Int>) {
    var end: Int
    if right[r].isMultiword {
      end = right[r].span.upperBound
      if !found[f].isMultiword, found[f].span.lowerBound < right[r].span.lowerBound { f += 1 }
    } else {
      end = found[f].span.upperBound
      if right[r].span.lowerBound < found[f].span.lowerBound { r += 1 }
    }
    let (firstRight, firstFound) = (r, f)
    func isBeyond(_ words: [Side.Word], _ place: Int) -> Bool {
      guard place < words.count else { return true }
      let span = words[place].span
      return words[place].isMultiword ? span.lowerBound >= end : span.upperBound > end
    }
    func extend(_ word: Side.Word) {
      if word.isMultiword { end = max(end, word.span.upperBound) }
    }
    while !isBeyond(right, r) || !isBeyond(found, f) {
      if r < right.count,
        f >= found.count || right[r].span.lowerBound <= found[f].span.lowerBound
      {
        extend(right[r])
        r += 1
      } else {
        extend(found[f])
        f += 1
      }
    }
    return (firstRight..<r, firstFound..<f)
  }

  /// The longest common subsequence of the forms of two stretches.
  private static func common(
    _ right: [Side.Word], _ rights: Range<Int>, _ found: [Side.Word], _ founds: Range<Int>
  ) -> [(Int, Int)] {
    let width = founds.count + 1
    // [g, s]: the length of the longest one of what is left from g and s on.
    var longest = [Int](repeating: 0, count: (rights.count + 1) * width)
    func agree(_ g: Int, _ s: Int) -> Bool {
      right[rights.lowerBound + g].form == found[founds.lowerBound + s].form
    }
    for g in (0..<rights.count).reversed() {
      for s in (0..<founds.count).reversed() {
        let both = agree(g, s) ? 1 + longest[(g + 1) * width + s + 1] : 0
        longest[g * width + s] = max(
          both, longest[(g + 1) * width + s], longest[g * width + s + 1])
      }
    }
    var pairs: [(Int, Int)] = []
    var (g, s) = (0, 0)
    while g < rights.count, s < founds.count {
      if agree(g, s) {
        pairs.append((rights.lowerBound + g, founds.lowerBound + s))
        (g, s) = (g + 1, s + 1)
      } else if longest[g * width + s] == longest[(g + 1) * width + s] {
        g += 1
      } else {
        s += 1
      }
    }
    return pairs
  }

  /// A line each of tokens, sentences, words and tags: precision, recall and F1 in percent.
  ///
  /// `tagName` is what the tags are called, such as `UPOS`.
  public func report(tagName: String = "UPOS") -> String {
    let rows = [
      ("Tokens", tokens), ("Sentences", sentences), ("Words", words), (tagName, tags),
    ]
    var text = "Metric     | Precision |    Recall |  F1 Score | AligndAcc\n"
    text +=
      Array(repeating: String(repeating: "-", count: 11), count: 5).joined(separator: "+") + "\n"
    func padded(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    for (name, counts) in rows {
      let numbers = [counts.precision, counts.recall, counts.f1].map {
        padded(fixed(100 * $0, 2), 10)
      }
      let accuracy = counts.alignedAccuracy.map { padded(fixed(100 * $0, 2), 10) } ?? ""
      text += name + String(repeating: " ", count: max(0, 11 - name.count)) + "|"
      text += numbers.joined(separator: " |") + " |" + accuracy + "\n"
    }
    return text
  }
}
