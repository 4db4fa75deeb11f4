import Testing

@testable import ICUText

@Suite struct SpelledNumbersTests {
  /// Spellings of school books, all below 2 million.
  private static let known: [(locale: String, number: Int, words: String)] = [
    ("en", 0, "zero"), ("en", 13, "thirteen"), ("en", 21, "twenty-one"), ("en", -7, "minus seven"),
    ("en", 342, "three hundred forty-two"), ("en", 1_000_000, "one million"),
    ("de", 16, "sechzehn"), ("de", 17, "siebzehn"), ("de", 21, "einundzwanzig"),
    ("de", 30, "dreißig"), ("de", 235, "zweihundertfünfunddreißig"), ("de-CH", 30, "dreissig"),
    ("es", 16, "dieciséis"), ("es", 21, "veintiuno"), ("es", 22, "veintidós"), ("es", 100, "cien"),
    ("es", 101, "ciento uno"), ("es", 500, "quinientos"), ("es_MX", 72, "setenta y dos"),
    ("zh", 10, "十"), ("zh", 21, "二十一"), ("zh", 342, "三百四十二"), ("zh", 50_000, "五万"),
    ("zh-Hant", 50_000, "五萬"), ("nb", 4, "fire"), ("he", 5, "חמש"), ("iw", 5, "חמש"),
    ("digits", 1_234_567, "1234567"), ("digits", -3, "-3"),
  ]

  @Test(arguments: known)
  func numbersAreSpelledAsInSchool(locale: String, number: Int, words: String) throws {
    #expect(try SpelledNumbers(locale: locale).text(of: number) == words)
  }

  /// The spelling of 1990 sets hyphens where the older one has spaces, and CLDR has changed sides.
  @Test(arguments: [
    ("fr", 21, "vingt et un"), ("fr", 71, "soixante et onze"), ("fr", 80, "quatre vingts"),
    ("fr", 81, "quatre vingt un"), ("fr", 99, "quatre vingt dix neuf"), ("fr", 200, "deux cents"),
    ("fr", 201, "deux cent un"), ("fr", 1000, "mille"), ("fr-BE", 71, "septante et un"),
    ("fr-CH", 80, "huitante"), ("fr-CH", 95, "nonante cinq"),
  ])
  func frenchNumbersAreSpelledAsInSchool(locale: String, number: Int, words: String) throws {
    let text = try SpelledNumbers(locale: locale).text(of: number)
    #expect(String(text.map { $0 == "-" ? " " : $0 }) == words)
  }

  @Test func softHyphensAreLeftOut() throws {
    for locale in try SpelledNumbers.languages() {
      let numbers = try SpelledNumbers(locale: locale)
      for number in [0, 21, 345, 6789, 123_456] {
        let text = try numbers.text(of: number)
        #expect(!text.isEmpty && !text.unicodeScalars.contains { $0 == "\u{AD}" || $0 == "\t" })
        #expect(!text.unicodeScalars.contains { $0.properties.generalCategory == .decimalNumber })
      }
    }
  }

  @Test func languagesAreThoseOfCLDR() throws {
    let languages = try SpelledNumbers.languages()
    #expect(Set(["ar", "de", "en", "es", "fr", "ja", "ru", "zh"]).isSubset(of: languages))
    #expect(languages == languages.sorted() && Set(languages).count == languages.count)
    // Bengali and Basque have no rules in CLDR 42, and the root's only write digits.
    #expect(Set(["root", "bn", "eu"]).isDisjoint(with: languages))
  }

  @Test(arguments: ["", "xx", "english", "e n", "en\0", "en-QX"])
  func unknownLocalesAreRefused(locale: String) {
    #expect(throws: CorpusError.unknownLocale(locale)) { try SpelledNumbers(locale: locale) }
  }

  /// ICU itself would spell numbers of these in its default locale, in Chinese characters or in
  /// digits.
  @Test(arguments: ["tlh", "haw", "pa", "root", "und", "zh-Latn", "pa-Arab", "uz-Cyrl", "en-Shaw"])
  func localesWithoutRulesAreRefused(locale: String) throws {
    let known = try SpelledNumbers.languages()
    let error = CorpusError.noSpelling(locale: locale, known: known)
    #expect(throws: error) { try SpelledNumbers(locale: locale) }
    #expect(error.description.contains("\"\(locale)\"") && error.description.contains(" fr,"))
  }

  @Test func numbersThatStayDigitsAreRefused() throws {
    // The rules of Khmer end below a million of millions.
    let khmer = try SpelledNumbers(locale: "km")
    #expect(try khmer.text(of: 5) == "ប្រាំ")
    #expect(throws: CorpusError.unspelled(.max, locale: "km")) { try khmer.text(of: .max) }
  }

  @Test func manyThreadsSpellAtOnce() async throws {
    let numbers = try SpelledNumbers(locale: "fr")
    let expected = try (0..<300).map { try numbers.text(of: $0) }
    try await withThrowingTaskGroup(of: [String].self) { group in
      for _ in 0..<8 { group.addTask { try (0..<300).map { try numbers.text(of: $0) } } }
      for try await texts in group { #expect(texts == expected) }
    }
  }
}
