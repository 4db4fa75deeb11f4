import DenseMath
import Files
import Parameters
import TestSupport
import Testing

@testable import Training

/// One weight that goes from one given place to the next, an update each; its square is validated.
private struct Swing: TrainingTask {
  static let places: [Float] = [4, -3, 3.5, -2, 1.5, -2.5, 2, -1, 1.25, -0.75]
  let layout: ParameterLayout
  let weight: Weight

  init() {
    var layout = ParameterLayout()
    weight = layout.declare("w", shape: [1], as: .constant(0))
    self.layout = layout
  }

  var shardCount: Int { 1 }
  var tokensPerUpdate: Int { 1 }
  var updatesPerEpoch: Int { 1 }
  var trainingSize: DataSize { DataSize(tokens: 1) }
  var fingerprint: Fingerprint { Fingerprint() }

  func run(shard: Int, update: Int, on workspace: Workspace<Float>) -> Double {
    workspace.gradient(of: weight)[0, 0] += workspace[weight][0, 0] - Self.places[update]
    return 1
  }

  func validate(on pool: WorkspacePool<Float>, _ shards: Shards) -> Validation? {
    let value = Double(pool.parameters[weight].elements[0])
    return Validation(value * value, .crossEntropy)
  }
}

@Suite struct AverageTests {
  private func swing(average: Int) -> TrainingLoop<Swing> {
    var options = TrainingOptions()
    (options.optimizer, options.momentum, options.weightDecay) = (.sgd, 0, 0)
    (options.warmUp, options.finalRate, options.rate, options.clip) = (0, 1, 1, 1e9)
    (options.average, options.budget) = (average, .updates(Swing.places.count))
    let task = Swing()
    return TrainingLoop(
      task, parameters: Parameters(task.layout), options: options, on: Shards(threads: 1))
  }

  private func best(_ loop: TrainingLoop<Swing>) -> Float {
    withExtendedLifetime(loop) { loop.best[loop.task.weight].elements[0] }
  }

  /// What the recurrence gives, written down anew: the best of all weights and their averages.
  private func expected(average: Int) -> (square: Double, weight: Float) {
    var mean = Swing.places[0]
    var found = (square: Double(mean * mean), weight: mean)
    for place in Swing.places.dropFirst() {
      mean += (place - mean) / Float(average)
      for weight in [place] + (average > 1 ? [mean] : [])
      where Double(weight * weight) < found.square { found = (Double(weight * weight), weight) }
    }
    return found
  }

  @Test(arguments: [1, 2, 3, 5])
  func theBetterOfTheWeightsAndTheirAverageIsKept(_ average: Int) throws {
    let loop = swing(average: average)
    _ = try loop.run()
    let expected = expected(average: average)
    #expect(abs((loop.record.best?.value ?? .nan) - expected.square) < 1e-6)
    #expect(abs(best(loop) - expected.weight) < 1e-6)
    // The training itself goes its way.
    #expect(
      withExtendedLifetime(loop) { loop.parameters[loop.task.weight].elements[0] }
        == Swing.places.last)
    // The swings of the weights make the average better: else the test shows nothing.
    #expect((average > 1) == !Swing.places.contains { abs($0 - best(loop)) < 1e-3 })
  }

  @Test func aResumedRunHasTheSameAverage() throws {
    let folder = try Folder()
    let path = folder.place("run.checkpoint")
    let whole = swing(average: 3)
    _ = try whole.run()
    for stop in 1..<Swing.places.count {
      let (first, second) = (swing(average: 3), swing(average: 3))
      _ = try first.run(isStopped: { first.record.updates == stop })
      try first.writeCheckpoint(to: path, as: run(first.options))
      try second.restore(from: path, as: run(second.options))
      _ = try second.run()
      #expect(best(second) == best(whole))
      #expect(second.record.averaged == whole.record.averaged)
    }
  }

  @Test func aCheckpointOfAnotherAverageIsRefused() throws {
    let folder = try Folder()
    let path = folder.place("run.checkpoint")
    let first = swing(average: 3)
    _ = try first.run(isStopped: { first.record.updates == 2 })
    try first.writeCheckpoint(to: path, as: run(first.options))
    let second = swing(average: 2)
    #expect(throws: TrainingError.self) {
      try second.restore(from: path, as: run(second.options))
    }
  }
}
