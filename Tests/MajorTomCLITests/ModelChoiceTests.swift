import Foundation
import Testing

/// Which model a command takes where none is named, and what a model remembers of its training.
@Suite struct ModelChoiceTests {
  private let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.file("story.txt", Data(story.utf8))
    try tool.file("words.conll", Data("Ada\tX\tPER\nran\tY\tRUN\n\n".utf8))
    try tool.file("pairs.tsv", Data("1\tuno\tone\n2\tdue\ttwo\n3\ttre\tthree\n".utf8))
  }

  private func train(_ words: String...) throws {
    let trained = try tool.run(words: ["train"] + words + ["-q", "--updates", "2"])
    #expect(trained.code == 0, "\(trained.errors)")
  }

  private func trainAll() throws {
    try train(
      "lm", "story.txt", "-o", "lm.safetensors", "--hidden", "16", "--batch", "4", "--steps", "16")
    try train(
      "tagger", "words.conll", "-o", "tagger.safetensors", "--hidden", "8", "--words", "8",
      "--characters", "none", "--column", "2")
    try train(
      "translator", "pairs.tsv", "-o", "translator.safetensors", "--hidden", "8", "--columns",
      "3,2")
  }

  @Test func eachCommandTakesTheFirstModelOfItsKind() throws {
    try trainAll()
    let list = ["MAJORTOM_MODEL": "lm.safetensors:tagger.safetensors:translator.safetensors"]
    let calls = [
      ["tag", "Ada"], ["translate", "one"], ["generate", "-p", "Day", "-n", "3"],
      ["evaluate", "story.txt"], ["info"],
    ]
    for words in calls {
      let result = try tool.run(words: words, environment: list)
      #expect(result.code == 0, "\(words): \(result.errors)")
    }
    let few = ["MAJORTOM_MODEL": "lm.safetensors::tagger.safetensors"]
    let none = try tool.run(words: ["translate", "one"], environment: few)
    #expect(none.code == 2)
    #expect(
      none.errors
        == "majortom: no translator in MAJORTOM_MODEL: lm.safetensors is a language model, "
        + "tagger.safetensors is a tagger; name one with -m FILE\n")
    // A file may have a colon in its name.
    try tool.file(
      "a:b.safetensors", Data(contentsOf: tool.folder.appending(path: "tagger.safetensors")))
    let colon = try tool.run(
      words: ["tag", "Ada"], environment: ["MAJORTOM_MODEL": "a:b.safetensors"])
    #expect(colon.code == 0, "\(colon.errors)")
    let wrong = try tool.run(
      words: ["tag", "Ada"], environment: ["MAJORTOM_MODEL": "lm.safetensors:none.safetensors"])
    #expect(wrong.code == 1 && wrong.errors.contains("none.safetensors"))
  }

  @Test func whatIsInstalledBesideTheToolIsTaken() throws {
    try trainAll()
    let files = FileManager.default
    let place = tool.folder.appending(path: "usr/bin/majortom")
    try files.createDirectory(
      at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
    try files.copyItem(at: Tool.program, to: place)
    for (name, model) in [("ships-log", "lm"), ("names", "tagger"), ("numbers", "translator")] {
      try tool.file(
        "usr/share/majortom/models/\(name).safetensors",
        Data(contentsOf: tool.folder.appending(path: "\(model).safetensors")))
    }
    func run(_ words: String...) throws -> (code: Int32, output: String) {
      let process = Process()
      process.executableURL = place
      process.arguments = words
      process.currentDirectoryURL = tool.folder
      let pipe = Pipe()
      process.standardOutput = pipe
      process.standardError = pipe
      try process.run()
      let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      return (process.terminationStatus, output)
    }
    for words in [["tag", "Ada"], ["translate", "one"], ["generate", "-n", "3"]] {
      let result = words.count == 2 ? try run(words[0], words[1]) : try run("generate", "-n", "3")
      #expect(result.code == 0, "\(words): \(result.output)")
    }
    #expect(try run("info").output.hasPrefix("language model"))
    // What lies in the folder at hand comes first.
    try tool.file(
      "models/demo.safetensors",
      Data(contentsOf: tool.folder.appending(path: "tagger.safetensors")))
    #expect(try run("info").output.hasPrefix("tagger"))
  }

  @Test func columnsOfTrainingAreReadInEvaluation() throws {
    try trainAll()
    func evaluate(_ words: String...) throws -> Tool.Result {
      let result = try tool.run(words: ["evaluate"] + words)
      #expect(result.code == 0, "\(result.errors)")
      return result
    }
    let right = try evaluate("-m", "tagger.safetensors", "words.conll")
    #expect(right.errors == "majortom: as in training: --column 2 --data-format columns\n")
    #expect(
      try evaluate("-m", "tagger.safetensors", "words.conll", "--column", "2").output
        == right.output)
    // The last column, which is what is read where nothing is said, has tags that training never saw.
    let other = try evaluate("-m", "tagger.safetensors", "words.conll", "--column", "last")
    #expect(other.errors.contains("training never saw") && !right.errors.contains("never saw"))
    // Another layout has other columns.
    try tool.file(
      "words.conllu",
      Data("1\tAda\t_\tX\t_\t_\t_\t_\t_\t_\n2\tran\t_\tY\t_\t_\t_\t_\t_\t_\n\n".utf8))
    let layout = try evaluate("-m", "tagger.safetensors", "words.conllu")
    #expect(layout.errors.contains("the format conllu, and the training data were columns"))
    #expect(!layout.errors.contains("never saw"))
    let pairs = try evaluate("-m", "translator.safetensors", "pairs.tsv")
    #expect(pairs.errors == "majortom: as in training: --columns '3,2'\n")
    #expect(
      try evaluate("-m", "translator.safetensors", "pairs.tsv", "--columns", "3,2").output
        == pairs.output)
    #expect(
      try evaluate("-m", "translator.safetensors", "pairs.tsv", "--columns", "1,2").output
        != pairs.output)
  }

  @Test func theValidationPartIsThatOfTheVeryCorpus() throws {
    try train(
      "lm", "story.txt", "-o", "lm.safetensors", "--hidden", "16", "--batch", "4", "--steps", "16")
    func evaluate(_ text: String, _ model: String = "lm.safetensors") throws -> Tool.Result {
      try tool.run(
        "evaluate", "-m", model, text, "--part", "validation", "--protocol", "carried")
    }
    let right = try evaluate("story.txt")
    #expect(right.code == 0 && right.errors.isEmpty)
    // The same text elsewhere is the same; a letter less is another.
    try tool.file("copy", Data(story.utf8))
    #expect(try evaluate("copy").output == right.output)
    try tool.file("other.txt", Data(story.dropLast().utf8))
    let other = try evaluate("other.txt")
    #expect(other.code == 1 && other.output.isEmpty)
    #expect(
      other.errors.contains("not the very text that lm.safetensors was trained on (story.txt)"))
    // A file of before: the same without the fingerprint, and so without its checksum.
    var bytes = try Data(contentsOf: tool.folder.appending(path: "lm.safetensors"))
    let length = bytes.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
    var header = String(decoding: bytes[8..<8 + length], as: UTF8.self)
    let count = header.utf8.count
    header = header.replacing(#/"checksum":"[^"]*",?/#, with: "")
    header = header.replacing(#/\\"fingerprint\\":\\"[0-9a-f]*\\",/#, with: "")
    #expect(header.utf8.count < count - 40)
    header += String(repeating: " ", count: length - header.utf8.count)
    bytes.replaceSubrange(8..<8 + length, with: Data(header.utf8))
    try tool.file("old.safetensors", bytes)
    let old = try evaluate("other.txt", "old.safetensors")
    #expect(old.code == 0, "\(old.errors)")
    #expect(old.errors.contains("old.safetensors does not tell which text it was trained on"))
  }
}
