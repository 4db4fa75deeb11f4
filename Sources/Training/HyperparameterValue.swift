internal import Cells
internal import Files

/// A hyperparameter's value, whatever its type: what a command line, a file and a report share.
public enum HyperparameterValue: Sendable, Equatable, Codable {
  /// Yes or no.
  case flag(Bool)
  /// A whole number.
  case integer(Int)
  /// A number.
  case number(Double)
  /// One of some names, or a text.
  case text(String)
  /// Whole numbers in a row.
  case integers([Int])

  /// Reads a value from JSON by the type that it has there.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let flag = try? container.decode(Bool.self) {
      self = .flag(flag)
    } else if let number = try? container.decode(Int.self) {
      self = .integer(number)
    } else if let text = try? container.decode(String.self) {
      // Before numbers, as the texts NaN and Infinity can be read as such.
      self = .text(text)
    } else if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else {
      self = .integers(try container.decode([Int].self))
    }
  }

  /// Writes the bare value.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .flag(let flag): try container.encode(flag)
    case .integer(let number): try container.encode(number)
    case .number(let number): try container.encode(number)
    case .text(let text): try container.encode(text)
    case .integers(let numbers): try container.encode(numbers)
    }
  }

  /// The value as people type and read it: `0.5`, `lstm`, `2000,8000`.
  public var text: String {
    switch self {
    case .flag(let flag): flag ? "yes" : "no"
    case .integer(let number): "\(number)"
    case .number(let number):
      number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
    case .text(let text): text
    case .integers(let numbers): numbers.map(String.init).joined(separator: ",")
    }
  }
}

/// Which values a hyperparameter can have.
public enum HyperparameterDomain: Sendable, Equatable {
  /// Yes or no.
  case flag
  /// Whole numbers in a range.
  case integer(ClosedRange<Int>)
  /// Numbers in a range; its upper bound may be the largest there is.
  case number(ClosedRange<Double>)
  /// One of some names.
  case choice([String])
  /// A cell: one of those that are built in, or one's own.
  case cell
  /// Any text.
  case text
  /// Rising whole numbers in a range.
  case integers(ClosedRange<Int>)

  /// The value that a typed text stands for, or nil where it is none of these.
  public func value(of text: String) -> HyperparameterValue? {
    let value: HyperparameterValue?
    switch self {
    case .flag: value = ["yes": .flag(true), "no": .flag(false)][text]
    case .integer: value = Int(text).map { .integer($0) }
    case .number: value = Double(text).map { .number($0) }
    case .choice, .text: value = .text(text)
    case .cell: value = (try? CellKind(text)).map { .text("\($0)") }
    case .integers:
      let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
      value = parts.contains(nil) ? nil : .integers(parts.compactMap { $0 })
    }
    return value.flatMap { contains($0) ? $0 : nil }
  }

  /// Whether a value is one of these; a whole number may stand for a number.
  public func contains(_ value: HyperparameterValue) -> Bool {
    switch (self, value) {
    case (.flag, .flag): true
    case (.integer(let range), .integer(let number)): range.contains(number)
    case (.number(let range), .number(let number)): range.contains(number)
    case (.number(let range), .integer(let number)): range.contains(Double(number))
    case (.choice(let names), .text(let text)): names.contains(text)
    case (.text, .text): true
    case (.cell, .text(let text)): (try? CellKind(unsettled: text)) != nil
    case (.integers(let range), .integers(let numbers)):
      numbers.allSatisfy(range.contains) && zip(numbers, numbers.dropFirst()).allSatisfy(<)
        && !numbers.isEmpty
    default: false
    }
  }

  /// What is expected, for a sentence.
  public var expectation: String {
    switch self {
    case .flag: "yes or no"
    case .integer(let range):
      // Of longer numbers nobody could count the digits.
      range.upperBound >= 1_000_000_000_000_000
        ? "a whole number of at least \(range.lowerBound)"
        : "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .number(let range):
      range.upperBound == .greatestFiniteMagnitude
        ? "a number of at least \(range.lowerBound)"
        : "a number from \(range.lowerBound) to \(range.upperBound)"
    case .choice, .cell: "one of \(choices.joined(separator: ", "))"
    case .text: "a text"
    case .integers(let range):
      "rising numbers from \(range.lowerBound), such as 2000,8000"
    }
  }

  /// The names that can be chosen among; none where it is no choice.
  public var choices: [String] {
    switch self {
    case .choice(let names): names
    case .cell: CellKind.builtIn.map(\.name)
    default: []
    }
  }
}

/// A hyperparameter with a value that it cannot have, as a sentence.
public struct HyperparameterError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The hyperparameter's name, as options and files call it.
  public let name: String
  /// The value that was found.
  public let found: String
  /// What is wrong, or what is expected.
  public let reason: String

  /// An error of these parts.
  public init(name: String, found: String, reason: String) {
    self.name = name
    self.found = found
    self.reason = reason
  }

  /// The sentence, such as `layers 0: expected a whole number from 1 to 64`.
  public var description: String {
    "\(quoted(name))\(found.isEmpty ? "" : " " + quoted(found)): \(reason)"
  }
}
