internal import CICU

/// The owner of one regular expression of ICU.
///
/// A few characters of pattern can ask for more steps than there are seconds, so steps and memory have
/// a limit, which grows with the text and depends on nothing else.
final class Pattern {
  private let text: String
  private let handle: OpaquePointer

  /// Throws `TextError.badPattern`, with the names that could have been meant, for one that is none.
  init(_ text: String, known: [String]) throws(TextError) {
    var copy = text
    var error: Int32 = 0
    let opened = copy.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) {
        cicu_pattern_open($0.baseAddress, Int64($0.count), &error)
      }
    }
    guard let opened else { throw .badPattern(text, known: known) }
    self.text = text
    handle = opened
  }

  deinit { cicu_pattern_close(handle) }

  /// The places of all matches in a text, in bytes of its UTF-8.
  ///
  /// Throws `TextError.patternTooSlow` at the limit.
  func matches(in searched: String) throws(TextError) -> [Range<Int>] {
    var searched = searched
    var ranges: [Range<Int>] = []
    var error: Int32 = 0
    searched.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { bytes in
        // Units of 10,000 steps: 20 million, and 200 more for each byte.
        let limit = Int32(clamping: 2000 + bytes.count / 50)
        cicu_pattern_set_text(handle, bytes.baseAddress, Int64(bytes.count), &error)
        var (start, end) = (Int64(0), Int64(0))
        while error <= 0, cicu_pattern_next(handle, limit, &start, &end, &error) {
          ranges.append(Int(start)..<Int(end))
        }
      }
    }
    if error > 0 {
      throw cicu_pattern_is_too_much(error)
        ? .patternTooSlow(text) : icuError("match a regular expression", error)
    }
    return ranges
  }
}
