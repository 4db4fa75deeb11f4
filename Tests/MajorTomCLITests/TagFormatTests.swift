import Foundation
import Testing

/// How tagged words are written, read by readers that are written here.
@Suite struct TagFormatTests {
  private let tool: Tool

  init() throws {
    tool = try Tool()
    let words = ["Ada", "smiled", "home", ".", "数", "ภาษา"]
    let tags = ["PROPN", "VERB", "NOUN", "PUNCT", "X", "N<&>V"]
    var text = ""
    for number in 0..<60 {
      for place in 0..<6 {
        let word = (number * 7 + place * 5) % 6
        text += "\(words[word])\t\(tags[word])\n"
      }
      text += "\n"
    }
    try tool.file("words.conll", Data(text.utf8))
    let trained = try tool.run(
      words: [
        "train", "tagger", "words.conll", "-o", "m.safetensors", "-q", "--epochs", "6",
        "--hidden", "8", "--words", "8", "--characters", "none", "--rate", "0.02",
      ])
    #expect(trained.code == 0, "\(trained.errors)")
  }

  private func tag(
    _ words: String..., input: String, columns: Int? = nil
  ) throws -> String {
    let result = try tool.run(
      words: ["tag", "-m", "m.safetensors"] + words, input: input,
      environment: columns.map { ["COLUMNS": "\($0)"] } ?? [:])
    #expect(result.code == 0, "\(result.errors)")
    return result.output
  }

  /// The cells of a terminal that a character takes, as far as this file has such.
  private func width(_ text: some StringProtocol) -> Int {
    text.unicodeScalars.reduce(0) { sum, scalar in
      let isMark = scalar.properties.generalCategory == .nonspacingMark
      return sum + (isMark ? 0 : (0x2E80...0x9FFF).contains(scalar.value) ? 2 : 1)
    }
  }

  /// The pieces of a line between two spaces or more, by the cells that they begin at.
  private func cells(_ line: Substring) -> [Int: String] {
    var found: [Int: String] = [:]
    var (place, start, piece) = (0, 0, "")
    for scalar in line.unicodeScalars {
      if scalar == " " {
        if !piece.isEmpty { found[start] = piece }
        piece = ""
      } else {
        if piece.isEmpty { start = place }
        piece.unicodeScalars.append(scalar)
      }
      place += width(String(scalar))
    }
    if !piece.isEmpty { found[start] = piece }
    return found
  }

  @Test(arguments: [9, 20, 33, 80, 300])
  func tagsStandUnderTheirWords(columns: Int) throws {
    let words = (0..<40).map { ["Ada", "数数数", "ที่นี่", "unbelievably", ".", "\"", "I"][$0 * 3 % 7] }
    let input = words.joined(separator: " ")
    let right = try tag("--tokenized", "--format", "conll", input: input).split(separator: "\n")
    var found: [String] = []
    let lines = try tag("--tokenized", input: input, columns: columns)
      .split(separator: "\n", omittingEmptySubsequences: false)
    // A pair of lines, an empty line, and so on.
    #expect(lines.count % 3 == 0)
    for first in stride(from: 0, to: lines.count - 2, by: 3) {
      let (above, below) = (cells(lines[first]), cells(lines[first + 1]))
      #expect(max(width(lines[first]), width(lines[first + 1])) <= columns)
      #expect(!lines[first].hasSuffix(" ") && !lines[first + 1].hasSuffix(" "))
      #expect(lines[first + 2].isEmpty && above.keys.sorted() == below.keys.sorted())
      for place in above.keys.sorted() {
        found.append("\(above[place] ?? "")\t\(below[place] ?? "")")
      }
    }
    #expect(found.count == right.count)
    for (found, right) in zip(found, right) where found != right {
      // Only what is wider than the terminal is cut.
      let head = found.prefix { $0 != "…" }
      #expect(columns == 9 && right.hasPrefix(head) && found.contains("…"), "\(found) \(right)")
    }
  }

  @Test func coloursAndTerminalsChangeNoColumn() throws {
    let plain = try tag(input: "Ada 数 home .")
    let colored = try tag("--color", "always", input: "Ada 数 home .")
    #expect(colored != plain)
    #expect(
      colored.replacing("\u{1B}[2m", with: "").replacing("\u{1B}[0m", with: "") == plain)
    let (seen, code) = try tool.typed(
      ["Ada smiled home smiled"], to: ["tag", "-m", "m.safetensors"], columns: 18)
    #expect(code == 0)
    // Two words and their tags fit; a wide terminal would have all four in a row.
    #expect(seen.contains("\r\nAda    smiled\r\n") || seen.contains("\r\nAda  "), "\(seen)")
    for line in seen.split(separator: "\r\n").dropFirst(2) where !line.hasPrefix(">") {
      let bare = line.replacing("\u{1B}[2m", with: "").replacing("\u{1B}[0m", with: "")
      #expect(width(bare) <= 18, "\(bare)")
    }
  }

  /// Text with all that markup is made of.
  private static let hard = "Ada <b>smiled</b> & &lt; home</NOUN> . 数 <PROPN>ภาษา</PROPN> > <"

  @Test func inlineIsReadBack() throws {
    let written = try tag("--format", "inline", input: Self.hard)
    var text = ""
    var found: [String] = []
    var (open, content) = ("", "")
    var rest = written.dropLast()[...]
    func unescaped(_ text: Substring) -> String {
      String(text).replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing(
        "&amp;", with: "&")
    }
    while let mark = rest.firstIndex(of: "<") {
      let end = try #require(rest[mark...].firstIndex(of: ">"))
      let name = unescaped(rest[rest.index(after: mark)..<end])
      let before = unescaped(rest[..<mark])
      text += before
      if open.isEmpty {
        open = name
      } else {
        #expect(name == "/" + open)
        content = before
        found.append("\(content)\t\(open)")
        open = ""
      }
      rest = rest[rest.index(after: end)...]
    }
    text += unescaped(rest)
    #expect(text == Self.hard)
    let right = try tag("--format", "conll", input: Self.hard)
    #expect(found == right.split(separator: "\n").map(String.init))
    #expect(right.contains("N<&>V"))
  }

  @Test func conlluHasNumbersAndTexts() throws {
    let input = "Ada smiled. Home!\n\nAda  smiled\nhome.\n\n\n数, home"
    let written = try tag("--format", "conllu", input: input)
    var ids: [String] = []
    var texts: [String] = []
    for block in written.split(separator: "\n\n") {
      let lines = block.split(separator: "\n")
      let comments = lines.filter { $0.hasPrefix("#") }
      func value(_ name: String) -> String? {
        comments.first { $0.hasPrefix("# \(name) = ") }.map { String($0.dropFirst(name.count + 5)) }
      }
      ids.append(try #require(value("sent_id")))
      var text = ""
      for (number, line) in lines.filter({ !$0.hasPrefix("#") }).enumerated() {
        let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
        #expect(columns.count == 10 && columns[0] == "\(number + 1)")
        text += columns[1] + (columns[9].contains("SpaceAfter=No") ? "" : " ")
      }
      #expect(value("text") == text.trimmingCharacters(in: .whitespaces))
      texts.append(value("text") ?? "")
    }
    #expect(ids == (1...ids.count).map(String.init) && ids.count >= 3)
    // All that is no white space stands in the texts, in its order.
    #expect(texts.joined().filter { !$0.isWhitespace } == input.filter { !$0.isWhitespace })
    try tool.file("a.txt", Data("Ada smiled.\n".utf8))
    let named = try tag("--format", "conllu", "--file", "a.txt", "a.txt", input: "")
    #expect(named.hasPrefix("# newdoc id = a.txt\n# newpar\n# sent_id = 1\n# text = Ada smiled.\n"))
    #expect(named.contains("# sent_id = 2\n"))
  }

  @Test func wordsThatAreUnlikelyGetNoTag() throws {
    let input = "Ada 数 unbelievably home smiled ."
    let rows = try tag("--format", "tsv", input: input).split(separator: "\n").map {
      $0.split(separator: "\t").map(String.init)
    }
    let least = rows.compactMap { Double($0[5]) }.sorted()[3] - 0.00005
    let sure = rows.map { (Double($0[5]) ?? 0) >= least ? $0[0] : "_" }
    #expect(sure.contains("_") && sure.contains { $0 != "_" })
    func left(_ format: String) throws -> String {
      try tag("--least", "\(least)", "--format", format, input: input)
    }
    #expect(
      try left("conll").split(separator: "\n").map { String($0.split(separator: "\t")[1]) } == sure)
    #expect(
      try left("conllu").split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
        String($0.split(separator: "\t")[3])
      } == sure)
    #expect(
      try left("inline").split(separator: "</").count == 1 + sure.count { $0 != "_" })
    #expect(
      try left("text").split(separator: "\n")[1].split(separator: " ").map(String.init) == sure)
  }
}
