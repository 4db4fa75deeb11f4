internal import CICU
import Synchronization

/// Cuts UTF-8 into tokens: decides most boundaries from tables, and asks ICU about the rest.
///
/// A part that ICU must see always starts and ends at boundaries that no rule can look across, so
/// that ICU finds in it what it would find in the whole text.
final class Cutter: @unchecked Sendable {
  // Safe to send: `CutterPool` lends each cutter to one caller at a time.

  private let locale: String
  private let attachesPunctuation: Bool
  private let properties = PropertyTable.graphemes
  private var graphemes: Breaker?
  private var words: Breaker?
  private var sentences: Breaker?
  private var units: [UInt16] = []

  init(locale: String, attachesPunctuation: Bool) {
    self.locale = locale
    self.attachesPunctuation = attachesPunctuation
  }

  /// Gives each token's byte range, its code point where it is only one (else -1), and whether it
  /// is a word-like segment, in order and without gaps.
  @inline(__always)
  func forEachToken(
    in text: UnsafeBufferPointer<UInt8>, unit: TextUnit,
    _ body: (_ start: Int, _ end: Int, _ scalar: Int32, _ isWordLike: Bool) -> Void
  ) throws(TextError) {
    switch unit {
    case .byte:
      for index in 0..<text.count { body(index, index + 1, Int32(text[unchecked: index]), false) }
    case .codePoint:
      var index = 0
      while index < text.count {
        let (value, length) = codePoint(in: text, at: index)
        body(index, index + length, Int32(bitPattern: value), false)
        index += length
      }
    case .grapheme:
      try forEachGrapheme(in: text) { body($0, $1, $2, false) }
    case .word:
      try forEachWord(in: text, body)
    case .spacedWord, .subword:
      try forEachSpacedWord(in: text, body)
    }
  }

  // MARK: Grapheme clusters

  @inline(__always)
  private func isBreak(_ left: UInt32, _ right: UInt32) -> Bool {
    // Below U+0300 all is Other or Control, but for the pair CR LF.
    if (left | right) < 0x300 { return !(left == 0x0D && right == 0x0A) }
    return properties[left] & UInt8(CICU_PLAIN_RIGHT) != 0
      && properties[right] & UInt8(CICU_PLAIN_LEFT) != 0
  }

  @inline(__always)
  private func forEachGrapheme(
    in text: UnsafeBufferPointer<UInt8>,
    _ body: (_ start: Int, _ end: Int, _ scalar: Int32) -> Void
  ) throws(TextError) {
    let count = text.count
    if count == 0 { return }
    var start = 0
    var (value, length) = codePoint(in: text, at: 0)
    while true {
      var end = start + length
      if end == count { return body(start, end, Int32(bitPattern: value)) }
      var (following, width) = codePoint(in: text, at: end)
      if isBreak(value, following) {
        body(start, end, Int32(bitPattern: value))
        (start, value, length) = (end, following, width)
        continue
      }
      // A base and marks that say nothing about what comes next are one cluster.
      let isLineEnd = value == 0x0D && following == 0x0A
      var isSimple = isLineEnd || properties[value] & UInt8(CICU_BASE) != 0
      var last = following
      end += width
      while true {
        if !isLineEnd && properties[last] & UInt8(CICU_MARK) == 0 { isSimple = false }
        if end == count { break }
        (following, width) = codePoint(in: text, at: end)
        if isLineEnd || isBreak(last, following)
          || (isSimple && properties[following] & UInt8(CICU_PLAIN_LEFT) != 0)
        {
          break
        }
        last = following
        end += width
      }
      if isSimple {
        body(start, end, -1)
      } else {
        if graphemes == nil { graphemes = try Breaker(.grapheme, locale: locale) }
        if let graphemes {
          try forEachSegment(of: graphemes, in: text, start..<end) { start, end, scalar, _ in
            body(start, end, scalar)
          }
        }
      }
      if end == count { return }
      (start, value, length) = (end, following, width)
    }
  }

  // MARK: Words

  @inline(__always)
  private func forEachWord(
    in text: UnsafeBufferPointer<UInt8>,
    _ body: (_ start: Int, _ end: Int, _ scalar: Int32, _ isWordLike: Bool) -> Void
  ) throws(TextError) {
    var start = 0
    while start < text.count {
      let (decided, isWordLike) = Self.asciiWord(in: text, at: start)
      if decided > start {
        let scalar = decided == start + 1 ? Int32(text[unchecked: start]) : -1
        body(start, decided, scalar, isWordLike)
        start = decided
        continue
      }
      let end = Self.endOfStretch(in: text, from: start)
      if words == nil { words = try Breaker(.word, locale: locale) }
      if let words { try forEachSegment(of: words, in: text, start..<end, body) }
      start = end
    }
  }

  /// Words, each with the space before it if it is a single one, and what stands between them; that too
  /// with its space where punctuation is to have it.
  @inline(__always)
  private func forEachSpacedWord(
    in text: UnsafeBufferPointer<UInt8>,
    _ body: (_ start: Int, _ end: Int, _ scalar: Int32, _ isWordLike: Bool) -> Void
  ) throws(TextError) {
    var (space, spaceScalar) = (-1, Int32(0x20))
    try forEachWord(in: text) { start, end, scalar, isWordLike in
      var end = end
      let endsInSpace =
        attachesPunctuation && isWordLike && Self.endsInNarrowSpace(text, start..<end)
      if endsInSpace { end -= 3 }
      defer { if endsInSpace { (space, spaceScalar) = (end, 0x202F) } }
      if space >= 0 {
        defer { space = -1 }
        let isAttached =
          isWordLike
          ? spaceScalar == 0x20
          : attachesPunctuation && !Self.isWhiteSpace(codePoint(in: text, at: start).value)
        if isAttached { return body(space, end, -1, isWordLike) }
        body(space, start, spaceScalar, false)
      }
      if scalar == 0x20 || (attachesPunctuation && (scalar == 0xA0 || scalar == 0x202F)) {
        (space, spaceScalar) = (start, scalar)
      } else {
        body(start, end, scalar, isWordLike)
      }
    }
    if space >= 0 { body(space, text.count, spaceScalar, false) }
  }

  /// Whether a word ends with a narrow no-break space, which UAX #29 takes for a part of it, as it may
  /// stand within a number: French writes one before a question mark.
  private static func endsInNarrowSpace(
    _ text: UnsafeBufferPointer<UInt8>, _ word: Range<Int>
  ) -> Bool {
    word.count > 3 && text[unchecked: word.upperBound - 3] == 0xE2
      && text[unchecked: word.upperBound - 2] == 0x80
      && text[unchecked: word.upperBound - 1] == 0xAF
  }

  private static func isWhiteSpace(_ value: UInt32) -> Bool {
    Unicode.Scalar(value)?.properties.isWhitespace ?? false
  }

  /// The end of the segment at a boundary where ASCII alone decides it in every locale; else the
  /// boundary itself.
  ///
  /// Locales differ in whether a colon or full stop may stand within a word, so those between
  /// letters or digits are left to ICU.
  @inline(__always)
  private static func asciiWord(
    in text: UnsafeBufferPointer<UInt8>, at start: Int
  ) -> (end: Int, isWordLike: Bool) {
    let count = text.count
    let first = text[unchecked: start]
    let undecided = (end: start, isWordLike: false)
    var end = start + 1
    if isLetter(first) || isDigit(first) {
      let hasLetters = isLetter(first)
      while end < count {
        let byte = text[unchecked: end]
        if hasLetters ? isLetter(byte) : isDigit(byte) {
          end += 1
        } else if hasLetters && byte == 0x27 && end + 1 < count
          && isLetter(text[unchecked: end + 1])
        {
          end += 2
        } else {
          break
        }
      }
      if end == count { return (end, true) }
      let byte = text[unchecked: end]
      if byte >= 0x80 || isUndecided(byte) || isLetter(byte) || isDigit(byte) { return undecided }
      switch byte {
      case 0x27, 0x2C, 0x2E, 0x3A, 0x3B:  // ' , . : ;
        if end + 1 == count { return (end, true) }
        let after = text[unchecked: end + 1]
        if after >= 0x80 || isUndecided(after) || isLetter(after) || isDigit(after) {
          return undecided
        }
      default: break
      }
      return (end, true)
    }
    if first >= 0x80 || isUndecided(first) { return undecided }
    if first == 0x0A { return (end, false) }
    if first == 0x20 {
      while end < count && text[unchecked: end] == 0x20 { end += 1 }
    } else if first == 0x0D && end < count && text[unchecked: end] == 0x0A {
      return (end + 1, false)
    }
    if end == count { return (end, false) }
    let next = text[unchecked: end]
    return next < 0x80 && !isUndecided(next) ? (end, false) : undecided
  }

  /// The next place that is a word boundary in any context: after a line feed, or between a space
  /// and an ASCII letter.
  private static func endOfStretch(
    in text: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Int {
    var previous = text[unchecked: start]
    var index = start + 1
    while index < text.count {
      let byte = text[unchecked: index]
      if previous == 0x0A { return index }
      if previous == 0x20 ? isLetter(byte) : (byte == 0x20 && isLetter(previous)) { return index }
      previous = byte
      index += 1
    }
    return index
  }

  /// Low line joins words (WB13a); commercial at does so in ICU 72, but not in UAX #29.
  @inline(__always)
  private static func isUndecided(_ byte: UInt8) -> Bool { byte == 0x5F || byte == 0x40 }

  @inline(__always)
  private static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

  @inline(__always)
  private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

  // MARK: Sentences, and what ICU decides

  /// Gives each sentence's byte range.
  func forEachSentence(
    in text: UnsafeBufferPointer<UInt8>, _ body: (_ start: Int, _ end: Int) -> Void
  ) throws(TextError) {
    if text.isEmpty { return }
    if sentences == nil { sentences = try Breaker(.sentence, locale: locale) }
    if let sentences {
      try forEachSegment(of: sentences, in: text, 0..<text.count) { start, end, _, _ in
        body(start, end)
      }
    }
  }

  @inline(__always)
  private func forEachSegment(
    of breaker: Breaker, in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>,
    _ body: (_ start: Int, _ end: Int, _ scalar: Int32, _ isWordLike: Bool) -> Void
  ) throws(TextError) {
    guard range.count <= Int(Int32.max) else { throw .tooLong(byteCount: range.count) }
    units.removeAll(keepingCapacity: true)
    appendUTF16(of: text, range, to: &units)
    var start = range.lowerBound
    var unit = 0
    try units.withUnsafeBufferPointer { (units) throws(TextError) in
      try breaker.forEachBoundary(in: units) { boundary, isWordLike in
        var end = start
        var scalar: Int32 = -1
        while unit < boundary {
          let (value, length) = codePoint(in: text, at: end)
          scalar = end == start ? Int32(bitPattern: value) : -1
          end += length
          unit += value < 0x10000 ? 1 : 2
        }
        body(start, end, scalar, isWordLike)
        start = end
      }
    }
  }

  // MARK: Cutting pieces off a stream

  /// The last place in a text without line feeds where it may be cut, 0 if there is none.
  ///
  /// First choice is before the single space that a word begins with, or after more spaces or a
  /// full stop before a plain letter, which splits no token of any unit; then any grapheme
  /// boundary, which may split a word of a script without spaces.
  static func emergencyCut(in text: UnsafeBufferPointer<UInt8>) -> Int {
    let graphemes = PropertyTable.graphemes
    let normalization = PropertyTable.nfkc
    var fallback = 0
    var last = 0
    var end = text.count
    var right: (value: UInt32, start: Int)?
    while end > 0 {
      var start = end - 1
      while start > 0 && text[unchecked: start] & 0xC0 == 0x80 { start -= 1 }
      let left = codePoint(in: text, at: start).value
      if let right {
        if last == 0 { last = right.start }
        let isApart =
          graphemes[left] & UInt8(CICU_PLAIN_RIGHT) != 0
          && graphemes[right.value] & UInt8(CICU_PLAIN_LEFT) != 0
          && normalization[right.value] & UInt8(CICU_BOUNDARY_BEFORE) != 0
          && !(left == 0x0D && right.value == 0x0A)
        if isApart {
          if fallback == 0 { fallback = right.start }
          let isStop = [0x20, 0x3002, 0xFF01, 0xFF1F].contains(left)
          if isStop && !isSpace(right.value) && graphemes[right.value] & UInt8(CICU_BASE) != 0 {
            if left != 0x20 { return right.start }
            let before = codePointBefore(start, in: text)
            if let before, isSpace(before) { return right.start }
            // Normalisation makes spaces of other things, and three of them are not one and two.
            if let before, graphemes[before] & UInt8(CICU_PLAIN_RIGHT) != 0,
              before < 0x80 || normalization[before] & UInt8(CICU_UNCHANGED) != 0
            {
              return start
            }
          }
        }
      }
      right = (left, start)
      end = start
    }
    return fallback > 0 ? fallback : last
  }

  /// Whether spaces of this kind make one segment with their like (WSegSpace).
  private static func isSpace(_ value: UInt32) -> Bool {
    [0x20, 0x1680, 0x205F, 0x3000].contains(value) || (0x2000...0x200A).contains(value)
  }

  private static func codePointBefore(
    _ end: Int, in text: UnsafeBufferPointer<UInt8>
  ) -> UInt32? {
    if end == 0 { return nil }
    var start = end - 1
    while start > 0 && text[unchecked: start] & 0xC0 == 0x80 { start -= 1 }
    return codePoint(in: text, at: start).value
  }
}

/// Lends cutters, which hold break iterators, to whoever cuts text at the moment.
final class CutterPool: Sendable {
  private let locale: String
  private let attachesPunctuation: Bool
  private let idle = Mutex<[Cutter]>([])

  init(locale: String, attachesPunctuation: Bool) throws(TextError) {
    guard !locale.utf8.contains(0), cicu_locale_is_known(locale) else {
      throw .unknownLocale(locale)
    }
    self.locale = locale
    self.attachesPunctuation = attachesPunctuation
  }

  @inline(__always)
  func withCutter<Result>(
    _ body: (Cutter) throws(TextError) -> Result
  ) throws(TextError) -> Result {
    let cutter =
      idle.withLock { $0.popLast() }
      ?? Cutter(
        locale: locale, attachesPunctuation: attachesPunctuation)
    defer { idle.withLock { $0.append(cutter) } }
    return try body(cutter)
  }
}
