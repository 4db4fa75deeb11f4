import Foundation
import Testing

/// The tool as its users run it: the built program, its output and its exit codes.
///
/// Its folder goes with it.
final class Tool {
  let folder: URL

  deinit { try? FileManager.default.removeItem(at: folder) }

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  /// The program lies beside the test bundle.
  static let program: URL = {
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
    by signal: Int32 = SIGINT, outputTo device: String? = nil, environment: [String: String] = [:]
  ) throws -> Result {
    let process = Process()
    process.executableURL = Self.program
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let inputFile = try file("input", Data(input.utf8))
    let outputs = try ["out", "err"].map { try file("stream-\($0)", Data()) }
    process.standardInput = try FileHandle(forReadingFrom: inputFile)
    process.standardOutput = try FileHandle(
      forWritingTo: device.map { URL(fileURLWithPath: $0) } ?? outputs[0])
    process.standardError = try FileHandle(forWritingTo: outputs[1])
    try process.run()
    if let seconds {
      Thread.sleep(forTimeInterval: seconds)
      kill(process.processIdentifier, signal)
    }
    process.waitUntilExit()
    let texts = try outputs.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
    return Result(output: texts[0], errors: texts[1], code: process.terminationStatus)
  }

  @discardableResult
  func file(_ name: String, _ bytes: Data) throws -> URL {
    let url = folder.appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try bytes.write(to: url)
    return url
  }

  func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path)
  }
}

let story = (0..<400).map { "Day \($0). The lamp turned \($0 % 7) times.\n" }.joined()
let small = ["--hidden", "16", "--embedding", "8", "--batch", "4", "--steps", "16"]

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
    #expect(written.code == 0 && written.errors == "seed 1\n")
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

  @Test func aModelIsVerifiedByItsChecksum() throws {
    #expect(try train("--updates", "1").code == 0)
    let sound = try tool.run("info", "m.safetensors", "--verify")
    #expect(sound.code == 0 && sound.errors.isEmpty)
    #expect(sound.output.hasPrefix("m.safetensors: its checksum crc32c:"))
    let json = try tool.run("info", "m.safetensors", "--verify", "--json").output
    let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: String]
    let checksum = try #require(object?["checksum"])
    #expect(sound.output.contains(checksum))

    let bytes = try Data(contentsOf: tool.folder.appendingPathComponent("m.safetensors"))
    var damaged = bytes
    damaged[bytes.count - 5] ^= 4
    try tool.file("m.safetensors", damaged)
    let found = try tool.run("info", "m.safetensors", "--verify")
    #expect(found.code == 1 && found.output.isEmpty)
    #expect(found.errors.contains("m.safetensors") && found.errors.contains("does not fit"))
    #expect(found.errors.contains("use another copy"))

    // Without its checksum a model is read, and cannot be verified.
    let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = String(decoding: bytes[8..<8 + length], as: UTF8.self)
      .replacingOccurrences(of: "\"checksum\":\"\(checksum)\",", with: "")
    var count = UInt64(header.utf8.count).littleEndian
    try tool.file(
      "m.safetensors",
      Data(bytes: &count, count: 8) + Data(header.utf8) + bytes[(8 + length)...])
    #expect(try tool.run("info", "m.safetensors").code == 0)
    let unknown = try tool.run("info", "m.safetensors", "--verify")
    #expect(unknown.code == 1 && unknown.errors.contains("it has no checksum"))
  }

  @Test func corporaAreTheSameForTheSameSeed() throws {
    let numbers = ["corpus", "numbers", "--from", "digits", "--to", "en", "--max", "99"]
    let all = try tool.run(words: numbers)
    #expect(all.code == 0 && all.errors.isEmpty, "\(all.errors)")
    let lines = Set(all.output.split(separator: "\n"))
    #expect(lines.count == 100 && lines.contains("42\tforty-two"))
    #expect(try tool.run(words: numbers + ["--seed", "1"]).output == all.output)
    let other = try tool.run(words: numbers + ["--seed", "2"]).output
    #expect(other != all.output && Set(other.split(separator: "\n")) == lines)
    let dates = try tool.run(
      "corpus", "dates", "--from", "iso", "--to", "fr", "--min-year", "2024", "--max-year", "2024")
    let days = dates.output.split(separator: "\n")
    #expect(days.count == 366 && days.contains("2024-02-29\t29 février 2024"))
    let names = try tool.run(
      "corpus", "names", "--from", "en", "--to", "de", "--kind", "countries")
    let countries = names.output.split(separator: "\n")
    #expect(countries.count > 240 && countries.contains("Austria\tÖsterreich"))
    #expect(!countries.contains { $0.hasPrefix("German\t") }, "a language")
  }

  @Test func aCorpusIsSplitIntoFilesThatShareNothing() throws {
    let words = ["corpus", "numbers", "--from", "en", "--to", "fr", "--count", "500"]
    let whole = try tool.run(words: words).output
    let split = try tool.run(
      words: words + ["--split", "parts", "--dev", "60", "--test", "40"])
    #expect(split.code == 0 && split.output.isEmpty)
    #expect(
      split.errors == """
        parts/train.tsv: 400 pairs
        parts/dev.tsv: 60 pairs
        parts/test.tsv: 40 pairs

        """)
    func parts() throws -> [[Substring]] {
      try ["train", "dev", "test"].map {
        let url = tool.folder.appendingPathComponent("parts/\($0).tsv")
        return try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
      }
    }
    let found = try parts()
    #expect(found.map(\.count) == [400, 60, 40])
    let sources = found.joined().map { $0.prefix { $0 != "\t" } }
    #expect(Set(sources).count == 500)
    #expect(Set(found.joined()) == Set(whole.split(separator: "\n")))
    // A call that fails leaves the files as they were, and no others beside them.
    let failed = try tool.run(words: words + ["--split", "parts", "--dev", "500"])
    #expect(failed.code == 2 && failed.errors.split(separator: "\n").count == 1)
    #expect(try parts() == found)
    let names = try FileManager.default.contentsOfDirectory(
      atPath: tool.folder.appendingPathComponent("parts").path)
    #expect(names.sorted() == ["dev.tsv", "test.tsv", "train.tsv"])
    let nowhere = try tool.run(words: words + ["--split", "no/where"])
    #expect(nowhere.code == 1 && nowhere.errors.contains("no/where"))
    let aFile = try tool.run(words: words + ["--split", "story.txt"])
    #expect(aFile.code == 1 && aFile.errors.contains("story.txt"))
  }

  @Test(arguments: [
    ("", "corpus what? there is: corpus numbers, corpus dates, corpus names"),
    ("numbers --to en", "--from is needed"),
    ("names --from en", "--to is needed"),
    ("numbers --from xx --to en", "ICU knows no locale \"xx\""),
    ("numbers --from en --to pa", "ICU has no rules to spell out numbers in \"pa\""),
    ("dates --from tlh --to iso", "ICU has no formats for dates in \"tlh\""),
    ("dates --from digits --to iso", "ICU knows no locale \"digits\""),
    ("names --from en --to tlh", "ICU has no names in \"tlh\""),
    ("numbers --from en --to fr --max 9 --count 11", "only 10 different numbers from 0 to 9"),
    ("numbers --from en --to fr --min 9 --max 3", "--min 9 is larger than --max 3"),
    ("dates --from en --to fr --min-year 9 --max-year 1900", "from 1000 to 9999"),
    ("dates --from en --to fr --min-year 1901 --max-year 1900", "--min-year 1901 is larger"),
    ("names --from en --to fr --kind country", "did you mean countries?"),
    ("names --from en --to fr --test 3", "--test is for --split FOLDER"),
    ("names --from en --to fr German", "unexpected 'German'"),
  ])
  func corporaThatCannotBeMadeAreRefused(words: String, sentence: String) throws {
    // French is what ICU would silently fall back to.
    let refused = try tool.run(
      words: ["corpus"] + words.split(separator: " ").map(String.init),
      environment: ["LC_ALL": "fr_FR.UTF-8", "LANG": "fr_FR.UTF-8"])
    #expect(refused.code == 2 && refused.output.isEmpty)
    #expect(refused.errors.contains(sentence), "\(refused.errors)")
    #expect(refused.errors.split(separator: "\n").count == 1)
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
    #expect(try tool.run("info", "m.safetensors").output.contains("units, reads backwards"))
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
    #expect(first.code == 130, "\(first.errors)")
    #expect(first.errors.contains("--resume"))
    #expect(tool.exists("m.safetensors.checkpoint"))
    let refused = try train("--minutes", "0.02")
    #expect(refused.code == 2)
    #expect(refused.errors.contains("--resume") && refused.errors.contains("--overwrite"))
    // Other options than the checkpoint's are refused before anything is announced.
    let other = try train("--minutes", "0.03", "--patience", "1", "--resume")
    #expect(other.code == 1 && other.output.isEmpty)
    let lines = other.errors.split(separator: "\n")
    #expect(lines.count == 1 && other.errors.contains("patience 0 and 1"), "\(other.errors)")
    #expect(tool.exists("m.safetensors.checkpoint"))
    let resumed = try train("--minutes", "0.03", "--patience", "0", "--resume")
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(!tool.exists("m.safetensors.checkpoint"))
    #expect(tool.exists("m.safetensors"))
  }

  @Test(arguments: [SIGTERM, SIGHUP]) func everySignalThatEndsProgramsSaves(signal: Int32) throws {
    let words = ["train", "lm", "story.txt", "-o", "m.safetensors"] + small
    let ended = try tool.run(
      words: words + ["--minutes", "0.5", "--patience", "0"], interruptAfter: 1.5, by: signal)
    #expect(ended.code == 128 + signal, "\(ended.errors)")
    #expect(ended.errors.contains("--resume"))
    #expect(tool.exists("m.safetensors.checkpoint") && tool.exists("m.safetensors"))
  }

  @Test func aFinishedModelIsNeitherReplacedNorWornOut() throws {
    #expect(try train("--updates", "5").code == 0)
    let model = try Data(contentsOf: tool.folder.appendingPathComponent("m.safetensors"))
    let again = try train("--updates", "5", "--seed", "2")
    #expect(again.code == 2 && again.errors.contains("--overwrite"), "\(again.errors)")
    let resumed = try train("--updates", "5", "--resume")
    #expect(resumed.code == 0 && resumed.errors.contains("finished"), "\(resumed.errors)")
    #expect(
      try Data(contentsOf: tool.folder.appendingPathComponent("m.safetensors")) == model)
    #expect(!tool.exists("m.safetensors.checkpoint"))
    #expect(try train("--updates", "5", "--seed", "2", "--overwrite").code == 0)
    #expect(
      try Data(contentsOf: tool.folder.appendingPathComponent("m.safetensors")) != model)
    let nowhere = try tool.run(words: ["train", "lm", "story.txt", "-o", ""] + small)
    #expect(nowhere.code == 2 && nowhere.errors.contains("-o RUN"))
  }

  @Test func aReaderThatFailsDoesNotEndTraining() throws {
    let words = ["train", "lm", "story.txt", "-o", "m.safetensors", "--json", "--updates", "40"]
    let trained = try tool.run(words: words + small, outputTo: "/dev/full")
    #expect(trained.code == 0 && tool.exists("m.safetensors"), "\(trained.errors)")
    #expect(trained.errors.split(separator: "\n").count == 1)
    #expect(trained.errors.contains("standard output"))
    for help in [["--help"], ["train", "lm", "--help"], ["--version"]] {
      #expect(try tool.run(words: help, outputTo: "/dev/full").code != 0, "\(help)")
    }
  }

  @Test func helpIsFoundWhereverItIsAskedFor() throws {
    let page = try tool.run("generate", "--help").output
    #expect(page.contains("--temperature"))
    for words in [["help", "generate"], ["generate", "help"]] {
      #expect(try tool.run(words: words).output == page, "\(words)")
    }
    let family = try tool.run("help", "corpus").output
    #expect(family.contains("corpus dates") && !family.contains("generate"))
    let wrong = try tool.run("help", "generat")
    #expect(wrong.code == 2 && wrong.errors.hasSuffix("did you mean generate?\n"))
    let near = try tool.run("train", "tager")
    #expect(near.code == 2 && near.errors.hasSuffix("; did you mean train tagger?\n"))
  }

  @Test func pagesAndSplitsReplaceNothingThatIsRead() throws {
    #expect(try train("--updates", "5").code == 0)
    for (page, words) in [
      ("m.safetensors", ["explain", "cells", "-m", "m.safetensors", "story.txt"]),
      ("story.txt", ["explain", "cells", "-m", "m.safetensors", "story.txt"]),
      ("m.safetensors", ["explain", "gradient-flow", "-m", "m.safetensors", "story.txt"]),
      ("m.safetensors", ["quantize", "-m", "m.safetensors", "--precision", "int8", "--overwrite"]),
    ] {
      let file = tool.folder.appendingPathComponent(page)
      let before = try Data(contentsOf: file)
      let output = words[0] == "quantize" ? "-o" : "--html"
      let refused = try tool.run(words: words + [output, page])
      #expect(refused.code == 2, "\(words) \(refused.errors)")
      #expect(try Data(contentsOf: file) == before)
    }
    let split = ["corpus", "numbers", "--from", "en", "--to", "fr", "--max", "99", "--split", "."]
    try tool.file("train.tsv", Data("mine".utf8))
    let refused = try tool.run(words: split)
    #expect(refused.code == 2 && refused.errors.contains("train.tsv exists"), "\(refused.errors)")
    #expect(!tool.exists("dev.tsv"))
    #expect(try tool.run(words: split + ["--overwrite"]).code == 0)
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
      ("train lm short.txt -o m", 1, ["8 tokens", "--batch"]),
      ("train lm story.txt -o /none/at/all", 1, ["/none/at/all", "cannot be written"]),
      ("train lm story.txt -o .", 2, ["no config.json"]),
      ("train lm story.txt -o m --hidden 16384 --layers 64", 1, ["weights", "MiB"]),
      ("train lm story.txt", 2, ["-o"]),
      ("train lm -o m", 2, ["no corpus"]),
      ("train lm story.txt -o m --hidden 0", 2, ["--hidden 0", "1 to 16384"]),
      ("train lm story.txt -o m --rate much", 2, ["--rate much"]),
      ("train lm story.txt -o m --cell lstm(forgetbias=2)", 2, ["has no setting", "forget-bias"]),
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
      ("evaluate -m story.txt", 2, ["no data"]),
      ("info none", 1, ["none"]),
      ("score story.txt", 2, ["--reference"]),
      ("score -r story.txt story.txt short.txt", 2, ["short.txt"]),
      ("score -r story.txt story.txt --chrf chrF3", 2, ["chrF3", "chrF2++"]),
      ("score -r none.txt story.txt", 1, ["none.txt"]),
      ("score -r latin.txt story.txt", 1, ["latin.txt", "line 2"]),
      ("score -r empty.txt empty.txt", 1, ["empty.txt", "no line"]),
      (
        "score -r story.txt -r short.txt story.txt", 1,
        ["short.txt has 1 line ", "story.txt has 400 lines"]
      ),
      ("score -r short.txt", 1, ["short.txt has 1 line ", "standard input has 0 lines"]),
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
      ["train", "lm"], ["train", "tagger"], ["train", "translator"], ["generate"], ["tag"],
      ["translate"], ["evaluate"], ["score"], ["vocabulary"], ["tokenize"], ["info"],
      ["explain", "cells"], ["explain", "gradient-flow"], ["explain", "all"], ["selftest"],
      ["check"],
    ] {
      let result = try tool.run(words: words + ["--help"])
      #expect(result.code == 0)
      #expect(result.output.contains("Usage: majortom \(words.joined(separator: " "))"))
      #expect(result.output.contains("--help"))
    }
    #expect(try tool.run("--help").output.contains("train lm"))
  }

  /// docs/reference is what the tables say; make docs writes it anew.
  @Test func theReferenceIsThatOfTheTables() throws {
    try FileManager.default.createDirectory(
      at: tool.folder.appendingPathComponent("reference"), withIntermediateDirectories: true)
    #expect(try tool.run("reference", "reference").code == 0)
    let kept = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("docs/reference")
    let made = tool.folder.appendingPathComponent("reference")
    let names = try FileManager.default.contentsOfDirectory(atPath: made.path).sorted()
    #expect(names.count > 15)
    #expect(try FileManager.default.contentsOfDirectory(atPath: kept.path).sorted() == names)
    for name in names {
      let pages = [made, kept].map { try? Data(contentsOf: $0.appendingPathComponent(name)) }
      #expect(pages[0] == pages[1], "\(name) is stale: make docs writes it anew")
    }
  }

  @Test func translationsAreScored() throws {
    let first = try tool.run("--version").output.split(separator: "\n").first ?? ""
    let name = "majortom-\(first.split(separator: " ").last ?? "")"
    try tool.file("right.txt", Data("The lamp was lit at noon.\nYes.\n".utf8))
    try tool.file("other.txt", Data("At noon the lamp was lit.\nYes, indeed.\n".utf8))
    // Windows' line ends and a byte order mark are no part of a line, in a file or in a pipe.
    let hypotheses = "\u{FEFF}The lamp was lit by noon.\r\nYes.\r\n"
    try tool.file("found.txt", Data(hypotheses.utf8))
    let words = ["score", "--reference", "right.txt", "--reference=other.txt", "--chrf", "chrF2++"]
    let scored = try tool.run(words: words + ["found.txt"])
    // The figures are sacreBLEU's.
    #expect(
      scored.output == """
        BLEU|nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:\(name) = 50.20 \
        88.9/71.4/40.0/25.0 (BP = 1.000 ratio = 1.000 hyp_len = 9 ref_len = 9)
        chrF2++|nrefs:2|case:mixed|eff:yes|nc:6|nw:2|space:no|version:\(name) = 75.80
        exact match|nrefs:2|case:mixed|version:\(name) = 50.00 (1 of 2)

        """)
    #expect(try tool.run(words: words, input: hypotheses).output == scored.output)
    let json = try tool.run(words: words + ["found.txt", "--json"])
    let objects = try json.output.split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
    #expect(objects.map { $0?["name"] as? String } == ["BLEU", "chrF2++", "exact match"])
    #expect(objects.allSatisfy { ($0?["signature"] as? String)?.hasSuffix(name) == true })
    #expect((objects[0]?["precisions"] as? [Double])?.count == 4)
    #expect(objects[2]?["matches"] as? Int == 1)
    let cut = try tool.run(words: words + ["found.txt", "--tokens", "none"])
    #expect(cut.output.contains("|tok:none|"))
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
    let own = try train("--updates", "5", "--unit", "subword", "--max-size", "300", "--overwrite")
    #expect(own.code == 0 && own.errors.contains(" 300 tokens"), "\(own.errors)")
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
    #expect(page.components(separatedBy: "<svg").count == 6 && !page.contains(/https?:/))
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

  /// A person smiles, a place lies; the tool trains, measures, tags in every format and describes.
  @Test func aTaggerIsTrainedMeasuredAndUsed() throws {
    let names = ["Ada", "Bo", "Cy", "Dee", "Eli"]
    let data = (0..<100).map { number in
      let type = number % 2 == 0 ? "PER" : "LOC"
      let rest = number % 2 == 0 ? ["smiled", "."] : ["lies", "north"]
      return
        (["We heard\u{A0}it O", "\(names[number % 5]) B-\(type)", "Ng I-\(type)"]
        + rest.map { $0 + " O" }).map { $0.replacing("\u{A0}", with: "_") + "\n" }.joined() + "\n"
    }.map { $0.replacing("We heard_it O\n", with: "We O\nheard O\n") }
    try tool.file("train.conll", Data(data.prefix(80).joined().utf8))
    try tool.file("dev.conll", Data(data.suffix(20).joined().utf8))
    let size = ["--hidden", "12", "--words", "12", "--character-features", "8", "--rate", "0.02"]
    let trained = try tool.run(
      words: [
        "train", "tagger", "train.conll", "--dev", "dev.conll", "-o", "t.safetensors",
        "--epochs", "15",
      ] + size)
    #expect(trained.code == 0 && trained.errors.contains("best validation F1 100.00"))
    let model = ["-m", "t.safetensors"]
    let measured = try tool.run(words: ["evaluate"] + model + ["dev.conll"])
    #expect(
      measured.output.hasPrefix(
        "processed 120 tokens with 20 phrases; found: 20 phrases; correct: 20."))
    func tag(_ words: String..., input: String = "") throws -> String {
      let result = try tool.run(words: ["tag"] + model + words, input: input)
      #expect(result.code == 0, "\(result.errors)")
      return result.output
    }
    let text = "We heard Ada Ng smiled ."
    #expect(try tag(text) == "We heard [Ada Ng]PER smiled .\n")
    #expect(try tag(text, "--format", "inline") == "We heard <PER>Ada Ng</PER> smiled .\n")
    #expect(
      try tag("--format", "conll", "--scheme", "bioes", input: "We heard Bo Ng lies north\n\n")
        == "We\tO\nheard\tO\nBo\tB-LOC\nNg\tE-LOC\nlies\tO\nnorth\tO\n\n")
    #expect(try tag("é " + text, "--format", "tsv").hasPrefix("PER\tAda Ng\t12-18\t11-17\t11-17\t"))
    #expect(try tag(text, "--color", "always").contains("\u{1B}["))
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(try tag(text, "--json").utf8)) as? [String: Any])
    let span = try #require((json["spans"] as? [[String: Any]])?.first)
    #expect(span["text"] as? String == "Ada Ng" && span["bytes"] as? [Int] == [9, 15])
    #expect(
      try tag("--format", "conllu", "--tokenized", text).contains(
        "3\tAda\t_\t_\t_\t_\t_\t_\t_\tNER=B-PER\n"))
    #expect(try tag("--best", "2", text).split(separator: "\n").count == 2)
    // Line by line or many at once, empty lines in their place.
    let lines = "\(text)\n\nBo Ng lies north\n"
    #expect(try tag(input: lines) == tag("--batch", "100", input: lines))
    #expect(
      try tag(input: lines).split(separator: "\n", omittingEmptySubsequences: false).count == 4)
    let described = try tool.run(words: ["info", "t.safetensors"])
    #expect(described.output.contains("tags of spans: O B-LOC") && described.code == 0)
    let seeds = try tool.run(
      words: [
        "train", "tagger", "train.conll", "--dev", "dev.conll", "-o", "s.safetensors", "-q",
        "--epochs", "1", "--seeds", "2",
      ] + size)
    #expect(
      seeds.code == 0 && seeds.errors.contains("2 seeds, F1: ") && tool.exists("s.safetensors"))
  }

  @Test func wrongCallsOfTheTaggerEndInOneSentence() throws {
    try tool.file("good.conll", Data("a B-X\nb O\n\n".utf8))
    try tool.file("broken.conll", Data("a O\nb I-X\nc B-X\n\nd B-X\n".utf8))
    try tool.file("words.conll", Data("a NOUN\nb VERB\n".utf8))
    try tool.file("short.conll", Data("a B-X\nb\n".utf8))
    try tool.file("story.txt", Data(story.utf8))
    try tool.file("bad.vec", Data("a 1 2\nb 1\n".utf8))
    #expect(
      try tool.run(
        words: ["train", "lm", "story.txt", "-o", "lm.safetensors", "--updates", "2", "-q"] + small
      ).code == 0)
    #expect(
      try tool.run(
        words: ["train", "tagger", "good.conll", "-o", "t.safetensors", "-q", "--epochs", "1"]
      ).code == 0)
    for (words, code, part) in [
      (["train", "tagger", "-o", "x"], 2, "no data"), (["train", "tagger", "good.conll"], 2, "-o"),
      (["train", "tagger", "no.conll", "-o", "x"], 1, "no.conll does not exist"),
      (["train", "tagger", "broken.conll", "-o", "x"], 1, "broken.conll:2: I-X follows O"),
      (["train", "tagger", "short.conll", "-o", "x"], 1, "short.conll:2: 1 columns"),
      (["train", "tagger", "good.conll", "--column", "nine", "-o", "x"], 2, "--column nine"),
      (["train", "tagger", "good.conll", "--dev", "words.conll", "-o", "x"], 1, "--column"),
      (["train", "tagger", "good.conll", "--vectors", "bad.vec", "-o", "x"], 1, "bad.vec:2"),
      (
        ["train", "tagger", "good.conll", "--language-model", "t.safetensors", "-o", "x"], 1,
        "this is a tagger, where a language model is needed"
      ),
      (["tag", "-m", "lm.safetensors", "a"], 1, "a language model, where a tagger is needed"),
      (["generate", "-m", "t.safetensors"], 1, "a tagger, where a language model is needed"),
      (["evaluate", "-m", "t.safetensors", "words.conll"], 2, "tags of spans"),
      (["tag", "-m", "t.safetensors", "--least", "2", "a"], 2, "--least"),
    ] as [([String], Int32, String)] {
      let result = try tool.run(words: words)
      #expect(result.code == code, "\(words): \(result.errors)")
      #expect(result.errors.contains(part), "\(words): \(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1 && result.output.isEmpty)
    }
    let repaired = try tool.run(
      words: [
        "train", "tagger", "broken.conll", "--repair-tags", "-o", "r.safetensors", "-q",
        "--epochs", "1",
      ])
    #expect(repaired.code == 0 && repaired.errors.contains("repaired 1 tag that broke"))
  }

  @Test func aTranslatorIsTrainedMeasuredAndUsed() throws {
    let words = ["nil", "one", "two", "tri", "for"]
    let pairs = (0..<625).map { number in
      let digits = [number / 125, number / 25 % 5, number / 5 % 5, number % 5]
      return digits.map(String.init).joined() + "\t"
        + digits.map { words[$0] }.joined(separator: " ")
    }
    let shuffled = pairs.indices.map { pairs[$0 * 7 % 625] }
    try tool.file(
      "train.tsv", Data((shuffled.prefix(560) + ["\t", "x\t"]).joined(separator: "\n").utf8))
    try tool.file("test.tsv", Data(shuffled.suffix(65).joined(separator: "\n").utf8))
    let trained = try tool.run(
      words: [
        "train", "translator", "train.tsv", "-o", "t.safetensors", "--unit", "word",
        "--source-unit", "grapheme", "--hidden", "64", "--embedding", "32", "--epochs", "40",
        "--rate", "0.005", "--batch", "8", "--label-smoothing", "0", "--warm-up", "10",
      ])
    #expect(trained.code == 0 && trained.errors.contains("1 pair with an empty side"))
    let model = ["-m", "t.safetensors"]
    let measured = try tool.run(words: ["evaluate"] + model + ["test.tsv", "--beam", "2"])
    #expect(measured.code == 0 && measured.output.contains("BLEU = "))
    #expect(measured.output.contains("65 sources"))
    let lines = "4321\n\n0120\n"
    let one = try tool.run(words: ["translate"] + model, input: lines)
    let many = try tool.run(words: ["translate"] + model + ["--batch", "9"], input: lines)
    #expect(one.output == many.output && one.output.hasSuffix("\n"))
    #expect(one.output.split(separator: "\n", omittingEmptySubsequences: false)[1] == "")
    #expect(one.output.hasPrefix("for tri two one\n"))
    let shown = try tool.run(
      words: ["translate"] + model + ["4321", "--attention", "--alignments", "--html", "a.html"])
    #expect(shown.code == 0 && shown.output.contains("for |") && shown.output.contains("-0 "))
    let page = try String(
      contentsOf: tool.folder.appendingPathComponent("a.html"), encoding: .utf8)
    #expect(page.contains(">for</text>") && page.contains("<bdi>for tri two one</bdi>"))
    let best = try tool.run(words: ["translate"] + model + ["4321", "--best", "3"])
    #expect(best.output.split(separator: "\n").count == 3)
    let scored = try tool.run(
      words: ["translate"] + model + ["--force"], input: "4321\tfor tri two one\n4321\tone\n")
    let numbers = scored.output.split(separator: "\n").compactMap {
      Double($0.prefix { $0 != "\t" })
    }
    #expect(numbers.count == 2 && numbers[0] > numbers[1] && numbers[0] <= 0)
    let described = try tool.run(words: ["info", "t.safetensors"])
    #expect(described.output.contains("translator: lstm, 1 x 64 units"))
    #expect(described.output.contains("by spaced-word"))
    let single = try tool.run(words: ["translate"] + model + ["1111", "--no-repeat", "1"])
    let words1 = single.output.split(separator: " ")
    #expect(single.code == 0 && Set(words1).count == words1.count && !words1.isEmpty)

    // One vocabulary for both sides, learnt here or before.
    let learnt = try tool.run(
      words: ["vocabulary", "train.tsv", "-o", "v.json", "--bpe", "9", "--min-count", "1"])
    #expect(learnt.code == 0)
    for options in [
      ["--joint", "--unit", "subword", "--max-size", "300", "--cutoffs", "120"],
      ["--vocabulary", "v.json", "--input-feeding"],
    ] {
      let made = try tool.run(
        words: [
          "train", "translator", "train.tsv", "-o", "joint", "--hidden", "8", "--embedding", "8",
          "--epochs", "1", "--overwrite", "--quiet",
        ] + options)
      #expect(made.code == 0, "\(made.errors)")
      let info = try tool.run("info", "-m", "joint", "--json")
      let found = try JSONSerialization.jsonObject(with: Data(info.output.utf8)) as? [String: Any]
      let sizes = found?["sizes"] as? [String: Int]
      #expect(sizes?["source tokens"] ?? 0 > 256)
      #expect(sizes?["source tokens"] == sizes?["target tokens"])
    }

    // --force goes by lines, too, and obeys --json.
    let forced = try tool.run(
      words: ["translate"] + model + ["--force", "--json"], input: "\n1\tone\n")
    #expect(forced.code == 0 && forced.output.hasPrefix("\n{\"source\":\"1\""))
    // A page is of the first text, however many are read at once.
    for batch in ["1", "9"] {
      _ = try tool.run(
        words: ["translate"] + model + ["--html", "b.html", "--batch", batch], input: "12\n34\n")
      let page = try String(
        contentsOf: tool.folder.appendingPathComponent("b.html"), encoding: .utf8)
      #expect(page.contains("<bdi>12</bdi>") && !page.contains("<bdi>34</bdi>"))
    }
    // The last bytes of a model are weights: numbers so large that sums overflow.
    var bytes = try Data(contentsOf: tool.folder.appendingPathComponent("t.safetensors"))
    let huge = [0xFF, 0xFF, 0x7F, 0x7F] as [UInt8]
    let last = bytes.count - 4 * (bytes.count / 8)
    for place in stride(from: last, to: bytes.count, by: 4) {
      bytes.replaceSubrange(place..<place + 4, with: huge)
    }
    try tool.file("broken", bytes)
    let gzip = try Process.run(
      URL(fileURLWithPath: "/usr/bin/gzip"),
      arguments: ["-k", tool.folder.appendingPathComponent("test.tsv").path])
    gzip.waitUntilExit()
    let whole = try Data(contentsOf: tool.folder.appendingPathComponent("test.tsv.gz"))
    try tool.file("cut.tsv.gz", whole.dropLast(20))

    try tool.file("l.txt", Data("a\nb\nc\n".utf8))
    try tool.file("r.txt", Data("a\nb\n".utf8))
    let train = ["train", "translator", "train.tsv", "-o", "x"]
    for (words, code, part) in [
      (train + ["--joint", "--source-unit", "word"], 2, "--source-unit"),
      (train + ["--vocabulary", "v.json", "--unit", "word"], 2, "--unit"),
      (train + ["--vocabulary", "train.tsv"], 1, "vocabulary"),
      (train + ["--cutoffs", "5"], 2, "from 16"), (train + ["--cutoffs", "x"], 2, "such as"),
      (
        ["train", "translator", "test.tsv", "-o", "x", "--cutoffs", "2000"], 1, "tokens to write"
      ),
      (train + ["--cutoffs", "100", "--tied"], 2, "tied"),
      (["translate"] + model + ["1", "--no-repeat", "-1"], 2, "--no-repeat"),
      (["translate"] + model + ["1", "--coverage", "-1"], 2, "--coverage"),
      (["train", "translator", "-o", "x"], 2, "no pairs"),
      (["train", "translator", "l.txt", "-o", "x"], 1, "l.txt:1: 1 column,"),
      (["train", "translator", "--source", "l.txt", "-o", "x"], 2, "go together"),
      (
        ["train", "translator", "--source", "l.txt", "--target", "r.txt", "-o", "x"], 1, "line 3 of"
      ),
      (["train", "translator", "train.tsv", "-o", "x", "--columns", "0,1"], 2, "--columns"),
      (["train", "translator", "train.tsv", "-o", "x", "--cell", "tdnn"], 2, "tdnn"),
      (train + ["--columns", "a,b,1,2"], 2, "--columns"),
      (train + ["--cutoffs", "9223372036854775807"], 2, "such as"),
      (["translate"] + model + ["1", "--html", "t.safetensors"], 2, "write to another file"),
      (["translate"] + model + ["1", "--force", "--best", "2"], 2, "--best"),
      (["evaluate"] + model + ["test.tsv", "--part", "validation"], 2, "--part"),
      (["evaluate"] + model + ["test.tsv", "--scheme", "bioes"], 2, "--scheme"),
      (["evaluate"] + model + ["cut.tsv.gz"], 1, "end too early"),
      (["translate", "-m", "broken", "1"], 1, "damaged"),
      (["evaluate", "-m", "broken", "test.tsv"], 1, "damaged"),
      (
        ["train", "translator", "train.tsv", "-o", "x", "--word-dropout", "1"], 2, "--word-dropout"
      ),
      (["train", "translator", "train.tsv", "-o", "x", "--source-max-size", "9"], 2, "256"),
      (["train", "translator", "train.tsv", "-o", "x", "--target-max-size", "9"], 2, "256"),
      (["tag"] + model + ["a"], 1, "a translator, where a tagger is needed"),
      (["translate", "-m", "nowhere", "a"], 1, "nowhere"),
    ] as [([String], Int32, String)] {
      let result = try tool.run(words: words)
      #expect(result.code == code, "\(words): \(result.errors)")
      #expect(result.errors.contains(part), "\(words): \(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1 && result.output.isEmpty)
    }
  }

  /// What is read is never replaced, nor is a device or a pipe, and a link stays a link.
  @Test func outputsReplaceOnlyWhatTheyMay() throws {
    let data = "Ada B-PER\nsmiled O\n\n"
    try tool.file("own.conll", Data(data.utf8))
    try tool.file("pairs.tsv", Data("a\tb\n".utf8))
    func path(_ name: String) -> String { tool.folder.appendingPathComponent(name).path }
    for name in ["pipe", "pipe.safetensors"] { #expect(mkfifo(path(name), 0o600) == 0) }
    #expect(symlink("own.conll", path("own.safetensors")) == 0)
    #expect(symlink("target.safetensors", path("link.safetensors")) == 0)
    try tool.file("target.safetensors", Data("old".utf8))
    let train = ["train", "tagger", "own.conll", "-q", "--epochs", "1", "-o"]
    for (words, code, part) in [
      (train + ["own.conll"], 2, "is no folder"),
      (train + ["own.safetensors"], 2, "write to another file"),
      (train + ["./own.safetensors"], 2, "write to another file"),
      (["train", "translator", "pairs.tsv", "-o", "pairs.tsv"], 2, "is no folder"),
      (["vocabulary", "own.conll", "-o", "own.conll"], 2, "write to another file"),
      (train + ["pipe"], 2, "is no folder"),
      (train + ["pipe.safetensors"], 1, "a device or a pipe"),
      (train + ["x", "--seeds", "2", "--resume"], 2, "--resume"),
    ] as [([String], Int32, String)] {
      let result = try tool.run(words: words)
      #expect(result.code == code, "\(words): \(result.errors)")
      #expect(result.errors.contains(part), "\(words): \(result.errors)")
    }
    #expect(try String(contentsOfFile: path("own.conll"), encoding: .utf8) == data)
    #expect(try tool.run(words: train + ["link.safetensors"]).code == 2)
    #expect(try tool.run(words: train + ["link.safetensors", "--overwrite"]).code == 0)
    var status = stat()
    #expect(lstat(path("link.safetensors"), &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
    #expect(try tool.run("info", "target.safetensors").code == 0)
  }
}
