import Foundation
import Testing

@testable import ICUText

@Suite struct ParallelFilesTests {
  private let folder: Folder

  init() throws { folder = try Folder() }

  private func file(_ name: String, _ text: String) throws -> String {
    try folder.file(name, Array(text.utf8))
  }

  @Test func columnsAreRead() throws {
    let path = try file("a.tsv", "Go.\tVa !\tCC-BY\n\n \tvide\nHi.\tSalut.\t\r\n")
    let corpus = try ParallelCorpus(contentsOf: [path])
    #expect(
      corpus.pairs == [
        SentencePair(source: "Go.", target: "Va !"), SentencePair(source: "Hi.", target: "Salut."),
      ])
    #expect(corpus.skipped == 1)
    let turned = try ParallelCorpus(contentsOf: [path], sourceColumn: 2, targetColumn: 1)
    #expect(turned.pairs[0].source == "Va !")
    let twice = try ParallelCorpus(contentsOf: [path, path])
    #expect(twice.pairs == corpus.pairs + corpus.pairs && twice.skipped == 2)
  }

  @Test func aPathAUrlAndAListOfPathsReadTheSame() throws {
    let path = try file("a.tsv", "Go.\tVa !\n")
    let corpus = try ParallelCorpus(contentsOf: [path])
    #expect(try ParallelCorpus(contentsOf: path) == corpus)
    #expect(try ParallelCorpus(contentsOf: URL(fileURLWithPath: path)) == corpus)
    let (left, right) = (try file("l", "Go.\n"), try file("r", "Va !\n"))
    #expect(try ParallelCorpus(source: left, target: right) == corpus)
    #expect(
      try ParallelCorpus(
        source: URL(fileURLWithPath: left), target: URL(fileURLWithPath: right)) == corpus)
  }

  @Test func linesThatArePairsReadBack() throws {
    let made = try ParallelCorpus(
      numbers: 0...99, from: .init(locale: "en"), to: .init(locale: "fr"))
    let path = try file("numbers.tsv", made.pairs.map(\.line).joined())
    #expect(try ParallelCorpus(contentsOf: path) == made)
  }

  @Test func whatIsWrongWithFilesIsSaid() throws {
    let (left, right) = (try file("l", "a\nb\nc\n"), try file("r", "x\ny\n"))
    #expect(throws: CorpusError.unequalLines(left, 3, right, 2)) {
      try ParallelCorpus(source: left, target: right)
    }
    #expect(
      CorpusError.unequalLines("l", 3, "r", 1).description
        == "l has 3 lines and r has 1 line: line 2 of l has no counterpart.")
    #expect(throws: CorpusError.columnMissing(path: left, line: 1, found: 1, needed: 2)) {
      try ParallelCorpus(contentsOf: left)
    }
    #expect(
      CorpusError.columnMissing(path: "l", line: 1, found: 1, needed: 2).description
        == "l:1: 1 column, separated by tabs, where 2 are needed: what is read and what is written."
    )
    let blank = try file("blank.tsv", "\n \n\tx\n")
    #expect(throws: CorpusError.noPairs(paths: [blank])) { try ParallelCorpus(contentsOf: blank) }
    #expect(
      CorpusError.noPairs(paths: ["a", "b"]).description
        == "a, b: there is no pair to learn from; a pair has something on both sides.")
    #expect(throws: TextError.missing(path: "/no/such.tsv")) {
      try ParallelCorpus(contentsOf: URL(fileURLWithPath: "/no/such.tsv"))
    }
  }

  @Test func theFractionKeptIsDecidedByTheSourceAlone() throws {
    let many = ParallelCorpus((0..<4000).map { .init(source: "s\($0 / 2)", target: "t\($0)") })
    let (training, kept) = many.split(keeping: 0.1)
    #expect(Set(training.pairs.map(\.source)).isDisjoint(with: kept.pairs.map(\.source)))
    #expect(training.pairs.count + kept.pairs.count == 4000)
    // As another implementation of the hash decides.
    #expect(kept.pairs.count == 2 * 183)
    let few = ParallelCorpus((0..<60).map { .init(source: "s\($0)", target: "") })
    #expect(
      few.split(keeping: 0.1).kept.pairs.map(\.source)
        == [4, 13, 16, 23, 52, 53, 55].map { "s\($0)" })
    #expect(many.split(keeping: 0).kept.pairs.isEmpty)
    #expect(many.split(keeping: 1).training.pairs.isEmpty)
  }

  @Test func partsKeepThePairsOfASourceTogether() throws {
    let sources = ["a", "b", "a", "c", "b", "d", "e", "c"]
    let corpus = ParallelCorpus(
      sources.enumerated().map { SentencePair(source: $1, target: "\($0)") })
    let parts = try corpus.split(dev: 2, test: 1)
    #expect(parts.dev.pairs.map(\.target) == ["0", "1", "2", "4"])
    #expect(parts.test.pairs.map(\.target) == ["3", "7"])
    #expect(parts.train.pairs.map(\.target) == ["5", "6"])
    #expect(throws: CorpusError.nothingToTrainOn(count: 5, dev: 3, test: 2)) {
      try corpus.split(dev: 3, test: 2)
    }
    #expect(
      CorpusError.nothingToTrainOn(count: 5, dev: 3, test: 2).description
        == "3 sources for development and 2 for test leave none of 5 to train on; ask for more pairs"
        + " or smaller parts.")
  }

  @Test func vocabulariesKnowFirstWordsAsTheyAreElsewhere() throws {
    let corpus = ParallelCorpus([
      SentencePair(source: "red fox", target: "renard roux"),
      SentencePair(source: "fox red", target: "renard blanc"),
    ])
    let words = Segmentation(unit: .spacedWord)
    let source = try corpus.vocabulary(of: \.source, words)
    #expect(source.tokens == [" fox", " red"])
    #expect(try corpus.vocabulary(of: \.target, words).tokens == [" renard"])
    #expect(
      try corpus.jointVocabulary(words, minimumCount: 1).tokens
        == [" fox", " red", " renard", " blanc", " roux"])
    #expect(throws: TextError.vocabularyTooSmall(maximumSize: 255)) {
      try corpus.jointVocabulary(words, maximumSize: 255)
    }
  }

  @Test func aCorpusIsReadByPathsAndURLs() throws {
    let path = try file("a b.txt", "naïve")
    func text(_ corpus: Corpus) throws -> String {
      var text = ""
      try corpus.forEachPiece { text += $0.text }
      return text
    }
    let url = URL(fileURLWithPath: path)
    #expect(try text(Corpus(contentsOf: [path])) == "naïve")
    #expect(try text(Corpus(contentsOf: path)) == "naïve")
    #expect(try text(Corpus(contentsOf: url)) == "naïve")
    #expect(try text(Corpus(contentsOf: [url, url])) == "naïvenaïve")
    #expect(throws: TextError.noFiles) { try Corpus(contentsOf: []) }
    let remote = try #require(URL(string: "https://example.org/a.txt"))
    #expect(throws: TextError.missing(path: "https://example.org/a.txt")) {
      try Corpus(contentsOf: remote)
    }
  }
}
