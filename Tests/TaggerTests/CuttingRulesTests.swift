import Foundation
import ICUText
import Testing

@testable import Tagger

/// Tokens as files of columns have them, which do not say where spaces were.
private let sentences = [
  "Dr. Smith did n't come at 10:30 .", "He 's a well-known man in the U.S. today .",
  "They do n't like 50% of it :-) at all",
  "See www.example.com or write to ada@example.org , Dr. Ng !",
  "It was n't Mr. Ng 's e-book ...", "We 're at the U.S. border .", "She is n't here .",
  "It 's Dr. No .", "That 's it .", "He saw ada@example.org :-) again .",
].map { text in
  let words = text.split(separator: " ").map(String.init)
  return TaggedSentence(words: words, tags: words.map { _ in "O" })
}

@Suite struct CuttingRulesTests {
  private let rules: CuttingRules
  private let cutter: RuleCutter

  init() throws {
    rules = try CuttingRules(of: sentences, Segmenter(Segmentation(unit: .word)))
    cutter = try RuleCutter(rules, locale: "en")
  }

  private func words(_ text: String) throws -> [[String]] {
    try cutter.cut(text).map { $0.words.map(\.text) }
  }

  @Test func tokensOfTheDataAreLearnt() {
    #expect(rules.kept.isSuperset(of: [.address, .mail, .hyphenated, .initials, .figure, .marks]))
    #expect(rules.tokens.isSuperset(of: ["Dr.", "Mr.", ":-)"]))
    #expect(!rules.tokens.contains("Smith"))
    #expect(rules.endings == ["n't", "'s"])
    #expect(rules.abbreviations.isSuperset(of: ["Dr.", "Mr.", "U.S."]))
  }

  @Test func textIsCutAsTheDataAre() throws {
    #expect(
      try words(
        "Dr. Who isn't a half-known man. It\u{2019}s 10:45 :-) at https://swift.org/x_y, (bo@b.cd)!"
      )
        == [
          ["Dr.", "Who", "is", "n't", "a", "half-known", "man", "."],
          [
            "It", "\u{2019}s", "10:45", ":-)", "at", "https://swift.org/x_y", ",", "(", "bo@b.cd",
            ")",
            "!",
          ],
        ])
    // Neither CLDR's abbreviations, nor the data's, nor an initial ends a sentence; a line does not.
    #expect(
      try words("Prof. Ng met Mr. T. J. Smith\nin the U.S. Navy. He left.\n\nNo").map(\.count) == [
        13, 3, 1,
      ])
    #expect(try words("") == [] && words(" \n\n ") == [])
  }

  /// The data's own text, its spaces guessed, is cut as the data are far more often than by ICU.
  @Test func agreementWithTheDataGrows() throws {
    func f1(_ cutter: RuleCutter) throws -> Double {
      var (right, found) = (RawScore.Side(), RawScore.Side())
      for sentence in sentences {
        let running = RunningText(guessing: sentence.words)
        right.add(words: sentence.words, tags: sentence.tags, tokens: running.tokens)
        for cut in try cutter.cut(running.text) {
          let words = cut.words.map(\.text)
          found.add(words: words, tags: words.map { _ in "O" }, tokens: cut.tokens)
        }
      }
      return try RawScore(right: right, found: found).tokens.f1
    }
    // One "'re" alone teaches nothing.
    #expect(try f1(cutter) > 0.96)
    #expect(try f1(RuleCutter(CuttingRules(), locale: "en")) < 0.8)
  }

  @Test func dataThatCutMoreAreFollowed() throws {
    let data = ["a well - known man @ bob # tag 50 % of $ 5 . . . no"].map { text in
      let words = text.split(separator: " ").map(String.init)
      return TaggedSentence(words: words, tags: words.map { _ in "O" })
    }
    let own = try CuttingRules(of: data, Segmenter(Segmentation(unit: .word)))
    #expect(own.kept.isDisjoint(with: [.hyphenated, .mention, .hashtag, .figure, .marks]))
    #expect(
      try RuleCutter(own, locale: "en").cut("half-known @ada 20%")[0].words.map(\.text) == [
        "half", "-", "known", "@", "ada", "20", "%",
      ])
  }

  @Test func nothingOfATextIsLost() throws {
    let text = "\u{FEFF} \u{FE0F}a\u{301}b''n't-- 日本語です。ไทย x@ @ # $ .a. 1,,2 U.S\r\n\u{2028}''"
    let solid = text.unicodeScalars.filter { !$0.properties.isWhitespace }
    let words = try cutter.cut(text).flatMap(\.words)
    #expect(
      words.flatMap { $0.text.unicodeScalars.filter { !$0.properties.isWhitespace } }
        == Array(solid))
  }
}
