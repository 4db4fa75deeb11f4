import MajorTom
import Testing

@testable import LanguageModel

@Suite struct GradientPrecisionTests {
  private let data: Prepared

  init() throws { data = try Prepared(sampleText(symbols: 5000)) }

  private func trained(_ precision: GradientPrecision, threads: Int) throws -> LanguageModel {
    var model = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
    try model.train(
      on: data.symbols,
      options(updates: 60, threads: threads) {
        ($0.options.gradientPrecision, $0.options.shards) = (precision, 4)
      })
    return model
  }

  @Test func gradientsInBFloat16ChangeTheResultAndLearnAsMuch() throws {
    let (wide, narrow) = (
      try trained(.float32, threads: 2), try trained(.bfloat16, threads: 2)
    )
    #expect(bits(wide) != bits(narrow))
    #expect(bits(narrow) == bits(try trained(.bfloat16, threads: 1)))
    let (right, found) = (wide.card.best?.value ?? .nan, narrow.card.best?.value ?? .nan)
    #expect(abs(found / right - 1) < 0.02, "\(found) and \(right)")
  }

  @Test func theyTravelInHalfTheBytes() throws {
    let model = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
    func bytes(_ precision: GradientPrecision) throws -> Int {
      let test = options(updates: 1) { $0.options.gradientPrecision = precision }
      return try model.updateTiming(on: data.symbols, options: test.options, threads: 1, for: 0)
        .gradientBytes
    }
    #expect(try bytes(.float32) == 2 * bytes(.bfloat16))
  }
}
