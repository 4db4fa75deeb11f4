import DenseMath
import Foundation
import Layers
import Parameters
import TestSupport
import Testing

@Suite struct LinearChainTests {
  /// A chain with random scores and some rules, and all chains of labels of a length with theirs.
  private struct Case {
    let chain: LinearChain
    let scores: [Double]
    let all: [(tags: [Int], score: Double)]

    init(labels: Int, length: Int, seed: UInt64, spread: Double = 1) {
      var numbers = TestNumbers(seed: seed)
      func draw(_ count: Int, rules: Bool = true) -> [Double] {
        (0..<count).map { _ in
          let score = spread * numbers.next()
          return rules && numbers.integer(0...5) == 0 ? -.infinity : score
        }
      }
      let transitions = draw(labels * labels).enumerated().map { place, score in
        // Label 0 may always follow and be followed, so that some chain is possible.
        place < labels || place % labels == 0 ? max(score, -spread) : score
      }
      chain = LinearChain(
        start: draw(labels, rules: false), transitions: transitions,
        end: draw(labels, rules: false))
      scores = draw(labels * length, rules: false)
      var tags = [Int](repeating: 0, count: length)
      var all: [(tags: [Int], score: Double)] = []
      repeat {
        var score = chain.start[tags[0]] + chain.end[tags[length - 1]]
        for step in 0..<length { score += scores[step * labels + tags[step]] }
        for step in 0..<length - 1 { score += transitions[tags[step] * labels + tags[step + 1]] }
        all.append((tags, score))
        var place = length - 1
        while place >= 0, tags[place] == labels - 1 {
          tags[place] = 0
          place -= 1
        }
        if place < 0 { break }
        tags[place] += 1
      } while true
      self.all = all
    }

    var total: Double { logSum(all.map(\.score)) }

    func logSum(_ x: [Double]) -> Double {
      let largest = x.max() ?? 0
      guard largest.isFinite else { return largest }
      return largest + log(x.reduce(0) { $0 + exp($1 - largest) })
    }
  }

  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func sumsMarginalsAndBestPathsAreThoseOfAllPaths(seed: UInt64) {
    var numbers = TestNumbers(seed: 100 + seed)
    let (labels, length) = (numbers.integer(1...4), numbers.integer(1...5))
    let testCase = Case(labels: labels, length: length, seed: seed)
    let (chain, scores, total) = (testCase.chain, testCase.scores, testCase.total)
    let sums = chain.sums(scores)
    #expect(abs(sums.logPartition - total) < 1e-10)
    let marginals = chain.marginals(scores)
    for step in 0..<length {
      for label in 0..<labels {
        let through = testCase.all.filter { $0.tags[step] == label }.map(\.score)
        #expect(
          abs(marginals[step * labels + label] - exp(testCase.logSum(through) - total))
            < 1e-10)
      }
    }
    let ranked = testCase.all.filter { $0.score > -.infinity }.sorted { $0.score > $1.score }
    #expect(chain.best(scores) == ranked[0].tags)
    let best = chain.best(7, scores)
    #expect(best.map(\.tags) == ranked.prefix(7).map(\.tags))
    for (found, expected) in zip(best, ranked) {
      #expect(abs(found.logProbability - (expected.score - total)) < 1e-10)
      #expect(abs(chain.score(of: expected.tags, scores) - expected.score) < 1e-12)
    }
    // The probability of a stretch is that of all chains with it in their middle.
    for first in 0..<length {
      for last in first..<length {
        let tags = ranked[0].tags
        let same = testCase.all.filter { $0.tags[first...last] == tags[first...last] }
        #expect(
          abs(
            chain.probability(of: tags[first...last], scores, sums)
              - exp(testCase.logSum(same.map(\.score)) - total)) < 1e-10)
      }
    }
  }

  /// Scores thousands apart, where exponentials vanish, are still exact.
  @Test func nothingIsLostWhereScoresAreFarApart() {
    for seed in 1...6 as ClosedRange<UInt64> {
      let testCase = Case(labels: 3, length: 4, seed: seed, spread: 3000)
      let sums = testCase.chain.sums(testCase.scores)
      #expect(abs(sums.logPartition - testCase.total) < 1e-8)
      #expect(testCase.chain.marginals(testCase.scores).allSatisfy { $0.isFinite })
      // Expected transitions of the best chain's loss: each step has one transition in all.
      var (scores, start, end) = (testCase.scores, [0.0, 0, 0], [0.0, 0, 0])
      var transitions = [Double](repeating: 0, count: 9)
      let best = testCase.chain.best(testCase.scores)
      let loss = testCase.chain.lossAndGradient(
        of: best, testCase.scores, into: &scores, transitions: &transitions, start: &start,
        end: &end)
      #expect(loss > -1e-8 && loss.isFinite && abs(transitions.reduce(0, +)) < 1e-6)
    }
  }

  @Test(arguments: [true, false], 1...3 as ClosedRange<UInt64>)
  func gradientsMatchCentralDifferences(learnsTransitions: Bool, seed: UInt64) {
    var numbers = TestNumbers(seed: seed)
    let labels = 4
    var layout = ParameterLayout()
    // 3 may not follow 1, nor begin, nor 2 end.
    let crf = LinearChainCRF(
      labels: labels, learnsTransitions: learnsTransitions,
      isAllowed: { !($0 == 1 && $1 == 3) && !($0 == nil && $1 == 3) && !($0 == 2 && $1 == nil) },
      name: "crf", in: &layout)
    let input = layout.declare("scores", shape: [9, labels], as: .uniform(1))
    let parameters = Parameters<Double>(layout, seed: seed)
    for entry in layout.entries {
      for index in 0..<entry.count { parameters.base[entry.offset + index] = numbers.next() }
    }
    let packed = PackedWeights<Double>(layout, forTraining: true)
    let workspace = Workspace(parameters, packed: packed, forTraining: true)
    let sequences = [[0, 3, 5, 7, 8], [1, 4, 6], [2]]
    let tags = [0, 2, 1, 1, 0, 2, 3, 3, 0]
    func run() -> (loss: Double, gradient: Matrix<Double>) {
      workspace.reset()
      let scores = workspace.arena.matrix(9, labels)
      Double.copy(workspace[input], into: scores)
      let loss = crf.lossAndGradient(
        scores, sequences: sequences, tags: tags, scale: 0.5, on: workspace)
      return (0.5 * loss, scores)
    }
    guard let gradients = workspace.gradients else { return }
    gradients.clear()
    Double.copy(run().gradient, into: gradients[input])
    let analytic = layout.entries.map { Array(gradients.elements(of: $0)) }
    for (entry, gradient) in zip(layout.entries, analytic) {
      let error = worstGradientError(
        of: parameters.elements(of: entry), gradients: gradient, loss: { run().loss })
      #expect(error < 1e-7, "\(entry.name)")
    }
    // The right chains are no rule's exception, and have a probability.
    #expect(run().loss.isFinite && run().loss > 0)
    let chain = crf.chain(of: parameters)
    #expect(chain.start[3] == -.infinity && chain.end[2] == -.infinity)
    #expect(chain.transitions[labels + 3] == -.infinity)
    withExtendedLifetime((parameters, gradients)) {}
  }
}

@Suite struct CharacterCNNTests {
  private static let words: [[Int32]] = [[1, 2, 3], [4], [2, 2], [5, 1, 4, 3, 1]]

  private struct Case {
    let cnn: CharacterCNN
    let layout: ParameterLayout
    let parameters: Parameters<Double>
    let packed: PackedWeights<Double>
    let workspace: Workspace<Double>
    let loss: Weight

    init(width: Int, seed: UInt64) {
      var layout = ParameterLayout()
      cnn = CharacterCNN(
        vocabularySize: 6, embeddingSize: 3, width: width, filters: 4, name: "characters",
        in: &layout)
      loss = layout.declare("loss", shape: [4, 4], as: .uniform(1))
      self.layout = layout
      parameters = Parameters(layout, seed: seed)
      packed = PackedWeights(layout, forTraining: true)
      workspace = Workspace(parameters, packed: packed, forTraining: true)
    }

    func run() -> (trace: CharacterCNN.Trace<Double>, loss: Double) {
      packed.load(parameters, on: Shards(threads: 1))
      workspace.reset()
      let trace = cnn.forward(CharacterCNNTests.words, padding: 0, on: workspace)
      return (
        trace,
        zip(trace.features.elements, parameters[loss].elements).reduce(0) { $0 + $1.0 * $1.1 }
      )
    }
  }

  @Test(arguments: [1, 2, 3, 5], [1, 2] as [UInt64])
  func gradientsMatchCentralDifferences(width: Int, seed: UInt64) {
    let testCase = Case(width: width, seed: seed)
    guard let gradients = testCase.workspace.gradients else { return }
    gradients.clear()
    let (trace, _) = testCase.run()
    testCase.cnn.backward(
      trace, gradient: testCase.parameters[testCase.loss], on: testCase.workspace)
    for entry in testCase.layout.entries where entry.name != "loss" {
      let analytic = Array(gradients.elements(of: entry))
      let error = worstGradientError(
        of: testCase.parameters.elements(of: entry), gradients: analytic,
        loss: { testCase.run().loss })
      #expect(error < 1e-7, "\(entry.name)")
    }
    withExtendedLifetime((testCase, gradients)) {}
  }

  /// The formula, position by position.
  @Test(arguments: [1, 2, 3, 4]) func featuresFollowTheFormula(width: Int) {
    let testCase = Case(width: width, seed: 5)
    let named = Dictionary(
      uniqueKeysWithValues: testCase.layout.entries.map {
        ($0.name, Array(testCase.parameters.elements(of: $0)))
      })
    func at(_ name: String, _ place: Int) -> Double { named["characters." + name]?[place] ?? .nan }
    let features = testCase.run().trace.features
    for (number, word) in Self.words.enumerated() {
      for filter in 0..<4 {
        let answers = word.indices.map { position -> Double in
          var sum = at("bias", filter)
          for k in 0..<width {
            let place = position + k - (width - 1) / 2
            let character = word.indices.contains(place) ? Int(word[place]) : 0
            for e in 0..<3 {
              sum += at("weight_\(k)", filter * 3 + e) * at("embedding", character * 3 + e)
            }
          }
          return sum
        }
        let expected = tanh(answers.max() ?? 0)
        #expect(abs(features[number, filter] - expected) < 1e-12)
      }
    }
    withExtendedLifetime(testCase) {}
  }
}
