public import Cells
public import ICUText
internal import Layers
public import Training

extension Translator {
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
  public struct Configuration: HyperparameterSet, RecurrentConfiguration {
    /// The recurrent cell.
    public var cell = CellKind.lstm
    /// The layers of encoder and decoder, the units of a decoder's layer, and the width of tokens'
    /// vectors; the encoder has half the units in each direction.
    public var layers = 1, hiddenSize = 256, embeddingSize = 128
    /// How the decoder looks at the source.
    public var attention = AttentionKind.general
    /// The probabilities of dropout in training: of tokens' vectors and of layers' outputs, one mask
    /// a sentence.
    public var inputDropout = 0.1, dropout = 0.2
    /// The fraction of probability that training spreads over all tokens.
    public var labelSmoothing = 0.1
    /// The probability with which training reads a token, on either side, as an unknown one, so
    /// that the network knows what to do with words that it does not know.
    public var wordDropout = 0.0
    /// Whether the vectors of target tokens also give their scores.
    public var tiesEmbeddings = false
    /// Whether the source is read from its end.
    public var reversesSource = false
    /// Whether the decoder is also told, with each token, what it made of its last look at the
    /// source (Luong's input feeding), so that it knows where it has looked.
    ///
    /// Training goes step by step then, and takes two to three times as long.
    public var feedsInput = false
    /// The first token of each group of rare target tokens, rising, where tokens are chosen in two
    /// steps (`AdaptiveSoftmax`); nil to choose among all at once.
    ///
    /// Training and translating are several times as fast with tens of thousands of tokens.
    public var cutoffs: [Int]?

    /// The defaults.
    public init() {}

    /// The table.
    public static let hyperparameters: [Hyperparameter<Configuration>] = [
      .cell(\.cell),
      .integer("layers", \.layers, in: 1...32, "Layers of encoder and decoder", .network),
      .integer(
        "hidden", \.hiddenSize, in: 2...16384, "Units of a layer, an even number", .network,
        formerly: "hiddenSize"),
      .integer(
        "embedding", \.embeddingSize, in: 1...16384, "Width of a token's vector", .network,
        formerly: "embeddingSize"),
      .choice("attention", \.attention, "KIND", "How the decoder looks at the source", .network),
      .flag(
        "input-feeding", \.feedsInput, "Tell the decoder what it saw at its last look (slower)",
        .network, formerly: "feedsInput"),
      .flag(
        "tied", \.tiesEmbeddings, "Vectors of target tokens also give their scores", .network,
        formerly: "tiesEmbeddings"),
      .optionalIntegers(
        "cutoffs", \.cutoffs, in: 16...4_000_000, "N,...",
        "Choose in two steps: the N most frequent tokens, then the rest", .network),
      .flag(
        "reverse-source", \.reversesSource, "Read the source from its end", .network,
        formerly: "reversesSource"),
      .probability(
        "dropout-inputs", \.inputDropout,
        "Probability that a number of a token's vector is dropped",
        .regularization, formerly: "inputDropout"),
      .probability(
        "dropout", \.dropout, "Probability that an output is dropped in training", .regularization),
      .probability(
        "label-smoothing", \.labelSmoothing, "Fraction of probability spread over all tokens",
        .regularization, formerly: "labelSmoothing"),
      .probability(
        "word-dropout", \.wordDropout, "Probability that training reads a token as unknown",
        .regularization, formerly: "wordDropout"),
    ]

    /// Both directions share the units; tied embeddings and cutoffs exclude each other; a window has
    /// no state to go on from.
    public func checkTogether() throws(HyperparameterError) {
      func demand(
        _ isSound: Bool, _ name: String, _ found: String, _ reason: String
      ) throws(HyperparameterError) {
        if !isSound { throw HyperparameterError(name: name, found: found, reason: reason) }
      }
      try demand(
        hiddenSize % 2 == 0, "hidden", "\(hiddenSize)",
        "expected an even number, as the encoder's directions have half of the units each")
      try demand(
        cutoffs == nil || !tiesEmbeddings, "cutoffs", "with tied embeddings",
        "they do not go together: choose one")
      try demand(
        !cell.isWindow, "cell", cell.description, "it has no state that a decoder could go on from")
    }
  }

  /// How the tokens of both sides are chosen.
  public struct TokenOptions: HyperparameterSet {
    /// What a token is; on the source side, where it differs there.
    public var unit = TextUnit.grapheme, sourceUnit: TextUnit?
    /// Whether one vocabulary is learnt from both sides, and used for both.
    public var isJoint = false
    /// The largest vocabulary of a side, the 256 bytes included; and where a side differs.
    public var maximumSize: Int?, sourceMaximumSize: Int?, targetMaximumSize: Int?
    /// Words seen less often are unknown, other tokens spelled as bytes.
    public var minimumCount = 2
    /// Whether names and numbers that a vocabulary of words does not have are spelt letter by letter.
    public var spellsNames = false
    /// The locales of word breaks.
    public var sourceLocale = "en", targetLocale = "en"

    /// The defaults.
    public init() {}

    /// The table.
    public static let hyperparameters: [Hyperparameter<TokenOptions>] = [
      .choice("unit", \.unit, "UNIT", "What a token is", .text),
      .optionalChoice(
        "source-unit", \.sourceUnit, "UNIT", "What a token of the source is", .text,
        automatic: "that of both"),
      .flag("joint", \.isJoint, "Learn one vocabulary from both sides, and use it for both", .text),
      .optionalInteger(
        "max-size", \.maximumSize, in: 256...4_000_000,
        "Largest vocabulary of a side, the 256 bytes included", .text, automatic: "none"),
      .optionalInteger(
        "source-max-size", \.sourceMaximumSize, in: 256...4_000_000,
        "That of what is read, where they differ", .text),
      .optionalInteger(
        "target-max-size", \.targetMaximumSize, in: 256...4_000_000,
        "That of what is written, where they differ", .text),
      .integer(
        "min-count", \.minimumCount, in: 1...Int.max,
        "Words seen less than N times are unknown, other tokens spelled as bytes", .text),
      .flag(
        "spell-names", \.spellsNames,
        "Spell names and numbers that are no known words letter by letter", .text),
      .text(
        "source-locale", \.sourceLocale, "LOCALE", "Locale of word breaks in what is read", .text),
      .text(
        "target-locale", \.targetLocale, "LOCALE", "Locale of word breaks in what is written",
        .text),
    ]

    /// A joint vocabulary has no sides that could differ.
    public func checkTogether() throws(HyperparameterError) {
      guard isJoint else { return }
      let fresh = TokenOptions()
      let sides: [(String, Bool)] = [
        ("source-unit", sourceUnit != nil), ("source-max-size", sourceMaximumSize != nil),
        ("target-max-size", targetMaximumSize != nil),
        ("source-locale", sourceLocale != fresh.sourceLocale),
        ("target-locale", targetLocale != fresh.targetLocale),
      ]
      guard let (name, _) = sides.first(where: \.1) else { return }
      throw HyperparameterError(
        name: name, found: "",
        reason: "it is of one side, and a joint vocabulary is for both: leave one of them out")
    }

    /// The vocabularies of a corpus.
    ///
    /// Throws `TextError` where ICU cannot cut a sentence.
    public func vocabularies(
      of corpus: ParallelCorpus
    ) throws -> (source: Vocabulary, target: Vocabulary) {
      let targetSegmentation = Self.segmentation(unit, locale: targetLocale)
      if isJoint {
        let joint = try corpus.jointVocabulary(
          targetSegmentation, minimumCount: minimumCount, maximumSize: maximumSize)
        return (joint, joint)
      }
      let sourceSegmentation = Self.segmentation(sourceUnit ?? unit, locale: sourceLocale)
      return (
        try corpus.vocabulary(
          of: \.source, sourceSegmentation, minimumCount: minimumCount,
          maximumSize: sourceMaximumSize ?? maximumSize),
        try corpus.vocabulary(
          of: \.target, targetSegmentation, minimumCount: minimumCount,
          maximumSize: targetMaximumSize ?? maximumSize)
      )
    }

    /// Spaces of their own would only make sentences of words longer.
    static func segmentation(_ unit: TextUnit, locale: String) -> Segmentation {
      let unit = unit == .word ? .spacedWord : unit
      return Segmentation(
        unit: unit, locale: locale, attachesPunctuation: unit == .spacedWord || unit == .subword)
    }
  }
}
