import CommandLineModels
import CommandLineOptions
import MajorTom

// The three kinds of models on the command line: what each reads.

private let vocabularyOption = Option(
  "vocabulary", "FILE", "Take the tokens of a file of majortom vocabulary")

/// The values of options that were given.
private func typed(_ names: [String], _ arguments: ParsedArguments) -> [String: String] {
  Dictionary(
    uniqueKeysWithValues: names.compactMap { name in arguments.text(name).map { (name, $0) } })
}

extension LanguageModel: CommandLineModel {
  /// The word, and what the help says.
  public static let trainTexts = (
    word: "lm", summary: "train a language model on text files",
    synopsis: "CORPUS... -o MODEL [OPTION...]",
    about: "Trains a stacked recurrent language model on text files."
  )
  /// The options that name data.
  public static let dataOptions = [vocabularyOption, encodingOption]
  /// Those of them that name files.
  public static let fileOptions = ["vocabulary"]

  /// Throws `UsageError` for what cannot be meant.
  public static func checkUsage(_ arguments: ParsedArguments) throws {
    guard !arguments.words.isEmpty else {
      throw UsageError("no corpus: name at least one text file; see majortom train lm --help")
    }
    try demandNoOther(than: "vocabulary", TokenOptions.names, arguments)
  }

  /// Reads the data.
  public static func read(
    _ arguments: ParsedArguments
  ) throws -> (data: any TokenSource, validation: (any TokenSource)?, findings: [String]) {
    let corpus = try arguments.corpus()
    let inspection = TextInspection(isFull: false)
    let encoding = try arguments.encoding()
    inspection.progress = arguments.readingBar(arguments.words).report
    for path in arguments.words { inspection.read(path, encoding: encoding) }
    let found = encodingSentences(of: corpus, arguments.words, encoding)
    return (corpus, nil, found + inspection.brief(checkCall(arguments, "lm")))
  }

  /// Makes a fresh model for data.
  public static func fresh(
    _ configuration: Configuration, _ tokens: TokenOptions, on data: any TokenSource,
    _ options: TrainingOptions, _ arguments: ParsedArguments
  ) throws -> LanguageModel {
    let given = try givenVocabulary(arguments, insteadOf: TokenOptions.names)
    return try LanguageModel(
      configuration,
      vocabulary: given
        ?? withProgress("learning tokens", isQuiet: arguments.has("quiet") || arguments.has("json"))
      { bar in
        try tokens.vocabulary(of: try arguments.corpus(), progress: bar.report)
      },
      seed: options.seed)
  }
}

extension Tagger: CommandLineModel {
  /// The word, and what the help says.
  public static let trainTexts = (
    word: "tagger", summary: "train a tagger of names or parts of speech",
    synopsis: "TRAIN... -o MODEL [OPTION...]",
    about: """
    Trains a tagger on sentences with tags, in CoNLL columns or CoNLL-U, or on texts with spans, as
    Doccano, Prodigy and brat write them: names and their types, parts of speech, or any other tag a
    word has. Without --dev, it keeps a tenth of 50 sentences or more to choose by.
    """
  )
  /// The options that name data.
  public static let dataOptions =
    [Option("dev", "FILE", "Choose the best epoch by this file")] + taggedDataOptions + [
      Option(
        "vectors", "FILE", "Words begin with the vectors of FILE: word2vec, GloVe, fastText text"),
      Option(
        "vector-words", "N",
        "Keep the vectors of the first N words of FILE too, not only of words in use (default: 0)"),
      Option(
        "language-model", "MODEL",
        "Read each sentence with MODEL first, its states are features; may be given more than once"),
    ]
  /// Those of them that name files.
  public static let fileOptions = ["dev", "vectors", "language-model"]

  /// Throws `UsageError` for what cannot be meant.
  public static func checkUsage(_ arguments: ParsedArguments) throws {
    guard !arguments.words.isEmpty else {
      throw UsageError("no data: name a file of tagged sentences; see majortom train tagger --help")
    }
    _ = try taggedFormat(arguments)
    _ = try arguments.integer("vector-words", in: 0...100_000_000)
  }

  /// Reads the data.
  public static func read(
    _ arguments: ParsedArguments
  ) throws -> (data: TaggedCorpus, validation: TaggedCorpus?, findings: [String]) {
    let format = try taggedFormat(arguments)
    let inspection = TaggedInspection(isFull: false)
    inspection.progress = arguments.readingBar(arguments.words).report
    let corpus = try TaggedCorpus(
      contentsOf: arguments.words, format: format, inspection: inspection)
    let development = try arguments.text("dev").map {
      try TaggedCorpus(contentsOf: [$0], format: format, inspection: inspection, as: .development)
    }
    for (name, data) in [("training data", corpus), ("--dev", development)] {
      if let data { tellRepairs(data, name) }
    }
    return (corpus, development, inspection.brief(checkCall(arguments, "tagger")))
  }

  /// The columns that options name, and the layout that they are of.
  public static func dataLayout(_ arguments: ParsedArguments) throws -> [String: String] {
    let names = ["column", "token-column", "scheme"]
    var said = typed(names, arguments)
    guard !said.isEmpty, let path = arguments.words.first else { return said }
    said["data-format"] = try taggedFormat(arguments).layout(of: path).rawValue
    return said
  }

  /// Makes a fresh model for data.
  public static func fresh(
    _ configuration: Configuration, _ tokens: TokenOptions, on data: TaggedCorpus,
    _ options: TrainingOptions, _ arguments: ParsedArguments
  ) throws -> Tagger {
    let languageModels = try arguments.texts("language-model").map {
      try LanguageModel(contentsOf: try modelFile($0))
    }
    let development = try arguments.text("dev").map {
      try TaggedCorpus(contentsOf: [$0], format: try taggedFormat(arguments))
    }
    let vectors = try arguments.text("vectors").map {
      try WordVectors(
        contentsOf: $0, wordsOf: [data] + (development.map { [$0] } ?? []),
        andFirst: try arguments.integer("vector-words", in: 0...100_000_000) ?? 0)
    }
    if let vectors {
      if arguments.has("words"), configuration.wordSize != vectors.width {
        throw UsageError(
          "--words \(configuration.wordSize), and the vectors have \(vectors.width) numbers: leave "
            + "--words out")
      }
      complain(
        "\(grouped(vectors.vectors.count)) of \(grouped(vectors.wordsInFile)) vectors are in use")
    }
    // Words that only validation has must be unknown to the model that is validated.
    let training =
      arguments.has("dev") ? data : data.split(keeping: options.validation).training
    return try Tagger(
      on: training, configuration, tokens: tokens, vectors: vectors,
      languageModels: languageModels, seed: options.seed)
  }
}

extension Translator: CommandLineModel {
  /// The word, and what the help says.
  public static let trainTexts = (
    word: "translator", summary: "train a translator on pairs of sentences",
    synopsis: "PAIRS.tsv... -o MODEL [OPTION...]",
    about: """
    Trains a translator on pairs of sentences: columns separated by tabs, or --source and --target
    files that go line by line; gzip and zstd too.
    """
  )
  /// The options that name data.
  public static let dataOptions = [
    Option("dev", "FILE", "Choose the best epoch by this file of pairs"),
    Option("columns", "S,T", "The columns of what is read and written (default: 1,2)"),
    Option("source", "FILE", "Sentences to read, line by line, in place of PAIRS"),
    Option("target", "FILE", "Sentences to write, line by line"),
    vocabularyOption,
  ]
  /// Those of them that name files.
  public static let fileOptions = ["dev", "source", "target", "vocabulary"]

  /// Throws `UsageError` for what cannot be meant.
  public static func checkUsage(_ arguments: ParsedArguments) throws {
    try demandNoOther(than: "vocabulary", TokenOptions.names, arguments)
    _ = try columns(arguments)
    switch (arguments.text("source"), arguments.text("target")) {
    case (.some, .some):
      guard arguments.words.isEmpty else {
        throw UsageError(
          "pairs are given twice: as \(arguments.words[0]) and with --source, --target")
      }
    case (nil, nil):
      guard !arguments.words.isEmpty else {
        throw UsageError("no pairs: name a file of columns, or give --source and --target")
      }
    default: throw UsageError("--source and --target go together")
    }
  }

  /// Reads the data.
  public static func read(
    _ arguments: ParsedArguments
  ) throws -> (data: ParallelCorpus, validation: ParallelCorpus?, findings: [String]) {
    let (sourceColumn, targetColumn) = try columns(arguments)
    let inspection = PairInspection(isFull: false)
    inspection.progress = arguments.readingBar(arguments.words).report
    func read(_ paths: [String], as split: DataSplit) throws -> ParallelCorpus {
      try ParallelCorpus(
        contentsOf: paths, sourceColumn: sourceColumn, targetColumn: targetColumn,
        inspection: inspection, as: split)
    }
    let data: ParallelCorpus
    if let source = arguments.text("source"), let target = arguments.text("target") {
      data = try ParallelCorpus(source: source, target: target, inspection: inspection)
    } else {
      data = try read(arguments.words, as: .training)
    }
    let development = try arguments.text("dev").map { try read([$0], as: .development) }
    return (data, development, inspection.brief(checkCall(arguments, "translator")))
  }

  /// The columns that an option names.
  public static func dataLayout(_ arguments: ParsedArguments) -> [String: String] {
    typed(["columns"], arguments)
  }

  /// Makes a fresh model for data.
  public static func fresh(
    _ configuration: Configuration, _ tokens: TokenOptions, on data: ParallelCorpus,
    _ options: TrainingOptions, _ arguments: ParsedArguments
  ) throws -> Translator {
    if let given = try givenVocabulary(arguments, insteadOf: TokenOptions.names) {
      return try Translator(configuration, source: given, target: given, seed: options.seed)
    }
    // Words that only validation has must be unknown to the model that is validated.
    let training =
      arguments.has("dev") ? data : data.split(keeping: options.validation).training
    return try Translator(on: training, configuration, tokens: tokens, seed: options.seed)
  }

  static func columns(_ arguments: ParsedArguments) throws -> (Int, Int) {
    guard let text = arguments.text("columns") else { return (1, 2) }
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let source = parts[0], let target = parts[1],
      (1...1000).contains(source), (1...1000).contains(target)
    else { throw UsageError("--columns \(text): expected two numbers from 1, such as 1,2") }
    return (source, target)
  }
}
