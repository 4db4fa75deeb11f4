import Foundation
import Testing

@testable import ICUText

/// Byte-pair encoding as its paper has it, the judge of the learner and the encoder.
///
/// Slow and simple: symbols are strings, and all pairs are counted anew after every merge.
private struct SlowPairs {
  struct Pair: Hashable, Equatable {
    let left, right: [UInt8]
  }

  typealias Symbol = [UInt8]
  typealias Count = (segment: [Symbol], count: Int)

  /// The words of a text with the single space before them, and what stands between, from the
  /// plain words of ICU.
  static func segments(of text: String, locale: String = "en") throws -> [[UInt8]] {
    let words = try Segmenter(Segmentation(unit: .word, locale: locale)).spans(of: text)
    var segments: [[UInt8]] = []
    for (index, word) in words.enumerated() {
      let followsSpace = index > 0 && Array(words[index - 1].text.utf8) == [0x20]
      if word.isWordLike && followsSpace {
        segments[segments.count - 1] += Array(word.text.utf8)
      } else {
        segments.append(Array(word.text.utf8))
      }
    }
    return segments
  }

  static func characters(of segment: [UInt8]) -> [Symbol] {
    String(decoding: segment, as: UTF8.self).unicodeScalars.map { Array(String($0).utf8) }
  }

  static func merge(_ pair: Pair, in symbols: [Symbol]) -> [Symbol] {
    var result: [Symbol] = []
    var index = 0
    while index < symbols.count {
      if index + 1 < symbols.count, symbols[index] == pair.left, symbols[index + 1] == pair.right {
        result.append(pair.left + pair.right)
        index += 2
      } else {
        result.append(symbols[index])
        index += 1
      }
    }
    return result
  }

  static func counts(of segments: [[UInt8]]) -> [Count] {
    var counts: [[UInt8]: Int] = [:]
    for segment in segments { counts[segment, default: 0] += 1 }
    return counts.map { (characters(of: $0.key), $0.value) }
  }

  static func characterCounts(_ segments: [Count]) -> [Symbol: Int] {
    var counts: [Symbol: Int] = [:]
    for (segment, count) in segments {
      for symbol in segment { counts[symbol, default: 0] += count }
    }
    return counts
  }

  static func best(_ segments: [Count], without rare: Set<Symbol>) -> (pair: Pair, count: Int)? {
    var counts: [Pair: Int] = [:]
    for (segment, count) in segments {
      for (left, right) in zip(segment, segment.dropFirst())
      where !rare.contains(left) && !rare.contains(right) {
        counts[Pair(left: left, right: right), default: 0] += count
      }
    }
    return counts.min { one, other in
      if one.value != other.value { return one.value > other.value }
      if one.key.left != other.key.left {
        return one.key.left.lexicographicallyPrecedes(other.key.left)
      }
      return one.key.right.lexicographicallyPrecedes(other.key.right)
    }.map { ($0.key, $0.value) }
  }

  static func learn(_ text: String, merges limit: Int, minimumCount: Int) throws -> [Pair] {
    var segments = counts(of: try segments(of: text))
    let rare = Set(
      characterCounts(segments).filter { $0.key.count > 1 && $0.value < minimumCount }.keys)
    var merges: [Pair] = []
    while merges.count < limit, let (pair, count) = best(segments, without: rare),
      count >= max(2, minimumCount)
    {
      merges.append(pair)
      segments = segments.map { (merge(pair, in: $0.segment), $0.count) }
    }
    return merges
  }

  static func encode(_ text: String, _ merges: [Pair], alphabet: Set<Symbol>) throws -> [Symbol] {
    try segments(of: text).flatMap { segment in
      var symbols = characters(of: segment)
      for pair in merges { symbols = merge(pair, in: symbols) }
      return symbols.flatMap { symbol in
        symbol.count == 1 || alphabet.contains(symbol) ? [symbol] : symbol.map { [$0] }
      }
    }
  }
}

private let texts: [String] = [
  "It was the best of times, it was the worst of times, it was the age of wisdom. It wasn't!\n",
  "aaaa aaa aa a  aaaaa aaaaaaa aa-aa  \n\n\taaaa aaaaaa",
  "abcabc xabc bcabc abc bc ab xab xbc abcab cabc xyz xyzxyz yzx zxy",
  "ภาษาไทย ภาษาเป็นภาษาราชการของประเทศไทย ภาษาไทยเป็นภาษา ไทย",
  "春眠不覺曉，處處聞啼鳥。夜來風雨聲，花落知多少。春風春雨春花，花落花開，風雨風雨。",
  "👩‍👩‍👧 👩‍👩‍👧 👍🏽👍🏽👍 👍🏽 🇩🇪🇫🇷🇩🇪 ❤️❤️❤ 👩‍🚀👩‍🚀",
  "e\u{301}te\u{301} été e\u{301}te\u{301} \u{301}\u{301} a\u{323}\u{301}a\u{323}\u{301} été naïve",
  "Съешь же ещё этих мягких французских булок, да выпей чаю. Съешь ещё, выпей ещё чаю.\r\n \u{3000} ещё",
  "हिन्दी हिन्दी भाषा भाषाएँ हिन्दुस्तान 한국어 한국 한국어는 日本語の日本 にほんご にほん",
  "the the", "a", " ", "", "\u{301}", "x\r\ny\r\n", "nul\u{0}nul\u{0} nul",
]

private let oddTexts: [String] = [
  "", "a", " ", "  ", " a", "  a", "a ", "\n", "\r\n", "\r", " \r\n ", "\u{301}", " \u{301}",
  "a \u{301}b",
  "\u{200D}", "👩\u{200D}", "\u{200D}👩 x", "👩\u{200D}👩\u{200D}👧", "\u{FE0F}\u{20E3}", "\u{600} a",
  "\u{A0}a",
  "\u{3000}a \u{2003}b", "\u{FEFF}a", "\u{10FFFF}\u{E000}", "\u{0}", "a\u{0}b", "𝒳𝒳 𠮷", "ﬁ ﷺ ½",
  "\u{1D165}\u{1D16E}", "각\u{11A8} ᄀ", "\t\u{B}\u{C}\u{85}\u{2028}\u{2029}",
]

private func subwords(
  _ text: String, merges: Int = 60, minimumCount: Int = 1, normalization: Normalization = .none
) throws -> Vocabulary {
  try Vocabulary(
    learningMerges: merges, in: Corpus(text: text), normalization: normalization,
    minimumCount: minimumCount)
}

private func pairs(_ vocabulary: Vocabulary) -> [SlowPairs.Pair] {
  vocabulary.merges.map {
    .init(left: vocabulary.bytes(of: $0.left), right: vocabulary.bytes(of: $0.right))
  }
}

@Suite struct SubwordTests {
  @Test(arguments: texts) func learnsWhatCountingAllPairsAnewLearns(text: String) throws {
    for minimumCount in [1, 2, 3] {
      for limit in [0, 1, 7, 200] {
        let vocabulary = try subwords(text, merges: limit, minimumCount: minimumCount)
        let wanted = try SlowPairs.learn(text, merges: limit, minimumCount: minimumCount)
        #expect(pairs(vocabulary) == wanted, "\(limit) merges, at least \(minimumCount)")
      }
    }
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func learnsAndEncodesRandomTextsAsTheSlowWayDoes(seed: UInt64) throws {
    var generator = SeededGenerator(seed)
    // Few letters, so that pairs overlap, come up again, and make the same symbol in several ways.
    for round in 0..<60 {
      let letters = [
        ["a", "b", " "], ["a", "b", "c", "é", " ", "."], ["a", "漢", "字", " ", "е", "ё"],
      ]
      let pool = letters[round % 3]
      var text = ""
      for _ in 0..<Int.random(in: 1...400, using: &generator) {
        text += pool.randomElement(using: &generator) ?? ""
      }
      let minimumCount = 1 + round % 2
      let vocabulary = try subwords(text, merges: 80, minimumCount: minimumCount)
      let wanted = try SlowPairs.learn(text, merges: 80, minimumCount: minimumCount)
      #expect(pairs(vocabulary) == wanted, "seed \(seed), round \(round)")
      try expectSlowEncoding(of: text, by: vocabulary)
      try expectSlowEncoding(of: String(text.shuffled(using: &generator)), by: vocabulary)
    }
  }

  @Test func encodesAsApplyingTheMergesOneByOneDoes() throws {
    let all = texts.joined(separator: "\n")
    for text in texts {
      let own = try subwords(text, minimumCount: 2)
      for other in texts + oddTexts { try expectSlowEncoding(of: other, by: own) }
    }
    let shared = try subwords(all, merges: 150)
    for other in texts + oddTexts { try expectSlowEncoding(of: other, by: shared) }
  }

  private func expectSlowEncoding(
    of text: String, by vocabulary: Vocabulary, _ comment: Comment? = nil
  ) throws {
    let alphabet = Set(vocabulary.tokens.map { Array($0.utf8) })
    let wanted = try SlowPairs.encode(text, pairs(vocabulary), alphabet: alphabet)
    let found = try vocabulary.encode(text).map { vocabulary.bytes(of: $0) }
    #expect(found == wanted, comment)
  }

  @Test func aWordHasTheSingleSpaceBeforeIt() throws {
    let spans = try Segmenter(Segmentation(unit: .subword)).spans(
      of: " It wasn't  so - 東京, 3.5 \u{301}x\n y ")
    #expect(
      spans.map(\.text) == [
        " It", " wasn't", "  ", "so", " ", "-", " 東京", ",", " 3.5", " \u{301}", "x", "\n", " y",
        " ",
      ])
    #expect(
      spans.filter(\.isWordLike).map(\.text) == [" It", " wasn't", "so", " 東京", " 3.5", "x", " y"])
    #expect(spans.last?.bytes.upperBound == " It wasn't  so - 東京, 3.5 \u{301}x\n y ".utf8.count)
  }

  @Test func charactersComeFirstThenPieces() throws {
    // é 3 times of 2 bytes, 漢 twice of 3, which saves more; ö only once.
    let vocabulary = try subwords("éa 漢 éa 漢 éa ö", merges: 2, minimumCount: 2)
    #expect(vocabulary.tokens == ["漢", "é", "éa", " éa"])
    #expect(vocabulary.merges == [.init(left: 257, right: 0x61), .init(left: 0x20, right: 258)])
    #expect(try vocabulary.encode("éaö 漢 éa") == [258, 0xC3, 0xB6, 0x20, 256, 259])
  }

  @Test(arguments: texts) func aSmallVocabularyHoldsWhatSavesMost(text: String) throws {
    let corpus = Corpus(text: text)
    let segmentation = Segmentation(unit: .subword)
    var last = Int.max
    for size in [256, 257, 260, 270, 300, 400] {
      let vocabulary = try Vocabulary(counting: segmentation, in: corpus, maximumSize: size)
      #expect(vocabulary.count <= size)
      let numbers = try vocabulary.encode(text)
      #expect(numbers.count <= last)
      last = numbers.count
      #expect(vocabulary.decode(numbers) == Array(text.utf8))
      try expectSlowEncoding(of: text, by: vocabulary)
    }
  }

  @Test(arguments: [Normalization.none, .nfc, .nfkc, .caseFolding])
  func everyTextComesBackAfterItsNormalisation(normalization: Normalization) throws {
    let vocabulary = try subwords(
      texts.joined(separator: "\n"), merges: 300, normalization: normalization)
    for text in texts + oddTexts {
      let numbers = try vocabulary.encode(text)
      let wanted = try Segmenter(vocabulary.segmentation).normalized(text)
      #expect(vocabulary.decode(numbers) == Array(wanted.utf8))
      var decoder = StreamingDecoder(vocabulary)
      let streamed = numbers.map { decoder.append($0) }.joined() + decoder.finish()
      #expect(Array(streamed.utf8) == Array(wanted.utf8))
    }
  }

  @Test func anySymbolsDecode() throws {
    let vocabulary = try subwords(texts.joined(separator: "\n"), merges: 300)
    var generator = SeededGenerator(5)
    for _ in 0..<500 {
      let ids = (0..<Int.random(in: 0...30, using: &generator)).map { _ in
        Int.random(in: 0..<vocabulary.count, using: &generator)
      }
      #expect(vocabulary.decode(ids) == ids.flatMap { vocabulary.bytes(of: $0) })
      var decoder = StreamingDecoder(vocabulary)
      let streamed = ids.map { decoder.append($0) }.joined() + decoder.finish()
      #expect(streamed == vocabulary.text(of: ids))
    }
  }

  /// Counted by hand in the bytes of the text as it is given.
  @Test(arguments: [
    (Normalization.none, "été, l'été ö", [5, 6, 7, 8, 9, 14, 15, 16, 17]),
    (.nfc, "e\u{301}te\u{301} e\u{301}te\u{301}", [7, 15]),
    (.nfkc, "\u{A0}été", [7]),
    (.caseFolding, "ÉTÉ", [5]),
  ])
  func endsAreThoseOfTheOriginal(
    _ normalization: Normalization, _ text: String, _ ends: [Int]
  ) throws {
    let vocabulary = try subwords("été été été", normalization: normalization)
    #expect(vocabulary.tokens.contains(" été"))
    let found = try vocabulary.encodeWithEnds(text)
    #expect(try found.ids == vocabulary.encode(text))
    #expect(found.ends == ends)
  }

  @Test func spansTileTheText() throws {
    let vocabulary = try subwords(texts.joined(separator: "\n"), merges: 100, minimumCount: 3)
    for text in texts + oddTexts {
      let bytes = Array(text.utf8)
      var (byte, utf16, codePoints) = (0, 0, 0)
      let spans = try vocabulary.spans(of: text)
      #expect(try spans.map(\.bytes.upperBound) == vocabulary.encodeWithEnds(text).ends)
      for span in spans {
        #expect(span.bytes.lowerBound == byte)
        byte = span.bytes.upperBound
        // The bytes of a character that is no symbol all have its place.
        let isWhole = String(validating: bytes[span.bytes], as: UTF8.self) != nil
        if isWhole {
          #expect(span.utf16.lowerBound == utf16 && span.codePoints.lowerBound == codePoints)
          #expect(Array(span.text.utf8) == Array(bytes[span.bytes]))
          #expect(span.utf16.count == span.text.utf16.count)
          #expect(span.codePoints.count == span.text.unicodeScalars.count)
        } else {
          #expect(span.bytes.count == 1 && span.codePoints.count == 1)
          #expect(span.text == "\u{FFFD}")
        }
        (utf16, codePoints) = (span.utf16.upperBound, span.codePoints.upperBound)
      }
      #expect(byte == bytes.count && utf16 == text.utf16.count)
      #expect(codePoints == text.unicodeScalars.count)
    }
  }

  @Test func placesGoThroughNormalisation() throws {
    let vocabulary = try subwords("été été été", normalization: .nfkc)
    let spans = try vocabulary.spans(of: "e\u{301}te\u{301}\u{A0}e\u{301}té.")
    #expect(spans.map(\.text) == ["été", " été", "."])
    #expect(spans.map(\.bytes) == [0..<7, 7..<15, 15..<16])
    #expect(spans.map(\.codePoints) == [0..<5, 5..<10, 10..<11])
  }

  @Test func piecesOfTheStreamDoNotMatter() throws {
    let text = texts.dropLast().joined(separator: "\n") + "\n" + texts[0]
    let folder = try Folder()
    let path = try folder.file("text", Array(text.utf8))
    for normalization in [Normalization.none, .nfkc] {
      let whole = try subwords(text, merges: 200, normalization: normalization)
      let numbers = try whole.encode(text)
      for size in [1, 2, 3, 10, 50] {
        for var corpus in [try Corpus(contentsOf: [path]), Corpus(text: text)] {
          corpus.pieceSize = size
          let vocabulary = try Vocabulary(
            learningMerges: 200, in: corpus, normalization: normalization, minimumCount: 1)
          #expect(vocabulary == whole)
          let symbols = try EncodedCorpus(corpus, vocabulary: vocabulary)
          #expect((0..<symbols.count).map { symbols[$0] } == numbers)
        }
      }
    }
  }

  @Test func longLinesAreCutBeforeTheSpaceOfAWord() throws {
    let text = String(
      repeating: "It was  the\u{A0} best \u{3000} of\u{2003} times; 漢字 été ", count: 40)
    for normalization in [Normalization.none, .nfkc] {
      let segmentation = Segmentation(unit: .subword, normalization: normalization)
      let whole = try Vocabulary(counting: segmentation, in: Corpus(text: text))
      let numbers = try whole.encode(text)
      for longest in [40, 41, 43, 47, 64, 128] {
        var corpus = Corpus(text: text)
        corpus.pieceSize = 16
        corpus.longestLine = longest
        let (vocabulary, symbols) = try corpus.encoded(by: segmentation)
        #expect(vocabulary == whole)
        #expect((0..<symbols.count).map { symbols[$0] } == numbers, "\(longest)")
      }
    }
  }

  @Test func aLongSegmentIsNoTrouble() throws {
    var generator = SeededGenerator(9)
    let text = String((0..<30_000).map { _ in "ACGT".randomElement(using: &generator) ?? "A" })
    let vocabulary = try subwords(text, merges: 500)
    #expect(vocabulary.merges.count == 500)
    let numbers = try vocabulary.encode(text)
    #expect(numbers.count < 30_000 / 3 && vocabulary.decode(numbers) == Array(text.utf8))
    let spaces = String(repeating: " ", count: 100_000)
    let blank = try subwords(spaces, merges: 40)
    #expect(try blank.encode(spaces).count < 10)
  }

  @Test func nulIsRefusedInAFileAsElsewhere() throws {
    let folder = try Folder()
    let path = try folder.file("text", Array("a\u{0}b".utf8))
    #expect(throws: TextError.self) {
      try Vocabulary(learningMerges: 3, in: try Corpus(contentsOf: [path]))
    }
  }

  @Test(.enabled(if: SharedData.isPresent, SharedData.absence), arguments: SharedData.texts)
  func sharedTextsComeBack(name: String) throws {
    let path = SharedData.folder + "/" + name
    let corpus = try Corpus(contentsOf: [path])
    let vocabulary = try Vocabulary(learningMerges: 1000, in: corpus)
    let symbols = try EncodedCorpus(corpus, vocabulary: vocabulary)
    let text = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(vocabulary.decode((0..<symbols.count).lazy.map { symbols[$0] }) == Array(text))
    let read = try JSONDecoder().decode(
      Vocabulary.self, from: JSONEncoder().encode(vocabulary))
    #expect(read == vocabulary)
  }

  @Test func theRepositorysCorpusIsLearntAndComesBack() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("corpora/ships-log.txt").path
    // A part of it, as the slow way counts all pairs anew for each merge.
    let text = String(try String(contentsOfFile: path, encoding: .utf8).prefix(100_000))
    let vocabulary = try Vocabulary(learningMerges: 120, in: Corpus(text: text))
    #expect(try pairs(vocabulary) == SlowPairs.learn(text, merges: 120, minimumCount: 2))
    let numbers = try vocabulary.encode(text)
    #expect(vocabulary.decode(numbers) == Array(text.utf8))
    try expectSlowEncoding(of: text, by: vocabulary)
  }

  // MARK: Stored vocabularies

  private struct Stored: CustomTestStringConvertible, Sendable {
    var symbols: [String]
    var merges: [[Int]]
    var beginning: String
    var unit = TextUnit.subword

    var testDescription: String { beginning }
  }

  private static let damaged: [Stored] = [
    Stored(
      symbols: ["ab"], merges: [[0x61, 999]],
      beginning: "Merge 0 of the vocabulary joins token 999, which there is not;"),
    Stored(
      symbols: ["ab"], merges: [[-1, 0x62]],
      beginning: "Merge 0 of the vocabulary joins token -1, which there is not;"),
    Stored(
      symbols: ["ab"], merges: [[Int.max, 0x62]],
      beginning: "Merge 0 of the vocabulary joins token \(Int.max), which there is not;"),
    Stored(
      symbols: ["é"], merges: [[0xC3, 0xA9]],
      beginning: "Merge 0 of the vocabulary joins byte 195, which is no character;"),
    Stored(
      symbols: ["ab", "abc"], merges: [[256, 0x63], [0x61, 0x62]],
      beginning: "Merge 0 of the vocabulary joins token 256 before any merge makes it;"),
    Stored(
      symbols: ["ab"], merges: [[0x61, 0x62], [0x61, 0x63]],
      beginning: "Merge 1 of the vocabulary makes what is no token;"),
    Stored(
      symbols: ["ab", "bc", "abc"],
      merges: [[0x61, 0x62], [0x62, 0x63], [256, 0x63], [0x61, 257]],
      beginning: "Merge 3 of the vocabulary makes token 258 once more;"),
    Stored(
      symbols: ["ab"], merges: [[0x61, 0x62], [0x61, 0x62]],
      beginning: "Merge 1 of the vocabulary makes token 256 once more;"),
    Stored(
      symbols: ["ab", "cd"], merges: [[0x61, 0x62]],
      beginning: "Token 257 of the vocabulary is made by no merge;"),
    Stored(
      symbols: ["ab"], merges: [], beginning: "Token 256 of the vocabulary is made by no merge;"),
    Stored(symbols: ["é", ""], merges: [], beginning: "Token 257 of the vocabulary is empty;"),
    Stored(
      symbols: ["é", "é"], merges: [], beginning: "Token 257 of the vocabulary is there twice;"),
    Stored(
      symbols: ["ab"], merges: [[0x61, 0x62]],
      beginning: "Merge 0 of the vocabulary is there, though the unit is no subword;", unit: .word),
  ]

  @Test(arguments: damaged) private func damagedVocabulariesAreRefused(_ stored: Stored) throws {
    let error = #expect(throws: TextError.self) {
      try Vocabulary(
        segmentation: Segmentation(unit: stored.unit), tokens: stored.symbols,
        merges: stored.merges.map { .init(left: $0[0], right: $0[1]) })
    }
    #expect(error?.description.hasPrefix(stored.beginning) == true, "\(String(describing: error))")
    #expect(throws: try #require(error)) { try decode(stored.symbols, stored.merges, stored.unit) }
  }

  @Test(arguments: [[[0x61]], [[0x61, 0x62, 0x63]], [[]]] as [[[Int]]])
  func aMergeIsOfTwoSymbols(merges: [[Int]]) throws {
    #expect(throws: DecodingError.self) { try decode(["ab"], merges, .subword) }
  }

  @discardableResult
  private func decode(
    _ symbols: [String], _ merges: [[Int]], _ unit: TextUnit
  ) throws -> Vocabulary {
    let list = String(decoding: try JSONEncoder().encode(symbols), as: UTF8.self)
    let text =
      "{\"segmentation\":{\"unit\":\"\(unit.rawValue)\",\"normalization\":\"none\",\"locale\":\"en\"},"
      + "\"symbols\":\(list),\"merges\":\(merges)}"
    return try JSONDecoder().decode(Vocabulary.self, from: Data(text.utf8))
  }

  @Test func theOrderOfMergesIsPartOfAVocabulary() throws {
    let segmentation = Segmentation(unit: .subword)
    let symbols = ["ab", "bc"]
    let (ab, bc) = (Vocabulary.Merge(left: 97, right: 98), Vocabulary.Merge(left: 98, right: 99))
    let one = try Vocabulary(segmentation: segmentation, tokens: symbols, merges: [ab, bc])
    let other = try Vocabulary(segmentation: segmentation, tokens: symbols, merges: [bc, ab])
    #expect(one != other)
    #expect(try one.encode("abc") == [256, 99] && other.encode("abc") == [97, 257])
  }

  @Test func otherUnitsAreStoredAsEver() throws {
    let vocabulary = try Vocabulary(counting: Segmentation(), in: Corpus(text: "é"))
    let text = String(decoding: try JSONEncoder().encode(vocabulary), as: UTF8.self)
    #expect(!text.contains("merges"))
  }

  @Test func randomListsOfMergesAreTakenOrRefusedButNeverFatal() throws {
    var generator = SeededGenerator(21)
    let sound = try subwords(texts[2], merges: 30)
    var taken = 0
    for _ in 0..<2000 {
      var merges = sound.merges
      for _ in 0...Int.random(in: 0...2, using: &generator) {
        let place = Int.random(in: 0..<merges.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: merges.remove(at: place)
        case 1: merges.swapAt(place, Int.random(in: 0..<merges.count, using: &generator))
        case 2:
          merges.insert(merges[place], at: Int.random(in: 0...merges.count, using: &generator))
        default:
          merges[place] = .init(
            left: Int.random(in: -2..<sound.count + 2, using: &generator),
            right: merges[place].right)
        }
      }
      do {
        let vocabulary = try Vocabulary(
          segmentation: sound.segmentation, tokens: sound.tokens, merges: merges)
        taken += 1
        try expectSlowEncoding(of: texts[2], by: vocabulary)
      } catch let error as TextError {
        #expect(!error.description.isEmpty)
      }
    }
    #expect(taken > 50)
  }
}
