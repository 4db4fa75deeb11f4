public import DenseMath
public import Parameters

/// A layer that judges whole chains of labels: learnt scores of which label follows which.
///
/// Chains that break a rule, such as the inside of a span after no beginning, are forbidden outright:
/// their probability is 0 in training and in use. The loss is the negative log probability of the
/// right chain. With `learnsTransitions` false, chains have only the rules, as for a decoder over
/// labels that were trained one by one.
public struct LinearChainCRF: Sendable {
  /// The number of labels.
  public let labels: Int
  private let transitions, start, end: Weight?
  private let allowed: [Bool]

  /// Declares the weights `<name>.transitions`, `<name>.start` and `<name>.end`.
  ///
  /// `isAllowed` says whether a label may follow another; nil stands for before the first and after
  /// the last.
  public init(
    labels: Int, learnsTransitions: Bool = true, isAllowed: (Int?, Int?) -> Bool, name: String,
    in layout: inout ParameterLayout
  ) {
    self.labels = labels
    func declare(_ part: String, _ shape: [Int]) -> Weight? {
      learnsTransitions ? layout.declare("\(name).\(part)", shape: shape, as: .constant(0)) : nil
    }
    transitions = declare("transitions", [labels, labels])
    start = declare("start", [labels])
    end = declare("end", [labels])
    // In order: after i comes j; then beginnings, then ends.
    allowed =
      (0..<labels).flatMap { from in (0..<labels).map { isAllowed(from, $0) } }
      + (0..<labels).map { isAllowed(nil, $0) } + (0..<labels).map { isAllowed($0, nil) }
  }

  /// The chain of the weights as they are now.
  public func chain<S: Real>(of parameters: Parameters<S>) -> LinearChain {
    func scores(_ weight: Weight?, _ places: Range<Int>) -> [Double] {
      let values = weight.map { parameters[$0].elements.map { Double($0) } }
      return places.map { allowed[$0] ? values?[$0 - places.lowerBound] ?? 0 : -.infinity }
    }
    let square = labels * labels
    return LinearChain(
      start: scores(start, square..<square + labels), transitions: scores(transitions, 0..<square),
      end: scores(end, square + labels..<square + 2 * labels))
  }

  /// The sum of the losses of some sequences in nats, leaving `scale` times its gradient in place of
  /// the scores and adding that of the weights to the workspace's.
  ///
  /// - Parameters:
  ///   - scores: [rows, labels], of any sequences in any order.
  ///   - sequences: The rows of each sequence, step by step.
  ///   - tags: The right label of each row.
  ///   - scale: What gradients are multiplied by.
  ///   - workspace: The weights.
  /// - Returns: The sum, not scaled.
  public func lossAndGradient<S: Real>(
    _ scores: Matrix<S>, sequences: [[Int]], tags: [Int], scale: Double, on workspace: Workspace<S>
  ) -> Double {
    let chain = chain(of: workspace.parameters)
    var transitionGradient = [Double](repeating: 0, count: labels * labels)
    var startGradient = [Double](repeating: 0, count: labels)
    var endGradient = startGradient
    var loss = 0.0
    for rows in sequences {
      let numbers = Self.numbers(scores, rows)
      var gradient = numbers
      loss += chain.lossAndGradient(
        of: rows.map { tags[$0] }, numbers, into: &gradient, transitions: &transitionGradient,
        start: &startGradient, end: &endGradient)
      Self.put(gradient, times: scale, into: scores, rows)
    }
    func add(_ gradient: [Double], _ weight: Weight?, _ first: Int) {
      guard let weight else { return }
      let target = workspace.gradient(of: weight)
      for (place, value) in gradient.enumerated() where allowed[first + place] {
        target.base[place] += S(scale * value)
      }
    }
    let square = labels * labels
    add(transitionGradient, transitions, 0)
    add(startGradient, start, square)
    add(endGradient, end, square + labels)
    return loss
  }

  // Not generic for Float: element by element, calls through a table would take most of the time.
  /// The rows of a sequence as Doubles, one after another.
  @_specialize(where S == Float)
  public static func numbers<S: Real>(_ scores: Matrix<S>, _ rows: [Int]) -> [Double] {
    [Double](unsafeUninitializedCapacity: rows.count * scores.columns) { buffer, count in
      for (step, row) in rows.enumerated() {
        let from = scores.base + row * scores.stride
        for column in 0..<scores.columns {
          buffer[step * scores.columns + column] = Double(from[column])
        }
      }
      count = rows.count * scores.columns
    }
  }

  @_specialize(where S == Float)
  private static func put<S: Real>(
    _ numbers: [Double], times scale: Double, into scores: Matrix<S>, _ rows: [Int]
  ) {
    for (step, row) in rows.enumerated() {
      let to = scores.base + row * scores.stride
      for column in 0..<scores.columns {
        to[column] = S(scale * numbers[step * scores.columns + column])
      }
    }
  }
}
