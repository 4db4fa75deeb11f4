import CommandLineOptions
import Glibc
import MajorTom

/// The tool's commands, in the order of the overview.
let commands: [Command] = [
  LanguageModel.trainCommand, Tagger.trainCommand, Translator.trainCommand, resumeCommand,
  runsCommand, verifyResumeCommand, generateCommand,
  tagCommand, translateCommand, evaluateCommand, scoreCommand, vocabularyCommand, tokenizeCommand,
  corpusNumbersCommand, corpusDatesCommand, corpusNamesCommand, selfTestCommand,
  gradientFlowCommand, explainCellsCommand, infoCommand, quantizeCommand, referenceCommand,
]

@main
enum Tool {
  static func main() {
    // A reader that stops reading, such as `head`, ends the tool by a write error, not a signal.
    signal(SIGPIPE, SIG_IGN)
    do {
      try run(Array(CommandLine.arguments.dropFirst()))
    } catch let error as UsageError {
      complain("\(error)")
      exit(2)
    } catch {
      complain(sentence(of: error))
      exit(1)
    }
  }

  private static func run(_ arguments: [String]) throws {
    guard let first = arguments.first, !["--help", "-h", "help"].contains(first) else {
      writeOutput(overview + "\n")
      return
    }
    if first == "--version" {
      writeOutput("majortom \(version)\n")
      return
    }
    for command in commands {
      let words = command.words.split(separator: " ").map(String.init)
      if Array(arguments.prefix(words.count)) == words {
        return try command.call(Array(arguments.dropFirst(words.count)))
      }
    }
    if ["train", "corpus", "explain"].contains(first) {
      let known = commands.map(\.words).filter { $0.hasPrefix(first + " ") }
      throw UsageError("\(first) what? there is: \(known.joined(separator: ", "))")
    }
    let known = commands.map { String($0.words.prefix { $0 != " " }) }
    let nearest = nearestName(to: first, among: known)
    throw UsageError(
      "unknown command \(first)\(nearest.map { "; did you mean \($0)?" } ?? "; see majortom --help")"
    )
  }

  private static var overview: String {
    let width = commands.reduce(0) { max($0, $1.words.count) }
    let rows = commands.map {
      "  majortom \($0.words)\(String(repeating: " ", count: width - $0.words.count))  \($0.summary)"
    }
    return """
      majortom: character-level text generation, learnt from your own text

      \(rows.joined(separator: "\n"))

      majortom COMMAND --help shows the options of a command.
      """
  }
}

/// The version of the tool.
let version = "0.1.0"

/// Writes a sentence to standard error.
func complain(_ sentence: String) { writeError("majortom: \(sentence)\n") }

/// Writes to standard error as is.
func writeError(_ text: String) {
  var text = text
  text.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
}

/// Writes to standard output at once; where nobody reads it any more, ends the tool in silence.
func writeOutput(_ text: String) {
  guard let failure = failureOfWriting(text) else { return }
  if failure != EPIPE { complain("standard output: \(String(cString: strerror(failure)))") }
  exit(failure == EPIPE ? 0 : 1)
}

/// Writes to standard output at once; returns the error's number where that fails.
func failureOfWriting(_ text: String) -> Int32? {
  var text = text
  return text.withUTF8 { bytes in
    var at = 0
    while at < bytes.count {
      let written = write(1, bytes.baseAddress.map { $0 + at }, bytes.count - at)
      if written < 0, errno == EINTR { continue }
      if written <= 0 { return written == 0 ? ENOSPC : errno }
      at += written
    }
    return nil
  }
}
