public import Decoding

/// How a text is written: how each token is chosen, and where the writing ends.
///
///     lm.generate(after: "Day 1", .init(temperature: 0.6, topP: 0.95, stops: ["\n\n"]))
///
/// Any numbers can be put in; those out of their range are told when a `Generation` begins.
public struct GenerationOptions: Sendable, Equatable {
  /// What scores are divided by: below 1 safer, above 1 more varied, 0 always the likeliest.
  public var temperature: Double
  /// The number of the likeliest tokens that are chosen among; nil for all.
  public var topK: Int?
  /// The probability that the likeliest tokens, which are chosen among, reach together.
  public var topP: Double?
  /// How likely a token must be to be chosen, as a fraction of the likeliest one's probability.
  public var minP: Double?
  /// The probability that the tokens reach together whose surprise is nearest to the mean.
  public var typicalP: Double?
  /// What the scores of tokens of the last `penaltyWindow` are divided by, or multiplied where negative.
  public var repetitionPenalty: Double?
  /// What a token's score loses for each time that it stands in the last `penaltyWindow` tokens.
  public var frequencyPenalty: Double?
  /// What the scores of all of the last `penaltyWindow` tokens lose.
  public var presencePenalty: Double?
  /// How many tokens back penalties look, the prompt included.
  public var penaltyWindow: Int
  /// The surprise in bits a token that Mirostat 2 steers to; nil without it.
  public var mirostat: Double?
  /// Mirostat's learning rate.
  public var mirostatRate: Double
  /// What is added to the scores of tokens, by their ids.
  public var bias: [Int: Double]
  /// The order of the steps; those that are left out stand behind it, in the usual order.
  public var order: [SamplingStep.Name]
  /// A sampler chain of one's own, in place of all of the above but the window.
  public var sampling: [SamplingStep]?
  /// The tokens of a training text, none of whose stretches of a length is written: see
  /// `VerbatimIndex`.
  public var avoiding: VerbatimIndex?
  /// The most tokens to write; nil for no end.
  public var length: Int?
  /// Texts at whose first appearance the writing ends, before them.
  public var stops: [String]

  /// Options; by default 500 tokens at a temperature of 0.8.
  public init(
    temperature: Double = 0.8, topK: Int? = nil, topP: Double? = nil, minP: Double? = nil,
    typicalP: Double? = nil, repetitionPenalty: Double? = nil, frequencyPenalty: Double? = nil,
    presencePenalty: Double? = nil, penaltyWindow: Int = 64, mirostat: Double? = nil,
    mirostatRate: Double = 0.1, bias: [Int: Double] = [:], order: [SamplingStep.Name] = [],
    sampling: [SamplingStep]? = nil, avoiding: VerbatimIndex? = nil, length: Int? = 500,
    stops: [String] = []
  ) {
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.minP = minP
    self.typicalP = typicalP
    self.repetitionPenalty = repetitionPenalty
    self.frequencyPenalty = frequencyPenalty
    self.presencePenalty = presencePenalty
    self.penaltyWindow = penaltyWindow
    self.mirostat = mirostat
    self.mirostatRate = mirostatRate
    self.bias = bias
    self.order = order
    self.sampling = sampling
    self.avoiding = avoiding
    self.length = length
    self.stops = stops
  }

  /// The sampler chain: `sampling`, else the steps that are asked for, in `order`.
  ///
  /// The usual order is that of `SamplingStep.Name`: biases, penalties, top-k, typical, temperature, top-p,
  /// min-p, and last Mirostat.
  public var chain: [SamplingStep] {
    if let sampling { return sampling }
    let steps: [SamplingStep] = [
      bias.isEmpty ? nil : .bias(bias), repetitionPenalty.map { .repetitionPenalty($0) },
      frequencyPenalty.map { .frequencyPenalty($0) }, presencePenalty.map { .presencePenalty($0) },
      topK.map { .topK($0) }, typicalP.map { .typicalP($0) }, .temperature(temperature),
      topP.map { .topP($0) }, minP.map { .minP($0) },
      mirostat.map { .mirostat(target: $0, rate: mirostatRate) },
    ].compactMap { $0 }
    let first = order.compactMap { name in steps.first { $0.name == name } }
    return first + steps.filter { !order.contains($0.name) }
  }
}
