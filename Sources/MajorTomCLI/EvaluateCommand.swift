import CommandLineModels
import CommandLineOptions
import Glibc
import MajorTom

private enum EvaluatedPart: String, CaseIterable { case all, validation }

private let languageModelOptions = [
  Option("protocol", "NAME", "carried: one run; crops: stretches of 256 (default: both)"),
  Option("part", "PART", "all, or validation: the part that training kept (default: all)"),
  encodingOption,
]
private let taggerOptions =
  taggedDataOptions + [
    Option(
      flag: "raw",
      "Taggers: cut the data's text, too, and count as the CoNLL-2018 shared task does")
  ]
private let translatorOptions = [
  Option("columns", "S,T", "Pairs: the columns of what is read and written (default: 1,2)"),
  Option("beam", "N", "Translators: translations followed at once (default: 1)"),
]

/// The command `majortom evaluate`.
let evaluateCommand = Command(
  "evaluate", summary: "measure how well a model does on data",
  synopsis: "[-m MODEL] DATA... [OPTION...]",
  about: """
    Measures how well a language model predicts text files, a tagger tags files of tagged sentences,
    or a translator translates files of pairs. Columns that were named in training are read here, too.
    """,
  options: [modelOption()] + languageModelOptions + taggerOptions + translatorOptions + [
    precisionOption, threadsOption, jsonOption,
  ]
) { arguments in
  guard !arguments.words.isEmpty else {
    throw UsageError("no data: name at least one file")
  }
  let own = [
    LanguageModel.kind: languageModelOptions, Tagger.kind: taggerOptions,
    Translator.kind: translatorOptions,
  ]
  // Where no model is named, options and data tell which kind is meant.
  let meant = own.first { $0.value.contains { arguments.has($0.name) } }?.key
  let path = try modelPath(
    arguments, of: arguments.has("model") ? nil : meant ?? kind(for: arguments.words[0]))
  let kind = try modelKind(of: path).kind
  for (other, options) in own where other != kind {
    if let idle = options.first(where: { arguments.has($0.name) }) {
      throw UsageError("--\(idle.name) does not apply to \(path), which holds a \(kind.title)")
    }
  }
  switch kind {
  case Tagger.kind: try evaluateTagger(arguments, path)
  case Translator.kind: try evaluateTranslator(arguments, path)
  default: try evaluateLanguageModel(arguments, path)
  }
}

/// The kind of model that a file's data are for.
private func kind(for path: String) -> ModelKind {
  switch DataKind(guessedFor: path) {
  case .text: LanguageModel.kind
  case .tagged: Tagger.kind
  case .pairs: Translator.kind
  }
}

private func evaluateLanguageModel(_ arguments: ParsedArguments, _ path: String) throws {
  let protocols =
    try arguments.choice("protocol", of: EvaluationProtocol.self).map { [$0] }
    ?? EvaluationProtocol.allCases
  let part = try arguments.choice("part", of: EvaluatedPart.self) ?? .all
  let threads = try arguments.threads()
  let model = try arguments.model(LanguageModel.self, path)
  let corpus = try arguments.corpus()
  encodingSentences(of: corpus, arguments.words, try arguments.encoding()).forEach(complain)
  let tokens = try EncodedCorpus(corpus, vocabulary: model.vocabulary)
  if part == .validation { try demandTrainingText(arguments.words, tokens, model, path) }
  let range = part == .all ? 0..<tokens.count : model.validationRange(of: tokens.count)
  for name in protocols {
    let result = try withProgress("evaluating (\(name.rawValue))") { bar in
      try model.evaluate(
        on: tokens, range: range, protocol: name, threads: threads, progress: bar.report)
    }
    if arguments.has("json") {
      writeJSON([
        "protocol": .text(name.rawValue), "symbols": .whole(result.tokens),
        "bytes": .whole(result.bytes), "nats_per_symbol": .number(result.natsPerToken),
        "bits_per_symbol": .number(result.bitsPerToken),
        "bits_per_byte": .number(result.bitsPerByte), "perplexity": .number(result.perplexity),
      ])
    } else {
      let values = [
        counted(result.tokens, "symbol"), "\(fixed(result.natsPerToken, 4)) nats/symbol",
        "\(fixed(result.bitsPerToken, 4)) bits/symbol",
        "\(fixed(result.bitsPerByte, 4)) bits/byte", "perplexity \(fixed(result.perplexity, 3))",
      ]
      writeOutput("\(name.rawValue): \(values.joined(separator: ", "))\n")
    }
  }
}

/// Throws `InputError` where a text is not the one of which a model kept a part for validation.
private func demandTrainingText(
  _ words: [String], _ tokens: EncodedCorpus, _ model: LanguageModel, _ path: String
) throws(InputError) {
  switch model.wasTrained(on: tokens) {
  case true?: break
  case false?:
    let names = model.card.data.isEmpty ? "" : " (\(model.card.data.joined(separator: ", ")))"
    throw InputError(
      description:
        "\(words.joined(separator: ", ")): this is not the very text that \(path) was trained on\(names), "
        + "so no part of it was kept for validation: leave --part out")
  case nil:
    complain(
      "\(path) does not tell which text it was trained on, as files of earlier versions do not: "
        + "whether this is the one cannot be checked")
  }
}

extension ParsedArguments {
  /// The same with what was said of the data's layout in training, as far as nothing else is said here.
  fileprivate func remembering(
    _ card: ModelCard, _ options: [Option]
  ) throws -> ParsedArguments {
    let names = options.map(\.name).filter { !has($0) }
    let known = (card.dataLayout ?? [:]).filter { names.contains($0.key) }
    // The layout alone is the file's own matter.
    guard known.contains(where: { $0.key != "data-format" }) else { return self }
    if let layout = known["data-format"] {
      for path in words {
        let found = try taggedFormat(self).layout(of: path).rawValue
        guard found != layout else { continue }
        complain(
          "\(path) is of the format \(found), and the training data were \(layout): what was said of "
            + "their columns is left out (--column)")
        return self
      }
    }
    let rows = known.keys.sorted().map { "--\($0) \(shellWord(known[$0] ?? ""))" }
    complain("as in training: \(rows.joined(separator: " "))")
    return known.reduce(self) { $0.adding($1.key, $1.value) }
  }
}

private func evaluateTagger(_ arguments: ParsedArguments, _ path: String) throws {
  let tagger = try arguments.model(Tagger.self, path)
  let arguments = try arguments.remembering(tagger.card, taggedDataOptions)
  let format = try taggedFormat(arguments, locale: tagger.core.parts.locale)
  let corpus = try TaggedCorpus(contentsOf: arguments.words, format: format)
  tellRepairs(corpus, "data")
  guard corpus.hasSpans == tagger.lexicon.hasSpans else {
    throw UsageError(
      "the model gives tags of \(tagger.lexicon.hasSpans ? "spans" : "words"), and the data have "
        + "tags of \(corpus.hasSpans ? "spans" : "words"); choose the right --column")
  }
  let unknown = Set(corpus.sentences.flatMap(\.tags)).subtracting(tagger.lexicon.tags).sorted()
  if !unknown.isEmpty {
    complain(
      "tags that training never saw, and that count as not found: "
        + unknown.prefix(20).map { quoted($0) }.joined(separator: ", ")
        + (unknown.count > 20 ? " and \(grouped(unknown.count - 20)) more" : ""))
  }
  if arguments.has("raw") { return try evaluateRaw(arguments, tagger, corpus) }
  let score = try withProgress("evaluating") { bar in
    try tagger.evaluate(on: corpus, threads: try arguments.threads(), progress: bar.report)
  }
  guard arguments.has("json") else { return writeOutput(score.report) }
  guard score.hasSpans else {
    return writeJSON(["words": .whole(score.words), "accuracy": .number(score.accuracy)])
  }
  let all = score.all
  writeJSON([
    "words": .whole(score.words), "accuracy": .number(score.accuracy),
    "precision": .number(all.precision), "recall": .number(all.recall), "f1": .number(all.f1),
    "types": .list(
      score.types.sorted { $0.key < $1.key }.map { type, counts in
        .object([
          "type": .text(type), "right": .whole(counts.right), "found": .whole(counts.found),
          "correct": .whole(counts.correct), "f1": .number(counts.f1),
        ])
      }),
  ])
}

private func evaluateRaw(
  _ arguments: ParsedArguments, _ tagger: Tagger, _ corpus: TaggedCorpus
) throws {
  let score = try withProgress("evaluating") { bar in
    try tagger.evaluateRaw(on: corpus, threads: try arguments.threads(), progress: bar.report)
  }
  let column = try taggedFormat(arguments).tagColumn
  let tagName =
    switch column {
    case .xpos: "XPOS"
    case .upos: "UPOS"
    case nil where !corpus.hasSpans: "UPOS"
    default: "Tags"
    }
  guard arguments.has("json") else { return writeOutput(score.report(tagName: tagName)) }
  for (name, counts) in [
    ("Tokens", score.tokens), ("Sentences", score.sentences), ("Words", score.words),
    (tagName, score.tags),
  ] {
    writeJSON([
      "metric": .text(name), "precision": .number(counts.precision),
      "recall": .number(counts.recall), "f1": .number(counts.f1), "correct": .whole(counts.correct),
      "right": .whole(counts.right), "found": .whole(counts.found),
    ])
  }
}

private func evaluateTranslator(_ arguments: ParsedArguments, _ path: String) throws {
  let translator = try arguments.model(Translator.self, path)
  let arguments = try arguments.remembering(translator.card, translatorOptions)
  let (source, target) = try Translator.columns(arguments)
  let corpus = try ParallelCorpus(
    contentsOf: arguments.words, sourceColumn: source, targetColumn: target)
  let threads = try arguments.threads()
  let search = Translator.Search(beam: try arguments.integer("beam", in: 1...1000) ?? 1)
  // A source with several translations is translated once, and compared with all of them.
  var references: [String: [String]] = [:]
  var sources: [String] = []
  for pair in corpus.pairs {
    if references[pair.source] == nil { sources.append(pair.source) }
    references[pair.source, default: []].append(pair.target)
  }
  var metrics: [any TranslationMetric] = [BLEU(), ChrF(.chrF2), ExactMatch()]
  let found = try withProgress("translating") { bar in
    try translator.translate(sources, search, threads: threads, progress: bar.report)
  }
  for (source, translations) in zip(sources, found) {
    guard let best = translations.first, best.logProbability.isFinite else {
      throw noNumbers(path, source)
    }
    for place in metrics.indices {
      metrics[place].add(onOneLine(best.text), references: references[source] ?? [])
    }
  }
  let loss = try translator.loss(on: corpus, threads: threads)
  guard loss.isFinite else { throw noNumbers(path, corpus.pairs.first?.source ?? "") }
  if arguments.has("json") {
    for metric in metrics {
      writeJSON(["metric": .text(metric.name), "value": .number(metric.value)])
    }
    return writeJSON(["nats_per_symbol": .number(loss), "perplexity": .number(exp(loss))])
  }
  for metric in metrics { writeOutput("\(metric)\n  \(metric.signature)\n") }
  writeOutput(
    "\(counted(sources.count, "source")), \(fixed(loss, 4)) nats/symbol, perplexity \(fixed(exp(loss), 3))\n"
  )
}
