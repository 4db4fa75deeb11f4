import Foundation
import Testing

@testable import Translator

/// Reads a file of fixtures that `Tests/Fixtures/translations.py` wrote.
private func fixtures<Fixture: Decodable>(_ name: String) throws -> [Fixture] {
  let url = try #require(
    Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "json"))
  return try JSONDecoder().decode([Fixture].self, from: Data(contentsOf: url))
}

/// Near enough: the same sums, perhaps with another logarithm.
private func isNear(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-9 }

@Suite struct MetricTests {
  private struct Tokens: Decodable {
    let line: String
    let tokens: [String]
  }

  private struct BLEUFixture: Decodable {
    let score, brevity: Double
    let precisions: [Double]
    let counts, totals: [Int]
    let hypothesisLength, referenceLength: Int
    let text: String
    let signature: String?

    func agree(with bleu: BLEU.Score) -> Bool {
      isNear(score, bleu.value) && isNear(brevity, bleu.brevityPenalty)
        && precisions.count == bleu.precisions.count
        && zip(precisions, bleu.precisions).allSatisfy(isNear)
        && hypothesisLength == bleu.hypothesisLength && referenceLength == bleu.referenceLength
        && text == bleu.description
    }
  }

  private struct ChrFFixture: Decodable {
    let score: Double
    let text: String
    let signature: String?
  }

  private struct Case: Decodable {
    struct Sentence: Decodable {
      let bleu: BLEUFixture
      let chrf, chrfPlusPlus: ChrFFixture
    }

    let name: String
    let hypotheses: [String]
    let references: [[String]]
    /// By the rules of 13a, and of text that is cut at spaces.
    let bleu, cut: BLEUFixture
    let chrf, chrfPlusPlus: ChrFFixture
    let sentences: [Sentence]
    let exact: Int

    /// The pairs, each counted by a metric.
    func counted<Metric: TranslationMetric>(by metric: Metric) -> Metric {
      var metric = metric
      for (hypothesis, row) in zip(hypotheses, references) {
        metric.add(hypothesis, references: row)
      }
      return metric
    }
  }

  @Test func tokensAreSacreBLEUs() throws {
    let all: [Tokens] = try fixtures("tokens")
    #expect(all.count > 500)
    for fixture in all {
      let found = tokens13a(of: fixture.line)
      // Strings are compared by code points: in Swift é and e with an accent are equal.
      #expect(
        found.map { Array($0.unicodeScalars) } == fixture.tokens.map { Array($0.unicodeScalars) },
        "\(fixture.line.debugDescription): \(found), \(fixture.tokens)")
    }
  }

  @Test func scoresOfTextsAreSacreBLEUs() throws {
    let all: [Case] = try fixtures("scores")
    #expect(all.count > 20)
    for fixture in all {
      let bleu = fixture.counted(by: BLEU())
      #expect(fixture.bleu.agree(with: bleu.score), "\(fixture.name): \(bleu)")
      #expect(bleu.description == fixture.bleu.text && bleu.value == bleu.score.value)
      #expect(bleu.statistics.matches == fixture.bleu.counts, "\(fixture.name)")
      #expect(bleu.statistics.totals == fixture.bleu.totals, "\(fixture.name)")
      #expect(bleu.signature == fixture.bleu.signature.map(named), "\(fixture.name)")
      let cut = fixture.counted(by: BLEU(tokens: .none))
      #expect(fixture.cut.agree(with: cut.score), "\(fixture.name): \(cut)")
      #expect(cut.signature == fixture.cut.signature.map(named), "\(fixture.name)")
      for (variant, known) in [
        (ChrF.Variant.chrF2, fixture.chrf), (.chrF2PlusPlus, fixture.chrfPlusPlus),
      ] {
        let chrF = fixture.counted(by: ChrF(variant))
        #expect(isNear(chrF.value, known.score), "\(fixture.name): \(chrF), \(known.text)")
        #expect(chrF.description == known.text, "\(fixture.name)")
        #expect(chrF.signature == known.signature.map(named), "\(fixture.name)")
      }
      let exact = fixture.counted(by: ExactMatch())
      #expect(exact.matches == fixture.exact && exact.sentences == fixture.hypotheses.count)
    }
  }

  /// sacreBLEU's signature with this package's version in it.
  private func named(_ signature: String) -> String {
    signature.replacingOccurrences(of: "VERSION", with: scorerVersion)
  }

  @Test func scoresOfSentencesAreSacreBLEUs() throws {
    let all: [Case] = try fixtures("scores")
    for fixture in all {
      for (place, right) in fixture.sentences.enumerated() {
        let (hypothesis, row) = (fixture.hypotheses[place], fixture.references[place])
        let bleu = BLEU.sentence(hypothesis, references: row)
        #expect(right.bleu.agree(with: bleu), "\(fixture.name), \(place): \(bleu)")
        for (variant, known) in [
          (ChrF.Variant.chrF2, right.chrf), (.chrF2PlusPlus, right.chrfPlusPlus),
        ] {
          let chrF = ChrF.sentence(hypothesis, references: row, variant: variant)
          #expect(isNear(chrF, known.score), "\(fixture.name), \(place): \(chrF)")
        }
      }
    }
    #expect(BLEU(usesEffectiveOrder: true).signature.contains("|eff:yes|"))
  }

  @Test func statisticsOfPartsAddUp() throws {
    let all: [Case] = try fixtures("scores")
    let fixture = try #require(all.first { $0.name == "references here and there" })
    var (bleu, chrF) = (BLEU(), ChrF(.chrF2PlusPlus))
    for (hypothesis, row) in zip(fixture.hypotheses, fixture.references).reversed() {
      var (part, other) = (BLEU(), ChrF(.chrF2PlusPlus))
      part.add(hypothesis, references: row)
      other.add(hypothesis, references: row)
      bleu.add(part.statistics)
      try chrF.add(other.statistics)
    }
    #expect(bleu.statistics == fixture.counted(by: BLEU()).statistics)
    #expect(bleu.signature.hasPrefix("nrefs:var|"))
    #expect(chrF.statistics == fixture.counted(by: ChrF(.chrF2PlusPlus)).statistics)
    #expect(throws: TranslatorError.otherVariant(.chrF2PlusPlus, found: .chrF2)) {
      try chrF.add(ChrF().statistics)
    }
    #expect(chrF.description == fixture.chrfPlusPlus.text, "a refused part changes nothing")
  }

  @Test func nothingHasAScore() {
    #expect(
      BLEU().description
        == "BLEU = 0.00 0.0/0.0/0.0/0.0 (BP = 1.000 ratio = 0.000 hyp_len = 0 ref_len = 0)")
    #expect(ChrF().description == "chrF2 = 0.00")
    #expect(ExactMatch().description == "exact match = 0.00 (0 of 0)")
    #expect(ExactMatch().signature == "nrefs:0|case:mixed|version:\(scorerVersion)")
    // Without references nothing is right, and nothing goes wrong.
    var (bleu, chrF, exact) = (BLEU(), ChrF(.chrF2PlusPlus), ExactMatch())
    bleu.add("a b c d", references: [])
    chrF.add("a b c d", references: [])
    exact.add("", references: [])
    #expect(bleu.value == 0 && bleu.score.hypothesisLength == 4 && chrF.value == 0)
    #expect(exact.value == 0 && bleu.signature.hasPrefix("nrefs:0|"))
  }

  @Test func exactMatchesAreOfCodePoints() {
    var exact = ExactMatch()
    exact.add("\u{E9}", references: ["e\u{301}", "E\u{301}"])
    exact.add("\u{E9}", references: ["x", "\u{E9}"])
    exact.add("", references: ["", ""])
    #expect(exact.fraction == 2.0 / 3 && exact.description == "exact match = 66.67 (2 of 3)")
    #expect(exact.signedDescription.hasPrefix("exact match|nrefs:2|case:mixed|version:majortom"))
  }

  /// Brute force: dictionaries of slices, on sequences of few symbols, long enough to grow tables.
  @Test func sharedNGramsAreCountedRight() {
    var random = SystemRandomNumberGenerator()
    var counter = NGramCounter()
    func counts(_ sequence: [UInt32], _ length: Int) -> [ArraySlice<UInt32>: Int] {
      guard sequence.count >= length else { return [:] }
      return (0...sequence.count - length).reduce(into: [:]) {
        $0[sequence[$1..<$1 + length], default: 0] += 1
      }
    }
    for (longest, symbols) in [(0, 2), (5, 2), (40, 3), (2000, 20), (30, 3), (300, 70000)] {
      func sequence() -> [UInt32] {
        (0..<Int.random(in: 0...longest, using: &random)).map { _ in
          UInt32(Int.random(in: 0..<symbols, using: &random))
        }
      }
      let (hypothesis, references) = (sequence(), (0..<3).map { _ in sequence() })
      let right = (1...4).map { length in
        let most = references.reduce(into: [:]) {
          $0.merge(counts($1, length), uniquingKeysWith: max)
        }
        return counts(hypothesis, length).reduce(0) { $0 + min($1.value, most[$1.key] ?? 0) }
      }
      #expect(counter.matches(of: hypothesis, in: references, order: 4) == right)
      #expect(
        NGramCounter.totals(hypothesis.count, order: 4)
          == (1...4).map { counts(hypothesis, $0).values.reduce(0, +) })
    }
  }

  @Test func linesNeedTheirCounterparts() throws {
    let three = ReferencedText.Lines(["a", "b", "c"], name: "three.txt")
    let one = ReferencedText.Lines(["a"], name: "one.txt")
    let none = ReferencedText.Lines([], name: "none.txt")
    let text = try ReferencedText(three, references: [three, three])
    #expect(text.hypotheses == ["a", "b", "c"] && text.references[1] == ["b", "b"])
    var exact = ExactMatch()
    exact.add(text)
    #expect(exact.fraction == 1)
    func sentence(_ hypotheses: ReferencedText.Lines, _ references: [ReferencedText.Lines])
      -> String
    {
      do throws(TranslatorError) {
        _ = try ReferencedText(hypotheses, references: references)
        return ""
      } catch { return "\(error)" }
    }
    #expect(
      sentence(one, [one, three])
        == "three.txt has 3 lines and one.txt has 1 line: line 2 of three.txt has no counterpart")
    #expect(sentence(one, []) == "there are no references to compare with; name at least one")
    #expect(sentence(none, [none]) == "none.txt: there is no line in it")
    #expect(sentence(none, [one]).contains("none.txt has 0 lines"))
  }

  /// Five thousand pairs of the length of news take well under a second.
  @Test func scoringIsQuick() {
    let words = (0..<3000).map { "word\($0)" }
    func sentence(_ seed: Int) -> String {
      (0..<25).map { words[(seed * 7919 + $0 * $0 * 31 + $0) % words.count] }
        .joined(separator: " ") + "."
    }
    let pairs = (0..<5000).map { (sentence($0), sentence($0 + $0 % 2)) }
    var (bleu, chrF, exact) = (BLEU(), ChrF(), ExactMatch())
    let time = ContinuousClock().measure {
      for (hypothesis, reference) in pairs {
        bleu.add(hypothesis, references: [reference])
        chrF.add(hypothesis, references: [reference])
        exact.add(hypothesis, references: [reference])
      }
    }
    #expect(exact.fraction == 0.5 && bleu.value > 50 && chrF.value > 50)
    // Other work may have the processor meanwhile.
    #expect(time < .seconds(3), "\(time)")
  }
}
