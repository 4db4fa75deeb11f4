public import DenseMath
internal import Glibc

/// Chooses tokens from logits: a chain of steps in the order given, then a draw.
///
/// With no step at all it draws from the softmax of the logits as they are. What penalties look at is the
/// text so far, which `read` tells it token by token; that and Mirostat's limit are all it remembers
/// (`memory`), so a sampler that is copied or kept goes on where it was.
public struct Sampler: Sendable {
  /// The chain.
  public let steps: [SamplingStep]
  /// How many tokens back the penalties look.
  public let window: Int
  /// What the sampler remembers.
  public private(set) var memory: Memory
  private var candidates: [Candidate] = []
  // The weights of the candidates in a draw.
  private var drawWeights: [Double] = []
  // How often each token stands among the last `window`; empty where no step asks.
  private var counts: [Int32] = []
  private let countsTokens: Bool
  // Bits of what was drawn last, until it is read.
  private var drawnBits: Double?

  /// What a sampler remembers between tokens.
  public struct Memory: Sendable, Equatable, Codable {
    /// The last tokens of the text, the oldest first.
    public fileprivate(set) var recent: [Int] = []
    /// The limit of Mirostat, in bits; nil before the first token.
    public fileprivate(set) var limit: Double?

    /// The memory before the first token.
    public init() {}
  }

  private struct Candidate {
    var logit: Double
    var id: Int
  }

  /// A chain of steps, whose penalties look back over `window` tokens.
  ///
  /// Throws `SamplingError` for a number out of its range, and for a step that cannot stand where it
  /// stands.
  public init(
    _ steps: [SamplingStep], window: Int = 64, memory: Memory = Memory()
  ) throws(SamplingError) {
    for step in steps {
      if let fault = step.fault { throw SamplingError(description: fault) }
    }
    guard steps.dropLast().allSatisfy({ $0.name != .mirostat }) else {
      throw SamplingError(description: "mirostat sees what is drawn, so it must be the last step")
    }
    guard window >= 0 else {
      throw SamplingError(description: "penalties cannot look back over \(window) tokens")
    }
    self.steps = steps
    self.window = window
    self.memory = memory
    // What went before may have looked back further.
    self.memory.recent = memory.recent.suffix(window)
    countsTokens =
      window > 0
      && steps.contains { [.repetition, .frequency, .presence].contains($0.name) }
    for id in self.memory.recent where countsTokens { count(id, by: 1) }
  }

  /// Takes in a token of the text: of the prompt, or the one that was drawn.
  public mutating func read(_ id: Int) {
    if let bits = drawnBits, case .mirostat(let target, let rate) = steps.last {
      memory.limit = (memory.limit ?? 2 * target) - rate * (bits - target)
    }
    drawnBits = nil
    guard window > 0 else { return }
    // Kept without penalties, too: a text may go on with some.
    memory.recent.append(id)
    let left = memory.recent.count > window ? memory.recent.removeFirst() : nil
    guard countsTokens else { return }
    count(id, by: 1)
    if let left { count(left, by: -1) }
  }

  private mutating func count(_ id: Int, by change: Int32) {
    if id >= counts.count { counts += Array(repeating: 0, count: id + 1 - counts.count) }
    counts[id] += change
  }

  /// The id of the token drawn from one row of logits, with a random number from [0, 1).
  ///
  /// A logit of minus infinity is no candidate. `read` then makes the token part of the text.
  public mutating func choose(from logits: Matrix<Float>, random: Double) -> Int {
    candidates.removeAll(keepingCapacity: true)
    for id in 0..<logits.columns {
      candidates.append(Candidate(logit: Double(logits[0, id]), id: id))
    }
    var isSorted = false
    // What temperatures took from all logits: a repetition penalty asks for their signs.
    var offset = 0.0
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
        offset = (offset + high) / temperature
      case .topK(let k):
        sort(&isSorted)
        if candidates.count > k { candidates.removeLast(candidates.count - k) }
      case .typicalP(let p):
        keepTypical(p)
        isSorted = false
      case .topP(let p): keepLikeliest(p, &isSorted)
      case .minP(let p):
        let lowest = weights().high + log(p)
        candidates.removeAll { $0.logit < lowest }
      case .mirostat(let target, _): keepBelowLimit(memory.limit ?? 2 * target, &isSorted)
      case .bias, .repetitionPenalty, .frequencyPenalty, .presencePenalty:
        shift(by: step, offset: offset.isFinite ? offset : 0)
        isSorted = false
      }
    }
    return draw(random)
  }

  /// The draw from what is left.
  private mutating func draw(_ random: Double) -> Int {
    let high = high
    drawWeights.removeAll(keepingCapacity: true)
    var total = 0.0
    for candidate in candidates {
      let weight = exp(candidate.logit - high)
      drawWeights.append(weight)
      total += weight
    }
    var rest = random * total
    // Where rounding leaves a rest, the last token that can be drawn at all.
    var chosen = candidates[candidates.count - 1]
    for (candidate, weight) in zip(candidates, drawWeights) {
      if weight > 0 { chosen = candidate }
      rest -= weight
      if rest < 0 { break }
    }
    if steps.last?.name == .mirostat { drawnBits = (log(total) - chosen.logit + high) / log(2) }
    return chosen.id
  }

  /// Biases and penalties: logits moved, each by itself.
  private mutating func shift(by step: SamplingStep, offset: Double) {
    for index in candidates.indices {
      let id = candidates[index].id
      let times = id < counts.count ? Double(counts[id]) : 0
      switch step {
      case .bias(let numbers): candidates[index].logit += numbers[id] ?? 0
      case .repetitionPenalty(let penalty) where times > 0:
        let logit = candidates[index].logit + offset
        candidates[index].logit = (logit > 0 ? logit / penalty : logit * penalty) - offset
      case .frequencyPenalty(let penalty): candidates[index].logit -= times * penalty
      case .presencePenalty(let penalty) where times > 0: candidates[index].logit -= penalty
      default: break
      }
    }
  }

  private mutating func keepLikeliest(_ p: Double, _ isSorted: inout Bool) {
    sort(&isSorted)
    var missing = p * weights().total
    let high = candidates[0].logit
    let kept = candidates.firstIndex { candidate in
      missing -= exp(candidate.logit - high)
      return missing <= 0
    }
    if let kept { candidates.removeLast(candidates.count - 1 - kept) }
  }

  private mutating func keepTypical(_ p: Double) {
    let (high, total) = weights()
    let offset = high + log(total)
    // Of what has no probability nothing is expected, rather than 0 times infinity.
    let entropy = candidates.reduce(0) { sum, candidate in
      let surprise = offset - candidate.logit
      return surprise.isFinite ? sum + exp(-surprise) * surprise : sum
    }
    func distance(_ candidate: Candidate) -> Double { abs(offset - candidate.logit - entropy) }
    candidates.sort {
      let (one, other) = (distance($0), distance($1))
      return one < other || (one == other && Self.comesBefore($0, $1))
    }
    var missing = p
    let kept = candidates.firstIndex { candidate in
      missing -= exp(candidate.logit - offset)
      return missing <= 0
    }
    if let kept { candidates.removeLast(candidates.count - 1 - kept) }
  }

  private mutating func keepBelowLimit(_ bits: Double, _ isSorted: inout Bool) {
    sort(&isSorted)
    let (high, total) = weights()
    let lowest = high + log(total) - bits * log(2)
    let kept = max(1, candidates.firstIndex { $0.logit < lowest } ?? candidates.count)
    candidates.removeLast(candidates.count - kept)
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
