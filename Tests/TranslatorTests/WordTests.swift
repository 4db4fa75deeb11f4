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

    // Of two names, that is copied which the attention of this very hypothesis says; and the other
    // where two are written.
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
        let looks = zip(one.attention, one.written).filter { $0.1.hasPrefix(" N") }
        guard (1...2).contains(looks.count) else { continue }
        let pairs = looks.indices.flatMap { look in names.map { (look, $0) } }
        let surest = try #require(
          pairs.max { looks[$0.0].0[$0.1] < looks[$1.0].0[$1.1] })
        for (number, look) in looks.enumerated() {
          let place =
            number == surest.0
            ? surest.1 : try #require(names.first { $0 != surest.1 })
          #expect(look.1 == one.read[place])
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

  @Test(
    arguments: [TextUnit.spacedWord, .subword, .word, .grapheme, .byte], [false, true])
  func sentencesComeBackFromTheirSymbols(unit: TextUnit, attaches: Bool) throws {
    let texts = [
      "tom", " tom", "  tom", "major tom", " ", "", "\ttom", "(tom)", "\u{301}", "東京 tom", "tom ?",
      "« tom »", "tom\u{202F}?", "tom\u{A0} ?", "tom\u{A0}tom", "tom \u{A0}", "tom  ?", " ?",
      "tom \n?",
    ]
    let text = ParallelCorpus((texts + texts).map { .init(source: $0, target: $0) })
    let vocabulary = try text.vocabulary(
      of: \.source, Segmentation(unit: unit, attachesPunctuation: attaches))
    let code = SentenceCode(vocabulary: vocabulary, unknown: Int32(vocabulary.count + 1))
    for text in texts {
      let symbols = try code.ids(of: text)
      let sentence = try code.sentence(text)
      let (whole, pieces) = code.text(of: symbols)
      #expect(whole == text)
      #expect(sentence.ids == symbols && sentence.texts.count == symbols.count)
      #expect(pieces == sentence.texts)
      // Byte by byte: a mark joins the space before it.
      #expect(Array(pieces.joined().utf8).suffix(text.utf8.count) == Array(text.utf8)[...])
    }
    guard unit == .spacedWord || unit == .subword else { return }
    // The first word is the same symbol as elsewhere.
    #expect(try code.ids(of: "tom").count == 1)
    #expect(try code.ids(of: "tom").last == code.ids(of: "major tom").last)
  }

  @Test func namesAndNumbersThatAreNoWordsAreSpelt() throws {
    let text = greetings(50, seed: 1)
    let vocabulary = try text.vocabulary(of: \.source, words)
    let unknown = Int32(vocabulary.count + 1)
    let code = SentenceCode(vocabulary: vocabulary, unknown: unknown, spellsNames: true)
    let sentence = try code.sentence("meet Zoë 12b at so")
    let ids = try ["meet", "so"].map { try code.ids(of: $0) }
    let known = ids.map { $0[0] }
    let spelt = " Zoë 12b".utf8.map { Int32($0) }
    #expect(sentence.ids == [known[0]] + spelt + [unknown, known[1]])
    // A character of two bytes stands with the first of them.
    #expect(sentence.texts.prefix(6) == [" meet", " ", "Z", "o", "ë", ""])
    #expect(sentence.words.map(\.text) == [" meet", " Zoë", " 12b", " at", " so"])
    #expect(sentence.words.map(\.isKnown) == [true, false, false, false, true])
    #expect(sentence.words.map { $0.places.count } == [1, 5, 4, 1, 1])
    #expect(code.text(of: Array(spelt)).text == "Zoë 12b")
    for (word, isNameOrNumber) in [
      ("Zoë", true), ("Éa", true), ("ǅ", true), ("zoë", false), ("3", true), ("x٣", true),
      ("mcX", false),
      ("?", false), ("東京", false),
    ] {
      #expect(SentenceCode.isNameOrNumber(" " + word) == isNameOrNumber, "\(word)")
    }
  }

  /// The best pair of all that are left, again and again; of equals the first.
  private func matchedOneByOne(_ looks: [[Float]], _ words: Int) -> [Int] {
    var found = [Int?](repeating: nil, count: looks.count)
    var free = Set(0..<words)
    for _ in looks {
      if free.isEmpty { free = Set(0..<words) }
      let pairs = looks.indices.filter { found[$0] == nil }.flatMap { look in
        free.sorted().map { (look, $0) }
      }
      guard var best = pairs.first else { break }
      for pair in pairs where looks[pair.0][pair.1] > looks[best.0][best.1] { best = pair }
      found[best.0] = best.1
      free.remove(best.1)
    }
    return found.compactMap { $0 }
  }

  @Test func unknownWordsFindTheirSourcesOneByOne() {
    func word(_ places: Range<Int>, _ isKnown: Bool = false) -> SentenceCode.Word {
      SentenceCode.Word(places: places, text: "", isKnown: isKnown)
    }
    let two = [word(0..<1, true), word(1..<2), word(2..<4)]
    // Known words are not copied where there are unknown ones, however much they are looked at.
    #expect(TranslationSteps.matched([[0.8, 0.15, 0.05, 0]], two) == [1])
    // A word of several tokens has what they have together.
    #expect(TranslationSteps.matched([[0, 0.4, 0.3, 0.3]], two) == [2])
    // The second look is sure; so the first, which is torn, means the other word.
    #expect(
      TranslationSteps.matched([[0, 0.4, 0.25, 0.25], [0, 0.05, 0.5, 0.4]], two) == [1, 2])
    // A third one begins again.
    #expect(
      TranslationSteps.matched([[0, 1, 0, 0], [0, 0, 1, 0], [0, 0.9, 0, 0]], two) == [1, 2, 1])
    #expect(TranslationSteps.matched([[0.2, 0.8]], [word(0..<1, true), word(1..<2, true)]) == [1])
    #expect(TranslationSteps.matched([[1]], []) == [])
    #expect(TranslationSteps.matched([[.nan, .nan]], [word(0..<1), word(1..<2)]).count == 1)
    for seed in 0..<40 as Range<UInt64> {
      var random = TestNumbers(seed: seed)
      let words = (0..<random.integer(1...6)).map { word($0..<$0 + 1) }
      // Few different weights, so that many are equal.
      let looks = (0..<random.integer(0...15)).map { _ in
        words.map { _ in Float(random.integer(0...4)) / 4 }
      }
      #expect(TranslationSteps.matched(looks, words) == matchedOneByOne(looks, words.count))
    }
    // So many that they are not held against each other: the best word of each, in a moment.
    let many = (0..<600).map { word($0..<$0 + 1) }
    let looks = (0..<600).map { look in (0..<600).map { Float($0 == 599 - look ? 1 : 0) } }
    #expect(TranslationSteps.matched(looks, many) == (0..<600).reversed())
  }

  @Test func whatIsUnseenOrCutOffIsSaid() throws {
    let text = greetings(200, seed: 1)
    let made = try wordTranslator(text)
    var search = Translator.Search()
    (search.maxLength, search.maxLengthPerToken, search.allowsLongest) = (2, 0, false)
    let found = try made.translate(["so Tom and well", "so"], search).map { $0[0] }
    #expect(found.map(\.unseen) == [["Tom"], []])
    for translation in found {
      #expect(translation.written.count <= 2)
      // Fresh weights find no end; whatever they do, the mark says whether there was one.
      #expect(translation.isCutOff == (translation.written.count == 2))
    }
    #expect(found.contains { $0.isCutOff })
    var characters = Translator.Configuration()
    (characters.hiddenSize, characters.embeddingSize) = (8, 8)
    let speller = try Translator(
      characters, source: text.vocabulary(of: \.source, Segmentation()),
      target: text.vocabulary(of: \.target, Segmentation()))
    #expect(try speller.translate(["so Zoë so"])[0][0].unseen == ["ë"])
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
