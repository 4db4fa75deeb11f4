import Foundation
import Testing

/// What a training chooses by its data, and how that is asked for and told.
@Suite struct RecipeCommandTests {
  private let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.file("story.txt", Data(story.utf8))
    let pairs = (1...60).map { "\($0)\t\(String(repeating: "one ", count: $0 % 5 + 1))more" }
    try tool.file("pairs.tsv", Data((pairs.joined(separator: "\n") + "\n").utf8))
  }

  private func train(_ words: String...) throws -> Tool.Result {
    try tool.run(words: ["train"] + words + ["--quiet", "--overwrite"])
  }

  @Test func whatIsNotGivenIsChosenAndTold() throws {
    #expect(
      try train("lm", "story.txt", "-o", "m.safetensors", "--hidden", "8", "--updates", "2").code
        == 0)
    let info = try tool.run(words: ["info", "m.safetensors"]).output
    #expect(info.contains("recipe: page, for "))
    #expect(info.contains("  dropout 0.5: soon known by heart"))
    // What is given is not the recipe's, and the budget is not either.
    #expect(
      try train(
        "lm", "story.txt", "-o", "m.safetensors", "--hidden", "8", "--updates", "2", "--dropout",
        "0.1"
      ).code == 0)
    let given = try tool.run(words: ["info", "m.safetensors"]).output
    #expect(given.contains("  batch 8: "))
    #expect(!given.contains("soon known by heart") && !given.contains("epochs"))
  }

  @Test func aPresetIsAskedForByName() throws {
    let wrong = try train("translator", "pairs.tsv", "-o", "m", "--preset", "speling")
    #expect(wrong.code == 2)
    #expect(
      wrong.errors.contains("--preset speling: expected one of spelling, phrases, sentences, none"))
    #expect(wrong.errors.contains("did you mean spelling?"))
    for (preset, unit) in [
      ("spelling", "grapheme"), ("phrases", "spaced-word"), ("none", "grapheme"),
    ] {
      let made = try train(
        "translator", "pairs.tsv", "-o", "m.safetensors", "--preset", preset, "--hidden", "8",
        "--embedding", "8", "--updates", "2")
      #expect(made.code == 0, "\(made.errors)")
      let info = try tool.run(words: ["info", "m.safetensors"]).output
      #expect(info.contains("by \(unit)"))
      #expect(info.contains("recipe: \(preset), ") == (preset != "none"))
    }
  }

  @Test func aRunRemembersItsRecipe() throws {
    #expect(
      try train(
        "translator", "pairs.tsv", "-o", "run", "--hidden", "8", "--embedding", "8", "--updates",
        "4"
      ).code == 0)
    let configuration = try String(
      contentsOf: tool.folder.appendingPathComponent("run/config.json"), encoding: .utf8)
    #expect(configuration.contains(#""preset": "spelling""#))
    #expect(try train("translator", "--config", "run/config.json", "-o", "again").code == 0)
    func model(_ run: String) throws -> Data {
      try Data(contentsOf: tool.folder.appendingPathComponent("\(run)/model.safetensors"))
    }
    #expect(try model("again") == model("run"))
  }
}
