import Testing

@testable import Cluster

@Suite struct ShardTreeTests {
  /// The sum of shards first..<end as a text with all its brackets, straight from the definition: halves of an
  /// aligned power of two.
  private func bracketed(_ first: Int, _ width: Int, _ shards: Int) -> String {
    guard width > 1 else { return "\(first)" }
    let middle = first + width / 2
    let left = bracketed(first, width / 2, shards)
    return middle < shards ? "(\(left)+\(bracketed(middle, width / 2, shards)))" : left
  }

  @Test func additionsMakeTheTreeForAnyNumberOfProcesses() {
    for shards in 1...40 {
      var width = 1
      while width < shards { width *= 2 }
      let right = bracketed(0, width, shards)
      for processes in 1...shards {
        let tree = ShardTree(shards: shards, processes: processes)
        var sums = (0..<shards).map { "\($0)" }
        for process in 0..<processes {
          for addition in tree.own[process] {
            #expect(tree.runs[process].contains(addition.into))
            #expect(tree.runs[process].contains(addition.from))
            sums[addition.into] = "(\(sums[addition.into])+\(sums[addition.from]))"
          }
        }
        let nodes = Set(tree.nodes.joined())
        for addition in tree.common {
          #expect(nodes.contains(addition.into) && nodes.contains(addition.from))
          sums[addition.into] = "(\(sums[addition.into])+\(sums[addition.from]))"
        }
        #expect(sums[0] == right, "\(shards) shards, \(processes) processes")
      }
    }
  }

  @Test func alignedRunsSendOneNodeEach() {
    for processes in [1, 2, 4, 8] {
      let tree = ShardTree(shards: 8, processes: processes)
      #expect(tree.nodes.allSatisfy { $0.count == 1 })
      #expect(tree.common.count == processes - 1)
    }
    #expect(ShardTree(shards: 8, processes: 3).nodes == [[0], [2, 4], [5, 6]])
  }

  @Test func thingsAreCutIntoPartsOfLikeSize() {
    #expect(Division.cut([1, 1, 1, 1], into: 2) == [0..<2, 2..<4])
    #expect(Division.cut([8, 1, 1], into: 2) == [0..<1, 1..<3])
    #expect(Division.cut([], into: 3) == [0..<0, 0..<0, 0..<0])
    #expect(Division.cut([5], into: 3).map(\.count).reduce(0, +) == 1)
    for parts in 1...9 {
      let ranges = Division.cut([3, 1, 4, 1, 5, 9, 2, 6], into: parts)
      #expect(ranges.count == parts)
      #expect(ranges.flatMap { $0 } == Array(0..<8))
    }
  }
}
