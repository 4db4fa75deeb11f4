import Foundation
import MajorTom
import TestSupport
import Testing

@testable import LanguageModel

@Suite struct EvaluationTests {
  /// One symbol after another from the first to the last: the definition, without lanes.
  private func bruteForce(
    _ model: LanguageModel, _ symbols: EncodedCorpus, _ range: Range<Int>, reset: Int? = nil
  ) -> Double {
    let workspace = model.core.workspaces.makeWorkspace()
    let state = StackState<Float>(model.network.stack, batch: 1)
    var nats = 0.0
    for index in range.dropLast() {
      if let reset, (index - range.lowerBound) % reset == 0 { state.clear() }
      workspace.reset()
      let (input, target) = (FixedNumbers([symbols[index]]), FixedNumbers([symbols[index + 1]]))
      nats += model.network.loss(
        .init(
          inputs: input.block, targets: target.block, shape: PackedShape(steps: 1, batch: 1)),
        state: state, on: workspace)
      withExtendedLifetime((input, target)) {}
    }
    return nats
  }

  /// Forget gates that stay open keep what was read thousands of tokens ago, which no warm-up of
  /// some hundred tokens would tell; and the range ends within a chunk.
  @Test(arguments: [false, true]) func carriedEvaluationIsOneRunOverTheText(
    isBackwards: Bool
  ) throws {
    let data = try Prepared(sampleText(symbols: 10_100))
    var configuration = smallConfiguration()
    configuration.forgetBias = 8
    configuration.isBackwards = isBackwards
    var model = try LanguageModel(configuration, vocabulary: data.vocabulary)
    try model.train(on: data.symbols, options(updates: 20))
    let result = try model.evaluate(on: data.symbols, range: 50..<10_050)
    #expect(result.tokens == 9999)
    let read = isBackwards ? data.symbols.reversed() : data.symbols
    let expected = bruteForce(model, read, 50..<10_050) / 9999
    #expect(abs(result.natsPerToken - expected) < 1e-6 * expected)
    // What training validates on is near, but not that.
    let lanes = LaneValidation(model.network, tokens: read, range: 50..<10_050).meanNats(
      on: model.core.workspaces, Shards())
    #expect(abs(lanes - expected) > 1e-6 * expected && abs(lanes - expected) < 0.1 * expected)
  }

  @Test func cropsBeginWithoutAState() throws {
    let data = try Prepared(sampleText(symbols: 3000))
    let model = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
    let result = try model.evaluate(on: data.symbols, range: 100..<2400, protocol: .crops)
    #expect(result.tokens == 8 * 256)
    let expected = bruteForce(model, data.symbols, 100..<100 + 8 * 256 + 1, reset: 256)
    #expect(abs(result.nats - expected) < 1e-4 * expected)
  }

  @Test func bitsPerByteCountTheBytesOfTheText() throws {
    let text = sampleText(symbols: 2000)
    let data = try Prepared(text)
    let model = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
    let result = try model.evaluate(on: data.symbols)
    #expect(result.bytes == text.utf8.count - String(text.prefix(1)).utf8.count)
    #expect(abs(result.bitsPerByte * Double(result.bytes) * log(2) - result.nats) < 1e-6)
    #expect(abs(log(result.perplexity) - result.natsPerToken) < 1e-9)
  }

  @Test func aTextWithNothingToPredictIsRefused() throws {
    let data = try Prepared(sampleText(symbols: 500))
    let model = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
    #expect(throws: LanguageModelError.nothingToEvaluate(tokens: 1)) {
      try model.evaluate(on: data.symbols, range: 3..<4)
    }
  }
}
