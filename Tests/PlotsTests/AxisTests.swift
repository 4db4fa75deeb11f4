import Foundation
import Testing

@testable import Plots

@Suite struct AxisTests {
  /// Worked out by hand: steps of 1, 2 or 5 times a power of ten, at most about five of them.
  @Test(arguments: [
    (0.0, 1.0, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    (0, 100, ["0", "20", "40", "60", "80", "100"]),
    (1.9, 6.6, ["1", "2", "3", "4", "5", "6", "7"]),
    (2.31, 2.48, ["2.30", "2.35", "2.40", "2.45", "2.50"]),
    (-3, 4, ["−4", "−2", "0", "2", "4"]),
    (0, 23_456, ["0", "5,000", "10,000", "15,000", "20,000", "25,000"]),
    (0, 0.0012, ["0", "0.0005", "0.0010", "0.0015"]),
    (0, 0.000_03, ["0", "10⁻⁵", "2·10⁻⁵", "3·10⁻⁵"]),
    (0, 48_000_000, ["0", "10⁷", "2·10⁷", "3·10⁷", "4·10⁷", "5·10⁷"]),
    (0, 1e30, ["0", "2·10²⁹", "4·10²⁹", "6·10²⁹", "8·10²⁹", "10³⁰"]),
  ])
  func linearTicksAreRound(_ low: Double, _ high: Double, _ labels: [String]) {
    let ruler = Ruler(Chart.Axis("y"), [high, low], most: 5, endsAtTicks: true)
    #expect(ruler.ticks.map(\.label) == labels)
    #expect(ruler.place(of: ruler.ticks[0].value) == 0)
    #expect(ruler.place(of: ruler.ticks[labels.count - 1].value) == 1)
  }

  @Test(arguments: [
    (1.0, 512.0, ["1", "10", "100"]),
    (1, 100, ["1", "10", "100"]),
    (2, 9, ["2", "4", "6", "8"]),
    (0.4, 6, ["0.5", "1", "2", "5"]),
    (1e-30, 1e30, ["10⁻³⁰", "10⁻¹⁵", "1", "10¹⁵", "10³⁰"]),
    (1e-6, 1, ["10⁻⁶", "10⁻⁴", "10⁻²", "1"]),
    (2.1, 2.9, ["2.2", "2.4", "2.6", "2.8"]),
  ])
  func logarithmicTicksAreRound(_ low: Double, _ high: Double, _ labels: [String]) {
    let ruler = Ruler(
      Chart.Axis("y", .logarithmic), [low, high], most: 5, endsAtTicks: false)
    #expect(ruler.ticks.map(\.label) == labels)
    #expect(abs(ruler.place(of: (low * high).squareRoot()) - 0.5) < 1e-9)
  }

  /// Whatever the numbers: few ticks, in order, within the axis, and all labels different.
  @Test(arguments: [Chart.Axis.Scale.linear, .logarithmic])
  func ticksAreFewAndDifferent(_ scale: Chart.Axis.Scale) {
    var random = Numbers()
    for _ in 0..<3000 {
      let center =
        pow(10, Double.random(in: -299...299, using: &random))
        * (scale == .linear && Bool.random(using: &random) ? -1 : 1)
      let width = pow(10, Double.random(in: -20...3, using: &random))
      let values = [center, center * (1 + width)]
      for endsAtTicks in [false, true] {
        let ruler = Ruler(Chart.Axis("y", scale), values, most: 5, endsAtTicks: endsAtTicks)
        let places = ruler.ticks.map { ruler.place(of: $0.value) }
        #expect((2...8).contains(places.count), "\(values) \(ruler.ticks)")
        #expect(places == places.sorted() && Set(places).count == places.count, "\(values)")
        #expect(places.allSatisfy { $0 > -1e-6 && $0 < 1 + 1e-6 }, "\(values) \(places)")
        #expect(Set(ruler.ticks.map(\.label)).count == places.count, "\(values) \(ruler.ticks)")
        #expect(values.allSatisfy { !ruler.place(of: $0).isNaN })
      }
    }
  }

  @Test(arguments: [0, 1, -7, 1e-300, 1e300, 123_456.789])
  func numbersThatAreAllAlikeHaveAPlace(_ value: Double) {
    for scale in [Chart.Axis.Scale.linear, .logarithmic] where scale == .linear || value > 0 {
      let ruler = Ruler(Chart.Axis("y", scale), [value, value], most: 5, endsAtTicks: true)
      #expect((0...1).contains(ruler.place(of: value)), "\(scale)")
      #expect(ruler.ticks.count >= 2, "\(scale)")
    }
  }

  @Test func wholeNumbersHaveNothingBetweenThem() {
    let axis = Chart.Axis("updates", isWhole: true)
    let labels = { (values: [Double]) in
      Ruler(axis, values, most: 6, endsAtTicks: false).ticks.map(\.label)
    }
    #expect(labels([1]) == ["0", "1", "2"] && labels([1, 3]) == ["1", "2", "3"])
    #expect(labels([1, 1200]) == ["200", "400", "600", "800", "1,000", "1,200"])
  }

  @Test(arguments: [
    (0.25, "0.25"), (12_000, "12,000"), (3e-9, "3·10⁻⁹"), (1.5e12, "1.5·10¹²"), (2.3456, "2.346"),
    (-0.5, "−0.5"), (0, "0"), (9_999_600, "10⁷"), (.nan, "–"), (.infinity, "–"), (1, "1"),
    (0.1, "0.1"), (1234, "1,234"), (1e-320, "10⁻³²⁰"),
  ])
  func numbersAreReadable(_ value: Double, _ text: String) {
    #expect(Chart.text(of: value) == text)
  }
}

/// The same numbers each time (Knuth's linear congruential generator for 64 bits).
private struct Numbers: RandomNumberGenerator {
  private var state: UInt64 = 12

  mutating func next() -> UInt64 {
    var result: UInt64 = 0
    for _ in 0..<2 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      result = result << 32 | state >> 32
    }
    return result
  }
}
