import Foundation
import Testing

/// Runs in folders: what they leave, how they are gone on with, and what they refuse.
@Suite struct RunTests {
  private let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.file("story.txt", Data(story.utf8))
  }

  private func train(_ more: String...) throws -> Tool.Result {
    try tool.run(words: ["train", "lm", "story.txt"] + small + more)
  }

  /// Starts the tool, and ends it by a signal as soon as a file of it has so many lines; returns its code.
  private func run(
    _ words: [String], until file: String, hasLines count: Int, then signal: Int32
  ) throws -> (code: Int32, errors: String) {
    let process = Process()
    process.executableURL = Tool.program
    process.arguments = words
    process.currentDirectoryURL = tool.folder
    let errors = try tool.file("errors", Data())
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    func isDue() -> Bool {
      ((try? bytes(file)) ?? Data()).count { $0 == UInt8(ascii: "\n") } >= count
    }
    while process.isRunning, !isDue() { Thread.sleep(forTimeInterval: 0.005) }
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    return (process.terminationStatus, try text("errors"))
  }

  private func bytes(_ name: String) throws -> Data {
    try Data(contentsOf: tool.folder.appendingPathComponent(name))
  }

  private func text(_ name: String) throws -> String {
    String(decoding: try bytes(name), as: UTF8.self)
  }

  @Test func aRunIsAFolderWithAllThatAnotherNeeds() throws {
    let trained = try train(
      "-o", "novel", "--updates", "20", "--validate-every", "8", "--tensorboard")
    #expect(trained.code == 0, "\(trained.errors)")
    let names = try FileManager.default.contentsOfDirectory(
      atPath: tool.folder.appendingPathComponent("novel").path)
    let wanted = [
      "checkpoint", "config.json", "log", "metrics.csv", "model.safetensors", "report.html",
    ]
    #expect(names.filter { !$0.hasPrefix("events.out.tfevents.") }.sorted() == wanted)
    #expect(names.count == wanted.count + 1)
    // A row an update, and one each for the three validations, which are within.
    let rows = try text("novel/metrics.csv").split(separator: "\n")
    #expect(rows.count == 21)
    #expect(rows.count { $0.hasSuffix("\"") } >= 1, "no sample")
    #expect(rows.count { $0.split(separator: ",", omittingEmptySubsequences: false)[8] != "" } == 4)
    #expect(try text("novel/log").contains("best so far"))
    #expect(try text("novel/report.html").contains("<svg"))
    // The configuration makes the same model, comments and all.
    let again = try tool.run("train", "lm", "--config", "novel/config.json", "-o", "again", "-q")
    #expect(again.code == 0, "\(again.errors)")
    #expect(try bytes("again/model.safetensors") == bytes("novel/model.safetensors"))
    // What is typed counts before what the file says.
    let other = try tool.run(
      "train", "lm", "--config", "novel/config.json", "--epochs", "1", "-o", "other.safetensors",
      "-q")
    #expect(other.code == 0, "\(other.errors)")
    let written = try tool.run("generate", "-m", "novel", "-n", "5")
    #expect(written.code == 0 && !written.output.isEmpty)
    let info = try tool.run("info", "novel", "--json")
    let card = try JSONSerialization.jsonObject(with: Data(info.output.utf8)) as? [String: Any]
    let made = (card?["card"] as? [String: Any])?["options"] as? [String: Any]
    #expect(made?["updates"] as? Int == 20)
    let runs = try tool.run("runs", "--json")
    #expect(runs.output.split(separator: "\n").count == 2)
    #expect(runs.output.contains("\"state\":\"finished\""))
    #expect(try tool.run("runs").output.contains("story.txt"))
  }

  @Test func aFinishedRunIsLeftAloneUnlessItIsToTrainLonger() throws {
    #expect(try train("-o", "novel", "--updates", "10", "-q").code == 0)
    let model = try bytes("novel/model.safetensors")
    let resumed = try tool.run("resume", "novel")
    #expect(resumed.code == 0 && resumed.errors.contains("finished"), "\(resumed.errors)")
    let refused = try train("-o", "novel", "--updates", "10", "-q")
    #expect(refused.code == 2 && refused.errors.contains("majortom resume novel"))
    #expect(try bytes("novel/model.safetensors") == model)
    let longer = try tool.run("resume", "novel", "--updates", "5")
    #expect(longer.code == 0 && longer.errors.contains("15 steps"), "\(longer.errors)")
    #expect(try text("novel/config.json").contains("\"updates\": 15"))
    #expect(try text("novel/metrics.csv").split(separator: "\n").count == 16)
    #expect(try train("-o", "novel", "--updates", "3", "--overwrite").code == 0)
    #expect(try text("novel/metrics.csv").split(separator: "\n").count == 4)
  }

  @Test func aRunThatIsKilledAndDamagedEndsInTheSameBytes() throws {
    let budget = ["--updates", "900", "--patience", "0", "--checkpoint-every", "0", "-q"]
    let words = ["train", "lm", "story.txt"] + small + budget
    #expect(try tool.run(words: words + ["-o", "whole"]).code == 0)
    let killed = try run(
      words + ["-o", "broken"], until: "broken/metrics.csv", hasLines: 9, then: SIGKILL)
    try #require(killed.code == SIGKILL, "\(killed.errors)")
    // A kill between its two renames leaves the older one alone.
    if !tool.exists("broken/checkpoint") {
      try tool.file("broken/checkpoint", bytes("broken/checkpoint.previous"))
    }
    var checkpoint = try bytes("broken/checkpoint")
    checkpoint[checkpoint.count / 2] ^= 1
    try tool.file("broken/checkpoint", checkpoint)
    let resumed = try tool.run("resume", "broken", "-q")
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(resumed.errors.contains("the checkpoint before it is taken"), "\(resumed.errors)")
    #expect(try bytes("broken/model.safetensors") == bytes("whole/model.safetensors"))
    let updates = try text("broken/metrics.csv").split(separator: "\n").dropFirst().compactMap {
      Int($0.prefix { $0 != "," })
    }
    #expect(updates == updates.sorted() && Set(updates).count == updates.count)
    #expect(updates.last == 900)
  }

  @Test func anInterruptedRunSaysHowToGoOn() throws {
    let words = ["train", "lm", "story.txt", "-o", "my run", "--minutes", "5", "--patience", "0"]
    let ended = try run(
      words + small, until: "my run/metrics.csv", hasLines: 5, then: SIGTERM)
    #expect(ended.code == 128 + SIGTERM, "\(ended.errors)")
    #expect(ended.errors.contains("majortom resume 'my run'"), "\(ended.errors)")
    #expect(try tool.run("runs").output.contains("interrupted"))
    #expect(try text("my run/report.html").contains("resume"))
    let resumed = try tool.run("resume", "my run", "--updates", "3")
    #expect(resumed.code == 0, "\(resumed.errors)")
  }

  @Test func aRunOfTwoFilesSideBySideIsGoneOnWith() throws {
    let lines = (0..<40).map { "word \($0)\n" }.joined()
    for name in ["s.txt", "t.txt"] { try tool.file(name, Data(lines.utf8)) }
    let words = ["train", "translator", "--source", "s.txt", "--target", "t.txt", "-o", "pairs"]
    let trained = try tool.run(words: words + ["--hidden", "8", "--updates", "2", "-q"])
    #expect(trained.code == 0, "\(trained.errors)")
    let resumed = try tool.run("resume", "pairs", "--updates", "2", "-q")
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try tool.run("runs").output.contains("s.txt, t.txt"))
  }

  @Test func placesAndConfigurationsThatCannotBeMeantAreRefused() throws {
    try tool.file("other/notes.txt", Data("mine".utf8))
    try tool.file("m.safetensors.checkpoint", Data(story.utf8))
    try tool.file("typo.json", Data("{model: 'lm', hiden: 3}".utf8))
    try tool.file("range.json", Data("{model: 'lm', hidden: 0, /* none */}".utf8))
    try tool.file("kind.json", Data("{model: 'tagger'}".utf8))
    try tool.file("flag.json", Data("{model: 'lm', hidden: true}".utf8))
    try tool.file("text.json", Data("hidden 3".utf8))
    try tool.file("foreign/config.json", Data("{\"port\": 80}".utf8))
    for (words, code, part) in [
      ("train lm story.txt -o other", 2, "is no run"),
      ("train lm story.txt -o foreign --overwrite", 1, "not the configuration of a run"),
      ("train lm story.txt -o story.txt", 2, "is no folder"),
      ("train lm story.txt -o m.safetensors --overwrite", 2, "move it away"),
      ("train lm m.safetensors.checkpoint -o m.safetensors --overwrite", 2, "another file"),
      ("train lm story.txt -o r --config typo.json", 2, "did you mean hidden"),
      ("train lm story.txt -o r --config range.json", 2, "range.json: hidden 0"),
      ("train lm story.txt -o r --config kind.json", 2, "majortom train tagger"),
      ("train lm story.txt -o r --config flag.json", 2, "hidden"),
      ("train lm story.txt -o r --config text.json", 1, "JSON5"),
      ("train lm story.txt -o r --config none.json", 1, "none.json"),
      ("train lm story.txt -o r --seeds 2", 2, ".safetensors"),
      ("resume none", 2, "no such run"), ("resume other", 2, "is no run"),
      ("resume story.txt", 2, "--resume"), ("runs none", 2, "no such folder"),
    ] as [(String, Int32, String)] {
      let result = try tool.run(words: words.split(separator: " ").map(String.init))
      #expect(result.code == code, "\(words): \(result.errors)")
      #expect(result.errors.contains(part), "\(words): \(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1, "\(words): \(result.errors)")
    }
    #expect(try text("m.safetensors.checkpoint") == story)
    #expect(!tool.exists("r"))
  }

  @Test func aRunMayBeginWithAnother() throws {
    #expect(try train("-o", "novel", "--updates", "30", "-q").code == 0)
    try tool.file("other.txt", Data(String(repeating: "Ein größerer Tag. ", count: 300).utf8))
    let tuned = try tool.run(
      "train", "lm", "other.txt", "--from", "novel", "-o", "tuned", "--dropout", "0.4", "--updates",
      "4",
      "--batch", "4", "--steps", "16")
    #expect(tuned.code == 0, "\(tuned.errors)")
    #expect(tuned.errors.contains("2 tokens of the text"), "\(tuned.errors)")
    let info = try tool.run("info", "tuned", "--json").output
    #expect(info.contains("\"dropout\":0.4") && info.contains("\"hidden\":16"))
    let other = try train("-o", "no", "--from", "novel")
    #expect(other.code == 2 && other.errors.contains("--from"), "\(other.errors)")
    // The model that it began with is part of what a run is.
    #expect(try train("-o", "novel", "--updates", "31", "--overwrite", "-q").code == 0)
    let changed = try tool.run("resume", "tuned", "--updates", "4")
    #expect(changed.code == 1 && changed.errors.contains("another model"), "\(changed.errors)")
  }

  @Test func aFileIsTheModelInMemory() throws {
    #expect(try train("-o", "novel", "--updates", "10", "-q").code == 0)
    #expect(try train("-o", "m.safetensors", "--updates", "10", "-q").code == 0)
    #expect(try bytes("novel/model.safetensors") == bytes("m.safetensors"))
    let verified = try tool.run(
      "verify-resume", "story.txt", "--seconds", "1", "--kills", "2", "--config",
      "novel/config.json")
    #expect(verified.code == 0 && verified.output.hasPrefix("identical"), "\(verified.errors)")
  }

  @Test func figuresAreToldBetweenCheckpointsAndKeptAsideWhereTheyAreDamaged() throws {
    let words = [
      "train", "lm", "story.txt", "-o", "novel", "--updates", "100000", "--patience", "0",
    ]
    let killed = try run(
      words + small, until: "novel/metrics.csv", hasLines: 5, then: SIGKILL)
    try #require(killed.code == SIGKILL)
    let run =
      try JSONSerialization.jsonObject(
        with: Data(try tool.run("runs", "--json").output.utf8)) as? [String: Any]
    // The one checkpoint is that of the beginning.
    #expect(try #require(run?["updates"] as? Int) > 0)
    #expect(run?["state"] as? String == "interrupted")
    try tool.file("novel/metrics.csv", Data("mine\n".utf8))
    let resumed = try tool.run("resume", "novel", "--updates", "3", "-q")
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try text("novel/metrics.csv.damaged") == "mine\n")
    #expect(try text("novel/log").contains("metrics.csv:1"))
    #expect(try text("novel/metrics.csv").split(separator: "\n").count == 4)
  }

  @Test func twoTrainingsDoNotShareARun() throws {
    let words = [
      "train", "lm", "story.txt", "-o", "novel", "--minutes", "1", "--patience", "0", "-q",
    ]
    let first = Process()
    first.executableURL = Tool.program
    first.arguments = words + small
    first.currentDirectoryURL = tool.folder
    try first.run()
    defer {
      first.terminate()
      first.waitUntilExit()
    }
    while !tool.exists("novel/checkpoint"), first.isRunning { Thread.sleep(forTimeInterval: 0.02) }
    for other in [["resume", "novel"], words + small + ["--overwrite"]] {
      let refused = try tool.run(words: other)
      #expect(refused.code == 1 && refused.errors.contains("another training"), "\(refused.errors)")
    }
    #expect(try tool.run("runs", "--json").output.contains("\"state\":\"running\""))
  }
}
