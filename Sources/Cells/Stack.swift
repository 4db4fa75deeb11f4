public import DenseMath
public import Parameters

/// Which way the layers of a stack read a sequence.
public enum Directions: Int, Codable, Sendable {
  /// From the first step to the last.
  case forward = 1
  /// Both ways; the outputs of both stand side by side, [forward | backward].
  case both = 2
}

/// Recurrences on top of each other: each level reads the outputs of the one below.
///
/// Reading both ways (M. Schuster and K. K. Paliwal, "Bidirectional recurrent neural networks",
/// IEEE TSP 45, 1997), a level has two recurrences, and each sequence of a ragged batch is turned
/// about its own end. The final state of the backward one is that after the sequence's first
/// step, the last one in its direction.
///
/// With `isResidual`, a level above the lowest adds its input to its output: what it learns is only
/// the difference, and gradients pass by it (Y. Wu et al., "Google's neural machine translation
/// system", 2016). What `dropout` does, see there.
public struct Stack: Sendable {
  /// The recurrences from the input up; of a level that reads both ways, the forward one first.
  public let layers: [Recurrence]
  /// Which way they read.
  public let directions: Directions
  /// What is forgotten at random in training.
  public let dropout: Dropout
  /// Whether levels above the lowest add their input to their output.
  public let isResidual: Bool
  /// Whether the top level's outputs are dropped out too, and not only those that a level reads.
  public let dropsTop: Bool

  /// Declares `layers` levels of a cell under PyTorch's names `<prefix>weight_ih_l<k>` and so on,
  /// those that read backward with `_reverse` at their end.
  public init(
    _ cell: any RecurrentCell, layers: Int, inputSize: Int, hiddenSize: Int,
    dropout: Dropout = .none,
    directions: Directions = .forward, isResidual: Bool = false, dropsTop: Bool = true,
    prefix: String, in layout: inout ParameterLayout
  ) {
    var made: [Recurrence] = []
    for level in 0..<layers {
      for suffix in ["", "_reverse"].prefix(directions.rawValue) {
        made.append(
          Recurrence(
            level == 0 ? cell : cell.above,
            inputSize: level == 0 ? inputSize : directions.rawValue * hiddenSize,
            hiddenSize: hiddenSize, dropout: dropout, number: made.count, prefix: prefix,
            suffix: "_l\(level)\(suffix)", in: &layout))
      }
    }
    self.layers = made
    self.directions = directions
    self.dropout = dropout
    self.isResidual = isResidual
    self.dropsTop = dropsTop
  }

  /// The width of a state.
  public var hiddenSize: Int { layers[0].hiddenSize }
  /// The width of the output: `hiddenSize` for each direction.
  public var outputSize: Int { directions.rawValue * hiddenSize }

  /// A state of zeros for each layer in scratch memory, for `batch` sequences: where they begin,
  /// and the gradient of final states that no loss depends on.
  public func zeroStates<S: Real>(batch: Int, on workspace: Workspace<S>) -> [CellState<S>] {
    layers.map { .zeros(of: $0, batch: batch, on: workspace) }
  }

  /// The state of each layer after each sequence's own last step, copied to scratch memory.
  public func finalStates<S: Real>(
    of trace: Trace<S>, on workspace: Workspace<S>
  ) -> [CellState<S>] {
    zip(layers, trace.layers).map { layer, trace in
      let state = CellState<S>.uninitialized(of: layer, batch: trace.shape.batch, on: workspace)
      trace.copyFinalState(into: state)
      return state
    }
  }

  /// What the backward pass needs.
  public struct Trace<S: Real> {
    /// The recurrences' traces, as `layers`; backward ones in their own order of time.
    public let layers: [Recurrence.Trace<S>]
    let source: SequenceInput<S>
    let inputMask: Matrix<S>?
    // By level; the top one may have none.
    let outputMasks: [Matrix<S>]
    let reversal: IndexBlock?
    /// The top level's outputs, dropped out in training: [total, outputSize].
    public let output: Matrix<S>
  }

  /// Runs all levels; `masks` is nil outside training.
  ///
  /// One state a recurrence goes in.
  public func forward<S: Real>(
    _ source: SequenceInput<S>, _ shape: PackedShape, from initial: [CellState<S>],
    masks: Dropout.Masks? = nil, on workspace: Workspace<S>
  ) -> Trace<S> {
    precondition(!layers.isEmpty, "a stack has at least one layer")
    let reversal = directions == .both ? reversal(of: shape, on: workspace) : nil
    var traces: [Recurrence.Trace<S>] = []
    var drawn: [Matrix<S>] = []
    var (input, inputMask) = masked(source, shape, masks, on: workspace)
    var output = workspace.arena.matrix(0, 0)
    traces.reserveCapacity(layers.count)
    let levels = layers.count / directions.rawValue
    for level in 0..<levels {
      let number = level * directions.rawValue
      let below = output
      let ahead = layers[number].forward(
        input, shape, from: initial[number], masks: masks, on: workspace)
      traces.append(ahead)
      output = ahead.output
      if let reversal {
        let back = layers[number + 1].forward(
          turned(input, by: reversal, on: workspace), shape, from: initial[number + 1],
          masks: masks, on: workspace)
        traces.append(back)
        output = workspace.arena.matrix(shape.total, outputSize)
        S.copy(ahead.output, into: output.part(0, width: hiddenSize))
        S.gather(back.output, at: reversal, into: output.part(1, width: hiddenSize))
      }
      if dropout.outputs > 0, dropsTop || level < levels - 1, let masks {
        let mask = workspace.arena.matrix(shape.batch, outputSize)
        masks.draw(mask, .outputs(level: level), rate: dropout.outputs)
        let kept = workspace.arena.matrix(shape.total, outputSize)
        apply(mask, to: output, shape, into: kept)
        output = kept
        drawn.append(mask)
      }
      if isResidual, level > 0 {
        let sum = workspace.arena.matrix(shape.total, outputSize)
        S.copy(output, into: sum)
        S.add(below, into: sum)
        output = sum
      }
      input = .vectors(output)
    }
    return Trace(
      layers: traces, source: source, inputMask: inputMask, outputMasks: drawn, reversal: reversal,
      output: output)
  }

  /// The backward pass; `outputGradient` is overwritten.
  ///
  /// `stateGradients` hold the gradients of the final states and become those of the initial ones.
  /// Returns the gradient of the input's vectors if `wantsInput`.
  @discardableResult
  public func backward<S: Real>(
    _ trace: Trace<S>, outputGradient: Matrix<S>, stateGradients: [CellState<S>],
    wantsInput: Bool = true, on workspace: Workspace<S>
  ) -> Matrix<S>? {
    var gradient = outputGradient
    for level in (0..<layers.count / directions.rawValue).reversed() {
      let number = level * directions.rawValue
      let shape = trace.layers[number].shape
      let wantsInput = wantsInput || level > 0
      var pastLevel: Matrix<S>?
      if isResidual, level > 0 {
        let copy = workspace.arena.matrix(shape.total, outputSize)
        S.copy(gradient, into: copy)
        pastLevel = copy
      }
      if level < trace.outputMasks.count {
        apply(trace.outputMasks[level], to: gradient, shape, into: gradient)
      }
      let below = layers[number].backward(
        trace.layers[number], outputGradient: gradient.part(0, width: hiddenSize),
        stateGradient: stateGradients[number], wantsInput: wantsInput, on: workspace)
      if let reversal = trace.reversal {
        let turned = workspace.arena.matrix(shape.total, hiddenSize)
        S.gather(gradient.part(1, width: hiddenSize), at: reversal, into: turned)
        let other = layers[number + 1].backward(
          trace.layers[number + 1], outputGradient: turned,
          stateGradient: stateGradients[number + 1], wantsInput: wantsInput, on: workspace)
        if let below, let other { S.add(other, into: below) }
      }
      guard let below else { return nil }
      if let pastLevel { S.add(pastLevel, into: below) }
      guard level > 0 else { return unmasked(below, trace, shape, on: workspace) }
      gradient = below
    }
    return nil
  }

  /// The input with its locked mask on: each row then has a vector of its own.
  private func masked<S: Real>(
    _ input: SequenceInput<S>, _ shape: PackedShape, _ masks: Dropout.Masks?,
    on workspace: Workspace<S>
  ) -> (SequenceInput<S>, Matrix<S>?) {
    guard dropout.inputs > 0, let masks else { return (input, nil) }
    let width = layers[0].inputSize
    let mask = workspace.arena.matrix(shape.batch, width)
    masks.draw(mask, .inputs, rate: dropout.inputs)
    let rows = workspace.arena.matrix(shape.total, width)
    switch input {
    case .vectors(let vectors): apply(mask, to: vectors, shape, into: rows)
    case .indexed(let vectors, let index):
      S.gather(vectors, at: index, into: rows)
      apply(mask, to: rows, shape, into: rows)
    case .projected: preconditionFailure("projected input is for inference")
    }
    return (.vectors(rows), mask)
  }

  /// The backward pass of `masked`.
  private func unmasked<S: Real>(
    _ gradient: Matrix<S>, _ trace: Trace<S>, _ shape: PackedShape, on workspace: Workspace<S>
  ) -> Matrix<S> {
    guard let mask = trace.inputMask else { return gradient }
    apply(mask, to: gradient, shape, into: gradient)
    guard case .indexed(let vectors, let index) = trace.source else { return gradient }
    let distinct = workspace.arena.zeros(vectors.rows, vectors.columns)
    S.scatterAdd(gradient, at: index, into: distinct)
    return distinct
  }

  /// For each row of a packed batch, the row of the same sequence as far from its other end.
  ///
  /// It is its own inverse.
  private func reversal<S: Real>(
    of shape: PackedShape, on workspace: Workspace<S>
  ) -> IndexBlock {
    let places = workspace.arena.indices(shape.total)
    for step in 0..<shape.steps {
      for row in 0..<shape.rowsPerStep[step] {
        // The length of a sequence is the number of steps that still have its row.
        let length = shape.length(ofRow: row)
        places[shape.offsets[step] + row] = Int32(shape.offsets[length - 1 - step] + row)
      }
    }
    return places
  }

  /// The same input in the order of the backward direction.
  private func turned<S: Real>(
    _ input: SequenceInput<S>, by reversal: IndexBlock,
    on workspace: Workspace<S>
  ) -> SequenceInput<S> {
    func composed(_ index: IndexBlock) -> IndexBlock {
      let places = workspace.arena.indices(reversal.count)
      for row in 0..<reversal.count { places[row] = index[Int(reversal[row])] }
      return places
    }
    switch input {
    case .vectors(let vectors):
      return .indexed(vectors, reversal)
    case .indexed(let vectors, let index): return .indexed(vectors, composed(index))
    case .projected: preconditionFailure("projections are of one direction")
    }
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
/// Lanes that run on through a corpus, and generation step by step, keep one of these.
public final class StackState<S: Real> {
  /// All numbers in one block, so that a checkpoint can keep them: `state.h_l0`, `state.c_l0` ...
  public let block: Parameters<S>
  /// One state a layer, [batch, hiddenSize] each.
  public let layers: [CellState<S>]

  /// A state of zeros.
  public init(_ stack: Stack, batch: Int) {
    var layout = ParameterLayout()
    let handles = stack.layers.enumerated().map { number, layer in
      let hidden = layout.declare(
        "state.h_l\(number)", shape: [batch, layer.hiddenSize], as: .constant(0))
      let cell =
        layer.cell.cellVectorCount > 0
        ? layout.declare(
          "state.c_l\(number)", shape: [batch, layer.cell.cellVectorCount * layer.hiddenSize],
          as: .constant(0)) : nil
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
