import Foundation
import Testing

/// The first ten losses of small runs, as they were when `Fixtures/golden.json` was written.
///
/// What changes them on purpose writes the file anew: MAJORTOM_GOLDEN=write make test, and says why.
@Suite struct GoldenTests {
  private static let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures/golden.json")

  @Test func firstTenLossesAreAsTheyWere() throws {
    var found: [String: [Double]] = [:]
    for (name, run) in GoldenCases.all { found[name] = try run() }
    if ProcessInfo.processInfo.environment["MAJORTOM_GOLDEN"] == "write" {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
      try encoder.encode(found).write(to: Self.source)
    }
    let golden = try JSONDecoder().decode(
      [String: [Double]].self, from: Data(contentsOf: Self.source))
    #expect(Set(found.keys) == Set(golden.keys))
    var worst = (0.0, "")
    for (name, losses) in golden {
      let new = try #require(found[name])
      #expect(losses.count == 10 && new.count == 10, "\(name)")
      for (update, (old, new)) in zip(losses, new).enumerated() {
        let difference = abs(new - old) / abs(old)
        #expect(difference < 1e-5, "\(name), update \(update + 1): \(new), and it was \(old)")
        if difference > worst.0 { worst = (difference, name) }
      }
    }
    print("golden losses: the largest relative difference is \(worst.0) \(worst.1)")
  }
}
