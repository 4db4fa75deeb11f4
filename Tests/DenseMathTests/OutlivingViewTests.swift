// Only debug builds check: swift test --filter OutlivingViewTests
#if DEBUG
  import DenseMath
  import Testing

  @Suite struct OutlivingViewTests {
    @Test func aBlockTrapsAfterReset() async {
      await #expect(processExitsWith: .failure) {
        var arena = Arena<Float>()
        let block = arena.zeros(2, 2)
        arena.reset()
        _ = block[0, 0]
      }
    }

    @Test func itTrapsThoughTheArenaHasHandedItOutAgain() async {
      await #expect(processExitsWith: .failure) {
        var arena = Arena<Float>()
        let block = arena.zeros(2, 2)
        arena.reset()
        Float.fill(arena.matrix(2, 2), with: 1)
        Float.fill(block, with: 2)
      }
    }

    @Test func partsOfABlockTrapToo() async {
      await #expect(processExitsWith: .failure) {
        var arena = Arena<Double>()
        let part = arena.zeros(4, 6).rows(1..<3).columns(2..<4).part(1, width: 1)
        arena.reset()
        _ = part.elements
      }
    }

    @Test func anotherShapeOfABlockTrapsToo() async {
      await #expect(processExitsWith: .failure) {
        var arena = Arena<Double>()
        let other = arena.zeros(4, 6).reshaped(from: 6, rows: 9, columns: 2)
        arena.reset()
        other[0, 0] = 1
      }
    }

    @Test func aBlockTrapsAfterTheArenasEnd() async {
      await #expect(processExitsWith: .failure) {
        func block() -> Matrix<Float> {
          var arena = Arena<Float>()
          return arena.zeros(2, 2)
        }
        _ = block()[0, 0]
      }
    }

    @Test func indicesTrapAfterReset() async {
      await #expect(processExitsWith: .failure) {
        var arena = Arena<Float>()
        let part = arena.indices(of: [1, 2, 3]).part(0..<2)
        arena.reset()
        _ = part[0]
      }
    }

    @Test func indicesTrapOutOfBounds() async {
      await #expect(processExitsWith: .failure) {
        var arena = Arena<Float>()
        let block = arena.indices(of: [1, 2, 3])
        _ = block.part(0..<2)[2]
      }
    }

    @Test func aRowThatTheTableHasNotTraps() async {
      await #expect(processExitsWith: .failure) {
        var arena = Arena<Float>()
        let (table, out) = (arena.zeros(3, 2), arena.zeros(2, 2))
        Float.gather(table, at: arena.indices(of: [0, 3]), into: out)
      }
    }

    @Test func blocksOfTheSameBatchDoNotTrap() async {
      await #expect(processExitsWith: .success) {
        var arena = Arena<Float>()
        _ = arena.zeros(2, 2)
        arena.reset()
        let block = arena.zeros(2, 2)
        Float.fill(block.rows(1..<2), with: 1)
        guard block.elements == [0, 0, 1, 1] else { fatalError("other numbers") }
      }
    }
  }
#endif
