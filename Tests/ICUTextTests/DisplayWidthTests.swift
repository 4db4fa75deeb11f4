import Testing

@testable import ICUText

/// How many cells texts take on a terminal.
@Suite struct DisplayWidthTests {
  @Test(arguments: [
    ("", 0), ("Major Tom", 9), ("naïve", 5), ("nai\u{308}ve", 5), ("漢字", 4), ("ｆｕｌｌ", 8), ("ｶﾅ", 2),
    ("한국어", 6), ("\u{1112}\u{1161}\u{11AB}", 2), ("ภาษาไทย", 7), ("ที่", 1), ("שלום", 4),
    ("🚀", 2), ("❤\u{FE0F}", 2), ("❤", 1), ("a\u{200B}b", 2), ("👩\u{200D}🚀", 4), ("█▁…", 3),
  ])
  func cellsAreCounted(_ text: String, _ cells: Int) {
    #expect(displayWidth(of: text) == cells, "\(text)")
  }

  @Test(arguments: 0...14)
  func whatIsShortenedFits(_ most: Int) {
    for text in ["Ground Control", "漢字の長い名前", "nai\u{308}ve nai\u{308}ve", "🚀🚀🚀 lift-off"] {
      let short = shortened(text, toWidth: most)
      #expect(displayWidth(of: short) <= most)
      if displayWidth(of: text) <= most {
        #expect(short == text)
      } else if most > 0 {
        #expect(short.hasSuffix("…") && text.hasPrefix(short.dropLast()))
        // Not a cell is given away that a character would have fitted.
        #expect(displayWidth(of: short) >= most - 1)
      }
    }
  }
}
