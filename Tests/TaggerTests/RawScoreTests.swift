import Foundation
import Testing

@testable import Tagger

/// The figures of the CoNLL-2018 shared task, held against those of its own script.
@Suite struct RawScoreTests {
  private struct Fixture: Decodable {
    let right, found: [[Token]]
    let counts: [[Int]]
    let rows: [String]

    /// A token with its words, each with its tag.
    struct Token: Decodable {
      let text: String
      let words: [[String]]

      init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        text = try values.decode(String.self)
        words = try values.decode([[String]].self)
      }
    }
  }

  private func side(_ sentences: [[Fixture.Token]]) -> RawScore.Side {
    var side = RawScore.Side()
    for sentence in sentences {
      var (words, tags, tokens): ([String], [String], [RunningText.Token]) = ([], [], [])
      for token in sentence {
        let first = words.count
        words += token.words.map { $0[0] }
        tags += token.words.map { $0[1] }
        tokens.append(.init(text: token.text, words: first..<words.count))
      }
      side.add(words: words, tags: tags, tokens: tokens)
    }
    return side
  }

  @Test func allFiguresAreThoseOfTheScript() throws {
    let url = try #require(
      Bundle.module.url(forResource: "Fixtures/raw_scores", withExtension: "json"))
    let cases = try JSONDecoder().decode([Fixture].self, from: Data(contentsOf: url))
    #expect(cases.count == 60)
    for (number, item) in cases.enumerated() {
      let score = try RawScore(right: side(item.right), found: side(item.found))
      let counts = [score.tokens, score.sentences, score.words, score.tags]
      #expect(
        counts.map { [$0.right, $0.found, $0.correct] } == item.counts, "case \(number)")
      let rows = score.report().split(separator: "\n").dropFirst(2).map(String.init)
      #expect(rows == item.rows, "case \(number)")
    }
  }

  @Test func differentTextsAreNotCompared() throws {
    var (one, other) = (RawScore.Side(), RawScore.Side())
    one.add(
      words: ["ab", "c"], tags: ["N", "N"],
      tokens: [
        .init(text: "ab", words: 0..<1), .init(text: "c", words: 1..<2),
      ])
    other.add(words: ["abd"], tags: ["N"], tokens: [.init(text: "abd", words: 0..<1)])
    #expect(throws: TaggerError.unlikeTexts(right: "c", found: "d")) {
      try RawScore(right: one, found: other)
    }
    #expect(throws: TaggerError.unlikeTexts(right: "abc", found: "")) {
      try RawScore(right: one, found: RawScore.Side())
    }
  }
}
