internal import CMicrohttpd
internal import Files

/// Where a server listens.
public enum ServerAddress: Sendable, Equatable, CustomStringConvertible {
  /// A numeric address and a port, 0 for any that is free.
  case network(String, port: Int)
  /// A UNIX socket.
  case unix(String)

  /// As people write it.
  public var description: String {
    switch self {
    case .network(let address, let port):
      "http://\(address.contains(":") ? "[\(address)]" : address):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }
}

/// libmicrohttpd's server: takes requests and hands them on.
///
/// Sendable: the handler is set once before the server starts; the C server's functions may be called on any
/// thread, and `stop` is called by `Server.stop` alone, once.
final class HTTPListener: @unchecked Sendable {
  private let server: OpaquePointer
  private let handler: Unmanaged<Handler>
  let address: ServerAddress

  private final class Handler: Sendable {
    let handle: @Sendable (HTTPRequest) -> Void
    init(_ handle: @escaping @Sendable (HTTPRequest) -> Void) { self.handle = handle }
  }

  /// Listens, and calls `handle` on the server's thread for each request.
  ///
  /// Throws `ServerError.listening`, and `ServerError.library` without libmicrohttpd.
  init(
    _ address: ServerAddress, _ limits: ServerLimits,
    _ handle: @escaping @Sendable (HTTPRequest) -> Void
  ) throws(ServerError) {
    guard mhttpd_open() else { throw .library }
    handler = Unmanaged.passRetained(Handler(handle))
    var error = [CChar](repeating: 0, count: 256)
    let context = handler.toOpaque()
    let (name, path, port): (String?, String?, Int) =
      switch address {
      case .network(let name, let port): (name, nil, port)
      case .unix(let path): (nil, path, 0)
      }
    let server = withOptionalCString(name) { name in
      withOptionalCString(path) { path in
        var settings = mhttpd_settings(
          address: name, unix_path: path, port: UInt16(port),
          connections: UInt32(limits.connections), timeout: UInt32(limits.idleSeconds),
          leave: UInt32(max(1, limits.seconds.rounded(.up))), body: limits.bodyBytes,
          unread: limits.unreadBytes)
        return mhttpd_start(
          &settings,
          { context, request in
            guard let context else { return }
            Unmanaged<Handler>.fromOpaque(context).takeUnretainedValue()
              .handle(HTTPRequest(request))
          }, context, &error, error.count)
      }
    }
    guard let server else {
      handler.release()
      let reason = String(
        decoding: error.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw .listening("\(address)", reason: reason)
    }
    self.server = server
    if case .network(let name, _) = address {
      self.address = .network(name, port: Int(mhttpd_port(server)))
    } else {
      self.address = address
    }
  }

  /// The requests that are not over.
  var liveRequests: Int { Int(mhttpd_live(server)) }

  /// Accepts no more connections.
  func close() { mhttpd_close(server) }

  /// Cuts what is left and ends; nothing may be done with the listener afterwards.
  func stop() {
    mhttpd_stop(server)
    handler.release()
  }
}

private func withOptionalCString<Result>(
  _ text: String?, _ body: (UnsafePointer<CChar>?) -> Result
) -> Result {
  guard let text else { return body(nil) }
  return text.withCString(body)
}
