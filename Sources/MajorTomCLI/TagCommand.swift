import CommandLineModels
import CommandLineOptions
import Glibc
import MajorTom

private enum TagFormat: String, CaseIterable {
  case text, inline, json, jsonl, brat, conll, conllu, tsv
}

/// The command `majortom tag`.
let tagCommand = Command(
  "tag", summary: "mark names or parts of speech in a text",
  synopsis: "[-m MODEL] [TEXT...] [OPTION...]",
  about: """
    Marks the names, or the parts of speech, in a text from arguments or from standard input, whose
    paragraphs are parted by empty lines; what is typed at a terminal is read line by line. tsv: type,
    text, bytes, UTF-16 units, code points, confidence; places are those in the paragraph. jsonl: an
    object a paragraph that Doccano (label) and Prodigy (spans) import. brat: the file .ann for the text
    of standard input, which is read line by line.
    """,
  options: [
    modelOption(isDefaulted: true, demo: "the demo's tagger"),
    Option(
      "format", "FORMAT",
      "text, inline, json, jsonl, brat, conll, conllu or tsv (default: text)"),
    Option(
      "scheme", "NAME", "Scheme of span tags in conll: iob1, iob2, bioes, bilou (default: iob2)"),
    Option(flag: "lines", "Each line of standard input is a text of its own"),
    Option(flag: "tokenized", "Each line is a sentence whose words are separated by spaces"),
    Option("best", "N", "The N likeliest taggings of each sentence, as text or JSON"),
    Option("least", "P", "Leave out spans less probable than P (default: 0)"),
    Option("batch", "N", "Texts of standard input tagged together; more is faster (default: 1)"),
    Option("color", "WHEN", "auto, always or never (default: auto)"),
    precisionOption, threadsOption, Option(flag: "json", "The same as --format json"),
  ]
) { arguments in
  let format =
    arguments.has("json") ? .json : try arguments.choice("format", of: TagFormat.self) ?? .text
  let isTokenized = arguments.has("tokenized")
  let color = try arguments.choice("color", of: ColorChoice.self) ?? .auto
  let batch = try arguments.integer("batch", in: 1...1_000_000) ?? 1
  // The offsets of brat count all that is in the text's file.
  let unit: InputUnit =
    format == .brat
    ? .wholeLines
    : isTokenized || arguments.has("lines") || inputIsTerminal ? .lines : .paragraphs
  let path = try modelPath(arguments, demo: "models/names.safetensors")
  let tagger = try arguments.model(Tagger.self, path)
  let writer = TagWriter(
    tagger: tagger,
    format: format, scheme: try arguments.choice("scheme", of: TagScheme.self) ?? .iob2,
    best: try arguments.integer("best", in: 1...1000),
    least: try arguments.number("least", in: 0...1) ?? 0,
    isColored: color.isColored, ofParagraphs: unit == .paragraphs,
    threads: try arguments.integer("threads", in: 1...1024))
  try forEachBatch(of: arguments, batch, unit) { try writer.write($0, isTokenized: isTokenized) }
}

/// Tags texts and writes what was found, in one of the formats.
private struct TagWriter {
  let tagger: Tagger
  let format: TagFormat
  let scheme: TagScheme
  let best: Int?
  let least: Double
  let isColored: Bool
  /// Whether the texts are paragraphs, with the empty lines between them as texts of nothing.
  let ofParagraphs: Bool
  let threads: Int?
  let brat = BratLines()

  /// Tags some lines together, and writes them in their order.
  func write(_ lines: [String], isTokenized: Bool) throws {
    let sentences =
      isTokenized
      ? lines.map { [CutSentence(words: Tagger.words(of: $0))] }
      : try tagger.cut(lines, threads: threads)
    let taggings = try tagger.tag(
      sentences.flatMap { $0.map { $0.words.map(\.text) } }, threads: threads)
    guard taggings.allSatisfy({ $0.confidences.allSatisfy(\.isFinite) }) else {
      throw TaggerError.overflow
    }
    var next = 0
    for (line, parts) in zip(lines, sentences) {
      let tagged = zip(parts, taggings[next..<next + parts.count]).map { sentence, tagging in
        var tagging = tagging
        tagging.spans.removeAll { $0.confidence < least }
        return SentenceInText(
          words: sentence.words, multiwords: sentence.multiwords, tagging: tagging)
      }
      next += parts.count
      if let best {
        try writeBest(best, parts.map(\.words))
      } else if !ofParagraphs || !line.isEmpty || format == .text || format == .inline {
        write(line, tagged)
      }
    }
  }

  private func write(_ text: String, _ sentences: [SentenceInText]) {
    switch format {
    case .text: writeOutput(marked(text, sentences) + "\n", styled: isColored)
    case .inline: writeOutput(inlined(text, sentences) + "\n")
    case .json: writeOutput(json(text, sentences) + "\n")
    case .jsonl: writeOutput(annotationObject(text, items(text, sentences)).json + "\n")
    case .brat: writeOutput(brat.lines(text, items(text, sentences)))
    case .tsv:
      for item in items(text, sentences) {
        writeOutput(
          "\(item.type)\t\(visible(item.text))\t\(range(item.bytes))\t\(range(item.utf16))\t"
            + "\(range(item.codePoints))\t\(fixed(item.confidence, 4))\n")
      }
    case .conll:
      for sentence in sentences {
        let tags = outputTags(sentence)
        writeOutput(
          zip(sentence.words, tags).map { "\(visible($0.text))\t\($1)\n" }.joined() + "\n")
      }
    case .conllu:
      writeOutput(
        CoNLLUWriter(
          hasSpans: tagger.lexicon.hasSpans, tags: outputTags, beginsParagraph: ofParagraphs
        ).text(of: sentences))
    }
  }

  private func outputTags(_ sentence: SentenceInText) -> [String] {
    guard tagger.lexicon.hasSpans else { return sentence.tagging.tags }
    return scheme.tags(of: sentence.tagging.spans, count: sentence.words.count)
  }

  /// Spans, or single words where tags are of words.
  private func items(
    _ text: String, _ sentences: [SentenceInText]
  ) -> [SpanInText] {
    sentences.flatMap { sentence in
      tagger.lexicon.hasSpans
        ? sentence.spans(in: text) : sentence.taggedWords
    }
  }

  /// Text from outside as it stands between colours.
  private func plain(_ text: String) -> String { isColored ? shown(text) : text }

  /// Items of which no two share a place: the words of a token that they are no pieces of become one,
  /// with all their types.
  private func apart(_ items: [SpanInText], _ bytes: [UInt8]) -> [SpanInText] {
    var found: [SpanInText] = []
    for item in items {
      guard let last = found.last, item.bytes.lowerBound < last.bytes.upperBound else {
        found.append(item)
        found[found.count - 1].place.text = String(decoding: bytes[item.bytes], as: UTF8.self)
        continue
      }
      if item.bytes == last.bytes { found[found.count - 1].span.type += "+\(item.type)" }
    }
    return found
  }

  /// The text with what `mark` makes of each item.
  private func rewritten(
    _ text: String, _ sentences: [SentenceInText], _ mark: (SpanInText) -> String
  ) -> String {
    let bytes = Array(text.utf8)
    var result = ""
    var end = 0
    for item in apart(items(text, sentences), bytes) {
      result +=
        plain(String(decoding: bytes[end..<item.bytes.lowerBound], as: UTF8.self)) + mark(item)
      end = item.bytes.upperBound
    }
    return result + plain(String(decoding: bytes[end...], as: UTF8.self))
  }

  private func marked(_ text: String, _ sentences: [SentenceInText]) -> String {
    guard tagger.lexicon.hasSpans else {
      return rewritten(text, sentences) { item in
        isColored
          ? "\(plain(item.text))\u{1B}[2m/\(plain(item.type))\u{1B}[0m"
          : "\(item.text)/\(item.type)"
      }
    }
    let types = Array(Set(tagger.lexicon.tags.filter { $0 != "O" }.map { $0.dropFirst(2) }))
      .sorted()
    return rewritten(text, sentences) { item in
      guard isColored else { return "[\(item.text)]\(item.type)" }
      let color = 41 + (types.firstIndex(of: item.type[...]) ?? 0) % 6
      return
        "\u{1B}[\(color);97;1m \(plain(item.text)) \u{1B}[0m\u{1B}[2m\(plain(item.type))\u{1B}[0m"
    }
  }

  private func inlined(_ text: String, _ sentences: [SentenceInText]) -> String {
    rewritten(text, sentences) { "<\($0.type)>\($0.text)</\($0.type)>" }
  }

  private func json(_ text: String, _ sentences: [SentenceInText]) -> String {
    JSONValue.object([
      "text": .text(text),
      tagger.lexicon.hasSpans ? "spans" : "words": .list(
        items(text, sentences).map { item in
          .object([
            "type": .text(item.type), "text": .text(item.text), "bytes": pair(item.bytes),
            "utf16": pair(item.utf16), "code_points": pair(item.codePoints),
            "confidence": .number(item.confidence),
          ])
        }),
    ]).json
  }

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
