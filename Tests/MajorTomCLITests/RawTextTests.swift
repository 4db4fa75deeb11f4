import Foundation
import Testing

/// Text that nobody has cut, from a file of CoNLL-U to the tool's output and back.
@Suite struct RawTextTests {
  private let tool: Tool

  init() throws {
    tool = try Tool()
    // Paragraphs of four sentences, with a title, a contraction of pieces and one of others.
    let sentences = [
      [["Dr."], ["Ada"], ["don't", "do", "n't"], ["smile"], ["."]],
      [["Bo"], ["came"], ["du", "de", "le"], ["port"], ["."]],
      [["We"], ["saw"], ["Dr."], ["Bo"], ["."]], [["Ada"], ["smiled"], ["again"], ["."]],
    ]
    var text = ""
    for number in 0..<240 {
      if number % 4 == 0 { text += "# newpar\n" }
      let tokens = sentences[(number * 7 + number / 4) % 4]
      text +=
        "# text = \(tokens.dropLast().map { $0[0] }.joined(separator: " ")).\n"
      var count = 0
      for (place, token) in tokens.enumerated() {
        let words = token.count > 1 ? Array(token.dropFirst()) : token
        let misc = place == tokens.count - 2 ? "SpaceAfter=No" : "_"
        if words.count > 1 {
          text += "\(count + 1)-\(count + words.count)\t\(token[0])\t_\t_\t_\t_\t_\t_\t_\t\(misc)\n"
        }
        for word in words {
          count += 1
          let tag = word == "." ? "PUNCT" : word.first?.isUppercase == true ? "PROPN" : "VERB"
          text +=
            "\(count)\t\(word)\t_\t\(tag)\t_\t_\t\(count > 1 ? 1 : 0)\t_\t_\t"
            + "\(words.count > 1 ? "_" : misc)\n"
        }
      }
      text += "\n"
    }
    try tool.file("train.conllu", Data(text.utf8))
    let trained = try tool.run(
      words: [
        "train", "tagger", "train.conllu", "-o", "m.safetensors", "-q", "--epochs", "3",
        "--hidden", "12", "--words", "12", "--character-features", "8", "--rate", "0.02",
      ])
    #expect(trained.code == 0, "\(trained.errors)")
  }

  private func tag(_ words: String..., input: String = "") throws -> String {
    let result = try tool.run(words: ["tag", "-m", "m.safetensors"] + words, input: input)
    #expect(result.code == 0, "\(result.errors)")
    return result.output
  }

  @Test func aHardWrappedTextIsReadByParagraphs() throws {
    let text = "Bo came du\nport. Dr. Ada don't\r\nsmile.\n\nAda smiled again"
    #expect(
      try tag("--format", "conllu", input: text)
        == """
        # newpar
        # sent_id = 1
        # text = Bo came du port.
        1\tBo\t_\tPROPN\t_\t_\t_\t_\t_\t_
        2\tcame\t_\tVERB\t_\t_\t_\t_\t_\t_
        3-4\tdu\t_\t_\t_\t_\t_\t_\t_\t_
        3\tde\t_\tVERB\t_\t_\t_\t_\t_\t_
        4\tle\t_\tVERB\t_\t_\t_\t_\t_\t_
        5\tport\t_\tVERB\t_\t_\t_\t_\t_\tSpaceAfter=No
        6\t.\t_\tPUNCT\t_\t_\t_\t_\t_\t_

        # sent_id = 2
        # text = Dr. Ada don't smile.
        1\tDr.\t_\tPROPN\t_\t_\t_\t_\t_\t_
        2\tAda\t_\tPROPN\t_\t_\t_\t_\t_\t_
        3-4\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
        3\tdo\t_\tVERB\t_\t_\t_\t_\t_\t_
        4\tn't\t_\tVERB\t_\t_\t_\t_\t_\t_
        5\tsmile\t_\tVERB\t_\t_\t_\t_\t_\tSpaceAfter=No
        6\t.\t_\tPUNCT\t_\t_\t_\t_\t_\t_

        # newpar
        # sent_id = 3
        # text = Ada smiled again
        1\tAda\t_\tPROPN\t_\t_\t_\t_\t_\t_
        2\tsmiled\t_\tVERB\t_\t_\t_\t_\t_\t_
        3\tagain\t_\tVERB\t_\t_\t_\t_\t_\t_


        """)
    // Words that are no pieces of their token share its place.
    #expect(
      try tag(input: "Bo came du\nport.\n\nAda smiled\n")
        == """
        Bo     came  du         port  .
        PROPN  VERB  VERB+VERB  VERB  PUNCT

        Ada    smiled
        PROPN  VERB

        """)
    let json = try tag("--json", input: "Bo came\ndu port.\n\nAda\n").split(separator: "\n")
    #expect(json.count == 2)
    #expect(json[0].contains(#""text":"de","bytes":[8,10]"#), "\(json[0])")
  }

  @Test func linesAreTextsOfTheirOwnWhereAskedFor() throws {
    let text = "Ada smiled\nagain\n\nBo came\n"
    #expect(
      try tag("--lines", "--format", "conll", input: text)
        == "Ada\tPROPN\nsmiled\tVERB\n\nagain\tVERB\n\nBo\tPROPN\ncame\tVERB\n\n")
    #expect(
      try tag("--format", "conll", input: text)
        == "Ada\tPROPN\nsmiled\tVERB\nagain\tVERB\n\nBo\tPROPN\ncame\tVERB\n\n")
    #expect(try tag("--lines", "--batch", "9", input: text) == tag("--lines", input: text))
  }

  @Test func theSharedTasksFiguresArePrinted() throws {
    let whole = try tool.run(words: ["evaluate", "-m", "m.safetensors", "train.conllu", "--raw"])
    #expect(whole.code == 0 && whole.output.contains("AligndAcc"), "\(whole.errors)")
    #expect(
      whole.output.split(separator: "\n").dropFirst(2).map { $0.prefix { $0 != " " } } == [
        "Tokens", "Sentences", "Words", "UPOS",
      ])
    let json = try tool.run(
      words: ["evaluate", "-m", "m.safetensors", "train.conllu", "--raw", "--json"])
    let words = try #require(json.output.split(separator: "\n").first { $0.contains("Words") })
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(words.utf8)) as? [String: Any])
    #expect(try #require(object["f1"] as? Double) > 0.95)
    #expect(object["right"] as? Int == 1260)
  }
}
