internal import Files
internal import Glibc
internal import Synchronization

/// What the tool is called: the name of its file.
let toolName = CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "tool"

/// Writes a sentence to standard error, on one line whatever it quotes.
package func complain(_ sentence: String) {
  writeError("\(toolName): \(visible(shortened(sentence), keepingLines: false))\n")
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
package func writeError(_ text: String) {
  clearLive()
  writeError(asIs: visible(text, keepingLines: true))
}

/// Whether a line of progress stands where the cursor is, which whatever is written next clears.
private let isLive = Atomic<Bool>(false)

/// Writes a live line, which must fit the terminal, over the last one.
///
/// The cursor waits at its beginning: where a window becomes narrower and breaks the line in two, all
/// of it is cleared from there.
func writeLive(_ line: String) {
  isLive.store(true, ordering: .relaxed)
  writeError(asIs: "\r\(visible(line, keepingLines: false))\u{1B}[J\r")
}

/// Clears the live line, if there is one.
func clearLive() {
  if isLive.exchange(false, ordering: .relaxed) { writeError(asIs: "\r\u{1B}[J") }
}

/// Whether this process leaves all telling to another with which it trains.
let isHushed = Atomic<Bool>(false)

private func writeError(asIs text: String) {
  guard !isHushed.load(ordering: .relaxed) else { return }
  var text = text
  text.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
}

/// Text from outside for output that has colours of the tool's own: on a terminal, all that it would
/// obey is made visible.
package func shown(_ text: String) -> String {
  outputIsTerminal ? visible(text, keepingLines: true) : text
}

private let outputIsTerminal = isatty(1) == 1

/// Writes to standard output at once; where nobody reads it any more, ends the tool in silence.
///
/// A file or a pipe gets the text as it is. On a terminal, what that would obey is made visible, but
/// for a `styled` text, whose parts from outside have gone through `shown`.
public func writeOutput(_ text: String, styled: Bool = false) {
  guard let failure = failureOfWriting(styled ? text : shown(text)) else { return }
  if failure != EPIPE { complain("standard output: \(String(cString: strerror(failure)))") }
  exit(failure == EPIPE ? 0 : 1)
}

/// Writes to standard output at once; returns the error's number where that fails.
package func failureOfWriting(_ text: String) -> Int32? {
  guard !isHushed.load(ordering: .relaxed) else { return nil }
  if outputIsTerminal { clearLive() }
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
