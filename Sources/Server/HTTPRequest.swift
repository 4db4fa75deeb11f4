internal import CMicrohttpd

/// One request, which any thread may answer, whole or piece by piece.
///
/// What is done with a request that nobody waits for any more is done in vain, and safe.
///
/// Sendable: the texts of a request never change, and all else in it is guarded by a lock of its own
/// (CMicrohttpd.c, "Guards all that follows").
final class HTTPRequest: @unchecked Sendable {
  private let request: OpaquePointer
  /// What is asked for: method, path without its query, and body.
  let method, path: String
  let body: [UInt8]
  /// Headers; nil where they were not sent.
  let host, origin, authorization: String?
  /// Whether the body was longer than allowed, and so was not kept.
  let isTooLarge: Bool
  /// Whether so many requests are under way that it is to be refused.
  let isCrowded: Bool
  /// When it came.
  let start = Clock.now

  /// Takes over a request of the server's.
  init(_ request: OpaquePointer) {
    self.request = request
    method = String(cString: mhttpd_method(request))
    path = String(cString: mhttpd_path(request))
    let count = mhttpd_body_size(request)
    body = count == 0 ? [] : Array(UnsafeBufferPointer(start: mhttpd_body(request), count: count))
    host = mhttpd_host(request).map { String(cString: $0) }
    origin = mhttpd_origin(request).map { String(cString: $0) }
    authorization = mhttpd_authorization(request).map { String(cString: $0) }
    isTooLarge = mhttpd_is_too_large(request)
    isCrowded = mhttpd_is_crowded(request)
  }

  deinit { mhttpd_release(request) }

  /// Whether nobody waits for the answer any more.
  var isGone: Bool { mhttpd_is_gone(request) }

  /// Answers with all of it.
  func answer(_ status: Int, _ headers: String, _ body: String) {
    var body = body
    body.withUTF8 {
      mhttpd_answer(request, UInt32(status), headers, $0.baseAddress, $0.count, true)
    }
  }

  /// Begins an answer whose pieces `send` sends.
  func begin(_ status: Int, _ headers: String) {
    mhttpd_answer(request, UInt32(status), headers, nil, 0, false)
  }

  /// Sends a piece more; false where nobody reads it, or too slowly.
  func send(_ piece: String) -> Bool {
    var piece = piece
    return piece.withUTF8 { mhttpd_send(request, $0.baseAddress, $0.count) }
  }

  /// The end of what was sent in pieces.
  func end(failed: Bool = false) { mhttpd_end(request, failed) }
}
