import Foundation
import MajorTom
import Testing

/// A leaky integrator, as another package would write it: h' = leak · h + (1 - leak) · tanh(a).
private struct Leaky: RecurrentCell {
  static let name = "leaky"
  static let settings = [CellSetting("leak", 0.5, in: 0...1)]

  let leak: Double

  init(_ settings: CellSettings) { leak = settings["leak"] ?? 0.5 }

  var gateNames: [String] { ["a"] }
  var cellVectorCount: Int { 0 }
  var carriesHiddenDirectly: Bool { true }

  func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {
    let (a, next) = (step.gate(0), step.next.hidden)
    S.tanh(a, into: a)
    S.subtract(step.previous.hidden, from: a, into: next)
    S.scale(next, by: S(1 - leak))
    S.add(step.previous.hidden, into: next)
  }

  func differentiate<S: Real>(
    _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
  ) {
    S.tanhGradient(gradient.hidden, at: step.gate(0), into: step.gate(0))
    S.scale(step.gate(0), by: S(1 - leak))
    S.scale(gradient.hidden, by: S(leak))
  }
}

/// A cell of one's own in the three models: trained, kept, read back and resumed.
@Suite struct OwnCellTests {
  private let leaky = CellKind(Leaky.self, ["leak": 0.75])

  private func inFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
  }

  private func corpus() -> Corpus {
    Corpus(text: (0..<400).map { "Day \($0). The lamp turned \($0 % 7) times.\n" }.joined())
  }

  /// Writes a model and reads it back with the cell; without it, and with a wrong one, it is refused.
  private func check<Model: TrainableModel>(_ model: Model, _ cell: (Model) -> CellKind) throws {
    try inFolder { folder in
      let path = "\(folder)/m.safetensors"
      try model.write(to: path)
      let read = try Model(contentsOf: path, cells: [Leaky.self])
      #expect(cell(read) == leaky)
      try read.write(to: "\(folder)/n.safetensors")
      #expect(
        FileManager.default.contents(atPath: path)
          == FileManager.default.contents(atPath: "\(folder)/n.safetensors"))
      do {
        _ = try Model(contentsOf: path)
        Issue.record("a cell that nobody knows was taken")
      } catch {
        #expect("\(error)".hasPrefix("\(path): no cell is called \"leaky\" here: known are lstm"))
      }
      #expect(throws: CellError.taken("leaky")) {
        _ = try Model(contentsOf: path, cells: [Leaky.self, Leaky.self])
      }
    }
  }

  @Test func itEntersALanguageModel() throws {
    let corpus = corpus()
    var model = try LanguageModel(on: corpus, .init(cell: leaky, hiddenSize: 16))
    let before = model.weightsChecksum
    try model.train(on: corpus, for: .updates(3))
    #expect(model.weightsChecksum != before)
    #expect(!model.generate(after: "Day", .init(length: 20)).joined().isEmpty)
    #expect(model.networkText == "leaky(leak=0.75), 2 x 16 units")
    try check(model) { $0.configuration.cell }
  }

  @Test func itEntersATagger() throws {
    let sentences = TaggedCorpus(
      (0..<24).map { number in
        TaggedSentence(
          words: ["We", "heard", number % 2 == 0 ? "Ada" : "Bo"], tags: ["O", "O", "B-PER"])
      })
    var tagger = try Tagger(on: sentences, .init(cell: leaky, hiddenSize: 8))
    try tagger.train(on: sentences, for: .epochs(1))
    try check(tagger) { $0.configuration.cell }
  }

  @Test func itEntersATranslator() throws {
    let pairs = try ParallelCorpus(
      numbers: 0...60, from: SpelledNumbers(locale: "en"), to: SpelledNumbers(locale: "fr"),
      count: 60, seed: 1)
    var translator = try Translator(on: pairs, .init(cell: leaky, hiddenSize: 16))
    try translator.train(on: pairs, for: .updates(2))
    try check(translator) { $0.configuration.cell }
  }

  @Test func twoVectorsOfMemoryEnterATranslator() throws {
    struct Two: RecurrentCell {
      static let name = "two"
      let leaky = Leaky([:])
      init(_ settings: CellSettings) {}
      var gateNames: [String] { ["a"] }
      var cellVectorCount: Int { 2 }
      var carriesHiddenDirectly: Bool { true }
      func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {
        leaky.activate(step, on: workspace)
        S.copy(step.previous.cell, into: step.next.cell)
      }
      func differentiate<S: Real>(
        _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
      ) {
        leaky.differentiate(step, gradient: gradient, on: workspace)
      }
    }
    let pairs = try ParallelCorpus(
      numbers: 0...60, from: SpelledNumbers(locale: "en"), to: SpelledNumbers(locale: "fr"),
      count: 60, seed: 1)
    var translator = try Translator(on: pairs, .init(cell: CellKind(Two.self), hiddenSize: 16))
    try translator.train(on: pairs, for: .updates(3))
    #expect(translator.weights.shape(of: "bridge.cell_l0.weight") == [32, 32])
  }

  @Test func aRunOfItIsResumedToTheSameBytes() throws {
    try inFolder { folder in
      let corpus = corpus()
      func train(_ name: String, stoppedAfter: Int?, resumes: Bool) throws -> String {
        var model = try LanguageModel(on: corpus, .init(cell: leaky, hiddenSize: 8))
        var asked = 0
        let run = TrainingRun(
          files: RunFiles(folder: "\(folder)/\(name)", resumes: resumes),
          isStopped: {
            asked += 1
            return stoppedAfter.map { asked > $0 } ?? false
          })
        try model.train(on: corpus, for: .updates(6), run: run)
        return model.weightsChecksum
      }
      let whole = try train("whole", stoppedAfter: nil, resumes: false)
      _ = try train("cut", stoppedAfter: 3, resumes: false)
      #expect(try train("cut", stoppedAfter: nil, resumes: true) == whole)
    }
  }

  @Test func aCellWithTheNameOfAnotherMakesNoModel() {
    struct Impostor: RecurrentCell {
      static let name = "gru"
      init(_ settings: CellSettings) {}
      var gateNames: [String] { ["a"] }
      var cellVectorCount: Int { 0 }
      func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {}
      func differentiate<S: Real>(
        _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
      ) {}
    }
    do {
      _ = try LanguageModel(on: corpus(), .init(cell: CellKind(Impostor.self)))
      Issue.record("a cell of another's name was taken")
    } catch {
      #expect("\(error)".contains("two cells are called \"gru\""))
    }
  }
}
