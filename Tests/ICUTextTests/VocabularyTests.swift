import Foundation
import Testing

@testable import ICUText

@Suite struct VocabularyTests {
  @Test func symbolsFollowTheBytesByFallingCountThenByBytes() throws {
    let corpus = Corpus(text: "éàéßa\r\nöé\r\nü👩‍👩‍👧x")
    let vocabulary = try Vocabulary(counting: Segmentation(unit: .grapheme), in: corpus)
    #expect(vocabulary.tokens == ["é", "\r\n", "ß", "à", "ö", "ü", "👩‍👩‍👧"])
    #expect(vocabulary.count == 263)
    #expect(try vocabulary.encode("aé\r\n👩‍👩‍👧") == [97, 256, 257, 262])
  }

  @Test func unknownSymbolsAreSpeltByTheirBytes() throws {
    let vocabulary = try Vocabulary(segmentation: Segmentation(), tokens: ["é"])
    #expect(try vocabulary.encode("éö") == [256, 0xC3, 0xB6])
    #expect(vocabulary.decode([256, 0xC3, 0xB6]) == Array("éö".utf8))
    #expect(vocabulary.byteCount(of: 256) == 2 && vocabulary.byteCount(of: 3) == 1)
  }

  /// Counted by hand in the bytes of the text as it is given.
  @Test(arguments: [
    // é is a symbol of two bytes; ö is spelt, a number a byte; a mark joins the space before it.
    (TextUnit.grapheme, Normalization.none, "é ö", [2, 3, 4, 5]),
    (.grapheme, .none, "a \u{301}b", [1, 2, 3, 4, 5]),
    (.codePoint, .none, "e\u{301}é", [1, 2, 3, 5]),
    (.byte, .none, "éa", [1, 2, 3]),
    (.word, .none, "aaé aaé", [4, 5, 9]),
    // Of the second word, only the space is no symbol's beginning: it is spelt, five bytes.
    (.spacedWord, .none, "aaé aaé", [4, 5, 6, 7, 8, 9]),
    // Three bytes of the original become é; what comes of ﬁ ends where ﬁ ends.
    (.grapheme, .nfc, "xe\u{301}y", [1, 4, 5]),
    (.grapheme, .nfkc, "ﬁé", [3, 3, 5]),
    (.grapheme, .caseFolding, "ßA", [2, 2, 3]),
    (.grapheme, .none, "", []),
  ])
  func endsAreThoseOfTheOriginal(
    _ unit: TextUnit, _ normalization: Normalization, _ text: String, _ ends: [Int]
  ) throws {
    let vocabulary = try Vocabulary(
      segmentation: Segmentation(unit: unit, normalization: normalization),
      tokens: unit == .byte ? [] : [.word, .spacedWord].contains(unit) ? ["aaé"] : ["é"])
    let found = try vocabulary.encodeWithEnds(text)
    #expect(found.ends == ends)
    #expect(try found.ids == vocabulary.encode(text))
  }

  @Test func limitsKeepTheMostFrequent() throws {
    let corpus = Corpus(text: "the cat, the dog and the cat")
    let words = Segmentation(unit: .word)
    let all = try Vocabulary(counting: words, in: corpus)
    #expect(all.tokens == ["the", "cat", "and", "dog"])
    let frequent = try Vocabulary(counting: words, in: corpus, minimumCount: 2)
    #expect(frequent.tokens == ["the", "cat"])
    let small = try Vocabulary(counting: words, in: corpus, maximumSize: 257)
    #expect(small.tokens == ["the"])
    #expect(small.text(of: try small.encode("the dog")) == "the dog")
  }

  @Test func aSpacedWordIsOneSymbolWithItsSpace() throws {
    let words = Segmentation(unit: .spacedWord)
    let text = "To be, or  not to be.\nA b can't be"
    let pieces = ["To", " be", ",", " or", "  ", "not", " to", " be", ".", "\n", "A", " b"]
    #expect(
      try Segmenter(words).spans(of: text).map(\.text) == pieces + [" can't", " be"])
    let vocabulary = try Vocabulary(counting: words, in: Corpus(text: text), minimumCount: 2)
    #expect(vocabulary.tokens == [" be"])
    #expect(vocabulary.merges.isEmpty)
    #expect(try vocabulary.encode(" be") == [256])
    #expect(vocabulary.text(of: try vocabulary.encode(text)) == text)
    #expect(
      vocabulary.text(of: try vocabulary.encode("  nie  gesehen \u{1F680} "))
        == "  nie  gesehen \u{1F680} ")
  }

  @Test func unknownSymbolsGetOneNumber() throws {
    let words = try Vocabulary(
      segmentation: Segmentation(unit: .spacedWord, normalization: .caseFolding),
      tokens: [" be", "né", "é"])
    let found = try words.encodeWithTexts("A BE  né É, ö seen", unknown: 900)
    #expect(found.texts == ["a", " be", "  ", "né", " é", ",", " ö", " seen"])
    #expect(found.ids == [97, 256, 900, 257, 900, 44, 900, 900])
    #expect(try words.encodeWithTexts("é", unknown: 900).ids == [258])
    #expect(try words.encodeWithTexts("𝒳", unknown: 900).ids == [900])
    #expect(try words.encodeWithTexts("", unknown: 900).texts.isEmpty)
    // Units that are spelt anyway know everything.
    let bytes = try Vocabulary(segmentation: Segmentation(unit: .byte), tokens: [])
    #expect(try bytes.encodeWithTexts("aé", unknown: 900).ids == [97, 0xC3, 0xA9])
    let pieces = try Vocabulary(segmentation: Segmentation(unit: .subword), tokens: ["ö"])
    let spelt = try pieces.encodeWithTexts("ö é", unknown: 900)
    #expect(spelt.ids == [256, 32, 0xC3, 0xA9])
    #expect(spelt.texts == ["ö", " ", "\u{FFFD}", "\u{FFFD}"])
  }

  @Test func symbolsOfOneAsciiByteAreThatByte() throws {
    for unit in TextUnit.allCases {
      let vocabulary = try Vocabulary(
        counting: Segmentation(unit: unit), in: Corpus(text: "a\tb\n"))
      #expect(vocabulary.count == 256)
      #expect(try vocabulary.encode("a\tb\n") == [97, 9, 98, 10])
    }
  }

  @Test func encodingAppliesTheNormalisation() throws {
    let folding = Segmentation(unit: .grapheme, normalization: .caseFolding)
    let vocabulary = try Vocabulary(counting: folding, in: Corpus(text: "Éé\u{45}\u{301}STRASSE"))
    #expect(vocabulary.tokens == ["é"])
    #expect(vocabulary.text(of: try vocabulary.encode("ÉStraße")) == "éstrasse")
  }

  @Test func survivesJSON() throws {
    let corpus = Corpus(text: "naïve e\u{301} ﬁ 👍🏽 ไทย\r\n\u{2028}\"\\")
    for unit in TextUnit.allCases {
      let vocabulary = try Vocabulary(counting: Segmentation(unit: unit, locale: "th"), in: corpus)
      let data = try JSONEncoder().encode(vocabulary)
      let read = try JSONDecoder().decode(Vocabulary.self, from: data)
      #expect(read == vocabulary)
      #expect(try read.encode("naïve ไทย") == vocabulary.encode("naïve ไทย"))
    }
  }

  @Test func composedAndDecomposedSymbolsDiffer() throws {
    let vocabulary = try Vocabulary(
      segmentation: Segmentation(), tokens: ["\u{E9}", "e\u{301}"])
    #expect(try vocabulary.encode("e\u{301}\u{E9}") == [257, 256])
  }

  @Test(
    arguments: [
      (TextUnit.grapheme, ["ab", "é", ""], "Token 258 of the vocabulary is empty"),
      (.grapheme, ["x"], "Token 256 of the vocabulary is one of the bytes"),
      (.grapheme, ["é", "é"], "Token 257 of the vocabulary is there twice"),
      (.codePoint, ["ab"], "Token 256 of the vocabulary is more than a code point"),
      (.byte, ["é"], "Token 256 of the vocabulary is not a byte"),
    ])
  func refusesSymbolsThatMakeNoVocabulary(
    unit: TextUnit, symbols: [String], beginning: String
  ) throws {
    let error = #expect(throws: TextError.self) {
      try Vocabulary(segmentation: Segmentation(unit: unit), tokens: symbols)
    }
    #expect(error?.description.hasPrefix(beginning) == true)
    let json = try JSONEncoder().encode(symbols)
    let text =
      "{\"segmentation\":{\"unit\":\"\(unit.rawValue)\",\"normalization\":\"none\",\"locale\":\"en\"},"
      + "\"symbols\":\(String(decoding: json, as: UTF8.self))}"
    #expect(throws: try #require(error)) {
      try JSONDecoder().decode(Vocabulary.self, from: Data(text.utf8))
    }
  }

  @Test(.enabled(if: SharedData.isPresent, SharedData.absence), arguments: SharedData.texts)
  func everyTextComesBack(name: String) throws {
    let path = SharedData.folder + "/" + name
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let corpus = try Corpus(contentsOf: [path])
    for unit in TextUnit.allCases {
      let (vocabulary, symbols) = try corpus.encoded(
        by: Segmentation(unit: unit), minimumCount: 2)
      let numbers = try vocabulary.encode(text)
      #expect(numbers.count == symbols.count)
      var copied = [Int32](repeating: 0, count: symbols.count)
      copied.withUnsafeMutableBufferPointer { symbols.copy(0..<symbols.count, into: $0) }
      #expect(copied.map(Int.init) == numbers)
      #expect(vocabulary.decode(numbers) == Array(text.utf8))
      var decoder = StreamingDecoder(vocabulary)
      var streamed = ""
      for number in numbers { streamed += decoder.append(number) }
      streamed += decoder.finish()
      #expect(Array(streamed.utf8) == Array(text.utf8))
    }
  }

  @Test func punctuationHasTheSpaceBeforeItWhereItIsToldTo() throws {
    func tokens(_ text: String, attaches: Bool) throws -> [String] {
      try Segmenter(Segmentation(unit: .spacedWord, attachesPunctuation: attaches)).spans(of: text)
        .map(\.text)
    }
    #expect(
      try tokens(" Ça va ? Oui !", attaches: true) == [" Ça", " va", " ?", " Oui", " !"])
    #expect(
      try tokens(" Ça va ? Oui !", attaches: false)
        == [" Ça", " va", " ", "?", " Oui", " ", "!"])
    #expect(try tokens("va\u{202F}?", attaches: true) == ["va", "\u{202F}?"])
    #expect(try tokens("« va", attaches: true) == ["«", " va"])
    #expect(try tokens("«\u{A0}va\u{A0}»", attaches: true) == ["«", "\u{A0}", "va", "\u{A0}»"])
    // Files of older models say nothing of it, and mean that it stands alone.
    let old = Data(#"{"unit":"spaced-word","normalization":"none","locale":"fr"}"#.utf8)
    let read = try JSONDecoder().decode(Segmentation.self, from: old)
    #expect(read == Segmentation(unit: .spacedWord, locale: "fr"))
    let new = Segmentation(unit: .subword, attachesPunctuation: true)
    #expect(
      try JSONDecoder().decode(Segmentation.self, from: JSONEncoder().encode(new)) == new)
  }
}
