import Decoding
import DenseMath
import Foundation
import Testing

/// Steps that look at the text so far, or move tokens by their ids, against their definitions.
@Suite struct SamplerMemoryTests {
  @Test func biasesAndPenaltiesFollowTheDefinitions() throws {
    for seed in 0..<60 as Range<UInt64> {
      var generator = SeededGenerator(seed)
      let count = Int.random(in: 2...9, using: &generator)
      let logits = (0..<count).map { _ in Float.random(in: -2...2, using: &generator) }
      let text = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
        Int.random(in: 0..<count, using: &generator)
      }
      let window = Int.random(in: 0...20, using: &generator)
      let steps: [SamplingStep] = [
        .bias([0: .random(in: -2...2, using: &generator), 7: 1]),
        .repetitionPenalty(.random(in: 0.5...2, using: &generator)),
        .frequencyPenalty(.random(in: -0.1...0.2, using: &generator)),
        .presencePenalty(.random(in: -0.5...1, using: &generator)),
        .temperature(.random(in: 0.9...2, using: &generator)),
      ].shuffled(using: &generator)
      try check(steps, logits, after: text, window: window, seed: seed)
    }
  }

  @Test func typicalAndMirostatKeepWhatTheyShould() throws {
    for seed in 0..<60 as Range<UInt64> {
      var generator = SeededGenerator(seed)
      let count = Int.random(in: 1...10, using: &generator)
      let logits = (0..<count).map { _ in Float.random(in: -2...2, using: &generator) }
      try check([.typicalP(.random(in: 0.05...0.99, using: &generator))], logits, seed: seed)
      try check(
        [.mirostat(target: .random(in: 0.3...3, using: &generator), rate: 0.1)], logits, seed: seed)
    }
  }

  private func check(
    _ steps: [SamplingStep], _ logits: [Float], after text: [Int] = [], window: Int = 64,
    seed: UInt64
  ) throws {
    let found = try frequencies(steps, logits, after: text, window: window)
    let expected = reference(steps, logits, after: window == 0 ? [] : text.suffix(window))
    let worst = zip(found, expected).map { abs($0 - $1) }.max() ?? 1
    #expect(worst <= 2 / 8192, "\(steps) of \(logits) after \(text), seed \(seed)")
  }

  /// From a fixed distribution the mean surprise of what is drawn comes to what was asked for.
  @Test(arguments: [1.5, 2.5, 3.5]) func mirostatComesToItsTarget(bits: Double) throws {
    // Zipf's law over 500 tokens: 6.9 bits of entropy.
    let logits = (1...500).map { Float(-log(Double($0))) }
    var sampler = try Sampler([.mirostat(target: bits, rate: 0.1)])
    let random = CounterRandom(seed: 3, stream: .sampling)
    var surprises: [Double] = []
    for index in 0..<4000 {
      // Whatever the limit is, the surprise under the kept tokens is what counts.
      let limit = sampler.memory.limit ?? 2 * bits
      let id = sampler.choose(logits, random: random.uniform(step: 0, index: index))
      let total = logits.reduce(0) { $0 + exp(Double($1)) }
      let kept = logits.filter { -log2(exp(Double($0)) / total) <= limit }
      let weight = (kept.isEmpty ? [logits[0]] : kept).reduce(0) { $0 + exp(Double($1)) }
      surprises.append(-log2(exp(Double(logits[id])) / weight))
      sampler.read(id)
    }
    let mean = surprises.dropFirst(500).reduce(0, +) / Double(surprises.count - 500)
    #expect(abs(mean - bits) < 0.05, "\(mean)")
  }

  /// A sampler made with what another one remembered goes on as that one does.
  @Test func memoryIsAllThatASamplerRemembers() throws {
    let steps: [SamplingStep] = [
      .repetitionPenalty(1.5), .frequencyPenalty(0.3), .mirostat(target: 2, rate: 0.2),
    ]
    let logits = (0..<50).map { Float(sin(Double($0))) }
    let random = CounterRandom(seed: 1, stream: .sampling)
    var one = try Sampler(steps, window: 7)
    var drawn: [Int] = []
    for index in 0..<60 {
      let id = one.choose(logits, random: random.uniform(step: 0, index: index))
      one.read(id)
      drawn.append(id)
      guard index == 29 else { continue }
      let kept = try JSONDecoder().decode(
        Sampler.Memory.self, from: JSONEncoder().encode(one.memory))
      var other = try Sampler(steps, window: 7, memory: kept)
      var (rest, going) = ([Int](), one)
      for later in 30..<60 {
        let number = random.uniform(step: 0, index: later)
        let (a, b) = (going.choose(logits, random: number), other.choose(logits, random: number))
        going.read(a)
        other.read(b)
        rest += [a == b ? 1 : 0]
      }
      #expect(rest == Array(repeating: 1, count: 30))
    }
    #expect(Set(drawn).count > 5)
  }

  /// A text may go on with another window, and with penalties that it did not have before.
  @Test(arguments: [0, 3, 7, 20])
  func penaltiesOfATextThatGoesOnSeeWhatTheirWindowHolds(_ window: Int) throws {
    let logits = (0..<9).map { Float(sin(Double($0))) }
    let text = [1, 2, 3, 1, 1, 5, 8, 8, 2, 4, 7, 1]
    for before: [SamplingStep] in [[], [.repetitionPenalty(2)]] {
      var first = try Sampler(before, window: 10)
      for id in text { first.read(id) }
      var going = try Sampler(
        [.frequencyPenalty(0.7)], window: window, memory: first.memory)
      // As one that has read all of it, as far as the first one has kept it.
      var whole = try Sampler([.frequencyPenalty(0.7)], window: window)
      for id in text.suffix(10) { whole.read(id) }
      for id in [6, 6, 1] {
        going.read(id)
        whole.read(id)
        for tooth in 0..<50 {
          let random = (Double(tooth) + 0.5) / 50
          #expect(going.choose(logits, random: random) == whole.choose(logits, random: random))
        }
      }
    }
  }

  @Test func stepsOutOfPlaceOrRangeAreTold() {
    for (steps, sentence) in [
      (
        [.mirostat(target: 3, rate: 0.1), .topK(3)],
        "mirostat sees what is drawn, so it must be the last step"
      ),
      ([.typicalP(0)], "typical 0.0 is not above 0 and at most 1"),
      ([.repetitionPenalty(0)], "repetition penalty 0.0 is not above 0"),
      ([.frequencyPenalty(.nan)], "frequency penalty nan is not finite"),
      ([.presencePenalty(.infinity)], "presence penalty inf is not finite"),
      ([.bias([3: .infinity])], "a bias is not a finite number for a token"),
      (
        [.mirostat(target: 0, rate: 0.1)],
        "mirostat of 0.0 bits at a rate of 0.1 is not above 0 bits and a rate from 0 to 1"
      ),
    ] as [([SamplingStep], String)] {
      let error = #expect(throws: SamplingError.self) { try Sampler(steps) }
      #expect(error?.description == sentence)
    }
  }
}
