public import Cells

extension Hyperparameter {
  /// A whole number.
  public static func integer(
    _ name: String, _ path: WritableKeyPath<Root, Int> & Sendable, in range: ClosedRange<Int>,
    _ help: String, _ group: HyperparameterGroup, formerly formerName: String? = nil
  ) -> Hyperparameter {
    Hyperparameter(
      name, .integer(range), "N", help, group, formerName: formerName,
      read: { .integer($0[keyPath: path]) },
      write: { if case .integer(let value) = $1 { $0[keyPath: path] = value } })
  }

  /// A whole number that may be left open: then `automatic` says how it is chosen.
  public static func optionalInteger(
    _ name: String, _ path: WritableKeyPath<Root, Int?> & Sendable, in range: ClosedRange<Int>,
    _ help: String, _ group: HyperparameterGroup,
    automatic: String? = nil, formerly formerName: String? = nil
  ) -> Hyperparameter {
    Hyperparameter(
      name, .integer(range), "N", help, group, formerName: formerName, automatic: automatic,
      read: { $0[keyPath: path].map { .integer($0) } },
      write: { if case .integer(let value) = $1 { $0[keyPath: path] = value } })
  }

  /// A number.
  public static func number(
    _ name: String, _ path: WritableKeyPath<Root, Double> & Sendable,
    in range: ClosedRange<Double>, _ argument: String, _ help: String,
    _ group: HyperparameterGroup, formerly formerName: String? = nil
  ) -> Hyperparameter {
    Hyperparameter(
      name, .number(range), argument, help, group, formerName: formerName,
      read: { .number($0[keyPath: path]) },
      write: { $0[keyPath: path] = double(of: $1) ?? $0[keyPath: path] })
  }

  /// A number that may be left open.
  public static func optionalNumber(
    _ name: String, _ path: WritableKeyPath<Root, Double?> & Sendable,
    in range: ClosedRange<Double>, _ argument: String, _ help: String,
    _ group: HyperparameterGroup, automatic: String? = nil
  ) -> Hyperparameter {
    Hyperparameter(
      name, .number(range), argument, help, group, automatic: automatic,
      read: { $0[keyPath: path].map { .number($0) } },
      write: { $0[keyPath: path] = double(of: $1) ?? $0[keyPath: path] })
  }

  /// A probability: from 0 to 0.99, the greatest at which anything is left.
  public static func probability(
    _ name: String, _ path: WritableKeyPath<Root, Double> & Sendable, _ help: String,
    _ group: HyperparameterGroup, formerly formerName: String? = nil
  ) -> Hyperparameter {
    number(name, path, in: 0...0.99, "P", help, group, formerly: formerName)
  }

  /// Yes or no; as an option it stands alone and says yes.
  public static func flag(
    _ name: String, _ path: WritableKeyPath<Root, Bool> & Sendable, _ help: String,
    _ group: HyperparameterGroup, formerly formerName: String? = nil
  ) -> Hyperparameter {
    Hyperparameter(
      name, .flag, nil, help, group, formerName: formerName,
      read: { .flag($0[keyPath: path]) },
      write: { if case .flag(let value) = $1 { $0[keyPath: path] = value } })
  }

  /// One of the cases of an enumeration, by their raw values.
  public static func choice<Choice: RawRepresentable & CaseIterable & Sendable>(
    _ name: String, _ path: WritableKeyPath<Root, Choice> & Sendable, _ argument: String,
    _ help: String, _ group: HyperparameterGroup, formerly formerName: String? = nil
  ) -> Hyperparameter where Choice.RawValue == String {
    Hyperparameter(
      name, .choice(Choice.allCases.map(\.rawValue)), argument, help, group,
      formerName: formerName, read: { .text($0[keyPath: path].rawValue) },
      write: {
        if case .text(let text) = $1, let value = Choice(rawValue: text) {
          $0[keyPath: path] = value
        }
      })
  }

  /// The recurrent cell: the name of one that is built in, or of one's own, with its settings.
  public static func cell(
    _ path: WritableKeyPath<Root, CellKind> & Sendable
  ) -> Hyperparameter {
    Hyperparameter(
      "cell", .cell, "CELL", "Recurrent cell", .network,
      read: { .text($0[keyPath: path].description) },
      write: {
        if case .text(let text) = $1, let kind = try? CellKind(unsettled: text) {
          $0[keyPath: path] = kind
        }
      })
  }

  /// One of the cases of an enumeration, or left open.
  public static func optionalChoice<Choice: RawRepresentable & CaseIterable & Sendable>(
    _ name: String, _ path: WritableKeyPath<Root, Choice?> & Sendable, _ argument: String,
    _ help: String, _ group: HyperparameterGroup, automatic: String? = nil
  ) -> Hyperparameter where Choice.RawValue == String {
    Hyperparameter(
      name, .choice(Choice.allCases.map(\.rawValue)), argument, help, group, automatic: automatic,
      read: { $0[keyPath: path].map { .text($0.rawValue) } },
      write: {
        if case .text(let text) = $1, let value = Choice(rawValue: text) {
          $0[keyPath: path] = value
        }
      })
  }

  /// A text.
  public static func text(
    _ name: String, _ path: WritableKeyPath<Root, String> & Sendable, _ argument: String,
    _ help: String, _ group: HyperparameterGroup
  ) -> Hyperparameter {
    Hyperparameter(
      name, .text, argument, help, group, read: { .text($0[keyPath: path]) },
      write: { if case .text(let text) = $1 { $0[keyPath: path] = text } })
  }

  /// Rising whole numbers with commas between them, or left open.
  public static func optionalIntegers(
    _ name: String, _ path: WritableKeyPath<Root, [Int]?> & Sendable, in range: ClosedRange<Int>,
    _ argument: String, _ help: String, _ group: HyperparameterGroup
  ) -> Hyperparameter {
    Hyperparameter(
      name, .integers(range), argument, help, group,
      read: { $0[keyPath: path].map { .integers($0) } },
      write: { if case .integers(let values) = $1 { $0[keyPath: path] = values } })
  }

  private static func double(of value: HyperparameterValue) -> Double? {
    switch value {
    case .number(let number): number
    case .integer(let number): Double(number)
    default: nil
    }
  }
}
