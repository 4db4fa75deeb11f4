/// Numbers that a cell is made with, by name, such as `forget-bias` 1.
public struct CellSettings: Sendable, Hashable, ExpressibleByDictionaryLiteral,
  CustomStringConvertible
{
  private var values: [String: Double] = [:]

  /// No settings.
  public init() {}

  /// The settings of a literal, such as `["forget-bias": 2]`; of a name given twice the last counts.
  public init(dictionaryLiteral elements: (String, Double)...) {
    values = Dictionary(elements, uniquingKeysWith: { $1 })
  }

  /// The value of a setting; nil where it is left open.
  public subscript(name: String) -> Double? {
    get { values[name] }
    set { values[name] = newValue }
  }

  /// The names in their order.
  public var names: [String] { values.keys.sorted() }

  /// Names and values, such as `beta=2,forget-bias=1`.
  public var description: String {
    names.map { "\($0)=\(Self.text(values[$0] ?? .nan))" }.joined(separator: ",")
  }

  static func text(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
  }
}

/// A setting that the cells of a type have.
public struct CellSetting: Sendable, Hashable {
  /// Its name, such as `forget-bias`.
  public let name: String
  /// The default; nil where it may be left open.
  public let value: Double?
  /// The values that it can have.
  public let range: ClosedRange<Double>
  /// Whether it is a whole number.
  public let isWhole: Bool

  /// A setting with a default, or none.
  public init(
    _ name: String, _ value: Double? = nil, in range: ClosedRange<Double> = -1e6...1e6,
    isWhole: Bool = false
  ) {
    self.name = name
    self.value = value
    self.range = range
    self.isWhole = isWhole
  }

  /// Whether it can be written and its default is in its range.
  var isSound: Bool {
    CellKind.isName(name) && (value.map(contains) ?? true)
  }

  func contains(_ value: Double) -> Bool {
    range.contains(value) && (!isWhole || value == value.rounded())
  }
}

/// What is wrong with a cell or its name, as a sentence.
public enum CellError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A name that stands for no cell that is known here.
  case unknown(String, known: [String])
  /// A text that names no cell.
  case text(String)
  /// A name that no cell can have.
  case name(String)
  /// A name that two cells have.
  case taken(String)
  /// A setting that a cell does not have.
  case setting(cell: String, name: String, known: [String])
  /// A setting whose value is out of its range.
  case value(cell: String, name: String, found: Double, CellSetting)
  /// Numbers of a cell that do not fit together.
  case shape(cell: String, reason: String)

  /// The sentence.
  public var description: String {
    switch self {
    case .unknown(let name, let known):
      "no cell is called \"\(name)\" here: known are \(known.joined(separator: ", ")); the program that has "
        + "it reads the file with cells: [ItsType.self]"
    case .text(let text):
      "\"\(text.prefix(60))\" names no cell: expected a name such as lstm, or one with settings such as "
        + "lstm(forget-bias=2)"
    case .name(let name):
      "no cell can be called \"\(name)\": a name has small letters, digits and hyphens"
    case .taken(let name):
      "two cells are called \"\(name)\": each needs a name of its own, as files know cells by their names"
    case .setting(let cell, let name, let known):
      "the cell \(cell) has no setting \"\(name)\": it has "
        + (known.isEmpty ? "none" : known.joined(separator: ", "))
    case .value(let cell, let name, let found, let row):
      "the setting \(name) of the cell \(cell) is \(CellSettings.text(found)): expected "
        + "\(row.isWhole ? "a whole number" : "a number") from \(CellSettings.text(row.range.lowerBound)) to "
        + CellSettings.text(row.range.upperBound)
    case .shape(let cell, let reason): "the cell \(cell) cannot be used: \(reason)"
    }
  }
}

extension RecurrentCell {
  /// What does not fit together in the numbers of a cell; nil where all is well.
  var misfit: String? {
    if gateCount < 1 { return "it has no gates" }
    if gateNames.count != gateCount {
      return "it has \(gateCount) gates, and names for \(gateNames.count)"
    }
    if Set(gateNames).count < gateNames.count { return "two of its gates have one name" }
    if let name = gateNames.first(where: { ["", "h", "c"].contains($0) }) {
      return "a gate is called \"\(name)\", and h and c are the state"
    }
    if cellVectorCount < 0 || savedCount < 0 { return "a number of vectors is negative" }
    if keepsProjectionsApart, !hasRecurrentProduct {
      return "it keeps the recurrent projection apart, and has none"
    }
    return nil
  }
}
