internal import FoundationEssentials

/// Values as JSON (RFC 8259) and back: the one place where files and output become JSON.
public enum JSON {
  /// A value as JSON with sorted keys, so that equal values make equal files.
  ///
  /// Numbers that are not finite become the texts `Infinity`, `-Infinity` and `NaN`.
  public static func text(of value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
      // Encodable types of this package encode any of their values.
      preconditionFailure("a value cannot be encoded: \(error)")
    }
  }

  /// The value that a JSON text stands for.
  ///
  /// Throws `JSONError` where the text is not JSON or is of another shape, and what the value's own
  /// type throws where it refuses what it reads.
  ///
  /// What people write is read as JSON5 (https://spec.json5.org), which allows comments. A value's own type
  /// finds `userInfo` in its decoder.
  public static func value<Value: Decodable>(
    _ type: Value.Type = Value.self, from text: some Sequence<UInt8>, isJSON5: Bool = false,
    userInfo: [CodingUserInfoKey: any Sendable] = [:]
  ) throws -> Value {
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = isJSON5
    decoder.userInfo = userInfo
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    do {
      return try decoder.decode(Value.self, from: Data(text))
    } catch is DecodingError {
      throw JSONError()
    }
  }
}

/// A JSON value that is read without knowing its shape.
public indirect enum JSONTree: Sendable, Equatable, Decodable {
  /// Nothing.
  case null
  /// True or false.
  case flag(Bool)
  /// A whole number that fits.
  case whole(Int)
  /// Another number.
  case number(Double)
  /// A text.
  case text(String)
  /// A list.
  case list([JSONTree])
  /// An object.
  case object([String: JSONTree])

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Reads any value.
  public init(from decoder: any Decoder) throws {
    // What most values are comes first, long lists of one type as a whole: each try that fails takes as long as
    // ten that do not, and longer the deeper it stands.
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let number = try? value.decode(Int.self) {
      self = .whole(number)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let numbers = try? value.decode([Int].self) {
      self = .list(numbers.map { .whole($0) })
    } else if let texts = try? value.decode([String].self) {
      self = .list(texts.map { .text($0) })
    } else if var items = try? decoder.unkeyedContainer() {
      var list: [JSONTree] = []
      while !items.isAtEnd { list.append(try items.decode(Self.self)) }
      self = .list(list)
    } else if let object = try? decoder.container(keyedBy: Key.self) {
      var pairs: [String: JSONTree] = [:]
      for key in object.allKeys {
        pairs[key.stringValue] = try object.decode(Self.self, forKey: key)
      }
      self = .object(pairs)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else {
      self = .flag(try value.decode(Bool.self))
    }
  }

  /// The value that a JSON text stands for.
  ///
  /// Throws `JSONSyntaxError`, which says what is wrong, and where: also where an object has a name twice, where
  /// lists and objects have more levels than `deepest`, and where a number is too large.
  public init(
    json text: some Sequence<UInt8>, deepest: Int = 100
  ) throws(JSONSyntaxError) {
    let bytes = Array(text)
    try JSONScanner.check(bytes, deepest: deepest)
    do {
      self = try JSONDecoder().decode(Self.self, from: Data(bytes))
    } catch {
      throw JSONScanner.refusal(bytes)
    }
  }
}

/// A text that is not JSON, or JSON of another shape than was expected.
public struct JSONError: Error, Sendable, CustomStringConvertible {
  /// The sentence.
  public var description: String { "it is missing or damaged" }
}

/// A JSON value that is put together by hand, its keys in the order given.
public enum JSONValue: Sendable {
  /// A text.
  case text(String)
  /// A number; one that is not finite is null.
  case number(Double)
  /// A whole number.
  case whole(Int)
  /// True or false.
  case flag(Bool)
  /// A list.
  case list([JSONValue])
  /// An object.
  case object(KeyValuePairs<String, JSONValue>)
  /// JSON that is written already.
  case raw(String)

  /// The value as RFC 8259 writes it, with all control characters escaped, as for a terminal.
  public var json: String {
    switch self {
    case .text(let text): Self.escaped(text)
    case .number(let number): number.isFinite ? "\(number)" : "null"
    case .whole(let number): "\(number)"
    case .flag(let flag): "\(flag)"
    case .list(let items): "[" + items.map(\.json).joined(separator: ",") + "]"
    case .object(let pairs):
      "{" + pairs.map { Self.escaped($0.key) + ":" + $0.value.json }.joined(separator: ",") + "}"
    case .raw(let json): escapingControls(inJSON: json)
    }
  }

  private static func escaped(_ text: String) -> String {
    // What has nothing to escape, as most has, takes no encoder.
    let isPlain = text.utf8.allSatisfy { byte in
      byte >= 0x20 && byte != 0x22 && byte != 0x5C && byte != 0x7F && byte != 0xC2 && byte != 0xE2
    }
    return isPlain ? "\"\(text)\"" : escapingControls(inJSON: JSON.text(of: text))
  }
}
