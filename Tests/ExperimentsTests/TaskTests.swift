import Cells
import Layers
import Testing

@testable import Experiments

@Suite struct TaskTests {
  /// The embedded grammar as a regular automaton written down anew: states of the inner graph.
  private func accepts(_ string: [Character]) -> Bool {
    guard string.count >= 9, string.first == "B", string.last == "E" else { return false }
    guard string[1] == string[string.count - 2], "TP".contains(string[1]) else { return false }
    let inner = string[2..<string.count - 2]
    guard inner.first == "B", inner.last == "E" else { return false }
    var states: Set<Int> = [0]
    let moves: [(from: Int, by: Character, to: Int)] = [
      (0, "T", 1), (0, "P", 2), (1, "S", 1), (1, "X", 3), (2, "T", 2), (2, "V", 4), (3, "X", 2),
      (3, "S", 5), (4, "P", 3), (4, "V", 5),
    ]
    for symbol in inner.dropFirst().dropLast() {
      states = Set(moves.filter { states.contains($0.from) && $0.by == symbol }.map(\.to))
    }
    return states.contains(5)
  }

  @Test func stringsAreOfTheGrammarAndTheirSuccessorsLegal() {
    var random = TaskRandom(seed: 3, stream: 9)
    var seen: Set<String> = []
    for _ in 0..<500 {
      let string = EmbeddedReber.string(&random)
      let symbols = string.map(\.symbol) + ["E"]
      #expect(accepts(symbols), "\(String(symbols))")
      for (place, step) in string.enumerated() { #expect(step.legal.contains(symbols[place + 1])) }
      seen.insert(String(symbols))
    }
    #expect(seen.count > 50)
    #expect(!accepts(Array("BTBTXSEPE")))
  }

  @Test func theSumIsThatOfTheMarkedValues() {
    var random = TaskRandom(seed: 1, stream: 1)
    for _ in 0..<200 {
      let example = Adding(length: 50).example(&random)
      #expect((50...55).contains(example.inputs.count))
      let marked = example.inputs.filter { $0[1] == 1 }
      #expect(marked.count == 2)
      #expect(example.targets.last == .value(marked[0][0] + marked[1][0]))
      #expect(example.targets.dropLast().allSatisfy { $0 == .any })
    }
  }

  @Test func theClassIsTheOrderOfTheThreeSymbols() {
    var random = TaskRandom(seed: 2, stream: 1)
    for _ in 0..<200 {
      let example = TemporalOrder(length: 100).example(&random)
      let bits = example.inputs.compactMap { input in [0, 1].first { input[$0] == 1 } }
      #expect(bits.count == 3)
      #expect(example.targets.last == .symbol(4 * bits[0] + 2 * bits[1] + bits[2]))
    }
  }

  @Test func countingAsksForEveryBAndTheEnd() {
    let example = Counting.example(n: 3)
    #expect(example.targets == [.symbol(0), .any, .any, .any, .symbol(1), .symbol(1), .symbol(2)])
  }

  @Test func lstmLearnsAShortLagAndTheSameWayOnAnyThreads() throws {
    let task = LongLag(lag: 20)
    let runs = try [1, 2].map { threads in
      try SelfTest.run(task, cell: .lstm, seeds: [1, 2, 3], threads: threads).map(\.sequences)
    }
    #expect(runs[0] == runs[1])
    #expect(runs[0].allSatisfy { $0 != nil })
  }

  @Test func aNetworkThatHasLearntNothingMeetsNoCriterion() {
    for task in SelfTest.tasks(lag: 30) {
      var random = TaskRandom(seed: 5, stream: 3)
      let examples = task.probes(&random)
      let outputs = examples.map { example in
        example.inputs.map { _ in [Float](repeating: 0.1, count: task.outputSize) }
      }
      #expect(!task.isLearnt(examples, outputs: outputs), "\(task.name)")
    }
  }

  /// A stream is strings of the grammar one after another, and tells nothing of where they begin.
  @Test func aStreamIsStringsOfTheGrammar() {
    var random = TaskRandom(seed: 4, stream: 2)
    let example = ContinualReber(learnt: 500, tried: 10).example(&random)
    let symbols = example.inputs.map { input in
      EmbeddedReber.symbols[input.firstIndex(of: 1) ?? 0]
    }
    #expect(symbols.count >= 500)
    // The embedded grammar ends a string with E after T or P after E: cut there.
    var strings: [[Character]] = [[]]
    for symbol in symbols {
      strings[strings.count - 1].append(symbol)
      if accepts(strings[strings.count - 1]) { strings.append([]) }
    }
    #expect(strings.count > 20 && strings.last == [])
    for (place, legal) in example.legal.dropLast().enumerated() {
      #expect(legal.contains(example.inputs[place + 1].firstIndex(of: 1) ?? -1))
    }
    var other = TaskRandom(seed: 4, stream: 3)
    let probes = ContinualReber().probes(&other)
    #expect(probes.count == 10 && probes.allSatisfy { $0.inputs.count >= 10_000 })
  }

  @Test(arguments: CellKind.builtIn, [false, true])
  func gradientsOfEveryCellAreRight(kind: CellKind, combined: Bool) {
    #expect(
      GradientCheck.worstError(of: kind, combined: combined, seed: 4) < GradientCheck.tolerance)
  }

  @Test(arguments: Attention.Score.allCases)
  func gradientsOfAttentionAreRight(score: Attention.Score) {
    #expect(GradientCheck.worstError(of: score, seed: 4) < GradientCheck.tolerance)
  }
}
