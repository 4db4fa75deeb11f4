import Foundation
import Testing

@testable import Tagger

@Suite struct SchemeTests {
  private struct Fixture: Decodable {
    let scheme, head, figures: String
    let right, found: [[String]]
    let accuracy: Double
    let rows: [String]
    let entities: [[Entity]]

    /// Type, first and last word.
    struct Entity: Decodable, Equatable {
      let type: String
      let first, last: Int

      init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        type = try list.decode(String.self)
        first = try list.decode(Int.self)
        last = try list.decode(Int.self)
      }
    }
  }

  private func fixtures() throws -> [Fixture] {
    let url = try #require(
      Bundle.module.url(forResource: "Fixtures/spans", withExtension: "json"))
    return try JSONDecoder().decode([Fixture].self, from: Data(contentsOf: url))
  }

  /// seqeval's spans and percentages, digit by digit, on legal and broken tags of three schemes.
  @Test func scoresAreSeqevals() throws {
    for fixture in try fixtures() {
      var score = SpanScore()
      for (right, found) in zip(fixture.right, fixture.found) {
        score.add(right: right, found: found)
      }
      let lines = score.report.split(separator: "\n").map(String.init)
      #expect(lines[0] == fixture.head)
      #expect(lines[1].hasSuffix(fixture.figures), "\(lines[1]) for \(fixture.figures)")
      #expect(Array(lines[2...]) == fixture.rows)
      for (tags, entities) in zip(fixture.right, fixture.entities) {
        let spans = TagScheme.spans(tags)
        #expect(
          spans.map { [$0.type, "\($0.words.lowerBound)", "\($0.words.upperBound - 1)"] }
            == entities.map { [$0.type, "\($0.first)", "\($0.last)"] })
      }
    }
  }

  @Test func accuracyComparesWholeTags() {
    var score = SpanScore()
    score.add(right: ["B-A", "I-A", "O", "B-B"], found: ["B-A", "B-A", "O", "O"])
    #expect(score.accuracy == 0.5 && score.words == 4)
    // One span, written in two schemes, is right.
    var mixed = SpanScore()
    mixed.add(right: ["I-A", "I-A"], found: ["B-A", "E-A"])
    #expect(mixed.accuracy == 1 && mixed.all.f1 == 1)
    var words = SpanScore()
    words.add(right: ["NOUN", "VERB"], found: ["NOUN", "NOUN"])
    #expect(!words.hasSpans && words.metric == 0.5)
    #expect(words.report == "processed 2 words; correct: 1.\naccuracy:  50.00%\n")
  }

  private static let spans = [
    TaggedSpan(type: "PER", words: 0..<2), .init(type: "PER", words: 2..<3),
    .init(type: "LOC", words: 4..<5), .init(type: "ORG", words: 5..<8),
  ]

  @Test func spansAreWrittenInEveryScheme() {
    #expect(
      TagScheme.iob1.tags(of: Self.spans, count: 9)
        == ["I-PER", "I-PER", "B-PER", "O", "I-LOC", "I-ORG", "I-ORG", "I-ORG", "O"])
    #expect(
      TagScheme.iob2.tags(of: Self.spans, count: 9)
        == ["B-PER", "I-PER", "B-PER", "O", "B-LOC", "B-ORG", "I-ORG", "I-ORG", "O"])
    #expect(
      TagScheme.bioes.tags(of: Self.spans, count: 9)
        == ["B-PER", "E-PER", "S-PER", "O", "S-LOC", "B-ORG", "I-ORG", "E-ORG", "O"])
  }

  @Test(arguments: TagScheme.allCases) func whatASchemeWritesItAllowsAndReadsBack(
    scheme: TagScheme
  ) {
    let tags = scheme.tags(of: Self.spans, count: 9)
    #expect(scheme.breaches(in: tags).isEmpty)
    #expect(TagScheme.spans(tags) == Self.spans)
    #expect(TagScheme.detect(in: [tags]) == scheme)
    for other in TagScheme.allCases where other != scheme {
      #expect(!other.breaches(in: tags).isEmpty, "\(other) allows \(scheme)")
    }
  }

  @Test func breachesAreNamed() {
    func places(_ scheme: TagScheme, _ tags: String) -> [Int] {
      scheme.breaches(in: tags.split(separator: " ").map(String.init)).map(\.place)
    }
    #expect(places(.iob2, "O I-PER I-PER B-PER I-LOC") == [1, 4])
    #expect(places(.iob1, "B-PER I-PER B-PER B-LOC") == [0, 3])
    #expect(places(.bioes, "B-PER O E-PER I-LOC E-LOC B-ORG") == [1, 2, 3, 5])
    #expect(places(.bioes, "S-PER B-LOC I-LOC E-LOC O") == [])
    #expect(TagScheme.iob2.breaches(in: ["O", "I-PER"])[0].reason.contains("I-PER follows O"))
  }

  /// Which tag may follow which, against the spans that come out: a pair is allowed exactly when
  /// writing the spans of some sequence with it can produce it.
  @Test func onlyWhatBIOESWritesMayFollow() {
    let tags = ["O"] + ["A", "B"].flatMap { type in ["B", "I", "E", "S"].map { "\($0)-\(type)" } }
    var seen: Set<[String?]> = []
    func write(_ spans: [TaggedSpan]) {
      let row: [String?] = [nil] + TagScheme.bioes.tags(of: spans, count: 4) + [nil]
      for (from, to) in zip(row, row.dropFirst()) { seen.insert([from, to]) }
    }
    // All ways to cover four words with spans of two types and gaps.
    func extend(_ spans: [TaggedSpan], from start: Int) {
      if start == 4 { return write(spans) }
      extend(spans, from: start + 1)
      for end in start + 1...4 {
        for type in ["A", "B"] {
          extend(spans + [TaggedSpan(type: type, words: start..<end)], from: end)
        }
      }
    }
    extend([], from: 0)
    let all: [String?] = [nil] + tags
    for from in all {
      for to in all where from != nil || to != nil {
        #expect(
          TagScheme.mayFollow(from, to) == seen.contains([from, to]),
          "\(from ?? "start") \(to ?? "end")")
      }
    }
  }
}
