import Foundation
import Testing

/// What the tool tells of files, of itself and of what somebody may have meant.
@Suite struct InfoTests {
  private let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.file("story.txt", Data(story.utf8))
  }

  private func train(_ output: String, _ more: String...) throws {
    let trained = try tool.run(
      words: ["train", "lm", "story.txt", "-o", output] + small + ["--threads", "1"] + more)
    #expect(trained.code == 0, "\(trained.errors)")
  }

  private func object(_ text: some StringProtocol) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test func runsTheirCheckpointsAndFoldersAreTold() throws {
    try train("runs", "--updates", "12", "--validate-every", "5")
    try FileManager.default.createDirectory(
      at: tool.folder.appendingPathComponent("all"), withIntermediateDirectories: true)
    try FileManager.default.moveItem(
      at: tool.folder.appendingPathComponent("runs"),
      to: tool.folder.appendingPathComponent("all/one"))
    try train("all/m.safetensors", "--updates", "3")

    let run = try tool.run("info", "all/one")
    #expect(run.code == 0 && run.output.hasPrefix("run: lm, finished\ndata: story.txt\n"))
    #expect(run.output.contains("trained: 12 updates"))
    #expect(run.output.contains("language model: lstm") && run.output.contains("rnn.weight_ih_l0"))

    let told = try object(try tool.run("info", "all/one", "--json").output)
    #expect(told["kind"] as? String == "language-model")
    #expect((told["run"] as? [String: Any])?["state"] as? String == "finished")

    let checkpoint = try tool.run("info", "all/one/checkpoint")
    #expect(checkpoint.code == 0, "\(checkpoint.errors)")
    #expect(checkpoint.output.hasPrefix("checkpoint: of a language model\ntrained: 12 updates"))
    #expect(checkpoint.output.contains("hidden 16") && checkpoint.output.contains("updates 12"))
    let json = try object(try tool.run("info", "all/one/checkpoint", "--json").output)
    #expect(json["kind"] as? String == "checkpoint")
    #expect((json["record"] as? [String: Any])?["updates"] as? Int == 12)
    #expect((json["configuration"] as? [String: Any])?["hidden"] as? Int == 16)
    // As many weights as the model has.
    let model = try object(try tool.run("info", "all/m.safetensors", "--json").output)
    #expect(json["weights"] as? Int == model["weights"] as? Int)

    let folder = try tool.run("info", "all")
    #expect(folder.code == 0, "\(folder.errors)")
    let lines = folder.output.split(separator: "\n")
    #expect(lines.count == 4 && lines[1].hasPrefix("all/one"))
    #expect(lines[3].hasPrefix("all/m.safetensors  language model"))
    #expect(lines.allSatisfy { $0.last != " " })
    let held = try object(try tool.run("info", "all", "--json").output)["holds"] as? [[String: Any]]
    #expect(
      held?.compactMap { ($0["run"] ?? $0["path"]) as? String } == ["all/one", "all/m.safetensors"])
  }

  @Test func severalFilesAreToldAndTheSoundOnesDespiteOthers() throws {
    try train("a.safetensors", "--updates", "1")
    try train("b.safetensors", "--updates", "2")
    let both = try tool.run("info", "a.safetensors", "b.safetensors")
    #expect(both.code == 0 && both.output.hasPrefix("a.safetensors\n"))
    #expect(both.output.contains("\n\nb.safetensors\n"))
    let objects = try tool.run("info", "a.safetensors", "b.safetensors", "--json").output
      .split(separator: "\n").map(object)
    #expect(objects.compactMap { $0["path"] as? String } == ["a.safetensors", "b.safetensors"])
    let mixed = try tool.run("info", "none.safetensors", "b.safetensors", "story.txt")
    #expect(mixed.code == 1 && mixed.output.contains("trained: 2 updates"))
    #expect(mixed.errors.split(separator: "\n").count == 2)
    #expect(mixed.errors.contains("none.safetensors") && mixed.errors.contains("story.txt"))
    let sound = try tool.run("info", "--verify", "a.safetensors", "b.safetensors")
    #expect(sound.code == 0 && sound.output.split(separator: "\n").count == 2)
    let empty = try tool.run("info", ".", environment: ["TMPDIR": "/tmp"])
    #expect(empty.code == 0)
    let nothing = try tool.run("info", "/proc/self/fdinfo")
    #expect(nothing.code == 1 && nothing.errors.contains("without runs"))
  }

  @Test func modelsAreCompared() throws {
    try train("a.safetensors", "--updates", "4", "--seed", "1")
    try train("again.safetensors", "--updates", "4", "--seed", "1")
    try train("seed.safetensors", "--updates", "4", "--seed", "2")
    let same = try tool.run("diff", "a.safetensors", "again.safetensors")
    #expect(same.code == 0 && same.output.hasPrefix("the same: "), "\(same.output)")
    let other = try tool.run("diff", "a.safetensors", "seed.safetensors")
    #expect(other.code == 1 && other.errors.isEmpty)
    #expect(other.output.hasPrefix("A: a.safetensors\nB: seed.safetensors\n"))
    #expect(other.output.contains("options.seed: 1 in A, 2 in B"))
    #expect(!other.output.contains("configuration") && other.output.contains("matrices differ"))

    // One more word in the text is one more token; another width is another shape.
    try tool.file("story.txt", Data((story + "Ω Ω Ω\n").utf8))
    try train("more.safetensors", "--updates", "4", "--seed", "1", "--layers", "1")
    let more = try tool.run("diff", "a.safetensors", "more.safetensors", "--json")
    #expect(more.code == 1)
    let found = try object(more.output)
    let parts = try #require(found["parts"] as? [[String: Any]])
    let changes = try #require(parts.first?["changes"] as? [[String: Any]])
    #expect(parts.first?["part"] as? String == "configuration")
    #expect(changes.compactMap { $0["place"] as? String } == ["layers"])
    #expect(changes.first?["a"] as? String == "2" && changes.first?["b"] as? String == "1")
    let tokens = parts.flatMap { $0["changes"] as? [[String: Any]] ?? [] }
    #expect(tokens.contains { $0["b"] as? String == "Ω" && $0["a"] is NSNull })
    let weights = try #require(found["weights"] as? [[String: Any]])
    let upper = try #require(weights.first { ($0["weight"] as? String)?.contains("hh_l1") == true })
    #expect(upper["shape_a"] is [Int] && upper["shape_b"] is NSNull)
  }

  /// The numbers of diff are those of the tensors, which PyTorch's way of reading them gives.
  @Test func differencesOfWeightsAreMeasured() throws {
    try train("a.safetensors", "--updates", "1", "--seed", "1")
    try train("b.safetensors", "--updates", "1", "--seed", "2")
    let found = try object(
      try tool.run("diff", "a.safetensors", "b.safetensors", "--json").output)
    let weights = try #require(found["weights"] as? [[String: Any]])
    let row = try #require(weights.first { $0["weight"] as? String == "rnn.weight_hh_l0" })
    let (a, b) = (try tensor("rnn.weight_hh_l0", "a"), try tensor("rnn.weight_hh_l0", "b"))
    let changes = zip(a, b).map { Double($1) - Double($0) }
    func norm(_ values: [Double]) -> Double {
      values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
    #expect(abs(try #require(row["size"] as? Double) - norm(a.map(Double.init))) < 1e-6)
    #expect(abs(try #require(row["difference"] as? Double) - norm(changes)) < 1e-6)
    #expect(abs(try #require(row["largest"] as? Double) - (changes.map(abs).max() ?? 0)) < 1e-6)
  }

  /// The numbers of a tensor, as the format says.
  private func tensor(_ name: String, _ model: String) throws -> [Float] {
    let bytes = try Data(contentsOf: tool.folder.appendingPathComponent("\(model).safetensors"))
    let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try object(String(decoding: bytes[8..<8 + length], as: UTF8.self))
    let offsets = try #require((header[name] as? [String: Any])?["data_offsets"] as? [Int])
    return bytes[(8 + length + offsets[0])..<(8 + length + offsets[1])].withUnsafeBytes { raw in
      (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }

  @Test func theVersionSaysWhatComputes() throws {
    let told = try tool.run("version")
    #expect(told.code == 0 && told.errors.isEmpty)
    #expect(told.output.hasPrefix("majortom "))
    #expect(told.output.contains("ICU ") && told.output.contains("Swift 6."))
    for word in ["--version", "-V"] { #expect(try tool.run(word).output == told.output) }
    let json = try object(try tool.run("version", "--json").output)
    #expect(told.output.hasPrefix("majortom \(json["version"] as? String ?? "?")\n"))
    #expect(told.output.contains("ICU \(json["icu"] as? String ?? "?")\n"))
  }

  @Test(arguments: [
    ("trian lm a", "unknown command trian; did you mean train?"),
    ("lm a", "unknown command lm; did you mean train lm?"),
    ("verison", "unknown command verison; did you mean version?"),
    ("--verison", "unknown option --verison; did you mean --version?"),
    ("--nonsense", "unknown option --nonsense; a command comes first"),
    ("hepl", "unknown command hepl; did you mean help?"),
    ("completions bsh", "did you mean bash?"), ("completions", "one shell is needed"),
    ("diff a", "two models are needed"),
    ("corpus numbers --from en --to fr --count 99999999999999999999", "from 1 to 1000000000"),
    ("train lm story.txt -o m.safetensors --updates -1", "expected a whole number of at least 0"),
    ("train lm story.txt -o m.safetensors --seed x", "expected a whole number of at least 0"),
    ("corpus numbers --from en --to fr --min x", "expected a whole number of at most 18 digits"),
  ])
  func whatIsMeantIsGuessed(words: String, sentence: String) throws {
    let refused = try tool.run(words: words.split(separator: " ").map(String.init))
    #expect(refused.code == 2 && refused.output.isEmpty)
    #expect(refused.errors.contains(sentence), "\(refused.errors)")
    #expect(refused.errors.split(separator: "\n").count == 1)
    // Nobody counts nineteen digits, but for those that were typed.
    let typed = words.split(separator: " ").map(String.init)
    let long = refused.errors.split { !$0.isNumber }.filter { $0.count > 15 }
    #expect(long.allSatisfy { typed.contains(String($0)) }, "\(refused.errors)")
  }

  /// The first bytes of a text, taken for a length, are a number of nineteen digits.
  @Test func aTextThatIsNoModelIsToldInNumbersThatCanBeRead() throws {
    let refused = try tool.run("info", "story.txt")
    #expect(refused.code == 1 && refused.errors.contains("its header claims more bytes where"))
    #expect(refused.errors.split { !$0.isNumber }.allSatisfy { $0.count < 15 }, "\(refused.errors)")
  }

  @Test func oneIsNotSeveral() throws {
    let split = try tool.run(
      "corpus", "numbers", "--from", "digits", "--to", "en", "--max", "9", "--split", "parts",
      "--dev", "1", "--test", "1")
    #expect(split.errors.contains("dev.tsv: 1 pair\n") && split.errors.contains("8 pairs\n"))
  }

  @Test func completionsAreTheSameEachTime() throws {
    for shell in ["bash", "zsh", "fish"] {
      let script = try tool.run("completions", shell)
      #expect(script.code == 0 && script.errors.isEmpty)
      #expect(script.output.contains("explain") && script.output.contains("dropout-inputs"))
      #expect(try tool.run("completions", shell).output == script.output)
    }
  }
}
