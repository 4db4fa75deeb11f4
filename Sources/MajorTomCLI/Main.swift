import CommandLineOptions
import Glibc
import MajorTom

/// The tool's commands, in the order of the overview.
let commands: [Command] = [
  LanguageModel.trainCommand, Tagger.trainCommand, Translator.trainCommand, resumeCommand,
  runsCommand, checkCommand, verifyResumeCommand, generateCommand,
  tagCommand, translateCommand, evaluateCommand, scoreCommand, vocabularyCommand, tokenizeCommand,
  corpusNumbersCommand, corpusDatesCommand, corpusNamesCommand, selfTestCommand,
  gradientFlowCommand, explainCellsCommand, explainAllCommand, infoCommand, quantizeCommand,
  referenceCommand,
]

@main
enum Tool {
  static func main() {
    // A reader that stops reading, such as `head`, ends the tool by a write error, not a signal.
    signal(SIGPIPE, SIG_IGN)
    keepStandardStreams()
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
      "unknown command \(quoted(first))\(nearest.map { "; did you mean \($0)?" } ?? "; see majortom --help")"
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

/// The version of the tool.
let version = "0.1.0"

/// Writes a sentence to standard error, on one line whatever it quotes.
func complain(_ sentence: String) {
  writeError("majortom: \(visible(shortened(sentence), keepingLines: false))\n")
}

/// A sentence whose middle is left out where a path in it, say, is longer than anybody reads.
private func shortened(_ sentence: String) -> String {
  let most = 2000
  guard sentence.utf8.count > most else { return sentence }
  let scalars = sentence.unicodeScalars
  let (head, tail) = (scalars.prefix(most / 2), scalars.suffix(most / 2))
  guard head.endIndex < tail.startIndex else { return sentence }
  return String(String.UnicodeScalarView(head)) + " … "
    + String(String.UnicodeScalarView(tail))
}

/// Writes to standard error, with all that a terminal would obey made visible.
func writeError(_ text: String) { writeError(asIs: visible(text, keepingLines: true)) }

/// Writes a line of progress to standard error, which may begin by going back to its beginning and
/// clear what is left of the line before.
func writeLive(_ text: String) {
  let start = text.unicodeScalars.first == "\r" ? "\r" : ""
  let clearing = "\u{1B}[K"
  let rest = String(text.unicodeScalars.dropFirst(start.isEmpty ? 0 : 1))
  writeError(
    asIs: start
      + rest.split(separator: clearing, omittingEmptySubsequences: false)
      .map { visible(String($0), keepingLines: true) }.joined(separator: clearing))
}

private func writeError(asIs text: String) {
  var text = text
  text.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
}

/// Text from outside for output that has colours of the tool's own: on a terminal, all that it would
/// obey is made visible.
func shown(_ text: String) -> String {
  outputIsTerminal ? visible(text, keepingLines: true) : text
}

private let outputIsTerminal = isatty(1) == 1

/// Writes to standard output at once; where nobody reads it any more, ends the tool in silence.
///
/// A file or a pipe gets the text as it is. On a terminal, what that would obey is made visible, but
/// for a `styled` text, whose parts from outside have gone through `shown`.
func writeOutput(_ text: String, styled: Bool = false) {
  guard let failure = failureOfWriting(styled ? text : shown(text)) else { return }
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
