internal import Glibc

/// A number as whole digits and a power of ten, so that it is written without rounding it again.
struct Decimal: Equatable {
  /// The number is `digits` times ten to the `power`.
  var digits: Int
  /// See `digits`.
  var power: Int

  /// A number from its parts.
  init(digits: Int, power: Int) {
    self.digits = digits
    self.power = power
  }

  /// The closest number with some significant digits.
  init(_ value: Double, significant: Int) {
    guard value.isFinite, value != 0 else { (digits, power) = (0, 0); return }
    power = Int(floor(log10(abs(value)))) - significant + 1
    // The powers of ten themselves end at 1e-323.
    let (scaled, scale) = power < -290 ? (value * 1e30, power + 30) : (value, power)
    digits = Int((scaled / Self.ten(to: scale)).rounded())
    // No zeros at the end.
    while digits != 0, digits % 10 == 0 { (digits, power) = (digits / 10, power + 1) }
  }

  /// The number.
  var value: Double {
    power < 0 && power >= -300
      ? Double(digits) / Self.ten(to: -power) : Double(digits) * Self.ten(to: power)
  }

  /// Ten to a power.
  static func ten(to power: Int) -> Double { pow(10, Double(power)) }

  /// The power of ten of the first digit.
  var magnitude: Int { "\(digits.magnitude)".count - 1 + power }

  /// Whether a number of such a magnitude is easier to read with a power of ten.
  static func needsPower(_ magnitude: Int) -> Bool { magnitude >= 7 || magnitude < -4 }

  /// The number for people: thousands grouped, very large and small ones with a power of ten.
  ///
  /// `0.25`, `12,000`, `3·10⁻⁹`, `1.5·10¹²`.
  var text: String { text(withPower: Self.needsPower(magnitude)) }

  /// The number with or without a power of ten.
  func text(withPower: Bool) -> String {
    if digits == 0 { return "0" }
    return (digits < 0 ? "−" : "") + (withPower && magnitude != 0 ? powered : plain)
  }

  private var plain: String {
    var digits = "\(digits.magnitude)"
    if power >= 0 { return Self.grouped(digits + String(repeating: "0", count: power)) }
    if digits.count <= -power {
      digits = String(repeating: "0", count: 1 - power - digits.count) + digits
    }
    let point = digits.index(digits.endIndex, offsetBy: power)
    return Self.grouped(String(digits[..<point])) + "." + digits[point...]
  }

  private var powered: String {
    var digits = "\(digits.magnitude)"
    while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
    let rest = digits.dropFirst()
    let mantissa = rest.isEmpty ? digits : "\(digits.prefix(1)).\(rest)"
    return (mantissa == "1" ? "10" : "\(mantissa)·10") + Self.raised(magnitude)
  }

  private static func grouped(_ digits: String) -> String {
    var result = ""
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place) % 3 == 0 { result.append(",") }
      result.append(digit)
    }
    return result
  }

  private static func raised(_ power: Int) -> String {
    let signs = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    return (power < 0 ? "⁻" : "")
      + String("\(power.magnitude)".compactMap { $0.wholeNumberValue.map { signs[$0] } })
  }
}
