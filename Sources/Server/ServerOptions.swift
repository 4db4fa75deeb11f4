internal import DenseMath

/// The most that a server takes on.
public struct ServerLimits: Sendable, Equatable {
  /// Bytes of a request's body.
  public var bodyBytes = 1 << 20
  /// Tokens of a prompt, and characters of a text that is tagged or translated.
  public var promptTokens = 16_384
  /// Tokens of a completion.
  public var completionTokens = 4_096
  /// Texts that are written at once, by each language model.
  public var slots = 32
  /// Threads that write them, a part each; by default as many as the process may use.
  public var threads = Shards.processors
  /// Requests that wait for a slot, at each model.
  public var queue = 256
  /// Texts that are tagged, translated or scored at once, each by a thread of its own.
  public var jobs = 4
  /// Seconds that a request may take.
  public var seconds = 300.0
  /// Connections at once; above what can wait, so that the rest can be told.
  public var connections = 2_048
  /// Seconds after which a connection is closed on which nothing moves, or no whole request has come.
  public var idleSeconds = 60
  /// Bytes of an answer that wait for who reads slowly; more, and the connection is cut.
  public var unreadBytes = 1 << 20

  /// The usual limits.
  public init() {}
}

/// How requests are logged.
public enum ServerLog: String, Sendable, CaseIterable {
  /// A line of text each.
  case text
  /// A JSON object each.
  case json
  /// Not at all.
  case none
}

/// How a server serves.
public struct ServerOptions: Sendable {
  /// Where it listens.
  public var address = ServerAddress.network("127.0.0.1", port: 8080)
  /// The most that it takes on.
  public var limits = ServerLimits()
  /// What clients must know; nil where all may ask.
  public var key: String?
  /// Origins besides its own whose pages may ask, as `https://example.org`.
  public var origins: [String] = []
  /// Names besides `localhost` and numeric addresses that it is called by.
  public var hosts: [String] = []
  /// What is logged.
  public var log = ServerLog.none
  /// Whether the log has the prompts.
  public var logsPrompts = false
  /// Takes a line of the log, on any thread.
  public var write: @Sendable (String) -> Void = { _ in }

  /// The usual options.
  public init() {}
}
