internal import DenseMath
internal import Synchronization

/// Batches of examples of like length, in an order of their own in every epoch.
///
/// The examples are shuffled; within stretches of some batches they are sorted by falling length;
/// the stretches are cut into batches, and the batches shuffled. So examples of a batch are alike in
/// length, and yet never the same ones together. Which examples an update has is a function of seed
/// and update alone.
public final class BucketedBatches: Sendable {
  private let lengths: [Int]
  private let batch, shards, stretch: Int
  private let order: CounterRandom
  private let epoch: Mutex<(number: Int, batches: [[Int]])>

  /// Batches of examples.
  ///
  /// - Parameters:
  ///   - lengths: The length of each example, or any number by which like ones are found.
  ///   - batch: The examples of a batch, at least 1.
  ///   - shards: The parts of a batch; at most `batch` are used.
  ///   - stretch: The batches within which examples are sorted.
  ///   - seed: The seed of the order.
  public init(lengths: [Int], batch: Int, shards: Int, sortedWithin stretch: Int, seed: UInt64) {
    precondition(batch >= 1 && shards >= 1 && stretch >= 1, "a batch has an example and a shard")
    self.lengths = lengths
    self.batch = batch
    self.shards = min(shards, batch)
    self.stretch = stretch
    order = CounterRandom(seed: seed, stream: .shuffle)
    epoch = Mutex((-1, []))
  }

  /// The number of shards of a batch.
  public var shardCount: Int { shards }

  /// The batches of an epoch.
  public var batchesPerEpoch: Int { (lengths.count + batch - 1) / batch }

  /// The examples of an update, falling in length.
  public func examples(ofUpdate update: Int) -> [Int] {
    let (number, place) = (update / batchesPerEpoch, update % batchesPerEpoch)
    return epoch.withLock { epoch in
      if epoch.number != number { epoch = (number, makeBatches(number)) }
      return epoch.batches[place]
    }
  }

  /// The update of the first epoch whose examples have the greatest sum of sizes.
  public func largestUpdate(bySize size: (Int) -> Int) -> Int {
    let sums = (0..<batchesPerEpoch).map { examples(ofUpdate: $0).reduce(0) { $0 + size($1) } }
    return sums.indices.max { sums[$0] < sums[$1] } ?? 0
  }

  /// A shard's part of some examples: every n-th, so that all shards have long and short ones.
  public func part(_ shard: Int, of examples: [Int]) -> [Int] {
    stride(from: shard, to: examples.count, by: shards).map { examples[$0] }
  }

  private func makeBatches(_ epoch: Int) -> [[Int]] {
    let shuffled = order.permutation(of: lengths.count, step: 2 * epoch)
    var batches: [[Int]] = []
    for start in stride(from: 0, to: shuffled.count, by: stretch * batch) {
      let part = shuffled[start..<min(start + stretch * batch, shuffled.count)].sorted {
        (lengths[$1], $0) < (lengths[$0], $1)
      }
      for first in stride(from: 0, to: part.count, by: batch) {
        batches.append(Array(part[first..<min(first + batch, part.count)]))
      }
    }
    return order.permutation(of: batches.count, step: 2 * epoch + 1).map { batches[$0] }
  }

  /// All examples that have tokens, each once, in batches of like length, the longest first: for
  /// validation and inference.
  ///
  /// How they are cut decides the last bits of results, so it depends on the lengths alone.
  ///
  /// - Parameters:
  ///   - lengths: The tokens of each example.
  ///   - maxExamples: The most examples of a batch.
  ///   - maxTokens: The most tokens of a batch of several examples.
  /// - Returns: The examples of each batch.
  public static func byLength(
    _ lengths: [Int], maxExamples: Int, maxTokens: Int = .max
  ) -> [[Int]] {
    let order = lengths.indices.filter { lengths[$0] > 0 }.sorted {
      (lengths[$1], $0) < (lengths[$0], $1)
    }
    var batches: [[Int]] = []
    var tokens = 0
    for example in order {
      let last = batches.count - 1
      if last < 0 || batches[last].count == maxExamples || tokens + lengths[example] > maxTokens {
        batches.append([])
        tokens = 0
      }
      batches[batches.count - 1].append(example)
      tokens += lengths[example]
    }
    return batches
  }
}
