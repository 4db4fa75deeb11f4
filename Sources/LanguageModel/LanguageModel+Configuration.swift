public import Cells
public import ICUText
public import Training

extension LanguageModel {
  /// The size and shape of the network; by default two layers of 256 LSTM units.
  public struct Configuration: HyperparameterSet, RecurrentConfiguration {
    /// The recurrent cell.
    public var cell = CellKind.lstm
    /// The number of layers, the units of each, and the width of a token's vector.
    public var layers = 2, hiddenSize = 256, embeddingSize = 128
    /// The probability with which a unit's output is dropped in training.
    public var dropout = 0.2
    /// The same for tokens' vectors, and for states on their way into the recurrent product.
    public var inputDropout = 0.0, stateDropout = 0.0
    /// The probability with which h, and c, stay as they were at a step.
    public var zoneoutHidden = 0.0, zoneoutCell = 0.0
    /// The fraction of the recurrent matrices' elements that each update of training leaves out.
    public var weightDrop = 0.0
    /// The initial bias of forget gates.
    public var forgetBias = 1.0
    /// Whether layers above the first add their input to their output.
    public var isResidual = false
    /// The tokens that a layer of a window network sees.
    public var window = 8
    /// Whether the model reads texts from their last token to their first.
    public var isBackwards = false

    /// The defaults.
    public init() {}

    /// The table.
    public static let hyperparameters: [Hyperparameter<Configuration>] = [
      .cell(\.cell),
      .integer("layers", \.layers, in: 1...64, "Layers", .network),
      .integer(
        "hidden", \.hiddenSize, in: 1...16384, "Units of a layer", .network,
        formerly: "hiddenSize"),
      .integer(
        "embedding", \.embeddingSize, in: 1...16384, "Width of a token's vector", .network,
        formerly: "embeddingSize"),
      .probability(
        "dropout", \.dropout, "Probability that an output is dropped in training",
        .regularization),
      .probability(
        "dropout-inputs", \.inputDropout,
        "Probability that a number of a token's vector is dropped", .regularization,
        formerly: "inputDropout"),
      .probability(
        "dropout-states", \.stateDropout, "Probability that a recurrent input is dropped",
        .regularization,
        formerly: "stateDropout"),
      .probability(
        "zoneout", \.zoneoutHidden, "Probability that h stays as it was at a step",
        .regularization, formerly: "zoneoutHidden"),
      .probability(
        "zoneout-cell", \.zoneoutCell, "Probability that c stays as it was at a step",
        .regularization, formerly: "zoneoutCell"),
      .probability(
        "weight-drop", \.weightDrop, "Fraction of recurrent weights dropped in an update",
        .regularization, formerly: "weightDrop"),
      .number(
        "forget-bias", \.forgetBias, in: -100...100, "B", "Initial bias of forget gates",
        .network, formerly: "forgetBias"),
      .flag(
        "residual", \.isResidual, "Layers above the first add their input to their output",
        .network, formerly: "isResidual"),
      .integer(
        "window", \.window, in: 1...256, "Tokens that a layer of window or tdnn sees", .network),
      .flag(
        "backwards", \.isBackwards, "Read texts from their end to their beginning", .network,
        formerly: "isBackwards"),
    ]

    /// A window has no state that could stay.
    public func checkTogether() throws(HyperparameterError) {
      guard cell.isWindow, zoneoutHidden > 0 || zoneoutCell > 0 else { return }
      throw HyperparameterError(
        name: "zoneout", found: "with \(cell)",
        reason: "a window has no state that could stay")
    }
  }

  /// How the tokens of a corpus are chosen.
  public struct TokenOptions: HyperparameterSet {
    /// What a token is.
    public var unit = TextUnit.grapheme
    /// What happens to the text before it is cut.
    public var normalization = Normalization.none
    /// The locale of word breaks.
    public var locale = "en"
    /// Tokens seen less often are spelled as bytes.
    public var minimumCount = 2
    /// The largest vocabulary, the 256 bytes included; nil for no limit, or that of subwords.
    public var maximumSize: Int?

    /// The defaults.
    public init() {}

    /// The table.
    public static let hyperparameters: [Hyperparameter<TokenOptions>] = [
      .choice("unit", \.unit, "UNIT", "What a token is", .text),
      .choice("normalization", \.normalization, "FORM", "Unicode normalization", .text),
      .text("locale", \.locale, "LOCALE", "Locale of word breaks", .text),
      .integer(
        "min-count", \.minimumCount, in: 1...Int.max,
        "Spell tokens seen less than N times as bytes", .text),
      .optionalInteger(
        "max-size", \.maximumSize, in: 256...4_000_000,
        "Largest vocabulary, the 256 bytes included", .text,
        automatic: "none, for subwords \(Vocabulary.usualSubwordCount)"),
    ]

    /// The vocabulary of a corpus.
    ///
    /// Throws `TextError` for a corpus that cannot be read.
    public func vocabulary(
      of corpus: Corpus, progress: (Double) -> Void = { _ in }
    ) throws -> Vocabulary {
      try Vocabulary(
        counting: Segmentation(unit: unit, normalization: normalization, locale: locale),
        in: corpus, minimumCount: minimumCount, maximumSize: maximumSize, progress: progress)
    }
  }
}
