import Testing
import Training

@testable import Cluster

@Suite struct ProcessesTests {
  @Test(arguments: [1, 2, 5]) func eachGetsWhatAllGive(_ count: Int) throws {
    // Shorter and longer than what a first message holds, and of different lengths.
    let sizes = [0, 1, 239, 240, 241, 5000]
    @Sendable func given(_ size: Int, by rank: Int) -> [UInt8] {
      (0..<size + rank).map { UInt8(truncatingIfNeeded: $0 * 31 + rank) }
    }
    let found = try asProcesses(count) { group, _ in
      try sizes.map { try group.gather(given($0, by: group.rank)) }
    }
    for all in found {
      for (place, size) in sizes.enumerated() {
        #expect(all[place].map(\.count) == (0..<count).map { size + $0 })
        for (rank, bytes) in all[place].enumerated() { #expect(bytes == given(size, by: rank)) }
      }
    }
  }

  @Test func numbersComeBackInTheOrderOfThings() throws {
    for count in [1, 2, 3, 7] {
      let found = try asProcesses(count) { group, _ in
        try group.shared(5) { $0.flatMap { [Double($0), Double($0) / 3] } }
      }
      for numbers in found {
        #expect(numbers == (0..<5).flatMap { [Double($0), Double($0) / 3] })
      }
    }
  }

  @Test func aFailureReachesAllWithItsName() throws {
    let found = try asProcesses(3) { group, _ -> String in
      group.setHosts(["a", "b", "c"])
      do {
        if group.rank == 1 { try group.fail("there is no such file", status: 2) }
        _ = try group.gather([1])
        return "went on"
      } catch let error as ClusterError {
        guard case .failed(let failures, _) = error else { return "another error" }
        return "\(failures[0].status) \(error)"
      }
    }
    #expect(
      found == Array(repeating: "2 process 1 on host b: there is no such file", count: 3))
  }

  @Test func whatAllHaveFoundNeedsNoName() throws {
    let found = try asProcesses(3) { group, _ -> String in
      do {
        try group.fail("there is no such file", status: 1)
      } catch {
        return "\(error)"
      }
    }
    #expect(found == Array(repeating: "there is no such file", count: 3))
  }

  @Test func aDifferenceIsNamed() throws {
    func found(_ facts: @escaping @Sendable (Int) -> [(String, String)]) throws -> [String] {
      try asProcesses(3) { group, _ in
        group.setHosts(["a", "b", "c"])
        do {
          try group.demandAgreement(on: facts(group.rank).map { (name: $0.0, value: $0.1) })
          return "agreed"
        } catch {
          return "\(error)"
        }
      }
    }
    let same = try found { _ in [("rate", "0.1"), ("seed", "1")] }
    #expect(same == ["agreed", "agreed", "agreed"])
    let other = try found {
      [("level", "4"), ("rate", $0 == 2 ? "0.2" : "0.1"), ("seed", "\($0)")]
    }
    #expect(
      other
        == Array(
          repeating:
            "the processes do not agree: seed is 0 in process 0 on host a, and 1 in process 1 "
            + "on host b",
          count: 3))
    let missing = try found { $0 == 2 ? [("rate", "0.1")] : [("rate", "0.1"), ("clip", "1")] }
    #expect(
      missing
        == Array(
          repeating:
            "the processes do not agree: clip is 1 in process 0 on host a, and nothing in "
            + "process 2 on host c",
          count: 3))
  }

  @Test func launchersAreKnownByTheirVariables() {
    func launch(_ variables: [String: String]) -> [Int]? {
      Launch { variables[$0] }.map { [$0.rank, $0.count] }
    }
    #expect(launch([:]) == nil)
    #expect(launch(["OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "4"]) == [2, 4])
    #expect(launch(["PMI_RANK": "0", "PMI_SIZE": "3"]) == [0, 3])
    #expect(launch(["PMIX_RANK": "1", "SLURM_STEP_NUM_TASKS": "2"]) == [1, 2])
    // One process alone, and a step of a job that starts one.
    #expect(launch(["OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1"]) == nil)
    #expect(launch(["SLURM_STEP_NUM_TASKS": "8"]) == nil)
    let one = ["OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1"]
    let step = ["PMIX_RANK": "0", "SLURM_STEP_NUM_TASKS": "4"]
    #expect(launch(one.merging(step) { first, _ in first }) == nil)
    #expect(launch(["PMI_RANK": "x", "PMI_SIZE": "3"]) == nil)
  }
}
