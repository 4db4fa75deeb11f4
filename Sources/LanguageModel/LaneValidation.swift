internal import Cells
internal import DenseMath
internal import ICUText
internal import Parameters
internal import Training

/// Validation during training: the range is cut into lanes that run side by side, for speed.
///
/// It is an approximation of one run over the range, which `CarriedEvaluation` is. Each lane first
/// reads `warmUp` tokens before those that it counts, so that it knows what one run would know there,
/// but for what a cell keeps longer than that. A range too short for two lanes is one run.
struct LaneValidation {
  private static let warmUp = 256
  private static let stepsAtOnce = 64
  private let network: LanguageNetwork
  private let tokens: EncodedCorpus
  private let range: Range<Int>
  private let lanes: Int

  init(_ network: LanguageNetwork, tokens: EncodedCorpus, range: Range<Int>) {
    self.network = network
    self.tokens = tokens
    self.range = range
    // A lane counts at least four times what it reads to warm up.
    lanes = max(1, min(32, range.count / (4 * Self.warmUp)))
  }

  /// The mean of -log p over all tokens of the range but the first.
  ///
  /// Throws what the group throws.
  func meanNats(
    on pool: WorkspacePool<Float>, _ shards: Shards, sharedBy group: any ProcessGroup
  ) throws -> Double {
    let found = try group.shared(parts) { sums(of: $0, on: pool, shards) }
    return found.reduce(0, +) / Double(range.count - 1)
  }

  /// The same, by one process.
  func meanNats(on pool: WorkspacePool<Float>, _ shards: Shards) -> Double {
    sums(of: 0..<parts, on: pool, shards).reduce(0, +) / Double(range.count - 1)
  }

  /// Stretches of lanes that are added up apart.
  private var parts: Int { min(4, lanes) }

  /// The sums of some parts.
  private func sums(
    of some: Range<Int>, on pool: WorkspacePool<Float>, _ shards: Shards
  ) -> [Double] {
    shards.map(some.count, on: pool) { place, workspace in
      let part = some.lowerBound + place
      return nats(of: part * lanes / parts..<(part + 1) * lanes / parts, on: workspace)
    }
  }

  /// Of a lane: the first token read, the first counted as a target, and the end of those.
  private struct Stretch {
    let start, counted, end: Int
  }

  private func stretch(of lane: Int) -> Stretch {
    let targets = range.count - 1
    let counted = range.lowerBound + 1 + lane * targets / lanes
    return Stretch(
      start: max(range.lowerBound, counted - 1 - Self.warmUp), counted: counted,
      end: range.lowerBound + 1 + (lane + 1) * targets / lanes)
  }

  private func nats(of mine: Range<Int>, on workspace: Workspace<Float>) -> Double {
    let stretches = mine.map(stretch)
    let longest = stretches.reduce(0) { max($0, $1.end - 1 - $1.start) }
    let state = StackState<Float>(network.stack, batch: stretches.count)
    var total = 0.0
    for first in stride(from: 0, to: longest, by: Self.stepsAtOnce) {
      workspace.reset()
      let batch = batch(
        first..<min(first + Self.stepsAtOnce, longest), of: stretches, on: workspace)
      total += network.loss(batch, state: state, on: workspace)
    }
    return total
  }

  /// Some steps of all lanes, counted from the start of each.
  private func batch(
    _ steps: Range<Int>, of stretches: [Stretch], on workspace: Workspace<Float>
  ) -> LanguageNetwork.Batch {
    let batch = stretches.count
    let inputs = workspace.arena.indices(steps.count * batch)
    let targets = workspace.arena.indices(steps.count * batch)
    let read = workspace.arena.indices(steps.count + 1)
    for (lane, stretch) in stretches.enumerated() {
      let from = min(stretch.start + steps.lowerBound, stretch.end - 1)
      let known = min(steps.count, stretch.end - 1 - from)
      read.part(0..<known + 1).withUnsafeMutableBufferPointer {
        tokens.copy(from..<from + known + 1, into: $0)
      }
      for step in 0..<steps.count {
        // A lane that is over reads byte 0 and counts nothing.
        inputs[step * batch + lane] = step < known ? read[step] : 0
        targets[step * batch + lane] =
          step < known && from + step + 1 >= stretch.counted ? read[step + 1] : -1
      }
    }
    return .init(
      inputs: inputs, targets: targets, shape: PackedShape(steps: steps.count, batch: batch))
  }
}
