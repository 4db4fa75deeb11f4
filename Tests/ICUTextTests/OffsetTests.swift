import Foundation
import Testing

@testable import ICUText

/// Places lead from symbols back to the original, through normalisation.
@Suite struct OffsetTests {
  @Test func aLigaturesLettersBothHaveItsPlace() throws {
    let spans = try Segmenter(Segmentation(normalization: .nfkc)).spans(of: "aﬁb👍")
    #expect(spans.map(\.text) == ["a", "f", "i", "b", "👍"])
    #expect(spans.map(\.bytes) == [0..<1, 1..<4, 1..<4, 4..<5, 5..<9])
    #expect(spans.map(\.utf16) == [0..<1, 1..<2, 1..<2, 2..<3, 3..<5])
    #expect(spans.map(\.codePoints) == [0..<1, 1..<2, 1..<2, 2..<3, 3..<4])
  }

  @Test func composedLettersHaveThePlaceOfTheirParts() throws {
    let spans = try Segmenter(Segmentation(normalization: .nfc)).spans(of: "xe\u{301}\u{323}y")
    #expect(spans.map(\.text) == ["x", "ẹ\u{301}", "y"])
    #expect(spans.map(\.codePoints) == [0..<1, 1..<4, 4..<5])
  }

  @Test func bytesHaveThePlaceOfTheirCodePoint() throws {
    let spans = try Segmenter(Segmentation(unit: .byte)).spans(of: "aé𝒳b")
    #expect(spans.map(\.bytes.lowerBound) == Array(0..<8))
    #expect(
      spans.map(\.codePoints) == [0..<1, 1..<2, 1..<2, 2..<3, 2..<3, 2..<3, 2..<3, 3..<4])
    #expect(spans.map(\.utf16) == [0..<1, 1..<2, 1..<2, 2..<4, 2..<4, 2..<4, 2..<4, 4..<5])
  }

  @Test func foldingLeavesPlacesAlone() throws {
    let segmenter = try Segmenter(Segmentation(unit: .word, normalization: .caseFolding))
    let spans = try segmenter.spans(of: "ÄRGER im SPAß")
    #expect(spans.map(\.text) == ["ärger", " ", "im", " ", "spass"])
    #expect(spans.map(\.bytes) == [0..<6, 6..<7, 7..<9, 9..<10, 10..<15])
    #expect(spans.last?.codePoints == 9..<13)
  }

  @Test(arguments: TextUnit.allCases) func withoutNormalisationSpansTileTheText(
    unit: TextUnit
  ) throws {
    let segmenter = try Segmenter(Segmentation(unit: unit))
    var generator = SeededGenerator(11)
    for _ in 0..<500 {
      let text = Self.randomText(using: &generator)
      let utf8 = Array(text.utf8)
      var byte = 0
      var utf16 = 0
      for span in try segmenter.spans(of: text) {
        #expect(span.bytes.lowerBound == byte)
        byte = span.bytes.upperBound
        if unit != .byte {
          #expect(span.utf16.lowerBound == utf16)
          utf16 = span.utf16.upperBound
          let piece = utf8[span.bytes]
          #expect(Array(span.text.utf8) == Array(piece))
          #expect(span.utf16.count == span.text.utf16.count)
          #expect(span.codePoints.count == span.text.unicodeScalars.count)
        }
      }
      #expect(byte == utf8.count)
    }
  }

  /// Spans are grouped where their places touch or overlap no more; each group's original,
  /// normalised alone, is the group's text.
  @Test(
    arguments: [Normalization.nfc, .nfkc, .caseFolding], [TextUnit.codePoint, .grapheme, .word])
  func normalisingTheOriginalOfEachSpanGivesItsText(
    normalization: Normalization, unit: TextUnit
  ) throws {
    let segmenter = try Segmenter(Segmentation(unit: unit, normalization: normalization))
    var generator = SeededGenerator(13)
    for round in 0..<1500 {
      let text = Self.randomText(using: &generator)
      let original = Array(text.utf8)
      let spans = try segmenter.spans(of: text)
      let whole = spans.map(\.text).joined()
      #expect(try Array(whole.utf8) == Array(Self.normalized(text, normalization).utf8), "\(round)")
      var index = 0
      var reached = 0
      while index < spans.count {
        var range = spans[index].bytes
        var joined = spans[index].text
        index += 1
        while index < spans.count, spans[index].bytes.lowerBound < range.upperBound {
          range = range.lowerBound..<max(range.upperBound, spans[index].bytes.upperBound)
          joined += spans[index].text
          index += 1
        }
        #expect(range.lowerBound == reached)
        reached = range.upperBound
        let piece = String(decoding: original[range], as: UTF8.self)
        let shown = text.unicodeScalars.map { String($0.value, radix: 16) }.joined(separator: " ")
        #expect(
          try Array(Self.normalized(piece, normalization).utf8) == Array(joined.utf8),
          "round \(round): \(shown)")
      }
      #expect(reached == original.count)
      for span in spans {
        let before = String(decoding: original[0..<span.bytes.lowerBound], as: UTF8.self)
        #expect(span.utf16.lowerBound == before.utf16.count)
        #expect(span.codePoints.lowerBound == before.unicodeScalars.count)
      }
    }
  }

  /// The judge: ICU over the whole text at once.
  ///
  /// (Foundation's normalisation leaves some jamo and marks uncomposed.) Folding goes by scalars with the standard library's lower case where that
  /// is folding too, which holds for the letters used here.
  private static func normalized(
    _ text: String, _ normalization: Normalization
  ) throws -> String {
    var folded = text
    if normalization == .caseFolding {
      folded = ""
      for scalar in text.decomposedStringWithCanonicalMapping.unicodeScalars {
        switch scalar.value {
        case 0xDF, 0x1E9E: folded += "ss"
        case 0x17F: folded += "s"
        case 0xFB01: folded += "fi"
        case 0xFB03: folded += "ffi"
        case 0x345: folded += "\u{3B9}"
        case 0x3C2: folded += "\u{3C3}"
        default: folded += scalar.properties.lowercaseMapping
        }
      }
    }
    var normalizer = try #require(Normalizer(normalization == .nfkc ? .nfkc : .nfc))
    var output: [UInt8] = []
    let bytes = Array(folded.utf8)
    try bytes.withUnsafeBufferPointer { (bytes) throws(TextError) in
      try normalizer.normalizeAtOnce(bytes, 0..<bytes.count, into: &output)
    }
    return String(decoding: output, as: UTF8.self)
  }

  private static let atoms: [String] = [
    "a", "E", "o", "Z", " ", "\n", "\r\n", ".", "7", "é", "É", "\u{301}", "\u{323}", "\u{308}",
    "\u{345}", "Ω", "α", "ς", "ß", "ẞ", "ŵ", "ǖ", "ﷺ", "Å", "Å", "Ω", "각", "ᄀ", "ᅡ", "ᆨ", "가",
    "क", "\u{93C}", "ড\u{9BC}", "Ж", "й", "и\u{306}", "漢", "豈", "👍🏽", "👩\u{200D}👧", "𝒳", "𠮷",
    "\u{1D15E}", "\u{DD9}\u{DCF}", "ṩ", "s\u{323}\u{307}", "s\u{307}\u{323}", "ᾳ", "ᾼ", "ᾀ",
    "\u{3099}", "か", "が",
  ]
  private static let compatible = ["ﬁ", "½", "①", "Ａ", "ｶ", "ﾞ", "㌀", "…", "ſ", "ﬃ", "²", "\u{A0}"]

  private static func randomText(using generator: inout SeededGenerator) -> String {
    var text = ""
    let pool = Bool.random(using: &generator) ? atoms : atoms + compatible
    for _ in 0..<Int.random(in: 0...30, using: &generator) {
      text += pool.randomElement(using: &generator) ?? ""
    }
    return text
  }
}
