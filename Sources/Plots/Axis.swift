internal import Glibc

extension Chart {
  /// What a chart's numbers are measured by, in one of its two directions.
  public struct Axis: Sendable, Equatable {
    /// How numbers become places.
    public enum Scale: Sendable {
      /// Equal steps are equally wide.
      case linear
      /// Equal factors are equally wide; numbers up to 0 have no place.
      case logarithmic
    }

    /// What is measured, and in which unit.
    public var title: String
    /// How numbers become places.
    public var scale: Scale
    /// Whether 0 is shown, too, where the scale is linear.
    public var includesZero: Bool
    /// Whether only whole numbers are measured, where the scale is linear: there is no tick between two of them.
    public var isWhole: Bool
    /// The least and the greatest number that has a place: a line ends where it leaves them.
    public var limits: ClosedRange<Double>

    /// An axis; charts draw numbers of up to 300 decimal places.
    public init(
      _ title: String, _ scale: Scale = .linear, includesZero: Bool = false,
      isWhole: Bool = false, limits: ClosedRange<Double> = -1e300...1e300
    ) {
      self.title = title
      self.scale = scale
      self.includesZero = includesZero
      self.isWhole = isWhole
      self.limits = limits
    }

    /// Whether a number has a place.
    func shows(_ value: Double) -> Bool {
      value.isFinite && limits.contains(value) && abs(value) <= 1e300
        && (scale == .linear || value >= 1e-300)
    }
  }
}

/// An axis with its ends and its ticks.
struct Ruler {
  /// A number beside an axis.
  struct Tick: Equatable {
    let value: Double
    let label: String
  }

  let scale: Chart.Axis.Scale
  /// The numbers beside the axis, all with a power of ten or all without.
  let ticks: [Tick]
  // The ends, on a logarithmic scale their decimal logarithms.
  private let low, high: Double

  /// The ruler for those of the values that the axis shows.
  ///
  /// - Parameters:
  ///   - axis: What is measured, and how.
  ///   - values: The numbers that are to have a place.
  ///   - most: About how many ticks there is room for.
  ///   - endsAtTicks: Whether it ends at ticks, and not at the least and the greatest number.
  init(_ axis: Chart.Axis, _ values: some Sequence<Double>, most: Int, endsAtTicks: Bool) {
    scale = axis.scale
    var (least, greatest) = (Double.infinity, -Double.infinity)
    for value in values where axis.shows(value) {
      (least, greatest) = (min(least, value), max(greatest, value))
    }
    if least > greatest { (least, greatest) = scale == .linear ? (0, 1) : (1, 10) }
    let numbers: [Decimal]
    switch scale {
    case .linear:
      if axis.includesZero { (least, greatest) = (min(0, least), max(0, greatest)) }
      let step = Self.widened(&least, &greatest, most: most, isWhole: axis.isWhole)
      if endsAtTicks {
        least = step.multiple(belowOrAt: least).value
        greatest = step.multiple(aboveOrAt: greatest).value
      }
      numbers = step.multiples(from: least, through: greatest)
      (low, high) = (least, greatest)
    case .logarithmic:
      (least, greatest) = Self.widened(least, greatest, endsAtTicks: endsAtTicks)
      numbers = Self.powers(from: least, through: greatest, most: most)
      (low, high) = (log10(least), log10(greatest))
    }
    let magnitudes = numbers.filter { $0.digits != 0 }.map(\.magnitude)
    let small = scale == .linear ? magnitudes.max() : magnitudes.min()
    let withPower = [small, magnitudes.max()].contains { Decimal.needsPower($0 ?? 0) }
    ticks = numbers.map { Tick(value: $0.value, label: $0.text(withPower: withPower)) }
  }

  /// How far a number is from the low end, as a fraction of the whole.
  func place(of value: Double) -> Double {
    ((scale == .linear ? value : log10(value)) - low) / (high - low)
  }

  /// Makes room around numbers that are all alike, and chooses a step.
  private static func widened(
    _ low: inout Double, _ high: inout Double, most: Int, isWhole: Bool
  ) -> Step {
    // Below this, neighbouring ticks would be hardly different numbers.
    if high - low <= 1e-9 * max(abs(low), abs(high)) || high - low < 1e-300 {
      let room = max(max(abs(low), abs(high)) * 0.05, isWhole ? 1 : 0)
      (low, high) = room > 1e-290 ? (low - room, high + room) : (0, 1)
    }
    let size = (high - low) / Double(max(1, most))
    return Step(atLeast: isWhole ? max(1, size) : size)
  }

  /// Makes room for at least some part of a decade.
  private static func widened(
    _ low: Double, _ high: Double, endsAtTicks: Bool
  ) -> (Double, Double) {
    var (from, through) = (log10(low), log10(high))
    if endsAtTicks, through - from > 2 { (from, through) = (floor(from), ceil(through)) }
    if through - from < 0.02 { (from, through) = (from - 0.1, through + 0.1) }
    return (pow(10, max(-301, from)), pow(10, min(301, through)))
  }

  /// Powers of ten, between them the doubles and fivefolds where there is room, and where there is less than a
  /// decade, equal steps.
  private static func powers(from low: Double, through high: Double, most: Int) -> [Decimal] {
    let (first, last) = (Int(floor(log10(low))), Int(ceil(log10(high))))
    let range = low * (1 - 1e-9)...high * (1 + 1e-9)
    func ticks(_ digits: [Int], _ every: Int) -> [Decimal] {
      var found: [Decimal] = []
      for power in first...last where power % every == 0 {
        found += digits.map { Decimal(digits: $0, power: power) }
      }
      return found.filter { range.contains($0.value) }
    }
    let all = ticks([1, 2, 5], 1)
    if all.count < 3 {
      return Step(atLeast: (high - low) / Double(max(1, most))).multiples(from: low, through: high)
        .filter { $0.value > 0 }
    }
    if all.count <= most { return all }
    let steps = [1, 2, 3, 5, 10, 15, 20, 30, 50, 100, 150, 200, 300]
    let tens = steps.lazy.map { ticks([1], $0) }.first { $0.count <= max(2, most) } ?? []
    return tens.count >= 2 ? tens : all
  }
}

/// A step of 1, 2 or 5 times a power of ten.
private struct Step {
  let digits, power: Int

  /// The smallest one that is not smaller than a number.
  init(atLeast size: Double) {
    let below = Int(floor(log10(max(1e-300, size)))) - 1
    var step = Decimal(digits: 1, power: below)
    // A hair less is enough: 0.1 / 5 is not quite 0.02.
    while step.value < size * (1 - 1e-9) {
      switch step.digits {
      case 1: step.digits = 2
      case 2: step.digits = 5
      default: step = Decimal(digits: 1, power: step.power + 1)
      }
    }
    (digits, power) = (step.digits, step.power)
  }

  private func times(_ count: Double) -> Decimal {
    // Numbers are at most 1e9 steps from 0, as `widened` sees to it.
    Decimal(digits: digits * Int(max(-1e15, min(1e15, count))), power: power)
  }

  private var size: Double { Decimal(digits: digits, power: power).value }

  func multiple(belowOrAt value: Double) -> Decimal { times(floor(value / size + 1e-6)) }
  func multiple(aboveOrAt value: Double) -> Decimal { times(ceil(value / size - 1e-6)) }

  func multiples(from low: Double, through high: Double) -> [Decimal] {
    var (next, last) = (multiple(aboveOrAt: low), multiple(belowOrAt: high))
    last.digits = min(last.digits, next.digits + 100 * digits)
    var ticks: [Decimal] = []
    while next.digits <= last.digits {
      ticks.append(next)
      next.digits += digits
    }
    return ticks
  }
}
