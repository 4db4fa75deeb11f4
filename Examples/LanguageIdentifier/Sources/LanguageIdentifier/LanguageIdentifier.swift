import MajorTom

/// A model that says in which language a line is written: a fourth model on the cell library.
struct LanguageIdentifier: TrainableModel {
  typealias TrainingData = LabelledLines

  static let kind = ModelKind(name: "language-identifier", title: "language identifier")
  static let defaultOptions = TrainingOptions {
    $0.batch = 16
    $0.shards = 2
    $0.budget = .epochs(12)
  }
  static let idleOptions: Set = ["steps", "longest"]
  static func metric(for parts: Parts) -> Metric { .accuracy }

  /// What it is made of besides the network: the characters and the languages that it knows.
  struct Parts: ModelParts {
    var vocabulary: Vocabulary
    var languages: [String]

    func write(to file: inout ModelFileContents, prefix: String) {
      file.add(vocabulary, as: prefix + "vocabulary")
      file.add(languages, as: prefix + "languages")
    }
  }

  /// The size and shape of the network.
  struct Configuration: HyperparameterSet, RecurrentConfiguration {
    var cell = CellKind.lstm
    var layers = 1, hiddenSize = 64, embeddingSize = 32
    var dropout = 0.2

    static let hyperparameters: [Hyperparameter<Configuration>] = [
      .cell(\.cell),
      .integer("layers", \.layers, in: 1...8, "Layers", .network),
      .integer("hidden", \.hiddenSize, in: 1...4096, "Units of a layer, each way", .network),
      .integer("embedding", \.embeddingSize, in: 1...4096, "Width of a vector", .network),
      .probability(
        "dropout", \.dropout, "Probability that an output is dropped", .regularization),
    ]
  }

  var core: ModelCore<LanguageIdentifier>

  init(core: ModelCore<LanguageIdentifier>) { self.core = core }

  /// A fresh model of the characters and languages of some lines.
  init(on data: LabelledLines, _ configuration: Configuration, seed: UInt64) throws {
    let text = Corpus(text: data.lines.map(\.text).joined(separator: "\n"))
    let parts = Parts(
      vocabulary: try Vocabulary(counting: Segmentation(unit: .codePoint), in: text),
      languages: Set(data.lines.map(\.language)).sorted())
    try self.init(core: ModelCore(configuration, parts: parts, seed: seed))
  }

  static func makeNetwork(
    _ configuration: Configuration, parts: Parts
  ) throws -> IdentifierNetwork {
    IdentifierNetwork(
      configuration, characters: parts.vocabulary.count, languages: parts.languages.count)
  }

  var networkText: String {
    "\(configuration.cell), \(configuration.layers) x \(configuration.hiddenSize) units both ways"
  }
  var sizes: KeyValuePairs<String, Int> {
    ["characters": core.parts.vocabulary.count, "languages": core.parts.languages.count]
  }

  func makeTask(
    on data: LabelledLines, validation: LabelledLines?, _ options: TrainingOptions,
    _ shards: Shards
  ) throws -> IdentifierTask {
    // Lines at equal distances are kept, so that all languages are tried.
    let kept = options.validation > 0 ? max(2, Int((1 / options.validation).rounded())) : .max
    func coded(_ lines: some Sequence<LabelledLines.Line>) throws -> [IdentifierTask.Line] {
      try lines.compactMap { line in
        guard let language = core.parts.languages.firstIndex(of: line.language) else { return nil }
        let ids = try core.parts.vocabulary.encode(line.text).map(Int32.init)
        return ids.isEmpty ? nil : IdentifierTask.Line(ids: ids, language: Int32(language))
      }
    }
    let all = data.lines.enumerated()
    return IdentifierTask(
      network,
      training: try coded(
        all.filter { validation != nil || $0.offset % kept != kept - 1 }.map(\.element)),
      validation: try coded(
        validation?.lines ?? all.filter { $0.offset % kept == kept - 1 }.map(\.element)), options)
  }
}

extension LanguageIdentifier.Parts {
  init(from file: ModelFileReader, prefix: String) throws {
    self.init(
      vocabulary: try file.part(prefix + "vocabulary"),
      languages: try file.part(prefix + "languages"))
  }
}

/// Lines in batches of like length, in an order of their own in every epoch.
final class IdentifierTask: TrainingTask {
  struct Line: Sendable {
    let ids: [Int32]
    let language: Int32
  }

  private let network: IdentifierNetwork
  private let training, validation: [Line]
  private let batches: BucketedBatches
  private let masks: CounterRandom

  init(
    _ network: IdentifierNetwork, training: [Line], validation: [Line], _ options: TrainingOptions
  ) {
    (self.network, self.training, self.validation) = (network, training, validation)
    batches = BucketedBatches(
      lengths: training.map(\.ids.count), batch: options.batch ?? 16, shards: options.shards ?? 2,
      sortedWithin: 16, seed: options.seed)
    masks = CounterRandom(seed: options.seed, stream: .dropout)
  }

  var layout: ParameterLayout { network.layout }
  var shardCount: Int { batches.shardCount }
  var updatesPerEpoch: Int { batches.batchesPerEpoch }
  var tokensPerUpdate: Int { max(1, size(of: training).tokens / max(1, updatesPerEpoch)) }
  var unit: String { "char" }
  var trainingSize: DataSize { size(of: training) }
  var validationSize: DataSize { size(of: validation) }

  private func size(of lines: [Line]) -> DataSize {
    DataSize("line", examples: lines.count, tokens: lines.reduce(0) { $0 + $1.ids.count })
  }

  var fingerprint: Fingerprint {
    var fingerprint = Fingerprint()
    for line in training + validation { fingerprint.add(line.ids + [line.language]) }
    return fingerprint
  }

  func run(shard: Int, update: Int, on workspace: Workspace<Float>) -> Double {
    let all = batches.examples(ofUpdate: update)
    let mine = batches.part(shard, of: all).map { training[$0] }
    guard !mine.isEmpty else { return 0 }
    let scale = 1 / Double(all.count)
    return scale
      * network.lossAndGradients(
        mine.map(\.ids), languages: mine.map(\.language),
        masks: Dropout.Masks(masks, step: update, firstLane: shard << 16), scale: scale,
        on: workspace)
  }

  func validate(on pool: WorkspacePool<Float>, _ shards: Shards) -> Validation? {
    guard !validation.isEmpty else { return nil }
    let batches = BucketedBatches.byLength(validation.map(\.ids.count), maxExamples: 32)
    let right = shards.map(batches.count, on: pool) { number, workspace in
      let lines = batches[number].map { validation[$0] }
      let scores = network.forward(lines.map(\.ids), on: workspace).scores
      return lines.indices.count { row in
        let best = (0..<scores.columns).max { scores[row, $0] < scores[row, $1] }
        return best == Int(lines[row].language)
      }
    }
    return Validation(Double(right.reduce(0, +)) / Double(validation.count), .accuracy)
  }
}
