import ICUText
import Testing

@Suite struct PropertyTests {
  private func values(_ name: String, _ text: String) throws -> [Int] {
    try TextProperty(name).values(of: text.map { String($0) }).map { Int($0) }
  }

  @Test func propertiesAreWhatAReaderKeepsInMind() throws {
    #expect(try values("quotes", "a \"bc\" d") == [0, 0, 1, 1, 1, 0, 0, 0])
    #expect(try values("quotes", "«à» „ö“ ”x") == [1, 1, 0, 0, 1, 1, 1, 1, 0, 0])
    #expect(try values("line-length", "ab\r\nc\n\nd") == [1, 2, 0, 1, 0, 0, 1])
    #expect(try values("position", "as, é1b") == [1, 2, 0, 0, 1, 0, 1])
    #expect(try values("brackets", "(a[b])]c(") == [1, 1, 2, 2, 1, 0, 0, 0, 1])
  }

  @Test func anExpressionIsOneWhereItMatches() throws {
    #expect(try values("[aeiou]+", "boot a") == [0, 1, 1, 0, 0, 1])
    #expect(try values("Tom|é", "Tomé Tim") == [1, 1, 1, 1, 0, 0, 0, 0])
    #expect(try values("x", "abc") == [0, 0, 0])
    // A match across pieces of several characters, and pieces that are empty.
    #expect(try TextProperty("om T").values(of: ["To", "", "m ", "Tim"]) == [1, 1, 1, 0])
  }

  @Test func aPatternThatIsNoneIsRefused() {
    #expect(throws: TextError.self) { try TextProperty("(") }
  }
}
