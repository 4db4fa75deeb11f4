public import Cells
public import DenseMath
public import ICUText
internal import Layers
public import Parameters
public import Training

/// A model that writes in one language what it has read in another, or numbers for words, or dates
/// for dates: whatever pairs it has learnt from.
///
///     let pairs = try ParallelText(contentsOf: ["phrases.tsv"])
///     let words = Segmentation(unit: .spacedWord)
///     var translator = try Translator(
///       .init(), source: pairs.vocabulary(of: \.source, words),
///       target: pairs.vocabulary(of: \.target, words))
///     try translator.train(on: pairs, .init())
///     print(try translator.translate("Good morning!"))
///
/// Where the units are spaced words, a word that the vocabulary does not have is one unknown symbol;
/// where the decoder writes it, it is replaced by the source word that it looked at most, of unknown
/// ones if there are any (after M.-T. Luong et al., "Addressing the rare word problem in neural
/// machine translation", ACL 2015). Other units spell what they do not have by its bytes.
///
/// A translator is a value that never changes once made, so any number of tasks may use it at once.
public struct Translator: Sendable {
  /// How the decoder looks at the source.
  public enum AttentionKind: String, Codable, Sendable, CaseIterable {
    /// Not at all: all that is known of the source is in the encoder's last states.
    case none
    /// By products of queries and memory.
    case dot
    /// By products through a matrix (Luong).
    case general
    /// By a small network (Bahdanau).
    case additive

    var score: Attention.Score? { Attention.Score(rawValue: rawValue) }
  }

  /// The size and shape of the network.
  public struct Configuration: Codable, Sendable, Equatable {
    /// The recurrent cell.
    public var cell = CellKind.lstm
    /// The layers of encoder and decoder, the units of a decoder's layer, and the width of symbols'
    /// vectors; the encoder has half the units in each direction.
    public var layers = 1, hiddenSize = 256, embeddingSize = 128
    /// How the decoder looks at the source.
    public var attention = AttentionKind.general
    /// The shares that are dropped in training: of symbols' vectors and of layers' outputs, one mask
    /// a sentence.
    public var inputDropout = 0.1, dropout = 0.2
    /// The share of probability that training spreads over all symbols.
    public var labelSmoothing = 0.1
    /// The share of symbols on both sides that training reads as unknown ones, so that the network
    /// knows what to do with words that it does not know.
    public var wordDropout = 0.0
    /// Whether the vectors of target symbols also give their scores.
    public var tiesEmbeddings = false
    /// Whether the source is read from its end.
    public var reversesSource = false
    /// Whether the decoder is also told, with each symbol, what it made of its last look at the source
    /// (Luong's input feeding), so that it knows where it has looked.
    ///
    /// Training goes step by step then, and takes two to three times as long.
    public var feedsInput = false
    /// The first symbol of each group of rare target symbols, rising, where symbols are chosen in two
    /// steps (`AdaptiveSoftmax`); nil to choose among all at once.
    ///
    /// Training and translating are several times as fast with tens of thousands of symbols.
    public var cutoffs: [Int]?

    /// The defaults.
    public init() {}

    /// Throws `TranslatorError.configuration` unless the sizes make a network.
    public func validate() throws(TranslatorError) {
      try validate(targetSymbols: .max)
    }

    func validate(targetSymbols: Int) throws(TranslatorError) {
      func demand(_ sound: Bool, _ found: String) throws(TranslatorError) {
        if !sound { throw .configuration(found) }
      }
      try demand((1...32).contains(layers), "\(layers) layers: from 1 to 32 are possible")
      try demand(
        (2...16384).contains(hiddenSize) && hiddenSize % 2 == 0,
        "hidden size \(hiddenSize): an even number from 2 to 16384 is possible")
      try demand(
        (1...16384).contains(embeddingSize),
        "embedding size \(embeddingSize): from 1 to 16384 is possible")
      if let cutoffs {
        try demand(
          cutoffs.first ?? 0 >= 16 && zip(cutoffs, cutoffs.dropFirst()).allSatisfy(<),
          "cutoffs \(cutoffs): they must rise from at least 16")
        try demand(
          cutoffs.last ?? 0 < targetSymbols,
          "cutoffs \(cutoffs): there are only \(targetSymbols) symbols to write")
        try demand(!tiesEmbeddings, "tied vectors and cutoffs do not go together: choose one")
      }
      try demand(!cell.isWindow, "\(cell.rawValue) has no state that a decoder could go on from")
      for (name, share) in [
        ("dropout of inputs", inputDropout), ("dropout", dropout),
        ("label smoothing", labelSmoothing), ("word dropout", wordDropout),
      ] {
        try demand(share >= 0 && share < 1, "\(name) \(share): it must be at least 0 and below 1")
      }
    }
  }

  /// What a model file says about where the model comes from.
  public struct Card: Codable, Sendable, Equatable {
    /// The names of the training files, without folders.
    public var corpus: [String] = []
    /// The pairs of the training data and of the validation data.
    public var trainingPairs = 0, validationPairs = 0
    /// The counts and figures of the training; losses in nats a target symbol.
    public var record = TrainingRecord()
    /// How it was trained.
    public var plan: TrainingPlan?
    /// The most symbols that a sentence of the training data had on each side.
    public var longestSource = 0, longestTarget = 0

    /// An empty card.
    public init() {}
  }

  /// The size and shape.
  public let configuration: Configuration
  /// The symbols of what is read and of what is written.
  public let source, target: Vocabulary
  /// Where it comes from.
  public internal(set) var card: Card
  /// The network.
  public let network: TranslatorNetwork
  /// The weights.
  public internal(set) var parameters: Parameters<Float>
  var packed: PackedWeights<Float>

  /// A fresh translator between two vocabularies.
  ///
  /// Throws `TranslatorError.configuration` for sizes that make no network.
  public init(
    _ configuration: Configuration, source: Vocabulary, target: Vocabulary, seed: UInt64 = 1
  ) throws(TranslatorError) {
    let targetSymbols = target.count + TranslatorOutput.specialTokens
    try configuration.validate(targetSymbols: targetSymbols)
    let network = TranslatorNetwork(
      configuration, sourceSymbols: source.count + 2, targetSymbols: targetSymbols)
    let parameters = Parameters<Float>(network.layout, seed: seed)
    network.adjust(parameters)
    self.init(
      configuration, source: source, target: target, card: Card(), network: network,
      parameters: parameters)
  }

  private init(
    _ configuration: Configuration, source: Vocabulary, target: Vocabulary, card: Card,
    network: TranslatorNetwork, parameters: Parameters<Float>
  ) {
    self.configuration = configuration
    self.source = source
    self.target = target
    self.card = card
    self.network = network
    self.parameters = parameters
    packed = PackedWeights(network.layout, forTraining: false)
    packed.load(parameters, on: Shards())
  }

  /// Takes another precision for the products of matrices from now on.
  public mutating func use(_ precision: ProductPrecision) {
    packed = PackedWeights(network.layout, forTraining: false, precision: precision)
    packed.load(parameters, on: Shards())
  }

  mutating func adopt(_ weights: Parameters<Float>, _ record: TrainingRecord) {
    parameters = weights
    card.record = record
    use(.float32)
  }

  // MARK: Symbols

  /// What stands after a sentence that is read: the number after the vocabulary's.
  var sourceEnd: Int32 { Int32(source.count) }
  /// What stands before and after a sentence that is written.
  var targetBegin: Int32 { Int32(target.count) }
  var targetEnd: Int32 { Int32(target.count + 1) }

  /// What stands for words that a side's vocabulary does not have; only spaced words need it.
  var sourceUnknown: Int32 { Int32(source.count + 1) }
  var targetUnknown: Int32 { Int32(target.count + 2) }

  /// How sentences become symbols, and symbols sentences.
  var sourceCode: SentenceCode { SentenceCode(vocabulary: source, unknown: sourceUnknown) }
  var targetCode: SentenceCode { SentenceCode(vocabulary: target, unknown: targetUnknown) }

  /// Symbols in the order in which the encoder reads them, with their end; never empty.
  func asRead(_ symbols: [Int32]) -> [Int32] {
    (configuration.reversesSource ? symbols.reversed() : symbols) + [sourceEnd]
  }

  // MARK: Files

  /// The value of `kind` in the metadata of a translator's file.
  public static let fileKind = "translator"

  /// Reads a model file.
  ///
  /// Throws `ModelFileError` for a file that is damaged or of another kind.
  public init(contentsOf path: String) throws {
    let file = try SafetensorsFile(contentsOf: path)
    try ModelMetadata.demand(kind: Self.fileKind, named: "translator", of: file, path: path)
    let configuration: Configuration = try ModelMetadata.part(
      "configuration", of: file, path: path)
    let source: Vocabulary = try ModelMetadata.part("source", of: file, path: path)
    let target: Vocabulary = try ModelMetadata.part("target", of: file, path: path)
    let card: Card = try ModelMetadata.part("card", of: file, path: path)
    let targetSymbols = target.count + TranslatorOutput.specialTokens
    do {
      try configuration.validate(targetSymbols: targetSymbols)
    } catch {
      throw ModelFileError.malformed(path: path, found: "\(error)")
    }
    let network = TranslatorNetwork(
      configuration, sourceSymbols: source.count + 2, targetSymbols: targetSymbols)
    try ModelMetadata.demandTensors([("", network.layout)], of: file, path: path)
    self.init(
      configuration, source: source, target: target, card: card, network: network,
      parameters: try file.parameters(network.layout))
  }

  /// Writes the model to a file: whole, or not at all.
  ///
  /// Throws `ModelFileError.unwritable`.
  public func write(to path: String) throws(ModelFileError) {
    let metadata = [
      "format": ModelMetadata.format, "kind": Self.fileKind,
      "configuration": ModelMetadata.json(configuration), "source": ModelMetadata.json(source),
      "target": ModelMetadata.json(target), "card": ModelMetadata.json(card),
    ]
    try SafetensorsFile.write([.init(parameters)], metadata: metadata, to: path)
  }

  /// All that a model file says about the model besides its symbols and weights, as one JSON object.
  public var jsonDescription: String {
    "{\"kind\":\(ModelMetadata.json(Self.fileKind)),"
      + "\"configuration\":\(ModelMetadata.json(configuration)),"
      + "\"source_symbols\":\(source.count),\"target_symbols\":\(target.count),"
      + "\"weights\":\(network.layout.weightCount),\"card\":\(ModelMetadata.json(card))}"
  }
}
