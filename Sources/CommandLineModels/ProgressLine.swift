internal import Files
internal import ICUText
internal import Synchronization
internal import Training

/// Progress on standard error: one live line on a terminal, else a plain line every few seconds.
///
/// The live line is never wider than the terminal is at that moment, so it never wraps. Any thread may
/// show it.
package final class ProgressLine: Sendable {
  private let isQuiet: Bool
  private let nextShown: Mutex<ContinuousClock.Instant>

  /// A line that is first shown after some time, so that what is done at once shows nothing; elsewhere than
  /// on a terminal after five seconds more.
  package init(isQuiet: Bool = false, after delay: Duration = .zero) {
    self.isQuiet = isQuiet
    let isPlain = !isTerminal(2) && delay > .zero
    nextShown = Mutex(ContinuousClock.now + delay + (isPlain ? Self.plainPause : .zero))
  }

  private static let livePause = Duration.milliseconds(150)
  private static let plainPause = Duration.seconds(5)

  /// Shows parts, made only where it is time for it: those that come first matter most.
  ///
  /// On a terminal, `parts` gets the cells that there are.
  package func show(_ parts: (_ width: Int?) -> [String]) {
    guard !isQuiet else { return }
    let isDue = nextShown.withLock { next in
      let now = ContinuousClock.now
      guard now >= next else { return false }
      next = now + (isTerminal(2) ? Self.livePause : Self.plainPause)
      return true
    }
    guard isDue else { return }
    guard let columns = columns(of: 2) else { return writePlain(parts(nil)) }
    writeLive(fitted(parts(columns - 1), to: columns - 1))
  }

  /// Writes parts as a line that stays: on a terminal as much as one line holds.
  package func keep(_ parts: [String]) {
    guard !isQuiet else { return }
    guard let columns = columns(of: 2) else { return writePlain(parts) }
    writeError(fitted(parts, to: columns - 1) + "\n")
  }

  /// Clears the live line.
  package func end() {
    if !isQuiet { clearLive() }
  }

  private func writePlain(_ parts: [String]) {
    writeError(visible(parts.joined(separator: "  "), keepingLines: false) + "\n")
  }
}

/// As many parts as a line of so many cells has room for, the first one cut where it is too long alone.
func fitted(_ parts: [String], to width: Int) -> String {
  var line = ""
  for part in parts.map({ visible($0, keepingLines: false) }) where !part.isEmpty {
    let longer = line.isEmpty ? shortened(part, toWidth: width) : line + "  " + part
    if displayWidth(of: longer) <= width { line = longer }
  }
  return line
}

/// How far something has come that may take more than a second, with the time that is left.
///
///     try withProgress("reading corpus.txt") { bar in try read { bar.update($0) } }
package final class ProgressBar: Sendable {
  private let label: String
  private let line: ProgressLine
  private let state = Mutex((start: ContinuousClock.Instant?.none, last: 0.0))

  /// A bar that shows nothing for its first second.
  package init(_ label: String, isQuiet: Bool = false) {
    self.label = label
    line = ProgressLine(isQuiet: isQuiet, after: .seconds(1))
  }

  /// What the libraries take.
  package var report: @Sendable (Double) -> Void {
    { [self] in update($0) }
  }

  /// Shows what fraction is done, or, where nobody knows, the time that it has taken.
  ///
  /// A fraction that has fallen is of something new, such as the same file read once more; and what is done
  /// is not shown any longer.
  package func update(_ fraction: Double?, _ detail: String = "") {
    let start = state.withLock { state in
      // Threads may tell what they have done out of order.
      let isNew = fraction.map { $0 < state.last - 0.5 } ?? false
      let start = isNew ? .now : state.start ?? .now
      state = (start, fraction ?? state.last)
      return start
    }
    if let fraction, fraction >= 1 { return line.end() }
    line.show { width in
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      guard let fraction, fraction.isFinite else { return [label, detail, time(seconds)] }
      let done = max(0, fraction)
      let left = done > 0 ? time(seconds * (1 - done) / done) + " left" : ""
      let texts = ["\(Int(100 * done)) %", left, detail].filter { !$0.isEmpty }
      guard let width else { return [label] + texts }
      // A long name must not take the room of the numbers.
      let numbers = displayWidth(of: texts[0]) + displayWidth(of: left) + 4
      let name = shortened(label, toWidth: max(8, width - numbers))
      return [name] + texts + [bar(done, in: width, beside: [name] + texts)]
    }
  }

  /// A bar of what room the texts leave; empty where that is little.
  private func bar(_ done: Double, in width: Int, beside texts: [String]) -> String {
    let room = texts.reduce(width) { $0 - displayWidth(of: $1) - 2 } - 2
    guard room >= 8 else { return "" }
    let cells = min(30, room)
    let filled = Int(done * Double(cells))
    return "[" + String(repeating: "#", count: filled)
      + String(repeating: "-", count: cells - filled) + "]"
  }

  /// Clears it.
  package func end() { line.end() }
}

/// Does something that tells how far it has come, and clears the bar at its end.
package func withProgress<Result>(
  _ label: String, isQuiet: Bool = false, _ body: (ProgressBar) throws -> Result
) rethrows -> Result {
  let bar = ProgressBar(label, isQuiet: isQuiet)
  defer { bar.end() }
  return try body(bar)
}
