import CommandLineModels
import CommandLineOptions
import MajorTom

/// A number with a unit, as options have it: `10Gbit`, `1.25GB`, `50us`.
struct Quantity {
  /// What one of each unit is, by its name.
  let units: KeyValuePairs<String, Double>
  /// Two of them, for sentences.
  let examples: String

  /// Bytes a second; the name of the unit may end in /s.
  static let bandwidth = Quantity(
    units: [
      "bit": 1.0 / 8, "kbit": 1e3 / 8, "Mbit": 1e6 / 8, "Gbit": 1e9 / 8, "Tbit": 1e12 / 8,
      "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
      "KiB": 1024, "MiB": 1_048_576, "GiB": 1_073_741_824,
    ], examples: "10Gbit or 1.25GB")

  /// Seconds.
  static let duration = Quantity(
    units: ["ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1], examples: "50us or 2ms")

  /// What a text stands for; nil where it is none.
  func value(of text: String) -> Double? {
    let digits = text.prefix { ("0"..."9").contains($0) || $0 == "." }
    var name = text[digits.endIndex...]
    if units.contains(where: { $0.key == "B" }), name.hasSuffix("/s") { name = name.dropLast(2) }
    let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }),
      let number = Double(digits), let unit = units.first(where: { $0.key == name })?.value
    else { return nil }
    return number * unit
  }
}

extension ParsedArguments {
  /// The option as a quantity that is not negative, and above zero where it must be; nil where it is not given.
  ///
  /// Throws `UsageError`.
  func quantity(
    _ name: String, _ kind: Quantity, mayBeZero: Bool = false
  ) throws(UsageError) -> Double? {
    guard let text = text(name) else { return nil }
    guard let value = kind.value(of: text), value.isFinite else {
      let names = kind.units.map(\.key).joined(separator: ", ")
      throw UsageError(
        "--\(name) \(quoted(text)): expected a number with its unit, such as \(kind.examples); the units are \(names)"
      )
    }
    guard value > 0 || mayBeZero else {
      throw UsageError("--\(name) \(quoted(text)): expected more than nothing")
    }
    return value
  }
}
