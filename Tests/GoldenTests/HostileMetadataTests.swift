import Foundation
import MajorTom
import TestSupport
import Testing

/// Files whose tensors and checksums are sound, and whose metadata nobody can have meant.
@Suite struct HostileMetadataTests {
  private let folder: Folder

  init() throws { folder = try Folder() }

  private func train(
    _ options: (inout TrainingOptions) -> Void = { _ in }, resuming: Bool, updates: Int
  ) throws {
    let corpus = Corpus(text: GoldenCases.story)
    var model = try LanguageModel(
      on: corpus, .init(layers: 1, hiddenSize: 4) { $0.embeddingSize = 4 }, seed: 3)
    var wanted = LanguageModel.defaultOptions
    (wanted.batch, wanted.steps, wanted.shards, wanted.budget) = (4, 16, 2, .updates(1 << 62))
    options(&wanted)
    var left = updates
    try model.train(
      on: corpus, options: wanted,
      run: TrainingRun(
        threads: 1, files: RunFiles(model: folder.place("model"), resumes: resuming),
        isStopped: {
          left -= 1
          return left < 0
        }))
  }

  /// A file without its checksum, and with other metadata.
  private func change(_ name: String, _ change: (inout [String: String]) -> Void) throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.place(name))))
    let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    var header = try #require(
      JSONSerialization.jsonObject(with: Data(bytes[8..<8 + length])) as? [String: Any])
    var metadata = try #require(header["__metadata__"] as? [String: String])
    metadata["checksum"] = nil
    change(&metadata)
    header["__metadata__"] = metadata
    let text = [UInt8](try JSONSerialization.data(withJSONObject: header))
    _ = try folder.write(
      name,
      withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
        + bytes[(8 + length)...])
  }

  private static func record(
    updates: String = "3", seconds: String = "1", bestUpdate: String = "0",
    lastValidation: String = "0", validationsSinceBest: String = "0", best: String? = nil
  ) -> String {
    let metric = #"{"name":"cross entropy","direction":"lower"}"#
    let validation = best.map { #","best":{"value":\#($0),"metric":\#(metric)}"# } ?? ""
    return #"{"updates":\#(updates),"seconds":\#(seconds),"bestUpdate":\#(bestUpdate),"#
      + #""lastValidation":\#(lastValidation),"validationsSinceBest":\#(validationsSinceBest)"#
      + validation + "}"
  }

  @Test(arguments: [
    record(updates: "-9223372036854775808"), record(updates: "9223372036854775807"),
    record(seconds: "9007199254740992"), record(seconds: "-1"), record(seconds: #""NaN""#),
    record(seconds: #""Infinity""#), record(bestUpdate: "4"), record(bestUpdate: "-1"),
    record(lastValidation: "4"), record(validationsSinceBest: "-9223372036854775808"),
    record(validationsSinceBest: "4"), record(best: #""NaN""#),
  ])
  func countsThatNoRunCanHaveAreRefused(record: String) throws {
    try train(resuming: false, updates: 3)
    try change("model.checkpoint") { $0["record"] = record }
    // Else the run would be gone on with from it.
    FileWriter.remove(folder.place("model.checkpoint.previous"))
    let error = #expect(throws: FileError.self) { try train(resuming: true, updates: 0) }
    #expect(error?.description.contains("its counts are impossible") == true)
  }

  /// Counts as large as any that are accepted are trained on from, without an overflow.
  @Test func theLargestCountsAreGoneOnFrom() throws {
    try train(resuming: false, updates: 3)
    let most = "9007199254740992"
    try change("model.checkpoint") {
      $0["record"] = Self.record(
        updates: most, seconds: "1e12", bestUpdate: most, lastValidation: most,
        validationsSinceBest: "0", best: "1e-300")
    }
    try train(resuming: true, updates: 2)
    #expect(FileManager.default.fileExists(atPath: folder.place("model.checkpoint")))
  }

  @Test(arguments: ["-9223372036854775808", "9223372036854775807"])
  func anyCountsOfACardAreDescribed(count: String) throws {
    let corpus = Corpus(text: GoldenCases.story)
    let model = try LanguageModel(
      on: corpus, .init(layers: 1, hiddenSize: 4) { $0.embeddingSize = 4 }, seed: 3)
    try model.write(to: folder.place("model"))
    let size = #"{"exampleName":"line","examples":\#(count),"tokens":\#(count)}"#
    try change("model") {
      $0["card"] =
        #"{"data":["a"],"unit":"char","training":\#(size),"validation":\#(size),"updates":\#(count),"#
        + #""bestUpdate":\#(count),"best":{"value":-1.7e308,"metric":{"name":"F1","#
        + #""direction":"higher"}}}"#
    }
    let read = try LanguageModel(contentsOf: folder.place("model"))
    let text = read.describe().map { "\($0.label): \($0.text)" }.joined(separator: "\n")
    #expect(text.contains("9,223,372,036,854,775,80"))
    #expect(read.jsonDescription.contains(count))
  }
}
