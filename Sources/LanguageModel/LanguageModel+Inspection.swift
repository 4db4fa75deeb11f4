internal import Cells
internal import DenseMath
public import ICUText
internal import Layers
internal import Parameters

extension LanguageModel {
  /// One unit of one layer, both counted from 1 as people do.
  public struct Unit: Sendable, Hashable {
    /// The layer from the bottom, and the unit in it.
    public let layer, number: Int

    /// A unit.
    public init(layer: Int, number: Int) {
      self.layer = layer
      self.number = number
    }
  }

  /// What of a unit can be looked at: its output h, its memory c if it has one, and its gates.
  public var signals: [String] {
    let cell = network.stack.layers[0].cell
    return (cell.cellVectorCount == 1 ? ["c"] : []) + ["h"] + cell.gateNames
  }

  /// The symbols of a text and the text that each completes, perhaps none.
  ///
  /// Throws `TextError` for a text that ICU cannot take.
  public func pieces(of text: String) throws(TextError) -> (symbols: [Int], pieces: [String]) {
    let symbols = try vocabulary.encode(text)
    var decoder = StreamingDecoder(vocabulary)
    return (symbols, symbols.map { decoder.append($0) })
  }

  /// The signal of some units after each symbol of a text, from a state of zeros.
  ///
  /// A model that reads backwards begins at the last symbol; what is returned is in the order of
  /// the text.
  ///
  /// - Returns: For each unit, one number a symbol.
  /// - Throws: `LanguageModelError.noSignal` for a signal that the cell does not have,
  ///   `LanguageModelError.noUnit` for a unit that the network does not have.
  public func activations(
    of units: [Unit], signal: String, in symbols: [Int]
  ) throws(LanguageModelError) -> [[Float]] {
    for unit in units {
      guard (1...configuration.layers).contains(unit.layer),
        (1...configuration.hiddenSize).contains(unit.number)
      else {
        throw .noUnit(
          unit, layers: configuration.layers, hiddenSize: configuration.hiddenSize)
      }
    }
    var values = units.map { _ in [Float](repeating: 0, count: symbols.count) }
    try forEachStep(of: symbols, signal: signal) { place, layers in
      for (index, unit) in units.enumerated() {
        values[index][place] = layers[unit.layer - 1][0, unit.number - 1]
      }
    }
    return values
  }

  /// How well each unit follows a property of the text: its correlation (Pearson's r) with it.
  ///
  /// Units that never change, and a property that never does, have 0.
  ///
  /// - Parameters:
  ///   - property: One number a symbol.
  ///   - signal: What of the units is compared.
  ///   - symbols: The text.
  /// - Returns: All units, the strongest correlation of either sign first.
  /// - Throws: `LanguageModelError.noSignal` for a signal that the cell does not have.
  public func units(
    following property: [Double], signal: String, in symbols: [Int]
  ) throws(LanguageModelError) -> [(unit: Unit, correlation: Double)] {
    let size = configuration.hiddenSize
    // Running means and sums of squared differences (Welford), which lose nothing on long texts.
    var moments = [(mean: Double, square: Double, product: Double)](
      repeating: (0, 0, 0), count: configuration.layers * size)
    var (count, mean, square) = (0.0, 0.0, 0.0)
    try forEachStep(of: symbols, signal: signal) { place, layers in
      let value = property[place]
      count += 1
      let difference = value - mean
      mean += difference / count
      square += difference * (value - mean)
      for (layer, row) in layers.enumerated() {
        for unit in 0..<size {
          let x = Double(row[0, unit])
          let place = layer * size + unit
          let step = x - moments[place].mean
          moments[place].mean += step / count
          moments[place].square += step * (x - moments[place].mean)
          moments[place].product += step * (value - mean)
        }
      }
    }
    return moments.enumerated().map { place, moment in
      let scale = (moment.square * square).squareRoot()
      return (
        Unit(layer: place / size + 1, number: place % size + 1),
        scale > 1e-12 ? moment.product / scale : 0
      )
    }.sorted { (abs($1.1), $0.0.layer, $0.0.number) < (abs($0.1), $1.0.layer, $1.0.number) }
  }

  /// How much of the model's own loss at the end of stretches of a text reaches back.
  ///
  /// The end is what the model reads last.
  ///
  /// - Parameters:
  ///   - symbols: A text of more than `length` symbols.
  ///   - length: The steps.
  ///   - fresh: Measure untrained weights of the same network instead.
  /// - Returns: The norm of the gradient with respect to all states, one step back, two and so on,
  ///   over up to 8 stretches together.
  /// - Throws: `LanguageModelError.textTooShort`.
  public func gradientNorms(
    on symbols: [Int], length: Int, fresh: Bool = false
  ) throws(LanguageModelError) -> [Double] {
    guard symbols.count > length else {
      throw .textTooShort(symbols: symbols.count, needed: length + 1)
    }
    let symbols = asRead(symbols)
    let batch = min(8, symbols.count / (length + 1))
    let starts = (0..<batch).map { $0 * (symbols.count - length - 1) / max(1, batch - 1) }
    let weights = fresh ? Parameters<Float>(network.layout, seed: 1) : parameters
    let factors = PackedWeights<Float>(network.layout, forTraining: true)
    factors.load(weights, on: Shards())
    let workspace = Workspace(weights, packed: factors, forTraining: true)
    func row(_ step: Int) -> UnsafePointer<Int32> {
      let ids = workspace.arena.indices(batch)
      for (lane, start) in starts.enumerated() { ids[lane] = Int32(symbols[start + step]) }
      return UnsafePointer(ids.baseAddress.unsafelyUnwrapped)
    }
    let inputs = (0..<length).map { step in
      let embedded = network.embedding.forward(row(step), count: batch, on: workspace)
      return SequenceInput.indexed(embedded.vectors, embedded.index)
    }
    return network.stack.gradientNorms(inputs: inputs, batch: batch, on: workspace) { last in
      let logits = network.output.forward(last, on: workspace)
      _ = SoftmaxCrossEntropy.lossAndGradient(logits, targets: row(length), scale: 1)
      return network.output.backward(logits, x: last, on: workspace)
    }
  }

  /// Reads a text and shows each symbol's place and every layer's signal there, [1, hiddenSize].
  private func forEachStep(
    of symbols: [Int], signal: String, _ body: (Int, [Matrix<Float>]) -> Void
  ) throws(LanguageModelError) {
    guard signals.contains(signal) else {
      throw .noSignal(signal, cell: configuration.cell.rawValue, known: signals)
    }
    let symbols = asRead(symbols)
    let stack = network.stack
    let gate = stack.layers[0].cell.gateNames.firstIndex(of: signal)
    let workspace = Workspace(parameters, packed: packed, forTraining: false)
    let state = StackState<Float>(stack, batch: 1)
    let atOnce = 256
    for start in stride(from: 0, to: symbols.count, by: atOnce) {
      let part = symbols[start..<min(start + atOnce, symbols.count)]
      workspace.reset()
      let ids = workspace.arena.indices(part.count)
      for (index, id) in part.enumerated() { ids[index] = Int32(id) }
      guard let first = ids.baseAddress else { continue }
      let embedded = network.embedding.forward(first, count: part.count, on: workspace)
      let trace = stack.forward(
        .indexed(embedded.vectors, embedded.index), PackedShape(steps: part.count, batch: 1),
        from: state.layers, on: workspace)
      let blocks = trace.layers.map { layer in
        switch signal {
        case "c": layer.cells
        case "h": layer.output
        default: layer.activations.part(gate ?? 0, width: configuration.hiddenSize)
        }
      }
      for step in part.indices {
        let place = configuration.isBackwards ? symbols.count - 1 - step : step
        body(place, blocks.map { $0.rows(step - start..<step - start + 1) })
      }
      state.update(from: trace)
    }
  }
}
