import DenseMath
import Files
import Foundation
import Parameters
import Synchronization
import TestSupport
import Testing

@testable import Training

/// The smallest task: one vector w, pulled towards the target of each shard in turn.
///
/// The loss is Σ (w - target)² / 2 over 4 shards with targets 1, 2, 3, 4, so its minimum is 2.5.
final class Pull: TrainingTask {
  let layout: ParameterLayout
  let weight: Weight
  let carried: [Parameters<Float>] = []
  let validations: [Double]
  let metric: Metric
  let badUpdate: Int
  private let validated = Atomic<Int>(0)

  init(validations: [Double] = [], _ metric: Metric = .crossEntropy, badUpdate: Int = -1) {
    var layout = ParameterLayout()
    weight = layout.declare("w", shape: [3], as: .constant(0))
    self.layout = layout
    self.validations = validations
    self.metric = metric
    self.badUpdate = badUpdate
  }

  var shardCount: Int { 4 }
  var tokensPerUpdate: Int { 10 }
  var updatesPerEpoch: Int { 5 }
  var updatesPerValidation: Int { 2 }

  func run(shard: Int, update: Int, on workspace: Workspace<Float>) -> Double {
    if update == badUpdate { return .nan }
    var loss = 0.0
    for column in 0..<3 {
      let difference = workspace[weight][0, column] - Float(shard + 1)
      workspace.gradient(of: weight)[0, column] += difference / 4
      loss += Double(difference * difference) / 8
    }
    return loss
  }

  var trainingSize: DataSize { DataSize(tokens: 50) }
  var fingerprint: Fingerprint { Fingerprint() }

  func validate(on pool: WorkspacePool<Float>, _ shards: Shards) -> Validation? {
    let number = validated.wrappingAdd(1, ordering: .relaxed).oldValue
    return number < validations.count ? Validation(validations[number], metric) : nil
  }
}

func loop(_ task: Pull, _ change: (inout TrainingOptions) -> Void) -> TrainingLoop<Pull> {
  var options = TrainingOptions()
  (options.optimizer, options.momentum, options.weightDecay) = (.sgd, 0, 0)
  (options.warmUp, options.finalRate) = (0, 1)
  options.rate = 0.5
  options.clip = 1e9
  change(&options)
  return TrainingLoop(
    task, parameters: Parameters(task.layout), options: options, on: Shards(threads: 2))
}

func run(_ options: TrainingOptions, data: String = "one") -> RunDescription {
  RunDescription(kind: "pull", configuration: "{}", options: options, data: data)
}

/// A task that uses few rows of a large table: shard s touches rows of its own and one of all.
///
/// The gradient of each touch is 1.
private struct LookUp: TrainingTask {
  static let rows = 300
  let layout: ParameterLayout
  let table: Weight
  let carried: [Parameters<Float>] = []
  /// Whether the sum of all weights is taken for a validation.
  let validates: Bool

  init(validates: Bool = false) {
    self.validates = validates
    var layout = ParameterLayout()
    table = layout.declare(
      "table", shape: [Self.rows, 2], as: .constant(0), isRowSparse: true)
    self.layout = layout
  }

  var shardCount: Int { 2 }
  var tokensPerUpdate: Int { 10 }
  var updatesPerEpoch: Int { 5 }
  var updatesPerValidation: Int { 7 }

  static func touched(shard: Int, update: Int) -> [Int32] {
    [Int32(7 * update % rows), Int32((100 + 50 * shard + update % 3) % rows)]
  }

  func run(shard: Int, update: Int, on workspace: Workspace<Float>) -> Double {
    let ones = workspace.arena.matrix(2, 2)
    Float.fill(ones, with: 1)
    workspace.addGradient(
      of: table, rows: ones,
      at: workspace.arena.indices(of: Self.touched(shard: shard, update: update)))
    return 1
  }

  var trainingSize: DataSize { DataSize(tokens: 50) }
  var fingerprint: Fingerprint { Fingerprint() }

  func validate(on pool: WorkspacePool<Float>, _ shards: Shards) -> Validation? {
    guard validates else { return nil }
    return Validation(pool.parameters.elements.reduce(0) { $0 + Double($1) }, .crossEntropy)
  }
}

@Suite struct TrainingTests {
  private func lookUp(
    _ task: LookUp, updates: Int, threads: Int
  ) -> TrainingLoop<LookUp> {
    var options = TrainingOptions()
    (options.optimizer, options.momentum, options.weightDecay) = (.sgd, 0.5, 0.125)
    (options.warmUp, options.finalRate, options.rate, options.clip) = (0, 1, 0.25, 1e9)
    options.budget = .updates(updates)
    return TrainingLoop(
      task, parameters: Parameters(task.layout), options: options, on: Shards(threads: threads))
  }

  @Test(arguments: [1, 2])
  func rowsThatABatchLeavesOutMoveOnAndDecay(_ threads: Int) throws {
    let task = LookUp()
    let training = lookUp(task, updates: 20, threads: threads)
    var norms: [Double] = []
    _ = try training.run { event in
      if case .update(let progress) = event { norms.append(progress.gradientNorm) }
    }
    var weights = [Float](repeating: 0, count: LookUp.rows)
    var velocity = weights
    var expectedNorms: [Double] = []
    for update in 0..<20 {
      var gradient = [Float](repeating: 0, count: LookUp.rows)
      for shard in 0..<2 {
        for row in LookUp.touched(shard: shard, update: update) { gradient[Int(row)] += 1 }
      }
      expectedNorms.append(gradient.reduce(0) { $0 + 2 * Double($1 * $1) }.squareRoot())
      for (row, number) in gradient.enumerated() {
        velocity[row] = 0.5 * velocity[row] + number + 0.125 * weights[row]
        weights[row] -= 0.25 * velocity[row]
      }
    }
    let elements = withExtendedLifetime(training) { training.parameters[task.table].elements }
    let expected = weights.flatMap { [$0, $0] }
    #expect(zip(elements, expected).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(zip(elements, expected).allSatisfy { ($0 == 0) == ($1 == 0) })
    #expect(zip(norms, expectedNorms).allSatisfy { abs($0 - $1) < 1e-9 })
    #expect(norms.count == 20)
  }

  @Test func bestAndValidatedWeightsAreUpToDateAndCheckpointsLeaveNoTrace() throws {
    let folder = try Folder()
    let path = folder.place("run.checkpoint")
    let (whole, task) = (lookUp(LookUp(validates: true), updates: 90, threads: 2), LookUp())
    _ = try whole.run()
    // The task's validation is the sum of all weights.
    let sum = whole.best.elements.reduce(0) { $0 + Double($1) }
    #expect(whole.record.best?.value == withExtendedLifetime(whole) { sum })
    let description = run(whole.options)
    func bits(_ loop: TrainingLoop<LookUp>) -> [[Float]] {
      ([loop.parameters] + loop.optimizer.moments).map { block in
        withExtendedLifetime(block) { Array(block.elements) }
      }
    }
    // A checkpoint in the middle, from which another loop goes on, changes neither.
    let first = lookUp(task, updates: 90, threads: 1)
    _ = try first.run(report: { _ in
      if first.record.updates % 17 == 3 {
        try first.writeCheckpoint(to: path, as: description)
      }
    })
    #expect(bits(first) == bits(whole))
    let second = lookUp(task, updates: 90, threads: 2)
    try second.restore(from: path, as: description)
    #expect(second.record.updates == 88)
    _ = try second.run()
    #expect(bits(second) == bits(whole))
  }

  @Test func shardsAreSummedAndTheMinimumIsReached() throws {
    let task = Pull()
    let training = loop(task) { $0.budget = .updates(60) }
    #expect(try training.run() == .budget)
    #expect(training.record.updates == 60)
    withExtendedLifetime(training) {
      #expect(abs(training.parameters[task.weight][0, 1] - 2.5) < 1e-5)
      #expect(training.best[task.weight].elements == training.parameters[task.weight].elements)
    }
  }

  @Test func aLongGradientIsShortenedToTheClip() throws {
    let task = Pull()
    let training = loop(task) {
      $0.budget = .updates(1)
      $0.clip = 0.1
      $0.rate = 1
    }
    var norm = 0.0
    _ = try training.run { event in
      if case .update(let progress) = event { norm = progress.gradientNorm }
    }
    // The gradient at 0 is -2.5 in each of three places.
    #expect(abs(norm - 2.5 * 3.0.squareRoot()) < 1e-6)
    let step = withExtendedLifetime(training) { training.parameters[task.weight].elements }
    let length = step.reduce(0) { $0 + Double($1 * $1) }.squareRoot()
    #expect(abs(length - 0.1) < 1e-6)
  }

  @Test func theBestWeightsAreKeptAndPatienceEnds() throws {
    let task = Pull(validations: [3, 1, 2, 2, 2, 0])
    let training = loop(task) {
      $0.budget = .updates(1000)
      $0.patience = 3
      $0.rate = 0.1
    }
    var best: [Float] = []
    let end = try training.run { event in
      if case .validation(_, _, isBest: true) = event {
        best = training.best[task.weight].elements
      }
    }
    #expect(end == .patience)
    #expect(training.record.best?.value == 1)
    #expect(training.record.bestUpdate == 4)
    #expect(training.record.updates == 10)
    withExtendedLifetime(training) {
      #expect(training.best[task.weight].elements == best)
      #expect(training.parameters[task.weight].elements != best)
    }
  }

  @Test func aLossThatIsNoNumberStopsWithItsUpdateAndKeepsTheBest() throws {
    let task = Pull(validations: [3, 2, 1], badUpdate: 5)
    let training = loop(task) { $0.budget = .updates(100) }
    var sentence = ""
    do {
      _ = try training.run()
    } catch { sentence = "\(error)" }
    #expect(sentence.contains("at update 6"))
    #expect(training.record.bestUpdate == 4)
    #expect(training.best.firstNotFinite == nil)
  }

  @Test func epochsCountTheTaskSUpdates() throws {
    let training = loop(Pull()) { $0.budget = .epochs(2.5) }
    _ = try training.run()
    #expect(training.record.updates == 13)
  }

  @Test func theRateRisesInALineAndFallsInACosine() {
    var options = TrainingOptions()
    options.rate = 2
    options.warmUp = 4
    options.finalRate = 0.1
    #expect(options.rate(update: 0, progress: 0) == 0.5)
    #expect(options.rate(update: 3, progress: 0) == 2)
    for progress in stride(from: 0.0, through: 1, by: 0.05) {
      let expected = 2 * (0.1 + 0.9 * (1 + cos(.pi * progress)) / 2)
      #expect(abs(options.rate(update: 9, progress: progress) - expected) < 1e-12)
    }
  }

  @Test func aMetricThatIsToBeRaisedIsRaised() throws {
    let task = Pull(validations: [0.2, 0.5, 0.4, .nan, 0.3], .f1)
    let training = loop(task) { $0.budget = .updates(10) }
    var best: [Double] = []
    _ = try training.run { event in
      if case .validation(_, let found, isBest: true) = event { best.append(found.value) }
    }
    #expect(best == [0.2, 0.5])
    #expect(training.record.best == Validation(0.5, .f1))
  }

  @Test func aCheckpointOfAnotherRunIsRefusedWithWhatDiffers() throws {
    let folder = try Folder()
    let path = folder.place("run.checkpoint")
    func sentence(_ body: () throws -> Void) -> String {
      do {
        try body()
        return ""
      } catch { return "\(error)" }
    }
    let first = loop(Pull()) { $0.budget = .updates(3) }
    _ = try first.run()
    try first.writeCheckpoint(to: path, as: run(first.options))
    let longer = loop(Pull()) { $0.budget = .updates(9) }
    try longer.restore(from: path, as: run(longer.options))
    #expect(longer.record.updates == 3)
    let faster = loop(Pull()) { $0.rate = 0.7 }
    #expect(
      sentence { try faster.restore(from: path, as: run(faster.options)) }
        .hasSuffix("it was made with other options, then and now: rate 0.5 and 0.7"))
    #expect(
      sentence { try longer.restore(from: path, as: run(longer.options, data: "two")) }
        .hasSuffix("it was made with other data"))
  }

  /// One flipped bit anywhere, or numbers that are none, and nothing of the checkpoint is taken.
  @Test func aDamagedCheckpointIsRefusedAndLeavesNoTrace() throws {
    let folder = try Folder()
    let path = folder.place("run.checkpoint")
    let first = loop(Pull()) { $0.budget = .updates(3) }
    _ = try first.run()
    try first.writeCheckpoint(to: path, as: run(first.options))
    let sound = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    for place in stride(from: 0, to: sound.count, by: 7) {
      var damaged = sound
      damaged[place] ^= 1 << UInt8(place % 8)
      try folder.write("run.checkpoint", damaged)
      let fresh = loop(Pull()) { $0.budget = .updates(3) }
      #expect(throws: (any Error).self, "byte \(place)") {
        try fresh.restore(from: path, as: run(fresh.options))
      }
      #expect(fresh.record.updates == 0)
    }
    first.parameters[Pull().weight][0, 1] = .nan
    try first.writeCheckpoint(to: path, as: run(first.options))
    #expect(throws: FileError.self) { try first.restore(from: path, as: run(first.options)) }
  }
}
