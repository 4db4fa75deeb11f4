/// Predicting the next symbol of embedded Reber strings: the outer T or P must be kept in mind.
///
/// A string is B, then T or P, a string of the Reber grammar, the same T or P, and E. Hochreiter
/// and Schmidhuber (1997), experiment 1; the grammar is Reber's (1967).
public struct EmbeddedReber: SequenceTask {
  /// The task.
  public init() {}

  static let symbols = Array("BTPSXVE")
  /// From each state of the inner grammar: the symbols out of it and where they lead.
  static let arrows: [[(symbol: Character, next: Int)]] = [
    [("T", 1), ("P", 2)], [("S", 1), ("X", 3)], [("T", 2), ("V", 4)], [("X", 2), ("S", 5)],
    [("P", 3), ("V", 5)], [("E", 6)],
  ]

  /// Its name.
  public var name: String { "embedded-reber" }
  /// The seven symbols.
  public var inputSize: Int { 7 }
  /// The seven symbols.
  public var outputSize: Int { 7 }
  /// The strict one of the paper.
  public var criterion: String {
    "the likeliest symbols are the legal ones at every step, outer T/P too"
  }
  /// The paper and a reproduction.
  public var published: String { "8,440 (1997), 4,800 (a numpy reproduction)" }
  /// Small batches: sequences are what counts.
  public var recipe: TaskRecipe {
    TaskRecipe(hiddenSize: 24, batch: 4, rate: 0.02, forgetBias: 2, maxSequences: 4800)
  }

  /// The strings are short: Elman networks often learn them too, but not always.
  public var defeatsElman: Bool { false }

  static func number(_ symbol: Character) -> Int { symbols.firstIndex(of: symbol) ?? 0 }

  /// A random string with the legal successors of each of its symbols.
  static func string(_ random: inout TaskRandom) -> [(symbol: Character, legal: Set<Character>)] {
    let outer: Character = random.below(2) == 0 ? "T" : "P"
    var string: [(Character, Set<Character>)] = [("B", ["T", "P"]), (outer, ["B"])]
    var state = 0
    string.append(("B", Set(arrows[0].map(\.symbol))))
    while state < 6 {
      let (symbol, next) = arrows[state][random.below(arrows[state].count)]
      string.append((symbol, next == 6 ? [outer] : Set(arrows[next].map(\.symbol))))
      state = next
    }
    string.append((outer, ["E"]))
    return string
  }

  /// A random string; every step is a prediction.
  public func example(_ random: inout TaskRandom) -> Example {
    let string = Self.string(&random)
    var example = Example()
    for (place, (symbol, legal)) in string.enumerated() {
      let following: Character = place + 1 < string.count ? string[place + 1].symbol : "E"
      example.append(
        oneHot(Self.number(symbol), of: 7), .symbol(Self.number(following)),
        legal: Set(legal.map(Self.number)))
    }
    return example
  }

  /// As many of the likeliest symbols as are legal are the legal ones, at every step.
  public func isLearnt(_ examples: [Example], outputs: [[[Float]]]) -> Bool {
    legalIsLikeliest(examples, outputs)
  }
}

/// The same strings one after another without end, and without a sign where one begins anew.
///
/// What is kept of one string must make room for the next: the task that the forget gate was made
/// for. F. Gers, J. Schmidhuber and F. Cummins, "Learning to forget: continual prediction with
/// LSTM", Neural Computation 12 (2000).
public struct ContinualReber: SequenceTask {
  private let learnt: Int
  private let tried: Int

  /// Learns from streams of about `learnt` symbols, and is tried on streams of about `tried`.
  public init(learnt: Int = 200, tried: Int = 10_000) {
    self.learnt = learnt
    self.tried = tried
  }

  /// Its name.
  public var name: String { "continual-reber" }
  /// The seven symbols.
  public var inputSize: Int { 7 }
  /// The seven symbols.
  public var outputSize: Int { 7 }
  /// On streams fifty times as long as those in training.
  public var criterion: String {
    "the same at every step of 10 streams of \(tried) symbols, never reset"
  }
  /// Of the paper's best variant, from memory; its streams were much longer.
  public var published: String { "62 of 100 runs, after 14,087 streams (2000)" }
  /// The best found.
  public var recipe: TaskRecipe {
    TaskRecipe(hiddenSize: 24, batch: 4, rate: 0.02, forgetBias: 2, maxSequences: 8000)
  }
  /// Not shown beside it.
  public var defeatsElman: Bool { false }

  /// A stretch of a stream, from the beginning of a string.
  public func example(_ random: inout TaskRandom) -> Example { stream(learnt, &random) }

  /// Ten long streams.
  public func probes(_ random: inout TaskRandom) -> [Example] {
    (0..<10).map { _ in stream(tried, &random) }
  }

  private func stream(_ length: Int, _ random: inout TaskRandom) -> Example {
    var example = Example()
    while example.inputs.count < length {
      let string = EmbeddedReber.string(&random)
      for (place, (symbol, legal)) in string.enumerated() {
        let isLast = place + 1 == string.count
        example.append(
          oneHot(EmbeddedReber.number(symbol), of: 7),
          .symbol(EmbeddedReber.number(isLast ? "E" : string[place + 1].symbol)),
          legal: Set(legal.map(EmbeddedReber.number)))
      }
      example.append(
        oneHot(EmbeddedReber.number("E"), of: 7), .symbol(EmbeddedReber.number("B")),
        legal: [EmbeddedReber.number("B")])
    }
    return example
  }

  /// As many of the likeliest symbols as are legal are the legal ones, at every step.
  public func isLearnt(_ examples: [Example], outputs: [[[Float]]]) -> Bool {
    legalIsLikeliest(examples, outputs)
  }
}

private func legalIsLikeliest(_ examples: [Example], _ outputs: [[[Float]]]) -> Bool {
  for (example, rows) in zip(examples, outputs) {
    for (legal, row) in zip(example.legal, rows) {
      let ranked = row.indices.sorted { row[$0] > row[$1] }
      if Set(ranked.prefix(legal.count)) != legal { return false }
    }
  }
  return true
}
