import Foundation
import Testing

/// The tool as its users run it: the built program, its output and its exit codes.
///
/// Its folder goes with it.
private final class Tool {
  let folder: URL

  deinit { try? FileManager.default.removeItem(at: folder) }

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  /// The program lies beside the test bundle.
  private static let program: URL = {
    let arguments = CommandLine.arguments
    let bundle =
      arguments.firstIndex(of: "--test-bundle-path").map { arguments[$0 + 1] } ?? arguments[0]
    return URL(fileURLWithPath: bundle).resolvingSymlinksInPath().deletingLastPathComponent()
      .appendingPathComponent("majortom")
  }()

  struct Result {
    let output, errors: String
    let code: Int32
  }

  func run(
    _ arguments: String..., input: String = "", environment: [String: String] = [:]
  ) throws -> Result {
    try run(words: arguments, input: input, environment: environment)
  }

  func run(
    words arguments: [String], input: String = "", interruptAfter seconds: Double? = nil,
    environment: [String: String] = [:]
  ) throws -> Result {
    let process = Process()
    process.executableURL = Self.program
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let inputFile = try file("input", Data(input.utf8))
    let outputs = try ["out", "err"].map { try file("stream-\($0)", Data()) }
    process.standardInput = try FileHandle(forReadingFrom: inputFile)
    process.standardOutput = try FileHandle(forWritingTo: outputs[0])
    process.standardError = try FileHandle(forWritingTo: outputs[1])
    try process.run()
    if let seconds {
      Thread.sleep(forTimeInterval: seconds)
      process.interrupt()
    }
    process.waitUntilExit()
    let texts = try outputs.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
    return Result(output: texts[0], errors: texts[1], code: process.terminationStatus)
  }

  @discardableResult
  func file(_ name: String, _ bytes: Data) throws -> URL {
    let url = folder.appendingPathComponent(name)
    try bytes.write(to: url)
    return url
  }

  func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path)
  }
}

private let story = (0..<400).map { "Day \($0). The lamp turned \($0 % 7) times.\n" }.joined()
private let small = ["--hidden", "16", "--embedding", "8", "--batch", "4", "--steps", "16"]

@Suite struct CommandTests {
  private let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.file("story.txt", Data(story.utf8))
  }

  private func train(_ more: String..., interruptAfter: Double? = nil) throws -> Tool.Result {
    let words = ["train", "lm", "story.txt", "-o", "m.safetensors"] + small + more
    return try tool.run(words: words, interruptAfter: interruptAfter)
  }

  @Test func trainingThenWritingEvaluatingAndLooking() throws {
    let trained = try train("--updates", "30", "--seed", "3")
    #expect(trained.code == 0, "\(trained.errors)")
    #expect(trained.errors.contains("bits/char"))
    #expect(trained.errors.contains("model in m.safetensors"))
    #expect(trained.output.isEmpty)
    let written = try tool.run(
      "generate", "-m", "m.safetensors", "-p", "Day 1", "-n", "40", "--seed", "1")
    #expect(written.code == 0 && written.errors.isEmpty)
    #expect(written.output.hasPrefix("Day 1"))
    #expect(written.output.count == 5 + 40 + 1)
    let again = try tool.run(
      "generate", "-m", "m.safetensors", "-p", "Day 1", "-n", "40", "--seed", "1")
    #expect(again.output == written.output)
    let evaluated = try tool.run(
      "evaluate", "-m", "m.safetensors", "story.txt", "--part", "validation", "--json")
    let lines = try evaluated.output.split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
    #expect(lines.compactMap { $0?["protocol"] as? String } == ["carried", "crops"])
    let info = try tool.run("info", "m.safetensors", "--json")
    let object = try JSONSerialization.jsonObject(with: Data(info.output.utf8)) as? [String: Any]
    #expect(object?["kind"] as? String == "language-model")
    let plain = try tool.run("info", "m.safetensors")
    #expect(plain.output.contains("rnn.weight_ih_l0"))
  }

  @Test func aModelThatReadsBackwardsWritesWhatComesBefore() throws {
    let trained = try train("--updates", "30", "--backwards")
    #expect(trained.code == 0 && trained.errors.contains("reads backwards"), "\(trained.errors)")
    let model = ["-m", "m.safetensors"]
    let prompted = ["generate"] + model + ["-p", "times.", "-n", "40", "--seed", "1"]
    let written = try tool.run(words: prompted)
    #expect(written.code == 0 && written.output.hasSuffix("times.\n"), "\(written.errors)")
    #expect(written.output.count == 40 + 6 + 1)
    #expect(
      try tool.run(words: prompted + ["--no-echo"]).output
        == written.output.replacingOccurrences(
          of: "times.\n", with: "\n", options: [.backwards, .anchored]))
    let refused = try tool.run(words: prompted + ["--stop", "x"])
    #expect(refused.code == 2 && refused.output.isEmpty)
    #expect(refused.errors.hasPrefix("majortom: --stop: a model that reads backwards"))
    #expect(refused.errors.split(separator: "\n").count == 1)
    #expect(try tool.run("info", "m.safetensors").output.contains("reads backwards: lstm"))
    // The part that training kept: a tenth of the text at its beginning, but for its last symbol.
    let evaluated = try tool.run(
      words: ["evaluate"] + model
        + ["story.txt", "--part", "validation", "--protocol", "carried", "--json"])
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(evaluated.output.utf8)) as? [String: Any])
    let kept = story.count - Int(0.9 * Double(story.count))
    #expect(object["symbols"] as? Int == kept - 1)
    let text = ["--text", "Day 1. The lamp turned 1 times.\nDay 2."]
    let values = try tool.run(
      words: ["explain", "cells"] + model + text + ["--unit", "1.3", "--json"])
    let first = try tool.run(
      words: ["explain", "cells"] + model + text + ["--unit", "1.3", "--json", "--show", "3"])
    let lists = try [values, first].map {
      let object = try JSONSerialization.jsonObject(with: Data($0.output.utf8)) as? [String: Any]
      return try #require(object?["values"] as? [Double])
    }
    #expect(lists[0].count == 38 && Array(lists[0].prefix(3)) == lists[1])
    let flow = try tool.run(
      words: ["explain", "gradient-flow"] + model + ["story.txt", "--length", "32"])
    #expect(flow.code == 0 && flow.output.contains("fresh weights"))
  }

  @Test func interruptedTrainingSavesAndResumes() throws {
    let first = try train("--minutes", "0.5", "--patience", "0", interruptAfter: 1.5)
    #expect(first.code == 0, "\(first.errors)")
    #expect(first.errors.contains("--resume"))
    #expect(tool.exists("m.safetensors.checkpoint"))
    let refused = try train("--minutes", "0.02")
    #expect(refused.code == 2)
    #expect(refused.errors.contains("--resume") && refused.errors.contains("--overwrite"))
    let resumed = try train("--minutes", "0.03", "--patience", "0", "--resume")
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(!tool.exists("m.safetensors.checkpoint"))
    #expect(tool.exists("m.safetensors"))
  }

  /// Each wrong call: its words, its exit code, and what its sentence must say.
  @Test func wrongCallsEndInOneSentence() throws {
    try tool.file("empty.txt", Data())
    try tool.file("binary.txt", Data([0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0, 0, 0]))
    try tool.file("latin.txt", Data("gut\nsch\u{F6}n".unicodeScalars.map { UInt8($0.value) }))
    try tool.file("short.txt", Data("too short".utf8))
    try tool.file("cut.safetensors", Data([200, 0, 0, 0, 0, 0, 0, 0, 0x7B]))
    let calls: [(String, Int32, [String])] = [
      ("train lm none.txt -o m", 1, ["none.txt"]),
      ("train lm empty.txt -o m", 1, ["empty.txt"]),
      ("train lm . -o m", 1, ["directory"]),
      ("train lm binary.txt -o m", 1, ["binary.txt", "binary"]),
      ("train lm latin.txt -o m --encoding UTF-8", 1, ["latin.txt", "offset 7", "line 2"]),
      ("train lm story.txt -o m --encoding utf-9", 1, ["utf-9"]),
      ("train lm short.txt -o m", 1, ["8 symbols", "--batch"]),
      ("train lm story.txt -o /none/at/all", 1, ["/none/at/all", "cannot be written"]),
      ("train lm story.txt -o .", 1, ["directory"]),
      ("train lm story.txt -o m --hidden 16384 --layers 64", 1, ["weights", "MiB"]),
      ("train lm story.txt", 2, ["-o"]),
      ("train lm -o m", 2, ["no corpus"]),
      ("train lm story.txt -o m --hidden 0", 2, ["--hidden 0", "1 to 16384"]),
      ("train lm story.txt -o m --rate much", 2, ["--rate much"]),
      ("train lm story.txt -o m --cell lstmm", 2, ["lstmm", "did you mean lstm"]),
      ("train lm story.txt -o m --hiden 3", 2, ["--hiden", "did you mean --hidden"]),
      ("train lm story.txt -o m --epochs 1 --updates 1", 2, ["only one"]),
      ("train", 2, ["lm"]),
      ("generat", 2, ["did you mean generate"]),
      ("generate -m none.safetensors", 1, ["none.safetensors"]),
      ("generate -m cut.safetensors", 1, ["cut.safetensors", "header"]),
      ("generate -m story.txt", 1, ["story.txt"]),
      ("generate -m story.txt --temperature -1", 2, ["--temperature -1"]),
      ("generate -m", 2, ["argument"]),
      ("evaluate -m story.txt", 2, ["no text"]),
      ("info none", 1, ["none"]),
      ("tokenize --unit letter x", 2, ["letter", "grapheme"]),
      ("tokenize --locale xx-nowhere-ever x", 1, ["locale"]),
      ("tokenize --unit subword x", 2, ["subword", "--vocabulary"]),
      ("tokenize --vocabulary none.json x", 1, ["none.json"]),
      ("tokenize --vocabulary story.txt x", 1, ["story.txt", "no vocabulary"]),
      ("tokenize --vocabulary story.txt --unit word x", 2, ["--unit", "--vocabulary"]),
      ("train lm story.txt -o m --vocabulary none.json", 1, ["none.json"]),
      ("train lm story.txt -o m --vocabulary none.json --max-size 300", 2, ["--max-size"]),
      ("vocabulary story.txt", 2, ["-o"]),
      ("vocabulary -o m", 2, ["no text"]),
      ("vocabulary story.txt -o m --bpe many", 2, ["--bpe many"]),
      ("vocabulary binary.txt -o m", 1, ["binary.txt", "binary"]),
      ("vocabulary story.txt -o /none/at/all", 1, ["/none/at/all", "cannot be written"]),
      ("vocabulary story.txt -o m --locale xx-nowhere-ever", 1, ["locale"]),
    ]
    for (words, code, parts) in calls {
      let result = try tool.run(words: words.split(separator: " ").map(String.init))
      #expect(result.code == code, "\(words): \(result.errors)")
      #expect(result.errors.hasPrefix("majortom: "), "\(words): \(result.errors)")
      #expect(result.errors.filter { $0 == "\n" }.count == 1, "\(words): \(result.errors)")
      for part in parts { #expect(result.errors.contains(part), "\(words): \(result.errors)") }
      #expect(result.output.isEmpty, "\(words)")
    }
    #expect(!tool.exists("m"))
  }

  @Test func withoutAModelTheToolSaysHowToGetOne() throws {
    let result = try tool.run("generate", environment: ["MAJORTOM_MODEL": ""])
    // A checkout in which the demo was run has its model, which then is used.
    if result.code != 0 { #expect(result.errors.contains("make demo")) }
  }

  @Test func everyCommandHasHelp() throws {
    for words in [
      ["train", "lm"], ["generate"], ["evaluate"], ["vocabulary"], ["tokenize"], ["info"],
    ] {
      let result = try tool.run(words: words + ["--help"])
      #expect(result.code == 0)
      #expect(result.output.contains("Usage: majortom \(words.joined(separator: " "))"))
      #expect(result.output.contains("--help"))
    }
    #expect(try tool.run("--help").output.contains("train lm"))
  }

  @Test func tokenizeShowsSymbolsAndTheirPlaces() throws {
    let result = try tool.run("tokenize", "--format", "tsv", "aé👩‍🚀")
    #expect(
      result.output == "a\t0-1\t0-1\t0-1\né\t1-3\t1-2\t1-2\n👩‍🚀\t3-14\t2-7\t2-5\n")
    let words = try tool.run("tokenize", "--unit", "word", input: "Major Tom.\nHello\n")
    #expect(words.output == "Major| |Tom|.\nHello\n")
  }

  @Test func subwordsAreLearntShownAndTrainedOn() throws {
    let learnt = try tool.run("vocabulary", "story.txt", "-o", "v.json", "--bpe", "40")
    #expect(learnt.code == 0 && learnt.output.isEmpty)
    #expect(learnt.errors.hasSuffix(" by 40 merges in v.json\n"), "\(learnt.errors)")
    let again = try tool.run("vocabulary", "story.txt", "-o", "w.json", "--bpe", "40", "--json")
    #expect(again.errors.isEmpty && again.output.contains("\"merges\":40"))
    let files = try ["v.json", "w.json"].map {
      try Data(contentsOf: tool.folder.appendingPathComponent($0))
    }
    #expect(files[0] == files[1])
    let shown = try tool.run(
      "tokenize", "--vocabulary", "v.json", "--format", "tsv", "Day lamp turné")
    #expect(
      shown.output == "Day\t0-3\t0-3\t0-3\n lamp\t3-8\t3-8\t3-8\n turn\t8-13\t8-13\t8-13\n"
        + "\u{FFFD}\t13-14\t13-14\t13-14\n\u{FFFD}\t14-15\t13-14\t13-14\n")
    let given = try train("--updates", "5", "--vocabulary", "v.json")
    #expect(given.code == 0 && given.errors.contains("bits/piece"), "\(given.errors)")
    let info = try tool.run("info", "m.safetensors")
    #expect(info.output.contains("by subword"))
    let written = try tool.run("generate", "-m", "m.safetensors", "-n", "20", "--seed", "1")
    #expect(written.code == 0 && !written.output.isEmpty)
    let own = try train("--updates", "5", "--unit", "subword", "--max-size", "300")
    #expect(own.code == 0 && own.errors.contains(" 300 symbols"), "\(own.errors)")
    let evaluated = try tool.run(
      "evaluate", "-m", "m.safetensors", "story.txt", "--protocol", "carried", "--json")
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(evaluated.output.utf8)) as? [String: Any])
    // All but the bytes of the first symbol, which is only read.
    let bytes = try #require(object["bytes"] as? Int)
    #expect((story.utf8.count - 4..<story.utf8.count).contains(bytes))
  }

  @Test func gradientFlowIsShownAndDrawn() throws {
    let words = ["explain", "gradient-flow", "--length", "16", "--sequences", "64"]
    let shown = try tool.run(words: words + ["--html", "flow.html"])
    #expect(shown.code == 0)
    for part in ["Elman", "GRU", "LSTM", "clipped at 1", "picture in flow.html"] {
      #expect(shown.output.contains(part), "\(part)")
    }
    let page = try String(
      contentsOf: tool.folder.appendingPathComponent("flow.html"), encoding: .utf8)
    #expect(page.components(separatedBy: "<svg").count == 6 && !page.contains("http"))
    let json = try tool.run(words: words + ["--json"])
    for line in json.output.split(separator: "\n") {
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      #expect(object["curve"] != nil && (object["values"] as? [Any])?.isEmpty == false)
    }
    #expect(try tool.run("explain", "gradient-flow", "text.txt").code == 2)
    let lost = try tool.run(words: words + ["--html", "no/where.html"])
    #expect(lost.code == 1 && lost.output.isEmpty && lost.errors.contains("no/where.html"))
  }

  @Test func cellsAreRankedAndColoured() throws {
    try tool.file("story.txt", Data(story.utf8))
    let trained = try tool.run(
      words: ["train", "lm", "story.txt", "-o", "m.safetensors", "--updates", "20"] + small)
    #expect(trained.code == 0)
    let model = ["-m", "m.safetensors"]
    let ranked = try tool.run(words: ["explain", "cells"] + model + ["story.txt"])
    #expect(ranked.code == 0 && ranked.output.contains("position: c of unit "))
    #expect(ranked.output.contains("quotes: the same all over this text"))
    let colored = try tool.run(
      words: ["explain", "cells"] + model
        + [
          "--text", "Day 1. <b>", "--find", "[0-9]", "--color", "always", "--html", "cells.html",
          "--signal", "f", "--top", "3",
        ])
    #expect(colored.code == 0 && colored.output.contains("\u{1B}[48;2;"))
    #expect(colored.output.components(separatedBy: "[0-9]: f of unit").count == 4)
    let page = try String(
      contentsOf: tool.folder.appendingPathComponent("cells.html"), encoding: .utf8)
    #expect(page.contains(">&lt;</span>") && !page.contains("<b>"))
    let values = try tool.run(
      words: ["explain", "cells"] + model + ["--unit", "1.3", "--json"], input: "Day\n")
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(values.output.utf8)) as? [String: Any])
    #expect(object["symbols"] as? [String] == ["D", "a", "y", "\n"])
    #expect((object["values"] as? [Double])?.count == 4)
    let flow = try tool.run(
      words: ["explain", "gradient-flow"] + model + ["story.txt", "--length", "32"])
    #expect(flow.code == 0 && flow.output.contains("fresh weights"))
    for (words, code, part) in [
      (["--unit", "3"], 2, "1.17"), (["--unit", "1.99", "--text", "a"], 1, "1.99"),
      (["--signal", "z", "--text", "ab"], 1, "z"), (["--find", "(", "--text", "ab"], 1, "("),
      (["--find", "brackets", "--text", "ab"], 1, "brackets"), (["nowhere.txt"], 1, "nowhere.txt"),
      (["--text", ""], 1, "no text"), (["--text", "a", "story.txt"], 2, "twice"),
    ] as [([String], Int32, String)] {
      let result = try tool.run(words: ["explain", "cells"] + model + words)
      #expect(result.code == code, "\(words): \(result.errors)")
      #expect(result.errors.contains(part), "\(words): \(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1)
    }
  }
}
