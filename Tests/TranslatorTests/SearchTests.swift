import Foundation
import ICUText
import Testing

@testable import Translator

/// What small trained models wrote before beam search was a library of its own.
///
/// `Fixtures/searches.json` holds what the tool of commit c72c0fc printed with the two models beside
/// it: one spells numbers out, the other reads words backwards, feeds its inputs and copies names.
@Suite struct SearchTests {
  private struct Case: Decodable {
    struct Search: Decodable {
      let beam, noRepeat, best: Int
      let lengthPower, coverage: Double
    }
    struct Found: Decodable {
      let text: String
      let logProbability: Double
      /// Of the best translation only.
      let attention: [[Float]]?
    }

    let model: String
    let search: Search
    let sources: [String]
    let translations: [[Found]]
  }

  private func fixture(_ name: String, _ type: String) throws -> URL {
    try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: type))
  }

  @Test func searchesFindWhatTheyAlwaysFound() throws {
    let cases = try JSONDecoder().decode(
      [Case].self, from: Data(contentsOf: fixture("searches", "json")))
    #expect(cases.count == 12)
    var worst = 0.0
    for known in cases {
      let translator = try Translator(
        contentsOf: fixture(known.model, "safetensors").path)
      var search = Translator.Search(
        beam: known.search.beam, lengthPower: known.search.lengthPower, best: known.search.best)
      search.coverage = known.search.coverage
      search.noRepeatNGram = known.search.noRepeat
      search.keepsAttention = true
      let found = try translator.translate(known.sources, search)
      #expect(found.map { $0.map(\.text) } == known.translations.map { $0.map(\.text) })
      for (new, old) in zip(found.joined(), known.translations.joined()) {
        worst = max(worst, abs(new.logProbability - old.logProbability))
        guard let attention = old.attention else { continue }
        #expect(new.attention.map(\.count) == attention.map(\.count))
        for (weight, right) in zip(new.attention.joined(), attention.joined()) {
          worst = max(worst, Double(abs(weight - right)))
        }
      }
    }
    // Another processor may round otherwise.
    #expect(worst < 1e-4)
    print("searches: the largest difference is \(worst)")
  }

  /// More sentences than are searched at once, so that workers use their memory again.
  @Test func memoryUsedAgainLeavesNoTrace() throws {
    let words = ["meet", "Nabcd", "so", "now", "Zoe", "yes", "and", "go"]
    let texts: [String] = (0..<120).map { (number: Int) -> String in
      let length = number % 5 + 1
      let sentence: [String] = (0..<length).map { words[(number * 7 + $0 * 3) % 8] }
      return sentence.joined(separator: " ")
    }
    let translator = try Translator(contentsOf: fixture("words", "safetensors").path)
    var search = Translator.Search(beam: 5, best: 2)
    search.coverage = 0.3
    search.keepsAttention = true
    let one = try translator.translate(texts, search, threads: 1)
    #expect(try translator.translate(texts, search, threads: 3) == one)
    for (text, known) in zip(texts, one).prefix(30) {
      let alone = try translator.translate([text], search)[0].map { $0.text }
      #expect(alone == known.map { $0.text }, "\(text)")
    }
  }

  /// The branches of the best translation spell it, and the finished ones are those that a search gives.
  @Test func theTreeOfABeamHoldsWhatTheSearchFinds() throws {
    let translator = try Translator(contentsOf: fixture("spelled", "safetensors").path)
    var search = Translator.Search(beam: 4, best: 4)
    search.margin = .infinity
    for text in ["12", "907", "35"] {
      let found = try translator.translate([text], search)[0]
      let tree = try #require(try translator.beamTree(of: text, search))
      #expect(tree.best == found[0])
      let bytes = tree.branches.filter(\.isBest).flatMap(\.bytes)
      #expect(
        String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespaces)
          == found[0].text)
      let ends = tree.branches.filter { $0.score != nil }.map(\.logProbability)
      #expect(ends.sorted() == found.map(\.logProbability).sorted(), "\(text)")
      #expect(tree.branches.allSatisfy { !$0.isEnd || $0.score != nil && $0.bytes.isEmpty })
      // Each branch is a child once.
      #expect(tree.children.joined().sorted() == Array(tree.branches.indices))
    }
    #expect(try translator.beamTree(of: "", search) == nil)
  }
}
