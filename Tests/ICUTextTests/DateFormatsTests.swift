import Testing

@testable import ICUText

/// All days of some years, by the rule of leap years alone, with their ISO 8601 form and weekday.
private func forEachDay(
  _ years: ClosedRange<Int>, _ body: (_ index: Int, _ iso: String, _ weekday: Int) throws -> Void
) rethrows {
  // 1 January 1000 of the proleptic Gregorian calendar was a Wednesday.
  var (index, weekday) = (0, 3)
  func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
  for year in 1000...years.upperBound {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    for (month, length) in lengths.enumerated() {
      for day in 1...length {
        if years.contains(year) {
          try body(index, "\(year)-\(two(month + 1))-\(two(day))", weekday)
        }
        index += 1
        weekday = (weekday + 1) % 7
      }
    }
  }
}

private func day(_ year: Int, _ month: Int, _ day: Int) throws -> CalendarDay {
  try #require(CalendarDay(year: year, month: month, day: day))
}

@Suite struct CalendarDayTests {
  @Test func daysAreThoseOfTheCalendar() throws {
    let first = try day(1000, 1, 1).daysSince1970
    var count = 0
    forEachDay(1000...9999) { index, iso, _ in
      let day = CalendarDay(daysSince1970: first + index)
      let (year, month, number) = day.numbers
      if day.iso8601 != iso || CalendarDay(year: year, month: month, day: number) != day {
        Issue.record("\(iso) is \(day.iso8601)")
      }
      count += 1
    }
    #expect(count == 9000 * 365 + 2182, "9000 / 4 leap years without 90 - 22 centuries")
    #expect(CalendarDay(daysSince1970: 0).iso8601 == "1970-01-01")
    #expect(try day(2000, 3, 1).daysSince1970 == 11_017, "as date -d 2000-03-01 +%s tells")
    #expect(try day(1, 1, 1).daysSince1970 == -719_162, "day 1 of Rata Die is 719,163 before")
    #expect(try day(1, 1, 1).iso8601 == "0001-01-01")
    #expect(try day(1600, 2, 29) < day(1600, 3, 1))
  }

  @Test(arguments: [
    (1900, 2, 29), (2023, 2, 29), (2024, 2, 30), (2024, 4, 31), (2024, 13, 1), (2024, 0, 1),
    (2024, 1, 0), (2024, 1, 32), (0, 1, 1), (10_000, 1, 1), (2024, 1, .max), (.min, 1, 1),
  ])
  func daysThatAreNotAreRefused(year: Int, month: Int, number: Int) {
    #expect(CalendarDay(year: year, month: month, day: number) == nil)
  }
}

@Suite struct DateFormatsTests {
  @Test func englishFormatsAreThoseOfCLDR() throws {
    let formats = try DateFormats(locale: "en")
    let landing = try day(1969, 7, 20)
    let texts = try formats.patterns.indices.map { try formats.text(of: landing, format: $0) }
    #expect(try formats.longText(of: landing) == "July 20, 1969")
    #expect(texts[0] == "July 20, 1969")
    #expect(Set(texts).count == texts.count)
    let known = [
      "Sunday, July 20, 1969", "Jul 20, 1969", "7/20/1969", "07/20/1969", "Sun, 7/20/1969",
      "Sun, Jul 20, 1969",
    ]
    #expect(Set(known).isSubset(of: texts), "\(texts)")
    #expect(texts.allSatisfy { $0.contains("1969") }, "7/20/69 does not tell the century")
  }

  @Test(arguments: [
    ("fr", "20 juillet 1969"), ("de", "20. Juli 1969"), ("es", "20 de julio de 1969"),
    ("zh", "1969年7月20日"), ("ja", "1969年7月20日"), ("ru", "20 июля 1969 г."),
    ("nl", "20 juli 1969"), ("iso", "1969-07-20"), ("en-GB", "20 July 1969"),
    // Not 2512 nor the years of an emperor, though the locale asks for them.
    ("th", "20 กรกฎาคม ค.ศ. 1969"), ("ja-u-ca-japanese", "1969年7月20日"), ("fa", "۲۰ ژوئیهٔ ۱۹۶۹"),
  ])
  func longFormsAreThoseOfCLDR(locale: String, text: String) throws {
    // CLDR's versions differ in which of the spaces without a line break they take.
    let found = try DateFormats(locale: locale).longText(of: day(1969, 7, 20))
    #expect(String(found.map { $0.isWhitespace ? " " : $0 }) == text)
  }

  @Test func theCalendarIsGregorianBeforeItsReform() throws {
    let formats = try DateFormats(locale: "en")
    let full = try #require(formats.patterns.firstIndex(of: "EEEE, MMMM d, y"))
    // The day before Friday, 15 October 1582 was a Thursday of both calendars.
    #expect(try formats.text(of: day(1582, 10, 14), format: full) == "Thursday, October 14, 1582")
    #expect(try formats.text(of: day(1582, 10, 4), format: full) == "Monday, October 4, 1582")
    #expect(try formats.text(of: day(1000, 1, 1), format: full) == "Wednesday, January 1, 1000")
    #expect(try formats.text(of: day(9999, 12, 31), format: full) == "Friday, December 31, 9999")
  }

  @Test func everyLanguageHasWholeDates() throws {
    let languages = try LocaleData.dates.languages()
    #expect(languages.count > 150)
    let sample = try day(1987, 12, 25)
    for language in languages {
      let formats = try DateFormats(locale: language)
      #expect(formats.patterns.count > 1, "\(language)")
      for format in formats.patterns.indices {
        let text = try formats.text(of: sample, format: format)
        // Digits of any script.
        let digits = text.unicodeScalars.compactMap(\.properties.numericValue).map { Int($0) }
        let year = digits.indices.contains { digits[$0...].starts(with: [1, 9, 8, 7]) }
        let number = digits.indices.contains { digits[$0...].starts(with: [2, 5]) }
        #expect(year && number, "\(language): \(text)")
      }
    }
  }

  @Test func patternsWithoutAWholeDateAreLeftOut() {
    #expect(DateFormats.isWhole("EEEE, d 'de' MMMM 'de' y") && DateFormats.isWhole("dd.MM.yyyy"))
    #expect(DateFormats.isWhole("LLLL d, u"))
    for pattern in ["M/d/yy", "MMMM y", "MMM d", "d y 'M'", "Y-MM-dd", "r(U)MMMd", "d MMM 'y'"] {
      #expect(!DateFormats.isWhole(pattern), "\(pattern)")
    }
  }

  @Test(arguments: ["xx", "", "en\0"])
  func unknownLocalesAreRefused(locale: String) {
    #expect(throws: CorpusError.unknownLocale(locale)) { try DateFormats(locale: locale) }
  }

  /// Klingon is not in CLDR; Vai in Latin letters has no names of months there.
  @Test(arguments: ["tlh", "root", "vai-Latn", "zh-Latn"])
  func localesWithoutDatesAreRefused(locale: String) {
    #expect(throws: CorpusError.noDates(locale: locale)) { try DateFormats(locale: locale) }
  }
}

@Suite struct DisplayNamesTests {
  @Test func namesAreThoseOfCLDR() throws {
    let (english, french) = (try DisplayNames(locale: "en"), try DisplayNames(locale: "fr"))
    let german = try DisplayNames(locale: "de")
    #expect(try english.name(of: "DE", .countries) == "Germany")
    #expect(try french.name(of: "DE", .countries) == "Allemagne")
    #expect(try german.name(of: "AT", .countries) == "Österreich")
    #expect(try french.name(of: "de", .languages) == "allemand")
    #expect(try german.name(of: "ja", .languages) == "Japanisch")
    #expect(try english.name(of: "CHF", .currencies) == "Swiss Franc")
    #expect(try french.name(of: "CHF", .currencies) == "franc suisse")
    #expect(try DisplayNames(locale: "zh-Hant").name(of: "FR", .countries) == "法國")
    #expect(try english.name(of: "QX", .countries) == nil, "no country")
    #expect(
      try english.name(of: "xqx", .languages) == nil && english.name(of: "", .languages) == nil)
    #expect(try english.name(of: "ZZY", .currencies) == nil)
    #expect(try english.name(of: String(repeating: "A", count: 300), .countries) == nil)
  }

  @Test func codesAreThoseOfTheStandards() throws {
    let countries = try DisplayNames.Kind.countries.codes()
    #expect(countries.count >= 249, "ISO 3166 has 249")
    #expect(Set(["AF", "CH", "ZW"]).isSubset(of: countries))
    let languages = try DisplayNames.Kind.languages.codes()
    #expect(languages.count > 400 && Set(["en", "ain", "zun"]).isSubset(of: languages))
    #expect(Set(["EUR", "JPY", "DEM"]).isSubset(of: try DisplayNames.Kind.currencies.codes()))
  }

  @Test func localesWithoutNamesAreRefused() {
    for locale in ["tlh", "root"] {
      #expect(throws: CorpusError.noNames(locale: locale)) { try DisplayNames(locale: locale) }
    }
    #expect(throws: CorpusError.unknownLocale("xx")) { try DisplayNames(locale: "xx") }
  }
}

@Suite struct EnglishDatesTests {
  /// Reads an English date as an American would.
  private func parsed(_ text: String) throws -> (iso: String, weekday: Int?) {
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    var words = text.split { " ,/".contains($0) }.map(String.init)
    let weekday = weekdays.firstIndex(of: String(words[0].prefix(3)))
    if weekday != nil { words.removeFirst() }
    let month = months.firstIndex(of: String(words[0].prefix(3))).map { $0 + 1 } ?? Int(words[0])
    let numbers = try [#require(month), #require(Int(words[1]))]
    let padded = numbers.map { $0 < 10 ? "0\($0)" : "\($0)" }
    return ("\(words[2])-\(padded[0])-\(padded[1])", weekday)
  }

  @Test func everyPairIsOneDay() throws {
    var weekdays: [String: Int] = [:]
    forEachDay(1900...2099) { weekdays[$1] = $2 }
    #expect(weekdays.count == 73_049)
    let corpus = try ParallelCorpus(
      dates: day(1900, 1, 1)...day(2099, 12, 31), from: DateFormats(locale: "en"),
      to: DateFormats(locale: "iso"), count: 20_000)
    #expect(corpus.pairs.count == 20_000)
    #expect(Set(corpus.pairs.map(\.target)).count == 20_000, "no day occurs twice")
    var named = 0
    for pair in corpus.pairs {
      let (iso, weekday) = try parsed(pair.source)
      let known = try #require(weekdays[pair.target], "\(pair.target) is not in the calendar")
      if iso != pair.target || (weekday ?? known) != known { Issue.record("\(pair)") }
      if weekday != nil { named += 1 }
    }
    #expect(named > 5000 && named < 17_000, "formats with and without a weekday")
    #expect(Set(corpus.pairs.map { $0.target.prefix(4) }).count == 200, "all years")
  }
}
