/// A text that is not JSON, and where it stops being JSON.
public struct JSONSyntaxError: Error, Sendable, CustomStringConvertible {
  /// What is wrong.
  enum Fault: Error {
    case syntax
    case tooDeep
    case twice(String)
    case surrogate
    case number
    case unread
  }

  let fault: Fault
  /// The line and the byte in it, both from 1.
  let place: (line: Int, column: Int)

  /// The sentence.
  public var description: String {
    let there = "line \(place.line), byte \(place.column)"
    return switch fault {
    case .syntax: "it is no JSON from \(there) on"
    case .tooDeep: "its lists and objects are too many levels deep"
    case .twice(let name): "an object has \"\(quoted(name))\" twice, again before \(there)"
    case .surrogate:
      "half of a character, as \\uD800 without the other half, stands before \(there)"
    case .number: "a number too large to be kept stands before \(there)"
    case .unread: "it is no JSON that can be read"
    }
  }
}

/// Holds a text against RFC 8259, and says where it breaks it: the decoder does not say, and lets pass a comma
/// too many and a name that an object has twice.
struct JSONScanner {
  private let bytes: [UInt8]
  private let deepest: Int
  private var at = 0

  private typealias Fault = JSONSyntaxError.Fault

  /// Throws where the text is not JSON, or has more levels than that.
  static func check(_ bytes: [UInt8], deepest: Int) throws(JSONSyntaxError) {
    var scanner = JSONScanner(bytes: bytes, deepest: deepest)
    do throws(JSONSyntaxError.Fault) {
      try scanner.value(depth: 0)
      scanner.skipSpace()
      if scanner.at < bytes.count { throw .syntax }
    } catch {
      throw scanner.error(error)
    }
  }

  /// The error of a text that is JSON, and that the decoder does not take all the same.
  static func refusal(_ bytes: [UInt8]) -> JSONSyntaxError {
    var scanner = JSONScanner(bytes: bytes, deepest: 0)
    scanner.at = bytes.count
    return scanner.error(.unread)
  }

  private init(bytes: [UInt8], deepest: Int) {
    self.bytes = bytes
    self.deepest = deepest
    // A mark of the byte order may be ignored.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
  }

  private func error(_ fault: JSONSyntaxError.Fault) -> JSONSyntaxError {
    let before = bytes[..<at]
    let lineStart = before.lastIndex(of: 10).map { $0 + 1 } ?? 0
    return JSONSyntaxError(
      fault: fault, place: (before.count { $0 == 10 } + 1, at - lineStart + 1))
  }

  private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
  }

  private mutating func take(_ byte: UInt8) throws(Fault) {
    guard next == byte else { throw .syntax }
    at += 1
  }

  /// The bytes of a name whose characters may be escaped.
  private static func plain(_ name: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard name.contains(UInt8(ascii: "\\")), let text: String = try? JSON.value(from: name) else {
      return name.dropFirst().dropLast()
    }
    return Array(text.utf8)[...]
  }

  private mutating func value(depth: Int) throws(Fault) {
    guard depth < deepest else { throw .tooDeep }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"):
      var names: Set<ArraySlice<UInt8>> = []
      try members(until: UInt8(ascii: "}")) { scanner throws(Fault) in
        scanner.skipSpace()
        let start = scanner.at
        try scanner.text()
        let name = scanner.bytes[start..<scanner.at]
        guard names.insert(Self.plain(name)).inserted else {
          throw .twice(String(decoding: name.dropFirst().dropLast(), as: UTF8.self))
        }
        scanner.skipSpace()
        try scanner.take(UInt8(ascii: ":"))
        try scanner.value(depth: depth + 1)
      }
    case UInt8(ascii: "["):
      try members(until: UInt8(ascii: "]")) { scanner throws(Fault) in
        try scanner.value(depth: depth + 1)
      }
    case UInt8(ascii: "\""): try text()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    default: try number()
    }
  }

  private mutating func word(_ word: StaticString) throws(Fault) {
    for place in 0..<word.utf8CodeUnitCount { try take(word.utf8Start[place]) }
  }

  private mutating func members(
    until end: UInt8, _ member: (inout JSONScanner) throws(Fault) -> Void
  ) throws(Fault) {
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

  private mutating func text() throws(Fault) {
    try take(UInt8(ascii: "\""))
    while let byte = next, byte != UInt8(ascii: "\"") {
      guard byte >= 0x20 else { throw .syntax }
      at += 1
      if byte == UInt8(ascii: "\\") { try escape() }
    }
    try take(UInt8(ascii: "\""))
  }

  private mutating func escape() throws(Fault) {
    switch next {
    case UInt8(ascii: "u"):
      let unit = try codeUnit()
      if 0xDC00..<0xE000 ~= unit { throw .surrogate }
      guard 0xD800..<0xDC00 ~= unit else { return }
      guard next == UInt8(ascii: "\\") else { throw .surrogate }
      at += 1
      guard next == UInt8(ascii: "u") else { throw .surrogate }
      guard 0xDC00..<0xE000 ~= (try codeUnit()) else { throw .surrogate }
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
      UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      at += 1
    default: throw .syntax
    }
  }

  /// The number that stands behind a `u`.
  private mutating func codeUnit() throws(Fault) -> Int {
    at += 1
    var unit = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(UnicodeScalar(byte)).hexDigitValue, byte < 0x80
      else { throw .syntax }
      unit = unit << 4 | digit
      at += 1
    }
    return unit
  }

  private mutating func number() throws(Fault) {
    let start = at
    if next == UInt8(ascii: "-") { at += 1 }
    if next == UInt8(ascii: "0") { at += 1 } else { try digits() }
    if next == UInt8(ascii: ".") {
      at += 1
      try digits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      at += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
      try digits()
    } else if at - start < 300 {
      return
    }
    let digits = String(decoding: bytes[start..<at], as: UTF8.self)
    guard Double(digits)?.isFinite == true else { throw .number }
  }

  private mutating func digits() throws(Fault) {
    let start = at
    while let byte = next, byte >= 0x30, byte <= 0x39 { at += 1 }
    guard at > start else { throw .syntax }
  }
}
