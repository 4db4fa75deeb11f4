internal import CICU

/// The owner of one ICU break iterator.
final class Breaker {
  private let handle: OpaquePointer
  private var boundaries = [Int32](repeating: 0, count: 512)
  private var flags = [UInt8](repeating: 0, count: 512)

  enum Kind: Int32 {
    case grapheme = 0
    case word = 1
    case sentence = 2
  }

  init(_ kind: Kind, locale: String) throws(TextError) {
    var error: Int32 = 0
    guard let handle = cicu_breaker_open(kind.rawValue, locale, &error) else {
      throw icuError("open a break iterator for locale \(locale)", error)
    }
    self.handle = handle
  }

  deinit { cicu_breaker_close(handle) }

  /// Gives each segment's end in UTF-16 units and whether it is word-like.
  @inline(__always)
  func forEachBoundary(
    in text: UnsafeBufferPointer<UInt16>, _ body: (_ end: Int, _ isWordLike: Bool) -> Void
  ) throws(TextError) {
    guard text.count <= Int(Int32.max) else { throw .tooLong(byteCount: text.count) }
    var error: Int32 = 0
    cicu_breaker_set_text(handle, text.baseAddress, Int32(text.count), &error)
    if error > 0 { throw icuError("cut a text", error) }
    while true {
      let count = cicu_breaker_next(handle, &boundaries, &flags, Int32(boundaries.count))
      for index in 0..<Int(count) { body(Int(boundaries[index]), flags[index] != 0) }
      if count < boundaries.count { break }
    }
  }
}

/// A property of all code points: a table for those below U+10000, a call for the others.
final class PropertyTable: @unchecked Sendable {
  // Safe to share: `table` is written in `init` alone.
  private let table: UnsafeMutablePointer<UInt8>
  private let property: @Sendable (Int32) -> UInt8

  init(_ property: @escaping @Sendable (Int32) -> UInt8) {
    self.property = property
    table = .allocate(capacity: 0x10000)
    for value in 0..<0x10000 { (table + value).initialize(to: property(Int32(value))) }
  }

  deinit { table.deallocate() }

  @inline(__always)
  subscript(codePoint: UInt32) -> UInt8 {
    codePoint < 0x10000 ? table[Int(codePoint)] : property(Int32(bitPattern: codePoint))
  }

  static let graphemes = PropertyTable { cicu_grapheme_class($0) }
  static let nfc = PropertyTable { cicu_normalization_class(Int32(CICU_NFC), $0) }
  static let nfkc = PropertyTable { cicu_normalization_class(Int32(CICU_NFKC), $0) }
  static let folding = PropertyTable { cicu_normalization_class(Int32(CICU_FOLD), $0) }
}

/// The error for an ICU call that failed.
func icuError(_ operation: String, _ code: Int32) -> TextError {
  .icu(operation: operation, code: String(cString: cicu_error_name(code)))
}
