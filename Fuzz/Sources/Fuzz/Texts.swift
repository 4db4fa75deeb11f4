import CommandLineOptions
import MajorTom

/// Readers of text, tagged sentences, pairs, vocabularies and vectors; of most, the first byte chooses
/// the options.
let textDrivers: [Driver] = [
  Driver(name: "text", run: readText, seeds: { Seeds.texts }),
  Driver(name: "lines", run: readLines, seeds: { Seeds.lines }),
  Driver(name: "conll", run: readTagged, seeds: { Seeds.columns }),
  Driver(name: "conllu", run: readUniversal, seeds: { Seeds.universal }),
  Driver(name: "jsonl", run: readObjects, seeds: { Seeds.objects }),
  Driver(name: "brat", run: readAnnotations, seeds: { Seeds.annotations }),
  Driver(name: "pairs", run: readPairs, seeds: { Seeds.tables }),
  Driver(name: "tokenizer", run: tokenize, seeds: { Seeds.sentences }),
  Driver(name: "vocabulary", run: readVocabulary, seeds: { try Seeds.vocabularies() }),
  Driver(name: "vectors", run: readVectors, seeds: { Seeds.vectors }),
]

/// The first byte, which chooses among `count`, and what follows it.
private func choice(_ bytes: [UInt8], of count: Int) -> (Int, ArraySlice<UInt8>) {
  (Int(bytes.first ?? 0) % count, bytes.dropFirst())
}

private let encodings =
  [
    "UTF-8", "UTF-16", "UTF-32", "ISO-8859-1", "windows-1252", "Shift_JIS", "GB18030", "EUC-KR",
    "ISO-2022-JP", "UTF-7", "Big5", "HZ", "SCSU", "BOCU-1", "IMAP-mailbox-name",
  ]

private func readText(_ bytes: [UInt8]) throws {
  let (number, rest) = choice(bytes, of: encodings.count + 1)
  let encoding = number == 0 ? TextEncoding.detect : try TextEncoding(named: encodings[number - 1])
  let path = Scratch.file(rest)
  let inspection = TextInspection()
  inspection.read(path, encoding: encoding)
  look(at: inspection)
  let corpus = try Corpus(contentsOf: path, encoding: encoding)
  var length = 0
  try corpus.forEachPiece { piece in
    demand(piece.byteCount > 0, "a piece is not empty")
    demand(String(validating: Array(piece.text.utf8), as: UTF8.self) != nil, "a piece is UTF-8")
    length += piece.byteCount
  }
  let vocabulary = try Vocabulary(counting: Segmentation(unit: .word), in: corpus)
  let tokens = try corpus.encoded(by: vocabulary)
  let sum = (0..<tokens.count).reduce(0) { $0 + vocabulary.byteCount(of: tokens[$1]) }
  demand(sum == length, "the tokens of a corpus are all of it")
}

private func readLines(_ bytes: [UInt8]) throws {
  var last = 0
  try TextLines.forEach(in: Scratch.file(bytes)) { line, number in
    demand(number == last + 1, "lines count from 1")
    demand(!line.utf8.contains(0x0A), "a line ends before its line feed")
    last = number
    return true
  }
}

/// Whatever data are, they can be looked at.
private func look(at inspection: any DataInspection) {
  for finding in inspection.findings {
    demand(!finding.sentence.isEmpty && finding.count > 0, "a finding is a sentence")
  }
  demand(inspection.brief("more").count <= 3, "a brief is short")
  for row in inspection.summary.rows {
    demand(row.values.count == inspection.summary.splits.count, "a row has a value a split")
  }
}

private func read(_ path: String, _ format: TaggedFormat) throws {
  let alone = TaggedInspection()
  alone.read(path, format: format)
  look(at: alone)
  let inspection = TaggedInspection()
  defer { look(at: inspection) }
  let corpus = try TaggedCorpus(contentsOf: [path], format: format, inspection: inspection)
  let parts = corpus.split(keeping: 0.5)
  demand(
    parts.training.sentences.count + parts.kept.sentences.count == corpus.sentences.count,
    "a split loses nothing")
  for sentence in corpus.sentences {
    demand(
      sentence.words.count == sentence.tags.count && !sentence.words.isEmpty,
      "each word of a sentence has a tag")
    if corpus.hasSpans {
      demand(TagScheme.bioes.breaches(in: sentence.tags).isEmpty, "span tags are in BIOES")
    }
  }
  _ = try Lexicon(counting: corpus)
}

private func readTagged(_ bytes: [UInt8]) throws {
  let (number, rest) = choice(bytes, of: 10)
  let schemes = [nil, TagScheme.iob1, .iob2, .bioes, .bilou]
  try read(
    Scratch.file(rest),
    TaggedFormat(
      layout: .columns, tagColumn: number & 1 == 0 ? nil : .number(2),
      scheme: schemes[number >> 1], repairsTags: number > 3))
}

private func readUniversal(_ bytes: [UInt8]) throws {
  let (number, rest) = choice(bytes, of: 5)
  let columns: [TaggedFormat.TagColumn] = [.upos, .xpos, .last, .feature("Case"), .number(4)]
  try read(Scratch.file(rest), TaggedFormat(layout: .conllu, tagColumn: columns[number]))
}

private func readObjects(_ bytes: [UInt8]) throws {
  let (number, rest) = choice(bytes, of: 2)
  var format = TaggedFormat(layout: .jsonl)
  format.locale = number == 0 ? "en" : "th"
  try read(Scratch.file(rest), format)
}

/// The text and its annotations, with a zero between.
private func readAnnotations(_ bytes: [UInt8]) throws {
  let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
  _ = Scratch.file(parts[0], named: "input.txt")
  try read(Scratch.file(parts.count > 1 ? parts[1] : [], named: "input.ann"), TaggedFormat())
}

private func readPairs(_ bytes: [UInt8]) throws {
  let (number, rest) = choice(bytes, of: 3)
  let path = Scratch.file(rest)
  let inspection = PairInspection()
  inspection.read(path)
  look(at: inspection)
  let corpus =
    switch number {
    case 0: try ParallelCorpus(contentsOf: path)
    case 1: try ParallelCorpus(contentsOf: path, sourceColumn: 3, targetColumn: 1)
    default: try ParallelCorpus(source: path, target: path)
    }
  for pair in corpus.pairs {
    demand(!pair.source.isEmpty && !pair.target.isEmpty, "no side of a pair is empty")
  }
  _ = try Translator.TokenOptions().vocabularies(of: corpus)
}

private func tokenize(_ bytes: [UInt8]) throws {
  let (number, rest) = choice(bytes, of: TextUnit.allCases.count * Normalization.allCases.count * 2)
  let units = TextUnit.allCases
  let segmentation = Segmentation(
    unit: units[number % units.count],
    normalization: Normalization.allCases[number / units.count % Normalization.allCases.count],
    locale: number % 2 == 0 ? "en" : "th")
  let text = String(decoding: rest, as: UTF8.self)
  let segmenter = try Segmenter(segmentation)
  let normalized = try segmenter.normalized(text)
  // Learnt from the first half, so that the second one has unknown tokens.
  let half = String(decoding: rest.prefix(rest.count / 2), as: UTF8.self)
  let vocabulary = try Vocabulary(counting: segmentation, in: Corpus(text: half))
  let ids = try vocabulary.encode(text)
  demand(vocabulary.decode(ids).elementsEqual(normalized.utf8), "decoding undoes encoding")
  let (same, ends) = try vocabulary.encodeWithEnds(text)
  demand(same == ids && ends == ends.sorted(), "ends rise with the tokens")
  demand(ids.isEmpty || ends.last == text.utf8.count, "the last token ends with the text")
  try check(segmenter.spans(of: text), of: text, isTiled: segmentation.normalization == .none)
  try check(vocabulary.spans(of: text), of: text, isTiled: segmentation.normalization == .none)
  try check(segmenter.sentences(of: text), of: text, isTiled: segmentation.normalization == .none)
  var decoder = StreamingDecoder(vocabulary)
  let streamed = ids.reduce(into: "") { $0 += decoder.append($1) } + decoder.finish()
  demand(streamed.utf8.elementsEqual(normalized.utf8), "what is streamed is the text")
}

/// Holds spans to their text: rising, within it, and without normalisation all of it.
private func check(_ spans: [TextSpan], of text: String, isTiled: Bool) throws {
  var (bytes, utf16, codePoints) = (0, 0, 0)
  for span in spans {
    demand(span.bytes.upperBound <= text.utf8.count, "a span ends within its text")
    demand(span.utf16.upperBound <= text.utf16.count, "a span ends within its UTF-16 units")
    demand(
      span.codePoints.upperBound <= text.unicodeScalars.count, "a span ends within its code points")
    demand(span.bytes.upperBound >= bytes, "spans rise")
    demand(!isTiled || span.bytes.lowerBound == bytes, "spans leave no gap")
    demand(span.utf16.upperBound >= utf16 && span.codePoints.upperBound >= codePoints, "spans rise")
    (bytes, utf16) = (span.bytes.upperBound, span.utf16.upperBound)
    codePoints = span.codePoints.upperBound
  }
  demand(!isTiled || bytes == text.utf8.count, "spans are all of their text")
}

private func readVocabulary(_ bytes: [UInt8]) throws {
  let vocabulary = try Vocabulary(contentsOf: Scratch.file(bytes))
  demand(vocabulary.count == 256 + vocabulary.tokens.count, "the bytes are tokens")
  let text = Seeds.text + "Na\u{ef}ve \u{1f600}"
  let ids = try vocabulary.encode(text)
  demand(ids.allSatisfy { (0..<vocabulary.count).contains($0) }, "ids are those of tokens")
  let normalized = try Segmenter(vocabulary.segmentation).normalized(text)
  demand(vocabulary.decode(ids).elementsEqual(normalized.utf8), "decoding undoes encoding")
  let again: Vocabulary = try JSON.value(from: JSON.text(of: vocabulary).utf8)
  demand(again == vocabulary, "a vocabulary is written as it is")
}

private func readVectors(_ bytes: [UInt8]) throws {
  let vectors = try WordVectors(
    contentsOf: Scratch.file(bytes), wordsOf: [Seeds.tagged], andFirst: 3)
  for vector in vectors.vectors.values {
    demand(vector.count == vectors.width && vector.allSatisfy(\.isFinite), "vectors have a width")
  }
}
