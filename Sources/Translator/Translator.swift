internal import Cells
public import ICUText
internal import Layers
public import Training

/// A model that writes in one language what it has read in another, or numbers for words, or dates
/// for dates: whatever pairs it has learnt from.
///
///     let pairs = try ParallelCorpus(contentsOf: ["phrases.tsv"])
///     var translator = try Translator(on: pairs, recipe: Translator.recipe(for: pairs))
///     try translator.train(on: pairs, for: .epochs(20)) { print($0) }
///     print(try translator.translate("Good morning!"))
///
/// Where the tokens are spaced words, a word that the vocabulary does not have is one unknown token;
/// where the decoder writes it, it is replaced by the source word that it looked at most, of unknown
/// ones if there are any (after M.-T. Luong et al., "Addressing the rare word problem in neural
/// machine translation", ACL 2015). Other units spell what they do not have by its bytes.
///
/// A translator is a value that never changes once made, so any number of tasks may use it at once.
public struct Translator: TrainableModel {
  /// What the model is made of besides the network: two vocabularies.
  public struct Parts: ModelParts {
    /// The tokens of what is read and of what is written.
    public let source, target: Vocabulary
    /// Whether names and numbers that a vocabulary of words does not have are spelt, letter by letter,
    /// rather than unknown.
    public let spellsNames: Bool
    /// The most tokens of a target in training, its end included; 0 where that is not known.
    public internal(set) var longestTarget = 0

    /// Reads the vocabularies.
    public init(from file: ModelFileReader, prefix: String) throws {
      source = try file.part(prefix + "source")
      target = try file.part(prefix + "target")
      // Older files spell none.
      let name = prefix + "spells_names"
      spellsNames = file.has(name) ? try file.part(name) : false
      let longest = prefix + "longest_target"
      longestTarget = file.has(longest) ? try file.part(longest) : 0
    }

    init(source: Vocabulary, target: Vocabulary, spellsNames: Bool = false) {
      (self.source, self.target, self.spellsNames) = (source, target, spellsNames)
    }

    /// Writes the vocabularies.
    public func write(to file: inout ModelFileContents, prefix: String) {
      file.add(source, as: prefix + "source")
      file.add(target, as: prefix + "target")
      if longestTarget > 0 { file.add(longestTarget, as: prefix + "longest_target") }
      if spellsNames { file.add(spellsNames, as: prefix + "spells_names") }
    }
  }

  /// What files and people call it.
  public static let kind = ModelKind(name: "translator", title: "translator")
  /// 20 epochs at a lower rate.
  public static let defaultOptions = TrainingOptions {
    ($0.budget, $0.batch) = (.epochs(20), 64)
    ($0.rate, $0.weightDecay, $0.validation) = (2e-3, 0.01, 0.05)
  }
  /// Sentences are read whole.
  public static let idleOptions: Set = ["steps"]

  /// All that the model is made of.
  public var core: ModelCore<Translator>

  /// A model of this core.
  public init(core: ModelCore<Translator>) { self.core = core }

  /// A fresh translator between two vocabularies.
  ///
  /// Throws `HyperparameterError` for sizes that make no network, `TrainingError.tooLarge` for one
  /// that memory cannot hold.
  public init(
    _ configuration: Configuration = Configuration(), source: Vocabulary, target: Vocabulary,
    spellsNames: Bool = false, seed: UInt64 = 1
  ) throws {
    core = try ModelCore(
      configuration,
      parts: Parts(source: source, target: target, spellsNames: spellsNames), seed: seed)
  }

  /// A fresh translator of the tokens of a corpus.
  ///
  /// Throws what `init(_:source:target:seed:)` throws, and `TextError` where ICU cannot cut a
  /// sentence.
  public init(
    on corpus: ParallelCorpus, _ configuration: Configuration = Configuration(),
    tokens: TokenOptions = TokenOptions(), seed: UInt64 = 1
  ) throws {
    let (source, target) = try tokens.vocabularies(of: corpus)
    try self.init(
      configuration, source: source, target: target, spellsNames: tokens.spellsNames, seed: seed)
  }

  /// A fresh translator of the tokens of a corpus, with the settings of a recipe.
  ///
  /// Throws what `init(on:_:tokens:seed:)` throws.
  public init(on corpus: ParallelCorpus, recipe: Recipe, seed: UInt64 = 1) throws {
    try self.init(
      on: corpus, recipe.applied(to: Configuration()), tokens: recipe.applied(to: TokenOptions()),
      seed: seed)
    core.follow(recipe)
  }

  /// The network for two vocabularies.
  ///
  /// Throws `HyperparameterError` for cutoffs beyond the target's tokens.
  public static func makeNetwork(
    _ configuration: Configuration, parts: Parts
  ) throws -> TranslatorNetwork {
    let targetTokens = parts.target.count + TranslatorOutput.specialTokens
    if let last = configuration.cutoffs?.last, last >= targetTokens {
      throw HyperparameterError(
        name: "cutoffs", found: HyperparameterValue.integers(configuration.cutoffs ?? []).text,
        reason: "there are only \(targetTokens) tokens to write")
    }
    return TranslatorNetwork(
      configuration, sourceTokens: parts.source.count + 2, targetTokens: targetTokens)
  }

  /// The tokens of what is read and of what is written.
  public var source: Vocabulary { core.parts.source }
  /// See `source`.
  public var target: Vocabulary { core.parts.target }

  // MARK: Special tokens

  /// What stands after a sentence that is read: the id after the vocabulary's.
  var sourceEnd: Int32 { Int32(source.count) }
  /// What stands before and after a sentence that is written.
  var targetBegin: Int32 { Int32(target.count) }
  var targetEnd: Int32 { Int32(target.count + 1) }

  /// What stands for words that a side's vocabulary does not have; only spaced words need it.
  var sourceUnknown: Int32 { Int32(source.count + 1) }
  var targetUnknown: Int32 { Int32(target.count + 2) }

  /// How sentences become ids, and ids sentences.
  var sourceCode: SentenceCode {
    SentenceCode(
      vocabulary: source, unknown: sourceUnknown, spellsNames: core.parts.spellsNames)
  }
  var targetCode: SentenceCode {
    SentenceCode(
      vocabulary: target, unknown: targetUnknown, spellsNames: core.parts.spellsNames)
  }

  /// Ids in the order in which the encoder reads them, with their end; never empty.
  func asRead(_ ids: [Int32]) -> [Int32] {
    (configuration.reversesSource ? ids.reversed() : ids) + [sourceEnd]
  }

  // MARK: Description

  /// Cell, layers, units, attention and what else is special.
  public var networkText: String {
    var traits = ["attention \(configuration.attention.rawValue)"]
    if configuration.feedsInput { traits.append("input feeding") }
    if configuration.tiesEmbeddings { traits.append("tied embeddings") }
    if configuration.reversesSource { traits.append("source reversed") }
    if let cutoffs = configuration.cutoffs {
      traits.append("cutoffs \(HyperparameterValue.integers(cutoffs).text)")
    }
    return """
      \(configuration.cell), \(configuration.layers) x \(configuration.hiddenSize) units, \
      embeddings of \(configuration.embeddingSize), \(traits.joined(separator: ", "))
      """
  }

  /// The tokens of both sides.
  public var sizes: KeyValuePairs<String, Int> {
    ["source tokens": source.count, "target tokens": target.count]
  }

  /// Both vocabularies.
  public var facts: [ModelFact] {
    func side(_ vocabulary: Vocabulary) -> String {
      "\(counted(vocabulary.count, "token")) by \(vocabulary.segmentation.unit.rawValue), locale "
        + vocabulary.segmentation.locale
    }
    return [ModelFact("reads", side(source)), ModelFact("writes", side(target))]
  }
}
