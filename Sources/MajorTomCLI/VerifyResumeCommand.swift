import CommandLineModels
import CommandLineOptions
import Glibc
import MajorTom

/// The command `majortom verify-resume DATA`.
let verifyResumeCommand = Command(
  "verify-resume", summary: "prove on your data that a run that is killed loses nothing",
  synopsis: "DATA... [OPTION...]",
  about: """
    Trains on DATA for some seconds, then does the same again in a process that is killed at random
    places and resumed, and compares the two models byte by byte. It takes about a minute, and leaves
    nothing behind.
    """,
  options: [
    Option("model", "KIND", "lm, tagger or translator (default: by the names of DATA)"),
    Option("config", "FILE", "Settings of the training, such as the config.json of a run"),
    Option("kills", "N", "How often it is killed (default: 8)"),
    Option("seconds", "S", "How long the training that is not killed takes (default: 15)"),
    Option("seed", "S", "Seed of the places (default: 1)"),
  ]
) { arguments in
  guard !arguments.words.isEmpty else {
    throw UsageError("no data: majortom verify-resume DATA")
  }
  let kinds = trainableKinds.map { $0.trainTexts.word }
  let word = arguments.text("model") ?? usualKind(of: arguments.words)
  guard kinds.contains(word) else {
    throw UsageError("--model \(word): expected one of \(kinds.joined(separator: ", "))")
  }
  let check = try ResumeCheck(
    training: ["train", word] + arguments.words
      + (arguments.text("config").map { ["--config", $0] } ?? []),
    seconds: try arguments.number("seconds", in: 1...3600) ?? 15,
    kills: try arguments.integer("kills", in: 1...1000) ?? 8,
    seed: UInt64(try arguments.integer("seed", in: 0...Int.max) ?? 1))
  defer { check.cleanUp() }
  try check.run()
}

/// What files of such names are trained to be.
private func usualKind(of paths: [String]) -> String {
  let path = paths.first.map(Compression.plainName) ?? ""
  if [".conll", ".conllu", ".iob", ".bio"].contains(where: path.hasSuffix) { return "tagger" }
  return path.hasSuffix(".tsv") ? "translator" : "lm"
}

/// Two trainings that must make the same bytes, one of them killed now and then.
private struct ResumeCheck {
  private let training: [String]
  private let seconds: Double
  private let kills: Int
  private let random: CounterRandom
  private let folder: String

  init(training: [String], seconds: Double, kills: Int, seed: UInt64) throws {
    self.training = training
    self.seconds = seconds
    self.kills = kills
    random = CounterRandom(seed: seed, stream: .shuffle)
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var name = Array("\(parent)/majortom-verify-XXXXXX".utf8CString)
    guard mkdtemp(&name) != nil else {
      throw FileError.unwritable(path: parent, reason: String(cString: strerror(errno)))
    }
    folder = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  func cleanUp() {
    for run in Folders.names(in: folder) {
      for name in Folders.names(in: "\(folder)/\(run)") {
        FileWriter.remove("\(folder)/\(run)/\(name)")
      }
      FileWriter.remove("\(folder)/\(run)")
      Folders.removeIfEmpty("\(folder)/\(run)")
    }
    Folders.removeIfEmpty(folder)
  }

  func run() throws {
    let updates = try usefulUpdates()
    let budget = ["--updates", "\(updates)", "--patience", "0", "--checkpoint-every", "0.2"]
    writeError("training \(counted(updates, "update")) without a break ...\n")
    let start = ContinuousClock.now
    try finish(training + budget + ["-o", "\(folder)/whole"], about: seconds)
    let whole = (ContinuousClock.now - start) / .seconds(1)
    writeError("training the same, killed \(counted(kills, "time")) ...\n")
    var made = 0
    var next = training + budget + ["-o", "\(folder)/broken"]
    for number in 0..<kills {
      let child = try ChildProcess(next, output: "\(folder)/output")
      // Twice the mean that would spread the kills over the whole run.
      let pause = 0.1 + random.uniform(step: number, index: 0) * 2 * whole / Double(kills)
      if let status = child.wait(atMost: pause) {
        guard status == 0 else { throw failure() }
        break
      }
      child.kill()
      made += 1
      // A run that was killed before it began has nothing to resume.
      if RunFiles(folder: "\(folder)/broken").hasCheckpoint {
        next = ["resume", "\(folder)/broken"]
      } else {
        next = training + budget + ["-o", "\(folder)/broken", "--overwrite"]
      }
    }
    try finish(next, about: whole)
    try compare(kills: made)
  }

  /// The updates that training makes in the time wanted.
  private func usefulUpdates() throws -> Int {
    let probe = RunFiles(folder: "\(folder)/probe")
    let minutes = "\(max(0.05, seconds / 4 / 60))"
    try finish(
      training + ["--minutes", minutes, "--patience", "0", "-o", probe.path], about: seconds / 4)
    guard let record = RunSummary(of: probe)?.record, record.seconds > 0 else { throw failure() }
    return max(10, Int(Double(record.updates) * seconds / record.seconds))
  }

  /// Trains to the end, which takes about so many seconds.
  private func finish(_ arguments: [String], about expected: Double) throws {
    let child = try ChildProcess(arguments + ["--quiet"], output: "\(folder)/output")
    let start = ContinuousClock.now
    let status = withProgress("training") { bar in
      while true {
        if let status = child.wait(atMost: 0.2) { return status }
        bar.update(min(0.99, (ContinuousClock.now - start) / .seconds(1) / expected))
      }
    }
    guard status == 0 else { throw failure() }
  }

  /// What the last child said.
  private func failure() -> InputError {
    let bytes = (try? TextFiles.bytes(of: "\(folder)/output", maxLength: 1 << 16)) ?? []
    let text = String(decoding: bytes, as: UTF8.self)
    let line = text.split(separator: "\n").last.map(String.init) ?? "it ended without a word"
    return InputError(
      description: "the training failed: "
        + (line.hasPrefix("majortom: ") ? String(line.dropFirst(10)) : line))
  }

  private func compare(kills: Int) throws {
    let models = try ["whole", "broken"].map {
      try TextFiles.bytes(of: RunFiles(folder: "\(folder)/\($0)").model, maxLength: Int.max)
    }
    guard models[0] == models[1] else {
      throw InputError(
        description:
          "the model of the run that was killed differs from the other: this should never happen; "
          + "please report it with the command")
    }
    var checksum = CRC32C()
    models[0].withUnsafeBytes { checksum.add($0) }
    writeOutput(
      "identical: killed \(counted(kills, "time")) and resumed, the run made the same "
        + "\(counted(models[0].count, "byte")) (CRC-32C \(checksum.digits))\n")
  }
}
