public import Cells
internal import DenseMath
internal import Parameters

/// How much of a gradient reaches back through time: the vanishing and exploding gradient, measured.
///
/// A loss that looks at the state after the last step is followed back step by step; the norm of
/// its gradient with respect to the state k steps earlier says how much an event there can still be
/// learnt from. S. Hochreiter (1991); Y. Bengio, P. Simard and P. Frasconi, "Learning long-term
/// dependencies with gradient descent is difficult", IEEE TNN 5 (1994).
public enum GradientFlow {
  /// One curve, with a label for a legend.
  public struct Curve: Sendable {
    /// What it is of.
    public let label: String
    /// Where each value stands: steps back, or updates.
    public let places: [Int]
    /// The values; a curve may end early where they stop being numbers.
    public let values: [Double]

    /// A curve.
    public init(label: String, places: [Int], values: [Double]) {
      self.label = label
      self.places = places
      self.values = values
    }

    /// The curve of norms one step back, two steps back and so on, divided by the first.
    ///
    /// It keeps 1, 2, 4 and so on, and the farthest.
    public init(label: String, norms: [Double]) {
      let places = norms.indices.map { $0 + 1 }.filter { $0 & ($0 - 1) == 0 || $0 == norms.count }
      self.init(label: label, places: places, values: places.map { norms[$0 - 1] / norms[0] })
    }
  }

  /// Measures a cell with fresh weights on random input.
  ///
  /// - Parameters:
  ///   - kind: The cell.
  ///   - label: The curve's label.
  ///   - hiddenSize: Its units.
  ///   - length: The farthest step back.
  ///   - forgetBias: The initial bias of forget gates.
  ///   - gain: What the recurrent matrix is multiplied by: above 1 gradients may explode.
  ///   - seed: The seed of weights and input.
  /// - Returns: The norms divided by the first, taken over a batch of 8 sequences together.
  public static func measure(
    _ kind: CellKind, label: String, hiddenSize: Int, length: Int, forgetBias: Double = 1,
    gain: Double = 1, seed: UInt64 = 1
  ) -> Curve {
    var layout = ParameterLayout()
    let (inputSize, batch) = (8, 8)
    let stack = Stack(
      kind.makeCell(["forget-bias": forgetBias, "window": 16]), layers: 1, inputSize: inputSize,
      hiddenSize: hiddenSize, prefix: "", in: &layout)
    // Double, so that a gradient that has all but vanished is still a number.
    let parameters = Parameters<Double>(layout, seed: seed)
    if let recurrent = stack.layers[0].recurrentWeight {
      Double.scale(parameters[recurrent], by: gain)
    }
    let packed = PackedWeights<Double>(layout, forTraining: true)
    packed.load(parameters, on: Shards(threads: 1))
    let workspace = Workspace(parameters, packed: packed, forTraining: true)
    var random = TaskRandom(seed: seed, stream: 5)
    func noise(_ columns: Int) -> Matrix<Double> {
      let block = workspace.arena.matrix(batch, columns)
      for row in 0..<batch {
        for column in 0..<columns { block[row, column] = 2 * random.unit() - 1 }
      }
      return block
    }
    let inputs = (0..<length).map { _ in SequenceInput.vectors(noise(inputSize)) }
    let norms = stack.gradientNorms(inputs: inputs, batch: batch, on: workspace) { _ in
      noise(hiddenSize)
    }
    return Curve(label: label, norms: norms)
  }

  /// Lets a cell learn a task, and measures the task's own loss on fresh examples before and after.
  ///
  /// - Parameters:
  ///   - kind: The cell.
  ///   - label: The beginning of the curves' labels.
  ///   - length: The steps of an example of the adding problem that is learnt.
  ///   - measuredOver: The steps of the examples that are measured, and the farthest step back.
  ///   - sequences: How many sequences are learnt from.
  ///   - seed: The seed of weights and examples.
  ///   - progress: Told what fraction of the sequences is learnt from.
  /// - Returns: The curve before and the curve after.
  public static func learning(
    _ kind: CellKind, label: String, length: Int, measuredOver: Int, sequences: Int, seed: UInt64,
    progress: (Double) -> Void = { _ in }
  ) -> (before: Curve, after: Curve) {
    let task = Adding(length: length)
    let learner = Learner(kind, for: task, seed: seed)
    var random = TaskRandom(seed: seed, stream: 6)
    let fresh = (0..<8).map { _ in task.example(&random, steps: measuredOver) }
    let before = Curve(label: "\(label), fresh", norms: learner.gradientNorms(fresh))
    var training = TaskRandom(seed: seed, stream: 1)
    let updates = sequences / task.recipe.batch
    for update in 0..<updates {
      let examples = (0..<task.recipe.batch).map { _ in task.example(&training) }
      learner.learn(examples, rate: task.recipe.rate)
      progress(Double(update + 1) / Double(updates))
    }
    let after = Curve(
      label: "\(label), after \(sequences) sequences", norms: learner.gradientNorms(fresh))
    return (before, after)
  }

  /// Trains an Elman network whose gradients explode, with and without clipping.
  ///
  /// - Parameters:
  ///   - clip: The largest norm that is let through, or nil for all.
  ///   - label: The curve's label.
  ///   - length: The steps of an example.
  ///   - updates: The updates; training ends early where a number stops being finite.
  ///   - seed: The seed.
  /// - Returns: The norms of the gradient, and the losses, update by update.
  public static func clipping(
    at clip: Double?, label: String, length: Int, updates: Int, seed: UInt64
  ) -> (norms: Curve, losses: Curve) {
    let task = Adding(length: length)
    let learner = Learner(.elmanReLU, for: task, seed: seed, rule: .momentum(0.9), gain: 2.5)
    var training = TaskRandom(seed: seed, stream: 1)
    var (norms, losses): ([Double], [Double]) = ([], [])
    for _ in 0..<updates {
      let examples = (0..<8).map { _ in task.example(&training) }
      let (loss, norm) = learner.learn(examples, rate: 0.01, clip: clip)
      guard loss.isFinite, norm.isFinite else { break }
      losses.append(loss)
      norms.append(norm)
    }
    let places = Array(1...max(1, norms.count)).prefix(norms.count)
    return (
      Curve(label: label, places: Array(places), values: norms),
      Curve(label: label, places: Array(places), values: losses)
    )
  }

  /// The curves of the standard picture: fresh weights in `quiet`, recurrent ones four times as
  /// large in `loud`.
  public static func standardCurves(
    hiddenSize: Int, length: Int, seed: UInt64
  ) -> (quiet: [Curve], loud: [Curve]) {
    func curve(_ kind: CellKind, _ label: String, bias: Double = 1, gain: Double = 1) -> Curve {
      measure(
        kind, label: label, hiddenSize: hiddenSize, length: length, forgetBias: bias, gain: gain,
        seed: seed)
    }
    return (
      [
        curve(.window, "window of 16"), curve(.elman, "Elman"), curve(.gru, "GRU"),
        curve(.lstm, "LSTM, forget bias 1"), curve(.lstm, "LSTM, forget bias 5", bias: 5),
      ],
      [
        curve(.elmanReLU, "Elman relu, U x 4", gain: 4),
        curve(.elman, "Elman tanh, U x 4", gain: 4),
        curve(.lstm, "LSTM, U x 4", gain: 4),
      ]
    )
  }
}
