internal import Cells
internal import DenseMath
internal import Glibc

extension LanguageModel {
  /// What a model expected at a token.
  public struct Expectation: Sendable, Equatable {
    /// The surprise in bits: -log2 of the token's probability.
    public let bits: Double
    /// The likeliest tokens there, the likeliest first, with their probabilities.
    public let likeliest: [(id: Int, probability: Double)]

    /// The same surprise and the same tokens.
    public static func == (one: Expectation, other: Expectation) -> Bool {
      one.bits == other.bits
        && one.likeliest.elementsEqual(other.likeliest) { $0.id == $1.id && $0.1 == $1.1 }
    }
  }

  /// What the model expected at each token of a text, from a state of zeros.
  ///
  /// The token that the model reads first is expected from nothing, so there is nothing for it: it is the
  /// first of the text, or the last where the model reads backwards. The mean of all surprises is the
  /// text's bits a token, as `evaluate` measures them in one run.
  ///
  /// - Parameters:
  ///   - ids: The text.
  ///   - count: How many likely tokens are kept for each.
  ///   - progress: Told what fraction is read.
  /// - Returns: One a token, in the order of the text; nil for the token that is read first.
  /// - Throws: `LanguageModelError.overflow`.
  public func expectations(
    of ids: [Int], keeping count: Int = 3, progress: ((Double) -> Void)? = nil
  ) throws(LanguageModelError) -> [Expectation?] {
    try expectationsUnlessStopped(of: ids, keeping: count, progress: progress) ?? []
  }

  /// The same, but nil where it is told to stop, which it asks every 256 tokens.
  package func expectationsUnlessStopped(
    of ids: [Int], keeping count: Int, progress: ((Double) -> Void)? = nil,
    isStopped: () -> Bool = { false }
  ) throws(LanguageModelError) -> [Expectation?]? {
    let read = asRead(ids)
    var found: [Expectation?] = read.isEmpty ? [] : [nil]
    let workspace = core.workspaces.makeWorkspace()
    let state = StackState<Float>(network.stack, batch: 1)
    let atOnce = 256
    for start in stride(from: 0, to: max(0, read.count - 1), by: atOnce) {
      guard !isStopped() else { return nil }
      let part = start..<min(start + atOnce, read.count - 1)
      workspace.reset()
      let embedded = network.embedding.forward(
        workspace.arena.indices(of: part.map { Int32(read[$0]) }), on: workspace)
      let trace = network.stack.forward(
        .indexed(embedded.vectors, embedded.index), PackedShape(steps: part.count, batch: 1),
        from: state.layers, on: workspace)
      state.update(from: trace)
      let logits = network.output.forward(trace.output, on: workspace)
      for place in part {
        let row = place - start
        let scores = (0..<logits.columns).map { Double(logits[row, $0]) }
        let expectation = Self.expectation(of: read[place + 1], scores, keeping: count)
        guard expectation.bits.isFinite else { throw .overflow }
        found.append(expectation)
      }
      progress?(Double(part.upperBound + 1) / Double(read.count))
    }
    return configuration.isBackwards ? found.reversed() : found
  }

  /// What scores of all tokens say of one.
  static func expectation(
    of id: Int, _ scores: [Double], keeping count: Int
  ) -> Expectation {
    let largest = scores.max() ?? 0
    let sum = scores.reduce(0) { $0 + exp($1 - largest) }
    var best: [Int] = []
    for candidate in scores.indices {
      guard let place = best.firstIndex(where: { scores[$0] < scores[candidate] }) else {
        if best.count < count { best.append(candidate) }
        continue
      }
      best.insert(candidate, at: place)
      if best.count > count { best.removeLast() }
    }
    return Expectation(
      bits: (log(sum) - scores[id] + largest) / log(2),
      likeliest: best.map { ($0, exp(scores[$0] - largest) / sum) })
  }
}
