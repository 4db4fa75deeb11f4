import Testing

@testable import ICUText

@Suite struct ParagraphTests {
  private func paragraphs(_ lines: [String]) -> [String] {
    var collector = ParagraphCollector()
    return lines.flatMap { collector.take($0) } + [collector.finish()].compactMap { $0 }
  }

  @Test func emptyLinesPartParagraphs() {
    #expect(paragraphs(["a", "b", "", "c"]) == ["a\nb", "", "c"])
    #expect(paragraphs(["", " \t\r", "a\r", "b\r", "", ""]) == ["", "", "a\r\nb\r", "", ""])
    #expect(paragraphs([]) == [])
  }

  /// What never has an empty line comes in pieces, after a line that ends a sentence if there is one.
  @Test func aLongParagraphComesInPieces() {
    let line = String(repeating: "x", count: 999)
    let stops = (0..<300).map { $0 % 7 == 0 ? line + "." : line }
    for (lines, most) in [(stops, 1.2), (Array(repeating: line, count: 300), 2.1)] {
      let found = paragraphs(lines)
      #expect(found.joined(separator: "\n") == lines.joined(separator: "\n"))
      #expect(found.count > 1)
      #expect(
        found.allSatisfy { Double($0.utf8.count) < most * Double(ParagraphCollector.longest) })
    }
    #expect(paragraphs(stops).dropLast().allSatisfy { $0.hasSuffix(".") })
  }
}
