import Foundation
import Testing

/// The command `check`, its findings at the start of a training, and what `tag` writes for tools of
/// annotation.
@Suite struct CheckTests {
  private let tool: Tool

  init() throws { tool = try Tool() }

  private func names(_ count: Int) -> String {
    (0..<count).map { number in
      let type = number % 2 == 0 ? "PER" : "LOC"
      return
        "We O\nmet O\nAda\(number) B-\(type)\nLee I-\(type)\n\(type == "PER" ? "and" : "at") O\n\n"
    }.joined()
  }

  private func object(_ text: some StringProtocol) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test func soundDataEndWithAZeroAndATable() throws {
    try tool.file("train.conll", Data(names(40).utf8))
    let result = try tool.run("check", "train.conll")
    #expect(result.code == 0 && result.errors.isEmpty, "\(result)")
    #expect(result.output.hasPrefix("nothing is wrong that could be seen\n"))
    #expect(result.output.contains("\nsentences ") && result.output.contains(" 40\n"))
  }

  @Test func whatWouldStopATrainingEndsWithAOne() throws {
    let broken = names(20).replacing("Ada7 B-LOC\n", with: "Ada7 B_LOC\n")
    try tool.file("train.conll", Data(broken.utf8))
    try tool.file("dev.conll", Data(names(3).utf8))
    let result = try tool.run("check", "train.conll", "--dev", "dev.conll")
    #expect(result.code == 1 && result.errors.isEmpty)
    #expect(result.output.hasPrefix("error: train.conll:45: the tag B_LOC is of no scheme"))
    #expect(result.output.contains("\nwarning: dev.conll:1: 3 sentences of the development data"))
    #expect(result.output.contains("training  development"))
    let trained = try tool.run("train", "tagger", "train.conll", "-o", "m.safetensors")
    #expect(trained.code == 1 && trained.errors.contains("train.conll:45: the tag B_LOC"))
    #expect(!tool.exists("m.safetensors"))
    let json = try object(
      try tool.run("check", "train.conll", "--dev", "dev.conll", "--json").output)
    #expect(json["kind"] as? String == "tagger")
    let first = try #require((json["findings"] as? [[String: Any]])?.first)
    #expect(first["severity"] as? String == "error" && first["line"] as? Int == 45)
    #expect(first["file"] as? String == "train.conll")
    let rows = try #require(json["summary"] as? [[String: Any]])
    #expect(
      rows.contains {
        $0["name"] as? String == "sentences" && $0["split"] as? String == "development"
          && $0["value"] as? Int == 3
      })
  }

  @Test(arguments: [
    ("a.conll", "Ada B-PER\n", "tagger"), ("a.tsv", "Ada\tNOUN\nran\tVERB\n\nBo\tNOUN\n", "tagger"),
    ("a.tsv", "one\teins\ntwo\tzwei\n", "translator"), ("a.txt", "Day 1.\nDay 2.\n", "lm"),
    ("a", "Ada B-PER\nran O\n", "tagger"),
    ("a.json", "{\"text\": \"Ada\", \"label\": []}\n", "tagger"),
    ("a.ann", "T1\tPER 0 3\tDay\n", "tagger"), ("a.txt", "To be, or not\n\nTo be\n", "lm"),
  ])
  func theKindIsToldByTheFile(name: String, text: String, kind: String) throws {
    try tool.file("a.txt", Data("Day 1.\n".utf8))
    try tool.file(name, Data(text.utf8))
    let result = try tool.run("check", name, "--json")
    #expect(result.code == 0, "\(result)")
    #expect(try object(result.output)["kind"] as? String == kind)
  }

  @Test func otherTextIsCheckedAsItIsSaid() throws {
    try tool.file("a.txt", Data("one\teins\nx\u{1}\n".utf8))
    let pairs = try tool.run("check", "a.txt", "--as", "translator")
    #expect(pairs.code == 1 && pairs.output.contains("error: a.txt:2: 1 column"))
    let text = try tool.run("check", "a.txt", "--as", "lm")
    #expect(text.code == 0 && text.output.hasPrefix("warning: a.txt:2: 1 control character"))
    let sides = try tool.run("check", "--source", "a.txt", "--target", "a.txt")
    #expect(sides.code == 0 && sides.output.contains("copied") == false)
    #expect(sides.output.contains("2 pairs whose source and target are the same"))
    for (words, part) in [
      (["check"], "no data"), (["check", "a.txt", "--as", "lm", "--dev", "b"], "--dev"),
      (["check", "a.txt", "--as", "lm", "--column", "2"], "--column"),
      (["check", "a.txt", "--as", "poem"], "--as"), (["check", "--source", "a.txt"], "--target"),
    ] {
      let refused = try tool.run(words: words)
      #expect(refused.code == 2 && refused.errors.contains(part), "\(words): \(refused)")
    }
    let missing = try tool.run("check", "none.txt")
    #expect(missing.code == 1 && missing.output.contains("error: none.txt: does not exist"))
  }

  @Test func aTrainingBeginsWithWhatWouldHarmIt() throws {
    try tool.file("train.conll", Data((names(60) + "x\u{FFFD} O\n\u{1}y O\n").utf8))
    try tool.file("dev.conll", Data((names(4) + "z B-ORG\n").utf8))
    let trained = try tool.run(
      "train", "tagger", "train.conll", "--dev", "dev.conll", "-o", "m.safetensors", "--updates",
      "1",
      "--hidden", "4")
    #expect(trained.code == 0)
    let told = trained.errors.split(separator: "\n").filter { $0.hasPrefix("majortom: ") }
    #expect(told.count == 3, "\(trained.errors)")
    #expect(told.first?.contains("dev.conll:25: 1 type that the training data do not have") == true)
    #expect(
      told.last?.hasSuffix(
        "2 more findings: majortom check train.conll --as tagger --dev dev.conll") == true)
    // The same as an object for whoever reads that.
    let json = try tool.run(
      "train", "tagger", "train.conll", "--dev", "dev.conll", "-o", "m.safetensors", "--updates",
      "1",
      "--hidden", "4", "--overwrite", "--json")
    #expect(json.output.contains("\"note\":\"dev.conll:25: "))
    try tool.file("story.txt", Data((story + "a\u{FFFD}b\n").utf8))
    let text = try tool.run(
      words: ["train", "lm", "story.txt", "-o", "l.safetensors", "--updates", "1"] + small)
    #expect(text.code == 0 && text.errors.contains("majortom: story.txt:401: 1 character U+FFFD"))
    try tool.file("pairs.tsv", Data("a\tb\nc\td\ne\tf\u{FFFD}\n".utf8))
    let pairs = try tool.run(
      "train", "translator", "pairs.tsv", "-o", "t.safetensors", "--updates", "1", "--hidden", "4",
      "--embedding", "4")
    #expect(pairs.errors.contains("majortom: pairs.tsv:3: 1 character U+FFFD"), "\(pairs)")
  }

  @Test func aTaggerWithoutDevKeepsATenth() throws {
    try tool.file("train.conll", Data(names(300).utf8))
    let size = ["--updates", "3", "--hidden", "4", "--overwrite", "-o", "m.safetensors"]
    let trained = try tool.run(words: ["train", "tagger", "train.conll"] + size)
    #expect(trained.code == 0 && trained.errors.contains("best validation F1"), "\(trained.errors)")
    let kept = try #require(
      trained.errors.firstMatch(of: /([0-9]+) sentences of [0-9]+ words to validate on/))
    #expect((15...50).contains(Int(kept.1) ?? 0))
    let none = try tool.run(words: ["train", "tagger", "train.conll", "--validation", "0"] + size)
    #expect(none.code == 0 && none.errors.contains("none to validate on"))
    try tool.file("few.conll", Data(names(40).utf8))
    let few = try tool.run(words: ["train", "tagger", "few.conll"] + size)
    #expect(few.code == 0 && few.errors.contains("40 sentences are too few to keep some"))
    #expect(few.errors.contains("none to validate on"))
  }

  /// What `tag` writes, training and `check` read again, with the same spans.
  @Test func jsonlAndBratGoThereAndBack() throws {
    try tool.file("train.conll", Data(names(60).utf8))
    let trained = try tool.run(
      "train", "tagger", "train.conll", "-o", "m.safetensors", "--epochs", "20", "--hidden", "16",
      "--rate", "0.02", "--validation", "0", "-q")
    #expect(trained.code == 0, "\(trained.errors)")
    let text = "\u{1F600} We met Ada7 Lee at\r\n\nWe met Ada8 Lee and. We met Ada9 Lee at\n"
    try tool.file("text.txt", Data(text.utf8))
    func tag(_ format: String) throws -> String {
      let result = try tool.run("tag", "-m", "m.safetensors", "--format", format, input: text)
      #expect(result.code == 0, "\(result)")
      return result.output
    }
    let lines = try tag("jsonl").split(separator: "\n")
    #expect(lines.count == 2)
    let first = try object(lines[0])
    #expect(first["text"] as? String == "\u{1F600} We met Ada7 Lee at")
    let span = try #require((first["spans"] as? [[String: Any]])?.first)
    // Python's offsets: the emoji is one character.
    #expect(span["start"] as? Int == 9 && span["end"] as? Int == 17)
    let triple = try #require((first["label"] as? [[Any]])?.first)
    #expect(triple[0] as? Int == 9 && triple[1] as? Int == 17)
    #expect(triple[2] as? String == span["label"] as? String)
    // The end of a line counts, the carriage return before it too.
    let annotations = try tag("brat")
    #expect(annotations.hasPrefix("T1\tLOC 9 17\tAda7 Lee\nT2\tPER 30 38\tAda8 Lee\nT3\t"))
    try tool.file("text.jsonl", Data(try tag("jsonl").utf8))
    try tool.file("text.ann", Data(annotations.utf8))
    for name in ["text.jsonl", "text.ann"] {
      let measured = try tool.run("evaluate", "-m", "m.safetensors", name)
      #expect(
        measured.output.contains("with 3 phrases; found: 3 phrases; correct: 3."), "\(measured)")
      let checked = try tool.run("check", name)
      #expect(checked.code == 0 && !checked.output.contains("warning"), "\(checked.output)")
    }
  }
}
