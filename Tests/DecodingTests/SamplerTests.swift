import Decoding
import DenseMath
import Foundation
import Testing

/// A small generator, so that a failure can be repeated from its seed.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

extension Sampler {
  mutating func choose(_ logits: [Float], random: Double) -> Int {
    var logits = logits
    return logits.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return -1 }
      return choose(from: Matrix(base, rows: 1, columns: buffer.count), random: random)
    }
  }
}

/// How likely each token is to be drawn, found by a fine comb of random numbers: each token owns
/// one stretch of [0, 1), so its fraction of the comb's teeth is right to two teeth.
func frequencies(
  _ steps: [SamplingStep], _ logits: [Float], after text: [Int] = [], window: Int = 64
) throws -> [Double] {
  var sampler = try Sampler(steps, window: window)
  for id in text { sampler.read(id) }
  var counts = [Double](repeating: 0, count: logits.count)
  for tooth in 0..<teeth {
    counts[sampler.choose(logits, random: (Double(tooth) + 0.5) / Double(teeth))] += 1
  }
  return counts.map { $0 / Double(teeth) }
}

private let teeth = 8192

/// The chain by its definitions, on probabilities instead of logits and without any sorting.
func reference(
  _ steps: [SamplingStep], _ logits: [Float], after text: [Int] = []
) -> [Double] {
  // Dropped tokens have probability 0.
  var logits = logits.map(Double.init)
  func times(_ id: Int) -> Double { Double(text.count { $0 == id }) }
  func probabilities() -> [Double] {
    let powers = logits.map { exp($0) }
    return powers.map { $0 / powers.reduce(0, +) }
  }
  for step in steps {
    let p = probabilities()
    // How many tokens come before one: those likelier, and of equals those with lower ids.
    func before(_ id: Int) -> [Int] {
      p.indices.filter { p[$0] > p[id] || (p[$0] == p[id] && $0 < id) }
    }
    let keeps: (Int) -> Bool
    switch step {
    case .temperature(0): keeps = { before($0).isEmpty }
    case .temperature(let t):
      logits = logits.map { $0 / t }
      continue
    case .topK(let k): keeps = { before($0).count < k }
    case .topP(let limit): keeps = { before($0).reduce(0) { $0 + p[$1] } < limit }
    case .minP(let limit): keeps = { p[$0] >= limit * (p.max() ?? 0) }
    case .typicalP(let limit):
      let entropy = p.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
      let distance = p.map { $0 > 0 ? abs(-log($0) - entropy) : .infinity }
      keeps = { id in
        p.indices.filter { distance[$0] < distance[id] }.reduce(0) { $0 + p[$1] } < limit
          && p[id] > 0
      }
    case .mirostat(let target, _):
      keeps = { -log2(p[$0]) <= 2 * target || before($0).isEmpty }
    case .bias(let numbers):
      logits = logits.indices.map { logits[$0] + (numbers[$0] ?? 0) }
      continue
    case .repetitionPenalty(let penalty):
      logits = logits.indices.map { id in
        times(id) == 0 ? logits[id] : logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty
      }
      continue
    case .frequencyPenalty(let penalty):
      logits = logits.indices.map { logits[$0] - penalty * times($0) }
      continue
    case .presencePenalty(let penalty):
      logits = logits.indices.map { times($0) > 0 ? logits[$0] - penalty : logits[$0] }
      continue
    }
    let kept = p.indices.map(keeps)
    for id in p.indices where !kept[id] { logits[id] = -.infinity }
  }
  return probabilities()
}

@Suite struct SamplerChainTests {
  private func check(
    _ steps: [SamplingStep], _ logits: [Float], seed: UInt64,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let found = try frequencies(steps, logits)
    let expected = reference(steps, logits)
    let worst = zip(found, expected).map { abs($0 - $1) }.max() ?? 1
    #expect(
      worst <= 2 / Double(teeth), "\(steps) of \(logits), seed \(seed)",
      sourceLocation: sourceLocation)
    // All tokens here are likelier than a tooth, so that the kept set is seen whole.
    #expect(
      found.map { $0 > 0 } == expected.map { $0 > 0 }, "\(steps) of \(logits), seed \(seed)",
      sourceLocation: sourceLocation)
  }

  private func logits(_ generator: inout SeededGenerator) -> [Float] {
    let count = Int.random(in: 1...10, using: &generator)
    return (0..<count).map { _ in Float.random(in: -2...2, using: &generator) }
  }

  @Test func noStepDrawsFromTheSoftmax() throws {
    for seed in 0..<20 as Range<UInt64> {
      var generator = SeededGenerator(seed)
      try check([], logits(&generator), seed: seed)
    }
  }

  @Test func temperatureDividesTheLogits() throws {
    for seed in 0..<20 as Range<UInt64> {
      var generator = SeededGenerator(seed)
      let temperature = Double.random(in: 0.9...5, using: &generator)
      try check([.temperature(temperature)], logits(&generator), seed: seed)
    }
  }

  @Test func topKKeepsTheLikeliest() throws {
    for seed in 0..<20 as Range<UInt64> {
      var generator = SeededGenerator(seed)
      let k = Int.random(in: 1...12, using: &generator)
      try check([.topK(k)], logits(&generator), seed: seed)
    }
  }

  @Test func topPKeepsTheLikeliestThatReachTheProbability() throws {
    for seed in 0..<40 as Range<UInt64> {
      var generator = SeededGenerator(seed)
      let limit = Double.random(in: 0.01...0.999, using: &generator)
      try check([.topP(limit)], logits(&generator), seed: seed)
    }
  }

  @Test func minPKeepsThoseNearTheLikeliest() throws {
    for seed in 0..<40 as Range<UInt64> {
      var generator = SeededGenerator(seed)
      let limit = Double.random(in: 0...1, using: &generator)
      try check([.minP(limit)], logits(&generator), seed: seed)
    }
  }

  @Test func chainsOfAllStepsFollowTheDefinitions() throws {
    for seed in 0..<100 as Range<UInt64> {
      var generator = SeededGenerator(seed)
      let steps = (0..<Int.random(in: 2...4, using: &generator)).map { _ -> SamplingStep in
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: .temperature(.random(in: 0.9...3, using: &generator))
        case 1: .topK(.random(in: 1...9, using: &generator))
        case 2: .topP(.random(in: 0.2...0.99, using: &generator))
        default: .minP(.random(in: 0.01...0.8, using: &generator))
        }
      }
      try check(steps, logits(&generator), seed: seed)
    }
  }

  @Test func equalLogitsAreKeptByLowestId() throws {
    for seed in 0..<20 as Range<UInt64> {
      var generator = SeededGenerator(seed)
      let logits = (0..<9).map { _ in Float.random(in: 0...1, using: &generator).rounded() }
      try check([.topK(.random(in: 1...9, using: &generator))], logits, seed: seed)
    }
  }

  @Test func orderOfTheStepsMatters() throws {
    let logits = [0.5, 0.3, 0.2].map { Float(log($0)) }
    // 0.5 reaches 0.45 alone; at temperature 4 it has shrunk to 0.38.
    #expect(try frequencies([.topP(0.45), .temperature(4)], logits) == [1, 0, 0])
    #expect(
      try frequencies([.temperature(4), .topP(0.45)], logits).map { $0 > 0 } == [true, true, false])
  }

  @Test(arguments: [SamplingStep.topP(1), .minP(0), .topK(10), .topK(.max), .temperature(1)])
  func widestStepsChangeNothing(_ step: SamplingStep) throws {
    var generator = SeededGenerator(3)
    let logits = (0..<10).map { _ in Float.random(in: -2...2, using: &generator) }
    let error = zip(try frequencies([step], logits), try frequencies([], logits)).map {
      abs($0 - $1)
    }.max()
    #expect((error ?? 1) <= 2 / Double(teeth))
  }

  @Test(arguments: [SamplingStep.topP(1e-300), .minP(1), .topK(1), .temperature(0)])
  func narrowestStepsKeepTheLikeliest(_ step: SamplingStep) throws {
    #expect(try frequencies([step], [-1, 0.5, 2, 1.9, -3]) == [0, 0, 1, 0, 0])
  }
}

@Suite struct SamplerDrawTests {
  @Test func temperatureZeroTakesTheLargestOfRandomRows() throws {
    var sampler = try Sampler([.temperature(0)])
    for seed in 0..<200 as Range<UInt64> {
      var generator = SeededGenerator(seed)
      let count = Int.random(in: 1...300, using: &generator)
      // Few values, so that the largest is there more than once.
      let logits = (0..<count).map { _ in Float(Int.random(in: -5...5, using: &generator)) }
      let expected = logits.firstIndex(of: logits.max() ?? 0)
      let random = Double.random(in: 0..<1, using: &generator)
      #expect(sampler.choose(logits, random: random) == expected, "seed \(seed)")
    }
  }

  @Test(arguments: [1e-5, 1e-100, 1e-300, .leastNormalMagnitude, .leastNonzeroMagnitude])
  func tinyTemperaturesAreGreedy(_ temperature: Double) throws {
    #expect(try frequencies([.temperature(temperature)], [3, 50, 49, -2]) == [0, 1, 0, 0])
  }

  @Test func drawsHaveTheFrequenciesOfTheSoftmax() throws {
    var sampler = try Sampler([])
    var generator = SeededGenerator(42)
    let logits = (0..<12).map { _ in Float.random(in: -2...2, using: &generator) }
    let draws = 100_000
    var counts = [Double](repeating: 0, count: 12)
    for _ in 0..<draws {
      counts[sampler.choose(logits, random: .random(in: 0..<1, using: &generator))] += 1
    }
    let powers = logits.map { exp(Double($0)) }
    let total = powers.reduce(0, +)
    let chiSquare = zip(counts, powers).reduce(0) { sum, pair in
      let expected = Double(draws) * pair.1 / total
      return sum + pow(pair.0 - expected, 2) / expected
    }
    // 11 degrees of freedom: above 37 once in 10,000 seeds.
    #expect(chiSquare < 37)
  }

  @Test func impossibleTokensAreNotDrawn() throws {
    // At both ends of [0, 1), where rounding could let one through.
    var sampler = try Sampler([])
    for seed in 0..<20_000 as Range<UInt64> {
      var generator = SeededGenerator(seed)
      let count = Int.random(in: 1...30, using: &generator)
      let possible = (0..<count).map { _ in Float.random(in: -9...9, using: &generator) }
      let logits = [-.infinity] + possible + [-.infinity, -.infinity]
      for random in [0, 1.0.nextDown] {
        let id = sampler.choose(logits, random: random)
        #expect((1...count).contains(id), "random number \(random), seed \(seed)")
      }
    }
  }

  @Test func rowsLeaveNothingBehind() throws {
    var sampler = try Sampler([.topP(0.9)])
    _ = sampler.choose([Float](repeating: 0, count: 100), random: 0.99)
    #expect(sampler.choose([1, 2], random: 0.9999) < 2)
  }

  @Test func damagedLogitsDoNotCrash() throws {
    let numbers: [Float] = [.nan, .infinity, -.infinity, 0, 3e38, -3e38, -.nan]
    let chains: [[SamplingStep]] = [
      [], [.temperature(0)], [.temperature(0.5)], [.topK(2)], [.topP(0.5)], [.minP(0.5)],
      [.temperature(1e-300), .topK(3), .topP(0.9), .minP(0.1)],
      [.minP(1), .topP(1e-9), .topK(1), .temperature(0)],
    ]
    for seed in 0..<2000 as Range<UInt64> {
      var generator = SeededGenerator(seed)
      let count = Int.random(in: 1...20, using: &generator)
      let logits = (0..<count).map { _ in numbers.randomElement(using: &generator) ?? 0 }
      for steps in chains {
        var sampler = try Sampler(steps)
        let id = sampler.choose(logits, random: .random(in: 0..<1, using: &generator))
        #expect((0..<count).contains(id), "\(steps) of \(logits), seed \(seed)")
      }
    }
  }
}

@Suite struct SamplerErrorTests {
  @Test(arguments: [
    (SamplingStep.temperature(-0.5), "temperature -0.5 is not 0 or more"),
    (.temperature(.nan), "temperature nan is not 0 or more"),
    (.temperature(.infinity), "temperature inf is not 0 or more"),
    (.topK(0), "top-k 0 is not 1 or more"),
    (.topK(-7), "top-k -7 is not 1 or more"),
    (.topP(0), "top-p 0.0 is not above 0 and at most 1"),
    (.topP(1.5), "top-p 1.5 is not above 0 and at most 1"),
    (.topP(.nan), "top-p nan is not above 0 and at most 1"),
    (.minP(-0.1), "min-p -0.1 is not from 0 to 1"),
    (.minP(1.01), "min-p 1.01 is not from 0 to 1"),
    (.minP(.nan), "min-p nan is not from 0 to 1"),
  ])
  func numberOutOfRangeIsNamed(_ step: SamplingStep, _ sentence: String) {
    let error = #expect(throws: SamplingError.self) { try Sampler([.topK(5), step]) }
    #expect(error?.description == sentence)
  }

  @Test(arguments: [
    SamplingStep.temperature(0), .topK(1), .topP(1), .minP(0), .minP(1), .temperature(1000),
  ])
  func boundsAreAllowed(_ step: SamplingStep) throws {
    #expect(try Sampler([step]).steps == [step])
  }
}
