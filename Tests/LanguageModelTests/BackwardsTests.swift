import Foundation
import MajorTom
import TestSupport
import Testing

@testable import LanguageModel

/// The same weights in a model that reads forwards.
func forwardTwin(of model: LanguageModel) throws -> LanguageModel {
  var configuration = model.configuration
  configuration.isBackwards = false
  var twin = try LanguageModel(configuration, vocabulary: model.vocabulary)
  try twin.adoptWeights(of: model)
  return twin
}

private func numbers(of symbols: EncodedCorpus) -> [Int] {
  (0..<symbols.count).map { symbols[$0] }
}

@Suite struct BackwardsTests {
  private let data: Prepared
  /// The corpus written down in the other order, number by number.
  private let turned: EncodedCorpus

  init() throws {
    data = try Prepared(sampleText(symbols: 5000))
    turned = EncodedCorpus(
      ids: numbers(of: data.symbols).reversed(), vocabularyCount: data.vocabulary.count)
  }

  private func trained(updates: Int = 120) throws -> LanguageModel {
    var model = try LanguageModel(
      smallConfiguration(isBackwards: true), vocabulary: data.vocabulary)
    try model.train(on: data.symbols, options(updates: updates))
    return model
  }

  @Test func trainingIsThatOfAForwardModelOnTheTurnedText() throws {
    let model = try trained(updates: 40)
    var forward = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
    try forward.train(on: turned, options(updates: 40))
    #expect(bits(model) == bits(forward))
    #expect(model.card.best == forward.card.best)
    var other = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
    try other.train(on: data.symbols, options(updates: 40))
    #expect(bits(model) != bits(other))
  }

  @Test(arguments: EvaluationProtocol.allCases)
  func evaluationPredictsEachSymbolFromThoseAfterIt(name: EvaluationProtocol) throws {
    let model = try trained(updates: 30)
    // Symbols 700 to 3399 of the text are 1600 to 4299 of the turned one.
    let result = try model.evaluate(on: data.symbols, range: 700..<3400, protocol: name)
    let expected = try forwardTwin(of: model).evaluate(
      on: turned, range: 1600..<4300, protocol: name)
    #expect(result == expected)
    let text = Array(sampleText(symbols: 5000))[700..<3400]
    let predicted = text.dropLast().suffix(name == .crops ? 10 * 256 : 2699)
    #expect(result.tokens == predicted.count)
    #expect(result.bytes == predicted.reduce(0) { $0 + String($1).utf8.count })
  }

  @Test(arguments: [false, true])
  func theValidationRangeIsWhatTrainingDidNotSee(isBackwards: Bool) throws {
    var model = try LanguageModel(
      smallConfiguration(isBackwards: isBackwards), vocabulary: data.vocabulary)
    try model.train(on: data.symbols, options(updates: 30))
    let range = model.validationRange(of: 5000)
    #expect(range == (isBackwards ? 0..<1000 : 4000..<5000))
    // The model is the one of the best validation, whose loss training has noted; over so short a
    // range, lanes are one run.
    let result = try model.evaluate(on: data.symbols, range: range)
    let noted = try #require(model.card.best?.value)
    #expect(abs(result.natsPerToken - noted) < 1e-6 * noted)
  }

  @Test func whatIsWrittenComesBeforeThePrompt() throws {
    let model = try trained(updates: 250)
    func before(_ text: String, _ length: Int) -> String {
      model.generate(after: text, .init(temperature: 0, length: length)).joined()
    }
    // Whatever the text goes on with, "cat " is always after "the ".
    #expect(before("cat sat on ", 4) == "the ")
    let whole = before("a mat.\n", 12)
    #expect(whole.count == 12)
    var text = "a mat.\n"
    for _ in 0..<12 { text = before(text, 1) + text }
    #expect(text == whole + "a mat.\n")
    let sampled = (1...2).map { model.generate(.init(length: 80), seed: $0).joined() }
    #expect(sampled[0] != sampled[1] && sampled[0].count == 80)
    let again = model.generate(.init(length: 80), seed: 1)
    #expect(Array(again) == [sampled[0]])
    #expect(model.generate(.init(length: 0)).joined().isEmpty)
  }

  @Test func charactersOfSeveralSymbolsAreWhole() throws {
    // A vocabulary of bytes alone: each character is several symbols, written last byte first.
    let vocabulary = try Vocabulary(segmentation: Segmentation(), tokens: [])
    let text = String(repeating: "猫läuft眠\n", count: 300)
    let symbols = try EncodedCorpus(Corpus(text: text), vocabulary: vocabulary)
    var model = try LanguageModel(smallConfiguration(isBackwards: true), vocabulary: vocabulary)
    try model.train(on: symbols, options(updates: 200))
    let found = model.generate(after: "眠\n", .init(temperature: 0, length: 9)).joined()
    #expect(found == "猫läuft")
  }

  @Test func whatCannotBeWrittenBackwardsIsRefused() throws {
    let model = try trained(updates: 1)
    #expect(throws: LanguageModelError.backwardsWithoutLength) {
      try Generation(model, .init(length: nil))
    }
    #expect(throws: LanguageModelError.backwardsWithStops) {
      try Generation(model, .init(length: 9, stops: ["."]))
    }
  }

  @Test func filesKeepTheDirectionAndOlderOnesReadForwards() throws {
    let model = try trained(updates: 1)
    let path = temporaryPath("backwards")
    defer { unlink(path) }
    try model.write(to: path)
    #expect(try LanguageModel(contentsOf: path).configuration == model.configuration)
    #expect(model.jsonDescription.contains("\"backwards\":true"))
    let older = #"{"cell":"gru","layers":1,"hiddenSize":8,"embeddingSize":4}"#
    let read = try JSONDecoder().decode(
      LanguageModel.Configuration.self, from: Data(older.utf8))
    #expect(!read.isBackwards && read.cell == .gru)
  }

  @Test(arguments: [false, true])
  func aCheckpointOfTheOtherDirectionIsRefused(isBackwards: Bool) throws {
    let path = temporaryPath("direction")
    defer {
      unlink(path)
      unlink(path + ".checkpoint")
    }
    func run(_ isBackwards: Bool, on symbols: EncodedCorpus, stopAfter: Int?) throws {
      var model = try LanguageModel(
        smallConfiguration(isBackwards: isBackwards), vocabulary: data.vocabulary)
      var made = 0
      try model.train(
        on: symbols, options(updates: 9) { $0.run.files = RunFiles(model: path, resumes: true) },
        report: { if case .update = $0 { made += 1 } }, isStopped: { made == stopAfter })
    }
    try run(isBackwards, on: data.symbols, stopAfter: 4)
    // Neither with the same text nor with one turned so that the symbols come in the same order.
    for symbols in [data.symbols, turned] {
      #expect(throws: TrainingError.self) { try run(!isBackwards, on: symbols, stopAfter: nil) }
    }
    try run(isBackwards, on: data.symbols, stopAfter: nil)
  }

  @Test func inspectionIsInTheOrderOfTheText() throws {
    let model = try trained(updates: 30)
    let twin = try forwardTwin(of: model)
    let symbols = Array(numbers(of: data.symbols).prefix(700))
    let reversed = Array(symbols.reversed())
    let units = [LanguageModel.Unit(layer: 1, number: 2), .init(layer: 2, number: 5)]
    let found = try model.activations(of: units, signal: "c", in: symbols)
    let expected = try twin.activations(of: units, signal: "c", in: reversed)
    // Compared beforehand: a failure need not print thousands of numbers.
    let areTurned = found == expected.map { $0.reversed() }
    #expect(areTurned)
    let property = symbols.indices.map { Double($0 * $0 % 11) }
    let ranked = try model.units(following: property, signal: "h", in: symbols)
    let other = try twin.units(following: property.reversed(), signal: "h", in: reversed)
    let areRankedAlike = ranked.elementsEqual(other) { $0 == $1 }
    #expect(areRankedAlike)
    #expect(
      try model.gradientNorms(on: symbols, length: 16)
        == twin.gradientNorms(on: reversed, length: 16))
  }
}
