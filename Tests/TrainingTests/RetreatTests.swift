import DenseMath
import Files
import Foundation
import Parameters
import TestSupport
import Testing

@testable import Training

/// Runs that diverge, that are resumed from either generation, and that train longer than they were to.
@Suite struct RetreatTests {
  /// The distance from the minimum doubles in each update at this rate, and halves at half of it.
  private func runaway(_ updates: Int) -> TrainingLoop<Pull> {
    loop(Pull(validations: [1] + Array(repeating: 2, count: 1000))) {
      ($0.rate, $0.budget, $0.patience, $0.clip) = (3, .updates(updates), 0, 1e300)
    }
  }

  private func weights(_ loop: TrainingLoop<Pull>) -> [Float] {
    withExtendedLifetime(loop) { Array(loop.parameters.elements) }
  }

  @Test func aRunThatDivergesGoesBackToItsBestWeightsWithHalfTheRate() throws {
    let training = runaway(200)
    var (rates, retreats): ([Double], [String]) = ([], [])
    let end = try training.run { event in
      if case .update(let progress) = event { rates.append(progress.rate) }
      if case .retreated = event { retreats.append("\(event)") }
    }
    #expect(end == .budget && training.record.updates == 200)
    #expect(training.record.retreats == 1)
    // 2.5 · 2^64 squared is beyond Float.
    let turn = training.record.restartedAt
    #expect((60...66).contains(turn))
    #expect(Set(rates[..<turn]) == [3] && Set(rates[turn...]) == [1.5])
    try #require(retreats.count == 1)
    #expect(retreats[0].contains("weights of update 2"), "\(retreats)")
    #expect(retreats[0].contains("0.5 of the rate"))
    #expect(weights(training).prefix(3).allSatisfy { abs($0 - 2.5) < 1e-5 })
    #expect(training.record.isSound)
  }

  @Test func aRunThatIsResumedAfterARetreatMakesTheSameWeights() throws {
    let folder = try Folder()
    let whole = runaway(90)
    _ = try whole.run()
    for stop in [40, 63, 64, 65, 80] {
      let first = runaway(90)
      _ = try first.run(isStopped: { first.record.updates == stop })
      try first.writeCheckpoint(to: folder.place("c"), as: run(first.options))
      let second = runaway(90)
      // The validations of the task are counted on.
      try second.restore(from: folder.place("c"), as: run(second.options))
      second.record.best = Validation(1, .crossEntropy)
      _ = try second.run()
      #expect(weights(second) == weights(whole), "\(stop)")
      #expect(second.record.retreats == 1)
    }
  }

  @Test func aRunThatAlwaysDivergesEndsWithASentence() throws {
    let training = loop(Pull(validations: [3, 2, 1], badUpdate: 5)) { $0.budget = .updates(100) }
    var (retreats, sentence) = (0, "")
    do {
      _ = try training.run { event in if case .retreated = event { retreats += 1 } }
    } catch { sentence = "\(error)" }
    #expect(retreats == TrainingRecord.mostRetreats)
    #expect(sentence.contains("at update 6") && sentence.contains("3 retreats"), "\(sentence)")
    let never = loop(Pull(badUpdate: 0)) { $0.budget = .updates(100) }
    do {
      _ = try never.run()
    } catch { sentence = "\(error)" }
    #expect(sentence.contains("there is no model yet"), "\(sentence)")
  }

  @Test func theCheckpointBeforeADamagedOneIsTaken() throws {
    let folder = try Folder()
    var files = RunFiles(folder: folder.place("run"), secondsBetweenCheckpoints: 0)
    let whole = loop(Pull()) { $0.budget = .updates(20) }
    _ = try whole.run()
    let first = loop(Pull()) { $0.budget = .updates(20) }
    var store: RunStore? = RunStore(files, description: run(first.options))
    _ = try store?.resume(first)
    try store?.begin(first) { _ in }
    struct Killed: Error {}
    #expect(throws: Killed.self) {
      try first.run(store: store) { event in
        if case .saved = event, first.record.updates == 12 { throw Killed() }
      }
    }
    store = nil
    let sound = [UInt8](try Data(contentsOf: URL(fileURLWithPath: files.checkpoint)))
    files.resumes = true
    for place in [9, sound.count / 2, sound.count - 1] {
      var damaged = sound
      damaged[place] ^= 4
      try Data(damaged).write(to: URL(fileURLWithPath: files.checkpoint))
      let second = loop(Pull()) { $0.budget = .updates(20) }
      let notes = try resumedNotes(second, files)
      #expect(second.record.updates == 11)
      #expect(notes.count == 1 && notes[0].contains("the checkpoint before it is taken"))
      _ = try second.run()
      #expect(weights(second) == weights(whole))
    }
    // Damaged, both: nothing is trained.
    try Data(sound.dropLast()).write(to: URL(fileURLWithPath: files.olderCheckpoint))
    #expect(throws: FileError.self) { try resumedNotes(loop(Pull()) { _ in }, files) }
    // Another run's checkpoint is no damaged one.
    try Data(sound).write(to: URL(fileURLWithPath: files.checkpoint))
    #expect(throws: TrainingError.self) {
      try resumedNotes(loop(Pull()) { ($0.budget, $0.rate) = (.updates(20), 0.7) }, files)
    }
  }

  private func resumedNotes(_ loop: TrainingLoop<Pull>, _ files: RunFiles) throws -> [String] {
    let store = RunStore(files, description: run(loop.options))
    return try store.resume(loop)
  }

  /// What a run goes back to does not depend on where it was interrupted before.
  @Test func aRunThatWasInterruptedGoesBackToTheSameWeights() throws {
    let folder = try Folder()
    var files = RunFiles(folder: folder.place("run"), secondsBetweenCheckpoints: 1e9)
    func diverging() -> TrainingLoop<Pull> {
      loop(Pull(badUpdate: 15)) { $0.budget = .updates(20) }
    }
    let whole = diverging()
    _ = try? whole.run()
    let first = diverging()
    var store: RunStore? = RunStore(files, description: run(first.options))
    store?.writeModel = { _ in }
    _ = try store?.resume(first)
    try store?.begin(first) { _ in }
    let end = try first.run(store: store, isStopped: { first.record.updates >= 8 })
    #expect(end == .interrupted && first.record.updates == 8)
    store = nil
    files.resumes = true
    let second = diverging()
    _ = try resumedNotes(second, files)
    _ = try? second.run()
    #expect(weights(second) == weights(whole) && second.record.updates == whole.record.updates)
  }

  @Test func aFinishedRunIsGoneOnWithOnlyWhereItIsToTrainLonger() throws {
    let folder = try Folder()
    var files = RunFiles(folder: folder.place("run"))
    let first = loop(Pull()) { $0.budget = .updates(20) }
    var store: RunStore? = RunStore(files, description: run(first.options))
    _ = try store?.resume(first)
    _ = try first.run(store: store)
    store = nil
    files.resumes = true
    #expect(throws: TrainingError.finished(path: files.path)) {
      try resumedNotes(loop(Pull()) { $0.budget = .updates(20) }, files)
    }
    files.additionalBudget = .updates(7)
    let longer = loop(Pull()) { $0.budget = .updates(20) }
    _ = try resumedNotes(longer, files)
    #expect(longer.options.budget == .updates(27))
    _ = try longer.run()
    #expect(longer.record.updates == 27)
  }

  @Test func anotherKindOfCPUIsTold() throws {
    let folder = try Folder()
    let path = folder.place("c")
    let first = loop(Pull()) { $0.budget = .updates(3) }
    _ = try first.run()
    try first.writeCheckpoint(to: path, as: run(first.options))
    #expect(try first.restore(from: path, as: run(first.options)).isEmpty)
    // The same length, so only the checksum must be made anew.
    let name = ProductKernels.name
    let other = String(repeating: "Z", count: name.utf8.count)
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let wanted = Array("\\\"\(name)\\\"".utf8)
    let place = try #require(
      bytes.indices.first { bytes[$0...].starts(with: wanted) })
    bytes.replaceSubrange(place + 2..<place + 2 + name.utf8.count, with: other.utf8)
    let digits =
      try #require(
        bytes.indices.first { bytes[$0...].starts(with: Array("crc32c:".utf8)) }) + 7
    bytes.replaceSubrange(digits..<digits + 8, with: repeatElement(UInt8(ascii: "0"), count: 8))
    var checksum = CRC32C()
    bytes.withUnsafeBytes { checksum.add($0) }
    bytes.replaceSubrange(digits..<digits + 8, with: checksum.digits.utf8)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let notes = try first.restore(from: path, as: run(first.options))
    #expect(notes.count == 1 && notes[0].contains("bits may differ"), "\(notes)")
  }
}
