internal import Cells
internal import DenseMath
public import ICUText
internal import Parameters
public import Training

/// A model that predicts the next token of a text: trained on a corpus, it writes more of it.
///
///     let corpus = try Corpus(contentsOf: ["novel.txt"])
///     var model = try LanguageModel(on: corpus, .init(cell: .lstm, hiddenSize: 512))
///     try model.train(on: corpus, for: .minutes(3), seed: 1) { print($0) }
///     for piece in model.generate(after: "Day 1", .init(temperature: 0.8)) {
///       print(piece, terminator: "")
///     }
///
/// A model is a value that never changes once made, so any number of tasks may use it at once.
///
/// A model whose configuration says `isBackwards` reads from the last token to the first. Texts,
/// ranges and results are in the order of the text all the same.
public struct LanguageModel: TrainableModel {
  /// A text, or its tokens.
  public typealias TrainingData = any TokenSource

  /// What the model is made of besides the network: its vocabulary.
  public struct Parts: ModelParts {
    /// The tokens.
    public let vocabulary: Vocabulary

    /// The parts of a model with a vocabulary.
    public init(vocabulary: Vocabulary) { self.vocabulary = vocabulary }

    /// Reads the vocabulary.
    public init(from file: ModelFileReader, prefix: String) throws {
      vocabulary = try file.part(prefix + "vocabulary")
    }

    /// Writes the vocabulary.
    public func write(to file: inout ModelFileContents, prefix: String) {
      file.add(vocabulary, as: prefix + "vocabulary")
    }
  }

  /// What files and people call it.
  public static let kind = ModelKind(name: "language-model", title: "language model")
  /// 10 epochs of 32 lanes.
  public static let defaultOptions = TrainingOptions { $0.batch = 32 }
  /// A text has no examples that could be too long.
  public static let idleOptions: Set = ["longest"]

  /// All that the model is made of.
  public var core: ModelCore<LanguageModel>

  /// A model of this core.
  public init(core: ModelCore<LanguageModel>) { self.core = core }

  /// A fresh model of a vocabulary.
  ///
  /// Throws `HyperparameterError` for sizes that make no network, `TrainingError.tooLarge` for one
  /// that memory cannot hold.
  public init(
    _ configuration: Configuration = Configuration(), vocabulary: Vocabulary, seed: UInt64 = 1
  ) throws {
    core = try ModelCore(configuration, parts: Parts(vocabulary: vocabulary), seed: seed)
  }

  /// A fresh model of the tokens of a corpus.
  ///
  /// Throws what `init(_:vocabulary:seed:)` throws, and `TextError` for a corpus that cannot be
  /// read.
  public init(
    on corpus: Corpus, _ configuration: Configuration = Configuration(),
    tokens: TokenOptions = TokenOptions(), seed: UInt64 = 1
  ) throws {
    try self.init(configuration, vocabulary: tokens.vocabulary(of: corpus), seed: seed)
  }

  /// The network for a vocabulary.
  public static func makeNetwork(
    _ configuration: Configuration, parts: Parts
  ) throws -> LanguageNetwork {
    LanguageNetwork(
      configuration, vocabularySize: parts.vocabulary.count)
  }

  /// The tokens.
  public var vocabulary: Vocabulary { core.parts.vocabulary }

  /// What tokens are called where they are counted.
  var unit: String {
    switch vocabulary.segmentation.unit {
    case .byte, .codePoint, .grapheme: "char"
    case .word, .spacedWord: "word"
    case .subword: "piece"
    }
  }

  /// Tokens in the order in which the model reads them.
  func asRead(_ tokens: EncodedCorpus) -> EncodedCorpus {
    configuration.isBackwards ? tokens.reversed() : tokens
  }

  /// A short text in the order in which the model reads it.
  func asRead(_ tokens: [Int]) -> [Int] {
    configuration.isBackwards ? tokens.reversed() : tokens
  }

  /// Cell, layers, units and direction.
  public var networkText: String {
    let layers = "\(configuration.layers) x \(configuration.hiddenSize) units"
    return "\(configuration.cell), \(layers)"
      + (configuration.isBackwards ? ", reads backwards" : "")
  }

  /// The tokens.
  public var sizes: KeyValuePairs<String, Int> { ["tokens": vocabulary.count] }

  /// The vocabulary.
  public var facts: [ModelFact] {
    let segmentation = vocabulary.segmentation
    return [
      ModelFact(
        "tokens",
        """
        \(grouped(vocabulary.count)), by \(segmentation.unit.rawValue), normalization \
        \(segmentation.normalization.rawValue), locale \(segmentation.locale)
        """)
    ]
  }

  /// Two hundred tokens of text, whatever the data.
  public func sample(on data: any TokenSource, seed: UInt64) throws -> String? {
    try Generation(self, .init(length: 200), seed: seed).reduce(into: "") { $0 += $1 }
  }
}
