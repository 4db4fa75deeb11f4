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
  /// A sampler chain of one's own, in place of `topK`, `temperature`, `topP` and `minP`.
  public var sampling: [SamplingStep]?
  /// The most tokens to write; nil for no end.
  public var length: Int?
  /// Texts at whose first appearance the writing ends, before them.
  public var stops: [String]

  /// Options; by default 500 tokens at a temperature of 0.8.
  public init(
    temperature: Double = 0.8, topK: Int? = nil, topP: Double? = nil, minP: Double? = nil,
    sampling: [SamplingStep]? = nil, length: Int? = 500, stops: [String] = []
  ) {
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.minP = minP
    self.sampling = sampling
    self.length = length
    self.stops = stops
  }

  /// The sampler chain: `sampling`, else top-k, temperature, top-p and min-p, in this order.
  public var chain: [SamplingStep] {
    sampling
      ?? [
        topK.map { .topK($0) }, .temperature(temperature), topP.map { .topP($0) },
        minP.map { .minP($0) },
      ].compactMap { $0 }
  }
}
