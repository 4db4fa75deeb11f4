import Foundation
import MajorTom
import TestSupport
import Testing

@testable import LanguageModel

@Suite struct GenerationTests {
  private func trained() throws -> LanguageModel {
    let data = try Prepared(sampleText(symbols: 5000))
    var model = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
    try model.train(on: data.symbols, options(updates: 120))
    return model
  }

  @Test func equalSeedsGiveEqualTextsAndOthersDiffer() throws {
    let model = try trained()
    func write(_ seed: UInt64) -> String {
      model.generate(after: "the ", .init(length: 120), seed: seed).joined()
    }
    #expect(write(5) == write(5))
    #expect(write(5) != write(6))
    #expect(write(5).count == 120)
  }

  /// What the model writes greedily is the likeliest symbol after the whole text so far, read anew.
  @Test func theStateOfGenerationIsThatOfReadingTheText() throws {
    let model = try trained()
    let greedy = model.generate(after: "the cat ", .init(temperature: 0, length: 12)).joined()
    var text = "the cat "
    for _ in 0..<12 {
      text += model.generate(after: text, .init(temperature: 0, length: 1)).joined()
    }
    #expect(text == "the cat " + greedy)
  }

  @Test func aPromptOfSymbolsNeverSeenWorks() throws {
    let model = try trained()
    for prompt in [
      "Ελλάς 🚀👩‍👩‍👧", "\u{0}", "é\u{301}", "\u{10FFFF}", String(repeating: "ж", count: 700),
    ] {
      let text = model.generate(after: prompt, .init(length: 20), seed: 3).joined()
      #expect(!text.isEmpty)
    }
  }

  @Test func writingEndsBeforeAStopString() throws {
    let model = try trained()
    func write(_ stops: [String]) -> String {
      model.generate(.init(length: 400, stops: stops), seed: 2).joined()
    }
    let free = write([])
    let stop = "."
    let cut = try #require(free.range(of: stop))
    #expect(write(["never", stop]) == String(free[..<cut.lowerBound]))
    #expect(write(["never this"]) == free)
  }

  /// A copy goes its own way from where it was made, as values do.
  @Test(arguments: [CellKind.lstm, .gru, .timeDelay]) func copiesWriteTheSameTextEach(
    kind: CellKind
  ) throws {
    let data = try Prepared(sampleText(symbols: 3000))
    let model = try LanguageModel(smallConfiguration(kind), vocabulary: data.vocabulary)
    let whole = model.generate(after: "the", .init(temperature: 2, length: 300), seed: 3).joined()
    var text = model.generate(after: "the", .init(temperature: 2, length: 300), seed: 3)
    var begun = ""
    for _ in 0..<40 { begun += text.next() ?? "" }
    var (one, other) = (text, text)
    var (first, second) = (begun, begun)
    // In turns, so that each would see what the other reads.
    while true {
      let pieces = (one.next(), other.next())
      if pieces.0 == nil, pieces.1 == nil { break }
      first += pieces.0 ?? ""
      second += pieces.1 ?? ""
    }
    #expect(first == whole)
    #expect(second == whole)
    // What they were copied from is still where it was, however often it is walked through.
    #expect(begun + text.joined() == whole)
    #expect(begun + text.joined() == whole)
  }

  /// The loop of the design, as a user writes it: pieces come one by one, and none is empty.
  @Test func aLoopNeedsNoTry() throws {
    let lm = try trained()
    var text = ""
    for piece in lm.generate(after: "the", .init(temperature: 0.8)) {
      #expect(!piece.isEmpty)
      text += piece
    }
    #expect(text.count == 500)
    for piece in lm.generate(
      after: "the", .init(temperature: 0.8, topP: 0.95, length: nil), seed: 7
    )
    .prefix(3) { #expect(!piece.isEmpty) }
  }

  @Test func optionsGiveTheChainInItsOrder() throws {
    #expect(GenerationOptions().chain == [.temperature(0.8)])
    let all = GenerationOptions(temperature: 0.5, topK: 9, topP: 0.9, minP: 0.1)
    #expect(all.chain == [.topK(9), .temperature(0.5), .topP(0.9), .minP(0.1)])
    let own: [SamplingStep] = [.topP(0.5), .topK(2)]
    #expect(GenerationOptions(topK: 3, sampling: own).chain == own)
  }

  @Test func whatCannotBeWrittenIsToldAndNeverTraps() throws {
    let model = try trained()
    for options in [
      GenerationOptions(topP: 0), .init(temperature: -1), .init(temperature: .nan), .init(topK: 0),
      .init(minP: 2), .init(sampling: [.topK(-3)]),
    ] {
      #expect(throws: SamplingError.self) { try Generation(model, options) }
      let text = model.generate(options)
      #expect(text.failure is SamplingError && Array(text).isEmpty)
    }
    #expect(throws: LanguageModelError.negativeLength(-1)) {
      try Generation(model, .init(length: -1))
    }
    let text = try Generation(model, .init(length: 0))
    #expect(text.failure == nil && Array(text).isEmpty)
  }
}
