import DenseMath
import Testing

@Suite struct ArenaTests {
  /// Random blocks of one batch; `seed` decides their sizes.
  private func batch(_ arena: inout Arena<Float>, seed: UInt64) -> [Matrix<Float>] {
    var generator = SeededGenerator(seed)
    return (0..<30).map { _ in
      arena.matrix(
        .random(in: 0...60, using: &generator), .random(in: 0...60, using: &generator))
    }
  }

  @Test func blocksAreAligned() {
    for seed in 0..<20 as Range<UInt64> {
      var arena = Arena<Float>()
      var addresses = batch(&arena, seed: seed).map { UInt(bitPattern: $0.base) }
      addresses.append(
        arena.indices(5).withUnsafeMutableBufferPointer { UInt(bitPattern: $0.baseAddress) })
      addresses.append(UInt(bitPattern: arena.zeros(3, 3).base))
      #expect(addresses.allSatisfy { $0 != 0 && $0 % 64 == 0 }, "seed \(seed)")
    }
  }

  @Test func blocksDoNotOverlap() {
    for seed in 0..<20 as Range<UInt64> {
      var arena = Arena<Float>()
      for round in 0..<3 {
        let blocks = batch(&arena, seed: seed)
        for (number, block) in blocks.enumerated() { Float.fill(block, with: Float(number)) }
        let areIntact = blocks.enumerated().allSatisfy { number, block in
          block.elements.allSatisfy { $0 == Float(number) }
        }
        #expect(areIntact, "round \(round), seed \(seed)")
        arena.reset()
      }
    }
  }

  @Test func indicesDoNotOverlapMatrices() {
    var arena = Arena<Float>()
    let before = arena.zeros(3, 7)
    let indices = arena.indices(1001)
    let after = arena.zeros(5, 5)
    indices.fill(with: -1)
    #expect(before.elements.allSatisfy { $0 == 0 })
    Float.fill(after, with: 8)
    #expect(indices.count == 1001 && indices.allSatisfy { $0 == -1 })
  }

  @Test func steadyBatchesAllocateNothing() {
    for seed in 0..<20 as Range<UInt64> {
      var arena = Arena<Float>()
      _ = batch(&arena, seed: seed)
      arena.reset()
      let steady = arena.allocations
      for _ in 0..<10 {
        _ = batch(&arena, seed: seed)
        arena.reset()
      }
      let later = arena.allocations
      #expect(later == steady, "seed \(seed)")
    }
  }

  @Test func smallerBatchesAllocateNothing() {
    var arena = Arena<Float>()
    for _ in 0..<10 { _ = arena.matrix(100, 100) }
    arena.reset()
    let steady = arena.allocations
    for size in [1, 10, 99, 100] {
      for _ in 0..<10 { _ = arena.matrix(size, 100) }
      arena.reset()
    }
    let later = arena.allocations
    #expect(later == steady)
  }

  @Test func largerBatchesGrowTheArena() {
    var arena = Arena<Double>()
    for size in [10, 100, 1000] {
      let block = arena.matrix(size, size)
      Double.fill(block, with: 1)
      let capacity = arena.capacity
      #expect(capacity >= size * size * 8)
      arena.reset()
      let kept = arena.capacity
      #expect(kept >= capacity)
    }
  }

  @Test func zerosAreZeroAfterUse() {
    var arena = Arena<Float>()
    Float.fill(arena.matrix(50, 50), with: 3)
    arena.reset()
    #expect(arena.zeros(50, 50).elements.allSatisfy { $0 == 0 })
  }

  @Test func emptyArenaHoldsNothing() {
    var arena = Arena<Float>()
    arena.reset()
    let (capacity, allocations) = (arena.capacity, arena.allocations)
    #expect(capacity == 0 && allocations == 0)
  }

  @Test func reshapedBlocksHaveTheSameElements() {
    var arena = Arena<Double>()
    let block = arena.matrix(3, 4)
    for r in 0..<3 { for c in 0..<4 { block[r, c] = Double(4 * r + c) } }
    #expect(block.reshaped(rows: 2, columns: 6)[1, 0] == 6)
    let rest = block.reshaped(from: 3, rows: 3, columns: 3)
    #expect(rest.elements == (3..<12).map { Double($0) })
    rest[2, 2] = -1
    #expect(block[2, 3] == -1)
    arena.reset()
  }

  @Test func blocksAreCountedUntilReset() {
    var arena = Arena<Float>()
    _ = arena.matrix(2, 2)
    _ = arena.indices(3)
    let before = arena.blocks
    arena.reset()
    let after = arena.blocks
    #expect(before == 2 && after == 0)
  }

  @Test func indexBlocksAreViews() {
    var arena = Arena<Float>()
    let block = arena.indices(of: [5, 6, 7, 8])
    block.part(1..<3)[1] = -7
    #expect(Array(block) == [5, 6, -7, 8] && block.indices == 0..<4)
    block.part(2..<4).fill(with: 1)
    #expect(Array(block) == [5, 6, 1, 1])
    arena.reset()
  }
}
