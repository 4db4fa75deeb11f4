import Foundation
import MajorTom
import TestSupport
import Testing

@testable import LanguageModel

@Suite struct WordStatesTests {
  private static let known = ["the", "cat", "sat", "läuft", "猫は", "眠る。", "Käse"]

  private func model(
    _ kind: CellKind = .lstm, isBackwards: Bool = false, isResidual: Bool = false,
    segmentation: Segmentation = Segmentation(), corpus: String? = nil
  ) throws -> LanguageModel {
    var configuration = smallConfiguration(kind, isBackwards: isBackwards)
    configuration.isResidual = isResidual
    let vocabulary = try Vocabulary(
      counting: segmentation, in: Corpus(text: corpus ?? Self.known.joined(separator: "\n")))
    return try LanguageModel(configuration, vocabulary: vocabulary, seed: 3)
  }

  /// Sentences of words known and unknown, of all lengths to 30, without words among them.
  private func sentences(_ count: Int, seed: UInt64 = 1) -> [[String]] {
    var numbers = TestNumbers(seed: seed)
    let words = Self.known + ["жук", "x", "👩‍👩‍👧", "New-York,"]
    return (0..<count).map { _ in
      (0..<numbers.integer(0...30)).map { _ in words[numbers.integer(0...words.count - 1)] }
    }
  }

  /// h of the top layer after each symbol, read from left to right from a state of zeros.
  private func states(_ model: LanguageModel, _ symbols: [Int]) throws -> [[Float]] {
    let size = model.configuration.hiddenSize
    let units = (1...size).map {
      LanguageModel.Unit(layer: model.configuration.layers, number: $0)
    }
    let values = try model.activations(of: units, signal: "h", in: symbols)
    return symbols.indices.map { step in values.map { $0[step] } }
  }

  /// By the definition: each word's text before it is encoded anew, and its symbols are counted.
  ///
  /// That finds the place where no symbol joins characters across a space.
  private func expected(_ model: LanguageModel, _ words: [String]) throws -> [Float] {
    let symbols = try model.vocabulary.encode("\n" + words.joined(separator: " ") + "\n")
    if model.configuration.isBackwards {
      let read = try states(forwardTwin(of: model), symbols.reversed())
      return try words.indices.flatMap { word in
        let rest = words[word...].joined(separator: " ") + "\n"
        // The word, all after it, and the symbol before it.
        return read[try model.vocabulary.encode(rest).count]
      }
    }
    let read = try states(model, symbols)
    return try words.indices.flatMap { word in
      let text = "\n" + words[...word].joined(separator: " ")
      return read[try model.vocabulary.encode(text).count]
    }
  }

  private func difference(_ found: [Float], _ expected: [Float]) -> Double {
    worstDifference(found, expected.map(Double.init))
  }

  @Test(
    arguments: [CellKind.lstm, .gru, .elman, .minLSTM, .lstmLayerNorm, .timeDelay], [false, true])
  func statesAreThoseOfReadingSymbolBySymbol(kind: CellKind, isBackwards: Bool) throws {
    let model = try model(kind, isBackwards: isBackwards)
    let sentences = sentences(6) + [[], ["x"]]
    let found = try model.wordStates(of: sentences)
    let wanted = try sentences.flatMap { try expected(model, $0) }
    #expect(found.count == sentences.joined().count * model.wordStateSize)
    #expect(difference(found, wanted) < 1e-5)
  }

  @Test(arguments: [false, true])
  func theTopLayerIsMeantWithoutWhatPassesBy(isBackwards: Bool) throws {
    let model = try model(isBackwards: isBackwards, isResidual: true)
    let words = ["the", "cat", "läuft"]
    #expect(
      difference(try model.wordStates(of: [words]), try expected(model, words)) < 1e-5)
  }

  @Test(arguments: [false, true])
  func raggedBatchesEqualSingleSentences(isBackwards: Bool) throws {
    let model = try model(isBackwards: isBackwards)
    // More sentences than a batch takes, two of them longer than a batch, and some without words.
    var sentences = sentences(150, seed: 4)
    sentences.insert((0..<1900).map { Self.known[$0 * $0 % 7] }, at: 70)
    sentences.insert((0..<2100).map { Self.known[$0 * $0 % 5] }, at: 9)
    let together = try model.wordStates(of: sentences)
    let alone = try sentences.flatMap { try model.wordStates(of: [$0]) }
    #expect(together.count == sentences.joined().count * model.wordStateSize)
    #expect(difference(together, alone.map { $0 }) < 1e-5)
    #expect(try model.wordStates(of: []).isEmpty && model.wordStates(of: [[], []]).isEmpty)
  }

  @Test(arguments: [false, true])
  func aSentenceOf5000WordsIsReadInOneRun(isBackwards: Bool) throws {
    let model = try model(isBackwards: isBackwards)
    let words = (0..<5000).map { Self.known[$0 * $0 % 7] }
    let found = try model.wordStates(of: [words])
    let symbols = try model.vocabulary.encode("\n" + words.joined(separator: " ") + "\n")
    let read = try states(
      forwardTwin(of: model), isBackwards ? symbols.reversed() : symbols)
    // The vocabulary knows all characters, so symbols are what Swift calls characters.
    var place = 1
    var wanted: [Float] = []
    for word in words {
      let end = place + word.count
      wanted += read[isBackwards ? symbols.count - place : end]
      place = end + 1
    }
    #expect(difference(found, wanted) < 1e-5)
  }

  @Test func resultsAreBitIdenticalForAnyNumberOfThreads() throws {
    let model = try model()
    let sentences = sentences(400, seed: 9)
    let found = try [1, 2, 3].map { threads in
      try model.wordStates(of: sentences, threads: threads).map(\.bitPattern)
    }
    #expect(found[0] == found[1])
    #expect(found[0] == found[2])
  }

  /// Which symbol each state is taken after, counted by hand, from the left and from the right.
  @Test(
    arguments: [
      // ⏎ a ␣́ b ⏎: the lone mark joins the space before it, and that symbol covers the space.
      (Segmentation(), "x \u{301}\n", ["a", "\u{301}", "b"], [2, 3, 5], [0, 2, 3]),
      // The same, but the symbol of space and mark is unknown, so its bytes are read apart.
      (Segmentation(), "x\n", ["a", "\u{301}", "b"], [2, 5, 7], [0, 2, 5]),
      // By code points the mark stands alone.
      (Segmentation(unit: .codePoint), "\u{301}\n", ["a", "\u{301}", "b"], [2, 4, 6], [0, 2, 4]),
      (Segmentation(unit: .byte), "x", ["é", "b"], [3, 5], [0, 3]),
      // Decomposed é becomes one symbol, ﬁ two: places are of what is read.
      (Segmentation(normalization: .nfc), "é", ["e\u{301}", "b"], [2, 4], [0, 2]),
      (Segmentation(normalization: .nfkc), "é", ["ﬁn", "é", "b"], [4, 6, 8], [0, 4, 6]),
      (Segmentation(normalization: .caseFolding), "ä", ["Ä", "Straße"], [2, 10], [0, 2]),
      // Empty words: ICU takes a run of spaces for one word, so all of it is read.
      (Segmentation(unit: .word), "aa  aa", ["aa", "", "aa"], [2, 2, 4], [0, 2, 2]),
      (Segmentation(), "x", ["", "b", ""], [1, 3, 4], [0, 1, 3]),
      // A carriage return at the end joins the line feed.
      (Segmentation(), "x\r\n", ["a\r"], [2], [0]),
    ] as [(Segmentation, String, [String], [Int], [Int])])
  func placesAreFoundByBytes(
    _ segmentation: Segmentation, _ corpus: String, _ words: [String], _ following: [Int],
    _ preceding: [Int]
  ) throws {
    for isBackwards in [false, true] {
      let model = try model(
        isBackwards: isBackwards, segmentation: segmentation, corpus: corpus)
      let symbols = try model.vocabulary.encode("\n" + words.joined(separator: " ") + "\n")
      let read = try states(
        forwardTwin(of: model), isBackwards ? symbols.reversed() : symbols)
      let wanted =
        isBackwards
        ? preceding.flatMap { read[symbols.count - 1 - $0] } : following.flatMap { read[$0] }
      let error = difference(try model.wordStates(of: [words]), wanted)
      #expect(error < 1e-5, "\(isBackwards ? "backwards" : "forwards")")
    }
  }
}
