import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// The pages that show what goes on inside of models.
@Suite struct ExplainTests {
  private let tool: Tool
  /// As many networks for the gradient's page as a test needs.
  private let quick = ["--length", "16", "--sequences", "0"]

  init() throws { tool = try Tool() }

  private func page(_ name: String) throws -> String {
    try String(contentsOf: tool.folder.appendingPathComponent(name), encoding: .utf8)
  }

  private func trainLanguageModel() throws {
    let text = (0..<200).map { "Day \($0). \"The (old) lamp\", he said, turned.\n" }.joined()
    try tool.file("story.txt", Data(text.utf8))
    let trained = try tool.run(
      words: ["train", "lm", "story.txt", "-o", "lm.safetensors", "--updates", "20", "-q"] + small)
    #expect(trained.code == 0, "\(trained.errors)")
  }

  private func trainTagger() throws {
    let data = (0..<60).map { number in
      let type = number % 2 == 0 ? "PER" : "LOC"
      return "we O\nsaw O\nAda B-\(type)\nNg I-\(type)\n\(number % 2 == 0 ? "smile" : "far") O\n\n"
    }.joined()
    try tool.file("train.conll", Data(data.utf8))
    let trained = try tool.run(
      words: [
        "train", "tagger", "train.conll", "--dev", "train.conll", "-o", "tagger.safetensors",
        "--epochs", "6", "--hidden", "12", "--words", "12", "--rate", "0.02", "-q",
      ])
    #expect(trained.code == 0, "\(trained.errors)")
  }

  private func trainTranslator() throws {
    let words = ["nil", "one", "two", "tri", "for"]
    let pairs = (0..<125).map { number in
      let digits = [number / 25, number / 5 % 5, number % 5]
      return digits.map(String.init).joined() + "\t"
        + digits.map { words[$0] }.joined(separator: " ") + "\n"
    }
    try tool.file("pairs.tsv", Data(pairs.joined().utf8))
    let trained = try tool.run(
      words: [
        "train", "translator", "pairs.tsv", "-o", "translator.safetensors", "--unit", "word",
        "--source-unit", "grapheme", "--hidden", "24", "--embedding", "12", "--epochs", "12",
        "--rate",
        "0.01", "--batch", "8", "-q",
      ])
    #expect(trained.code == 0, "\(trained.errors)")
  }

  /// All links of a page lead to files of its folder, and it loads nothing.
  private func check(_ name: String, in folder: String) throws {
    let text = try page("\(folder)/\(name)")
    #expect(XMLParser(data: Data(text.utf8)).parse(), "\(name)")
    #expect(!text.contains(/https?:/) && !text.contains("<script"), "\(name)")
    for match in text.matches(of: /href="([^"]*)"/) {
      #expect(tool.exists("\(folder)/\(match.1)"), "\(name) links to \(match.1)")
    }
  }

  @Test func allKindsOfModelsHaveTheirPages() throws {
    try trainLanguageModel()
    try trainTagger()
    try trainTranslator()
    let models = ["lm", "tagger", "translator"].flatMap { ["-m", "\($0).safetensors"] }
    let call = ["explain", "all", "--html", "pages"] + quick
    let made = try tool.run(
      words: call + models + ["story.txt", "--tag", "we saw Ada Ng smile", "--translate", "312"])
    #expect(made.code == 0, "\(made.errors)")
    #expect(made.output == "8 pages; begin with pages/index.html\n")
    let names = [
      "gradient-flow", "surprise", "units", "gates", "marginals", "directions", "attention", "beam",
    ]
    for name in names + ["index"] { try check("\(name).html", in: "pages") }
    let index = try page("pages/index.html")
    #expect(!index.contains("Left out") && index.contains("translator.safetensors"))
    #expect(try page("pages/units.html").contains("how deep in brackets the text is"))
    #expect(try page("pages/gates.html").contains("forget gate f"))
    #expect(try page("pages/surprise.html").contains("bits a symbol"))
    #expect(try page("pages/directions.html").contains("Ada (word 3)"))
    #expect(try page("pages/attention.html").contains("Other candidates"))
    #expect(try page("pages/beam.html").contains("<ul class=\"tree\">"))
    for name in ["gradient-flow-1", "directions-2", "attention-1"] {
      let image = try page("pages/\(name).svg")
      #expect(image.hasPrefix("<svg ") && XMLParser(data: Data(image.utf8)).parse())
    }

    // Nothing is replaced unasked; what earlier pages left is removed, and nothing else.
    try tool.file("pages/mine.svg", Data("mine".utf8))
    let before = try page("pages/beam.html")
    let refused = try tool.run(words: call + ["-m", "tagger.safetensors", "we saw Ada"])
    #expect(
      refused.code == 2 && refused.errors.contains("exists")
        && refused.errors.contains("--overwrite"))
    #expect(try page("pages/beam.html") == before)
    let replaced = try tool.run(
      words: call + ["-m", "tagger.safetensors", "we saw Ada", "--overwrite"])
    #expect(replaced.code == 0 && replaced.output.hasPrefix("3 pages"), "\(replaced.errors)")
    #expect(!tool.exists("pages/beam.html") && !tool.exists("pages/attention-1.svg"))
    #expect(tool.exists("pages/mine.svg") && tool.exists("pages/directions.html"))
    for name in ["gradient-flow", "marginals", "directions", "index"] {
      try check("\(name).html", in: "pages")
    }
    let small = try page("pages/index.html")
    #expect(small.contains("it needs a translator: add -m TRANSLATOR"))
    #expect(small.contains("it needs a language model: add -m LANGUAGE_MODEL"))
  }

  /// Each wrong call: its words, its exit code, and what its sentence must say.
  @Test func wrongCallsEndInOneSentence() throws {
    try trainTranslator()
    try tool.file("file", Data("mine".utf8))
    let model = ["-m", "translator.safetensors"]
    for (words, code, part) in [
      (model, 2, "--html FOLDER"), (model + ["--html", "new"], 2, "nothing to translate"),
      (model + ["--html", "new", " "], 2, "nothing to translate"),
      (model + ["--html", "file", "1"], 2, "file is a file"),
      (model + ["--html", "no/where", "1"] + quick, 1, "no/where"),
      (model + model + ["--html", "new", "1"], 2, "both a translator"),
      (model + ["--html", "new", "--tag", "a", "1"], 2, "--tag"),
      (model + ["--html", "new", "--text", "1", "2"], 2, "twice"),
      (model + ["--html", "new", "--translate", "1", "2"], 2, "'2'"),
      (["-m", "none", "--html", "new", "1"], 1, "none"),
    ] as [([String], Int32, String)] {
      let result = try tool.run(words: ["explain", "all"] + words)
      #expect(result.code == code, "\(words): \(result.errors)")
      #expect(result.errors.contains(part), "\(words): \(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1 && result.output.isEmpty)
      #expect(!tool.exists("new"))
    }
    #expect(try page("file") == "mine")
  }

  /// The same network has the same colour on every page, and a curve that stops says why.
  @Test func gradientFlowSaysWhatIsSeen() throws {
    let made = try tool.run(
      "explain", "gradient-flow", "--html", "flow.html", "--length", "512", "--sequences", "0")
    #expect(made.code == 0)
    let text = try page("flow.html")
    // Elman is orange, and LSTM blue, on the line, at its end and on its cross.
    #expect(
      text.contains(/class="p1"[^>]*>Elman</) && text.contains(/class="p0"[^>]*>LSTM, bias 1</))
    #expect(text.contains(/class="p2"[^>]*>GRU</) && text.contains(/class="p3"[^>]*>window/))
    #expect(text.contains("stops, as 16 steps back it is 0: nothing reaches so far"))
    #expect(text.contains("less than 1 % is left from") && text.contains("steps back in time"))
    #expect(XMLParser(data: Data(text.utf8)).parse())
  }

  @Test func thePageOfAUnitTellsTheOthers() throws {
    try trainLanguageModel()
    let made = try tool.run(
      "explain", "cells", "-m", "lm.safetensors", "story.txt", "--find", "quotes", "--html",
      "u.html")
    #expect(made.code == 0, "\(made.errors)")
    let best = try #require(made.output.firstMatch(of: /unit ([0-9.]+), correlation (-?[0-9.]+)/))
    let text = try page("u.html")
    #expect(text.contains("whether the text is inside of quotation marks"))
    #expect(text.contains(/[Uu]nit \d+\.\d+/) && text.contains("<td>\(best.1)</td>"))
    #expect(text.contains("\(best.2) (Pearson") && text.contains("lm.safetensors"))
    #expect(text.contains("Other candidates for quotes") && text.contains("lstm, "))
    #expect(text.matches(of: /class="bar b0"/).count == 10)
    #expect(XMLParser(data: Data(text.utf8)).parse())
  }

  @Test func thePageOfAttentionTellsTheOtherTranslations() throws {
    try trainTranslator()
    let made = try tool.run(
      "translate", "-m", "translator.safetensors", "--best", "3", "--html", "a.html", "312")
    #expect(made.code == 0, "\(made.errors)")
    let text = try page("a.html")
    #expect(text.contains("What the decoder looked at") && text.contains("read →"))
    let lines = made.output.split(separator: "\n")
    #expect(lines.count == 3 && lines.first?.hasSuffix("\t") == false)
    for line in lines {
      let translation = try #require(
        line.split(separator: "\t", omittingEmptySubsequences: false).last)
      #expect(text.contains("<bdi>\(translation)</bdi>"), "\(line)")
    }
    #expect(XMLParser(data: Data(text.utf8)).parse())
  }
}
