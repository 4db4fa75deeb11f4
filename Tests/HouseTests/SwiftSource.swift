/// What the tests of the house read in a Swift file: its string literals, and its functions with
/// their lengths.
///
/// It knows just enough of Swift's grammar for that: comments (nested ones too), strings of one line
/// and of many, raw strings, code within strings, and which braces are a function's body. Regular
/// expressions between slashes are not known; a file in which they upset the count of braces is
/// refused rather than misread.
struct SwiftSource {
  /// A string literal; where code stands in it, there is a NUL.
  struct Literal: Equatable {
    let text: String
    /// Where it starts, from 1.
    let line: Int
  }

  /// A function, initialiser, subscript or computed property with a body.
  struct Function: Equatable {
    let name: String
    /// The lines from the one with its keyword to the one with its closing brace, from 1.
    let lines: ClosedRange<Int>
  }

  struct Unbalanced: Error, CustomStringConvertible {
    let line: Int
    var description: String { "line \(line): its braces or quotes have no counterpart" }
  }

  let literals: [Literal]
  let functions: [Function]
  /// The lines of the file.
  let lines: [Substring]

  /// Reads a file's text; throws `Unbalanced`.
  init(_ text: String) throws {
    var stripper = Stripper(text)
    try stripper.run()
    literals = stripper.literals
    functions = try FunctionFinder(stripper.code).run()
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// The number of lines, as `wc -l` counts them.
  var lineCount: Int { lines.last?.isEmpty == true ? lines.count - 1 : lines.count }

  /// The reason why a function may be long: `// Long: reason` among the comments and attributes right
  /// above it.
  func reason(of function: Function) -> String? {
    var line = function.lines.lowerBound - 2
    while line >= 0 {
      let text = lines[line].drop { $0 == " " }
      if let reason = Self.reason(in: text) { return reason }
      guard text.hasPrefix("//") || text.hasPrefix("@") else { return nil }
      line -= 1
    }
    return nil
  }

  /// The reason why the file may be long: `// Long: reason` among its first comments.
  var reason: String? {
    lines.prefix { $0.hasPrefix("//") }.lazy.compactMap(Self.reason).first
  }

  private static func reason(in line: Substring) -> String? {
    guard line.hasPrefix("// Long:") else { return nil }
    let reason = line.dropFirst("// Long:".count).drop { $0 == " " }
    return reason.isEmpty ? nil : String(reason)
  }
}

/// Replaces comments and string literals by spaces, line by line, and keeps the literals.
private struct Stripper {
  private let text: [UInt8]
  private(set) var code: [UInt8] = []
  private(set) var literals: [SwiftSource.Literal] = []
  private var place = 0
  private var line = 1

  init(_ text: String) { self.text = Array(text.utf8) }

  mutating func run() throws {
    try readCode(untilParenthesis: false)
  }

  private func has(_ word: String, at place: Int) -> Bool { text[place...].starts(with: word.utf8) }

  /// Goes on by bytes, which stay in the code or become spaces.
  private mutating func take(_ count: Int, asCode: Bool = false) {
    for byte in text[place..<min(place + count, text.count)] {
      if byte == UInt8(ascii: "\n") { line += 1 }
      code.append(asCode || byte == UInt8(ascii: "\n") ? byte : UInt8(ascii: " "))
    }
    place = min(place + count, text.count)
  }

  /// Reads code to the end of the text, or to the parenthesis that closes code within a string.
  private mutating func readCode(untilParenthesis: Bool) throws {
    let start = line
    var depth = 0
    while place < text.count {
      if has("//", at: place) {
        take((text[place...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count) - place)
      } else if has("/*", at: place) {
        try readComment()
      } else if let hashes = hashesBeforeQuote() {
        try readString(hashes: hashes)
      } else {
        if untilParenthesis {
          if text[place] == UInt8(ascii: ")") && depth == 0 { return take(1) }
          if text[place] == UInt8(ascii: "(") { depth += 1 }
          if text[place] == UInt8(ascii: ")") { depth -= 1 }
        }
        take(1, asCode: true)
      }
    }
    if untilParenthesis { throw SwiftSource.Unbalanced(line: start) }
  }

  private mutating func readComment() throws {
    let start = line
    var depth = 0
    repeat {
      if has("/*", at: place) {
        depth += 1
        take(2)
      } else if has("*/", at: place) {
        depth -= 1
        take(2)
      } else if place < text.count {
        take(1)
      } else {
        throw SwiftSource.Unbalanced(line: start)
      }
    } while depth > 0
  }

  /// How many number signs stand before the quote of a string that starts here; nil for none.
  private func hashesBeforeQuote() -> Int? {
    let hashes = text[place...].prefix { $0 == UInt8(ascii: "#") }.count
    let quote = place + hashes
    return quote < text.count && text[quote] == UInt8(ascii: "\"") ? hashes : nil
  }

  private mutating func readString(hashes: Int) throws {
    let start = line
    let marks = String(repeating: "#", count: hashes)
    let isLong = has(marks + "\"\"\"", at: place)
    let end = (isLong ? "\"\"\"" : "\"") + marks
    let escape = "\\" + marks
    take(end.utf8.count)
    var bytes: [UInt8] = []
    while place < text.count {
      if has(end, at: place) {
        take(end.utf8.count)
        literals.append(
          SwiftSource.Literal(text: String(decoding: bytes, as: UTF8.self), line: start))
        return
      }
      if has(escape + "(", at: place) {
        take(escape.utf8.count + 1)
        try readCode(untilParenthesis: true)
        bytes.append(0)
      } else if has(escape, at: place), place + escape.utf8.count < text.count {
        let next = text[place + escape.utf8.count]
        if next != UInt8(ascii: "\n") { bytes.append(next) }
        take(escape.utf8.count + 1)
      } else if text[place] == UInt8(ascii: "\n"), !isLong {
        break
      } else {
        bytes.append(text[place])
        take(1)
      }
    }
    throw SwiftSource.Unbalanced(line: start)
  }
}

/// Finds functions and their bodies in code without comments and literals.
private struct FunctionFinder {
  private let code: [UInt8]
  /// The line of each place.
  private var lines: [Int] = []
  /// Where the brace that opens at a place is closed.
  private var ends: [Int: Int] = [:]

  init(_ code: [UInt8]) throws {
    self.code = code
    var open: [Int] = []
    var line = 1
    for (place, byte) in code.enumerated() {
      lines.append(line)
      switch byte {
      case UInt8(ascii: "\n"): line += 1
      case UInt8(ascii: "{"): open.append(place)
      case UInt8(ascii: "}"):
        guard let start = open.popLast() else { throw SwiftSource.Unbalanced(line: line) }
        ends[start] = place
      default: break
      }
    }
    if let place = open.last { throw SwiftSource.Unbalanced(line: lines[place]) }
  }

  func run() -> [SwiftSource.Function] {
    var functions: [SwiftSource.Function] = []
    var place = 0
    while let word = nextWord(from: &place) {
      guard let name = name(of: word), let body = body(of: word), let end = ends[body] else {
        continue
      }
      functions.append(
        SwiftSource.Function(name: name, lines: lines[word.lowerBound]...lines[end]))
    }
    return functions
  }

  private func text(_ range: Range<Int>) -> String { String(decoding: code[range], as: UTF8.self) }

  private static func isWord(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || byte >= 0x80 || byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26
  }

  private func nextWord(from place: inout Int) -> Range<Int>? {
    while place < code.count, !Self.isWord(code[place]) { place += 1 }
    guard place < code.count else { return nil }
    let start = place
    while place < code.count, Self.isWord(code[place]) { place += 1 }
    return start..<place
  }

  private func afterSpace(_ place: Int) -> Int {
    code[place...].firstIndex { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") } ?? code.count
  }

  /// The name of what a keyword declares; nil where the word declares no function.
  private func name(of word: Range<Int>) -> String? {
    let before = word.lowerBound == 0 ? UInt8(ascii: " ") : code[word.lowerBound - 1]
    guard ![UInt8(ascii: "."), UInt8(ascii: "`"), UInt8(ascii: "#")].contains(before) else {
      return nil
    }
    let next = afterSpace(word.upperBound)
    let sign = next < code.count ? code[next] : 0
    switch text(word) {
    case "func":
      let rest = code[next...].prefix { ![UInt8(ascii: "("), UInt8(ascii: "<")].contains($0) }
      // An operator may begin with the sign that opens a generic clause.
      let name = rest.isEmpty ? code[next...].prefix { $0 != UInt8(ascii: " ") } : rest
      return String(decoding: name, as: UTF8.self).filter { $0 != " " && $0 != "`" }
    case "init" where [UInt8(ascii: "("), UInt8(ascii: "<"), UInt8(ascii: "?")].contains(sign):
      return "init"
    case "subscript" where [UInt8(ascii: "("), UInt8(ascii: "<")].contains(sign):
      return "subscript"
    case "deinit" where sign == UInt8(ascii: "{"): return "deinit"
    case "var":
      let name = code[next...].prefix { Self.isWord($0) || $0 == UInt8(ascii: "`") }
      return name.isEmpty ? nil : String(decoding: name, as: UTF8.self).filter { $0 != "`" }
    default: return nil
    }
  }

  /// Where the body of a declaration opens; nil for one without, as in protocols.
  private func body(of word: Range<Int>) -> Int? {
    let isProperty = text(word) == "var"
    var depth = 0
    var hasParameters = isProperty || text(word) == "deinit"
    var place = word.upperBound
    while place < code.count {
      let byte = code[place]
      switch byte {
      case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: ")"), UInt8(ascii: "]"):
        depth -= 1
        // The end of what a `var` without a body stands in, such as a pattern.
        if depth < 0 { return nil }
        if depth == 0 { hasParameters = true }
      case UInt8(ascii: "{") where depth == 0: return place
      case UInt8(ascii: "}") where depth == 0: return nil
      case UInt8(ascii: "=") where depth == 0 && isProperty: return nil
      case UInt8(ascii: "\n") where depth == 0 && hasParameters:
        if !goesOn(after: place, isProperty: isProperty) { return nil }
      default: break
      }
      place += 1
    }
    return nil
  }

  /// Whether a signature that stands before the end of a line goes on after it.
  private func goesOn(after end: Int, isProperty: Bool) -> Bool {
    let signature = code[..<end].suffix(200).reversed().drop { $0 == UInt8(ascii: " ") }
    // Read backwards.
    let demandMore = [",", "&", ":", "=", ">-", "erehw "]
    if !isProperty, demandMore.contains(where: { signature.starts(with: $0.utf8) }) { return true }
    var next = afterSpace(end)
    guard next < code.count else { return false }
    if code[next] == UInt8(ascii: "{") { return true }
    if isProperty { return false }
    if code[next...].starts(with: "->".utf8) { return true }
    let word = nextWord(from: &next).map(text) ?? ""
    return ["throws", "rethrows", "async", "where"].contains(word)
  }
}
