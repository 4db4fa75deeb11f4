import Foundation
import ICUText
import Parameters
import TestSupport
import Testing
import Training

@testable import Translator

private let words = Segmentation(unit: .spacedWord)

/// Sentences in which names, which no other sentence has, stand among known words.
private func greetings(_ count: Int, seed: UInt64, names: Int = 1) -> ParallelCorpus {
  var numbers = TestNumbers(seed: seed)
  let known = [
    ("well", "ben"), ("so", "or"), ("now", "ore"), ("yes", "si"), ("meet", "vide"), ("no", "nul"),
    ("and", "et"), ("go", "va"),
  ]
  let letters = "aeioubdg".map(String.init)
  return ParallelCorpus(
    (0..<count).map { _ in
      var pairs = (0..<numbers.integer(0...3)).map { _ in known[numbers.integer(0...7)] }
      for _ in 0..<names {
        let name = "N" + (0..<9).map { _ in letters[numbers.integer(0...7)] }.joined()
        pairs.insert((name, name), at: numbers.integer(0...pairs.count))
      }
      return SentencePair(
        source: pairs.map(\.0).joined(separator: " "),
        target: pairs.map(\.1).joined(separator: " "))
    })
}

private func wordTranslator(
  _ text: ParallelCorpus, _ change: (inout Translator.Configuration) -> Void = { _ in }
) throws -> Translator {
  var configuration = Translator.Configuration()
  configuration.hiddenSize = 32
  configuration.embeddingSize = 16
  configuration.dropout = 0.1
  configuration.inputDropout = 0
  configuration.labelSmoothing = 0
  change(&configuration)
  return try Translator(
    configuration, source: text.vocabulary(of: \.source, words),
    target: text.vocabulary(of: \.target, words))
}

private func options(epochs: Double, threads: Int? = nil) -> TestRun {
  var test = TestRun(Translator.defaultOptions, .epochs(epochs), warmUp: 10)
  (test.options.batch, test.options.validation) = (16, 0)
  test.run.threads = threads
  return test
}

@Suite struct WordTests {
  @Test(arguments: [false, true])
  func namesNeverSeenAreCopiedThroughAttention(reverses: Bool) throws {
    let (training, fresh) = (greetings(1500, seed: 1), greetings(100, seed: 2))
    var made = try wordTranslator(training) {
      $0.reversesSource = reverses
      $0.attention = .dot
      $0.cell = .gru
    }
    #expect(made.source.tokens.count == 8)
    try made.train(on: training, options(epochs: 30))
    let found = try made.translate(fresh.pairs.map(\.source))
    #expect(zip(found, fresh.pairs).count { $0[0].text == $1.target } > 90)

    // Of two names, that is copied which the attention of this very hypothesis says.
    let sources = greetings(100, seed: 3, names: 2).pairs.map(\.source)
    var copies: Set<Int> = []
    var search = Translator.Search(beam: 4, best: 4)
    search.keepsAttention = true
    let looked = try made.translate(sources, search)
    for (translations, source) in zip(looked, sources) {
      for one in translations {
        // One of the four may be empty.
        #expect(one.written.joined() == (one.written.isEmpty ? "" : " ") + one.text)
        #expect(one.read.joined() == " " + source)
        let names = one.read.indices.filter { one.read[$0].hasPrefix(" N") }
        for (row, symbol) in zip(one.attention, one.written) where symbol.hasPrefix(" N") {
          let place = try #require(names.max { row[$0] < row[$1] })
          #expect(symbol == one.read[place])
          copies.insert(place == names[0] ? 0 : 1)
        }
      }
    }
    #expect(copies == [0, 1])

    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent(UUID().uuidString + ".safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try made.write(to: path)
    let read = try Translator(contentsOf: path)
    #expect(try read.translate(sources, search, threads: 1) == looked)
  }

  @Test func withoutAttentionNothingIsCopied() throws {
    let training = greetings(300, seed: 1)
    var made = try wordTranslator(training) { $0.attention = .none }
    try made.train(on: training, options(epochs: 8))
    let found = try made.translate(greetings(20, seed: 2).pairs.map(\.source)).map { $0[0].text }
    #expect(found.contains { $0.contains(" \u{FFFD}") || $0.hasPrefix("\u{FFFD}") })
    #expect(!found.contains { $0.contains("N") })
  }

  @Test func unknownWordsAreOneSymbolOfEachSide() throws {
    let made = try wordTranslator(greetings(50, seed: 1))
    let (source, target) = (made.source.count, made.target.count)
    #expect(made.network.encoder.embedding.vocabularySize == source + 2)
    #expect(made.network.decoder.embedding.vocabularySize == target + 3)
    let text = ParallelCorpus([.init(source: "meet Zoë, so", target: "vide Zoë!")])
    let pair = try made.encode(text)[0]
    let meet = try #require(made.source.tokens.firstIndex(of: " meet")) + 256
    let so = try #require(made.source.tokens.firstIndex(of: " so")) + 256
    let vide = try #require(made.target.tokens.firstIndex(of: " vide")) + 256
    #expect(pair.source.map { Int($0) } == [meet, source + 1, 44, so, source])
    #expect(pair.target.map { Int($0) } == [vide, target + 2, 33, target + 1])
    #expect(made.targetCode.text(of: pair.target.dropLast(), copies: [" Zoë"]).text == "vide Zoë!")
    let uncopied = made.targetCode.text(of: pair.target.dropLast())
    #expect(uncopied.text == "vide \u{FFFD}!")
    #expect(uncopied.pieces == [" vide", " \u{FFFD}", "!"])
  }

  @Test(arguments: [TextUnit.spacedWord, .subword, .word, .grapheme, .byte])
  func sentencesComeBackFromTheirSymbols(unit: TextUnit) throws {
    let texts = [
      "tom", " tom", "  tom", "major tom", " ", "", "\ttom", "(tom)", "\u{301}", "東京 tom",
    ]
    let text = ParallelCorpus((texts + texts).map { .init(source: $0, target: $0) })
    let vocabulary = try text.vocabulary(of: \.source, Segmentation(unit: unit))
    let code = SentenceCode(vocabulary: vocabulary, unknown: Int32(vocabulary.count + 1))
    for text in texts {
      let symbols = try code.ids(of: text)
      let (same, pieces) = try code.idsWithTexts(of: text)
      #expect(code.text(of: symbols).text == text)
      #expect(same == symbols && pieces.count == symbols.count)
    }
    guard unit == .spacedWord || unit == .subword else { return }
    // The first word is the same symbol as elsewhere.
    #expect(try code.ids(of: "tom").count == 1)
    #expect(try code.ids(of: "tom").last == code.ids(of: "major tom").last)
  }

  @Test func wordDropoutIsAFunctionOfPairAndPlace() throws {
    let text = greetings(200, seed: 1)
    let made = try wordTranslator(text) { $0.wordDropout = 0.25 }
    let whole = try made.encode(text)
    let task = PairTask(made, training: whole, validation: [], options(epochs: 1).options)
    let all = Array(whole.indices)
    let read = task.pairs(of: all, update: 3)
    for number in all {
      let alone = task.pairs(of: [number], update: 3)
      #expect(alone.sources[0] == read.sources[number] && alone.inputs[0] == read.inputs[number])
      #expect(read.targets[number] == whole[number].target)
      #expect(read.sources[number].last == made.sourceEnd)
      #expect(read.inputs[number].first == made.targetBegin)
    }
    #expect(task.pairs(of: all, update: 4).sources != read.sources)
    let plain = try PairTask(
      wordTranslator(text), training: whole, validation: [], options(epochs: 1).options
    ).pairs(of: all, update: 3)
    #expect(plain.sources == whole.map(\.source))
    for (before, after, unknown) in [
      (plain.sources, read.sources, made.sourceUnknown),
      (plain.inputs, read.inputs, made.targetUnknown),
    ] {
      let places = zip(before.joined(), after.joined()).filter {
        $0.0 != unknown && $0.0 != made.sourceEnd && $0.0 != made.targetBegin
      }
      let changed = places.filter { $0.0 != $0.1 }
      #expect(changed.allSatisfy { $0.1 == unknown })
      #expect((0.18...0.32).contains(Double(changed.count) / Double(places.count)))
    }
  }

  @Test func wordDropoutDoesNotDependOnThreads() throws {
    let text = greetings(60, seed: 1)
    func bits(threads: Int, dropout: Double) throws -> [UInt32] {
      var made = try wordTranslator(text) { $0.wordDropout = dropout }
      try made.train(on: text, options(epochs: 2, threads: threads))
      return made.weightBits
    }
    let one = try bits(threads: 1, dropout: 0.2)
    #expect(try bits(threads: 2, dropout: 0.2) == one)
    #expect(try bits(threads: 1, dropout: 0) != one)
    #expect(throws: HyperparameterError.self) { try wordTranslator(text) { $0.wordDropout = 1 } }
  }
}
