public import Cells
internal import Files

/// One row of a table of hyperparameters.
///
/// It is the only place that knows a hyperparameter's name, range, help and group. Its default is the
/// value that the property has in a fresh `Root`.
///
///     static let hyperparameters: [Hyperparameter<Self>] = [
///       .integer("hidden", \.hiddenSize, in: 1...16384, "N", "Units of a layer", .network),
///       .number("dropout", \.dropout, in: 0...0.99, "P", "Probability of ...", .regularization),
///     ]
///
/// Options of the command line, their parsing and help, the JSON of files, validation in the
/// library, reports and the reference are all made from these rows.
public struct Hyperparameter<Root: Sendable>: Sendable {
  /// What options and files call it, such as `dropout-inputs`.
  public let name: String
  /// What files of format 1 called it, where that differs.
  public let formerName: String?
  /// What stands for its value in the help, such as `N`; nil for flags.
  public let argument: String?
  /// What it is, in one line.
  public let help: String
  /// What it belongs to.
  public let group: HyperparameterGroup
  /// The values that it can have.
  public let domain: HyperparameterDomain
  /// What the help says where the default is left open, such as `by the size of the data`.
  public let automatic: String?
  /// The value in a root; nil where it is left open.
  public let read: @Sendable (Root) -> HyperparameterValue?
  /// Sets the value, which must lie in the domain.
  let write: @Sendable (inout Root, HyperparameterValue) -> Void

  /// A row of these parts; `write` is called with values of the domain alone.
  public init(
    _ name: String, _ domain: HyperparameterDomain, _ argument: String?, _ help: String,
    _ group: HyperparameterGroup, formerName: String? = nil, automatic: String? = nil,
    read: @escaping @Sendable (Root) -> HyperparameterValue?,
    write: @escaping @Sendable (inout Root, HyperparameterValue) -> Void
  ) {
    self.name = name
    self.formerName = formerName
    self.argument = argument
    self.help = help
    self.group = group
    self.domain = domain
    self.automatic = automatic
    self.read = read
    self.write = write
  }

  /// Sets the value.
  ///
  /// Throws `HyperparameterError` for one outside the domain.
  public func set(
    _ root: inout Root, to value: HyperparameterValue
  ) throws(HyperparameterError) {
    guard domain.contains(value) else { throw unfit(value.text) }
    write(&root, value)
  }

  /// Sets the value from what somebody typed.
  ///
  /// Throws `HyperparameterError` for a text that stands for no value of the domain.
  public func set(_ root: inout Root, toText text: String) throws(HyperparameterError) {
    guard let value = domain.value(of: text) else {
      // A cell that is known has settings that are wrong: what is wrong with them says more than a list.
      if domain == .cell, let kind = try? CellKind(unsettled: text) {
        do throws(CellError) {
          try kind.check()
        } catch {
          guard case .unknown = error else {
            throw HyperparameterError(name: name, found: text, reason: "\(error)")
          }
        }
      }
      throw unfit(text)
    }
    write(&root, value)
  }

  /// The help with what can be chosen and with the default: the value in `root`, or `said` of it.
  public func help(defaultsFrom root: Root, saying said: String? = nil) -> String {
    if argument == nil { return help }
    let choices = domain.choices.joined(separator: ", ")
    let text = choices.isEmpty ? help : "\(help): \(choices)"
    guard let value = said ?? read(root)?.text ?? automatic else { return text }
    return "\(text) (default: \(value))"
  }

  /// The same row for something that has a `Root` within.
  public func lifted<Whole: Sendable>(
    _ path: WritableKeyPath<Whole, Root> & Sendable
  ) -> Hyperparameter<Whole> {
    Hyperparameter<Whole>(
      name, domain, argument, help, group, formerName: formerName, automatic: automatic,
      read: { [read] in read($0[keyPath: path]) },
      write: { [write] in write(&$0[keyPath: path], $1) })
  }

  private func unfit(_ found: String) -> HyperparameterError {
    HyperparameterError(name: name, found: found, reason: "expected \(domain.expectation)")
  }
}

/// What a hyperparameter belongs to: the headings under which help and reference list it.
public enum HyperparameterGroup: String, Sendable, CaseIterable {
  /// How text becomes tokens.
  case text = "Text and tokens"
  /// Cells, layers and widths.
  case network = "Network"
  /// What keeps a network from learning by heart.
  case regularization = "Regularization"
  /// Batches and what is validated on.
  case batches = "Batches and validation"
  /// Budget, rate and optimiser.
  case optimization = "Training"
}

/// A type whose values are made of hyperparameters, by a table.
///
/// Its JSON has the names of the table as keys. What a file does not say has its default; a name
/// that the table does not have is refused, as it would change what a model does.
public protocol HyperparameterSet: Codable, Sendable, Equatable {
  /// The defaults.
  init()
  /// The table, in the order of the help.
  static var hyperparameters: [Hyperparameter<Self>] { get }
  /// Names that files of format 1 have and that mean nothing any more.
  static var retiredNames: Set<String> { get }
  /// Throws `HyperparameterError` where values that are each in their range do not go together.
  func checkTogether() throws(HyperparameterError)
  /// Looks up what the names of cells stand for, among the built-in ones and those that are given.
  ///
  /// Throws `CellError` for a name that no cell has.
  mutating func settleCells(among cells: [any RecurrentCell.Type]) throws(CellError)
}

extension HyperparameterSet where Self: RecurrentConfiguration {
  /// Looks up what its cell's name stands for.
  public mutating func settleCells(among cells: [any RecurrentCell.Type]) throws(CellError) {
    cell = try cell.settled(among: cells)
  }
}

/// The cells that a reader was given, as decoders are told of them.
enum CellsOfReader {
  private static let key = CodingUserInfoKey(rawValue: "cells")

  static func userInfo(
    _ cells: [any RecurrentCell.Type]
  ) -> [CodingUserInfoKey: any Sendable] {
    key.map { [$0: cells] } ?? [:]
  }

  static func of(_ decoder: any Decoder) -> [any RecurrentCell.Type] {
    key.flatMap { decoder.userInfo[$0] as? [any RecurrentCell.Type] } ?? []
  }
}

extension HyperparameterSet {
  /// The defaults, changed.
  public init(_ change: (inout Self) -> Void) {
    self.init()
    change(&self)
  }

  /// None.
  public static var retiredNames: Set<String> { [] }
  /// Everything goes together.
  public func checkTogether() throws(HyperparameterError) {}
  /// There are no cells.
  public mutating func settleCells(among cells: [any RecurrentCell.Type]) throws(CellError) {}

  /// Throws `HyperparameterError` for the first value out of its range, or values that do not go
  /// together.
  public func validate() throws(HyperparameterError) {
    if let recurrent = self as? any RecurrentConfiguration {
      do throws(CellError) {
        try recurrent.cell.check()
      } catch {
        throw HyperparameterError(name: "cell", found: "\(recurrent.cell)", reason: "\(error)")
      }
    }
    for row in Self.hyperparameters {
      guard let value = row.read(self), !row.domain.contains(value) else { continue }
      throw HyperparameterError(
        name: row.name, found: value.text, reason: "expected \(row.domain.expectation)")
    }
    try checkTogether()
  }

  /// Reads an object with the names of the table, or those of format 1.
  ///
  /// Throws `HyperparameterError` for an unknown name or a value out of its range, `CellError` for a cell
  /// that the reader does not know.
  public init(from decoder: any Decoder) throws {
    self.init()
    let container = try decoder.container(keyedBy: HyperparameterKey.self)
    for key in container.allKeys {
      let name = key.stringValue
      if Self.retiredNames.contains(name) { continue }
      guard
        let row = Self.hyperparameters.first(where: { $0.name == name || $0.formerName == name })
      else {
        throw HyperparameterError(
          name: name, found: "", reason: "this version does not know it")
      }
      if try container.decodeNil(forKey: key) { continue }
      try row.set(&self, to: try container.decode(HyperparameterValue.self, forKey: key))
    }
    try settleCells(among: CellsOfReader.of(decoder))
    try validate()
  }

  /// Writes an object with the names of the table; what is left open is left out.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: HyperparameterKey.self)
    for row in Self.hyperparameters {
      guard let value = row.read(self) else { continue }
      try container.encode(value, forKey: HyperparameterKey(stringValue: row.name))
    }
  }

  /// The names of the values in which two differ, with both, such as `rate 0.003 and 0.001`.
  public func differences(from other: Self) -> [String] {
    Self.hyperparameters.compactMap { row in
      let (mine, theirs) = (row.read(self), row.read(other))
      guard mine != theirs else { return nil }
      return
        "\(row.name) \(quoted(mine?.text ?? "left open")) and \(quoted(theirs?.text ?? "left open"))"
    }
  }
}

/// A key of a table's JSON object.
struct HyperparameterKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
