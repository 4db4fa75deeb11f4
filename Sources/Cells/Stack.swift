public import DenseMath
public import Parameters

/// Recurrences on top of each other: each reads the outputs of the one below.
///
/// With `dropout`, each layer's outputs are multiplied by a mask before they go up (or out): one
/// mask a lane and batch, the same at all its steps, as Y. Gal and Z. Ghahramani showed to be right
/// for recurrent networks (NIPS 2016) and S. Merity et al. call locked (AWD-LSTM, ICLR 2018).
public struct Stack: Sendable {
  /// The layers from the input up.
  public let layers: [Recurrence]
  /// The probability with which a unit's output is dropped in training.
  public let dropout: Double

  /// Declares `layers` layers of a cell under PyTorch's names `<prefix>weight_ih_l<k>` and so on.
  public init(
    _ cell: any RecurrentCell, layers: Int, inputSize: Int, hiddenSize: Int, dropout: Double,
    prefix: String, in layout: inout ParameterLayout
  ) {
    var made: [Recurrence] = []
    for layer in 0..<layers {
      made.append(
        Recurrence(
          cell, inputSize: layer == 0 ? inputSize : hiddenSize, hiddenSize: hiddenSize,
          prefix: prefix, suffix: "_l\(layer)", in: &layout))
    }
    self.layers = made
    self.dropout = dropout
  }

  /// The width of the state and of the output.
  public var hiddenSize: Int { layers[0].hiddenSize }

  /// Which masks a batch in training draws.
  public struct Masks: Sendable {
    let random: CounterRandom
    let step: Int
    let firstLane: Int

    /// The masks of update `step`, for a shard whose rows begin at `firstLane`.
    public init(_ random: CounterRandom, step: Int, firstLane: Int) {
      self.random = random
      self.step = step
      self.firstLane = firstLane
    }
  }

  /// What the way back needs.
  public struct Trace<S: Real> {
    /// The layers' traces from the input up.
    public let layers: [Recurrence.Trace<S>]
    let masks: [Matrix<S>]
    /// The top layer's outputs, dropped out in training: [total, hiddenSize].
    public let output: Matrix<S>
  }

  /// Runs all layers; `masks` is nil outside training.
  ///
  /// One state a layer goes in.
  public func forward<S: Real>(
    _ input: SequenceInput<S>, _ shape: PackedShape, from initial: [CellState<S>],
    masks: Masks? = nil, on workspace: Workspace<S>
  ) -> Trace<S> {
    var traces: [Recurrence.Trace<S>] = []
    var drawn: [Matrix<S>] = []
    var input = input
    traces.reserveCapacity(layers.count)
    for (number, layer) in layers.enumerated() {
      let trace = layer.forward(input, shape, from: initial[number], on: workspace)
      var output = trace.output
      if dropout > 0, let masks {
        let mask = workspace.arena.matrix(shape.batch, hiddenSize)
        // Layers draw from indices far apart: no layer has 2^40 masks.
        masks.random.dropoutMask(
          mask, rate: dropout, firstRow: masks.firstLane + number << 24, step: masks.step)
        output = workspace.arena.matrix(shape.total, hiddenSize)
        apply(mask, to: trace.output, shape, into: output)
        drawn.append(mask)
      }
      traces.append(trace)
      input = .vectors(output)
      if number == layers.count - 1 {
        return Trace(layers: traces, masks: drawn, output: output)
      }
    }
    preconditionFailure("a stack has at least one layer")
  }

  /// The way back; `outputGradient` is used up.
  ///
  /// `stateGradients` hold the gradients of the final states and become those of the initial ones.
  /// Returns the gradient of the input's vectors if `wantsInput`.
  @discardableResult
  public func backward<S: Real>(
    _ trace: Trace<S>, outputGradient: Matrix<S>, stateGradients: [CellState<S>],
    wantsInput: Bool = true, on workspace: Workspace<S>
  ) -> Matrix<S>? {
    var gradient = outputGradient
    for number in layers.indices.reversed() {
      if !trace.masks.isEmpty {
        apply(trace.masks[number], to: gradient, trace.layers[number].shape, into: gradient)
      }
      let below = layers[number].backward(
        trace.layers[number], outputGradient: gradient, stateGradient: stateGradients[number],
        wantsInput: wantsInput || number > 0, on: workspace)
      guard number > 0, let below else { return below }
      gradient = below
    }
    return nil
  }

  private func apply<S: Real>(
    _ mask: Matrix<S>, to rows: Matrix<S>, _ shape: PackedShape, into out: Matrix<S>
  ) {
    for step in 0..<shape.steps {
      let range = shape.rows(ofStep: step)
      S.multiply(rows.rows(range), mask.rows(0..<range.count), into: out.rows(range))
    }
  }
}

/// The states of all layers of a stack between two batches, in memory of their own.
///
/// Lanes that run on through a corpus, and generation symbol by symbol, keep one of these.
public final class StackState<S: Real> {
  /// All numbers in one block, so that a checkpoint can keep them: `state.h_l0`, `state.c_l0` ...
  public let block: Parameters<S>
  /// One state a layer, [batch, hiddenSize] each.
  public let layers: [CellState<S>]

  /// A state of zeros.
  public init(_ stack: Stack, batch: Int) {
    var layout = ParameterLayout()
    let handles = stack.layers.enumerated().map { number, layer in
      let shape = [batch, layer.hiddenSize]
      let hidden = layout.declare("state.h_l\(number)", shape: shape, as: .constant(0))
      let cell =
        layer.cell.hasCellState
        ? layout.declare("state.c_l\(number)", shape: shape, as: .constant(0)) : nil
      return (hidden, cell)
    }
    let block = Parameters<S>(layout)
    self.block = block
    layers = handles.map { hidden, cell in
      CellState(
        hidden: block[hidden],
        cell: cell.map { block[$0] } ?? Matrix(block.base, rows: batch, columns: 0))
    }
  }

  /// Back to zeros.
  public func clear() { block.clear() }

  /// Takes over the final states of a batch.
  public func update(from trace: Stack.Trace<S>) {
    for number in layers.indices {
      trace.layers[number].copyFinalState(into: layers[number])
    }
  }
}
