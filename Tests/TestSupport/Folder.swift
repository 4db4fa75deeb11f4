import Foundation

/// A folder for a test's files, removed with it.
public final class Folder {
  /// Its path.
  public let path: String

  /// A folder of its own name.
  public init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The names of all that lies in it, hidden files too.
  public var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }

  /// The path of a file in it.
  public func place(_ name: String) -> String { path + "/" + name }

  /// Writes a file; returns its path.
  @discardableResult
  public func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: place(name)))
    return place(name)
  }

  /// Writes a text file; returns its path.
  @discardableResult
  public func write(_ name: String, _ text: String) throws -> String {
    try write(name, Array(text.utf8))
  }

  /// What stands in a text file.
  public func text(_ name: String) throws -> String {
    try String(contentsOfFile: place(name), encoding: .utf8)
  }
}

/// Runs `body` without root's rights, if the process has them: root may write anywhere.
public func asNobody<Result>(_ body: () -> Result) -> Result {
  let isRoot = geteuid() == 0
  if isRoot { _ = seteuid(65534) }
  defer { if isRoot { _ = seteuid(0) } }
  return body()
}

/// From here on files of this process can have 64 KiB: a write past that fails as on a full disk.
public func limitFileSize() {
  signal(SIGXFSZ, SIG_IGN)
  var limit = rlimit(rlim_cur: 1 << 16, rlim_max: 1 << 16)
  setrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE
}
