/// What a locale calls countries, languages and currencies, by CLDR.
public struct DisplayNames: Sendable {
  /// What can be named.
  public enum Kind: String, Sendable, CaseIterable {
    /// Countries and areas with a code of ISO 3166.
    case countries
    /// Languages with a code of ISO 639.
    case languages
    /// Currencies with a code of ISO 4217, those of the past among them.
    case currencies

    var data: LocaleData {
      switch self {
      case .countries: .countries
      case .languages: .languages
      case .currencies: .currencies
      }
    }

    /// All codes of this kind that ICU knows.
    public func codes() throws(CorpusError) -> [String] { try data.codes() }
  }

  /// The locale (BCP 47 or ICU form).
  public let locale: String
  private let kinds: Set<Kind>

  /// Looks what a locale has names for.
  ///
  /// Throws `CorpusError.unknownLocale`, and `CorpusError.noNames` for a locale that has none of
  /// any kind, for which ICU itself would answer in another language.
  public init(locale: String) throws(CorpusError) {
    self.locale = locale
    var kinds: Set<Kind> = []
    for kind in Kind.allCases where try kind.data.has(locale) { kinds.insert(kind) }
    if kinds.isEmpty { throw .noNames(locale: locale) }
    self.kinds = kinds
  }

  /// The name of a code, or nil where the locale has none but the code itself.
  ///
  /// Throws `CorpusError.icu`.
  public func name(of code: String, _ kind: Kind) throws(CorpusError) -> String? {
    guard kinds.contains(kind), !code.isEmpty, !code.utf8.contains(0) else { return nil }
    return try kind.data.name(of: code, in: locale)
  }
}
