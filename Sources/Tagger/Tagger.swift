public import Cells
public import DenseMath
internal import ICUText
public import LanguageModel
public import Parameters
public import Training

/// A model that gives each word of a sentence a tag: names and their types, or parts of speech.
///
///     let corpus = try TaggedCorpus(contentsOf: ["train.conll"])
///     var tagger = try Tagger(.init(), learning: corpus)
///     try tagger.train(on: corpus, .init())
///     for span in try tagger.spans(in: "army core told Major Tom is a great battle commander") {
///       print(span.type, span.text, span.bytes, span.confidence)
///     }
///
/// A tagger is a value that never changes once made, so any number of tasks may use it at once.
public struct Tagger: Sendable {
  /// What reads the characters of a word.
  public enum CharacterReader: String, Codable, Sendable, CaseIterable {
    /// Nothing: only whole words count.
    case none
    /// Filters over three characters, of which the strongest answer counts.
    case cnn
    /// Both directions of an LSTM.
    case lstm
  }

  /// How tags are chosen.
  public enum Decoder: String, Codable, Sendable, CaseIterable {
    /// By a conditional random field over whole chains.
    case crf
    /// Word by word in training; in use, of the chains that the scheme allows the likeliest.
    case softmax
  }

  /// The size and shape of the network.
  public struct Configuration: Codable, Sendable, Equatable {
    /// The recurrent cell.
    public var cell = CellKind.lstm
    /// The layers, and the units of each in each direction.
    public var layers = 1, hiddenSize = 200
    /// Whether words are read forwards only, so that what follows a word cannot tell what it is.
    public var isForwardOnly = false
    /// The widths of a word's vector, of a character's, and of what tells how it is capitalised.
    public var wordSize = 100, characterSize = 30, shapeSize = 8
    /// What reads characters, and how many features it makes of them.
    public var characters = CharacterReader.cnn, characterFeatures = 100
    /// How tags are chosen.
    public var decoder = Decoder.crf
    /// The shares that are dropped in training: of what the layers read, of their outputs, and of h
    /// on its way into the recurrent product; one mask a sentence.
    public var inputDropout = 0.5, dropout = 0.5, stateDropout = 0.0
    /// How readily training takes a rare word for an unknown one: a word seen n times with
    /// probability p / (p + n).
    public var wordDropout = 0.5
    /// The features given for each word from outside, and the width they are projected to.
    public var featureSize = 0, projectedFeatures = 128

    /// The defaults.
    public init() {}

    /// Throws unless the sizes make a network.
    func validate() throws(TaggerError) {
      func demand(_ sound: Bool, _ found: String) throws(TaggerError) {
        if !sound { throw .configuration(found) }
      }
      try demand((1...64).contains(layers), "\(layers) layers: from 1 to 64 are possible")
      for (name, size, least) in [
        ("hidden size", hiddenSize, 1), ("width of words", wordSize, 1),
        ("width of characters", characterSize, 1), ("width of shapes", shapeSize, 0),
        ("character features", characterFeatures, 1), ("features", featureSize, 0),
        ("projected features", projectedFeatures, 1),
      ] {
        try demand(
          (least...16384).contains(size), "\(name) \(size): from \(least) to 16384 is possible")
      }
      for (name, share) in [
        ("dropout of inputs", inputDropout), ("dropout", dropout),
        ("dropout of states", stateDropout),
      ] {
        try demand(share >= 0 && share < 1, "\(name) \(share): it must be at least 0 and below 1")
      }
      try demand(wordDropout >= 0 && wordDropout.isFinite, "word dropout must be at least 0")
    }
  }

  /// What a model file says about where the model comes from.
  public struct Card: Codable, Sendable, Equatable {
    /// The names of the training files, without folders.
    public var corpus: [String] = []
    /// The sentences and words of the training data and of the development data.
    public var trainingSentences = 0, trainingWords = 0, validationSentences = 0
    /// The counts and figures of the training; losses are 1 less the figure on development data.
    public var record = TrainingRecord()
    /// How it was trained.
    public var plan: TrainingPlan?
    /// The sentences of an update.
    public var batch = 32
    /// The locale by whose rules text is cut into sentences and words.
    public var locale = "en"
    /// What scores are divided by before they become probabilities, so that those are honest.
    public var temperature = 1.0

    /// An empty card.
    public init() {}
  }

  /// The size and shape.
  public let configuration: Configuration
  /// The words, characters and tags.
  public let lexicon: Lexicon
  /// Where it comes from.
  public internal(set) var card: Card
  /// The network.
  public let network: TaggerNetwork
  /// The weights.
  public internal(set) var parameters: Parameters<Float>
  var packed: PackedWeights<Float>
  /// The language models whose states at words are features.
  public let languageModels: [LanguageModel]
  let ids: LexiconIDs
  // Cuts text by the rules of the card's locale; made anew where that changes.
  var segmenter: Segmenter?

  /// A fresh tagger for the words and tags of a corpus.
  ///
  /// - Parameters:
  ///   - configuration: Sizes; the width of words becomes that of `vectors`, and that of given
  ///     features what `languageModels` give.
  ///   - corpus: The training data.
  ///   - minimumCount: Rarer words are unknown, unless there are vectors for them.
  ///   - vectors: Vectors that words begin with.
  ///   - languageModels: Models whose states at words are features: in use, they read every
  ///     sentence first, and the tagger's file holds them.
  ///   - seed: The seed of the weights.
  /// - Throws: `TaggerError.configuration` for sizes that make no network, `TextError` where ICU
  ///   cannot fold a word.
  public init(
    _ configuration: Configuration, learning corpus: TaggedCorpus, minimumCount: Int = 1,
    vectors: WordVectors? = nil, languageModels: [LanguageModel] = [], seed: UInt64 = 1
  ) throws {
    var configuration = configuration
    configuration.featureSize = languageModels.reduce(0) { $0 + $1.wordStateSize }
    if let vectors { configuration.wordSize = vectors.width }
    let lexicon = try Lexicon(
      counting: corpus, minimumCount: minimumCount,
      also: vectors.map { Array($0.vectors.keys) } ?? [])
    try configuration.validate()
    guard lexicon.tags.count <= Lexicon.maxTags else {
      throw TaggerError.tooManyTags(found: lexicon.tags.count, limit: Lexicon.maxTags)
    }
    let network = TaggerNetwork(configuration, lexicon: lexicon)
    let parameters = Parameters<Float>(network.layout, seed: seed)
    network.adjust(parameters)
    if let vectors {
      let table = parameters[network.words.table]
      for (row, word) in lexicon.words.enumerated() {
        guard let vector = vectors.vectors[word] else { continue }
        for (column, value) in vector.enumerated() { table[row, column] = value }
      }
    }
    self.init(
      configuration, lexicon: lexicon, card: Card(), network: network, parameters: parameters,
      languageModels: languageModels)
  }

  private init(
    _ configuration: Configuration, lexicon: Lexicon, card: Card, network: TaggerNetwork,
    parameters: Parameters<Float>, languageModels: [LanguageModel]
  ) {
    self.languageModels = languageModels
    self.configuration = configuration
    self.lexicon = lexicon
    self.card = card
    self.network = network
    self.parameters = parameters
    packed = PackedWeights(network.layout, forTraining: false)
    packed.load(parameters, on: Shards())
    ids = LexiconIDs(lexicon)
    segmenter = try? Segmenter(Segmentation(unit: .word, locale: card.locale))
  }

  mutating func adopt(_ weights: Parameters<Float>, _ record: TrainingRecord) {
    parameters = weights
    card.record = record
    packed = PackedWeights(network.layout, forTraining: false)
    packed.load(weights, on: Shards())
  }

  /// Takes another precision for the products of matrices from now on.
  public mutating func use(_ precision: ProductPrecision) {
    packed = PackedWeights(network.layout, forTraining: false, precision: precision)
    packed.load(parameters, on: Shards())
  }

  // MARK: Files

  /// The value of `kind` in the metadata of a tagger's file.
  public static let fileKind = "tagger"

  /// Reads a model file.
  ///
  /// Throws `ModelFileError` for a file that is damaged or of another kind.
  public init(contentsOf path: String) throws {
    let file = try SafetensorsFile(contentsOf: path)
    try ModelMetadata.demand(kind: Self.fileKind, named: "tagger", of: file, path: path)
    let configuration: Configuration = try ModelMetadata.part(
      "configuration", of: file, path: path)
    let lexicon: Lexicon = try ModelMetadata.part("lexicon", of: file, path: path)
    let card: Card = try ModelMetadata.part("card", of: file, path: path)
    do {
      try configuration.validate()
      try lexicon.validate()
    } catch {
      throw ModelFileError.malformed(path: path, found: "\(error)")
    }
    let network = TaggerNetwork(configuration, lexicon: lexicon)
    var languageModels: [LanguageModel] = []
    while file.metadata[Self.prefix(languageModels.count) + "configuration"] != nil {
      languageModels.append(
        try LanguageModel(partOf: file, prefix: Self.prefix(languageModels.count), path: path))
    }
    guard languageModels.reduce(0, { $0 + $1.wordStateSize }) == configuration.featureSize else {
      throw ModelFileError.malformed(
        path: path, found: "its language models do not give the features that it needs")
    }
    let parts = languageModels.enumerated().map { (Self.prefix($0), $1.network.layout) }
    try ModelMetadata.demandTensors([("", network.layout)] + parts, of: file, path: path)
    self.init(
      configuration, lexicon: lexicon, card: card, network: network,
      parameters: try file.parameters(network.layout), languageModels: languageModels)
  }

  /// Writes the model to a file: whole, or not at all.
  ///
  /// Throws `ModelFileError.unwritable`.
  public func write(to path: String) throws(ModelFileError) {
    var metadata = [
      "format": ModelMetadata.format, "kind": Self.fileKind,
      "configuration": ModelMetadata.json(configuration),
      "lexicon": ModelMetadata.json(lexicon), "card": ModelMetadata.json(card),
    ]
    var blocks = [SafetensorsFile.Block(parameters)]
    for (number, model) in languageModels.enumerated() {
      metadata.merge(model.metadata(prefix: Self.prefix(number))) { $1 }
      blocks.append(.init(model.parameters, prefix: Self.prefix(number)))
    }
    try SafetensorsFile.write(blocks, metadata: metadata, to: path)
  }

  /// All that a model file says about the model besides its words and weights, as one JSON object.
  public var jsonDescription: String {
    "{\"kind\":\(ModelMetadata.json(Self.fileKind)),"
      + "\"configuration\":\(ModelMetadata.json(configuration)),"
      + "\"tags\":\(ModelMetadata.json(lexicon.tags)),\"words\":\(lexicon.words.count - 1),"
      + "\"weights\":\(network.layout.weightCount),\"card\":\(ModelMetadata.json(card))}"
  }

  /// What stands before the names of a language model in the file.
  private static func prefix(_ number: Int) -> String { "lm\(number)." }
}
