public import DenseMath
public import Parameters

/// A cell unrolled over time: all matrix products of a layer, and backpropagation through time.
///
/// Forward it stands for this loop, over packed rows:
///
///     for t in 0..<steps { (h, c) = cell(x[t]·Wᵀ + h·Uᵀ + b, c); output[t] = h }
///
/// The products of the inputs are one product for all steps, and so are the gradients of the
/// weights; only h·Uᵀ is done step by step. Truncated backpropagation through time is this: give
/// the final state of one batch to the next as its initial state, and no gradient back.
///
/// Weights carry PyTorch's names, shapes and gate order: `weight_ih_l0` [gates · hidden, input],
/// `weight_hh_l0` [gates · hidden, hidden], `bias_ih_l0`, `bias_hh_l0`.
public struct Recurrence: Sendable {
  /// The cell function.
  public let cell: any RecurrentCell
  /// The width of the input and of the state.
  public let inputSize, hiddenSize: Int

  /// The matrix between h and the next h, which weight drop acts on; nil for cells without one.
  public let recurrentWeight: Weight?
  private let inputWeight: Weight
  private let inputBias, recurrentBias: Weight?
  private let dropout: Dropout
  // The number of the recurrence in its stack, so that no two draw the same masks.
  private let number: Int
  private let gateCount: Int

  /// Declares the weights of a layer under `prefix`, such as `rnn.`, with a suffix, such as `_l0`.
  ///
  /// Of `dropout`, what concerns states is done here; `number` tells the masks of recurrences apart.
  public init(
    _ cell: any RecurrentCell, inputSize: Int, hiddenSize: Int, dropout: Dropout = .none,
    number: Int = 0, prefix: String, suffix: String, in layout: inout ParameterLayout
  ) {
    self.dropout = dropout
    self.number = number
    self.inputSize = inputSize
    self.hiddenSize = hiddenSize
    gateCount = cell.gateCount
    let width = gateCount * hiddenSize
    let bound = 1 / Double(hiddenSize).squareRoot()
    inputWeight = layout.declare(
      "\(prefix)weight_ih\(suffix)", shape: [width, inputSize], as: .uniform(bound),
      isFactor: true)
    recurrentWeight =
      cell.hasRecurrentProduct
      ? layout.declare(
        "\(prefix)weight_hh\(suffix)", shape: [width, hiddenSize], as: .uniform(bound),
        isFactor: true) : nil
    inputBias =
      cell.hasBiases
      ? layout.declare(
        "\(prefix)bias_ih\(suffix)", shape: [width],
        as: cell.biasInitializer(hiddenSize: hiddenSize)) : nil
    recurrentBias =
      cell.hasRecurrentProduct && cell.hasBiases
      ? layout.declare("\(prefix)bias_hh\(suffix)", shape: [width], as: .constant(0)) : nil
    self.cell = cell.declaringWeights(
      hiddenSize: hiddenSize, name: { "\(prefix)\($0)\(suffix)" }, in: &layout)
  }

  /// What the backward pass needs: views of the workspace's arena.
  public struct Trace<S: Real> {
    let input: SequenceInput<S>
    let shape: PackedShape
    let gates, recurrent, saved: Matrix<S>
    let previous, next: CellState<S>
    // What the cell made of a step, before zoneout; without zoneout that is `next` itself.
    let fresh: CellState<S>
    let zoneout: Zoneout<S>?
    // The locked mask on h [batch, hiddenSize], and h with it on, where there is one.
    let masked: (mask: Matrix<S>, hidden: Matrix<S>)?

    /// Every step's h, packed: [total, hiddenSize].
    public var output: Matrix<S> { next.hidden }
    /// Every step's gate activations, until the backward pass overwrites them.
    public var activations: Matrix<S> { gates }
    /// Every step's c, packed; without columns where the cell has none.
    public var cells: Matrix<S> { next.cell }
  }

  /// Runs over a batch from an initial state, [batch, hiddenSize]; `masks` is nil outside training.
  public func forward<S: Real>(
    _ input: SequenceInput<S>, _ shape: PackedShape, from initial: CellState<S>,
    masks: Dropout.Masks? = nil, on workspace: Workspace<S>
  ) -> Trace<S> {
    let trace = makeTrace(input, shape, masks, on: workspace)
    let projected = project(input, into: trace.gates, on: workspace)
    for step in 0..<shape.steps {
      let rows = shape.rows(ofStep: step)
      let now = trace.step(rows, hiddenSize)
      if let (table, index) = projected {
        S.gather(table, at: index.part(rows), into: now.gates)
      }
      let before =
        step == 0
        ? initial : trace.next.rows(shape.rows(ofStep: step - 1)).rows(0..<rows.count)
      S.copy(before.hidden, into: now.previous.hidden)
      if cell.cellVectorCount > 0 { S.copy(before.cell, into: now.previous.cell) }
      if let recurrentWeight {
        var hidden = now.previous.hidden
        if let masked = trace.masked {
          S.multiply(hidden, masked.mask.rows(0..<rows.count), into: masked.hidden.rows(rows))
          hidden = masked.hidden.rows(rows)
        }
        let isApart = cell.keepsProjectionsApart
        workspace.product(
          hidden, recurrentWeight, into: isApart ? now.recurrent : now.gates, accumulate: !isApart)
        if isApart, let recurrentBias { S.addRow(workspace[recurrentBias], into: now.recurrent) }
      }
      cell.activate(now, on: workspace)
      if let zoneout = trace.zoneout?.rows(rows) {
        zoneout.set(dropout, layer: number, timeStep: step, masks: masks)
        zoneout.mix(now.next, now.previous, into: trace.next.rows(rows))
      }
    }
    return trace
  }

  /// The backward pass of `forward`: adds to the weights' gradients.
  ///
  /// - Parameters:
  ///   - trace: What `forward` returned; its gates and saved activations are overwritten.
  ///   - outputGradient: The gradient of every step's output, [total, hiddenSize].
  ///   - stateGradient: Holds the gradient of the final state (zeros if nothing used it), and
  ///     becomes that of the initial state, [batch, hiddenSize].
  ///   - wantsInput: Whether the gradient of the input is computed.
  ///   - workspace: The weights, and where their gradients are added up.
  /// - Returns: The gradient of the input's vectors: of every row of `.vectors`, of every distinct
  ///   row of `.indexed`.
  @discardableResult
  public func backward<S: Real>(
    _ trace: Trace<S>, outputGradient: Matrix<S>, stateGradient: CellState<S>,
    wantsInput: Bool = true, on workspace: Workspace<S>
  ) -> Matrix<S>? {
    let shape = trace.shape
    // What goes past the cell (zoneout), and what comes out of the product with U before its mask.
    let direct = trace.zoneout.map { _ in
      CellState<S>.zeros(of: self, batch: shape.batch, on: workspace)
    }
    let unmasked = trace.masked.map { workspace.arena.matrix($0.mask.rows, $0.mask.columns) }
    for step in (0..<shape.steps).reversed() {
      let rows = shape.rows(ofStep: step)
      let now = trace.step(rows, hiddenSize)
      let gradient = stateGradient.rows(0..<rows.count)
      S.add(outputGradient.rows(rows), into: gradient.hidden)
      let past = direct?.rows(0..<rows.count)
      if let past { trace.zoneout?.rows(rows).unmix(gradient, direct: past) }
      cell.differentiate(now, gradient: gradient, on: workspace)
      if let recurrentWeight {
        let projected = cell.keepsProjectionsApart ? now.recurrent : now.gates
        if let masked = trace.masked, let unmasked = unmasked?.rows(0..<rows.count) {
          workspace.productBack(projected, recurrentWeight, into: unmasked, accumulate: false)
          if !cell.carriesHiddenDirectly { S.fill(gradient.hidden, with: 0) }
          S.multiplyAdd(unmasked, masked.mask.rows(0..<rows.count), into: gradient.hidden)
        } else {
          workspace.productBack(
            projected, recurrentWeight, into: gradient.hidden,
            accumulate: cell.carriesHiddenDirectly)
        }
      }
      if let past {
        S.add(past.hidden, into: gradient.hidden)
        S.add(past.cell, into: gradient.cell)
      }
    }
    let recurrent = cell.keepsProjectionsApart ? trace.recurrent : trace.gates
    if let recurrentWeight {
      workspace.addGradient(
        of: recurrentWeight, from: recurrent, times: trace.masked?.hidden ?? trace.previous.hidden)
    }
    if let recurrentBias {
      S.addColumns(of: recurrent, into: workspace.gradient(of: recurrentBias))
    }
    return backProject(trace, wantsInput: wantsInput, on: workspace)
  }

  /// x·Wᵀ + b for distinct inputs, to be kept between batches: see `SequenceInput.projected`.
  public func projection<S: Real>(
    of vectors: Matrix<S>, into table: Matrix<S>, on workspace: Workspace<S>
  ) {
    workspace.product(vectors, inputWeight, into: table, accumulate: false)
    if let inputBias { S.addRow(workspace[inputBias], into: table) }
    if let recurrentBias, !cell.keepsProjectionsApart {
      S.addRow(workspace[recurrentBias], into: table)
    }
  }

  /// Projects all inputs at once, into `gates` or, for indexed rows, into a table to gather from.
  private func project<S: Real>(
    _ input: SequenceInput<S>, into gates: Matrix<S>, on workspace: Workspace<S>
  ) -> (table: Matrix<S>, index: IndexBlock)? {
    switch input {
    case .vectors(let vectors):
      projection(of: vectors, into: gates, on: workspace)
      return nil
    case .indexed(let vectors, let index):
      let table = workspace.arena.matrix(vectors.rows, gates.columns)
      projection(of: vectors, into: table, on: workspace)
      return (table, index)
    case .projected(let table, let index):
      return (table, index)
    }
  }

  /// The backward pass of `project`.
  private func backProject<S: Real>(
    _ trace: Trace<S>, wantsInput: Bool, on workspace: Workspace<S>
  ) -> Matrix<S>? {
    let vectors: Matrix<S>
    let gradient: Matrix<S>
    switch trace.input {
    case .vectors(let x): (vectors, gradient) = (x, trace.gates)
    case .indexed(let rows, let index):
      (vectors, gradient) = (rows, workspace.arena.zeros(rows.rows, trace.gates.columns))
      S.scatterAdd(trace.gates, at: index, into: gradient)
    case .projected: preconditionFailure("projected input is for inference")
    }
    workspace.addGradient(of: inputWeight, from: gradient, times: vectors)
    if let inputBias { S.addColumns(of: gradient, into: workspace.gradient(of: inputBias)) }
    guard wantsInput else { return nil }
    let inputGradient = workspace.arena.matrix(vectors.rows, inputSize)
    workspace.productBack(gradient, inputWeight, into: inputGradient, accumulate: false)
    return inputGradient
  }

  private func makeTrace<S: Real>(
    _ input: SequenceInput<S>, _ shape: PackedShape, _ masks: Dropout.Masks?,
    on workspace: Workspace<S>
  ) -> Trace<S> {
    func block(_ parts: Int) -> Matrix<S> {
      workspace.arena.matrix(shape.total, parts * hiddenSize)
    }
    func state() -> CellState<S> {
      CellState(hidden: block(1), cell: block(cell.cellVectorCount))
    }
    let next = state()
    var masked: (mask: Matrix<S>, hidden: Matrix<S>)?
    if let masks, dropout.states > 0, cell.hasRecurrentProduct {
      let mask = workspace.arena.matrix(shape.batch, hiddenSize)
      masks.draw(mask, .states(layer: number), rate: dropout.states)
      masked = (mask, block(1))
    }
    return Trace(
      input: input, shape: shape, gates: block(gateCount),
      recurrent: block(cell.keepsProjectionsApart ? gateCount : 0),
      saved: block(cell.savedCount), previous: state(), next: next,
      fresh: dropout.hasZoneout ? state() : next,
      zoneout: dropout.hasZoneout ? Zoneout(taken: state(), kept: state()) : nil, masked: masked)
  }
}

extension Recurrence.Trace {
  fileprivate func step(_ rows: Range<Int>, _ hiddenSize: Int) -> CellStep<S> {
    CellStep(
      hiddenSize: hiddenSize, gates: gates.rows(rows), recurrent: recurrent.rows(rows),
      previous: previous.rows(rows), next: fresh.rows(rows), saved: saved.rows(rows))
  }

  /// Writes each row's state after its own last step to `state`, [batch, hiddenSize].
  public func copyFinalState(into state: CellState<S>) {
    for step in 0..<shape.steps {
      let going = step + 1 < shape.steps ? shape.rowsPerStep[step + 1] : 0
      let ending = going..<shape.rowsPerStep[step]
      guard !ending.isEmpty else { continue }
      let rows = next.rows(shape.rows(ofStep: step)).rows(ending)
      S.copy(rows.hidden, into: state.hidden.rows(ending))
      S.copy(rows.cell, into: state.cell.rows(ending))
    }
  }
}

/// What a recurrence reads: packed rows of vectors, [total, inputSize].
public enum SequenceInput<S: Real> {
  /// One vector a row.
  case vectors(Matrix<S>)
  /// Row r reads vector index[r] of a table of distinct vectors: each is projected only once.
  case indexed(Matrix<S>, IndexBlock)
  /// Row r reads row index[r] of a table of projections that are known already; inference only.
  case projected(Matrix<S>, IndexBlock)
}
