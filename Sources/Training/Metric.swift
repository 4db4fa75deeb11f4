/// What a validation measures.
public struct Metric: Codable, Sendable, Hashable {
  /// Which values are better.
  public enum Direction: String, Codable, Sendable {
    /// Smaller ones, as of a loss.
    case lower
    /// Greater ones, as of an accuracy.
    case higher
  }

  /// What it is called, such as `F1`.
  public let name: String
  /// Which values are better.
  public let direction: Direction

  /// A metric.
  public init(name: String, direction: Direction) {
    self.name = name
    self.direction = direction
  }

  /// The mean of -log p of a token, in nats.
  public static let crossEntropy = Metric(name: "cross entropy", direction: .lower)
  /// The harmonic mean of precision and recall of spans, from 0 to 1.
  public static let f1 = Metric(name: "F1", direction: .higher)
  /// The fraction of what is right, from 0 to 1.
  public static let accuracy = Metric(name: "accuracy", direction: .higher)
}

/// The result of a validation.
public struct Validation: Codable, Sendable, Equatable {
  /// The value: nats a token for a cross entropy, from 0 to 1 for the others.
  public var value: Double
  /// What it is a value of.
  public var metric: Metric

  /// A value of a metric.
  public init(_ value: Double, _ metric: Metric) {
    self.value = value
    self.metric = metric
  }

  /// Whether it is better than another one, or than none; a value that is no number never is.
  public func isBetter(than other: Validation?) -> Bool {
    guard let other else { return !value.isNaN }
    return metric.direction == .lower ? value < other.value : value > other.value
  }

  /// Its part of a sentence: `1.234 bits/char`, `F1 88.12`; a cross entropy in bits of `unit`.
  public func text(unit: String) -> String {
    guard metric != .crossEntropy else { return "\(fixed(bits(value), 3)) bits/\(unit)" }
    return "\(metric.name) \(fixed(100 * value, 2))"
  }
}
