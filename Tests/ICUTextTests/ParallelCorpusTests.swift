import Testing

@testable import ICUText

@Suite struct ParallelCorpusTests {
  private func numbers(
    _ range: ClosedRange<Int>, _ from: String = "digits", _ to: String = "en", count: Int? = nil,
    seed: UInt64 = 1
  ) throws -> ParallelCorpus {
    try ParallelCorpus(
      numbers: range, from: SpelledNumbers(locale: from), to: SpelledNumbers(locale: to),
      count: count, seed: seed)
  }

  private func days(_ first: Int, _ last: Int) throws -> ClosedRange<CalendarDay> {
    let start = try #require(CalendarDay(year: first, month: 1, day: 1))
    return start...(try #require(CalendarDay(year: last, month: 12, day: 31)))
  }

  @Test func theGeneratorIsSplitMix64() {
    // The first numbers of seed 1234567, as other implementations give them.
    var random = SplitMix64(seed: 1_234_567)
    #expect(random.next() == 6_457_827_717_110_365_317)
    #expect(random.next() == 3_203_168_211_198_807_973)
    #expect(random.next() == 9_817_491_932_198_370_423)
  }

  @Test func numbersBelowABoundAreAlikeLikely() {
    var random = SplitMix64(seed: 5)
    var counts = [Int](repeating: 0, count: 6)
    for _ in 0..<60_000 { counts[Int(random.next(below: 6))] += 1 }
    // The deviation of a count is 91.
    #expect(counts.allSatisfy { abs($0 - 10_000) < 500 }, "\(counts)")
    #expect(random.next(below: 1) == 0)
  }

  @Test func aWholeRangeIsDrawnOnce() throws {
    let corpus = try numbers(-50...949, count: 1000)
    #expect(Set(corpus.pairs.map(\.source)) == Set((-50...949).map { String($0) }))
    #expect(corpus.pairs.map(\.source) != (-50...949).map { String($0) }, "drawn, not counted")
    #expect(try numbers(7...7).pairs.map(\.line) == ["7\tseven\n"])
    #expect(try numbers(0...99).pairs.count == 100)
    #expect(try numbers(0...999_999).pairs.count == ParallelCorpus.usualCount)
    let all = try numbers(.min ... .max, "digits", "digits", count: 100)
    #expect(Set(all.pairs.map(\.source)).count == 100)
  }

  @Test func drawsAreEven() throws {
    let corpus = try numbers(0...999_999, "digits", "digits", count: 20_000)
    var tenths = [Int](repeating: 0, count: 10)
    for pair in corpus.pairs { tenths[(Int(pair.source) ?? 0) / 100_000] += 1 }
    // The deviation of a tenth is 42.
    #expect(tenths.allSatisfy { abs($0 - 2000) < 220 }, "\(tenths)")
  }

  @Test func theSeedDecides() throws {
    let (english, iso) = (try DateFormats(locale: "en"), try DateFormats(locale: "iso"))
    let names = try DisplayNames(locale: "en")
    let range = try days(1900, 2099)
    let make: [(UInt64) throws -> [String]] = [
      { try self.numbers(0...999_999, "en", "fr", count: 200, seed: $0).pairs.map(\.line) },
      {
        try ParallelCorpus(dates: range, from: english, to: iso, count: 200, seed: $0).pairs
          .map(\.line)
      },
      {
        try ParallelCorpus(names: [.countries], from: names, to: names, seed: $0).pairs.map(\.line)
      },
    ]
    for lines in make {
      #expect(try lines(3) == lines(3))
      #expect(try lines(3) != lines(4))
    }
  }

  @Test func partsShareNoSource() throws {
    let corpora = [
      try numbers(0...4999, "fr", "de", count: 5000),
      try ParallelCorpus(
        dates: days(2000, 2009), from: DateFormats(locale: "de"), to: DateFormats(locale: "iso")),
      try ParallelCorpus(
        names: DisplayNames.Kind.allCases, from: DisplayNames(locale: "en"),
        to: DisplayNames(locale: "fr")),
    ]
    for corpus in corpora {
      let parts = try corpus.split(dev: 300, test: 200)
      #expect(parts.dev.pairs.count == 300 && parts.test.pairs.count == 200)
      #expect(parts.train.pairs.count == corpus.pairs.count - 500)
      let sources = [parts.train, parts.dev, parts.test].map { Set($0.pairs.map(\.source)) }
      #expect(sources.reduce(0) { $0 + $1.count } == corpus.pairs.count)
      #expect(sources.reduce(Set()) { $0.union($1) } == Set(corpus.pairs.map(\.source)))
    }
    // One day in two formats would be in two parts.
    #expect(Set(corpora[1].pairs.map(\.target)).count == 3653)
    let usual = try corpora[0].split()
    #expect(
      [usual.dev, usual.test, usual.train].map(\.pairs.count) == [500, 500, 4000])
    let whole = try corpora[0].split(dev: 0, test: 0)
    #expect(whole.train == corpora[0] && whole.dev.pairs.isEmpty && whole.test.pairs.isEmpty)
    // Of sources that occur once, the parts are slices of the pairs.
    let pairs = corpora[0].pairs
    let parts = try corpora[0].split(dev: 300, test: 200)
    #expect(parts.dev.pairs == Array(pairs[..<300]) && parts.test.pairs == Array(pairs[300..<500]))
    #expect(parts.train.pairs == Array(pairs[500...]))
  }

  @Test func numbersThatAreSpelledAlikeOccurOnce() throws {
    // The rules of Fulah in CLDR 42 give 81 numbers below 100,000 the words of another.
    let corpus = try numbers(0...99_999, "ff", "digits", count: 90_000)
    #expect(Set(corpus.pairs.map(\.source)).count == 90_000)
    #expect(throws: CorpusError.self) { try numbers(0...99_999, "ff", "digits", count: 100_000) }
  }

  @Test func namesAreWhatBothLocalesCallThem() throws {
    let (english, french) = (try DisplayNames(locale: "en"), try DisplayNames(locale: "fr"))
    let corpus = try ParallelCorpus(
      names: DisplayNames.Kind.allCases, from: english, to: french)
    let known = Dictionary(uniqueKeysWithValues: corpus.pairs.map { ($0.source, $0.target) })
    #expect(known["Germany"] == "Allemagne" && known["German"] == "allemand")
    #expect(known["Côte d’Ivoire"] == "Côte d’Ivoire" && known["Swiss Franc"] == "franc suisse")
    // The country comes before the language of the same name.
    #expect(known["Tuvalu"] == "Tuvalu" && known["Georgia"] == "Géorgie")
    var codes: Set<String> = []
    for kind in DisplayNames.Kind.allCases { codes.formUnion(try kind.codes()) }
    let countries = try ParallelCorpus(names: [.countries], from: english, to: french)
    #expect(countries.pairs.count >= 249 - 5)
    #expect(countries.pairs.allSatisfy { !codes.contains($0.source) && !codes.contains($0.target) })
    #expect(known.keys.allSatisfy { !$0.contains("\t") && !$0.isEmpty })
    // CLDR names only some languages in Zulu: a pair needs both names.
    let zulu = try DisplayNames(locale: "zu")
    let pairs = try ParallelCorpus(names: [.languages], from: english, to: zulu).pairs
    #expect(pairs.contains { $0.source == "French" && $0.target == "isi-French" })
  }

  @Test func whatCannotBeHadIsSaid() throws {
    let tooMany = CorpusError.tooMany(
      count: 101, available: 100, sources: "numbers from 0 to 99")
    #expect(throws: tooMany) { try numbers(0...99, count: 101) }
    #expect(
      tooMany.description
        == "101 pairs are more than there are: only 100 different numbers from 0 to 99; ask for "
        + "fewer pairs or widen the range.")
    #expect(
      throws: CorpusError.tooMany(
        count: 400, available: 365, sources: "days from 2023-01-01 to 2023-12-31")
    ) {
      try ParallelCorpus(
        dates: days(2023, 2023), from: DateFormats(locale: "en"), to: DateFormats(locale: "iso"),
        count: 400)
    }
    #expect(throws: CorpusError.nothingToTrainOn(count: 100, dev: 60, test: 40)) {
      try numbers(0...99).split(dev: 60, test: 40)
    }
    #expect(throws: CorpusError.nothingToTrainOn(count: 100, dev: .max, test: .max)) {
      try numbers(0...99).split(dev: .max, test: .max)
    }
    #expect(throws: CorpusError.unspelled(.max, locale: "km")) {
      try numbers(0 ... .max, "digits", "km", count: 1)
    }
  }
}
