/// The code point at `index` of well-formed UTF-8, and how many bytes it takes.
@inline(__always)
func codePoint(
  in text: UnsafeBufferPointer<UInt8>, at index: Int
) -> (value: UInt32, length: Int) {
  let lead = UInt32(text[unchecked: index])
  if lead < 0x80 { return (lead, 1) }
  let second = UInt32(text[unchecked: index + 1]) & 0x3F
  if lead < 0xE0 { return ((lead & 0x1F) << 6 | second, 2) }
  let third = UInt32(text[unchecked: index + 2]) & 0x3F
  if lead < 0xF0 { return ((lead & 0x0F) << 12 | second << 6 | third, 3) }
  let fourth = UInt32(text[unchecked: index + 3]) & 0x3F
  return ((lead & 0x07) << 18 | second << 12 | third << 6 | fourth, 4)
}

extension UnsafeBufferPointer where Element == UInt8 {
  // A release build checks no bounds of a buffer anyway; this says so where the loops rely on it.
  @inline(__always)
  subscript(unchecked index: Int) -> UInt8 {
    assert(index >= 0 && index < count)
    return baseAddress.unsafelyUnwrapped[index]
  }
}

/// How many bytes follow a lead byte at most allows, and the range that the second must be in.
///
/// Table 3-7 of the Unicode Standard. `nil` for a byte that begins no sequence.
@inline(__always)
func utf8Sequence(lead: UInt8) -> (length: Int, second: ClosedRange<UInt8>)? {
  switch lead {
  case 0x00...0x7F: return (1, 0x80...0xBF)
  case 0xC2...0xDF: return (2, 0x80...0xBF)
  case 0xE0: return (3, 0xA0...0xBF)
  case 0xE1...0xEC, 0xEE...0xEF: return (3, 0x80...0xBF)
  case 0xED: return (3, 0x80...0x9F)
  case 0xF0: return (4, 0x90...0xBF)
  case 0xF1...0xF3: return (4, 0x80...0xBF)
  case 0xF4: return (4, 0x80...0x8F)
  default: return nil
  }
}

/// What stopped a scan of UTF-8.
enum UTF8Stop: Equatable {
  /// All is well up to the end.
  case end
  /// The text ends within a sequence that could still become a code point.
  case incomplete
  /// U+0000.
  case nul
  /// A sequence that is not UTF-8: a maximal subpart, of this many bytes.
  case illFormed(length: Int)
}

/// Finds how far bytes are well-formed UTF-8 without U+0000, and why the scan stopped there.
func scanUTF8(
  _ text: UnsafeBufferPointer<UInt8>, from start: Int
) -> (end: Int, stop: UTF8Stop) {
  let raw = UnsafeRawBufferPointer(text)
  var index = start
  while index < text.count {
    // Eight ASCII bytes at a time: no high bit, and no byte that borrows when 1 is taken from it.
    while index + 8 <= text.count {
      let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      let borrows = (word &- 0x0101_0101_0101_0101) & ~word
      if (word | borrows) & 0x8080_8080_8080_8080 != 0 { break }
      index += 8
    }
    if index == text.count { break }
    let lead = text[unchecked: index]
    if lead == 0 { return (index, .nul) }
    if lead < 0x80 {
      index += 1
      continue
    }
    guard let (length, second) = utf8Sequence(lead: lead) else {
      return (index, .illFormed(length: 1))
    }
    for position in 1..<length {
      if index + position == text.count { return (index, .incomplete) }
      let byte = text[unchecked: index + position]
      let isGood = position == 1 ? second.contains(byte) : byte & 0xC0 == 0x80
      if !isGood { return (index, .illFormed(length: position)) }
    }
    index += length
  }
  return (index, .end)
}

/// How many bytes at the end of `bytes` begin a UTF-8 sequence that further bytes may complete.
func incompleteSuffixLength(_ bytes: [UInt8]) -> Int {
  for length in 1...3 where length <= bytes.count {
    let lead = bytes[bytes.count - length]
    if lead & 0xC0 == 0x80 { continue }
    guard let (whole, second) = utf8Sequence(lead: lead), whole > length else { return 0 }
    if length >= 2 && !second.contains(bytes[bytes.count - length + 1]) { return 0 }
    return length
  }
  return 0
}
