import Foundation
import Testing

@testable import Files

@Suite struct QuotingTests {
  @Test func aQuoteIsShortAndOnOneLine() {
    #expect(quoted("Tom") == "Tom")
    let long = String(repeating: "ab", count: 5_000_000)
    #expect(quoted(long) == String(repeating: "ab", count: 30) + "…")
    #expect(quoted(String(repeating: "x", count: 60)) == String(repeating: "x", count: 60))
    #expect(quoted("a\nb\tc\u{1B}[31m", atMost: 100) == "a\\u{A}b\\u{9}c\\u{1B}[31m")
    // One character of a million code points is as long as a million.
    #expect(quoted("e" + String(repeating: "\u{301}", count: 1_000_000)).unicodeScalars.count == 61)
  }

  /// Every code point that a terminal obeys, by the standards that name them, and none besides.
  @Test func whatATerminalObeysIsVisible() {
    var hidden: Set<UInt32> = []
    for value in 0..<0x110000 as Range<UInt32> {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let text = "a" + String(Character(scalar)) + "b"
      let shown = visible(text, keepingLines: true)
      guard shown != text else { continue }
      #expect(shown == "a\\u{\(String(value, radix: 16, uppercase: true))}b")
      hidden.insert(value)
    }
    let controls = (0..<0x110000 as Range<UInt32>).filter { value in
      guard let scalar = Unicode.Scalar(value) else { return false }
      return scalar.properties.generalCategory == .control && !["\n", "\t"].contains(scalar)
    }
    let turns: [UInt32] = [0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069]
    #expect(hidden == Set(controls + turns))
  }

  @Test func linesStayLines() {
    let text = "one\r\n\ttwo\n"
    #expect(visible(text, keepingLines: true) == text)
    #expect(visible("safe\rspoof", keepingLines: true) == "safe\\u{D}spoof")
    #expect(visible("a\nb", keepingLines: false) == "a\\u{A}b")
    // Not even as a part of a character.
    #expect(visible("a\u{1B}\u{301}", keepingLines: true) == "a\\u{1B}\u{301}")
  }

  @Test func jsonHidesNothing() throws {
    let text = "a\u{1B}\u{7F}\u{9B}\u{202E}\u{2066}\u{2069}é👩‍🚀\"\\\n"
    let value = JSONValue.object([
      "\u{9B}": .text(text), "raw": .raw(JSON.text(of: [text])), "list": .list([.text(text)]),
    ])
    let json = value.json
    #expect(visible(json, keepingLines: false) == json, "\(json)")
    let read = try #require(
      JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    #expect(read["\u{9B}"] as? String == text)
    #expect(read["raw"] as? [String] == [text] && read["list"] as? [String] == [text])
  }
}
