import TestSupport
import Testing
import Training

@Suite struct BucketedBatchesTests {
  @Test(arguments: [(1, 1, 1), (7, 3, 2), (100, 8, 3), (1000, 16, 4), (64, 64, 64)])
  func anEpochHasEachExampleOnce(count: Int, batch: Int, shards: Int) {
    var numbers = TestNumbers(seed: UInt64(count))
    let lengths = (0..<count).map { _ in numbers.integer(1...30) }
    let batches = BucketedBatches(
      lengths: lengths, batch: batch, shards: shards, sortedWithin: 4, seed: 3)
    var orders: [[[Int]]] = []
    for epoch in 0..<3 {
      let mine = (0..<batches.batchesPerEpoch).map {
        batches.examples(ofUpdate: epoch * batches.batchesPerEpoch + $0)
      }
      #expect(mine.joined().sorted() == Array(0..<count))
      for examples in mine {
        #expect(examples.count <= batch)
        // Falling in length, so that they can be packed.
        let falls = zip(examples, examples.dropFirst()).allSatisfy { lengths[$0] >= lengths[$1] }
        #expect(falls)
        let parts = (0..<batches.shardCount).map { batches.part($0, of: examples) }
        #expect(parts.joined().sorted() == examples.sorted())
      }
      orders.append(mine)
    }
    if count > 50, batch < count { #expect(orders[0] != orders[1]) }
    // The same update has the same examples, whatever was asked for in between.
    #expect(batches.examples(ofUpdate: 0) == orders[0][0])
  }

  @Test func batchesByLengthKeepTheirLimits() {
    var numbers = TestNumbers(seed: 9)
    let lengths = (0..<500).map { _ in numbers.integer(0...40) }
    let batches = BucketedBatches.byLength(lengths, maxExamples: 16, maxTokens: 100)
    #expect(batches.joined().sorted() == lengths.indices.filter { lengths[$0] > 0 })
    for examples in batches {
      #expect(examples.count <= 16)
      #expect(examples.count == 1 || examples.reduce(0) { $0 + lengths[$1] } <= 100)
    }
    let all = batches.joined().map { lengths[$0] }
    #expect(zip(all, all.dropFirst()).allSatisfy { $0 >= $1 })
  }
}
