import Foundation
import MajorTom
import TestSupport
import Testing

@testable import LanguageModel
@testable import Training

/// A text with something to learn, made by a rule: words follow each other by a fixed table.
func sampleText(symbols: Int, seed: UInt64 = 1) -> String {
  let words = ["the cat ", "sat on ", "a mat.\n", "Der Käse ", "läuft. ", "猫は", "眠る。\n", "no "]
  var numbers = TestNumbers(seed: seed)
  var text = ""
  var last = 0
  while text.count < symbols {
    last = (3 * last + numbers.integer(0...2)) % words.count
    text += words[last]
  }
  return String(text.prefix(symbols))
}

struct Prepared {
  let vocabulary: Vocabulary
  let symbols: EncodedCorpus

  init(_ text: String) throws {
    (vocabulary, symbols) = try Corpus(text: text).encoded(by: Segmentation(unit: .grapheme))
  }
}

func smallConfiguration(
  _ kind: CellKind = .lstm, dropout: Double = 0, weightDrop: Double = 0, isBackwards: Bool = false
) -> LanguageModel.Configuration {
  .init(cell: kind, layers: 2, hiddenSize: 24, dropout: dropout) {
    $0.embeddingSize = 12
    $0.weightDrop = weightDrop
    $0.isBackwards = isBackwards
  }
}

func options(
  updates: Int, threads: Int = 2, _ change: (inout TestRun) -> Void = { _ in }
) -> TestRun {
  var test = TestRun(LanguageModel.defaultOptions, .updates(updates), warmUp: 5)
  test.options.patience = 0
  (test.options.batch, test.options.steps) = (8, 16)
  (test.options.validation, test.options.shards) = (0.2, 3)
  test.run.threads = threads
  change(&test)
  return test
}

/// Numbers that stay where they are, for as long as this lives.
final class FixedNumbers {
  let block: IndexBlock
  private let pointer: UnsafeMutablePointer<Int32>

  init(_ numbers: [Int]) {
    pointer = .allocate(capacity: numbers.count)
    block = IndexBlock(pointer, count: numbers.count)
    for (index, number) in numbers.enumerated() { block[index] = Int32(number) }
  }

  deinit { pointer.deallocate() }
}

func temporaryPath(_ name: String) -> String {
  NSTemporaryDirectory() + "majortom-\(UUID().uuidString)-\(name)"
}

func bits(_ model: LanguageModel) -> [UInt32] {
  model.weightBits
}

@Suite struct LanguageModelTests {
  @Test(arguments: [CellKind.lstm, .gru, .elman])
  func gradientsOfTheWholeNetworkMatchCentralDifferences(kind: CellKind) {
    let configuration = LanguageModel.Configuration(
      cell: kind, layers: 2, hiddenSize: 4, dropout: 0.3
    ) { $0.embeddingSize = 3 }
    let network = LanguageNetwork(configuration, vocabularySize: 7)
    let parameters = Parameters<Double>(network.layout, seed: 2)
    let packed = PackedWeights<Double>(network.layout, forTraining: true)
    let workspace = Workspace(parameters, packed: packed, forTraining: true)
    let inputs = FixedNumbers([1, 5, 1, 0, 6, 5, 2, 2])
    let targets = FixedNumbers([5, 1, 0, 6, -1, 2, 2, 3])
    let state = StackState<Double>(network.stack, batch: 2)
    var numbers = TestNumbers(seed: 4)
    let start = (0..<state.block.layout.count).map { _ in numbers.next() }
    let masks = Dropout.Masks(CounterRandom(seed: 1, stream: .dropout), step: 0, firstLane: 0)
    func loss() -> Double {
      for (index, value) in start.enumerated() { state.block.base[index] = value }
      packed.load(parameters, on: Shards(threads: 1))
      workspace.reset()
      return 0.25
        * network.lossAndGradients(
          .init(
            inputs: inputs.block, targets: targets.block,
            shape: PackedShape(steps: 4, batch: 2)), state: state, masks: masks, scale: 0.25,
          on: workspace)
    }
    defer { withExtendedLifetime((inputs, targets)) {} }
    for (name, error) in worstGradientErrors(of: parameters, on: workspace, loss: { _ in loss() }) {
      #expect(error < 1e-7, "\(name)")
    }
  }

  @Test func trainingBeatsTheTextSSymbolFrequencies() throws {
    let data = try Prepared(sampleText(symbols: 6000))
    var model = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
    try model.train(on: data.symbols, options(updates: 250))
    // The entropy of single symbols, which a model without memory cannot beat.
    var counts: [Int: Double] = [:]
    for index in 0..<data.symbols.count { counts[data.symbols[index], default: 0] += 1 }
    let total = Double(data.symbols.count)
    let entropy = counts.values.reduce(0) { $0 - $1 / total * log($1 / total) }
    let best = try #require(model.card.best?.value)
    #expect(best < 0.5 * entropy)
  }

  @Test(arguments: [CellKind.lstm, .gru])
  func resultsAreBitIdenticalForAnyNumberOfThreads(kind: CellKind) throws {
    let data = try Prepared(sampleText(symbols: 3000))
    let results = try [1, 2, 3].map { threads in
      var model = try LanguageModel(
        smallConfiguration(kind, dropout: 0.3, weightDrop: 0.2), vocabulary: data.vocabulary)
      try model.train(on: data.symbols, options(updates: 40, threads: threads))
      return bits(model)
    }
    #expect(results[0] == results[1])
    #expect(results[0] == results[2])
  }

  @Test func aResumedRunIsBitIdenticalToOneNeverInterrupted() throws {
    let data = try Prepared(sampleText(symbols: 3000))
    let path = temporaryPath("model")
    defer {
      unlink(path)
      unlink(path + ".checkpoint")
    }
    func run(stopAfter: Int?, files: RunFiles?) throws -> (LanguageModel, TrainingEnd) {
      var model = try LanguageModel(
        smallConfiguration(dropout: 0.3, weightDrop: 0.2), vocabulary: data.vocabulary)
      var made = 0
      let end = try model.train(
        on: data.symbols, options(updates: 60) { $0.run.files = files },
        report: { if case .update = $0 { made += 1 } }, isStopped: { made == stopAfter })
      return (model, end)
    }
    let (whole, _) = try run(stopAfter: nil, files: nil)
    for stop in [23, 20] {
      let (_, end) = try run(stopAfter: stop, files: RunFiles(model: path, resumes: true))
      #expect(end == .interrupted)
      #expect(FileWriter.exists(path + ".checkpoint"))
    }
    let (resumed, end) = try run(stopAfter: nil, files: RunFiles(model: path, resumes: true))
    #expect(end == .budget)
    #expect(bits(resumed) == bits(whole))
    #expect(!FileWriter.exists(path + ".checkpoint"))
    #expect(bits(try LanguageModel(contentsOf: path)) == bits(whole))
  }

  /// The plug is pulled where it hurts most: a checkpoint is on the disk, and its update is not yet
  /// validated.
  @Test(arguments: [10, 20]) func aValidationThatAKillPreventedIsMadeUpFor(update: Int) throws {
    struct Killed: Error {}
    let data = try Prepared(sampleText(symbols: 3000))
    let path = temporaryPath("killed")
    defer {
      unlink(path)
      unlink(path + ".checkpoint")
    }
    func run(
      _ files: RunFiles?, killedAt update: Int? = nil
    ) throws -> (LanguageModel, [Double]) {
      var model = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
      var validations: [Double] = []
      var made = 0
      let test = options(updates: 40) {
        $0.run.files = files
        $0.options.validateEvery = 10
      }
      let report: (TrainingEvent) throws -> Void = { event in
        switch event {
        case .update(let progress): made = progress.update
        case .validation(_, let result, _): validations.append(result.value)
        case .saved(let name) where name.hasSuffix(".checkpoint") && made == update:
          throw Killed()
        default: break
        }
      }
      try model.train(on: data.symbols, test, report: report)
      return (model, validations)
    }
    let (whole, all) = try run(nil)
    let files = RunFiles(model: path, secondsBetweenCheckpoints: 0, resumes: true)
    #expect(throws: Killed.self) { try run(files, killedAt: update) }
    let (resumed, rest) = try run(files)
    #expect(bits(resumed) == bits(whole) && resumed.card.bestUpdate == whole.card.bestUpdate)
    #expect(rest == Array(all.suffix(rest.count)) && rest.count == 5 - update / 10)
  }

  @Test func oneTrainingAtATimeWritesToAFile() throws {
    let data = try Prepared(sampleText(symbols: 3000))
    let path = temporaryPath("locked")
    let leftover =
      path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/") + "/." + (path.split(separator: "/").last ?? "") + ".1z0"
    defer {
      unlink(path)
      unlink(path + ".checkpoint")
    }
    func run() throws {
      var model = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
      try model.train(
        on: data.symbols, options(updates: 2) { $0.run.files = RunFiles(model: path) })
    }
    try Data("half".utf8).write(to: URL(fileURLWithPath: leftover))
    do {
      let lock = try FileLock(path + ".lock", for: path, heldBy: "a test")
      #expect(throws: FileError.unwritable(path: path, reason: "another training writes to it")) {
        try run()
      }
      _ = consume lock
    }
    #expect(!FileWriter.exists(path) && !FileWriter.exists(path + ".lock"))
    #expect(FileWriter.exists(leftover))
    try run()
    #expect(FileWriter.exists(path) && !FileWriter.exists(path + ".lock"))
    #expect(!FileWriter.exists(leftover))
  }

  @Test func aFinishedRunIsNotGoneOnWith() throws {
    let data = try Prepared(sampleText(symbols: 3000))
    let path = temporaryPath("finished")
    defer { unlink(path) }
    func run() throws {
      var model = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
      let files = RunFiles(model: path, resumes: true)
      try model.train(on: data.symbols, options(updates: 10) { $0.run.files = files })
    }
    try run()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(throws: TrainingError.finished(path: path)) { try run() }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
    #expect(!FileWriter.exists(path + ".checkpoint"))
  }

  @Test func arenasAskForNoMemoryOnceTrainingIsSteady() throws {
    let data = try Prepared(sampleText(symbols: 3000))
    let network = LanguageNetwork(smallConfiguration(), vocabularySize: data.vocabulary.count)
    var training = TrainingOptions()
    training.budget = .updates(40)
    (training.batch, training.steps, training.shards) = (4, 8, 1)
    let task = try LaneTask(
      network, tokens: data.symbols, training, weightDrop: 0, unit: "char")
    let loop = TrainingLoop(
      task, parameters: Parameters(network.layout, seed: 1), options: training,
      on: Shards(threads: 2))
    var counts: [Int] = []
    _ = try loop.run { if case .update = $0 { counts.append(loop.arenaAllocations) } }
    #expect(counts[0] > 0)
    // The number of distinct symbols of a batch varies, so the largest batch may come a bit later.
    #expect(counts[20] == counts[39])
  }

  @Test func theOutputBiasBeginsAtTheSymbolsFrequencies() throws {
    let data = try Prepared(sampleText(symbols: 4000))
    var model = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
    var first = 0.0
    try model.train(on: data.symbols, options(updates: 1)) {
      if case .update(let progress) = $0 { first = progress.loss }
    }
    #expect(first < 4)  // ln 269, without the bias, is 5.6
  }

  @Test func aCorpusShorterThanItsLanesIsRefused() throws {
    let data = try Prepared(sampleText(symbols: 200))
    var model = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
    #expect(throws: LanguageModelError.self) {
      try model.train(on: data.symbols, options(updates: 1))
    }
  }
}

@Suite struct ModelFileTests {
  @Test func aModelReadBackIsTheSame() throws {
    let data = try Prepared(sampleText(symbols: 3000))
    var model = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
    try model.train(on: data.symbols, options(updates: 10) { $0.run.dataNames = ["a \"b\" ü.txt"] })
    let path = temporaryPath("same")
    defer { unlink(path) }
    try model.write(to: path)
    let read = try LanguageModel(contentsOf: path)
    #expect(bits(read) == bits(model))
    #expect(read.vocabulary == model.vocabulary)
    #expect(read.configuration == model.configuration)
    #expect(read.card == model.card)
    let texts = [model, read].map { $0.generate(.init(length: 50), seed: 4).joined() }
    #expect(texts[0] == texts[1])
  }

  @Test func filesOfAnotherKindAreNamed() throws {
    let path = temporaryPath("other")
    defer { unlink(path) }
    var layout = ParameterLayout()
    _ = layout.declare("w", shape: [2], as: .constant(1))
    let block = Parameters<Float>(layout, seed: 1)
    func sentence(_ metadata: [String: String]) throws -> String {
      try SafetensorsFile.write([.init(block)], metadata: metadata, to: path)
      do {
        _ = try LanguageModel(contentsOf: path)
        return ""
      } catch { return "\(error)" }
    }
    #expect(try sentence([:]).contains("not written by majortom"))
    #expect(try sentence(["kind": "tagger"]).contains("this is a tagger"))
    let kind = LanguageModel.kind.name
    #expect(try sentence(["kind": kind]).contains("configuration is missing"))
    #expect(
      try sentence(["kind": kind, "format": "majortom 3"]).contains("its format is majortom 3"))
  }

  @Test func hostileConfigurationsAreRefused() throws {
    let data = try Prepared(sampleText(symbols: 600))
    let path = temporaryPath("hostile")
    defer { unlink(path) }
    let model = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
    try model.write(to: path)
    let metadata = try SafetensorsFile(contentsOf: path).metadata
    // The file is sound: only the sizes lie.
    for (from, to) in [
      ("\"hidden\":24", "\"hidden\":-4"), ("\"hidden\":24", "\"hidden\":25"),
      ("\"hidden\":24", "\"hidden\":9999999999999"), ("\"layers\":2", "\"layers\":9"),
      ("\"dropout\":0", "\"dropout\":7"),
    ] {
      var lying = metadata
      let configuration = try #require(metadata["configuration"])
      #expect(configuration.contains(from))
      lying["configuration"] = configuration.replacingOccurrences(of: from, with: to)
      try SafetensorsFile.write([.init(model.weights.block)], metadata: lying, to: path)
      #expect(throws: FileError.self) { try LanguageModel(contentsOf: path) }
    }
  }
}
