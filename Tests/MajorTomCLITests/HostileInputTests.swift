import Foundation
import Synchronization
import Testing

private let words = (0..<300).map { "Day \($0). The lamp turned \($0 % 7) times.\n" }.joined()
private let tagged = (0..<40).map { "Ada B-PER\nsmiled O\n\($0) O\n\n" }.joined()
private let pairs = (0..<40).map { "\($0)\tno \($0)\n" }.joined()
private let escapes = "\u{1B}[31mred\u{9B}2J\u{202E}lri\u{2066}\u{7F}\u{7}"

/// What others may have made to harm: files, data and names.
@Suite struct HostileInputTests {
  private let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.file("story.txt", Data(words.utf8))
    try tool.file("train.conll", Data(tagged.utf8))
    try tool.file("pairs.tsv", Data(pairs.utf8))
  }

  private static let kinds = [
    (kind: "lm", data: "story.txt", size: ["--batch", "4", "--steps", "16"]),
    (kind: "tagger", data: "train.conll", size: []),
    (kind: "translator", data: "pairs.tsv", size: []),
  ]

  private func train(_ kind: String, _ data: String, _ size: [String], cell: String = "lstm") throws
  {
    let trained = try tool.run(
      words: [
        "train", kind, data, "-o", "m.safetensors", "--hidden", "8", "--updates", "2", "--cell",
        cell,
      ] + size)
    try #require(trained.code == 0, "\(trained.errors)")
  }

  /// Writes a model with all weights replaced, and without its checksum.
  private func spoil(_ weight: Float) throws {
    let url = tool.folder.appendingPathComponent("m.safetensors")
    var file = try Data(contentsOf: url)
    let length = file[0..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    var object = try #require(
      try JSONSerialization.jsonObject(with: file[8..<8 + length]) as? [String: Any])
    var metadata = try #require(object["__metadata__"] as? [String: String])
    metadata["checksum"] = nil
    object["__metadata__"] = metadata
    let written = try JSONSerialization.data(withJSONObject: object)
    var weights = Data()
    for place in 0..<(file.count - 8 - length) / 4 {
      withUnsafeBytes(of: place % 3 == 0 ? -weight : weight) { weights.append(contentsOf: $0) }
    }
    file = withUnsafeBytes(of: UInt64(written.count).littleEndian) { Data($0) } + written + weights
    try file.write(to: url)
  }

  private static let uses: [String: [[String]]] = [
    "lm": [
      ["evaluate", "-m", "m.safetensors", "story.txt"],
      ["generate", "-m", "m.safetensors", "-p", "Day 1. The lamp", "-n", "30"],
      ["generate", "-m", "m.safetensors", "-p", "Day 1. The lamp", "-n", "30", "--json"],
      ["explain", "cells", "-m", "m.safetensors", "story.txt"],
    ],
    "tagger": [
      ["evaluate", "-m", "m.safetensors", "train.conll"],
      ["tag", "-m", "m.safetensors", "Ada smiled 7 times and once more"],
      ["tag", "-m", "m.safetensors", "--best", "3", "Ada smiled 7 times and once more"],
    ],
    "translator": [
      ["evaluate", "-m", "m.safetensors", "pairs.tsv"],
      ["translate", "-m", "m.safetensors", "12345678901234567890"],
    ],
  ]

  /// Finite, but so large that nothing can be computed with it.
  @Test(arguments: 0..<3) func weightsThatOverflowAreRefused(number: Int) throws {
    let (kind, data, size) = Self.kinds[number]
    try train(kind, data, size)
    try spoil(1e30)
    for use in (Self.uses[kind] ?? []) + [["info", "m.safetensors"]] {
      let refused = try tool.run(words: use)
      #expect(refused.code == 1 && refused.output.isEmpty, "\(use): \(refused)")
      #expect(refused.errors.contains("overflow") && refused.errors.contains("1e+30"))
      #expect(refused.errors.split(separator: "\n").count == 1)
    }
  }

  /// Each weight is in range, and only what comes of them in time is not.
  @Test(arguments: 0..<3) func numbersThatOverflowAreToldOf(number: Int) throws {
    let (kind, data, size) = Self.kinds[number]
    try train(kind, data, size, cell: "elman-relu")
    try spoil(1e11)
    for use in Self.uses[kind] ?? [] {
      let told = try tool.run(words: use)
      #expect(told.code == 1, "\(use): \(told)")
      #expect(!told.output.contains("nan") && !told.output.contains("0.0000"), "\(use): \(told)")
      #expect(told.errors.contains("training went wrong"), "\(use): \(told)")
      // The seed of a text, and one sentence.
      let lines = told.errors.split(separator: "\n").filter { !$0.hasPrefix("seed ") }
      #expect(lines.count == 1, "\(use): \(told)")
    }
  }

  @Test(.timeLimit(.minutes(1))) func nothingIsWaitedFor() throws {
    let pipe = tool.folder.appendingPathComponent("pipe").path
    try #require(mkfifo(pipe, 0o600) == 0)
    for name in ["pipe", "/dev/zero", "/dev/tty", "."] {
      for use in [
        ["info", name], ["generate", "-m", name], ["evaluate", "-m", name, "story.txt"],
        ["train", "lm", name, "-o", "new"],
        ["train", "lm", "story.txt", "--vocabulary", name, "-o", "new"],
        ["train", "tagger", name, "-o", "new"],
        ["train", "tagger", "train.conll", "--dev", name, "-o", "new"],
        ["train", "tagger", "train.conll", "--vectors", name, "-o", "new"],
        ["train", "tagger", "train.conll", "--language-model", name, "-o", "new"],
        ["train", "translator", name, "-o", "new"],
        ["train", "translator", "--source", name, "--target", name, "-o", "new"],
        ["tokenize", "--vocabulary", name, "x"], ["score", "-r", name, "story.txt"],
        ["vocabulary", name, "-o", "new"], ["explain", "cells", "-m", name, "story.txt"],
      ] {
        let refused = try tool.run(words: use)
        #expect(refused.code == 1, "\(use): \(refused)")
        #expect(refused.errors.split(separator: "\n").count == 1, "\(use): \(refused)")
      }
    }
  }

  @Test func aLineOfInputHasALength() throws {
    let long = "one\n" + String(repeating: "x", count: 17 << 20)
    for input in [long, long + "\n"] {
      let refused = try tool.run("tokenize", "--unit", "word", input: input)
      #expect(refused.code == 1 && refused.errors.contains("standard input, line 2"))
      #expect(refused.output == "one\n")
    }
    try tool.file("long.conll", Data(long.utf8))
    let refused = try tool.run("train", "tagger", "long.conll", "-o", "new")
    #expect(refused.code == 1, "\(refused.errors)")
  }

  @Test func sentencesQuoteLittleOfAFile() throws {
    let tag = String(repeating: "x", count: 1 << 20) + escapes
    try tool.file("tags.conll", Data("Ada I-\(tag)\nsmiled E-\(tag)\n".utf8))
    let number = String(repeating: "1x", count: 1 << 20) + escapes
    try tool.file("words.vec", Data("Ada \(number) 2\n".utf8))
    func model(_ name: String, _ header: [String: Any]) throws {
      let text = try JSONSerialization.data(withJSONObject: header)
      try tool.file(
        name, withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) } + text)
    }
    try model("kind", ["__metadata__": ["kind": tag, "format": "majortom 2"]])
    try model("format", ["__metadata__": ["kind": "tagger", "format": tag]])
    try model(
      "value",
      [
        "__metadata__": [
          "kind": "language-model", "format": "majortom 2",
          "configuration": "{\"cell\":\"\(tag.prefix(1 << 20))\"}",
        ]
      ])
    try model("type", [tag: ["dtype": tag, "shape": [1], "data_offsets": [0, 4]]])
    try model(
      "shape",
      [
        "t": [
          "dtype": "F32", "shape": [Int](repeating: -1, count: 100_000), "data_offsets": [0, 4],
        ]
      ])
    for use in [
      ["info", "kind"], ["info", "format"], ["info", "value"], ["info", "type"], ["info", "shape"],
      ["tag", "-m", "kind", "x"],
      ["train", "tagger", "tags.conll", "-o", "new", "--scheme", "iob2"],
      ["train", "tagger", "train.conll", "--vectors", "words.vec", "-o", "new"],
      ["info", escapes], ["generate", "--temperature", escapes], [escapes],
      ["tokenize", "--locale", String(repeating: "e", count: 100_000), "x"],
      ["info", String(repeating: "x", count: 100_000)],
      ["train", "lm", "story.txt", "-o", "new", "--cell", escapes],
      ["tokenize", "--\(escapes)"], ["evaluate", "-m", "a\nb", "story.txt"],
    ] {
      let refused = try tool.run(words: use)
      #expect(refused.code == 1 || refused.code == 2, "\(use): \(refused.code)")
      #expect(refused.errors.utf8.count < 3000, "\(use[0]): \(refused.errors.utf8.count) bytes")
      let harmful = refused.errors.unicodeScalars.filter {
        $0.properties.generalCategory == .control || $0 == "\u{202E}" || $0 == "\u{2066}"
      }
      #expect(harmful.map(\.value) == [0x0A], "\(use): \(refused.errors)")
    }
  }

  /// A file that is opened next would get the number of a stream that is closed.
  @Test func closedStreamsAreNotMixedWithFiles() throws {
    try train("lm", "story.txt", ["--batch", "4", "--steps", "16"])
    let folder = tool.folder.path
    func shell(_ words: String) throws -> Int32 {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", "cd '\(folder)' && '\(Tool.program.path)' \(words)"]
      try process.run()
      process.waitUntilExit()
      return process.terminationStatus
    }
    let training = "train lm story.txt --hidden 8 --batch 4 --steps 16 --updates 3 --seed 4 --json"
    try #require(try shell("\(training) -o open > told 2> errors") == 0)
    #expect(try shell("\(training) -o closed 0<&- >&- 2>&-") == 0)
    let models = try ["open", "closed"].map {
      try Data(contentsOf: tool.folder.appendingPathComponent("\($0)/model.safetensors"))
    }
    #expect(models[0] == models[1])
    // What cannot be told is no success, and what cannot be read is not empty.
    #expect(try shell("generate -m open -n 3 >&- 2> errors") == 1)
    #expect(try shell("tokenize <&- > told 2> errors") == 1)
  }

  /// On a terminal escape sequences are shown, elsewhere they stay what they are.
  @Test func aTerminalObeysNoData() throws {
    try train("lm", "story.txt", ["--batch", "4", "--steps", "16"])
    let generate = ["generate", "-m", "m.safetensors", "-p", escapes, "-n", "5", "--seed", "1"]
    let piped = try tool.run(words: generate)
    #expect(piped.output.hasPrefix(escapes), "\(piped)")
    let harmless = "\\u{1B}[31mred\\u{9B}2J\\u{202E}lri\\u{2066}\\u{7F}\\u{7}"
    #expect(try tool.runOnTerminal(generate).hasPrefix(harmless))
    let json = try tool.run(words: generate + ["--json"])
    #expect(
      json.output.hasPrefix(
        "{\"prompt\":\"\\u001b[31mred\\u009b2J\\u202elri\\u2066\\u007f\\u0007\""))
    #expect(try tool.runOnTerminal(generate + ["--json"]) == json.output)
    // The tool's own colours stay.
    let colored = try tool.runOnTerminal([
      "explain", "cells", "-m", "m.safetensors", "--text", "a" + escapes, "--unit", "1.1",
      "--color", "always",
    ])
    let codes = colored.replacing("\u{1B}[48;2;", with: "").replacing(
      "\u{1B}[38;2;0;0;0m", with: ""
    )
    .replacing("\u{1B}[0m", with: "")
    #expect(colored.contains("\u{1B}[48;2;") && codes.contains("\\u{9B}"))
    for scalar in ["\u{1B}", "\u{9B}", "\u{202E}", "\u{2066}", "\u{7F}", "\u{7}"] {
      #expect(!codes.contains(scalar), "\(colored)")
    }
    let tokens = ["tokenize", "--unit", "code-point", "--format", "tsv", escapes]
    #expect(try tool.run(words: tokens).output.contains("\u{1B}\t0-1"))
    #expect(try tool.runOnTerminal(tokens).contains("\\u{1B}\t0-1"))
  }

  @Test func namesOfTagsAreDataToo() throws {
    try tool.file(
      "names.conll", Data((0..<20).map { _ in "Ada B-\(escapes)\nsmiled O\n\n" }.joined().utf8))
    try train("tagger", "names.conll", ["--updates", "60", "--rate", "0.05"])
    for format in [
      ["--color", "always"], ["--color", "never"], ["--format", "tsv"], ["--format", "json"],
    ] {
      let shown = try tool.runOnTerminal(
        ["tag", "-m", "m.safetensors", "Ada \(escapes) smiled"] + format)
      #expect(
        !shown.contains("\u{9B}") && !shown.contains("\u{202E}") && !shown.contains("\u{1B}[31m"))
    }
    let described = try tool.runOnTerminal(["info", "m.safetensors"])
    #expect(!described.contains("\u{9B}") && !described.contains("\u{1B}"))
  }
}

extension Tool {
  /// Runs the tool with standard output on a terminal of its own; returns what came there, with the
  /// line ends of a file.
  func runOnTerminal(_ words: [String]) throws -> String {
    let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    defer { close(terminal) }
    // Linux's TIOCSPTLCK and TIOCGPTN: unlock it, and ask for its number.
    var (lock, number) = (Int32(0), Int32(0))
    guard terminal >= 0, ioctl(terminal, 0x4004_5431, &lock) == 0,
      ioctl(terminal, 0x8004_5430, &number) == 0
    else { throw POSIXError(.ENODEV) }
    let name = "/dev/pts/\(number)"
    let end = open(name, O_RDWR | O_NOCTTY)
    // Read at the same time: what is written waits where nobody reads.
    let found = Mutex<[UInt8]>([])
    let reader = DispatchGroup()
    DispatchQueue.global().async(group: reader) {
      var block = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(terminal, &block, block.count)
        // The end of a terminal is an error.
        if count <= 0 { return }
        found.withLock { $0 += block[..<count] }
      }
    }
    _ = try run(words: words, outputTo: name)
    close(end)
    reader.wait()
    let text = found.withLock { String(decoding: $0, as: UTF8.self) }
    return text.replacing("\r\n", with: "\n")
  }
}
