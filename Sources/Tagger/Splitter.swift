internal import Cells
internal import DenseMath
internal import Files
internal import ICUText
internal import Parameters
internal import Training

/// What cuts running text into sentences, tokens and words, learnt from text that is cut already.
///
/// A network reads the graphemes of a paragraph both ways, together with where ICU would cut, and says
/// of each what ends behind it. It is a part of a tagger, in whose file it lies.
///
/// M. Straka, J. Hajič and J. Straková, "UDPipe: trainable pipeline for processing CoNLL-U files",
/// LREC 2016.
struct Splitter: TrainableModel {
  static let kind = ModelKind(name: "splitter", title: "splitter")
  static let defaultOptions = TrainingOptions {
    $0.budget = .epochs(8)
    ($0.rate, $0.weightDecay, $0.patience) = (5e-3, 0.01, 0)
    ($0.batch, $0.shards) = (8, 2)
  }

  var core: ModelCore<Splitter>
  private let ids: [String: Int32]
  private let asciiIDs: [Int32]
  let segmenters: SplitterSegmenters

  init(core: ModelCore<Splitter>) throws {
    self.core = core
    ids = Dictionary(
      zip(core.parts.graphemes, Int32(Parts.firstGrapheme)...),
      uniquingKeysWith: { first, _ in first })
    asciiIDs = (0..<128).map { [ids] byte in
      ids[String(Unicode.Scalar(UInt8(byte)))] ?? SplitterCode.unknown
    }
    segmenters = try SplitterSegmenters(locale: core.parts.locale)
  }

  /// A fresh splitter for the graphemes and multiword tokens of text that is cut.
  init(
    on paragraphs: [CutParagraph], locale: String, _ configuration: Configuration = Configuration(),
    seed: UInt64
  ) throws {
    let segmenters = try SplitterSegmenters(locale: locale)
    var counts: [String: Int] = [:]
    for paragraph in paragraphs {
      for grapheme in try segmenters.graphemes(of: paragraph.text) {
        counts[grapheme, default: 0] += 1
      }
    }
    // What occurs once teaches what to do about graphemes that never occurred.
    let known = counts.filter { $0.value > 1 }.keys.sorted()
    let parts = Parts(
      locale: locale, graphemes: known, expansions: Expansions(of: paragraphs),
      wholes: WholeTokens(of: paragraphs),
      hasSpacedTokens: paragraphs.contains { $0.hasSpacedTokens })
    try self.init(core: ModelCore(configuration, parts: parts, seed: seed))
  }

  static func makeNetwork(
    _ configuration: Configuration, parts: Parts
  ) throws -> SplitterNetwork {
    SplitterNetwork(configuration, graphemes: Parts.firstGrapheme + parts.graphemes.count)
  }

  var networkText: String {
    "\(configuration.cell), \(configuration.layers) x \(configuration.hiddenSize) units both ways"
  }

  func makeTask(
    on data: [CutParagraph], validation: [CutParagraph]?, _ options: TrainingOptions,
    _ shards: Shards
  ) throws -> SplitterTask {
    var sequences: [SplitterSequence] = []
    for paragraph in data {
      let code = try encode(paragraph.text)
      let labels = paragraph.labels(ends: code.ends)
      sequences += SplitterSequence.windows(of: code, labels: labels.map { Int32($0.rawValue) })
    }
    return SplitterTask(network, sequences, options)
  }

  /// A paragraph as the network reads it.
  func encode(_ text: String) throws(TextError) -> SplitterCode {
    try segmenters.encode(text, asciiIDs: asciiIDs) { ids[$0] ?? SplitterCode.unknown }
  }
}

extension Splitter {
  /// What ends behind a grapheme.
  enum Label: Int, CaseIterable {
    /// Nothing: it stands within a word, or is space.
    case inside
    /// A token of one word.
    case token
    /// The same, and a sentence.
    case sentence
    /// A word, but not yet its multiword token.
    case word
    /// A multiword token whose words are no pieces of it.
    case expanded
    /// The same, and a sentence.
    case expandedSentence
  }

  /// What a splitter is made of besides the network.
  struct Parts: ModelParts {
    /// The locale whose rules the network is told.
    let locale: String
    /// The graphemes that the network knows.
    let graphemes: [String]
    /// The words of multiword tokens.
    let expansions: Expansions
    /// Tokens that are not cut.
    let wholes: WholeTokens
    /// Whether there were tokens with white space in them.
    let hasSpacedTokens: Bool

    /// The ids before the first grapheme: unknown ones, white space, a paragraph's two ends.
    static let firstGrapheme = 3

    private struct Stored: Codable {
      var locale: String
      var graphemes: [String]
      var expansions: [String: [String]]
      var wholes: [String]
      var hasSpacedTokens: Bool
    }

    init(
      locale: String, graphemes: [String], expansions: Expansions, wholes: WholeTokens,
      hasSpacedTokens: Bool
    ) {
      self.locale = locale
      self.graphemes = graphemes
      self.expansions = expansions
      self.wholes = wholes
      self.hasSpacedTokens = hasSpacedTokens
    }

    init(from file: ModelFileReader, prefix: String) throws {
      let stored: Stored = try file.part(prefix + "text")
      guard stored.expansions.values.allSatisfy({ !$0.isEmpty && !$0.contains("") }) else {
        throw file.malformed("a multiword token has no words")
      }
      self.init(
        locale: stored.locale, graphemes: stored.graphemes,
        expansions: Expansions(words: stored.expansions),
        wholes: WholeTokens(tokens: Set(stored.wholes)),
        hasSpacedTokens: stored.hasSpacedTokens)
    }

    func write(to file: inout ModelFileContents, prefix: String) {
      file.add(
        Stored(
          locale: locale, graphemes: graphemes, expansions: expansions.words,
          wholes: wholes.tokens.sorted(),
          hasSpacedTokens: hasSpacedTokens), as: prefix + "text")
    }
  }

  /// The size of the network.
  struct Configuration: HyperparameterSet, RecurrentConfiguration {
    var cell = CellKind.lstm
    var layers = 1, hiddenSize = 96
    /// The widths of a grapheme's vector, and of what else is told of it.
    var graphemeSize = 32, traitSize = 16
    /// The width of a vector for a pair of neighbours, and how many of them there are.
    var pairSize = 16, pairRows = 4096
    var inputDropout = 0.0, dropout = 0.2

    init() {}

    static let hyperparameters: [Hyperparameter<Configuration>] = [
      .cell(\.cell),
      .integer("layers", \.layers, in: 1...64, "Layers", .network),
      .integer(
        "hidden", \.hiddenSize, in: 1...16384, "Units of a layer in each direction", .network),
      .integer(
        "graphemes", \.graphemeSize, in: 1...16384, "Width of a grapheme's vector", .network),
      .integer("traits", \.traitSize, in: 1...16384, "Width of a grapheme's traits", .network),
      .integer("pairs", \.pairSize, in: 1...16384, "Width of a pair's vector", .network),
      .integer("pair-rows", \.pairRows, in: 1...1 << 20, "Vectors of pairs", .network),
      .probability(
        "dropout-inputs", \.inputDropout, "Probability that an input is dropped in training",
        .regularization),
      .probability(
        "dropout", \.dropout, "Probability that an output is dropped in training", .regularization),
    ]
  }
}
