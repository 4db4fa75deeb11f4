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
    escapingControls(inJSON: JSON.text(of: text))
  }
}
