import Foundation
import Testing

/// What tag and translate read, and where they say that something stands.
@Suite struct TagInputTests {
  private let tool: Tool

  init() throws {
    tool = try Tool()
    let sentences = (0..<40).map { number in
      "Ada\tPROPN\n\(number % 2 == 0 ? "smiled" : "ran")\tVERB\nhome\tNOUN\n.\tPUNCT\n\n"
    }
    try tool.file("words.conll", Data(sentences.joined().utf8))
    let trained = try tool.run(
      words: [
        "train", "tagger", "words.conll", "-o", "m.safetensors", "-q", "--epochs", "6",
        "--hidden", "8", "--words", "8", "--characters", "none", "--rate", "0.02",
      ])
    #expect(trained.code == 0, "\(trained.errors)")
  }

  private func run(_ words: [String], input: String = "") throws -> Tool.Result {
    try tool.run(words: ["tag", "-m", "m.safetensors"] + words, input: input)
  }

  private func tag(_ words: String..., input: String = "") throws -> String {
    let result = try run(words, input: input)
    #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    return result.output
  }

  /// Paragraphs with all that moves offsets: marks, CR LF, empty lines, characters of 1 to 4 bytes.
  private static let inputs = [
    "Ada ran home.\n\nÄda 🚀 smiled\r\nhome .\r\n\r\n\n  数 home.\nThe\tend",
    "\u{FEFF}Ada ran.\n \nhome", "\n\nAda\n", "\u{FEFF}\u{FEFF}Ada & <b> home.\nran",
  ]

  /// The rows of the format tsv, checked against what stands in the input there.
  private func check(_ rows: String, against input: String) throws {
    let units = Array(input.utf16)
    let points = Array(input.unicodeScalars)
    let bytes = Array(input.utf8)
    #expect(!rows.isEmpty)
    for row in rows.split(separator: "\n") {
      let columns = row.split(separator: "\t").map(String.init)
      let places = try columns[2...4].map { column in
        let ends = column.split(separator: "-").compactMap { Int($0) }
        return try #require(ends.count == 2 ? ends[0]..<ends[1] : nil)
      }
      #expect(String(decoding: bytes[places[0]], as: UTF8.self) == columns[1])
      #expect(String(decoding: units[places[1]], as: UTF16.self) == columns[1])
      #expect(String(String.UnicodeScalarView(points[places[2]])) == columns[1])
      #expect(
        Int(columns[6]) == 1 + bytes[..<places[0].lowerBound].count { $0 == 0x0A }, "\(row)")
    }
  }

  @Test(arguments: inputs)
  func placesAreThoseInTheWholeInput(text: String) throws {
    for unit in [[], ["--lines"], ["--tokenized"], ["--batch", "3"]] as [[String]] {
      let result = try run(["--format", "tsv"] + unit, input: text)
      #expect(result.code == 0, "\(result.errors)")
      try check(result.output, against: text)
    }
    // A file is what standard input is, and so is a compressed one.
    let piped = try tag("--format", "tsv", input: text)
    let file = try tool.file("text", Data(text.utf8)).path
    for program in ["gzip", "zstd"] {
      let process = try Process.run(
        URL(fileURLWithPath: "/usr/bin/env"),
        arguments: [program, "-q", "-k", "-f", file])
      process.waitUntilExit()
    }
    for name in ["text", "text.gz", "text.zst"] {
      let rows = try tag("--format", "tsv", "--file", name)
      #expect(rows == piped.replacing("\n", with: "\t\(name)\n"))
    }
    // JSON says the same, and places in the text itself beside.
    let objects = try tag("--json", input: text).split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    var rows = ""
    for object in objects {
      let own = Array(try #require(object["text"] as? String).utf8)
      for word in try #require(object["words"] as? [[String: Any]]) {
        let place = try #require(word["bytes"] as? [Int])
        #expect(
          String(decoding: own[place[0]..<place[1]], as: UTF8.self) == word["text"] as? String)
        let input = try #require(word["input"] as? [String: [Int]])
        let columns = ["bytes", "utf16", "code_points"].map { name in
          (input[name] ?? []).map(String.init).joined(separator: "-")
        }
        rows +=
          "\(word["type"] ?? "")\t\(word["text"] ?? "")\t\(columns.joined(separator: "\t"))"
          + "\t\(word["line"] ?? "")\n"
      }
    }
    #expect(
      rows.split(separator: "\n")
        == piped.split(separator: "\n").map { row in
          let columns = row.split(separator: "\t")
          return Substring((columns[..<5] + columns[6...]).joined(separator: "\t"))
        })
  }

  @Test func compressedStandardInputIsRead() throws {
    let path = try tool.file("text", Data("Ada ran home.\n".utf8)).path
    for program in ["gzip", "zstd"] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = [
        "-c", "\(program) -q -c \(path) | \(Tool.program.path) tag -m m.safetensors --format conll",
      ]
      process.currentDirectoryURL = tool.folder
      let pipe = Pipe()
      process.standardOutput = pipe
      try process.run()
      let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      #expect(output.hasPrefix("Ada\t"))
    }
  }

  @Test func whatIsMeantByTheNameOfAFileIsAsked() throws {
    try tool.file("home", Data("Ada ran home.\n".utf8))
    for command in ["tag", "translate", "tokenize"] {
      let asked = try tool.run(words: [command, "home"])
      #expect(asked.code == 2 && asked.output.isEmpty)
      #expect(asked.errors.contains("--file home reads it") && asked.errors.contains("--text home"))
      let twice = try tool.run(words: [command, "home", "--text", "home"])
      #expect(twice.code == 2 && twice.errors.contains("twice"), "\(twice.errors)")
    }
    #expect(try tag("--text", "home", "--format", "conll").hasPrefix("home\t"))
    #expect(try tag("--file", "home", "--format", "conll").hasPrefix("Ada\t"))
    // A folder of that name is no text to be read.
    try tool.file("ran/x", Data())
    #expect(try tag("ran", "--format", "conll").hasPrefix("ran\t"))
    // Files one after another, as a shell writes them out.
    #expect(
      try tag("--file", "home", "home", "--format", "tsv").split(separator: "\n").count == 8)
    let none = try run(["--file", "nowhere.txt"])
    #expect(none.code == 1 && none.errors.contains("nowhere.txt does not exist"))
    let brat = try run(["--file", "home", "home", "--format", "brat"])
    #expect(brat.code == 2 && brat.errors.contains("one --file at a time"))
  }

  @Test func anotherEncodingIsFoundOutAndShown() throws {
    let bytes = "Ada ran home.\n".utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    try tool.file("wide", Data([0xFF, 0xFE] + bytes))
    let found = try run(["--file", "wide", "--format", "conll"])
    #expect(found.output.hasPrefix("Ada\t") && found.code == 0)
    #expect(
      found.errors
        == "majortom: wide: read as UTF-16LE, which was found out from its bytes (--encoding)\n")
    let told = try run(["--file", "wide", "--encoding", "UTF-16", "--format", "conll"])
    #expect(told.output == found.output && told.errors.isEmpty)
    let idle = try run(["--encoding", "UTF-16", "Ada"])
    #expect(idle.code == 2 && idle.errors.contains("--encoding: it is of --file"))
  }

  @Test func aPromptStandsBeforeWhatIsTyped() throws {
    for words in [["tag", "-m", "m.safetensors", "--format", "conll"], ["tokenize"]] {
      let (seen, code) = try tool.typed(["Ada", "ran home"], to: words)
      #expect(code == 0)
      let lines = seen.split(separator: "\r\n", omittingEmptySubsequences: true)
      #expect(lines.first?.contains("Ctrl-D ends") == true, "\(seen)")
      #expect(lines.count { $0.hasPrefix("> ") } == 3, "\(seen)")
      // The answer to a line comes before the next is asked for.
      let answer = words[0] == "tag" ? "Ada\t" : "A|d|a"
      #expect(lines.firstIndex { $0.hasPrefix(answer) } == 2, "\(seen)")
    }
  }
}

extension Tool {
  /// What a terminal shows where lines are typed, each once the prompt stands there, and then Ctrl-D; and
  /// the exit code.
  func typed(
    _ lines: [String], to words: [String], columns: UInt16 = 60
  ) throws -> (seen: String, code: Int32) {
    var (main, side): (Int32, Int32) = (0, 0)
    var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    try #require(openpty(&main, &side, nil, nil, &size) == 0)
    let terminal = FileHandle(fileDescriptor: side)
    let process = Process()
    process.executableURL = Self.program
    process.arguments = words
    process.currentDirectoryURL = folder
    process.standardInput = terminal
    process.standardOutput = terminal
    process.standardError = terminal
    try process.run()
    try terminal.close()
    defer { close(main) }
    var seen = ""
    var waiting = lines.map { $0 + "\n" } + ["\u{4}"]
    var block = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(main, &block, block.count)
      guard count > 0 else { break }
      seen += String(decoding: block[..<count], as: UTF8.self)
      if seen.hasSuffix("> "), !waiting.isEmpty {
        let line = Array(waiting.removeFirst().utf8)
        _ = write(main, line, line.count)
      }
    }
    process.waitUntilExit()
    return (seen, process.terminationStatus)
  }
}
