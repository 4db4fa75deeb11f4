internal import Cells
internal import DenseMath
internal import ICUText
public import LanguageModel
internal import Parameters
public import Training

/// A model that gives each word of a sentence a tag: names and their types, or parts of speech.
///
///     let sentences = try TaggedCorpus(contentsOf: ["train.conll"])
///     var tagger = try Tagger(on: sentences)
///     try tagger.train(on: sentences, for: .epochs(30)) { print($0) }
///     for span in try tagger.spans(in: "army core told Major Tom is a great battle commander") {
///       print(span.type, span.text, span.bytes, span.confidence)
///     }
///
/// A tagger is a value that never changes once made, so any number of tasks may use it at once.
public struct Tagger: TrainableModel {
  /// What files and people call it.
  public static let kind = ModelKind(name: "tagger", title: "tagger")
  /// 30 epochs at a lower rate.
  public static let defaultOptions = TrainingOptions {
    $0.budget = .epochs(30)
    ($0.rate, $0.weightDecay) = (2e-3, 0.01)
  }
  /// Sentences are read whole.
  public static let idleOptions: Set = ["steps", "longest"]

  /// F1 where tags are of spans, else the accuracy.
  public static func metric(for parts: Parts) -> Metric { parts.lexicon.hasSpans ? .f1 : .accuracy }

  /// All that the model is made of.
  public var core: ModelCore<Tagger>
  /// The lexicon turned round.
  let ids: LexiconIDs
  /// Cuts text by the rules of the model's locale.
  let segmenter: Segmenter
  /// Cuts it as the training data have adapted them; nil for models of earlier versions.
  let ruleCutter: RuleCutter?

  /// A model of this core.
  ///
  /// Throws `TextError` where ICU does not know the locale.
  public init(core: ModelCore<Tagger>) throws {
    self.core = core
    ids = LexiconIDs(core.parts.lexicon)
    segmenter = try Segmenter(Segmentation(unit: .word, locale: core.parts.locale))
    ruleCutter = try core.parts.rules.map { try RuleCutter($0, locale: core.parts.locale) }
  }

  /// A fresh tagger for the words and tags of a corpus.
  ///
  /// - Parameters:
  ///   - corpus: The training data.
  ///   - configuration: Sizes; the width of words becomes that of `vectors`.
  ///   - tokens: Which words it knows, and how text is cut.
  ///   - vectors: Vectors that words begin with.
  ///   - languageModels: Models whose states at words are features: in use, they read every
  ///     sentence first, and the tagger's file holds them.
  ///   - seed: The seed of the weights.
  /// - Throws: `HyperparameterError` for sizes that make no network, `TaggerError` for too many
  ///   tags, `TextError` where ICU cannot fold a word.
  public init(
    on corpus: TaggedCorpus, _ configuration: Configuration = Configuration(),
    tokens: TokenOptions = TokenOptions(), vectors: WordVectors? = nil,
    languageModels: [LanguageModel] = [], seed: UInt64 = 1
  ) throws {
    var configuration = configuration
    if let vectors { configuration.wordSize = vectors.width }
    let lexicon = try Lexicon(
      counting: corpus, minimumCount: tokens.minimumCount,
      also: vectors.map { Array($0.vectors.keys) } ?? [])
    guard lexicon.tags.count <= Lexicon.maxTags else {
      throw TaggerError.tooManyTags(found: lexicon.tags.count, limit: Lexicon.maxTags)
    }
    var parts = Parts(lexicon: lexicon, locale: tokens.locale, languageModels: languageModels)
    parts.rules = try CuttingRules(
      of: corpus.sentences, Segmenter(Segmentation(unit: .word, locale: tokens.locale)))
    var core = try ModelCore<Tagger>(configuration, parts: parts, seed: seed)
    if let vectors {
      core.changeFresh { parameters, network in
        let table = parameters[network.words.table]
        for (row, word) in lexicon.words.enumerated() {
          guard let vector = vectors.vectors[word] else { continue }
          for (column, value) in vector.enumerated() { table[row, column] = value }
        }
      }
    }
    try self.init(core: core)
  }

  /// The network for a lexicon and language models.
  public static func makeNetwork(
    _ configuration: Configuration, parts: Parts
  ) throws -> TaggerNetwork {
    TaggerNetwork(configuration, lexicon: parts.lexicon, featureSize: parts.featureSize)
  }

  /// The words, characters and tags.
  public var lexicon: Lexicon { core.parts.lexicon }
  /// The language models whose states at words are features.
  public var languageModels: [LanguageModel] { core.parts.languageModels }

  /// Cell, layers, units, directions, characters and decoder.
  public var networkText: String {
    """
    \(configuration.cell), \(configuration.layers) x \(configuration.hiddenSize) units \
    \(configuration.isForwardOnly ? "forwards" : "both ways"), words of \
    \(configuration.wordSize), characters by \(configuration.characters.rawValue), decoder \
    \(configuration.decoder.rawValue)
    """
  }

  /// Tags and known words.
  public var sizes: KeyValuePairs<String, Int> {
    ["tags": lexicon.tags.count, "known words": lexicon.words.count - 1]
  }

  /// Tags, words, locale, language models and calibration.
  public var facts: [ModelFact] {
    var facts = [
      ModelFact(
        "tags of \(lexicon.hasSpans ? "spans" : "words")", lexicon.tags.joined(separator: " ")),
      ModelFact(
        "knows",
        "\(counted(lexicon.words.count - 1, "word")), "
          + counted(lexicon.characters.count - 2, "character")),
      ModelFact("locale", core.parts.locale),
    ]
    if let splitter = core.parts.splitter {
      facts.append(ModelFact("cuts text by", "a network of its own, \(splitter.networkText)"))
    } else if core.parts.rules != nil {
      facts.append(ModelFact("cuts text by", "ICU's rules, as the data's tokens adapt them"))
    }
    facts += languageModels.map { ModelFact("reads first", "a language model, \($0.networkText)") }
    facts.append(ModelFact("temperature", fixed(core.parts.temperature, 2)))
    return facts
  }
}
