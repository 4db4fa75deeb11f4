import Testing

@testable import ICUText

@Suite struct HeapTests {
  @Test(arguments: [0, 1, 2, 3, 10, 1000])
  func elementsComeOutSorted(_ count: Int) {
    for seed in 0..<20 {
      var random = SeededGenerator(UInt64(seed))
      // Few different numbers, so that many are alike.
      let numbers = (0..<count).map { _ in Int.random(in: 0...count / 2, using: &random) }
      var heap = Heap<Int>()
      for number in numbers { heap.insert(number) }
      #expect(heap.count == count)
      var found: [Int] = []
      while let number = heap.removeFirst() { found.append(number) }
      #expect(found == numbers.sorted(), "seed \(seed)")
      #expect(heap.isEmpty && heap.removeFirst() == nil)
    }
  }

  @Test func elementsComeAndGoInAnyOrderOfCalls() {
    for seed in 0..<50 {
      var random = SeededGenerator(UInt64(seed))
      var heap = Heap<Int>()
      var left: [Int] = []
      for _ in 0..<500 {
        if Bool.random(using: &random) {
          let number = Int.random(in: -100...100, using: &random)
          heap.insert(number, by: >)
          left.append(number)
        } else {
          left.sort()
          #expect(heap.removeFirst(by: >) == left.popLast(), "seed \(seed)")
        }
      }
      #expect(heap.count == left.count)
    }
  }
}
