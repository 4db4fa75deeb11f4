import Glibc

/// Adding the two marked numbers of a long sequence: real values over long times.
///
/// Hochreiter and Schmidhuber (1997), experiment 4, with the sum itself as the target.
public struct Adding: SequenceTask {
  let length: Int

  /// Sequences of `length` to 1.1 · `length` steps.
  public init(length: Int) { self.length = max(4, length) }

  /// Over this many steps its gradient is gone.
  public var defeatsElman: Bool { true }
  /// Its name.
  public var name: String { "adding" }
  /// The value and its mark.
  public var inputSize: Int { 2 }
  /// The sum.
  public var outputSize: Int { 1 }
  /// A sixteenth of the error of always saying 1.
  public var criterion: String {
    "mean squared error of the sum below 0.01 (chance: 0.17), T = \(length)"
  }
  /// The paper, for T = 100.
  public var published: String { "74,000 (1997, T = 100)" }
  /// The best found for T = 100.
  public var recipe: TaskRecipe {
    TaskRecipe(
      hiddenSize: 16, batch: 2, rate: 0.01, forgetBias: 4, inputBias: -4, maxSequences: 20000)
  }

  /// One mark among the first tenth, one in the first half of the rest.
  public func example(_ random: inout TaskRandom) -> Example {
    example(&random, steps: random.integer(length...length + length / 10))
  }

  func example(_ random: inout TaskRandom, steps: Int) -> Example {
    let first = random.below(max(1, min(10, length / 10)))
    var second = random.below(length / 2)
    while second == first { second = random.below(length / 2) }
    var sum: Float = 0
    var example = Example()
    for step in 0..<steps {
      let value = Float(random.unit())
      let isMarked = step == first || step == second
      if isMarked { sum += value }
      example.append([value, isMarked ? 1 : 0], step == steps - 1 ? .value(sum) : .any)
    }
    return example
  }

  /// The mean squared error at the last step.
  public func isLearnt(_ examples: [Example], outputs: [[[Float]]]) -> Bool {
    var total: Float = 0
    for (example, rows) in zip(examples, outputs) {
      guard case .value(let wanted)? = example.targets.last, let found = rows.last?.first else {
        return false
      }
      total += (found - wanted) * (found - wanted)
    }
    return total / Float(examples.count) < 0.01
  }
}

/// Naming the order of three widely spaced symbols among distractors: eight classes.
///
/// Hochreiter and Schmidhuber (1997), experiment 6 with three relevant symbols.
public struct TemporalOrder: SequenceTask {
  let length: Int

  /// Sequences of `length` to 1.1 · `length` steps.
  public init(length: Int) { self.length = max(10, length) }

  /// Over this many steps its gradient is gone.
  public var defeatsElman: Bool { true }
  /// Its name.
  public var name: String { "temporal-order" }
  /// X, Y, four distractors, start and end.
  public var inputSize: Int { 8 }
  /// The eight orders.
  public var outputSize: Int { 8 }
  /// Stricter than the fraction that papers ask for.
  public var criterion: String { "all 256 fresh sequences named right, T = \(length)" }
  /// The paper and a reproduction.
  public var published: String { "31,390 (1997), about 6,400 (a reproduction)" }
  /// The best found for T = 100.
  public var recipe: TaskRecipe {
    TaskRecipe(
      hiddenSize: 32, batch: 4, rate: 0.01, forgetBias: 4, inputBias: -3, maxSequences: 6400)
  }

  /// X or Y near a tenth, a third and two thirds of the way.
  public func example(_ random: inout TaskRandom) -> Example {
    let steps = random.integer(length...length + length / 10)
    let places = [10...20, 33...43, 66...76].map { range in
      random.integer(range.lowerBound * length / 100...range.upperBound * length / 100)
    }
    var order = 0
    var example = Example()
    for step in 0..<steps {
      var symbol = 2 + random.below(4)
      if step == 0 { symbol = 6 }
      if step == steps - 1 { symbol = 7 }
      if places.contains(step) {
        symbol = random.below(2)
        order = 2 * order + symbol
      }
      example.append(oneHot(symbol, of: 8), step == steps - 1 ? .symbol(order) : .any)
    }
    return example
  }

  /// The likeliest class at the end is the right one.
  public func isLearnt(_ examples: [Example], outputs: [[[Float]]]) -> Bool {
    everyTargetIsLikeliest(examples, outputs)
  }
}

/// Naming at the end the symbol seen first, with the same long row of symbols in between.
///
/// Hochreiter and Schmidhuber (1997), experiment 2a: noise-free sequences with long time lags.
public struct LongLag: SequenceTask {
  let lag: Int

  /// A lag of this many steps.
  public init(lag: Int) { self.lag = max(2, lag) }

  /// Over this many steps its gradient is gone.
  public var defeatsElman: Bool { true }
  /// Its name.
  public var name: String { "long-lag" }
  /// The row's symbols and the two that matter.
  public var inputSize: Int { lag + 2 }
  /// The two that matter.
  public var outputSize: Int { 2 }
  /// No error at all.
  public var criterion: String { "all 256 fresh sequences right, lag \(lag)" }
  /// The paper.
  public var published: String { "5,040 (1997, lag 100)" }
  /// The best found for a lag of 100.
  public var recipe: TaskRecipe {
    TaskRecipe(
      hiddenSize: 16, batch: 4, rate: 0.005, forgetBias: 5 + 2 * log(max(1, Double(lag) / 100)),
      inputBias: -4, maxSequences: 5040)
  }

  /// x or y, the row, and the question.
  public func example(_ random: inout TaskRandom) -> Example {
    let first = random.below(2)
    var example = Example()
    example.append(oneHot(lag + first, of: lag + 2))
    for step in 0..<lag {
      example.append(oneHot(step, of: lag + 2), step == lag - 1 ? .symbol(first) : .any)
    }
    return example
  }

  /// The likeliest class at the end is the right one.
  public func isLearnt(_ examples: [Example], outputs: [[[Float]]]) -> Bool {
    everyTargetIsLikeliest(examples, outputs)
  }
}

/// Saying a row of symbols again after a delay.
///
/// Hochreiter and Schmidhuber's question in the form of Arjovsky, Shah and Bengio (2016), smaller.
public struct Copying: SequenceTask {
  let delay: Int
  private static let kinds = 4
  private static let count = 4

  /// A delay of this many steps.
  public init(delay: Int) { self.delay = max(1, delay) }

  /// Not shown beside it.
  public var defeatsElman: Bool { false }
  /// Its name.
  public var name: String { "copy" }
  /// The symbols, the blank and the sign to begin.
  public var inputSize: Int { Self.kinds + 2 }
  /// The symbols.
  public var outputSize: Int { Self.kinds }
  /// No error at all.
  public var criterion: String { "4 of 4 symbols right in all 256, after \(delay) steps" }
  /// The task in this size is ours.
  public var published: String { "-" }
  /// The best found for a delay of 20.
  public var recipe: TaskRecipe {
    TaskRecipe(hiddenSize: 48, batch: 8, rate: 0.01, forgetBias: 3, maxSequences: 30000)
  }

  /// Four symbols, blanks, the sign, and four steps to answer in.
  public func example(_ random: inout TaskRandom) -> Example {
    let symbols = (0..<Self.count).map { _ in random.below(Self.kinds) }
    var example = Example()
    for symbol in symbols { example.append(oneHot(symbol, of: inputSize)) }
    for _ in 0..<delay { example.append(oneHot(Self.kinds, of: inputSize)) }
    for (place, symbol) in symbols.enumerated() {
      example.append(
        oneHot(place == 0 ? Self.kinds + 1 : Self.kinds, of: inputSize), .symbol(symbol))
    }
    return example
  }

  /// The likeliest class is the right one wherever one is asked for.
  public func isLearnt(_ examples: [Example], outputs: [[[Float]]]) -> Bool {
    everyTargetIsLikeliest(examples, outputs)
  }
}

/// Counting: after aⁿ, the end of bⁿ must be foreseen.
///
/// F. Gers and J. Schmidhuber, "LSTM recurrent networks learn simple context-free and
/// context-sensitive languages", IEEE TNN 12 (2001). Trained on n up to 10, tried up to 65.
public struct Counting: SequenceTask {
  /// The task.
  public init() {}

  /// Not shown beside it.
  public var defeatsElman: Bool { false }
  /// Its name.
  public var name: String { "counting" }
  /// a, b and the border.
  public var inputSize: Int { 3 }
  /// a, b and the border.
  public var outputSize: Int { 3 }
  /// Beyond what training shows.
  public var criterion: String { "b's counted right for every n to 65, from n to 10 in training" }
  /// The paper, which went further.
  public var published: String { "n to 65 and further, by peepholes (2001)" }
  /// The best found: a counter must not leak, so forget gates begin wide open.
  ///
  /// About one start in eight learns the ten cases without counting; it is given up and counted.
  public var recipe: TaskRecipe {
    TaskRecipe(
      hiddenSize: 7, batch: 8, rate: 0.03, forgetBias: 12, maxSequences: 20000,
      sequencesPerStart: 4000)
  }

  static func example(n: Int) -> Example {
    var example = Example()
    example.append(oneHot(2, of: 3), .symbol(0))
    // After an a may come another or the first b; nothing is asked there.
    for _ in 1...n { example.append(oneHot(0, of: 3)) }
    for place in 1...n { example.append(oneHot(1, of: 3), .symbol(place == n ? 2 : 1)) }
    return example
  }

  /// n from 1 to 10.
  public func example(_ random: inout TaskRandom) -> Example {
    Self.example(n: random.integer(1...10))
  }

  /// Judged by `probes` alone.
  public func isLearnt(_ examples: [Example], outputs: [[[Float]]]) -> Bool {
    everyTargetIsLikeliest(examples, outputs)
  }

  /// Every n from 1 to 65.
  public func probes(_ random: inout TaskRandom) -> [Example] {
    (1...65).map { Self.example(n: $0) }
  }
}

private func everyTargetIsLikeliest(_ examples: [Example], _ outputs: [[[Float]]]) -> Bool {
  for (example, rows) in zip(examples, outputs) {
    for (target, row) in zip(example.targets, rows) {
      guard case .symbol(let wanted) = target else { continue }
      if !row.indices.allSatisfy({ $0 == wanted || row[$0] < row[wanted] }) { return false }
    }
  }
  return true
}
