/// A text that is not JSON, and where it stops being JSON.
public struct JSONSyntaxError: Error, Sendable, CustomStringConvertible {
  /// The line and the byte in it, both from 1; nil where the text is too deep.
  let place: (line: Int, column: Int)?

  /// The sentence.
  public var description: String {
    place.map { "it is no JSON from line \($0.line), byte \($0.column) on" }
      ?? "its lists and objects are too many levels deep"
  }
}

/// Finds where a text that a decoder refused stops being JSON (RFC 8259): the decoder does not say.
struct JSONScanner {
  private static let deepest = 500
  private let bytes: [UInt8]
  private var at = 0

  private struct Fault: Error {}
  private struct TooDeep: Error {}

  /// The first byte that cannot stand where it stands.
  static func fault(in bytes: [UInt8]) -> (line: Int, column: Int)? {
    var scanner = JSONScanner(bytes: bytes)
    do {
      try scanner.value(depth: 0)
      scanner.skipSpace()
    } catch is TooDeep {
      return nil
    } catch {}
    let before = bytes[..<scanner.at]
    let lineStart = before.lastIndex(of: 10).map { $0 + 1 } ?? 0
    return (before.count { $0 == 10 } + 1, scanner.at - lineStart + 1)
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func skipSpace() {
    while let byte = next, [0x20, 0x0A, 0x0D, 0x09].contains(byte) { at += 1 }
  }

  private mutating func take(_ byte: UInt8) throws {
    guard next == byte else { throw Fault() }
    at += 1
  }

  private mutating func value(depth: Int) throws {
    guard depth < Self.deepest else { throw TooDeep() }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"):
      try members(until: UInt8(ascii: "}")) { scanner in
        scanner.skipSpace()
        try scanner.text()
        scanner.skipSpace()
        try scanner.take(UInt8(ascii: ":"))
        try scanner.value(depth: depth + 1)
      }
    case UInt8(ascii: "["):
      try members(until: UInt8(ascii: "]")) { try $0.value(depth: depth + 1) }
    case UInt8(ascii: "\""): try text()
    case UInt8(ascii: "t"): for byte in "true".utf8 { try take(byte) }
    case UInt8(ascii: "f"): for byte in "false".utf8 { try take(byte) }
    case UInt8(ascii: "n"): for byte in "null".utf8 { try take(byte) }
    default: try number()
    }
  }

  private mutating func members(
    until end: UInt8, _ member: (inout JSONScanner) throws -> Void
  ) throws {
    at += 1
    skipSpace()
    if next == end {
      at += 1
      return
    }
    while true {
      try member(&self)
      skipSpace()
      if next == end { break }
      try take(UInt8(ascii: ","))
    }
    at += 1
  }

  private mutating func text() throws {
    try take(UInt8(ascii: "\""))
    while let byte = next, byte != UInt8(ascii: "\"") {
      guard byte >= 0x20 else { throw Fault() }
      at += 1
      guard byte == UInt8(ascii: "\\") else { continue }
      guard let escape = next, "\"\\/bfnrtu".utf8.contains(escape) else { throw Fault() }
      at += 1
      guard escape == UInt8(ascii: "u") else { continue }
      for _ in 0..<4 {
        guard let digit = next, "0123456789abcdefABCDEF".utf8.contains(digit) else { throw Fault() }
        at += 1
      }
    }
    try take(UInt8(ascii: "\""))
  }

  private mutating func number() throws {
    if next == UInt8(ascii: "-") { at += 1 }
    if next == UInt8(ascii: "0") { at += 1 } else { try digits() }
    if next == UInt8(ascii: ".") {
      at += 1
      try digits()
    }
    guard next == UInt8(ascii: "e") || next == UInt8(ascii: "E") else { return }
    at += 1
    if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
    try digits()
  }

  private mutating func digits() throws {
    let start = at
    while let byte = next, (0x30...0x39).contains(byte) { at += 1 }
    guard at > start else { throw Fault() }
  }
}
