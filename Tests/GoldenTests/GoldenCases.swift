import Foundation
import MajorTom
import TestSupport

/// The small runs whose first ten losses are kept, by name: each cell in each model, and each
/// feature of a network once.
enum GoldenCases {
  /// A model and how it is trained; returns the loss of each of ten updates.
  typealias Run = @Sendable () throws -> [Double]

  /// All cases.
  static let all: [(name: String, run: Run)] = languageModels + taggers + translators

  // MARK: Language models

  private static var languageModels: [(String, Run)] {
    let cells = CellKind.builtIn.map { cell in
      ("lm \(cell)", LanguageModel.Configuration(cell: cell, dropout: 0.1))
    }
    let features: [(String, LanguageModel.Configuration)] = [
      (
        "lm all dropouts",
        .init(dropout: 0.2) { ($0.inputDropout, $0.stateDropout, $0.weightDrop) = (0.1, 0.1, 0.2) }
      ),
      ("lm zoneout", .init { ($0.zoneoutHidden, $0.zoneoutCell) = (0.1, 0.2) }),
      ("lm residual", .init(layers: 3) { $0.isResidual = true }),
      ("lm backwards", .init { $0.isBackwards = true }),
    ]
    return (cells + features).map { name, configuration in
      var configuration = configuration
      configuration.hiddenSize = 24
      configuration.embeddingSize = 12
      let fixed = configuration
      return (name, { try languageModelLosses(fixed) })
    }
  }

  static let story = (0..<120).map { "Day \($0). The lamp turned \($0 % 7) times.\n" }.joined()

  static func languageModelLosses(_ configuration: LanguageModel.Configuration) throws -> [Double] {
    let corpus = Corpus(text: story)
    let vocabulary = try Vocabulary(
      counting: Segmentation(unit: .grapheme), in: corpus, minimumCount: 2)
    var model = try LanguageModel(configuration, vocabulary: vocabulary, seed: 3)
    var options = options(LanguageModel.defaultOptions)
    (options.batch, options.steps, options.shards) = (6, 16, 3)
    return try losses { try model.train(on: corpus, options: options, report: $0) }
  }

  // MARK: Taggers

  private static var taggers: [(String, Run)] {
    func changed(_ change: (inout Tagger.Configuration) -> Void) -> Tagger.Configuration {
      var configuration = Tagger.Configuration()
      configuration.hiddenSize = 12
      configuration.wordSize = 10
      configuration.characterSize = 6
      configuration.characterFeatures = 8
      configuration.shapeSize = 4
      change(&configuration)
      return configuration
    }
    let cells = CellKind.builtIn.map { cell in
      ("tagger \(cell)", changed { $0.cell = cell })
    }
    let features = [
      ("tagger characters by lstm", changed { $0.characters = .lstm }),
      ("tagger without characters", changed { $0.characters = .none }),
      ("tagger softmax", changed { $0.decoder = .softmax }),
      ("tagger forwards, two layers", changed { ($0.isForwardOnly, $0.layers) = (true, 2) }),
      ("tagger state dropout", changed { $0.stateDropout = 0.3 }),
    ]
    return (cells + features).map { name, configuration in
      (name, { try taggerLosses(configuration) })
    }
  }

  static func sentences(_ count: Int) -> TaggedCorpus {
    var numbers = TestNumbers(seed: 5)
    let names = ["Ada", "Bo", "Cy", "Dee", "Eli", "Fay"]
    return TaggedCorpus(
      (0..<count).map { _ in
        let isPlace = numbers.integer(0...1) == 1
        let before = ["We", "heard", "that", "today"].prefix(numbers.integer(1...4))
        let type = isPlace ? "LOC" : "PER"
        let after = isPlace ? ["lies", "north"] : ["smiled", "again", "."]
        return TaggedSentence(
          words: before + [names[numbers.integer(0...5)], "Ng"] + after,
          tags: before.map { _ in "O" } + ["B-\(type)", "I-\(type)"] + after.map { _ in "O" })
      })
  }

  static func taggerLosses(_ configuration: Tagger.Configuration) throws -> [Double] {
    let corpus = sentences(60)
    var tagger = try Tagger(on: corpus, configuration, seed: 3)
    var options = options(Tagger.defaultOptions)
    (options.batch, options.validation) = (8, 0)
    return try losses { try tagger.train(on: corpus, options: options, report: $0) }
  }

  // MARK: Translators

  private static var translators: [(String, Run)] {
    func changed(_ change: (inout Translator.Configuration) -> Void) -> Translator.Configuration {
      var configuration = Translator.Configuration()
      configuration.hiddenSize = 12
      configuration.embeddingSize = 12
      change(&configuration)
      return configuration
    }
    let cells = CellKind.builtIn.filter { !$0.isWindow }.map { cell in
      ("translator \(cell)", changed { $0.cell = cell })
    }
    let features =
      Translator.AttentionKind.allCases.map { kind in
        ("translator attention \(kind.rawValue)", changed { $0.attention = kind })
      } + [
        ("translator input feeding", changed { ($0.feedsInput, $0.layers) = (true, 2) }),
        ("translator tied", changed { $0.tiesEmbeddings = true }),
        ("translator cutoffs", changed { $0.cutoffs = [32, 128] }),
        (
          "translator reversed, word dropout",
          changed { ($0.reversesSource, $0.wordDropout) = (true, 0.2) }
        ),
      ]
    return (cells + features).map { name, configuration in
      (name, { try translatorLosses(configuration) })
    }
  }

  static func pairs(_ count: Int) -> ParallelCorpus {
    var numbers = TestNumbers(seed: 7)
    let words = ["nil", "one", "two", "tri", "for"]
    return ParallelCorpus(
      (0..<count).map { _ in
        let digits = (0..<numbers.integer(1...5)).map { _ in numbers.integer(0...4) }
        return SentencePair(
          source: digits.map(String.init).joined(),
          target: digits.reversed().map { words[$0] }.joined(separator: " "))
      })
  }

  static func translatorLosses(_ configuration: Translator.Configuration) throws -> [Double] {
    let text = pairs(80)
    var translator = try Translator(
      configuration, source: text.vocabulary(of: \.source, Segmentation()),
      target: text.vocabulary(of: \.target, Segmentation()), seed: 3)
    var options = options(Translator.defaultOptions)
    (options.batch, options.validation) = (16, 0)
    return try losses { try translator.train(on: text, options: options, report: $0) }
  }

  // MARK: What they have in common

  private static func options(_ defaults: TrainingOptions) -> TrainingOptions {
    var options = defaults
    options.budget = .updates(10)
    options.rate = 0.01
    options.warmUp = 3
    options.weightDecay = 0.01
    options.seed = 11
    return options
  }

  private static func losses(
    _ train: ((TrainingEvent) throws -> Void) throws -> TrainingEnd
  ) throws -> [Double] {
    var losses: [Double] = []
    _ = try train { event in
      if case .update(let progress) = event { losses.append(progress.loss) }
    }
    return losses
  }
}
