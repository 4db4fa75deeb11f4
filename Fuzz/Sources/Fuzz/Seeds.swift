import MajorTom

/// The first inputs of the drivers, made by the project's own writers from data of their own.
enum Seeds {
  static let text = "Day 1. The lamp turned.\nDay 2. The lamp stood.\nDay 3. A lamp, a day.\n"

  static let pairs = ParallelCorpus([
    SentencePair(source: "one two", target: "eins zwei"),
    SentencePair(source: "two", target: "zwei"),
    SentencePair(source: "three one", target: "drei eins"),
  ])

  static let tagged = TaggedCorpus([
    TaggedSentence(
      words: ["Ada", "met", "Bo", "Ng", "."], tags: ["B-PER", "O", "B-PER", "I-PER", "O"]),
    TaggedSentence(words: ["In", "Rome"], tags: ["O", "B-LOC"]),
  ])

  static let words = TaggedCorpus([
    TaggedSentence(words: ["Ada", "met", "Bo", "."], tags: ["NOUN", "VERB", "NOUN", "PUNCT"])
  ])

  // MARK: Models

  private static func bytes<Model: TrainableModel>(of model: Model) throws -> [UInt8] {
    let path = Scratch.file([], named: "seed")
    try model.write(to: path)
    return try Scratch.read(path)
  }

  private static func freshLanguageModel(
    _ unit: TextUnit, _ configuration: LanguageModel.Configuration
  ) throws -> LanguageModel {
    try LanguageModel(
      configuration,
      vocabulary: Vocabulary(
        counting: Segmentation(unit: unit), in: Corpus(text: text), maximumSize: 280), seed: 5)
  }

  static func languageModel() throws -> [UInt8] {
    try bytes(
      of: freshLanguageModel(.grapheme, .init(layers: 2, hiddenSize: 2) { $0.embeddingSize = 1 }))
  }

  static func smallLanguageModel() throws -> [UInt8] {
    try bytes(
      of: freshLanguageModel(
        .subword, .init(cell: .gru, layers: 1, hiddenSize: 1) { $0.embeddingSize = 1 }
      ).quantized(to: .int8))
  }

  /// As version 1 wrote them: another card, and names of its own.
  static func languageModelOfVersion1() throws -> [UInt8] {
    let model = try freshLanguageModel(
      .word, .init(layers: 1, hiddenSize: 1) { $0.embeddingSize = 1 })
    let path = Scratch.file([], named: "seed")
    try model.write(to: path)
    var metadata = try SafetensorsFile(contentsOf: path).metadata
    metadata["format"] = "majortom 1"
    metadata["configuration"] = #"{"cell":"lstm","layers":1,"hiddenSize":1,"embeddingSize":1}"#
    metadata["card"] =
      #"{"corpus":["a.txt"],"trainingSymbols":90,"validationSymbols":10,"record":{"updates":20,"#
      + #""bestUpdate":10,"bestLoss":1.5},"plan":{"budget":{"updates":{"_0":20}},"rate":0.003,"#
      + #""warmUp":10,"patience":3,"seed":1,"rule":{"momentum":{"_0":0.9}}},"lanes":{"batch":8,"#
      + #""steps":32,"shards":2,"validation":0.1}}"#
    let file = try SafetensorsFile(contentsOf: path)
    let weights = try file.parameters(model.network.layout)
    try SafetensorsFile.write([.init(weights)], metadata: metadata, to: path)
    return try Scratch.read(path)
  }

  private static func small(_ change: (inout Tagger.Configuration) -> Void) -> Tagger.Configuration
  {
    var configuration = Tagger.Configuration()
    (configuration.hiddenSize, configuration.wordSize, configuration.characterSize) = (2, 2, 1)
    (configuration.characterFeatures, configuration.shapeSize) = (2, 1)
    configuration.projectedFeatures = 1
    change(&configuration)
    return configuration
  }

  static func tagger() throws -> [UInt8] {
    try bytes(of: Tagger(on: tagged, small { _ in }, seed: 5))
  }

  /// With an LSTM over characters, and a language model within.
  static func taggerOfWords() throws -> [UInt8] {
    let reader = try freshLanguageModel(
      .word, .init(cell: .elman, layers: 1, hiddenSize: 1) { $0.embeddingSize = 1 })
    return try bytes(
      of: Tagger(
        on: words, small { ($0.characters, $0.decoder, $0.cell) = (.lstm, .softmax, .gru) },
        languageModels: [reader], seed: 5))
  }

  static func translator() throws -> [UInt8] {
    var configuration = Translator.Configuration(layers: 1, hiddenSize: 2)
    (configuration.embeddingSize, configuration.feedsInput) = (1, true)
    return try bytes(
      of: Translator(
        on: pairs, configuration, tokens: .init { ($0.unit, $0.minimumCount) = (.word, 1) }, seed: 5
      ))
  }

  /// A tensor of each type, without a checksum, as another program writes them.
  static func tensorsOfAllTypes() throws -> [UInt8] {
    let sizes = [("F64", 8), ("F32", 4), ("F16", 2), ("BF16", 2), ("I8", 1), ("U8", 1), ("I64", 8)]
    var header = #"{"__metadata__":{"format":"pt"}"#
    var offset = 0
    for (type, size) in sizes {
      header += #","\#(type)":{"dtype":"\#(type)","shape":[2,1],"#
      header += #""data_offsets":[\#(offset),\#(offset + 2 * size)]}"#
      offset += 2 * size
    }
    header += #","I8.scales":{"dtype":"F32","shape":[2],"#
    header += #""data_offsets":[\#(offset),\#(offset + 8)]}}"#
    let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
    return length + Array(header.utf8) + (0..<offset + 8).map { UInt8($0 * 37 & 255) }
  }

  // MARK: Training

  /// The model that checkpoints are of.
  static func learner() throws -> LanguageModel {
    try freshLanguageModel(.word, .init(layers: 1, hiddenSize: 1) { $0.embeddingSize = 1 })
  }

  static func train(
    _ model: inout LanguageModel, into path: String, resumes: Bool,
    isStopped: @escaping () -> Bool
  ) throws {
    var options = LanguageModel.defaultOptions
    (options.batch, options.steps, options.shards) = (2, 2, 1)
    try model.train(
      on: Corpus(text: text), for: .updates(6), options: options,
      run: TrainingRun(
        threads: 1, files: RunFiles(model: path, resumes: resumes), isStopped: isStopped)
    ) { demand(!"\($0)".isEmpty, "an event is a line") }
  }

  static func checkpoint() throws -> [UInt8] {
    Scratch.clear()
    let path = "\(Scratch.folder)/model"
    var model = try learner()
    var updates = 0
    try train(&model, into: path, resumes: false) {
      updates += 1
      return updates > 3
    }
    return try Scratch.read("\(path).checkpoint")
  }
}
