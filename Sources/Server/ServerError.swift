internal import Files

/// Why a server does not start, or does not load a model.
public enum ServerError: Error, Sendable, Equatable, CustomStringConvertible {
  /// libmicrohttpd is not installed.
  case library
  /// The address cannot be listened at.
  case listening(String, reason: String)
  /// Two models of one name.
  case sameName(String)
  /// A model of a kind that is not served.
  case kind(path: String, kind: String)
  /// No model at all.
  case noModel

  /// The sentence.
  public var description: String {
    switch self {
    case .library:
      "libmicrohttpd is not installed, and serving needs it: apt install libmicrohttpd12"
    case .listening(let address, let reason): "\(quoted(address)) cannot be listened at: \(reason)"
    case .sameName(let name):
      "two of the models are called \(quoted(name)): rename one of the files"
    case .kind(let path, let kind):
      "\(quoted(path)) is a \(quoted(kind)), which is no model that can be served"
    case .noModel: "there is no model to serve"
    }
  }
}

/// What is wrong with a request: a status, and a JSON object as OpenAI's interface has it.
struct RequestError: Error, Sendable {
  let status: Int
  let message: String
  /// The field that is wrong; nil where it is none.
  var field: String?
  var code: String?
  /// Seconds after which it may be tried again.
  var retryAfter: Int?
  /// Further headers, each with its line's end.
  var more = ""

  /// A request that cannot be meant.
  static func invalid(_ message: String, field: String? = nil, code: String? = nil) -> Self {
    RequestError(status: 400, message: message, field: field, code: code)
  }

  private var type: String {
    switch status {
    case 401: "authentication_error"
    case 403: "permission_error"
    case 429: "rate_limit_error"
    case 500...: "server_error"
    default: "invalid_request_error"
    }
  }

  /// The object.
  var json: JSONValue {
    .object([
      "error": .object([
        "message": .text(message), "type": .text(type),
        "param": field.map { .text($0) } ?? .raw("null"),
        "code": code.map { .text($0) } ?? .raw("null"),
      ])
    ])
  }

  /// Headers that belong to it.
  var headers: String {
    (retryAfter.map { "Retry-After: \($0)\n" } ?? "")
      + (status == 401 ? "WWW-Authenticate: Bearer\n" : "") + more
  }
}
