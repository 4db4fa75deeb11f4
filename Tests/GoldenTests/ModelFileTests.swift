import Foundation
import MajorTom
import TestSupport
import Testing

/// Files of all three kinds of models, written by one piece of code.
@Suite struct ModelFileTests {
  private let folder: Folder

  init() throws { folder = try Folder() }

  /// A fresh model of each kind, and how it is trained for some updates.
  private static func languageModel(_ run: TrainingRun) throws -> LanguageModel {
    let corpus = Corpus(text: GoldenCases.story)
    var model = try LanguageModel(
      on: corpus, .init(layers: 1, hiddenSize: 12) { $0.embeddingSize = 8 }, seed: 3)
    var options = LanguageModel.defaultOptions
    (options.batch, options.steps, options.shards) = (6, 16, 3)
    try model.train(on: corpus, for: .updates(12), options: options, run: run)
    return model
  }

  private static func tagger(_ run: TrainingRun) throws -> Tagger {
    let corpus = GoldenCases.sentences(40)
    var model = try Tagger(on: corpus, .init(hiddenSize: 8), seed: 3)
    try model.train(
      on: corpus, validation: GoldenCases.sentences(12), for: .updates(12), run: run)
    return model
  }

  private static func translator(_ run: TrainingRun) throws -> Translator {
    let corpus = GoldenCases.pairs(60)
    var model = try Translator(on: corpus, .init(hiddenSize: 8), seed: 3)
    try model.train(on: corpus, for: .updates(6), run: run)
    return model
  }

  private static let kinds:
    [(name: String, make: @Sendable (TrainingRun) throws -> any TrainableModel)] = [
      ("lm", { try languageModel($0) }), ("tagger", { try tagger($0) }),
      ("translator", { try translator($0) }),
    ]

  private func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.place(name))))
  }

  /// Nothing of the clock, of threads or of the hour stands in a file.
  @Test(arguments: 0..<3) func equalRunsMakeEqualFilesOnAnyNumberOfThreads(kind: Int) throws {
    for (name, threads) in [("one", 1), ("two", 2), ("again", 1)] {
      let files = RunFiles(model: folder.place(name))
      _ = try Self.kinds[kind].make(
        TrainingRun(threads: threads, files: files, dataNames: ["data"]))
    }
    #expect(try bytes("one") == bytes("two") && bytes("one") == bytes("again"))
  }

  /// The largest difference between weights, as a part of the largest weight of their row.
  private func worstError(_ model: some TrainableModel, _ other: some TrainableModel) -> Float {
    var worst: Float = 0
    for name in model.weights.names {
      let (mine, theirs) = (model.weights.elements(of: name), other.weights.elements(of: name))
      guard let mine, let theirs, mine.count == theirs.count else { return .infinity }
      let width = model.weights.shape(of: name)?.last ?? 1
      for row in stride(from: 0, to: mine.count, by: width) {
        let largest = mine[row..<row + width].reduce(0) { max($0, abs($1)) }
        for i in row..<row + width { worst = max(worst, abs(mine[i] - theirs[i]) / largest) }
      }
    }
    return worst
  }

  private func expectQuantizes<Model: TrainableModel>(_ model: Model) throws {
    try model.write(to: folder.place("whole"))
    for (precision, tolerance) in [(ProductPrecision.int8, 0.5 / 127), (.bfloat16, 1.0 / 256)] {
      let rounded = model.quantized(to: precision)
      #expect(worstError(model, rounded) <= Float(tolerance) * 1.001)
      #expect(worstError(model, rounded) > Float(tolerance) / 2)
      try rounded.write(to: folder.place("rounded"))
      let read = try Model(contentsOf: folder.place("rounded"))
      // A row's scale is found anew from its largest element, which may cost its last bit.
      #expect(worstError(read, rounded) < 1e-6)
      #expect(read.core.precision == precision && read.core.filePrecision == precision)
      #expect(read.jsonDescription.contains("\"precision\":\"\(precision.rawValue)\""))
      #expect(read.card == model.card)
      #expect(try bytes("rounded").count < bytes("whole").count)
    }
  }

  @Test(arguments: 0..<3) func roundedModelsAreKeptAsTheyAre(kind: Int) throws {
    try expectQuantizes(try Self.kinds[kind].make(TrainingRun()))
  }

  @Test func memoryIsForetoldByWhatItIsFor() throws {
    let corpus = Corpus(text: GoldenCases.story)
    func bytes(hidden: Int, shards: Int) throws -> [String: Int] {
      let model = try LanguageModel(on: corpus, .init(layers: 1, hiddenSize: hidden), seed: 3)
      var options = LanguageModel.defaultOptions
      (options.batch, options.steps, options.shards) = (8, 16, shards)
      let forecast = try model.memoryForecast(on: corpus, options: options)
      #expect(forecast.total == forecast.parts.reduce(0) { $0 + $1.bytes })
      #expect(forecast.parts.allSatisfy { $0.bytes > 0 })
      return Dictionary(uniqueKeysWithValues: forecast.parts.map { ($0.name, $0.bytes) })
    }
    let (small, wide) = (try bytes(hidden: 8, shards: 4), try bytes(hidden: 64, shards: 8))
    let gradients = try #require(small["gradients of 4 shards"])
    #expect(small["weights"] == gradients / 2 && small["moments"] == gradients / 2)
    #expect(wide["gradients of 8 shards"] == wide["weights"].map { 4 * $0 })
    for part in ["weights", "packed copies", "activations", "validation"] {
      #expect(try #require(wide[part]) > #require(small[part]), "\(part)")
    }
  }

  @Test func aRoundedModelPredictsNearlyAsWell() throws {
    let model = try Self.languageModel(TrainingRun())
    let corpus = Corpus(text: GoldenCases.story)
    let whole = try model.evaluate(on: corpus).natsPerToken
    for precision in [ProductPrecision.int8, .bfloat16] {
      let loss = try model.quantized(to: precision).evaluate(on: corpus).natsPerToken
      #expect(abs(loss - whole) < 0.01 && loss != whole, "\(precision)")
    }
  }

  @Test func trainingARoundedModelMakesOneInFloat() throws {
    var model = try Self.languageModel(TrainingRun()).quantized(to: .int8)
    var options = LanguageModel.defaultOptions
    (options.batch, options.steps) = (6, 16)
    try model.train(on: Corpus(text: GoldenCases.story), for: .updates(1), options: options)
    #expect(model.core.filePrecision == .float32 && model.core.precision == .float32)
  }

  @Test(arguments: 0..<3) func oneFlippedBitAnywhereIsFound(kind: Int) throws {
    let model = try Self.kinds[kind].make(TrainingRun())
    try model.write(to: folder.place("sound"))
    let sound = try bytes("sound")
    let type = Swift.type(of: model)
    _ = try type.init(contentsOf: folder.place("sound"))
    for place in stride(from: 0, to: sound.count, by: max(1, sound.count / 300)) {
      var damaged = sound
      damaged[place] ^= 1 << UInt8(place % 8)
      let path = try folder.write("damaged", damaged)
      #expect(throws: FileError.self, "byte \(place)") { try type.init(contentsOf: path) }
    }
  }

  /// A file that another program has written: sound, without a checksum, but with more in it.
  @Test func whatIsNotUnderstoodIsRefused() throws {
    let model = try Self.languageModel(TrainingRun())
    try model.write(to: folder.place("sound"))
    let file = try SafetensorsFile(contentsOf: folder.place("sound"))
    let path = folder.place("more")
    func sentence(_ change: (inout [String: String]) -> Void) throws -> String {
      var metadata = file.metadata
      change(&metadata)
      let weights = try file.parameters(model.network.layout)
      try SafetensorsFile.write([.init(weights)], metadata: metadata, to: path)
      do {
        _ = try LanguageModel(contentsOf: path)
        return ""
      } catch { return "\(error)" }
    }
    #expect(try sentence { _ in }.isEmpty)
    #expect(try sentence { $0["sampler"] = "{}" }.contains("what its part sampler means"))
    #expect(try sentence { $0["vocabulary"] = nil }.contains("its vocabulary is missing"))
    #expect(
      try sentence { $0["configuration"] = #"{"cell":"lstm","gates":5}"# }.contains(
        "gates: this version does not know it"))
    #expect(
      try sentence { $0["configuration"] = #"{"hidden":-4}"# }.contains(
        "hidden -4: expected a whole number from 1 to 16384"))
  }

  @Test func weightsInBytesAreReadByTheirRowsScales() throws {
    // Two rows of I8 with a scale each, as quantised files have them.
    let header =
      #"{"w":{"dtype":"I8","shape":[2,3],"data_offsets":[0,6]},"#
      + #""w.scales":{"dtype":"F32","shape":[2],"data_offsets":[6,14]}}"#
    var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
    bytes += Array(header.utf8)
    bytes += [1, 2, 0xFF, 127, 0x81, 0]
    for scale in [Float(0.5), 2] { withUnsafeBytes(of: scale) { bytes += Array($0) } }
    let path = try folder.write("bytes", bytes)
    let file = try SafetensorsFile(contentsOf: path)
    var found = [Float](repeating: 0, count: 6)
    try found.withUnsafeMutableBufferPointer { try file.copy("w", shape: [2, 3], into: $0) }
    #expect(found == [0.5, 1, -0.5, 254, -254, 0])
  }

  /// Training on goes from the weights as they are: what fresh weights begin with is not set again.
  @Test func trainingALoadedModelKeepsItsOutputBias() throws {
    let model = try Self.languageModel(TrainingRun())
    let before = try #require(model.weights.elements(of: "output.bias"))
    var more = model
    var options = LanguageModel.defaultOptions
    (options.batch, options.steps, options.rate, options.validation) = (6, 16, 1e-9, 0)
    try more.train(on: Corpus(text: GoldenCases.story), for: .updates(1), options: options)
    let after = try #require(more.weights.elements(of: "output.bias"))
    #expect(zip(before, after).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test func networksLargerThanTheMemoryAreRefusedBeforeTheyAreMade() throws {
    let corpus = GoldenCases.sentences(40)
    var size = Tagger.Configuration()
    (size.hiddenSize, size.layers) = (16384, 64)
    var sentence = ""
    do { _ = try Tagger(on: corpus, size) } catch { sentence = "\(error)" }
    #expect(sentence.contains("and the machine has"))
    sentence = ""
    do {
      _ = try Translator(on: GoldenCases.pairs(60), .init(layers: 32, hiddenSize: 16384))
    } catch { sentence = "\(error)" }
    #expect(sentence.contains("and the machine has"))
  }

  @Test func optionsThatMakeNoBatchAreRefused() throws {
    var model = try Self.languageModel(TrainingRun())
    let corpus = Corpus(text: GoldenCases.story)
    for change: (inout TrainingOptions) -> Void in [
      { $0.batch = 0 }, { $0.steps = 0 }, { $0.shards = 0 }, { $0.validation = -1 },
      {
        $0.batch = 2; $0.shards = 3
      },
    ] {
      var options = LanguageModel.defaultOptions
      change(&options)
      #expect(throws: HyperparameterError.self) {
        try model.train(on: corpus, for: .updates(1), options: options)
      }
    }
  }
}
