import Decoding
import Foundation
import Testing

/// A model whose probabilities depend on the input and on all ids before, at random.
///
/// It knows what stands before only by following rows from step to step, as a network does.
private final class RandomModel {
  let ids: Int
  let seed: UInt64
  /// How many candidates it returns: all, or only as many as are asked for.
  var returnsAll = true
  /// Whether it leaves out what the search says is of no use.
  var leavesOutUseless = false
  private(set) var leftOut = 0
  /// By step and row: the input and the ids before, for a search that starts with `start`.
  private(set) var seen: [[(input: Int, prefix: [Int32])]] = []
  private(set) var widest = 0

  static let start: Int32 = 99
  /// The end is one of the ids, the last.
  var end: Int32 { Int32(ids - 1) }

  init(ids: Int, seed: UInt64) {
    self.ids = ids
    self.seed = seed
  }

  private func generator(_ input: Int, _ prefix: [Int32]) -> SeededGenerator {
    var state = seed &* 31 &+ UInt64(input)
    for id in prefix {
      var mixer = SeededGenerator(state &* 31 &+ UInt64(id) &+ 1)
      state = mixer.next()
    }
    return SeededGenerator(state)
  }

  /// The log probability of each id.
  func logProbabilities(_ input: Int, _ prefix: [Int32]) -> [Float] {
    var generator = generator(input, prefix)
    let logits = (0..<ids).map { _ in Double.random(in: -2...2, using: &generator) }
    let normalizer = log(logits.reduce(0) { $0 + exp($1) })
    return logits.map { Float($0 - normalizer) }
  }

  /// What is added to the score of a hypothesis that finishes after a prefix.
  func adjustment(_ input: Int, _ prefix: [Int32]) -> Double {
    var generator = generator(input, prefix + [77])
    return Double.random(in: -1...0, using: &generator)
  }

  func step(_ live: BeamSearch.LiveRows) -> [[BeamSearch.Candidate]] {
    #expect(live.step == seen.count && live.count > 0)
    var rows: [(input: Int, prefix: [Int32])] = []
    for (row, id) in live.ids.enumerated() {
      if live.step == 0 {
        #expect(id == Self.start)
        rows.append((live.parents[row], []))
      } else {
        let (input, prefix) = seen[live.step - 1][live.parents[row]]
        rows.append((input, prefix + [id]))
      }
    }
    #expect(live.groups.flatMap(\.rows) == Array(rows.indices))
    for group in live.groups {
      #expect(group.rows.allSatisfy { rows[$0].input == group.input })
      widest = max(widest, group.rows.count)
    }
    seen.append(rows)
    let candidates = rows.map { input, prefix in
      let all = logProbabilities(input, prefix).enumerated().map {
        BeamSearch.Candidate(id: Int32($0), logProbability: $1)
      }.sorted { $0.logProbability > $1.logProbability }
      return returnsAll ? all.shuffled() : Array(all.prefix(live.candidateCount))
    }
    guard leavesOutUseless else { return candidates }
    let likeliest = candidates.map { $0.map(\.logProbability).max() ?? 0 }
    return zip(candidates, live.leastUseful(givenLikeliest: likeliest)).map { row, least in
      let useful = row.filter { $0.logProbability >= least }
      leftOut += row.count - useful.count
      return useful
    }
  }

  func run(
    _ search: BeamSearch, maxLengths: [Int], adjusts: Bool = false
  ) -> [[BeamSearch.Hypothesis]] {
    seen = []
    widest = 0
    return search.run(
      startID: Self.start, endID: end, maxLengths: maxLengths,
      adjustment: { row in
        guard adjusts, let last = self.seen.last else { return 0 }
        return self.adjustment(last[row].input, last[row].prefix)
      }, step: step)
  }

  struct Sequence {
    let ids: [Int32]
    let logProbability, score: Double
  }

  /// All sequences that could be written, the best first.
  func all(
    _ search: BeamSearch, input: Int, maxLength: Int, adjusts: Bool = false
  ) -> [Sequence] {
    var found: [Sequence] = []
    func finish(_ ids: [Int32], before prefix: [Int32], _ logProbability: Double) {
      let score =
        logProbability / pow(Double(ids.count + 1), search.lengthPower)
        + (adjusts ? adjustment(input, prefix) : 0)
      found.append(Sequence(ids: ids, logProbability: logProbability, score: score))
    }
    func extend(_ prefix: [Int32], _ logProbability: Double) {
      for (id, value) in logProbabilities(input, prefix).enumerated() {
        let sum = logProbability + Double(value)
        if id == Int(end) {
          finish(prefix, before: prefix, sum)
          continue
        }
        let longer = prefix + [Int32(id)]
        if repeats(longer, search.noRepeatNGram) { continue }
        if longer.count == maxLength {
          finish(longer, before: prefix, sum)
        } else {
          extend(longer, sum)
        }
      }
    }
    extend([], 0)
    return found.sorted { $0.score > $1.score }
  }
}

/// Whether an n-gram of ids occurs twice.
private func repeats(_ ids: [Int32], _ length: Int) -> Bool {
  guard length > 0, ids.count > length else { return false }
  let grams = (length...ids.count).map { ids[$0 - length..<$0] }
  return Set(grams).count < grams.count
}

@Suite struct BeamSearchTests {
  /// Brute force over all sequences: the scores, their order, and each probability.
  @Test(arguments: [0, 1, 2]) func aBeamWideEnoughFindsAllSequencesBestFirst(noRepeat: Int) {
    for seed in 0..<30 as Range<UInt64> {
      var numbers = SeededGenerator(seed)
      let model = RandomModel(ids: Int.random(in: 2...4, using: &numbers), seed: seed)
      let maxLengths = (0..<3).map { _ in Int.random(in: 1...4, using: &numbers) }
      let search = BeamSearch(
        beam: 400, lengthPower: [0, 0.7, 1][Int(seed % 3)], noRepeatNGram: noRepeat, best: 400)
      let found = model.run(search, maxLengths: maxLengths, adjusts: seed % 2 == 1)
      for (input, maxLength) in maxLengths.enumerated() {
        let right = model.all(
          search, input: input, maxLength: maxLength, adjusts: seed % 2 == 1)
        #expect(found[input].map(\.ids) == right.map(\.ids), "seed \(seed)")
        #expect(found[input].map(\.logProbability) == right.map(\.logProbability), "seed \(seed)")
        #expect(found[input].map(\.score) == right.map(\.score), "seed \(seed)")
        #expect(
          found[input].allSatisfy { $0.hasEnd == ($0.ids.count < maxLength) }, "seed \(seed)")
      }
    }
  }

  @Test func aBeamOfOneIsGreedy() {
    for seed in 0..<30 as Range<UInt64> {
      let model = RandomModel(ids: 5, seed: seed)
      let found = model.run(BeamSearch(), maxLengths: [8, 3])
      for (input, maxLength) in [8, 3].enumerated() {
        var ids: [Int32] = []
        var sum = 0.0
        while ids.count < maxLength {
          let values = model.logProbabilities(input, ids)
          let best = Int32(values.indices.max { values[$0] < values[$1] } ?? 0)
          sum += Double(values[Int(best)])
          if best == model.end { break }
          ids.append(best)
        }
        #expect(found[input].count == 1 && found[input][0].ids == ids, "seed \(seed)")
        #expect(found[input][0].logProbability == sum, "seed \(seed)")
      }
    }
  }

  /// By its definition, with whole sequences instead of a tree.
  @Test func aNarrowBeamKeepsTheLikeliestOfEachStep() {
    for seed in 0..<30 as Range<UInt64> {
      let model = RandomModel(ids: 4, seed: seed)
      let beam = Int(seed % 4) + 2
      let found = model.run(BeamSearch(beam: beam, best: beam), maxLengths: [6])
      var live: [(ids: [Int32], sum: Double)] = [([], 0)]
      var finished: [(ids: [Int32], sum: Double)] = []
      while !live.isEmpty {
        let all = live.flatMap { ids, sum in
          model.logProbabilities(0, ids).enumerated().map {
            (ids: ids + [Int32($0)], sum: sum + Double($1))
          }
        }
        live = []
        for one in all.sorted(by: { $0.sum > $1.sum }).prefix(beam - finished.count) {
          if one.ids.last == model.end {
            finished.append((one.ids.dropLast(), one.sum))
          } else if one.ids.count == 6 {
            finished.append(one)
          } else {
            live.append(one)
          }
        }
      }
      let right = finished.sorted {
        $0.sum / Double($0.ids.count + 1) > $1.sum / Double($1.ids.count + 1)
      }
      #expect(found[0].map(\.ids) == right.map(\.ids), "seed \(seed)")
      #expect(model.widest <= beam)
    }
  }

  @Test func aMarginDropsWhatIsFarLessLikely() {
    func probability(_ model: RandomModel, _ prefix: [Int32]) -> Double {
      prefix.indices.reduce(0) {
        $0 + Double(model.logProbabilities(0, Array(prefix[..<$1]))[Int(prefix[$1])])
      }
    }
    var spread = 0.0
    for seed in 0..<20 as Range<UInt64> {
      let model = RandomModel(ids: 6, seed: seed)
      let all = model.run(BeamSearch(beam: 5), maxLengths: [6])
      for rows in model.seen {
        let values = rows.map { probability(model, $0.prefix) }
        spread = max(spread, (values.max() ?? 0) - (values.min() ?? 0))
      }
      // Nothing is a million nats less likely, and a margin of 0 keeps the likeliest alone.
      #expect(model.run(BeamSearch(beam: 5, margin: 1e6), maxLengths: [6]) == all)
      let alone = model.run(BeamSearch(beam: 5, margin: 0), maxLengths: [6])
      #expect(model.widest == 1)
      #expect(alone[0].map(\.ids) == model.run(BeamSearch(), maxLengths: [6])[0].map(\.ids))
      // What is followed is within the margin of the likeliest of its length.
      _ = model.run(BeamSearch(beam: 5, margin: 0.7), maxLengths: [6])
      for rows in model.seen {
        let values = rows.map { probability(model, $0.prefix) }
        #expect((values.min() ?? 0) >= (values.max() ?? 0) - 0.7001)
      }
    }
    // Without a margin, more than that is followed.
    #expect(spread > 1)
  }

  @Test func whatIsOfNoUseCanBeLeftOut() {
    var leftOut = 0
    for seed in 0..<20 as Range<UInt64> {
      let (whole, short) = (RandomModel(ids: 6, seed: seed), RandomModel(ids: 6, seed: seed))
      short.leavesOutUseless = true
      for margin in [0.3, 1, 3, .infinity] {
        let search = BeamSearch(beam: 4, margin: margin)
        #expect(
          short.run(search, maxLengths: [5, 7]) == whole.run(search, maxLengths: [5, 7]),
          "seed \(seed), margin \(margin)")
      }
      leftOut += short.leftOut
    }
    #expect(leftOut > 1000)
  }

  @Test(arguments: [1, 2, 3]) func noNGramIsWrittenTwice(length: Int) {
    var repeated = 0
    for seed in 0..<30 as Range<UInt64> {
      let model = RandomModel(ids: 4, seed: seed)
      var search = BeamSearch(beam: 3, best: 3)
      repeated += model.run(search, maxLengths: [12])[0].count { repeats($0.ids, length) }
      search.noRepeatNGram = length
      let found = model.run(search, maxLengths: [12])[0]
      #expect(!found.isEmpty && found.allSatisfy { !repeats($0.ids, length) }, "seed \(seed)")
      // As many candidates as were asked for are enough, some of them barred.
      model.returnsAll = false
      #expect(model.run(search, maxLengths: [12])[0] == found, "seed \(seed)")
    }
    #expect(repeated > 0, "without the option there are repetitions")
  }

  @Test func inputsDoNotDisturbEachOther() {
    for seed in 0..<20 as Range<UInt64> {
      let model = RandomModel(ids: 5, seed: seed)
      let search = BeamSearch(beam: 3, best: 3)
      let together = model.run(search, maxLengths: [9, 2, 5])
      // The others end at once.
      for (input, lengths) in [[9, 1, 1], [1, 2, 1], [1, 1, 5]].enumerated() {
        let alone = model.run(search, maxLengths: lengths)[input]
        #expect(alone.map(\.ids) == together[input].map(\.ids), "seed \(seed)")
        #expect(alone.map(\.score) == together[input].map(\.score), "seed \(seed)")
      }
    }
  }

  @Test func rowsLeadThroughTheSteps() {
    for seed in 0..<20 as Range<UInt64> {
      let model = RandomModel(ids: 4, seed: seed)
      let found = model.run(BeamSearch(beam: 4, best: 4), maxLengths: [7, 5])
      for (input, hypotheses) in found.enumerated() {
        #expect(hypotheses.count == 4)
        for hypothesis in hypotheses {
          #expect(hypothesis.rows.count == hypothesis.ids.count + (hypothesis.hasEnd ? 1 : 0))
          for (step, row) in hypothesis.rows.enumerated() {
            #expect(model.seen[step][row].input == input)
            #expect(model.seen[step][row].prefix == Array(hypothesis.ids.prefix(step)))
          }
        }
      }
    }
  }

  @Test func whereNothingCanBeWrittenTheProbabilityIsZero() {
    let found = BeamSearch(beam: 3).run(startID: 0, endID: 1, maxLengths: [5, 5]) { live in
      live.groups.map { group in
        group.input == 0 ? [] : [BeamSearch.Candidate(id: 1, logProbability: -1)]
      }
    }
    #expect(found[0].count == 1 && found[0][0].ids.isEmpty && found[0][0].rows.isEmpty)
    #expect(found[0][0].logProbability == -.infinity && found[1][0].logProbability == -1)
    #expect(BeamSearch().run(startID: 0, endID: 1, maxLengths: []) { _ in [] }.isEmpty)
  }

  @Test func aStepThatFailsEndsTheSearch() {
    struct Failure: Error {}
    #expect(throws: Failure.self) {
      try BeamSearch().run(startID: 0, endID: 1, maxLengths: [3]) { _ in throw Failure() }
    }
  }

  /// Every path from a first branch to a finished one is a hypothesis, with its own probabilities.
  @Test func branchesAreTheTreeOfAllThatWasFollowed() {
    for seed in 0..<20 as Range<UInt64> {
      let model = RandomModel(ids: 5, seed: seed)
      let search = BeamSearch(beam: 3, best: 3)
      let lengths = [6, 4]
      var branches: [BeamSearch.Branch] = []
      let found = search.run(
        startID: RandomModel.start, endID: model.end, maxLengths: lengths,
        grown: { branches.append($0) }, step: model.step)
      var paths: [[Int32]] = []
      for (number, branch) in branches.enumerated() {
        #expect(branch.parent.map { $0 < number && branches[$0].step == branch.step - 1 } ?? true)
        #expect((branch.parent == nil) == (branch.step == 0))
        let before = branch.parent.map { paths[$0] } ?? []
        let expected = (0...before.count).reduce(0.0) { sum, place in
          let id = place < before.count ? before[place] : branch.id
          return sum
            + Double(model.logProbabilities(branch.input, Array(before[..<place]))[Int(id)])
        }
        #expect(abs(branch.logProbability - expected) < 1e-4, "seed \(seed)")
        paths.append(before + [branch.id])
      }
      for input in lengths.indices {
        let ends = branches.indices.filter {
          branches[$0].input == input && branches[$0].score != nil
        }.sorted { (branches[$0].score ?? 0) > (branches[$1].score ?? 0) }
        #expect(ends.map { paths[$0].filter { $0 != model.end } } == found[input].map(\.ids))
        #expect(ends.map { branches[$0].score } == found[input].map(\.score))
        for step in 0..<6 {
          #expect(branches.count { $0.input == input && $0.step == step } <= 3)
        }
      }
    }
  }
}
