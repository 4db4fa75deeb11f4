import CommandLineModels
import CommandLineOptions
import MajorTom

/// The command `majortom vocabulary TEXT... -o FILE`.
let vocabularyCommand = Command(
  "vocabulary", summary: "learn subwords by byte-pair encoding",
  synopsis: "TEXT... -o FILE [OPTION...]",
  about: """
    Learns subwords from text files by byte-pair encoding, and writes them as JSON, for
    majortom train lm --vocabulary FILE, train translator and tokenize.
    """,
  options: [
    Option("output", short: "o", "FILE", "Write the vocabulary to FILE (needed)"),
    Option("bpe", "N", "Merges to learn (default: 8000)"),
    Option("min-count", "N", "Learn from what is seen at least N times (default: 2)"),
    Option("normalization", "FORM", "none, nfc, nfkc or case-folding (default: none)"),
    Option("locale", "LOCALE", "Locale of word breaks (default: en)"),
    Option("encoding", "NAME", "Encoding of the text (default: detected)"),
    Option(flag: "json", "JSON on standard output"),
    Option(flag: "quiet", short: "q", "Say nothing"),
  ]
) { arguments in
  guard !arguments.words.isEmpty else {
    throw UsageError("no text: name at least one text file; see majortom vocabulary --help")
  }
  guard let output = arguments.text("output") else {
    throw UsageError("no output: say where the vocabulary goes with -o FILE")
  }
  let count = try arguments.integer("bpe", in: 0...4_000_000) ?? 8000
  let minimumCount = try arguments.integer("min-count", in: 1...Int.max) ?? 2
  let normalization = try arguments.choice("normalization", of: Normalization.self) ?? .none
  let corpus = try arguments.corpus()
  if !arguments.has("quiet") {
    encodingSentences(of: corpus, arguments.words, try arguments.encoding()).forEach(complain)
  }
  // A place that cannot be written is known before the learning, not after it.
  try demandApart(output, arguments.words)
  try FileWriter.probe(output)
  let vocabulary = try withProgress("learning merges", isQuiet: arguments.has("quiet")) { bar in
    try Vocabulary(
      learningMerges: count, in: corpus, normalization: normalization,
      locale: arguments.text("locale") ?? "en", minimumCount: minimumCount, progress: bar.report)
  }
  try vocabulary.write(to: output)
  if arguments.has("json") {
    writeJSON([
      "vocabulary": .text(output), "bytes": .whole(corpus.byteCount),
      "symbols": .whole(vocabulary.count), "merges": .whole(vocabulary.merges.count),
    ])
  } else if !arguments.has("quiet") {
    writeError(
      """
      \(counted(corpus.byteCount, "byte")) of text, \(counted(vocabulary.count, "symbol")) by \
      \(counted(vocabulary.merges.count, "merge")) in \(output)

      """)
  }
}

/// The vocabulary of `--vocabulary`, which says by itself how text is cut; nil where none is given.
///
/// Throws `UsageError` where one of `others`, which say so too, is given beside it.
func givenVocabulary(
  _ arguments: ParsedArguments, insteadOf others: [String]
) throws -> Vocabulary? {
  try demandNoOther(than: "vocabulary", others, arguments)
  return try arguments.text("vocabulary").map { try Vocabulary(contentsOf: $0) }
}
