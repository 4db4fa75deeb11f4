import Files
import Testing

@Suite struct JSONTreeTests {
  @Test func anyValueIsRead() throws {
    let tree = try JSONTree(json: #"{"a":[1,-2.5,"x",true,null,{}],"b":1e3}"#.utf8)
    #expect(
      tree
        == .object([
          "a": .list([.whole(1), .number(-2.5), .text("x"), .flag(true), .null, .object([:])]),
          "b": .whole(1000),
        ]))
  }

  @Test(arguments: [
    ("", 1, 1), ("{", 1, 2), ("{\"a\":}", 1, 6), ("[1,2", 1, 5), ("[1,\n 2,\n x]", 3, 2),
    ("nul", 1, 4),
    ("{\"a\":1}x", 1, 8), ("[01]", 1, 3), ("\"\\x\"", 1, 3), ("[1.]", 1, 4), ("\"a\nb\"", 1, 3),
  ])
  func thePlaceIsToldWhereATextIsNoJSON(_ text: String, _ line: Int, _ byte: Int) {
    let error = #expect(throws: JSONSyntaxError.self) { try JSONTree(json: text.utf8) }
    #expect(error?.description == "it is no JSON from line \(line), byte \(byte) on")
  }

  @Test func aTextThatIsTooDeepIsTold() {
    let text = String(repeating: "[", count: 100_000)
    let error = #expect(throws: JSONSyntaxError.self) { try JSONTree(json: text.utf8) }
    #expect(error?.description == "its lists and objects are too many levels deep")
  }

  @Test func plainAndOtherTextsAreWrittenAsTheEncoderDoes() throws {
    for text in [
      "", "abc", "a\"b", "a\\b", "é", "\u{85}", "\u{202E}x", "\n\t", "a/b", "日本 🙂", "\u{7F}",
    ] {
      let json = JSONValue.text(text).json
      #expect(try JSON.value(String.self, from: json.utf8) == text)
      #expect(!json.unicodeScalars.contains { (0x7F..<0xA0).contains($0.value) || $0.value < 32 })
    }
  }
}
