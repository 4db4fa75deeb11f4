internal import CommandLineOptions
internal import Files
internal import Glibc
internal import Training

/// A command line tool: its commands, their help, and how errors are told.
///
///     CommandLineTool(
///       about: "identify: tells languages apart", version: "1",
///       commands: [Identifier.trainCommand, resumeCommand(of: [Identifier.self])]
///     ).main()
public struct CommandLineTool {
  private let about, version: String
  private let commands: [Command]
  private let remedy: (any Error) -> String?
  private let check: (Command, ParsedArguments) throws -> Void

  /// A tool of some commands; `about` is the first line of its help.
  public init(about: String, version: String, commands: [Command]) {
    self.init(
      about: about, version: version, commands: commands, remedy: { _ in nil },
      check: { _, _ in })
  }

  /// The same, with what a user can do about errors, and what is refused before a command runs.
  package init(
    about: String, version: String, commands: [Command], remedy: @escaping (any Error) -> String?,
    check: @escaping (Command, ParsedArguments) throws -> Void
  ) {
    self.about = about
    self.version = version
    self.commands = commands
    self.remedy = remedy
    self.check = check
  }

  /// Does what the process's arguments say; ends the process with 2 for wrong usage and with 1 for other
  /// errors, each told in a sentence.
  public func main() {
    // A reader that stops reading, such as `head`, ends the tool by a write error, not a signal.
    signal(SIGPIPE, SIG_IGN)
    keepStandardStreams()
    runningVersion.withLock { $0 = version }
    do {
      try run(Array(CommandLine.arguments.dropFirst()))
      try endTogether()
    } catch let error as UsageError {
      endTogether(error, telling: "\(error)", status: 2)
    } catch {
      endTogether(error, telling: sentence(of: error), status: 1)
    }
  }

  /// The library's sentence, and what to do about it on a command line, whose options no library knows.
  private func sentence(of error: any Error) -> String {
    let found = "\(error)"
    guard let remedy = remedy(error) ?? trainingRemedy(error), isPossible(remedy) else {
      return found
    }
    return "\(found.hasSuffix(".") ? String(found.dropLast()) : found); \(remedy)"
  }

  /// Whether the command that was called has the options that a remedy names.
  private func isPossible(_ remedy: String) -> Bool {
    guard let command = called(by: Array(CommandLine.arguments.dropFirst())) else { return true }
    let names = remedy.split(separator: " ").filter { $0.hasPrefix("--") }.map {
      String($0.dropFirst(2).prefix { $0.isLetter || $0 == "-" })
    }
    return names.allSatisfy { name in command.options.contains { $0.name == name } }
  }

  /// The command that arguments begin with.
  private func called(by arguments: [String]) -> Command? {
    commands.first { command in
      arguments.starts(with: command.words.split(separator: " ").map(String.init))
    }
  }

  private func trainingRemedy(_ error: any Error) -> String? {
    if case .tooMany? = error as? ProcessError {
      return "start fewer, or cut batches into more with --shards, which changes results"
    }
    return switch error as? TrainingError {
    case .diverged: "the options are --rate and --clip"
    case .checkpoint: "go on as it was begun, or begin anew with --overwrite"
    default: nil
    }
  }

  private func run(_ arguments: [String]) throws {
    guard let first = arguments.first, !["--help", "-h", "help"].contains(first) else {
      return try help(with: Array(arguments.dropFirst()))
    }
    var arguments = arguments
    if ["--version", "-V", "version"].contains(first) {
      // A tool may have more to tell than its number.
      arguments[0] = "version"
      guard commands.contains(where: { $0.words == "version" }) else {
        return writeOutput("\(toolName) \(version)\n")
      }
    }
    guard let command = called(by: arguments) else { throw unknown(arguments) }
    let rest = Array(arguments.dropFirst(command.words.split(separator: " ").count))
    return try command.call(rest == ["help"] ? ["--help"] : rest, check: check)
  }

  /// The help of the tool, or of the commands that some words begin.
  private func help(with words: [String]) throws {
    let name = words.joined(separator: " ")
    if let command = commands.first(where: { $0.words == name }) {
      return try command.call(["--help"], check: check)
    }
    let family = commands.filter { $0.words.hasPrefix(name + " ") }
    guard words.isEmpty || !family.isEmpty else { throw unknown(words) }
    writeOutput(overview(of: words.isEmpty ? commands : family) + "\n")
  }

  /// What is wrong with words that begin no command.
  private func unknown(_ arguments: [String]) -> UsageError {
    let first = arguments[0]
    let families = commands.map(\.words).filter { $0.hasPrefix(first + " ") }
    func meant(_ typed: String, _ known: [String]) -> String? {
      nearestName(to: typed, among: known).map { "; did you mean \($0)?" }
    }
    if !families.isEmpty {
      let nearest =
        arguments.count > 1 ? meant(arguments.prefix(2).joined(separator: " "), families) : nil
      return UsageError(
        "\(first) what? there is: \(families.joined(separator: ", "))\(nearest ?? "")")
    }
    if first.hasPrefix("-") {
      return UsageError(
        "unknown option \(quoted(first))\(meant(first, ["--help", "--version"]) ?? "; a command comes first: see \(toolName) --help")"
      )
    }
    let known = commands.map { String($0.words.prefix { $0 != " " }) } + ["help", "version"]
    // A family's second word alone is a slip, too: lm for train lm.
    let whole = commands.first { $0.words.hasSuffix(" " + first) }
    return UsageError(
      "unknown command \(quoted(first))"
        + (whole.map { "; did you mean \($0.words)?" } ?? meant(first, known)
          ?? "; see \(toolName) --help"))
  }

  private func overview(of commands: [Command]) -> String {
    let width = commands.reduce(0) { max($0, $1.words.count) }
    let rows = commands.map {
      "  \(toolName) \($0.words)\(String(repeating: " ", count: width - $0.words.count))  \($0.summary)"
    }
    return """
      \(about)

      \(rows.joined(separator: "\n"))

      \(toolName) help COMMAND shows what a command does, and its options.
      """
  }
}

/// Opens those of the standard streams that whoever started the tool has closed.
///
/// Else a file gets their number, and what is printed goes into a model. As before, they can neither be
/// read nor written.
private func keepStandardStreams() {
  for stream in 0...2 as ClosedRange<Int32> where fcntl(stream, F_GETFD) < 0 && errno == EBADF {
    // The lowest free number is this one.
    _ = open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY)
  }
}
