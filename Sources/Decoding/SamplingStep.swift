/// One step of the sampler chain: what it does to the candidates for the next token.
public enum SamplingStep: Sendable, Equatable {
  /// Adds a number to the logits of tokens by their ids, as OpenAI's `logit_bias` does.
  case bias([Int: Double])
  /// Makes tokens of the text so far less likely (Keskar et al., "CTRL", 2019).
  ///
  /// Their logits are divided by the number where they are positive, else multiplied by it; 1 changes
  /// nothing.
  case repetitionPenalty(Double)
  /// Takes this number from a token's logit for each time that it stands in the text so far, as OpenAI's
  /// `frequency_penalty` does.
  case frequencyPenalty(Double)
  /// Takes this number from the logits of all tokens of the text so far, as OpenAI's `presence_penalty`
  /// does.
  case presencePenalty(Double)
  /// Keeps the k likeliest (Fan et al., ACL 2018).
  case topK(Int)
  /// Locally typical sampling: keeps those whose surprise is nearest to the mean, until they reach a
  /// probability (Meister et al., TACL 2023).
  case typicalP(Double)
  /// Divides the logits by a number: lower is safer, higher more varied, 1 leaves them as they are, and
  /// 0 always takes the likeliest.
  case temperature(Double)
  /// Nucleus sampling: keeps the likeliest that together reach a probability (Holtzman et al., ICLR
  /// 2020).
  case topP(Double)
  /// Keeps those whose probability is at least this fraction of the likeliest one's (Nguyen et al.,
  /// 2024).
  case minP(Double)
  /// Mirostat 2: keeps those whose surprise is below a limit, which moves so that the mean surprise of
  /// what is drawn comes to `target` bits, at a learning rate (Basu et al., ICLR 2021).
  ///
  /// It sees what is drawn, so it can only be the last step.
  case mirostat(target: Double, rate: Double)

  /// What a step is called, by itself.
  public enum Name: String, Sendable, CaseIterable {
    /// Numbers added to logits.
    case bias
    /// The repetition penalty.
    case repetition
    /// The frequency penalty.
    case frequency
    /// The presence penalty.
    case presence
    /// The k likeliest.
    case topK = "top-k"
    /// Locally typical sampling.
    case typicalP = "typical"
    /// The temperature.
    case temperature
    /// Nucleus sampling.
    case topP = "top-p"
    /// Those near the likeliest.
    case minP = "min-p"
    /// Mirostat 2.
    case mirostat
  }

  /// What the step is called.
  public var name: Name {
    switch self {
    case .bias: .bias
    case .repetitionPenalty: .repetition
    case .frequencyPenalty: .frequency
    case .presencePenalty: .presence
    case .topK: .topK
    case .typicalP: .typicalP
    case .temperature: .temperature
    case .topP: .topP
    case .minP: .minP
    case .mirostat: .mirostat
    }
  }

  /// What is wrong with its numbers; nil where nothing is.
  var fault: String? {
    let (sound, found): (Bool, String) =
      switch self {
      case .bias(let numbers):
        (
          numbers.allSatisfy { $0.key >= 0 && $0.value.isFinite },
          "a bias is not a finite number for a token"
        )
      case .repetitionPenalty(let r):
        (r > 0 && r.isFinite, "repetition penalty \(r) is not above 0")
      case .frequencyPenalty(let f): (f.isFinite, "frequency penalty \(f) is not finite")
      case .presencePenalty(let p): (p.isFinite, "presence penalty \(p) is not finite")
      case .topK(let k): (k >= 1, "top-k \(k) is not 1 or more")
      case .typicalP(let p): (p > 0 && p <= 1, "typical \(p) is not above 0 and at most 1")
      case .temperature(let t): (t >= 0 && t.isFinite, "temperature \(t) is not 0 or more")
      case .topP(let p): (p > 0 && p <= 1, "top-p \(p) is not above 0 and at most 1")
      case .minP(let p): (p >= 0 && p <= 1, "min-p \(p) is not from 0 to 1")
      case .mirostat(let target, let rate):
        (
          target > 0 && target.isFinite && rate > 0 && rate <= 1,
          "mirostat of \(target) bits at a rate of \(rate) is not above 0 bits and a rate from 0 to 1"
        )
      }
    return sound ? nil : found
  }
}

/// A step of the chain out of its range, as a sentence.
public struct SamplingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The sentence.
  public let description: String
}
