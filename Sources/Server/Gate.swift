/// Who may ask: by the host's name, the origin of the page, and the key.
struct Gate: Sendable {
  private let address: ServerAddress
  private let hosts: Set<String>
  private let origins: Set<String>
  private let key: [UInt8]?

  init(_ options: ServerOptions) {
    address = options.address
    hosts = Set((options.hosts + ["localhost"]).map { $0.lowercased() })
    origins = Set(options.origins.map { $0.lowercased() })
    key = options.key.map { Array($0.utf8) }
  }

  /// Throws `RequestError` for who may not ask; what is open needs no key.
  func check(_ request: HTTPRequest, isOpen: Bool) throws(RequestError) {
    if let host = request.host, !allows(host: host) {
      throw RequestError(
        status: 403, message: "the server is not called by this name", code: "foreign_host")
    }
    if let origin = request.origin, !allows(origin: origin, host: request.host) {
      throw RequestError(
        status: 403, message: "pages of this origin may not ask", code: "foreign_origin")
    }
    // A browser asks without the key whether it may ask.
    if isOpen || request.method == "OPTIONS" { return }
    if let key, !Self.areEqual(Self.key(in: request.authorization), key) {
      throw RequestError(
        status: 401, message: "a key is needed: Authorization: Bearer KEY",
        code: "invalid_api_key")
    }
  }

  /// A page of another name's can be made to lead here (DNS rebinding): a number cannot.
  private func allows(host: String) -> Bool {
    guard case .network = address else { return true }
    if host.hasPrefix("[") { return true }
    let name = String(host.prefix { $0 != ":" }).lowercased()
    return hosts.contains(name) || !name.isEmpty && name.allSatisfy { $0.isNumber || $0 == "." }
  }

  private func allows(origin: String, host: String?) -> Bool {
    let origin = origin.lowercased()
    if origins.contains(origin) { return true }
    guard let host = host?.lowercased() else { return false }
    return origin == "http://\(host)" || origin == "https://\(host)"
  }

  /// Headers by which a page of another origin may read the answer.
  func headers(for request: HTTPRequest) -> String {
    guard let origin = request.origin, origins.contains(origin.lowercased()),
      !origin.contains("\n")
    else { return "" }
    return "Access-Control-Allow-Origin: \(origin)\nVary: Origin\n"
      + (request.method == "OPTIONS"
        ? "Access-Control-Allow-Methods: GET, POST\n"
          + "Access-Control-Allow-Headers: authorization, content-type\n" : "")
  }

  private static func key(in header: String?) -> [UInt8] {
    guard let header, header.lowercased().hasPrefix("bearer ") else { return [] }
    return Array(header.dropFirst(7).utf8)
  }

  /// In a time that depends on the length of what was sent alone.
  static func areEqual(_ sent: [UInt8], _ key: [UInt8]) -> Bool {
    var difference = UInt(truncatingIfNeeded: sent.count ^ key.count)
    for index in sent.indices where !key.isEmpty {
      difference |= UInt(sent[index] ^ key[index % key.count])
    }
    return difference == 0 && !key.isEmpty
  }
}
