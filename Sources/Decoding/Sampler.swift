public import DenseMath
internal import Glibc

/// One step of the sampler chain: what it does to the candidates for the next token.
public enum SamplingStep: Sendable, Equatable {
  /// Divides the logits by a number: lower is safer, higher more varied, 1 leaves them as they are, and
  /// 0 always takes the likeliest.
  case temperature(Double)
  /// Keeps the k likeliest (Fan et al., ACL 2018).
  case topK(Int)
  /// Nucleus sampling: keeps the likeliest that together reach a probability (Holtzman et al., ICLR
  /// 2020).
  case topP(Double)
  /// Keeps those whose probability is at least this fraction of the likeliest one's (Nguyen et al.,
  /// 2024).
  case minP(Double)
}

/// A step of the chain out of its range, as a sentence.
public struct SamplingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The sentence.
  public let description: String
}

/// Chooses tokens from logits: a chain of steps in the order given, then a draw.
///
/// With no step at all it draws from the softmax of the logits as they are.
public struct Sampler: Sendable {
  /// The chain.
  public let steps: [SamplingStep]
  private var candidates: [Candidate] = []

  private struct Candidate {
    var logit: Double
    var id: Int
  }

  /// A chain of steps.
  ///
  /// Throws `SamplingError` for a number out of its range.
  public init(_ steps: [SamplingStep]) throws(SamplingError) {
    for step in steps {
      let (sound, found) =
        switch step {
        case .temperature(let t): (t >= 0 && t.isFinite, "temperature \(t) is not 0 or more")
        case .topK(let k): (k >= 1, "top-k \(k) is not 1 or more")
        case .topP(let p): (p > 0 && p <= 1, "top-p \(p) is not above 0 and at most 1")
        case .minP(let p): (p >= 0 && p <= 1, "min-p \(p) is not from 0 to 1")
        }
      guard sound else { throw SamplingError(description: found) }
    }
    self.steps = steps
  }

  /// The id of the token drawn from one row of logits, with a random number from [0, 1).
  public mutating func choose(from logits: Matrix<Float>, random: Double) -> Int {
    candidates.removeAll(keepingCapacity: true)
    for id in 0..<logits.columns {
      candidates.append(Candidate(logit: Double(logits[0, id]), id: id))
    }
    var isSorted = false
    for step in steps {
      switch step {
      case .temperature(0):
        if let best = candidates.max(by: { !Self.comesBefore($0, $1) }) { return best.id }
      case .temperature(let temperature):
        // Below the largest, so that a tiny temperature makes a 0 and no infinities to subtract.
        let high = high
        for index in candidates.indices {
          candidates[index].logit = (candidates[index].logit - high) / temperature
        }
      case .topK(let k):
        sort(&isSorted)
        if candidates.count > k { candidates.removeLast(candidates.count - k) }
      case .topP(let p):
        sort(&isSorted)
        var missing = p * weights().total
        let high = candidates[0].logit
        let kept = candidates.firstIndex { candidate in
          missing -= exp(candidate.logit - high)
          return missing <= 0
        }
        if let kept { candidates.removeLast(candidates.count - 1 - kept) }
      case .minP(let p):
        let lowest = weights().high + log(p)
        candidates.removeAll { $0.logit < lowest }
      }
    }
    let (high, total) = weights()
    var rest = random * total
    // Where rounding leaves a rest, the last token that can be drawn at all.
    var chosen = candidates[candidates.count - 1].id
    for candidate in candidates {
      let weight = exp(candidate.logit - high)
      if weight > 0 { chosen = candidate.id }
      rest -= weight
      if rest < 0 { break }
    }
    return chosen
  }

  private var high: Double { candidates.reduce(-Double.infinity) { max($0, $1.logit) } }

  /// The largest logit, and the sum of e^(logit - largest).
  private func weights() -> (high: Double, total: Double) {
    let high = high
    return (high, candidates.reduce(0) { $0 + exp($1.logit - high) })
  }

  private mutating func sort(_ isSorted: inout Bool) {
    if !isSorted { candidates.sort(by: Self.comesBefore) }
    isSorted = true
  }

  /// Likelier first; of equals the lower id, so that the order is always the same.
  private static func comesBefore(_ a: Candidate, _ b: Candidate) -> Bool {
    a.logit > b.logit || (a.logit == b.logit && a.id < b.id)
  }
}
