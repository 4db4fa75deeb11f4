import Foundation
import Testing

@testable import Training

/// The model of an update on many machines, against sums made by hand and a tree that is walked node by node.
@Suite struct ClusterPlanTests {
  // A second a shard, a tenth an addition, a hundredth a norm, half a second for the change.
  private let timing = UpdateTiming(
    shards: 8, shard: 1, addition: 0.1, norm: 0.01, change: 0.5, gradientBytes: 8_000_000,
    isRowSparse: false)

  private func plan(threads: Int = 1, cores: Int = 1, perMachine: Int = 1) -> ClusterPlan {
    var plan = ClusterPlan(bandwidth: 1e6, latency: 0.25, threads: threads, cores: cores)
    plan.perMachine = perMachine
    return plan
  }

  private func isNear(_ found: Double?, _ expected: Double) -> Bool {
    found.map { abs($0 - expected) < 1e-9 } ?? false
  }

  @Test func oneProcessDoesAll() {
    let update = plan().update(timing, processes: 1)
    #expect(isNear(update?.compute, 8))
    #expect(isNear(update?.sum, 7 * 0.1 + 0.01))
    #expect(isNear(update?.exchange, 0))
    #expect(isNear(update?.seconds, 8 + 0.71 + 0.5))
    // Two threads run two shards at once, where there are cores for them.
    #expect(isNear(plan(threads: 2, cores: 2).update(timing, processes: 1)?.compute, 4))
    #expect(isNear(plan(threads: 2, cores: 1).update(timing, processes: 1)?.compute, 8))
  }

  @Test func fourProcessesShareTheShards() {
    let update = plan().update(timing, processes: 4)
    #expect(isNear(update?.compute, 2))
    // Each adds its two, then three sums to a quarter, and measures a quarter.
    let sum: Double = 0.1 + 3 * 0.1 / 4 + 0.01 / 4
    #expect(isNear(update?.sum, sum))
    // Three quarters of 8 MB out to the owners, and three more from there, at 1 MB/s; three rounds.
    let exchange: Double = 12 + 3 * (0.25 + 3e-6)
    #expect(isNear(update?.exchange, exchange))
    #expect(isNear(update?.change, 0.5))
  }

  @Test func runsThatAreNoSubtreesSendMore() {
    // 0-1, 2-4, 5-7: one sum of the first, two of the others, and five slices of a third.
    let update = plan().update(timing, processes: 3)
    #expect(isNear(update?.compute, 3))
    let sum: Double = 0.1 + 4 * 0.1 / 3 + 0.01 / 3
    #expect(isNear(update?.sum, sum))
    // A process with two sums sends each to two owners, and then its slice to two others.
    let exchange: Double = 8.0 / 3 * (2 * 2 + 2) + 3 * (0.25 + 2e-6)
    #expect(isNear(update?.exchange, exchange))
  }

  @Test func processesOfOneMachineShareItsCoresAndItsLine() {
    let update = plan(cores: 2, perMachine: 4).update(timing, processes: 8)
    // Four processes on two cores.
    #expect(isNear(update?.compute, 2))
    #expect(isNear(update?.change, 1))
    // 14 MB each, of which four sevenths leave the machine, four processes over one line; the others are copied.
    let exchange = 14 * 4.0 / 7 * 4 + 14 * 3.0 / 7 / 8 * 0.1 * 2 + 3 * (0.25 + 7e-6)
    #expect(isNear(update?.exchange, exchange))
    // On one machine alone nothing goes over the line.
    let alone = plan(cores: 8, perMachine: 8).update(timing, processes: 8)
    #expect(isNear(alone?.exchange, 14.0 / 8 * 0.1 + 3 * (20e-6 + 7e-6)))
  }

  @Test func aProcessNeedsAShard() {
    #expect(plan().update(timing, processes: 8) != nil)
    #expect(plan().update(timing, processes: 9) == nil)
    #expect(plan().update(timing, processes: 0) == nil)
  }

  @Test func touchedRowsTakeTwoRoundsMore() throws {
    var sparse = timing
    sparse.isRowSparse = true
    let plain = try #require(plan().update(timing, processes: 2))
    let more = try #require(plan().update(sparse, processes: 2))
    #expect(isNear(more.exchange - plain.exchange, 2 * (0.25 + 1e-6)))
  }

  // The sums that are left of each run, by making the additions of ((0 + 1) + (2 + 3)) + ... one by one.
  private func walked(shards: Int, processes: Int) -> [Int] {
    let owner = (0..<shards).map { shard in
      (0..<processes).first { ($0 + 1) * shards / processes > shard } ?? 0
    }
    // Each node of a level: its owner, or nil where it is of several.
    var level: [Int?] = owner
    var left = [Int](repeating: 0, count: processes)
    while level.count > 1 {
      var next: [Int?] = []
      for place in stride(from: 0, to: level.count, by: 2) {
        let pair = level[place..<min(place + 2, level.count)]
        if let owner = pair.first ?? nil, pair.allSatisfy({ $0 == owner }) {
          next.append(owner)
        } else {
          for case let owner? in pair { left[owner] += 1 }
          next.append(nil)
        }
      }
      level = next
    }
    if case let owner?? = level.first { left[owner] += 1 }
    return left
  }

  @Test func sumsAreThoseOfTheTree() {
    for shards in 1...40 {
      for processes in 1...shards {
        let found = (0..<processes).map {
          ClusterPlan.sums(
            of: $0 * shards / processes..<($0 + 1) * shards / processes, shards: shards)
        }
        #expect(found == walked(shards: shards, processes: processes), "\(shards) \(processes)")
      }
    }
  }
}
