import Foundation
import Testing

@testable import ICUText

/// The fast paths against ICU's own iterators over the whole text.
@Suite struct CuttingTests {
  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func graphemesOfRandomStringsAreThoseOfICU(seed: UInt64) throws {
    try compareOnRandomStrings(.grapheme, .grapheme, locale: "en", seed: seed)
  }

  // The locales whose word rules ICU tailors, and some that it does not.
  @Test(arguments: ["en", "sv", "fi", "en_US_POSIX", "ja", "zh-Hant", "th", "el", "root"])
  func wordsOfRandomStringsAreThoseOfICU(locale: String) throws {
    try compareOnRandomStrings(.word, .word, locale: locale, seed: 7)
  }

  @Test(.enabled(if: SharedData.isPresent, SharedData.absence), arguments: SharedData.texts)
  func cutsOfWholeTextsAreThoseOfICU(name: String) throws {
    let text = try String(contentsOfFile: SharedData.folder + "/" + name, encoding: .utf8)
    for (unit, kind) in [(TextUnit.grapheme, Breaker.Kind.grapheme), (.word, .word)] {
      let spans = try Segmenter(Segmentation(unit: unit)).spans(of: text)
      let ends = spans.map(\.utf16.upperBound)
      let wanted = try cuts(of: text, kind, locale: "en")
      if ends != wanted {
        let place = zip(ends, wanted).first { $0 != $1 }
        Issue.record("\(unit): cut at \(place?.0 ?? -1), ICU at \(place?.1 ?? -1)")
      }
    }
  }

  @Test func wordLikeSegmentsAreFlagged() throws {
    let spans = try Segmenter(Segmentation(unit: .word)).spans(
      of: "Don't pay 1,000.50 – ภาษาไทย, 東京!\n")
    #expect(
      spans.map(\.text) == [
        "Don't", " ", "pay", " ", "1,000.50", " ", "–", " ", "ภาษา", "ไทย", ",", " ", "東京",
        "!", "\n",
      ])
    #expect(
      spans.filter(\.isWordLike).map(\.text) == ["Don't", "pay", "1,000.50", "ภาษา", "ไทย", "東京"])
  }

  @Test func sentencesAreCutWithTheirSpace() throws {
    let sentences = try Segmenter(Segmentation()).sentences(of: "One. Two?\nÜber 3.5 m。終")
    #expect(sentences.map(\.text) == ["One. ", "Two?\n", "Über 3.5 m。", "終"])
  }

  @Test(arguments: ["xx", "", "e", "en-XX", "en us", "english", "en\u{0}", "de-DE-oops!"])
  func unknownLocalesAreRefused(locale: String) {
    #expect(throws: TextError.unknownLocale(locale)) {
      try Segmenter(Segmentation(locale: locale))
    }
  }

  @Test(arguments: ["en", "en-US", "en_GB", "pt-BR", "zh-Hant-TW", "es-419", "la", "root", "und"])
  func knownLocalesAreTaken(locale: String) throws {
    _ = try Segmenter(Segmentation(locale: locale))
  }

  @Test func emptyTextHasNoSymbols() throws {
    for unit in TextUnit.allCases {
      let segmenter = try Segmenter(Segmentation(unit: unit, normalization: .nfkc))
      #expect(try segmenter.spans(of: "").isEmpty)
      #expect(try segmenter.sentences(of: "").isEmpty)
    }
  }

  @Test func oneSegmenterServesManyTasks() async throws {
    let segmenter = try Segmenter(Segmentation(unit: .word))
    let text = String(repeating: "don’t ภาษาไทย 東京都 ", count: 50)
    let wanted = try segmenter.spans(of: text)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 { group.addTask { try segmenter.spans(of: text) == wanted } }
      for try await isSame in group { #expect(isSame) }
    }
  }

  // MARK: The oracle

  /// What random strings are made of: what rules speak about, weighted by repetition.
  private static let atoms: [String] = [
    "a", "b", "Z", "7", "0", " ", " ", "  ", "\t", "\n", "\r\n", "\r", ".", ",", ":", ";", "'",
    "\"", "_", "-", "!", "?", "#", "*", "/", "\u{0}", "\u{85}", "\u{2028}", "é", "e\u{301}",
    "\u{301}", "\u{308}", "\u{AD}", "\u{200D}", "\u{200C}", "\u{200E}", "\u{FE0F}", "\u{20E3}",
    "👩", "👩\u{200D}👩\u{200D}👧", "👍🏽", "🏽", "❤\u{FE0F}", "©", "🇩", "🇪", "🇫🇷", "ᄀ", "ᅡ", "ᆨ",
    "가", "각", "क", "\u{94D}", "ष", "\u{93F}", "\u{93C}", "ক", "\u{9CD}", "\u{DC6}", "ത", "\u{D4D}",
    "\u{600}", "\u{110BD}", "א", "ב", "״", "'", "’", "·", "ア", "ー", "か", "゛", "漢", "字", "東京",
    "ภาษา", "\u{E33}", "ไ", "ລາວ", "ខ្មែរ", "မြန်မာ", "Ж", "я", "\u{3000}", "\u{2003}", "𝒳", "𠮷",
    "\u{1D165}", "٣", "٫", "\u{E0001}", "\u{FEFF}", "“", "”", "—", "…", "\u{1B35}", "\u{1039}",
  ]

  private static let ascii = (0..<128).map { String(UnicodeScalar(UInt8($0))) }

  private func compareOnRandomStrings(
    _ unit: TextUnit, _ kind: Breaker.Kind, locale: String, seed: UInt64
  ) throws {
    var generator = SeededGenerator(seed)
    let segmenter = try Segmenter(Segmentation(unit: unit, locale: locale))
    for round in 0..<4000 {
      let pool = [Self.ascii, Array(Self.atoms.prefix(24)), Self.atoms][round % 3]
      var text = ""
      for _ in 0..<Int.random(in: 1...40, using: &generator) {
        text += pool.randomElement(using: &generator) ?? ""
      }
      let spans = try segmenter.spans(of: text)
      let ends = spans.map(\.utf16.upperBound)
      let wanted = try cuts(of: text, kind, locale: locale)
      if ends != wanted {
        let shown = text.unicodeScalars.map { String($0.value, radix: 16) }.joined(separator: " ")
        Issue.record("seed \(seed), round \(round): \(shown): \(ends), ICU: \(wanted)")
        return
      }
      #expect(spans.flatMap { Array($0.text.utf8) } == Array(text.utf8))
    }
  }

  private func cuts(
    of text: String, _ kind: Breaker.Kind, locale: String
  ) throws -> [Int] {
    let breaker = try Breaker(kind, locale: locale)
    var ends: [Int] = []
    let units = Array(text.utf16)
    try units.withUnsafeBufferPointer { (units) throws(TextError) in
      try breaker.forEachBoundary(in: units) { end, _ in ends.append(end) }
    }
    return ends
  }
}
