public import DenseMath
public import Parameters

extension Stack {
  /// How much of a loss at the end of sequences reaches back, step by step.
  ///
  /// Item k - 1 of the result is the norm of the loss's gradient with respect to the states of all
  /// layers k steps before the end, all sequences together. Memory grows with the steps.
  ///
  /// - Parameters:
  ///   - inputs: What each step reads, one row a sequence.
  ///   - batch: The number of sequences.
  ///   - workspace: The weights; their gradients are added up there, as in training.
  ///   - outputGradient: The gradient of the loss, given the outputs of the last step.
  /// - Returns: The norms, from one step before the end to the beginning.
  public func gradientNorms<S: Real>(
    inputs: [SequenceInput<S>], batch: Int, on workspace: Workspace<S>,
    outputGradient: (Matrix<S>) -> Matrix<S>
  ) -> [Double] {
    precondition(directions == .forward, "back in time there is only one way")
    let shape = PackedShape(steps: 1, batch: batch)
    var traces: [Trace<S>] = []
    var states = zeroStates(batch: batch, on: workspace)
    // Step by step, so that the gradient of every state in between can be looked at.
    for input in inputs {
      let trace = forward(input, shape, from: states, on: workspace)
      traces.append(trace)
      states = finalStates(of: trace, on: workspace)
    }
    guard let last = traces.last else { return [] }
    let gradients = zeroStates(batch: batch, on: workspace)
    var output = outputGradient(last.output)
    return traces.reversed().map { trace in
      backward(
        trace, outputGradient: output, stateGradients: gradients, wantsInput: false, on: workspace)
      output = workspace.arena.zeros(batch, outputSize)
      return gradients.reduce(0.0) { $0 + squares($1.hidden) + squares($1.cell) }.squareRoot()
    }
  }

  private func squares<S: Real>(_ block: Matrix<S>) -> Double {
    S.sumOfSquares(block.base, count: block.rows * block.columns)
  }
}
