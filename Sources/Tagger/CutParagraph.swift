/// A paragraph of running text with the tokens, words and sentences that it is cut into.
struct CutParagraph: Sendable, Equatable {
  /// A token at its place.
  struct Token: Sendable, Equatable {
    var text: String
    /// One, or several of a multiword token.
    var words: [String]
    /// Where it ends, in bytes.
    var end: Int
    var endsSentence = false

    /// Whether its words are no pieces of its text.
    var isExpanded: Bool { words.count > 0 && words.joined() != text }
  }

  var text = ""
  var tokens: [Token] = []

  /// Whether there is white space in a token.
  var hasSpacedTokens: Bool { tokens.contains { $0.text.contains { $0.isWhitespace } } }

  /// Adds a sentence.
  mutating func add(_ sentence: TaggedSentence) {
    let running = sentence.running ?? RunningText(separate: sentence.words)
    for token in running.tokens {
      text += token.text
      tokens.append(
        Token(text: token.text, words: Array(sentence.words[token.words]), end: text.utf8.count))
      if token.isFollowedBySpace { text += " " }
    }
    if !tokens.isEmpty { tokens[tokens.count - 1].endsSentence = true }
  }

  /// What ends behind each grapheme, of which `ends` has the last bytes.
  func labels(ends: [Int]) -> [Splitter.Label] {
    var labels = [Splitter.Label](repeating: .inside, count: ends.count)
    var place = 0
    func mark(_ byte: Int, _ label: Splitter.Label) {
      while place < ends.count - 1, ends[place] < byte { place += 1 }
      if place < ends.count { labels[place] = label }
    }
    for token in tokens {
      if !token.isExpanded {
        var end = token.end - token.text.utf8.count
        for word in token.words.dropLast() {
          end += word.utf8.count
          mark(end, .word)
        }
        mark(token.end, token.endsSentence ? .sentence : .token)
      } else {
        mark(token.end, token.endsSentence ? .expandedSentence : .expanded)
      }
    }
    return labels
  }
}

extension RunningText {
  /// Words with spaces between, but for those of scripts that have none.
  init(separate words: [String]) {
    let tokens = words.indices.map { place in
      Token(
        text: words[place], words: place..<place + 1,
        isFollowedBySpace:
          !(Script.hasNoSpaces(words[place])
          && (place + 1 == words.count || Script.beginsWithout(words[place + 1]))))
    }
    self.init(tokens: tokens)
  }
}

extension TaggedCorpus {
  /// Whether the data say how their sentences stood in running text, or their script has no spaces.
  var hasRunningText: Bool {
    let tokens = sentences.lazy.flatMap { ($0.running ?? RunningText(separate: $0.words)).tokens }
    // Where a space stands behind every token, nobody has said where there was none.
    return tokens.contains { !$0.isFollowedBySpace }
  }

  /// The paragraphs of the data, as they stand in a file.
  var paragraphs: [CutParagraph] {
    sentences.reduce(into: []) { paragraphs, sentence in
      if paragraphs.isEmpty || sentence.running?.beginsParagraph == true {
        paragraphs.append(CutParagraph())
      }
      paragraphs[paragraphs.count - 1].add(sentence)
    }
  }

  /// The paragraphs of the data as a splitter learns from them: some sentences end a paragraph and
  /// some do not, so that it learns what either looks like.
  var paragraphsToLearn: [CutParagraph] {
    let breaks = 1 + sentences.dropFirst().count { $0.running?.beginsParagraph == true }
    let (hasFew, hasMany) = (10 * breaks < sentences.count, 10 * breaks > 8 * sentences.count)
    var paragraphs: [CutParagraph] = []
    var size = 0
    for sentence in sentences {
      let isBreak = !hasMany && sentence.running?.beginsParagraph == true
      if paragraphs.isEmpty || isBreak || (hasFew && size == 5) || (hasMany && size == 3) {
        paragraphs.append(CutParagraph())
        size = 0
      } else if hasMany, !paragraphs[paragraphs.count - 1].text.hasSuffix(" ") {
        // What ended a paragraph needed no space.
        if !Script.hasNoSpaces(paragraphs[paragraphs.count - 1].text) {
          paragraphs[paragraphs.count - 1].text += " "
        }
      }
      paragraphs[paragraphs.count - 1].add(sentence)
      size += 1
    }
    return paragraphs
  }
}
