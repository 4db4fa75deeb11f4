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
  /// One cell's curve.
  public struct Curve: Sendable {
    /// What it is of, for a legend.
    public let label: String
    /// The steps back, 1, 2, 4 and so on.
    public let steps: [Int]
    /// The norm of the gradient that many steps back, over its norm at the last step.
    public let norms: [Double]
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
  /// - Returns: The ratios of norms taken over a batch of 8 sequences together.
  public static func measure(
    _ kind: CellKind, label: String, hiddenSize: Int, length: Int, forgetBias: Double = 1,
    gain: Double = 1, seed: UInt64 = 1
  ) -> Curve {
    var layout = ParameterLayout()
    let inputSize = 8
    let batch = 8
    let layer = Recurrence(
      kind.makeCell(forgetBias: forgetBias), inputSize: inputSize, hiddenSize: hiddenSize,
      prefix: "", suffix: "", in: &layout)
    // Double, so that a gradient that has all but vanished is still a number.
    let parameters = Parameters<Double>(layout, seed: seed)
    if let recurrent = layer.recurrentWeight { Double.scale(parameters[recurrent], by: gain) }
    let packed = PackedWeights<Double>(layout, forTraining: true)
    packed.load(parameters, on: Shards(threads: 1))
    let workspace = Workspace(parameters, packed: packed, forTraining: true)
    var random = TaskRandom(seed: seed, stream: 5)
    let shape = PackedShape(steps: 1, batch: batch)
    func zeros() -> CellState<Double> {
      .zeros(of: layer, batch: batch, on: workspace)
    }
    // Step by step, so that the gradient of every state in between can be looked at.
    var traces: [Recurrence.Trace<Double>] = []
    var state = zeros()
    for _ in 0..<length {
      let input = workspace.arena.matrix(batch, inputSize)
      for row in 0..<batch {
        for column in 0..<inputSize { input[row, column] = 2 * random.unit() - 1 }
      }
      let trace = layer.forward(.vectors(input), shape, from: state, on: workspace)
      traces.append(trace)
      state = zeros()
      trace.copyFinalState(into: state)
    }
    let gradient = zeros()
    for row in 0..<batch {
      for column in 0..<hiddenSize { gradient.hidden[row, column] = 2 * random.unit() - 1 }
    }
    let start = norm(gradient)
    let nothing = workspace.arena.zeros(batch, hiddenSize)
    var steps: [Int] = []
    var norms: [Double] = []
    for back in 1...length {
      layer.backward(
        traces[length - back], outputGradient: nothing, stateGradient: gradient,
        wantsInput: false, on: workspace)
      if back & (back - 1) == 0 {
        steps.append(back)
        norms.append(norm(gradient) / start)
      }
    }
    return Curve(label: label, steps: steps, norms: norms)
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
        curve(.elman, "Elman"), curve(.gru, "GRU"), curve(.lstm, "LSTM, forget bias 1"),
        curve(.lstm, "LSTM, forget bias 5", bias: 5),
      ],
      [
        curve(.elmanReLU, "Elman relu, U x 4", gain: 4),
        curve(.elman, "Elman tanh, U x 4", gain: 4),
        curve(.lstm, "LSTM, U x 4", gain: 4),
      ]
    )
  }

  private static func norm(_ state: CellState<Double>) -> Double {
    (state.hidden.elements + state.cell.elements).reduce(0) { $0 + $1 * $1 }.squareRoot()
  }
}
