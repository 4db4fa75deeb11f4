internal import Files

/// One field of a request's object: a row that checking and the OpenAPI description are both made from.
struct Field: Sendable {
  /// What a field may hold.
  enum Kind: Sendable {
    /// A text.
    case text
    /// True or false.
    case flag
    /// A whole number.
    case whole(ClosedRange<Int>)
    /// A number.
    case number(ClosedRange<Double>)
    /// A text, or a list of at most so many.
    case texts(atMost: Int)
    /// A prompt: a text, a list of texts, tokens, or lists of tokens.
    case prompt
    /// Whole numbers.
    case wholes
    /// Numbers by the ids of tokens.
    case biases
    /// An object with these fields.
    indirect case object([Field])
    /// Only nothing, or this: what others allow, and this server does not.
    case unused
  }

  let name: String
  let kind: Kind
  let about: String
  /// Whether it must be there.
  var isNeeded = false

  init(_ name: String, _ kind: Kind, _ about: String, isNeeded: Bool = false) {
    self.name = name
    self.kind = kind
    self.about = about
    self.isNeeded = isNeeded
  }

  /// What the field must be, for a sentence.
  private var wanted: String {
    switch kind {
    case .text: "a text"
    case .flag: "true or false"
    case .whole(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .texts(let count): "a text, or a list of at most \(count) texts"
    case .prompt: "a text, a list of texts, a list of tokens, or a list of lists of tokens"
    case .wholes: "a list of whole numbers"
    case .biases: "an object with numbers from -100 to 100 by the ids of tokens"
    case .object: "an object"
    case .unused: "left out: it is not supported"
    }
  }

  /// Whether a value is what the field must be.
  private func allows(_ value: JSONTree) -> Bool {
    switch kind {
    case .text: value.text != nil
    case .flag: value.flag != nil
    case .whole(let range): value.whole.map(range.contains) ?? false
    case .number(let range): value.number.map(range.contains) ?? false
    case .texts(let count): value.texts.map { $0.count <= count } ?? false
    case .prompt:
      value.texts != nil || value.wholes != nil
        || value.list.map { $0.allSatisfy { $0.wholes != nil } } == true
    case .wholes: value.wholes != nil
    case .biases:
      value.object.map {
        // Two spellings of one id would be two biases of one token.
        $0.allSatisfy { id, bias in
          Int(id).map { "\($0)" == id } == true && bias.number.map { abs($0) <= 100 } == true
        }
      } ?? false
    case .object: value.object != nil
    case .unused: false
    }
  }

  /// The object that a body stands for, each of whose fields is as the table says; null is as left out.
  ///
  /// Throws `RequestError` that names what is wrong, and where.
  static func object(
    in body: [UInt8], _ fields: [Field]
  ) throws(RequestError) -> [String: JSONTree] {
    guard String(validating: body, as: UTF8.self) != nil else {
      throw .invalid("the body is not UTF-8", code: "invalid_utf8")
    }
    let tree: JSONTree
    do {
      // No field has more levels than a list of prompts that are lists of tokens.
      tree = try JSONTree(json: body, deepest: 8)
    } catch {
      throw .invalid("the body: \(error)", code: "invalid_json")
    }
    guard case .object(let object) = tree else {
      throw .invalid("the body must be an object", code: "invalid_json")
    }
    return try checked(object, fields, within: "")
  }

  private static func checked(
    _ object: [String: JSONTree], _ fields: [Field], within parent: String
  ) throws(RequestError) -> [String: JSONTree] {
    let object = object.filter { $0.value != .null }
    for name in object.keys.sorted() where !fields.contains(where: { $0.name == name }) {
      throw .invalid(
        "there is no field \"\(quoted(parent + name))\"; known are "
          + fields.map(\.name).joined(separator: ", "), field: parent + quoted(name),
        code: "unknown_field")
    }
    for field in fields {
      guard let value = object[field.name] else {
        if field.isNeeded {
          throw .invalid(
            "\"\(parent + field.name)\" is missing: it must be \(field.wanted)",
            field: parent + field.name, code: "missing_field")
        }
        continue
      }
      guard field.allows(value) else {
        throw .invalid(
          "\"\(parent + field.name)\" must be \(field.wanted)", field: parent + field.name,
          code: "invalid_value")
      }
      if case .object(let inner) = field.kind, let object = value.object {
        _ = try checked(object, inner, within: parent + field.name + ".")
      }
    }
    return object
  }

  /// What JSON Schema says of the field.
  var schema: JSONValue {
    switch kind {
    case .text: .object(["type": .text("string"), "description": .text(about)])
    case .flag: .object(["type": .text("boolean"), "description": .text(about)])
    case .whole(let range):
      .object([
        "type": .text("integer"), "minimum": .whole(range.lowerBound),
        "maximum": .whole(range.upperBound), "description": .text(about),
      ])
    case .number(let range):
      .object([
        "type": .text("number"), "minimum": .number(range.lowerBound),
        "maximum": .number(range.upperBound), "description": .text(about),
      ])
    case .texts(let count):
      .object([
        "description": .text(about),
        "oneOf": .list([
          .object(["type": .text("string")]),
          .object([
            "type": .text("array"), "items": .object(["type": .text("string")]),
            "maxItems": .whole(count),
          ]),
        ]),
      ])
    case .prompt:
      .object(["description": .text(about), "type": .list([.text("string"), .text("array")])])
    case .wholes:
      .object([
        "type": .text("array"), "items": .object(["type": .text("integer")]),
        "description": .text(about),
      ])
    case .biases:
      .object([
        "type": .text("object"), "additionalProperties": .object(["type": .text("number")]),
        "description": .text(about),
      ])
    case .object(let fields): Self.schema(of: fields, about: about)
    case .unused: .object(["type": .text("null"), "description": .text(about)])
    }
  }

  /// What JSON Schema says of an object with some fields.
  static func schema(of fields: [Field], about: String) -> JSONValue {
    let properties = fields.map { "\(JSON.text(of: $0.name)):\($0.schema.json)" }
    let needed = fields.filter(\.isNeeded).map { JSONValue.text($0.name) }
    let required = needed.isEmpty ? "" : ",\"required\":\(JSONValue.list(needed).json)"
    return .raw(
      "{\"type\":\"object\",\"description\":\(JSON.text(of: about)),\"additionalProperties\":false,"
        + "\"properties\":{\(properties.joined(separator: ","))}\(required)}")
  }
}

extension JSONTree {
  /// A text; nil where it is none.
  var text: String? { if case .text(let text) = self { text } else { nil } }
  /// True or false; nil where it is neither.
  var flag: Bool? { if case .flag(let flag) = self { flag } else { nil } }
  /// A list; nil where it is none.
  var list: [JSONTree]? { if case .list(let list) = self { list } else { nil } }
  /// An object; nil where it is none.
  var object: [String: JSONTree]? { if case .object(let object) = self { object } else { nil } }
  /// A whole number, however it is written; nil where it is none.
  var whole: Int? {
    switch self {
    case .whole(let number): number
    case .number(let number): Int(exactly: number)
    default: nil
    }
  }
  /// A finite number; nil where it is none.
  var number: Double? {
    switch self {
    case .whole(let number): Double(number)
    case .number(let number) where number.isFinite: number
    default: nil
    }
  }
  /// A text or several; nil where it is neither.
  var texts: [String]? {
    if let text { return [text] }
    guard let list else { return nil }
    let texts = list.compactMap(\.text)
    return texts.count == list.count ? texts : nil
  }
  /// Whole numbers; nil where it holds others, or none.
  var wholes: [Int]? {
    guard let list else { return nil }
    let wholes = list.compactMap(\.whole)
    return wholes.count == list.count ? wholes : nil
  }
}
