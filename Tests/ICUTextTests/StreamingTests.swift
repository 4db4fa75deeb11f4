import Testing

@testable import ICUText

@Suite struct StreamingTests {
  private static let symbols = ["é", "👩\u{200D}👧", "e\u{301}", "漢字", "\r\n", "𝒳"]

  @Test func splitCharactersWaitForTheirLastByte() throws {
    var decoder = StreamingDecoder(
      try Vocabulary(segmentation: Segmentation(), tokens: Self.symbols))
    #expect([0xF0, 0x9F, 0x91, 0xA9].map { decoder.append($0) } == ["", "", "", "👩"])
    #expect([0xE6, 0xBC].map { decoder.append($0) } == ["", ""])
    #expect(decoder.append(257) == "\u{FFFD}👩\u{200D}👧")
    #expect(decoder.append(0xF0) == "")
    #expect(decoder.finish() == "\u{FFFD}")
    #expect(decoder.finish() == "")
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func streamsLikeTheWhole(seed: UInt64) throws {
    let vocabulary = try Vocabulary(segmentation: Segmentation(), tokens: Self.symbols)
    var generator = SeededGenerator(seed)
    // Bytes that begin, continue and break sequences in every way that the standard names.
    let telling = [
      0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF,
      0xF0, 0xF1, 0xF4, 0xF5, 0xFF,
    ]
    for _ in 0..<5000 {
      let ids = (0..<Int.random(in: 0...20, using: &generator)).map { _ in
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: Int.random(in: 0..<vocabulary.count, using: &generator)
        default: telling.randomElement(using: &generator) ?? 0
        }
      }
      var decoder = StreamingDecoder(vocabulary)
      var streamed = ""
      for id in ids { streamed += decoder.append(id) }
      streamed += decoder.finish()
      let wanted = repaired(vocabulary.decode(ids))
      #expect(Array(streamed.unicodeScalars) == wanted, "seed \(seed): \(ids)")
      #expect(Array(vocabulary.text(of: ids).unicodeScalars) == wanted)
    }
  }

  /// U+FFFD for each maximal subpart, straight from table 3-7 of the Unicode Standard.
  private func repaired(_ bytes: [UInt8]) -> [Unicode.Scalar] {
    var scalars: [Unicode.Scalar] = []
    var index = 0
    while index < bytes.count {
      let lead = bytes[index]
      let ranges: [ClosedRange<UInt8>]
      let tail: ClosedRange<UInt8> = 0x80...0xBF
      switch lead {
      case 0...0x7F: ranges = []
      case 0xC2...0xDF: ranges = [tail]
      case 0xE0: ranges = [0xA0...0xBF, tail]
      case 0xED: ranges = [0x80...0x9F, tail]
      case 0xE1...0xEF: ranges = [tail, tail]
      case 0xF0: ranges = [0x90...0xBF, tail, tail]
      case 0xF1...0xF3: ranges = [tail, tail, tail]
      case 0xF4: ranges = [0x80...0x8F, tail, tail]
      default:
        scalars.append("\u{FFFD}")
        index += 1
        continue
      }
      var length = 1
      for range in ranges {
        guard index + length < bytes.count, range.contains(bytes[index + length]) else { break }
        length += 1
      }
      if length == ranges.count + 1 {
        let kept = ranges.count == 0 ? lead : lead & (0x3F >> UInt8(ranges.count))
        let value = bytes[index + 1..<index + length].reduce(UInt32(kept)) {
          $0 << 6 | UInt32($1 & 0x3F)
        }
        scalars.append(Unicode.Scalar(value) ?? "\u{FFFD}")
      } else {
        scalars.append("\u{FFFD}")
      }
      index += length
    }
    return scalars
  }
}
