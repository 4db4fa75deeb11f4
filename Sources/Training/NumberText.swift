internal import Glibc

// How numbers are written for people, in one place: reports, progress, tables and scores.

/// Nats as bits.
public func bits(_ nats: Double) -> Double { nats / log(2) }

/// A number with a fixed number of decimals, rounded as C's `printf` does.
public func fixed(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite else { return "\(value)" }
  var text = [CChar](repeating: 0, count: 400)
  let count = withVaList([Int32(decimals), value]) { vsnprintf(&text, text.count, "%.*f", $0) }
  let digits = text.prefix(max(0, Int(count))).map { UInt8(bitPattern: $0) }
  let result = String(decoding: digits, as: UTF8.self)
  // Nothing is left of a minus sign before zeros.
  let isZero = !result.contains { $0 >= "1" && $0 <= "9" }
  return result.hasPrefix("-") && isZero ? String(result.dropFirst()) : result
}

/// A number with one decimal and a power of ten, such as 3.1e-9.
public func scientific(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return "\(value)" }
  var exponent = Int(floor(log10(abs(value))))
  if abs(value) / pow(10, Double(exponent)) >= 9.95 { exponent += 1 }
  return "\(fixed(value / pow(10, Double(exponent)), 1))e\(exponent)"
}

/// A whole number with commas between thousands.
public func grouped(_ value: Int) -> String {
  var result = ""
  for (index, digit) in String(value.magnitude).reversed().enumerated() {
    if index > 0, index % 3 == 0 { result.append(",") }
    result.append(digit)
  }
  return (value < 0 ? "-" : "") + String(result.reversed())
}

/// Seconds as hours, minutes and seconds.
public func time(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "?" }
  let whole = Int(seconds.rounded())
  let padded = { (n: Int) in n < 10 ? "0\(n)" : "\(n)" }
  let (hours, minutes) = (whole / 3600, whole / 60 % 60)
  return hours > 0
    ? "\(hours):\(padded(minutes)):\(padded(whole % 60))" : "\(minutes):\(padded(whole % 60))"
}

/// A count with its noun: `1 sentence`, `2,000 sentences`.
public func counted(_ count: Int, _ noun: String) -> String {
  "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")"
}
