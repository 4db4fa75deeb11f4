// Made by ICU, in an order drawn by a seed. No source occurs twice, and the same arguments and the
// same version of ICU give the same pairs.
extension ParallelCorpus {
  /// How many pairs of numbers or dates are drawn where no count is given and there are so many.
  public static let usualCount = 20_000

  /// Numbers of a range, each at most once, in words.
  ///
  /// Where a locale spells two numbers alike, the one drawn later is left out for another.
  ///
  /// - Parameters:
  ///   - numbers: The range to draw from, every number as likely as any other.
  ///   - from: The words of the source.
  ///   - to: The words of the target.
  ///   - count: How many pairs; nil for all that there are, at most `usualCount`.
  ///   - seed: Another seed draws others in another order.
  ///   - progress: Told what fraction is made.
  /// - Throws: `CorpusError.tooMany` and `CorpusError.unspelled`.
  public init(
    numbers: ClosedRange<Int>, from: SpelledNumbers, to: SpelledNumbers, count: Int? = nil,
    seed: UInt64 = 1, progress: (Double) -> Void = { _ in }
  ) throws(CorpusError) {
    // Fails at once where the ends of the range are too far from 0 for the rules.
    for locale in [from, to] {
      _ = try locale.text(of: numbers.lowerBound)
      _ = try locale.text(of: numbers.upperBound)
    }
    let pairs = try Self.draw(
      count, of: numbers.lowerBound, through: numbers.upperBound, seed,
      "numbers from \(numbers.lowerBound) to \(numbers.upperBound)", progress: progress
    ) { (number, _) throws(CorpusError) in
      SentencePair(source: try from.text(of: number), target: try to.text(of: number))
    }
    self.init(pairs)
  }

  /// Days of a range, each at most once and in a format drawn from those of `from`, to the long
  /// form of `to`.
  ///
  /// - Parameters:
  ///   - dates: The range to draw from, every day as likely as any other.
  ///   - from: The formats of the source.
  ///   - to: Whose long form is the target.
  ///   - count: How many pairs; nil for all that there are, at most `usualCount`.
  ///   - seed: Another seed draws others in another order.
  ///   - progress: Told what fraction is made.
  /// - Throws: `CorpusError.tooMany`.
  public init(
    dates: ClosedRange<CalendarDay>, from: DateFormats, to: DateFormats, count: Int? = nil,
    seed: UInt64 = 1, progress: (Double) -> Void = { _ in }
  ) throws(CorpusError) {
    let pairs = try Self.draw(
      count, of: dates.lowerBound.daysSince1970, through: dates.upperBound.daysSince1970, seed,
      "days from \(dates.lowerBound.iso8601) to \(dates.upperBound.iso8601)", progress: progress
    ) { (number, random) throws(CorpusError) in
      let day = CalendarDay(daysSince1970: number)
      let format = Int(random.next(below: UInt64(from.patterns.count)))
      return SentencePair(
        source: try from.text(of: day, format: format), target: try to.longText(of: day))
    }
    self.init(pairs)
  }

  /// All names that both locales have; of codes with the same source name, the first one's.
  ///
  /// - Parameters:
  ///   - names: The kinds of names.
  ///   - from: The names of the source.
  ///   - to: The names of the target.
  ///   - seed: Another seed gives another order.
  /// - Throws: `CorpusError.noCommonNames`.
  public init(
    names: [DisplayNames.Kind], from: DisplayNames, to: DisplayNames, seed: UInt64 = 1
  ) throws(CorpusError) {
    var found: [SentencePair] = []
    var sources: Set<String> = []
    for kind in names {
      for code in try kind.codes() {
        guard let source = try from.name(of: code, kind), let target = try to.name(of: code, kind),
          sources.insert(source).inserted
        else { continue }
        found.append(SentencePair(source: source, target: target))
      }
    }
    if found.isEmpty { throw .noCommonNames(from: from.locale, to: to.locale) }
    let pairs = try Self.draw(nil, of: 0, through: found.count - 1, seed, "names", atMost: .max) {
      number, _ in found[number]
    }
    self.init(pairs)
  }

  /// Draws numbers without replacement and keeps the pairs whose source is new.
  private static func draw(
    _ count: Int?, of first: Int, through last: Int, _ seed: UInt64, _ sources: String,
    atMost usualCount: Int = Self.usualCount, progress: (Double) -> Void = { _ in },
    _ pair: (Int, inout SplitMix64) throws(CorpusError) -> SentencePair
  ) throws(CorpusError) -> [SentencePair] {
    // All of Int is one more than fits.
    let span = UInt64(bitPattern: Int64(last &- first))
    let size = span == .max ? span : span + 1
    if let count, count > size {
      throw .tooMany(count: count, available: Int(size), sources: sources)
    }
    var random = SplitMix64(seed: seed)
    var lot = Lot(size: size)
    var seen: Set<String> = []
    var pairs: [SentencePair] = []
    while pairs.count < count ?? usualCount, let drawn = lot.next(&random) {
      let next = try pair(first &+ Int(truncatingIfNeeded: drawn), &random)
      if seen.insert(next.source).inserted { pairs.append(next) }
      if pairs.count % 256 == 0 {
        progress(Double(pairs.count) / Double(min(UInt64(count ?? usualCount), size)))
      }
    }
    if let count, pairs.count < count {
      throw .tooMany(count: count, available: pairs.count, sources: sources)
    }
    return pairs
  }
}

/// Numbers below a bound in random order, each once; memory grows with what was drawn.
private struct Lot {
  private var rest: UInt64
  // A shuffle after Fisher and Yates of which only the moved numbers are kept.
  private var moved: [UInt64: UInt64] = [:]

  init(size: UInt64) { rest = size }

  mutating func next(_ random: inout SplitMix64) -> UInt64? {
    guard rest > 0 else { return nil }
    let place = random.next(below: rest)
    rest -= 1
    let drawn = moved[place] ?? place
    let last = moved.removeValue(forKey: rest) ?? rest
    if place != rest { moved[place] = last }
    return drawn
  }
}
