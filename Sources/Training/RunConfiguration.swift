public import Files

/// The configuration of a run, as `config.json` has it: everything as resolved.
///
/// The file is JSON5 (https://spec.json5.org), so people may comment it. Its keys are the names of the
/// tables (`Hyperparameter`), and these: `model`, the kind; `data`, a path or a list of paths; what else
/// the tool was told.
public struct RunConfiguration: Sendable, Equatable {
  /// The path, for messages.
  public let path: String
  /// The word for the kind of model, such as `lm`.
  public let model: String
  /// The paths of the data.
  public let data: [String]
  /// All other values by their names.
  public let values: [String: ConfigurationValue]

  /// The longest file that is read, in bytes.
  static let maxLength = 1 << 20

  /// Reads a file.
  ///
  /// Throws `FileError` for one that cannot be read, is too long, or is no configuration.
  public init(contentsOf path: String) throws(FileError) {
    self.path = path
    let text = try TextFiles.bytes(of: path, maxLength: Self.maxLength)
    func unfit(_ found: String) -> FileError { .mismatch(path: path, found: found) }
    var found: [String: ConfigurationValue]
    do {
      found = try JSON.value(from: text, isJSON5: true)
    } catch {
      throw unfit(
        "this is no configuration of a run: expected a JSON5 object of names and values")
    }
    switch found.removeValue(forKey: "model") {
    case .text(let word): model = word
    case nil: model = ""
    default: throw unfit("model: expected a text, such as \"lm\"")
    }
    switch found.removeValue(forKey: "data") {
    case .text(let path): data = [path]
    case .texts(let paths): data = paths
    // A list of nothing says not of what.
    case nil, .integers([]): data = []
    default: throw unfit("data: expected a path or a list of paths")
    }
    values = found
  }

  /// Throws `FileError.mismatch` where it says of no model, as another program's file does.
  public func demandRun() throws(FileError) {
    guard model.isEmpty else { return }
    throw .mismatch(path: path, found: "this is not the configuration of a run")
  }

  /// The text of a configuration: rows of tables under their groups, each with its help.
  static func text(
    _ inputs: RunInputs, _ rows: [(group: String, rows: [ConfigurationRow])]
  ) -> String {
    var lines = [
      "// A run of majortom: all settings, which another run can begin with.",
      "{", "  \"model\": \(JSON.text(of: inputs.model)),",
      "  \"data\": \(ConfigurationValue.texts(inputs.data).json),",
    ]
    lines += inputs.others.map { "  \(JSON.text(of: $0.name)): \($0.value.json)," }
    for (group, rows) in rows where !rows.isEmpty {
      lines += ["", "  // \(group)"]
      lines += rows.map {
        "  \(JSON.text(of: $0.name)): \($0.value.json),  // \($0.help)"
      }
    }
    return (lines + ["}", ""]).joined(separator: "\n")
  }
}

/// A line of a configuration.
struct ConfigurationRow {
  let name: String
  let value: ConfigurationValue
  let help: String
}

extension HyperparameterSet {
  /// The values of a table as lines, by the groups of the help; what is left open is left out.
  func configurationRows(
    without idle: Set<String> = []
  ) -> [(group: String, rows: [ConfigurationRow])] {
    HyperparameterGroup.allCases.map { group in
      let rows = Self.hyperparameters.filter { $0.group == group && !idle.contains($0.name) }
      return (
        group.rawValue,
        rows.compactMap { row in
          row.read(self).map {
            ConfigurationRow(name: row.name, value: ConfigurationValue($0), help: row.help)
          }
        }
      )
    }
  }
}

/// A value of a configuration: what JSON5 has, but for objects.
public enum ConfigurationValue: Sendable, Equatable, Decodable {
  /// Yes or no.
  case flag(Bool)
  /// A whole number.
  case integer(Int)
  /// A number.
  case number(Double)
  /// A text.
  case text(String)
  /// A list of whole numbers.
  case integers([Int])
  /// A list of texts.
  case texts([String])

  /// The value of a hyperparameter.
  public init(_ value: HyperparameterValue) {
    self =
      switch value {
      case .flag(let flag): .flag(flag)
      case .integer(let number): .integer(number)
      case .number(let number): .number(number)
      case .text(let text): .text(text)
      case .integers(let numbers): .integers(numbers)
      }
  }

  /// Reads a value by the type that it has in the file.
  public init(from decoder: any Decoder) throws {
    if let value = try? HyperparameterValue(from: decoder) {
      self.init(value)
    } else {
      self = .texts(try decoder.singleValueContainer().decode([String].self))
    }
  }

  /// The value as JSON writes it.
  var json: String {
    switch self {
    case .flag(let flag): JSON.text(of: flag)
    case .integer(let number): JSON.text(of: number)
    case .number(let number): JSON.text(of: number)
    case .text(let text): JSON.text(of: text)
    case .integers(let numbers): JSON.text(of: numbers)
    case .texts(let texts): JSON.text(of: texts)
    }
  }

  /// The value as an option's arguments: none for no, one without a text for yes.
  public var arguments: [String] {
    switch self {
    case .flag(let flag): flag ? [""] : []
    case .integer(let number): ["\(number)"]
    case .number(let number): [HyperparameterValue.number(number).text]
    case .text(let text): [text]
    case .integers(let numbers): [numbers.map(String.init).joined(separator: ",")]
    case .texts(let texts): texts
    }
  }
}
