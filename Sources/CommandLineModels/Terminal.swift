internal import Glibc

/// When output has colours.
package enum ColorChoice: String, CaseIterable {
  /// On a terminal that obeys, unless `$NO_COLOR` says otherwise (https://no-color.org).
  case auto
  /// Always, even into a file.
  case always
  /// Never.
  case never

  /// Whether standard output is to have colours.
  package var isColored: Bool {
    switch self {
    case .always: true
    case .never: false
    case .auto: isTerminal(1) && environment("NO_COLOR") == nil
    }
  }
}

/// The option that every command with colours has.
package let colorOption = Option("color", "WHEN", "auto, always or never (default: auto)")

extension ParsedArguments {
  /// Whether standard output is to have colours, as the option and the terminal say.
  ///
  /// Throws `UsageError` for an option that is none of the choices.
  package func isColored() throws(UsageError) -> Bool {
    (try choice("color", of: ColorChoice.self) ?? .auto).isColored
  }
}

/// Whether a stream goes to a terminal that obeys what moves and colours.
package func isTerminal(_ stream: Int32) -> Bool {
  isatty(stream) == 1 && environment("TERM") != "dumb"
}

/// How many cells a line of a terminal has now; nil where a stream goes elsewhere.
///
/// It is asked each time, as a window may change its size at any moment.
package func columns(of stream: Int32) -> Int? {
  guard isTerminal(stream) else { return nil }
  var size = winsize()
  if ioctl(stream, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
  return environment("COLUMNS").flatMap { Int($0) }.map { max(1, $0) } ?? 80
}

/// A variable of the environment that is not empty.
package func environment(_ name: String) -> String? {
  guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty else { return nil }
  return value
}
