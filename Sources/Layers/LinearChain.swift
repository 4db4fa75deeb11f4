internal import Glibc

/// A chain of labels: scores of which label may begin, follow and end, and what follows from them.
///
///     score(y) = start[y₁] + Σ scores[t, yₜ] + Σ transition[yₜ, yₜ₊₁] + end[yₙ]
///     p(y) = exp(score(y)) / Σ over all chains y' of exp(score(y'))
///
/// It holds plain numbers and knows nothing of weights: `LinearChainCRF` learns them. J. Lafferty,
/// A. McCallum and F. Pereira, "Conditional random fields", ICML 2001. Everything is done in
/// logarithms, in Double; minus infinity forbids. Scores of a sequence are [length, labels], row by
/// row in one array.
public struct LinearChain: Sendable {
  /// The number of labels.
  public let labels: Int
  /// The score of each label as the first and as the last one.
  public let start, end: [Double]
  /// The score of label j after label i, at [i · labels + j].
  public let transitions: [Double]
  // Their exponentials divided by that of the largest, so that a sum over predecessors is a
  // product and not an exponential each.
  private let expTransitions: [Double]
  private let largestTransition: Double

  /// A chain of these scores.
  public init(start: [Double], transitions: [Double], end: [Double]) {
    precondition(transitions.count == start.count * start.count && end.count == start.count)
    labels = start.count
    self.start = start
    self.end = end
    self.transitions = transitions
    let largest = transitions.max() ?? 0
    largestTransition = largest.isFinite ? largest : 0
    expTransitions = transitions.map { [largestTransition] in exp($0 - largestTransition) }
  }

  /// The same chain with every score divided by a temperature: above 1 it is less sure of itself.
  public func divided(by temperature: Double) -> LinearChain {
    LinearChain(
      start: start.map { $0 / temperature }, transitions: transitions.map { $0 / temperature },
      end: end.map { $0 / temperature })
  }

  /// The score of one chain of labels.
  public func score(of tags: [Int], _ scores: [Double]) -> Double {
    guard let first = tags.first, let last = tags.last else { return 0 }
    var sum = start[first] + end[last]
    for (step, tag) in tags.enumerated() { sum += scores[step * labels + tag] }
    for (from, to) in zip(tags, tags.dropFirst()) { sum += transitions[from * labels + to] }
    return sum
  }

  /// What the forward and backward sums say of a sequence.
  public struct Sums: Sendable {
    /// The logarithm of the sum over all chains of exp(score).
    public let logPartition: Double
    /// The logarithms of the sums over all beginnings that end in a label, and over all ends that
    /// go on from it, [length, labels] each; the score of the step itself is in `forward`.
    public let forward, backward: [Double]
  }

  /// The forward-backward algorithm.
  public func sums(_ scores: [Double]) -> Sums {
    let length = scores.count / labels
    guard length > 0 else { return Sums(logPartition: 0, forward: [], backward: []) }
    var forward = [Double](repeating: -.infinity, count: scores.count)
    var backward = forward
    var room = [Double](repeating: 0, count: labels)
    for label in 0..<labels { forward[label] = start[label] + scores[label] }
    for step in 1..<max(1, length) {
      let (before, now) = ((step - 1) * labels, step * labels)
      let largest = scaled(forward, at: before, into: &room)
      for label in 0..<labels {
        var sum = 0.0
        for from in 0..<labels { sum += room[from] * expTransitions[from * labels + label] }
        forward[now + label] = scores[now + label] + largest + largestTransition + log(sum)
        if !(sum > 1e-280) {
          // So far apart that the scaled sum has lost it: once more, exactly.
          forward[now + label] =
            scores[now + label]
            + logSum { forward[before + $0] + transitions[$0 * labels + label] }
        }
      }
    }
    let last = (length - 1) * labels
    for label in 0..<labels { backward[last + label] = end[label] }
    var next = room
    for step in (0..<length - 1).reversed() {
      let (now, after) = (step * labels, (step + 1) * labels)
      for label in 0..<labels { next[label] = backward[after + label] + scores[after + label] }
      let largest = scaled(next, at: 0, into: &room)
      for label in 0..<labels {
        var sum = 0.0
        for to in 0..<labels { sum += room[to] * expTransitions[label * labels + to] }
        backward[now + label] = largest + largestTransition + log(sum)
        if !(sum > 1e-280) {
          backward[now + label] = logSum { next[$0] + transitions[label * labels + $0] }
        }
      }
    }
    return Sums(
      logPartition: logSum { forward[last + $0] + end[$0] }, forward: forward, backward: backward)
  }

  /// The probability of each label at each step, [length, labels].
  public func marginals(_ scores: [Double]) -> [Double] {
    let sums = sums(scores)
    return zip(sums.forward, sums.backward).map { exp($0 + $1 - sums.logPartition) }
  }

  /// The probability that the labels of some steps in a row are these.
  public func probability(
    of tags: ArraySlice<Int>, _ scores: [Double], _ sums: Sums
  ) -> Double {
    guard let first = tags.first, let last = tags.last else { return 1 }
    var sum = sums.forward[tags.startIndex * labels + first]
    for step in tags.indices.dropFirst() {
      sum += transitions[tags[step - 1] * labels + tags[step]] + scores[step * labels + tags[step]]
    }
    return exp(sum + sums.backward[(tags.endIndex - 1) * labels + last] - sums.logPartition)
  }

  /// The negative log probability of a chain, and its gradient.
  ///
  /// - Parameters:
  ///   - tags: The chain.
  ///   - scores: The scores, [length, labels].
  ///   - gradient: Becomes the gradient with respect to `scores`.
  ///   - transitionGradient: The gradient of the transitions is added here.
  ///   - startGradient: And that of the beginnings here.
  ///   - endGradient: And that of the ends here.
  /// - Returns: The negative log probability, in nats.
  public func lossAndGradient(
    of tags: [Int], _ scores: [Double], into gradient: inout [Double],
    transitions transitionGradient: inout [Double], start startGradient: inout [Double],
    end endGradient: inout [Double]
  ) -> Double {
    let sums = sums(scores)
    for place in gradient.indices {
      gradient[place] = exp(sums.forward[place] + sums.backward[place] - sums.logPartition)
    }
    guard let first = tags.first, let last = tags.last else { return 0 }
    let end = (tags.count - 1) * labels
    for label in 0..<labels {
      startGradient[label] += gradient[label]
      endGradient[label] += gradient[end + label]
    }
    // p(i at t, j at t + 1) = exp(forward[i] + transition + score[j] + backward[j] - logPartition)
    var (left, right) = (startGradient, startGradient)
    for step in 0..<max(0, tags.count - 1) {
      let (now, after) = (step * labels, (step + 1) * labels)
      var (largest, most) = (-Double.infinity, -Double.infinity)
      for label in 0..<labels {
        largest = max(largest, sums.forward[now + label])
        most = max(most, scores[after + label] + sums.backward[after + label])
      }
      let shift = largest + largestTransition - sums.logPartition
      guard most + shift < 600 else {
        // So far apart that the factors, each by itself, are no numbers any more.
        for from in 0..<labels {
          for to in 0..<labels {
            transitionGradient[from * labels + to] += exp(
              sums.forward[now + from] + transitions[from * labels + to] + scores[after + to]
                + sums.backward[after + to] - sums.logPartition)
          }
        }
        continue
      }
      for label in 0..<labels {
        left[label] = exp(sums.forward[now + label] - largest)
        right[label] = exp(scores[after + label] + sums.backward[after + label] + shift)
      }
      for from in 0..<labels where left[from] > 0 {
        for to in 0..<labels where right[to] > 0 {
          transitionGradient[from * labels + to] +=
            left[from] * right[to] * expTransitions[from * labels + to]
        }
      }
    }
    for (step, tag) in tags.enumerated() { gradient[step * labels + tag] -= 1 }
    for (from, to) in zip(tags, tags.dropFirst()) { transitionGradient[from * labels + to] -= 1 }
    startGradient[first] -= 1
    endGradient[last] -= 1
    return sums.logPartition - score(of: tags, scores)
  }

  /// The likeliest chain (Viterbi); of equally likely ones that with the lower labels at the end.
  public func best(_ scores: [Double]) -> [Int] {
    let length = scores.count / labels
    guard length > 0 else { return [] }
    var now = (0..<labels).map { start[$0] + scores[$0] }
    var next = now
    var from = [Int32](repeating: 0, count: scores.count)
    for step in 1..<max(1, length) {
      for label in 0..<labels {
        var (best, place) = (-Double.infinity, 0)
        for before in 0..<labels {
          let score = now[before] + transitions[before * labels + label]
          if score > best { (best, place) = (score, before) }
        }
        next[label] = best + scores[step * labels + label]
        from[step * labels + label] = Int32(place)
      }
      swap(&now, &next)
    }
    var (best, tag) = (-Double.infinity, 0)
    for label in 0..<labels where now[label] + end[label] > best {
      (best, tag) = (now[label] + end[label], label)
    }
    var tags = [Int](repeating: tag, count: length)
    for step in (1..<max(1, length)).reversed() {
      tag = Int(from[step * labels + tag])
      tags[step - 1] = tag
    }
    return tags
  }

  /// The `count` likeliest chains with their log probabilities, the likeliest first.
  public func best(_ count: Int, _ scores: [Double]) -> [(tags: [Int], logProbability: Double)] {
    struct Path {
      let score: Double
      let before, rank: Int
    }
    let length = scores.count / labels
    guard length > 0, count > 0 else { return [] }
    func leading(_ paths: [Path]) -> [Path] {
      Array(paths.filter { $0.score > -.infinity }.sorted { $0.score > $1.score }.prefix(count))
    }
    var lists: [[[Path]]] = [
      (0..<labels).map { leading([Path(score: start[$0] + scores[$0], before: -1, rank: 0)]) }
    ]
    for step in 1..<max(1, length) {
      let previous = lists[step - 1]
      lists.append(
        (0..<labels).map { label in
          leading(
            previous.enumerated().flatMap { before, paths in
              paths.enumerated().map { rank, path in
                Path(
                  score: path.score + transitions[before * labels + label]
                    + scores[step * labels + label],
                  before: before, rank: rank)
              }
            })
        })
    }
    let ends = leading(
      lists[length - 1].enumerated().flatMap { label, paths in
        paths.enumerated().map { Path(score: $1.score + end[label], before: label, rank: $0) }
      })
    let total = sums(scores).logPartition
    return ends.map { last in
      var tags: [Int] = []
      var path = last
      for step in (0..<length).reversed() {
        tags.append(path.before)
        path = lists[step][path.before][path.rank]
      }
      return (tags.reversed(), last.score - total)
    }
  }

  /// Sets `room` to exp(x - largest), and returns the largest; 0 where all are minus infinity.
  private func scaled(_ x: [Double], at offset: Int, into room: inout [Double]) -> Double {
    var largest = -Double.infinity
    for label in 0..<labels { largest = max(largest, x[offset + label]) }
    if largest == -.infinity { largest = 0 }
    for label in 0..<labels { room[label] = exp(x[offset + label] - largest) }
    return largest
  }

  private func logSum(_ term: (Int) -> Double) -> Double {
    var largest = -Double.infinity
    for label in 0..<labels { largest = max(largest, term(label)) }
    guard largest.isFinite else { return largest }
    var sum = 0.0
    for label in 0..<labels { sum += exp(term(label) - largest) }
    return largest + log(sum)
  }
}
