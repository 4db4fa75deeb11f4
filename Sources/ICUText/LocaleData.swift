internal import CICU

/// A part of ICU's data that makes words, with locales of its own.
enum LocaleData: Int32 {
  case dates = 0
  case spelling = 1
  case languages = 2
  case countries = 3
  case currencies = 4

  /// Whether a locale has data here.
  ///
  /// Throws `CorpusError.unknownLocale`.
  func has(_ locale: String) throws(CorpusError) -> Bool {
    guard !locale.utf8.contains(0), cicu_locale_is_known(locale) else {
      throw .unknownLocale(locale)
    }
    return cicu_has_data(locale, rawValue)
  }

  /// The languages that have data here, without regions.
  func languages() throws(CorpusError) -> [String] {
    let locales = try Self.list("list its locales") { cicu_data_locales(rawValue, $0, $1, &$2) }
    return Array(Set(locales.map { String($0.prefix { $0 != "_" }) }).subtracting(["root"]))
      .sorted()
  }

  /// The codes that this part names, in ICU's order.
  func codes() throws(CorpusError) -> [String] {
    try Self.list("list codes") { cicu_codes(rawValue, $0, $1, &$2) }
  }

  /// The name of a code, or nil where the locale has none.
  func name(of code: String, in locale: String) throws(CorpusError) -> String? {
    let name = try icuText("name \(code) in locale \(locale)") {
      cicu_name_of_code(rawValue, code, locale, $0, $1, &$2)
    }
    return name.isEmpty || name == code ? nil : name
  }

  /// Reads texts that each end with a NUL.
  private static func list(
    _ operation: String, _ fill: (UnsafeMutablePointer<CChar>?, Int32, inout Int32) -> Int32
  ) throws(CorpusError) -> [String] {
    var error: Int32 = 0
    let needed = fill(nil, 0, &error)
    if error > 0 { throw corpusError(operation, error) }
    var bytes = [CChar](repeating: 0, count: Int(needed))
    let written = bytes.withUnsafeMutableBufferPointer { fill($0.baseAddress, needed, &error) }
    if error > 0 { throw corpusError(operation, error) }
    return bytes.prefix(Int(written)).split(separator: 0).map {
      String(decoding: $0.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }
}

/// The UTF-16 text that a C function writes, called again where it needs more room.
///
/// Soft hyphens, which ICU's rules put between the parts of long words, say where a line may break
/// and are no part of the spelling: they are left out.
func icuText(
  _ operation: String,
  _ fill: (_ text: UnsafeMutablePointer<UInt16>?, _ capacity: Int32, _ error: inout Int32) -> Int32
) throws(CorpusError) -> String {
  let units = try icuUnits(operation, fill)
  return String(decoding: units.filter { $0 != 0x00AD }, as: UTF16.self)
}

/// The UTF-16 units that a C function writes, called again where it needs more room.
func icuUnits(
  _ operation: String,
  _ fill: (_ text: UnsafeMutablePointer<UInt16>?, _ capacity: Int32, _ error: inout Int32) -> Int32
) throws(CorpusError) -> [UInt16] {
  let bufferOverflow: Int32 = 15
  var units = [UInt16](repeating: 0, count: 256)
  while true {
    var error: Int32 = 0
    let needed = Int(
      units.withUnsafeMutableBufferPointer { fill($0.baseAddress, Int32($0.count), &error) })
    if error <= 0, needed <= units.count { return Array(units[0..<needed]) }
    guard error == bufferOverflow, needed > units.count else {
      throw corpusError(operation, error)
    }
    units = [UInt16](repeating: 0, count: needed)
  }
}

/// The error for an ICU call that failed.
func corpusError(_ operation: String, _ code: Int32) -> CorpusError {
  .icu(operation: operation, code: String(cString: cicu_error_name(code)))
}
