public import Cells
public import DenseMath
internal import Files
internal import ICUText
public import LanguageModel
public import Training

extension Tagger {
  /// What the model is made of besides the network.
  public struct Parts: ModelParts {
    /// The words, characters and tags.
    public let lexicon: Lexicon
    /// The locale by whose rules text is cut into sentences and words.
    public let locale: String
    /// What scores are divided by before they become probabilities, so that those are honest.
    public internal(set) var temperature = 1.0
    /// Models whose states at words are features.
    public let languageModels: [LanguageModel]
    /// What cuts running text; nil where the training data did not teach it.
    var splitter: Splitter?
    /// How running text is cut without one; nil in files of earlier versions.
    var rules: CuttingRules?

    init(lexicon: Lexicon, locale: String, languageModels: [LanguageModel] = []) {
      self.lexicon = lexicon
      self.locale = locale
      self.languageModels = languageModels
    }

    /// The features that the language models give for each word.
    var featureSize: Int { languageModels.reduce(0) { $0 + $1.wordStateSize } }

    // What files of format 1 kept in the card.
    private struct Version1: Decodable {
      var locale: String?
      var temperature: Double?
    }

    private struct Calibration: Codable {
      var temperature: Double
    }

    /// Reads the parts.
    public init(from file: ModelFileReader, prefix: String) throws {
      lexicon = try file.part(prefix + "lexicon")
      do {
        try lexicon.validate()
      } catch {
        throw file.malformed("\(error)")
      }
      if file.version == 1 {
        let old: Version1 = try file.part(prefix + "card")
        (locale, temperature) = (old.locale ?? "en", old.temperature ?? 1)
      } else {
        locale = try file.part(prefix + "locale")
        temperature = (try file.part(prefix + "calibration", as: Calibration.self)).temperature
      }
      guard temperature > 0, temperature.isFinite else {
        throw file.malformed("its temperature is \(temperature)")
      }
      var models: [LanguageModel] = []
      while file.has(Self.prefix(prefix, models.count) + "configuration") {
        models.append(
          LanguageModel(core: try ModelCore(from: file, prefix: Self.prefix(prefix, models.count))))
      }
      languageModels = models
      if file.has(prefix + "rules") { rules = try file.part(prefix + "rules") }
      if file.has(prefix + Self.splitterPrefix + "configuration") {
        splitter = try Splitter(
          core: ModelCore(from: file, prefix: prefix + Self.splitterPrefix))
      }
    }

    private static let splitterPrefix = "splitter."

    /// Writes the parts, the language models and the splitter behind prefixes of their own.
    public func write(to file: inout ModelFileContents, prefix: String) {
      file.add(lexicon, as: prefix + "lexicon")
      file.add(locale, as: prefix + "locale")
      file.add(Calibration(temperature: temperature), as: prefix + "calibration")
      for (number, model) in languageModels.enumerated() {
        model.core.write(to: &file, prefix: Self.prefix(prefix, number))
      }
      if let rules { file.add(rules, as: prefix + "rules") }
      splitter?.core.write(to: &file, prefix: prefix + Self.splitterPrefix)
    }

    /// The same, with the language models and the splitter rounded.
    public func quantized(to precision: ProductPrecision) -> Parts {
      var parts = Parts(
        lexicon: lexicon, locale: locale,
        languageModels: languageModels.map { $0.quantized(to: precision) })
      parts.temperature = temperature
      parts.splitter = splitter?.quantized(to: precision)
      parts.rules = rules
      return parts
    }

    private static func prefix(_ prefix: String, _ number: Int) -> String {
      "\(prefix)lm\(number)."
    }
  }

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
  public struct Configuration: HyperparameterSet, RecurrentConfiguration {
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
    /// The probabilities of dropout in training: of what the layers read, of their outputs, and of
    /// h on its way into the recurrent product; one mask a sentence.
    public var inputDropout = 0.5, dropout = 0.5, stateDropout = 0.0
    /// How readily training takes a rare word for an unknown one: a word seen n times with
    /// probability p / (p + n).
    public var wordDropout = 0.5
    /// The width that the features of language models are projected to.
    public var projectedFeatures = 128

    /// The defaults.
    public init() {}

    /// The table.
    public static let hyperparameters: [Hyperparameter<Configuration>] = [
      .cell(\.cell),
      .integer("layers", \.layers, in: 1...64, "Layers", .network),
      .integer(
        "hidden", \.hiddenSize, in: 1...16384, "Units of a layer in each direction", .network,
        formerly: "hiddenSize"),
      .flag(
        "forward-only", \.isForwardOnly, "Read words forwards only, to see what that costs",
        .network, formerly: "isForwardOnly"),
      .integer(
        "words", \.wordSize, in: 1...16384, "Width of a word's vector", .network,
        formerly: "wordSize"),
      .integer(
        "projected", \.projectedFeatures, in: 1...16384,
        "Width of what is read of language models", .network, formerly: "projectedFeatures"),
      .choice("characters", \.characters, "READER", "What reads characters", .network),
      .integer(
        "character-size", \.characterSize, in: 1...16384, "Width of a character's vector", .network,
        formerly: "characterSize"),
      .integer(
        "character-features", \.characterFeatures, in: 1...16384,
        "What is made of a word's characters", .network, formerly: "characterFeatures"),
      .integer(
        "shapes", \.shapeSize, in: 0...16384, "Width of what tells capitals and digits", .network,
        formerly: "shapeSize"),
      .choice("decoder", \.decoder, "NAME", "How tags are chosen", .network),
      .probability(
        "dropout-inputs", \.inputDropout, "Probability that an input is dropped in training",
        .regularization, formerly: "inputDropout"),
      .probability(
        "dropout", \.dropout, "Probability that an output is dropped in training", .regularization),
      .probability(
        "dropout-states", \.stateDropout, "Probability that a recurrent input is dropped",
        .regularization,
        formerly: "stateDropout"),
      .number(
        "word-dropout", \.wordDropout, in: 0...1000, "P",
        "A word seen n times is taken for unknown in P / (P + n)", .regularization,
        formerly: "wordDropout"),
    ]

    /// What files of format 1 said and the language models say by themselves.
    public static let retiredNames: Set = ["featureSize"]
  }

  /// Which words a tagger knows, and how it cuts text.
  public struct TokenOptions: HyperparameterSet {
    /// Rarer words are unknown, unless there are vectors for them.
    public var minimumCount = 1
    /// The locale by whose rules text is cut into sentences and words.
    public var locale = "en"

    /// The defaults.
    public init() {}

    /// The table.
    public static let hyperparameters: [Hyperparameter<TokenOptions>] = [
      .text("locale", \.locale, "LOCALE", "Locale by which text will be cut into words", .text),
      .integer(
        "min-count", \.minimumCount, in: 1...Int.max,
        "Words seen less than N times are unknown", .text),
    ]
  }
}
