internal import CICU
import Synchronization

/// The ways in which people of a locale write a day, by CLDR, or ISO 8601.
///
/// They are the locale's styles and what fits common skeletons best, always with day, month and
/// the whole year: a format with a year of two digits is left out. The calendar is the proleptic
/// Gregorian one in every locale. The name of a calendar in the locale (`-u-ca-`) is ignored.
///
///     let formats = try DateFormats(locale: "en")
///     formats.patterns  // "EEEE, MMMM d, y", "MMMM d, y", "MMM d, y", "M/d/y" ...
public struct DateFormats: Sendable {
  /// What stands in place of a locale for ISO 8601.
  public static let iso = "iso"

  /// The locale (BCP 47 or ICU form), or `DateFormats.iso`.
  public let locale: String
  /// The formats as CLDR's patterns, the first one the long form, none twice.
  public let patterns: [String]
  private let formats: [DayFormat]

  /// Finds the formats of a locale; `DateFormats.iso` has one.
  ///
  /// Throws `CorpusError.unknownLocale`, and `CorpusError.noDates` for a locale without names of
  /// months.
  public init(locale: String) throws(CorpusError) {
    self.locale = locale
    guard locale != Self.iso else {
      patterns = ["yyyy-MM-dd"]
      formats = []
      return
    }
    guard try LocaleData.dates.has(locale) else { throw .noDates(locale: locale) }
    // ICU writes M01 for January where it has no word for it.
    let january = try DayFormat(locale: locale, pattern: "MMMM")
    if try january.text(of: CalendarDay(daysSince1970: 0)) == "M01" {
      throw .noDates(locale: locale)
    }
    var found: [String] = []
    func take(_ pattern: String) {
      if Self.isWhole(pattern), !found.contains(pattern) { found.append(pattern) }
    }
    for style in [CICU_LONG, CICU_FULL, CICU_MEDIUM, CICU_SHORT] {
      take(
        try icuText("find a style of dates of locale \(locale)") {
          cicu_style_pattern(locale, Int32(style), $0, $1, &$2)
        })
    }
    for skeleton in Self.skeletons {
      take(
        try icuText("find the dates \(skeleton) of locale \(locale)") {
          cicu_skeleton_pattern(locale, skeleton, $0, $1, &$2)
        })
    }
    if found.isEmpty { throw .noDates(locale: locale) }
    patterns = found
    formats = try found.map { (pattern) throws(CorpusError) in
      try DayFormat(locale: locale, pattern: pattern)
    }
  }

  private static let skeletons = [
    "yMMMMd", "yMMMd", "yMd", "yMMdd", "yMEd", "yMMMEd", "yMMMEEEEd", "yMMMMEd", "yMMMMEEEEd",
  ]

  /// Whether a pattern has a day, a month and a year that is not cut to two digits.
  static func isWhole(_ pattern: String) -> Bool {
    var lengths: [Character: Int] = [:]
    var isQuoted = false
    for letter in pattern {
      if letter == "'" { isQuoted.toggle() }
      if !isQuoted { lengths[letter, default: 0] += 1 }
    }
    // Other letters for years count weeks' years or cycles of sixty.
    guard let year = lengths["y"] ?? lengths["u"], year != 2 else { return false }
    return lengths["d"] != nil && (lengths["M"] ?? lengths["L"]) != nil
      && ["Y", "U", "r"].allSatisfy { lengths[$0] == nil }
  }

  /// A day in the format at a place of `patterns`.
  ///
  /// Throws `CorpusError.icu`.
  public func text(of day: CalendarDay, format: Int) throws(CorpusError) -> String {
    precondition(patterns.indices.contains(format), "there is no format \(format)")
    return formats.isEmpty ? day.iso8601 : try formats[format].text(of: day)
  }

  /// A day in the locale's long form, such as July 20, 1969, or in ISO 8601.
  ///
  /// Throws `CorpusError.icu`.
  public func longText(of day: CalendarDay) throws(CorpusError) -> String {
    try text(of: day, format: 0)
  }
}

/// The owner of one of ICU's date formats.
private final class DayFormat: @unchecked Sendable {
  // Safe to share: `lock` lends the handle to one caller at a time.
  private let handle: OpaquePointer
  private let lock = Mutex(())

  init(locale: String, pattern: String) throws(CorpusError) {
    let units = Array(pattern.utf16)
    var error: Int32 = 0
    guard let handle = cicu_date_format_open(locale, units, Int32(units.count), &error) else {
      throw corpusError("open the dates of locale \(locale)", error)
    }
    self.handle = handle
  }

  deinit { cicu_date_format_close(handle) }

  func text(of day: CalendarDay) throws(CorpusError) -> String {
    try lock.withLock { (_) throws(CorpusError) in
      try icuText("write a date") {
        cicu_date_format_format(handle, Double(day.daysSince1970) * 86_400_000, $0, $1, &$2)
      }
    }
  }
}
