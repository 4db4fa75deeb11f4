import Foundation
import Testing

@testable import Plots

@Suite struct HTMLTests {
  @Test func textIsEscaped() {
    #expect(
      HTML.escaped("<a href=\"x\">'&'</a>")
        == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;")
    #expect(HTML.escaped("a\tb\nc") == "a\tb\nc")
    #expect(HTML.escaped("\0\u{1B}\r\u{7F}") == "\u{2400}\u{241B}\u{240D}\u{2421}")
    #expect(HTML.escaped("\u{9B}\u{202E}\u{2067}\u{FFFF}") == "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}")
    #expect(HTML.escaped("שלום\u{200F} e\u{301} 👩‍🚀") == "שלום\u{200F} e\u{301} 👩‍🚀")
  }

  /// What a parser reads is what was meant, in an element as in an attribute.
  @Test func textComesBack() throws {
    for text in ["<b>", "a & b &amp; c", "\"'", "]]>", "x\ny", "שלום", "漢字"] {
      let elements = try #require(
        Elements("<p title=\"\(HTML.escaped(text))\">\(HTML.escaped(text))</p>"))
      #expect(elements.texts["p"] == [text])
      // XML makes a line feed in an attribute a space.
      #expect(elements.named("p")[0]["title"] == text.replacingOccurrences(of: "\n", with: " "))
    }
  }

  @Test func longTextsAreCutByCodePoints() {
    #expect(HTML.cut("abc", to: 3) == "abc" && HTML.cut("abcd", to: 3) == "abc…")
    #expect(HTML.cut("", to: 0) == "" && HTML.cut("a", to: 0) == "…")
    let tower = "e" + String(repeating: "\u{301}", count: 3000)
    #expect(HTML.cut(tower, to: 10).unicodeScalars.count == 11)
  }

  @Test func aPageNeedsNothingElse() throws {
    for title in hostile {
      let page = HTML.page(title: title, body: "<p>\(HTML.escaped(title))</p>")
      let elements = try #require(Elements(page), "\(title.debugDescription)")
      #expect(
        elements.all.map(\.name) == [
          "html", "head", "meta", "meta", "meta", "title", "style", "body", "h1", "p",
        ])
      #expect(!page.contains(/https?:/) && page.contains("default-src 'none'"))
      #expect(page.contains("width=device-width") && page.contains("prefers-color-scheme: dark"))
    }
  }
}
