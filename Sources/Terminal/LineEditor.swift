internal import CEdit
internal import Glibc

/// Reads lines that someone types, with editing and a history where the system has libedit.
///
/// libedit has one state for the whole process, so there should be one editor at a time, on one thread.
public struct LineEditor: ~Copyable {
  private let history: String?
  private let edits: Bool

  /// An editor whose history is kept in a file, if that can be written.
  public init(history: String? = nil) {
    edits = isatty(0) == 1 && isatty(1) == 1 && medit_open()
    self.history = history
    if edits, let history { _ = medit_read_history(history) }
  }

  /// The next line without its end; nil at the end of input.
  ///
  /// The prompt is shown where someone types.
  public func line(prompt: String) -> String? {
    guard edits else {
      if isatty(0) == 1 {
        print(prompt, terminator: "")
        fflush(nil)
      }
      return readLine()
    }
    guard let typed = medit_line(prompt) else { return nil }
    defer { free(typed) }
    let line = String(cString: typed)
    if !line.isEmpty {
      medit_remember(typed)
      if let history { _ = medit_write_history(history) }
    }
    return line
  }

  /// Where a tool keeps a history: in `$XDG_STATE_HOME`, else `~/.local/state`, by the XDG base directory
  /// specification; nil where there is no such folder and none can be made.
  public static func usualHistory(of tool: String) -> String? {
    func folder(_ variable: String) -> String? {
      getenv(variable).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    guard let base = folder("XDG_STATE_HOME") ?? folder("HOME").map({ $0 + "/.local/state" })
    else { return nil }
    var path = ""
    for part in (base + "/" + tool).split(separator: "/") {
      path += "/" + part
      // Whether it can be written shows when it is.
      mkdir(path, 0o700)
    }
    return path + "/history"
  }
}
