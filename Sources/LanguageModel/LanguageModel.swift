public import Cells
public import DenseMath
public import ICUText
public import Parameters
public import Training

/// A model that predicts the next symbol of a text: trained on a corpus, it writes more of it.
///
///     let corpus = try Corpus(contentsOf: ["novel.txt"])
///     let (vocabulary, symbols) = try corpus.encoded(by: Segmentation(unit: .grapheme))
///     var model = try LanguageModel(.init(hiddenSize: 512), vocabulary: vocabulary)
///     try model.train(on: symbols, .init())
///     for piece in model.generate(after: "Day 1", .init(temperature: 0.8)) { print(piece, terminator: "") }
///
/// A model is a value that never changes once made, so any number of tasks may use it at once.
///
/// A model whose configuration says `isBackwards` reads from the last symbol to the first. Texts,
/// ranges and results are in the order of the text all the same.
public struct LanguageModel: Sendable {
  /// The size and shape of the network.
  public struct Configuration: Codable, Sendable, Equatable {
    /// The recurrent cell.
    public var cell: CellKind
    /// The number of layers, the units of each, and the width of a symbol's vector.
    public var layers, hiddenSize, embeddingSize: Int
    /// The probability with which a unit's output is dropped in training.
    public var dropout: Double
    /// The same for symbols' vectors, and for states on their way into the recurrent product.
    public var inputDropout, stateDropout: Double
    /// The probability with which h, and c, stay as they were at a step.
    public var zoneoutHidden, zoneoutCell: Double
    /// The share of the recurrent matrices' elements that each update of training leaves out.
    public var weightDrop: Double
    /// The initial bias of forget gates.
    public var forgetBias: Double
    /// Whether layers above the first add their input to their output.
    public var isResidual: Bool
    /// The symbols that a layer of a window network sees.
    public var window: Int
    /// Whether the model reads texts from their last symbol to their first.
    public var isBackwards: Bool

    /// A network; by default two layers of 256 LSTM units.
    public init(
      cell: CellKind = .lstm, layers: Int = 2, hiddenSize: Int = 256, embeddingSize: Int = 128,
      dropout: Double = 0.2, inputDropout: Double = 0, stateDropout: Double = 0,
      zoneoutHidden: Double = 0, zoneoutCell: Double = 0, weightDrop: Double = 0,
      forgetBias: Double = 1, isResidual: Bool = false, window: Int = 8, isBackwards: Bool = false
    ) {
      self.cell = cell
      self.layers = layers
      self.hiddenSize = hiddenSize
      self.embeddingSize = embeddingSize
      self.dropout = dropout
      self.inputDropout = inputDropout
      self.stateDropout = stateDropout
      self.zoneoutHidden = zoneoutHidden
      self.zoneoutCell = zoneoutCell
      self.weightDrop = weightDrop
      self.forgetBias = forgetBias
      self.isResidual = isResidual
      self.window = window
      self.isBackwards = isBackwards
    }
  }

  /// What a model file says about where the model comes from.
  public struct Card: Codable, Sendable, Equatable {
    /// The names of the corpus files, without folders.
    public var corpus: [String] = []
    /// The symbols of the training part and of the validation part.
    public var trainingSymbols = 0, validationSymbols = 0
    /// The counts and figures of the training so far; losses in nats a symbol.
    public var record = TrainingRecord()
    /// How it was trained.
    public var plan: TrainingPlan?
    /// The lanes that it was trained on.
    public var lanes: LanePlan?

    /// An empty card.
    public init() {}
  }

  /// The size and shape.
  public let configuration: Configuration
  /// The symbols.
  public let vocabulary: Vocabulary
  /// Where it comes from.
  public internal(set) var card: Card
  /// The network.
  public let network: LanguageNetwork
  /// The weights.
  public internal(set) var parameters: Parameters<Float>
  var packed: PackedWeights<Float>

  /// A text in the order in which the model reads it.
  func asRead(_ symbols: EncodedCorpus) -> EncodedCorpus {
    configuration.isBackwards ? symbols.reversed() : symbols
  }

  /// A text in the order in which the model reads it.
  func asRead(_ symbols: [Int]) -> [Int] {
    configuration.isBackwards ? symbols.reversed() : symbols
  }

  /// A fresh model.
  ///
  /// Throws `LanguageModelError.configuration` for sizes that make no network.
  public init(
    _ configuration: Configuration, vocabulary: Vocabulary, seed: UInt64 = 1
  ) throws(LanguageModelError) {
    try configuration.validate(symbols: vocabulary.count)
    let network = LanguageNetwork(configuration, symbols: vocabulary.count)
    try network.demandMemory(blocks: 2)
    self.init(
      configuration, vocabulary: vocabulary, card: Card(), network: network,
      parameters: Parameters(network.layout, seed: seed))
  }

  init(
    _ configuration: Configuration, vocabulary: Vocabulary, card: Card, network: LanguageNetwork,
    parameters: Parameters<Float>
  ) {
    self.configuration = configuration
    self.vocabulary = vocabulary
    self.card = card
    self.network = network
    self.parameters = parameters
    packed = PackedWeights(network.layout, forTraining: false)
    packed.load(parameters, on: Shards())
  }

  // MARK: Files

  /// The value of `kind` in the metadata of a language model's file.
  public static let fileKind = "language-model"

  /// Reads a model file.
  ///
  /// Throws `ModelFileError` for a file that is damaged or of another kind.
  public init(contentsOf path: String) throws {
    let file = try SafetensorsFile(contentsOf: path)
    try ModelMetadata.demand(
      kind: Self.fileKind, named: "language model", of: file, path: path)
    try self.init(partOf: file, prefix: "", path: path)
    try ModelMetadata.demandTensors([("", network.layout)], of: file, path: path)
  }

  /// Reads a model that is kept in the file of another one, with a prefix before all its names.
  ///
  /// Throws `ModelFileError` for parts that are damaged.
  public init(partOf file: SafetensorsFile, prefix: String, path: String) throws {
    func part<Value: Decodable>(_ name: String) throws(ModelFileError) -> Value {
      try ModelMetadata.part(prefix + name, of: file, path: path)
    }
    let configuration: Configuration = try part("configuration")
    let vocabulary: Vocabulary = try part("vocabulary")
    let card: Card = try part("card")
    do {
      try configuration.validate(symbols: vocabulary.count)
    } catch {
      throw ModelFileError.malformed(path: path, found: "\(error)")
    }
    let network = LanguageNetwork(configuration, symbols: vocabulary.count)
    self.init(
      configuration, vocabulary: vocabulary, card: card, network: network,
      parameters: try file.parameters(network.layout, prefix: prefix))
  }

  /// What `init(partOf:prefix:path:)` needs to find in the metadata of another model's file; the
  /// weights go there under the same prefix.
  public func metadata(prefix: String) -> [String: String] {
    [
      prefix + "configuration": ModelMetadata.json(configuration),
      prefix + "vocabulary": ModelMetadata.json(vocabulary),
      prefix + "card": ModelMetadata.json(card),
    ]
  }

  /// Writes the model to a file: whole, or not at all.
  ///
  /// Throws `ModelFileError.unwritable`.
  public func write(to path: String) throws(ModelFileError) {
    let metadata = ["format": ModelMetadata.format, "kind": Self.fileKind].merging(
      metadata(prefix: "")
    ) {
      $1
    }
    try SafetensorsFile.write([.init(parameters)], metadata: metadata, to: path)
  }

  /// All that a model file says about the model besides its weights, as one JSON object.
  public var jsonDescription: String {
    let tensors = network.layout.entries.map { "\(ModelMetadata.json($0.name)):\($0.shape)" }
    return
      "{\"kind\":\(ModelMetadata.json(Self.fileKind)),\"configuration\":\(ModelMetadata.json(configuration)),"
      + "\"segmentation\":\(ModelMetadata.json(vocabulary.segmentation)),\"symbols\":\(vocabulary.count),"
      + "\"weights\":\(network.layout.weightCount),\"card\":\(ModelMetadata.json(card)),"
      + "\"tensors\":{\(tensors.joined(separator: ","))}}"
  }
}

extension LanguageModel.Configuration {
  /// Reads a configuration; what an older file does not say yet has its neutral value.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func number(_ key: CodingKeys, _ neutral: Double = 0) throws -> Double {
      try container.decodeIfPresent(Double.self, forKey: key) ?? neutral
    }
    self.init(
      cell: try container.decode(CellKind.self, forKey: .cell),
      layers: try container.decode(Int.self, forKey: .layers),
      hiddenSize: try container.decode(Int.self, forKey: .hiddenSize),
      embeddingSize: try container.decode(Int.self, forKey: .embeddingSize),
      dropout: try number(.dropout), inputDropout: try number(.inputDropout),
      stateDropout: try number(.stateDropout), zoneoutHidden: try number(.zoneoutHidden),
      zoneoutCell: try number(.zoneoutCell), weightDrop: try number(.weightDrop),
      forgetBias: try number(.forgetBias, 1),
      isResidual: try container.decodeIfPresent(Bool.self, forKey: .isResidual) ?? false,
      window: try container.decodeIfPresent(Int.self, forKey: .window) ?? 8,
      isBackwards: try container.decodeIfPresent(Bool.self, forKey: .isBackwards) ?? false)
  }

  /// Throws unless the sizes make a network that memory can hold.
  func validate(symbols: Int) throws(LanguageModelError) {
    func demand(_ sound: Bool, _ found: String) throws(LanguageModelError) {
      if !sound { throw .configuration(found) }
    }
    try demand((1...64).contains(layers), "\(layers) layers: from 1 to 64 are possible")
    try demand(
      (1...16384).contains(hiddenSize), "hidden size \(hiddenSize): from 1 to 16384 is possible")
    try demand(
      (1...16384).contains(embeddingSize),
      "embedding size \(embeddingSize): from 1 to 16384 is possible")
    for (name, share) in [
      ("dropout", dropout), ("dropout of inputs", inputDropout),
      ("dropout of states", stateDropout), ("zoneout", zoneoutHidden),
      ("zoneout of cells", zoneoutCell), ("weight drop", weightDrop),
    ] {
      try demand(share >= 0 && share < 1, "\(name) \(share): it must be at least 0 and below 1")
    }
    try demand((1...256).contains(window), "a window of \(window): from 1 to 256 is possible")
    try demand(
      !cell.isWindow || (zoneoutHidden == 0 && zoneoutCell == 0),
      "zoneout with \(cell.rawValue): a window has no state that could stay")
    try demand(forgetBias.isFinite, "forget bias \(forgetBias): it must be a finite number")
    try demand(
      (256...4_000_000).contains(symbols), "\(symbols) symbols: from 256 to 4 million are possible")
  }
}

/// What goes wrong with a language model, as a sentence each.
public enum LanguageModelError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Sizes that make no network.
  case configuration(String)
  /// A network, with all that training it keeps, larger than the machine's memory.
  case tooLarge(weights: Int, needed: Int, memory: Int)
  /// A corpus too short for the lanes asked for.
  case corpusTooShort(symbols: Int, needed: Int, batch: Int, steps: Int)
  /// Data to evaluate on that hold nothing to predict.
  case nothingToEvaluate(symbols: Int)
  /// A request for an endless text of a model that reads backwards.
  case backwardsWithoutLength
  /// Stop strings for a model that reads backwards.
  case backwardsWithStops
  /// A text of less than no tokens asked for.
  case negativeLength(Int)
  /// A text too short for the steps to be looked back over.
  case textTooShort(symbols: Int, needed: Int)
  /// A signal that the cell of a layer, counted from 1, does not have.
  case noSignal(String, layer: Int, known: [String])
  /// A unit that the network does not have.
  case noUnit(LanguageModel.Unit, layers: Int, hiddenSize: Int)

  /// The sentence.
  public var description: String {
    switch self {
    case .configuration(let found): found
    case .tooLarge(let weights, let needed, let memory):
      "the network has \(weights) weights, which with what training keeps of each need "
        + "\(needed >> 20) MiB, and the machine has \(memory >> 20): use fewer layers or units"
    case .corpusTooShort(let symbols, let needed, let batch, let steps):
      "the corpus has \(symbols) symbols to train on, and \(batch) lanes of \(steps) steps need "
        + "\(needed): use more text, or a smaller --batch or --steps"
    case .nothingToEvaluate(let symbols):
      "the text has \(symbols) symbols to evaluate: at least 2 are needed, one to predict the next"
    case .backwardsWithoutLength:
      "a model that reads backwards writes the beginning of a text last: give the length"
    case .backwardsWithStops:
      "a model that reads backwards writes the end of a text first, so a text cannot stop it"
    case .negativeLength(let length):
      "a text of \(length) tokens cannot be written: the length must be 0 or more"
    case .textTooShort(let symbols, let needed):
      "the text has \(symbols) symbols, and \(needed) are needed: use more text, or a smaller --length"
    case .noSignal(let signal, let layer, let known):
      "layer \(layer) has no signal \(signal): it has \(known.joined(separator: ", "))"
    case .noUnit(let unit, let layers, let hiddenSize):
      "there is no unit \(unit.layer).\(unit.number): the model has layers 1 to \(layers) of "
        + "units 1 to \(hiddenSize)"
    }
  }
}
