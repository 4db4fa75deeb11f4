/// The unit that a text is cut into.
public enum TextUnit: String, Codable, Sendable, CaseIterable {
  /// A byte of UTF-8.
  case byte
  /// A Unicode code point.
  case codePoint = "code-point"
  /// An extended grapheme cluster (UAX #29), what a reader takes for one character.
  case grapheme
  /// A word or what stands between words (UAX #29, with ICU's dictionaries for Thai, Lao, Khmer,
  /// Burmese, Chinese and Japanese).
  case word
  /// A word with the single space before it, or what stands between words.
  ///
  /// Texts have half as many tokens as with words and spaces apart, and lose nothing.
  case spacedWord = "spaced-word"
  /// A piece of a word, learnt by byte-pair encoding.
  ///
  /// A piece may begin with the space before its word. Without a vocabulary that knows the pieces,
  /// the unit is what no piece reaches beyond: that of `spacedWord`.
  case subword
}

/// What is done to a text before it is cut.
public enum Normalization: String, Codable, Sendable, CaseIterable {
  /// Nothing: the text stays as it is.
  case none
  /// Canonical composition (UAX #15).
  case nfc
  /// Compatibility composition (UAX #15): also unites width, ligature and font variants.
  case nfkc
  /// Canonical caseless form, NFC(toCasefold(NFD(X))), after definition D145 of the Unicode Standard.
  ///
  /// NFKC_Casefold is not used because it deletes joiners, and with them what holds emoji
  /// sequences and many Indic and Persian spellings together.
  case caseFolding = "case-folding"
}

/// How text is cut into tokens: recorded in a model.
public struct Segmentation: Codable, Sendable, Equatable {
  /// The unit of a token.
  public var unit: TextUnit
  /// What is done to the text first.
  public var normalization: Normalization
  /// The locale for word and sentence rules, such as `en` or `zh-Hant` (BCP 47 or ICU form).
  ///
  /// It is checked where the segmentation is used: `Segmenter` and `Vocabulary` throw
  /// `TextError.unknownLocale`.
  public var locale: String
  /// Whether punctuation has the single space before it too, where words have it.
  ///
  /// A no-break space counts, as the one before a French question mark. Texts of such languages are a
  /// tenth shorter.
  public var attachesPunctuation: Bool

  /// Describes a way of cutting text.
  public init(
    unit: TextUnit = .grapheme, normalization: Normalization = .none, locale: String = "en",
    attachesPunctuation: Bool = false
  ) {
    self.unit = unit
    self.normalization = normalization
    self.locale = locale
    self.attachesPunctuation = attachesPunctuation
  }

  private enum CodingKeys: String, CodingKey {
    case unit, normalization, locale, attachesPunctuation
  }

  /// Reads a segmentation; older files say nothing of punctuation.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    unit = try container.decode(TextUnit.self, forKey: .unit)
    normalization = try container.decode(Normalization.self, forKey: .normalization)
    locale = try container.decode(String.self, forKey: .locale)
    attachesPunctuation =
      try container.decodeIfPresent(Bool.self, forKey: .attachesPunctuation) ?? false
  }

  /// Writes the segmentation; that punctuation stands alone goes without saying.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(unit, forKey: .unit)
    try container.encode(normalization, forKey: .normalization)
    try container.encode(locale, forKey: .locale)
    if attachesPunctuation { try container.encode(true, forKey: .attachesPunctuation) }
  }
}

extension Segmentation {
  /// Whether a token may begin with the space before its word.
  package var joinsSpaces: Bool { unit == .spacedWord || unit == .subword }

  /// A sentence as it is cut: with a space before it where tokens have one, so that its first word is
  /// the same token as elsewhere.
  package func sentence(_ text: String) -> String {
    joinsSpaces && !text.isEmpty ? " " + text : text
  }
}
