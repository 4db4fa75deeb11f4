import DenseMath
import Synchronization
import Testing

@Suite struct ShardsTests {
  @Test(arguments: [1, 2, 3, 7])
  func eachElementIsVisitedOnce(_ threads: Int) {
    for count in [0, 1, 2, 3, 6, 7, 8, 100] {
      var visits = [[Int]](repeating: [], count: count)
      Shards(threads: threads).forEach(&visits) { index, element in element.append(index) }
      #expect(visits == (0..<count).map { [$0] }, "\(count) elements")
    }
  }

  @Test(arguments: [1, 2, 3, 7])
  func eachIndexIsVisitedOnce(_ threads: Int) {
    for count in [0, 1, 2, 3, 6, 7, 8, 100] {
      let visits = Mutex<[Int]>([])
      Shards(threads: threads).forEachIndex(count) { index in
        visits.withLock { $0.append(index) }
      }
      let sorted = visits.withLock { $0.sorted() }
      #expect(sorted == Array(0..<count), "\(count) indices")
    }
  }

  @Test(arguments: [-3, 0, 1])
  func thereIsAlwaysOneThread(_ threads: Int) {
    #expect(Shards(threads: threads).threads == 1)
  }

  @Test func threadsAreTheProcessorsByDefault() {
    #expect(Shards().threads == Shards.processors)
  }
}
