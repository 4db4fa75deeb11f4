import Foundation
import Testing

@testable import Training

@Suite struct EventFileTests {
  private func fixture(_ name: String) throws -> Data {
    let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
    return try Data(contentsOf: folder.appendingPathComponent(name))
  }

  /// `Tests/Fixtures/events.py` has read these bytes by TensorBoard and found the figures of the rows.
  @Test func bytesAreThoseThatTensorBoardHasRead() throws {
    let csv = String(decoding: try fixture("events.csv"), as: UTF8.self)
    let history = try RunHistory(csv: csv, metric: .crossEntropy)
    let file = EventFile(startTime: 1_700_000_000.25)
    let bytes = Data(file.bytes(of: history))
    // To make the fixture anew: write them here, and let TensorBoard read them.
    if let path = ProcessInfo.processInfo.environment["MAJORTOM_EVENTS"] {
      try bytes.write(to: URL(fileURLWithPath: path))
    }
    #expect(history.rows.count > 3)
    #expect(bytes == (try fixture("events.tfevents")))
  }

  @Test func appendedRowsMakeTheSameFile() {
    let file = EventFile(startTime: 1000)
    var bytes = file.opening
    for row in eventfulHistory.rows { bytes += file.bytes(of: row) }
    #expect(bytes == file.bytes(of: eventfulHistory))
    #expect(file.name == "events.out.tfevents.1000.majortom")
    #expect(EventFile(startTime: .nan).name.contains("tfevents.0."))
  }

  @Test func metricsHaveTagsOfTheirOwn() {
    #expect(EventFile.tag(of: .crossEntropy) == "loss/validation")
    #expect(EventFile.tag(of: .f1) == "f1/validation")
    #expect(
      EventFile.tag(of: Metric(name: "chrF++ 2", direction: .higher)) == "chrf___2/validation")
  }
}
