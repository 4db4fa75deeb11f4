import CommandLineModels
import MajorTom

/// Tags texts and writes what was found, in one of the formats.
struct TagWriter {
  let tagger: Tagger
  let format: TagFormat
  let scheme: TagScheme
  let best: Int?
  let least: Double
  let isColored: Bool
  /// Whether the texts are paragraphs, with the empty lines between them as texts of nothing.
  let ofParagraphs: Bool
  let threads: Int?
  /// The annotations written as brat has them, and the sentences written as CoNLL-U.
  private var annotationCount = 0, sentenceCount = 0
  /// The file of the last text.
  private var file: String?
  private let alignment: AlignedWords
  /// Whether no sentence was aligned yet.
  private var isFirst = true

  init(
    tagger: Tagger, format: TagFormat, scheme: TagScheme, best: Int?, least: Double,
    isColored: Bool, ofParagraphs: Bool, threads: Int?
  ) {
    self.tagger = tagger
    self.format = format
    self.scheme = scheme
    self.best = best
    self.least = least
    self.isColored = isColored
    self.ofParagraphs = ofParagraphs
    self.threads = threads
    alignment = AlignedWords(isColored: isColored)
  }

  /// Tags some texts together, and writes them in their order.
  mutating func write(_ texts: [InputText], isTokenized: Bool) throws {
    let sentences =
      isTokenized
      ? texts.map { [CutSentence(words: Tagger.words(of: $0.text))] }
      : try tagger.cut(texts.map(\.text), threads: threads)
    let taggings = try tagger.tag(
      sentences.flatMap { $0.map { $0.words.map(\.text) } }, threads: threads)
    guard taggings.allSatisfy({ $0.confidences.allSatisfy(\.isFinite) }) else {
      throw TaggerError.overflow
    }
    var next = 0
    for (text, parts) in zip(texts, sentences) {
      let tagged = zip(parts, taggings[next..<next + parts.count]).map { sentence, tagging in
        SentenceInText(
          words: sentence.words, multiwords: sentence.multiwords, tagging: sure(tagging))
      }
      next += parts.count
      if let best {
        try writeBest(best, parts.map(\.words))
      } else if !ofParagraphs || !text.text.isEmpty || format == .text || format == .inline {
        write(TaggedText(text, tagged, hasSpans: tagger.lexicon.hasSpans))
      }
    }
  }

  /// What remains of a tagging: the spans that are probable enough, and the tags of such words.
  private func sure(_ tagging: Tagger.Tagging) -> Tagger.Tagging {
    var tagging = tagging
    tagging.spans.removeAll { $0.confidence < least }
    if !tagger.lexicon.hasSpans {
      for word in tagging.tags.indices where tagging.confidences[word] < least {
        tagging.tags[word] = TaggedText.noTag
      }
    }
    return tagging
  }

  private mutating func write(_ text: TaggedText) {
    switch format {
    case .text: writeText(text)
    case .inline: writeOutput(inlined(text) + "\n")
    case .json: writeOutput(text.object.json + "\n")
    case .jsonl: writeOutput(annotationObject(text.input.text, text.marked).json + "\n")
    case .brat:
      writeOutput(
        bratLines(
          text.marked, behind: text.input.start.codePoints, counting: &annotationCount))
    case .tsv: writeOutput(text.rows)
    case .conll:
      for sentence in text.sentences {
        let tags = outputTags(sentence)
        writeOutput(
          zip(sentence.words, tags).map { "\(visible($0.text))\t\($1)\n" }.joined() + "\n")
      }
    case .conllu:
      if let path = text.input.file, path != file {
        file = path
        writeOutput("# newdoc id = \(quoted(path, atMost: 1000))\n")
      }
      let writer = CoNLLUWriter(
        hasSpans: tagger.lexicon.hasSpans, tags: outputTags, beginsParagraph: ofParagraphs)
      writeOutput(writer.text(of: text.sentences, counting: &sentenceCount))
    }
  }

  private func outputTags(_ sentence: SentenceInText) -> [String] {
    guard tagger.lexicon.hasSpans else { return sentence.tagging.tags }
    return scheme.tags(of: sentence.tagging.spans, count: sentence.words.count)
  }

  // MARK: Text

  private mutating func writeText(_ text: TaggedText) {
    guard !tagger.lexicon.hasSpans else {
      return writeOutput(marked(text) + "\n", styled: isColored)
    }
    for sentence in text.sentences {
      let row = TaggedText(text.input, [sentence], hasSpans: false).apart.map {
        (word: visible($0.text, keepingLines: false), tag: visible($0.type, keepingLines: false))
      }
      guard !row.isEmpty else { continue }
      writeOutput((isFirst ? "" : "\n") + alignment.text(of: row), styled: isColored)
      isFirst = false
    }
  }

  private func marked(_ text: TaggedText) -> String {
    let types = tagger.types
    // Text from outside as it stands between colours.
    let plain: (String) -> String = { isColored ? shown($0) : $0 }
    return text.rewritten(plain) { item in
      guard isColored else { return "[\(item.text)]\(item.type)" }
      let color = 41 + (types.firstIndex(of: item.type) ?? 0) % 6
      return
        "\u{1B}[\(color);97;1m \(plain(item.text)) \u{1B}[0m\u{1B}[2m\(plain(item.type))\u{1B}[0m"
    }
  }

  /// The text with elements around what was found; its own markup is escaped.
  private func inlined(_ text: TaggedText) -> String {
    text.rewritten(escapedMarkup) { item in
      let type = escapedMarkup(item.type)
      return "<\(type)>\(escapedMarkup(item.text))</\(type)>"
    }
  }

  // MARK: Several taggings

  private func writeBest(_ count: Int, _ sentences: [[TextSpan]]) throws {
    for words in sentences {
      let texts = words.map(\.text)
      for (tags, probability) in try tagger.best(count, texts) {
        let shown =
          tagger.lexicon.hasSpans
          ? scheme.tags(of: TagScheme.spans(tags), count: tags.count) : tags
        if format == .json {
          writeJSON([
            "probability": .number(probability), "words": .list(texts.map { .text($0) }),
            "tags": .list(shown.map { .text($0) }),
          ])
        } else {
          let row = zip(texts, shown).map { $1 == "O" ? visible($0) : "\(visible($0))/\($1)" }
          writeOutput("\(fixed(probability, 4))\t\(row.joined(separator: " "))\n")
        }
      }
    }
  }
}

/// A text without the signs of markup, as XML has them escaped.
func escapedMarkup(_ text: String) -> String {
  guard text.utf8.contains(where: { [0x26, 0x3C, 0x3E].contains($0) }) else { return text }
  return text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(
    ">", with: "&gt;")
}
