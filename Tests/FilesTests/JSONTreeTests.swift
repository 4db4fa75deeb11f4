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
    ("[1,]", 1, 4), ("{\"a\":1,}", 1, 8), ("\"\\u00g0\"", 1, 6),
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

  @Test(arguments: [
    (#"{"a":1,"\u0061":2}"#, #"an object has "\u0061" twice, again before line 1, byte 16"#),
    (#"{"a":1,"b":{"a":1},"a":2}"#, #"an object has "a" twice, again before line 1, byte 23"#),
    (
      #"["\ud800"]"#,
      "half of a character, as \\uD800 without the other half, stands before line 1, byte 9"
    ),
    (
      #"["\udc00\ud800"]"#,
      "half of a character, as \\uD800 without the other half, stands before line 1, byte 9"
    ),
    ("[1e999]", "a number too large to be kept stands before line 1, byte 7"),
    (
      "[-\(String(repeating: "9", count: 400))]",
      "a number too large to be kept stands before line 1, byte 403"
    ),
  ])
  func whatADecoderWouldTakeOrNotExplainIsNamed(_ text: String, _ sentence: String) {
    let error = #expect(throws: JSONSyntaxError.self) { try JSONTree(json: text.utf8) }
    #expect(error?.description == sentence)
  }

  @Test func levelsAreCounted() throws {
    #expect(try JSONTree(json: "[[[]]]".utf8, deepest: 3) == .list([.list([.list([])])]))
    #expect(throws: JSONSyntaxError.self) { try JSONTree(json: "[[[1]]]".utf8, deepest: 3) }
  }

  @Test func listsOfOneTypeAndMixedOnesAreReadAlike() throws {
    let tree = try JSONTree(
      json: #"[[],[1,2.0],["a","b"],[1,"a"],["a",null],[0.5,1],[[1],["a"]]]"#.utf8)
    #expect(
      tree
        == .list([
          .list([]), .list([.whole(1), .whole(2)]), .list([.text("a"), .text("b")]),
          .list([.whole(1), .text("a")]), .list([.text("a"), .null]),
          .list([.number(0.5), .whole(1)]), .list([.list([.whole(1)]), .list([.text("a")])]),
        ]))
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
