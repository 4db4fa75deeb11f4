internal import Cells

/// How far the gradients of a cell are from central differences, weight by weight and gate by gate.
public struct GradientReport: Sendable, CustomStringConvertible {
  /// The largest difference of a weight, in one gate where its rows belong to gates.
  public struct Difference: Sendable, CustomStringConvertible {
    /// The weight, such as `weight_hh_l0`, or `input`.
    public let weight: String
    /// The gate, such as `f`; nil where the weight is not divided by gates.
    public let gate: String?
    /// The gradient of the backward pass, and the one measured.
    public let claimed, measured: Double
    /// Their difference, relative to the larger of both.
    public let error: Double

    /// `weight_hh_l0, gate f: -0.2134 where 0.3342 is measured`.
    public var description: String {
      "\(weight)\(gate.map { ", gate \($0)" } ?? ""): \(short(claimed)) where \(short(measured)) is measured"
    }
  }

  /// What an element's gradient is said to be and what it is.
  struct Element {
    let claimed, measured, error: Double
  }

  /// The cell, and what it was checked with.
  public let name: String
  /// The differences, the largest first.
  public let differences: [Difference]

  init(name: String, differences: [Difference]) {
    self.name = name
    self.differences = differences.sorted { $0.error > $1.error }
  }

  /// The largest relative difference.
  public var largestError: Double { differences.first?.error ?? .infinity }
  /// Whether it is under the tolerance.
  public var isSound: Bool { largestError < GradientCheck.tolerance }

  /// The cell and the largest difference, and the place where a gradient is wrong.
  public var description: String {
    // A wrong gate spoils what lies before it, the input and the last state; the gate is what helps.
    let wrong = differences.filter { !($0.error < GradientCheck.tolerance) }
    let place = (wrong.first { $0.gate != nil } ?? wrong.first).map { "; \($0)" } ?? ""
    return "gradients of \(name): largest error \(short(largestError))\(place)"
  }

  /// The largest difference in each gate of a weight whose rows are divided by gates, else in all of it.
  static func byGate(
    _ elements: [Element], of weight: String, _ cell: (any RecurrentCell)?
  ) -> [Difference] {
    let gates = cell?.gateNames ?? []
    let isDivided =
      ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].contains { weight.hasPrefix($0) }
    let parts = isDivided ? gates.count : 1
    return (0..<max(1, parts)).compactMap { part in
      let size = elements.count / max(1, parts)
      guard let worst = elements[part * size..<(part + 1) * size].max(by: { $0.error < $1.error })
      else { return nil }
      return Difference(
        weight: weight, gate: isDivided ? gates[part] : nil, claimed: worst.claimed,
        measured: worst.measured, error: worst.error)
    }
  }
}

/// A backward pass that is not the derivative of the forward pass, as a sentence.
public struct GradientError: Error, Sendable, CustomStringConvertible {
  /// The differences found.
  public let report: GradientReport

  /// The sentence: the cell, and where it is wrong most.
  public var description: String {
    "the backward pass is wrong: \(report)"
  }
}

/// A number in few digits, without a C library: 1.234e-05.
private func short(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return "\(value)" }
  var (digits, power) = (value, 0)
  while abs(digits) >= 10 { (digits, power) = (digits / 10, power + 1) }
  while abs(digits) < 1 { (digits, power) = (digits * 10, power - 1) }
  let rounded = (digits * 1000).rounded() / 1000
  return (-3...3).contains(power)
    ? "\((value * 1e6).rounded() / 1e6)" : "\(rounded)e\(power)"
}
