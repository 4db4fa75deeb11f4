import Foundation
import Glibc

/// What came back from a server, byte for byte.
struct Answer {
  let status: Int
  let headers: [String: String]
  let body: String

  /// The body as JSON.
  var object: [String: Any] {
    (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any] ?? [:]
  }

  /// The error's text.
  var message: String { (object["error"] as? [String: Any])?["message"] as? String ?? "" }

  /// The texts of a completion.
  var texts: [String] {
    (object["choices"] as? [[String: Any]])?.compactMap { $0["text"] as? String } ?? []
  }
}

/// A client that writes bytes to a socket and reads until the end, so that it can send what no client sends.
struct Client {
  let port: Int

  /// A socket that is connected.
  func connect() -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let failure = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    precondition(failure == 0, "the server cannot be reached")
    return descriptor
  }

  /// Asks, and reads all of the answer.
  func ask(
    _ method: String, _ path: String, _ body: String = "", headers: String = "Host: localhost\r\n"
  ) -> Answer {
    let descriptor = connect()
    defer { close(descriptor) }
    send(
      "\(method) \(path) HTTP/1.0\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)",
      descriptor)
    return answer(descriptor)
  }

  func post(_ path: String, _ body: String) -> Answer { ask("POST", path, body) }

  func send(_ text: String, _ descriptor: Int32) {
    let bytes = Array(text.utf8)
    var at = 0
    while at < bytes.count {
      let count = bytes[at...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return }
      at += count
    }
  }

  /// Reads until the server closes.
  func answer(_ descriptor: Int32) -> Answer {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count <= 0 { break }
      bytes += buffer[..<count]
    }
    let text = String(decoding: bytes, as: UTF8.self)
    let parts = text.components(separatedBy: "\r\n\r\n")
    let lines = parts[0].components(separatedBy: "\r\n")
    let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let pair = line.components(separatedBy: ": ")
      if pair.count == 2 { headers[pair[0].lowercased()] = pair[1] }
    }
    return Answer(
      status: status, headers: headers, body: parts.dropFirst().joined(separator: "\r\n\r\n"))
  }
}
