internal import CICU
import Synchronization

/// Whole numbers in the words of a locale, by ICU's rules, or in plain digits.
///
///     try SpelledNumbers(locale: "fr").text(of: 80)  // quatre-vingts
///
/// Soft hyphens, which the rules of some locales put between the parts of a word, are left out.
public struct SpelledNumbers: Sendable {
  /// What stands in place of a locale for plain digits.
  public static let digits = "digits"

  /// The locale (BCP 47 or ICU form), or `SpelledNumbers.digits`.
  public let locale: String
  private let speller: Speller?

  /// Opens the rules of a locale, or none for `SpelledNumbers.digits`.
  ///
  /// Throws `CorpusError.unknownLocale`, and `CorpusError.noSpelling` for a locale without rules
  /// of its own or inherited ones, for which ICU itself would answer in another language.
  public init(locale: String) throws(CorpusError) {
    self.locale = locale
    guard locale != Self.digits else {
      speller = nil
      return
    }
    guard try LocaleData.spelling.has(locale) else {
      throw .noSpelling(locale: locale, known: try Self.languages())
    }
    speller = try Speller(locale: locale)
    // Rules for ordinals alone leave numbers in digits.
    do {
      _ = try text(of: 1)
    } catch .unspelled {
      throw .noSpelling(locale: locale, known: try Self.languages())
    }
  }

  /// The languages that ICU has rules for.
  public static func languages() throws(CorpusError) -> [String] {
    try LocaleData.spelling.languages()
  }

  /// A number in words, or in digits after a minus sign where it is negative.
  ///
  /// Throws `CorpusError.unspelled` for a number that the locale's rules leave in digits, as they
  /// do far from 0.
  public func text(of number: Int) throws(CorpusError) -> String {
    guard let speller else { return String(number) }
    guard let text = try speller.text(of: Int64(number)) else {
      throw .unspelled(number, locale: locale)
    }
    return text
  }
}

/// The owner of ICU's rules for one locale.
private final class Speller: @unchecked Sendable {
  // Safe to share: `lock` lends the handle to one caller at a time.
  private let handle: OpaquePointer
  private let lock = Mutex(())

  init(locale: String) throws(CorpusError) {
    var error: Int32 = 0
    guard let handle = cicu_speller_open(locale, &error) else {
      throw corpusError("open the numbers of locale \(locale)", error)
    }
    self.handle = handle
  }

  deinit { cicu_speller_close(handle) }

  /// The number in words, or nil where the rules give digits.
  func text(of number: Int64) throws(CorpusError) -> String? {
    try lock.withLock { (_) throws(CorpusError) in
      let text = try icuText("spell out \(number)") {
        cicu_speller_format(handle, number, $0, $1, &$2)
      }
      let units = Array(text.utf16)
      return cicu_has_digits(units, Int32(units.count)) ? nil : text
    }
  }
}
