import DenseMath
import Foundation
import Parameters
import Synchronization
import Testing
import Training

/// The smallest task: one vector w, pulled towards the target of each shard in turn.
///
/// The loss is Σ (w - target)² / 2 over 4 shards with targets 1, 2, 3, 4, so its minimum is 2.5.
private final class Pull: TrainingTask {
  let layout: ParameterLayout
  let weight: Weight
  let carried: [Parameters<Float>] = []
  let validations: [Double]
  let badUpdate: Int
  private let validated = Atomic<Int>(0)

  init(validations: [Double] = [], badUpdate: Int = -1) {
    var layout = ParameterLayout()
    weight = layout.declare("w", shape: [3], as: .constant(0))
    self.layout = layout
    self.validations = validations
    self.badUpdate = badUpdate
  }

  var shardCount: Int { 4 }
  var symbolsPerUpdate: Int { 10 }
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

  func validate(
    _ parameters: Parameters<Float>, packed: PackedWeights<Float>, on shards: Shards
  ) -> Double? {
    let number = validated.wrappingAdd(1, ordering: .relaxed).oldValue
    return number < validations.count ? validations[number] : nil
  }
}

private func loop(_ task: Pull, _ change: (inout TrainingPlan) -> Void) -> TrainingLoop<Pull> {
  var plan = TrainingPlan()
  plan.rule = .momentum(0)
  plan.weightDecay = 0
  plan.warmUp = 0
  plan.finalRate = 1
  plan.rate = 0.5
  plan.clip = 1e9
  change(&plan)
  return TrainingLoop(task, parameters: Parameters(task.layout), plan: plan, threads: 2)
}

/// A task that uses few rows of a large table: shard s touches rows of its own and one of all.
///
/// The gradient of each touch is 1.
private struct LookUp: TrainingTask {
  static let rows = 300
  let layout: ParameterLayout
  let table: Weight
  let carried: [Parameters<Float>] = []

  init() {
    var layout = ParameterLayout()
    table = layout.declare(
      "table", shape: [Self.rows, 2], as: .constant(0), isRowSparse: true)
    self.layout = layout
  }

  var shardCount: Int { 2 }
  var symbolsPerUpdate: Int { 10 }
  var updatesPerEpoch: Int { 5 }
  var updatesPerValidation: Int { 100 }

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

  func validate(
    _ parameters: Parameters<Float>, packed: PackedWeights<Float>, on shards: Shards
  ) -> Double? { nil }
}

@Suite struct TrainingTests {
  @Test(arguments: [1, 2])
  func onlyTheRowsOfABatchAreChanged(_ threads: Int) throws {
    var plan = TrainingPlan()
    plan.rule = .momentum(0.5)
    plan.weightDecay = 0.125
    (plan.warmUp, plan.finalRate, plan.rate, plan.clip) = (0, 1, 0.25, 1e9)
    plan.budget = .updates(20)
    let task = LookUp()
    let training = TrainingLoop(
      task, parameters: Parameters(task.layout), plan: plan, threads: threads)
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
      for (row, number) in gradient.enumerated() where number != 0 {
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
    #expect(training.record.bestLoss == 1)
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
    var plan = TrainingPlan()
    plan.rate = 2
    plan.warmUp = 4
    plan.finalRate = 0.1
    #expect(plan.rate(update: 0, progress: 0) == 0.5)
    #expect(plan.rate(update: 3, progress: 0) == 2)
    for progress in stride(from: 0.0, through: 1, by: 0.05) {
      let expected = 2 * (0.1 + 0.9 * (1 + cos(.pi * progress)) / 2)
      #expect(abs(plan.rate(update: 9, progress: progress) - expected) < 1e-12)
    }
  }

  @Test func aCheckpointOfAnotherPlanIsRefused() throws {
    let path = NSTemporaryDirectory() + "majortom-\(UUID().uuidString).checkpoint"
    defer { unlink(path) }
    let first = loop(Pull()) { $0.budget = .updates(3) }
    _ = try first.run()
    try first.writeCheckpoint(to: path, description: "one")
    let longer = loop(Pull()) { $0.budget = .updates(9) }
    try longer.restore(from: path, description: "one")
    #expect(longer.record.updates == 3)
    let faster = loop(Pull()) { $0.rate = 0.7 }
    #expect(throws: TrainingError.self) { try faster.restore(from: path, description: "one") }
    #expect(throws: TrainingError.self) { try longer.restore(from: path, description: "two") }
  }
}
