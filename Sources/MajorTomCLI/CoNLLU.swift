import MajorTom

/// Sentences of a text as CoNLL-U: UPOS, or names in MISC, where spaces are missing, and the ranges of
/// multiword tokens.
struct CoNLLUWriter {
  /// Whether the tags are of spans.
  let hasSpans: Bool
  /// The tags of a sentence as they are to be written.
  let tags: (SentenceInText) -> [String]
  /// Whether the first sentence begins a paragraph.
  let beginsParagraph: Bool

  /// The sentences of a text; `count` is how many were written before.
  func text(of sentences: [SentenceInText], counting count: inout Int) -> String {
    var text = ""
    for (number, sentence) in sentences.enumerated() {
      if number == 0, beginsParagraph { text += "# newpar\n" }
      count += 1
      text += "# sent_id = \(count)\n"
      let next = number + 1 < sentences.count ? sentences[number + 1].words.first : nil
      text += rows(of: sentence, before: next) + "\n"
    }
    return text
  }

  private func rows(of sentence: SentenceInText, before next: TextSpan?) -> String {
    let cut = CutSentence(words: sentence.words, multiwords: sentence.multiwords)
    var tokens = cut.tokens
    if let last = sentence.words.last, let next, !tokens.isEmpty {
      tokens[tokens.count - 1].isFollowedBySpace = last.bytes.upperBound < next.bytes.lowerBound
    }
    let tags = tags(sentence)
    var rows = "# text = \(RunningText(tokens: tokens).text)\n"
    for token in tokens {
      let spacing = token.isFollowedBySpace ? nil : "SpaceAfter=No"
      let isMultiword =
        token.words.count > 1 || sentence.words[token.words.lowerBound].text != token.text
      if isMultiword {
        rows +=
          "\(token.words.lowerBound + 1)-\(token.words.upperBound)\t\(token.text)"
          + "\t_\t_\t_\t_\t_\t_\t_\t\(spacing ?? "_")\n"
      }
      for place in token.words {
        let name = hasSpans && tags[place] != "O" ? "NER=\(tags[place])" : nil
        let misc = [name, isMultiword ? nil : spacing].compactMap { $0 }
        rows +=
          "\(place + 1)\t\(sentence.words[place].text)\t_\t\(hasSpans ? "_" : tags[place])"
          + "\t_\t_\t_\t_\t_\t\(misc.isEmpty ? "_" : misc.joined(separator: "|"))\n"
      }
    }
    return rows
  }
}
