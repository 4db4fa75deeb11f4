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

  /// What of the units of a layer, counted from 1, can be looked at: their c where the cell has one,
  /// their output h, and their gates; none for a layer that the network does not have.
  public func signals(ofLayer layer: Int) -> [String] {
    guard (1...configuration.layers).contains(layer) else { return [] }
    let cell = network.stack.layers[layer - 1].cell
    return (cell.cellVectorCount == 1 ? ["c"] : []) + ["h"] + cell.gateNames
  }

  /// What can be looked at in every layer; h at least.
  ///
  /// The layers of a `window` network differ: those above the lowest have a single gate.
  public var signals: [String] {
    (1...configuration.layers).reduce(signals(ofLayer: 1)) { shared, layer in
      shared.filter(signals(ofLayer: layer).contains)
    }
  }

  /// The ids of a text's tokens and the text that each completes, perhaps none.
  ///
  /// Throws `TextError` for a text that ICU cannot take.
  public func pieces(of text: String) throws(TextError) -> (ids: [Int], pieces: [String]) {
    let ids = try vocabulary.encode(text)
    var decoder = StreamingDecoder(vocabulary)
    return (ids, ids.map { decoder.append($0) })
  }

  /// The signal of some units after each token of a text, from a state of zeros.
  ///
  /// A model that reads backwards begins at the last token; what is returned is in the order of the
  /// text.
  ///
  /// - Returns: For each unit, one number a token.
  /// - Throws: `LanguageModelError.noUnit` for a unit that the network does not have,
  ///   `LanguageModelError.noSignal` for a signal that the layer of a unit does not have.
  public func activations(
    of units: [Unit], signal: String, in ids: [Int]
  ) throws(LanguageModelError) -> [[Float]] {
    for unit in units {
      guard (1...configuration.layers).contains(unit.layer),
        (1...configuration.hiddenSize).contains(unit.number)
      else {
        throw .noUnit(
          unit, layers: configuration.layers, hiddenSize: configuration.hiddenSize)
      }
      try demand(signal, ofLayer: unit.layer)
    }
    var values = units.map { _ in [Float](repeating: 0, count: ids.count) }
    forEachStep(of: ids, signal: signal, layers: Set(units.map(\.layer)).sorted()) {
      place, layer, row in
      for (index, unit) in units.enumerated() where unit.layer == layer {
        values[index][place] = row[0, unit.number - 1]
      }
    }
    return values
  }

  /// How well each unit follows a property of the text: its correlation (Pearson's r) with it.
  ///
  /// Units that never change, and a property that never does, have 0.
  ///
  /// - Parameters:
  ///   - property: One number a token.
  ///   - signal: What of the units is compared.
  ///   - ids: The text.
  /// - Returns: All units of the layers that have the signal, the strongest correlation of either
  ///   sign first.
  /// - Throws: `LanguageModelError.noSignal` for a signal that no layer has.
  public func units(
    following property: [Double], signal: String, in ids: [Int]
  ) throws(LanguageModelError) -> [(unit: Unit, correlation: Double)] {
    try units(followingEach: [property], signal: signal, in: ids)[0]
  }

  /// The same for several properties, for which the text is read once.
  ///
  /// - Parameters:
  ///   - properties: For each property one number a token.
  ///   - signal: What of the units is compared.
  ///   - ids: The text.
  ///   - progress: Told what fraction of the text is read.
  /// - Returns: For each property what `units(following:signal:in:)` returns.
  /// - Throws: `LanguageModelError.noSignal` for a signal that no layer has.
  public func units(
    followingEach properties: [[Double]], signal: String, in ids: [Int],
    progress: (Double) -> Void = { _ in }
  ) throws(LanguageModelError) -> [[(unit: Unit, correlation: Double)]] {
    let layers = (1...configuration.layers).filter { signals(ofLayer: $0).contains(signal) }
    guard let lowest = layers.first else {
      throw .noSignal(signal, layer: 1, known: signals(ofLayer: 1))
    }
    let size = configuration.hiddenSize
    var rankings = properties.map { _ in Correlations(units: size * layers.count) }
    var read = 0
    forEachStep(of: ids, signal: signal, layers: layers) { place, layer, row in
      let first = (layers.firstIndex(of: layer) ?? 0) * size
      if layer == lowest {
        read += 1
        if read % 64 == 0 { progress(Double(read) / Double(ids.count)) }
      }
      for (number, property) in properties.enumerated() {
        if layer == lowest { rankings[number].add(property[place]) }
        for unit in 0..<size { rankings[number].add(Double(row[0, unit]), of: first + unit) }
      }
    }
    return rankings.map { ranking in
      ranking.values.enumerated().map { place, correlation in
        (Unit(layer: layers[place / size], number: place % size + 1), correlation)
      }.sorted { (abs($1.1), $0.0.layer, $0.0.number) < (abs($0.1), $1.0.layer, $1.0.number) }
    }
  }

  /// How much of the model's own loss at the end of stretches of a text reaches back.
  ///
  /// The end is what the model reads last.
  ///
  /// - Parameters:
  ///   - ids: A text of more than `length` tokens.
  ///   - length: The steps.
  ///   - fresh: Measure untrained weights of the same network instead.
  /// - Returns: The norm of the gradient with respect to all states, one step back, two and so on,
  ///   over up to 8 stretches together.
  /// - Throws: `LanguageModelError.textTooShort`.
  public func gradientNorms(
    on ids: [Int], length: Int, fresh: Bool = false
  ) throws(LanguageModelError) -> [Double] {
    guard ids.count > length else {
      throw .textTooShort(tokens: ids.count, needed: length + 1)
    }
    let ids = asRead(ids)
    let batch = min(8, ids.count / (length + 1))
    let starts = (0..<batch).map { $0 * (ids.count - length - 1) / max(1, batch - 1) }
    let weights = fresh ? Parameters<Float>(network.layout, seed: 1) : core.weights.block
    let factors = PackedWeights<Float>(network.layout, forTraining: true)
    factors.load(weights, on: Shards())
    let workspace = Workspace(weights, packed: factors, forTraining: true)
    func row(_ step: Int) -> IndexBlock {
      workspace.arena.indices(of: starts.map { Int32(ids[$0 + step]) })
    }
    let inputs = (0..<length).map { step in
      let embedded = network.embedding.forward(row(step), on: workspace)
      return SequenceInput.indexed(embedded.vectors, embedded.index)
    }
    return network.stack.gradientNorms(inputs: inputs, batch: batch, on: workspace) { last in
      let logits = network.output.forward(last, on: workspace)
      _ = SoftmaxCrossEntropy.lossAndGradient(logits, targets: row(length), scale: 1)
      return network.output.backward(logits, x: last, on: workspace)
    }
  }

  private func demand(_ signal: String, ofLayer layer: Int) throws(LanguageModelError) {
    let known = signals(ofLayer: layer)
    guard known.contains(signal) else { throw .noSignal(signal, layer: layer, known: known) }
  }

  /// Reads a text and shows the signal of some layers, which have it, after each token: the place,
  /// the layer and its row [1, hiddenSize], layers in their order.
  private func forEachStep(
    of ids: [Int], signal: String, layers: [Int], _ body: (Int, Int, Matrix<Float>) -> Void
  ) {
    let ids = asRead(ids)
    let workspace = core.workspaces.makeWorkspace()
    let state = StackState<Float>(network.stack, batch: 1)
    let atOnce = 256
    for start in stride(from: 0, to: ids.count, by: atOnce) {
      let part = ids[start..<min(start + atOnce, ids.count)]
      workspace.reset()
      let read = workspace.arena.indices(of: part.map { Int32($0) })
      let embedded = network.embedding.forward(read, on: workspace)
      let trace = network.stack.forward(
        .indexed(embedded.vectors, embedded.index), PackedShape(steps: part.count, batch: 1),
        from: state.layers, on: workspace)
      let blocks = layers.map { rows(of: signal, layer: $0, in: trace) }
      for step in part.indices {
        let place = configuration.isBackwards ? ids.count - 1 - step : step
        for (layer, block) in zip(layers, blocks) {
          body(place, layer, block.rows(step - start..<step - start + 1))
        }
      }
      state.update(from: trace)
    }
  }

  /// A signal of a layer, which has it, at all steps of a batch, [steps, hiddenSize].
  private func rows(
    of signal: String, layer: Int, in trace: Stack.Trace<Float>
  ) -> Matrix<Float> {
    let found = trace.layers[layer - 1]
    switch signal {
    case "c": return found.cells
    case "h": return found.output
    default:
      let gates = network.stack.layers[layer - 1].cell.gateNames
      return found.activations.part(
        gates.firstIndex(of: signal) ?? 0, width: configuration.hiddenSize)
    }
  }
}

/// Pearson's r of many series with one.
///
/// By running means and sums of squared differences, which lose nothing on long texts: B. P. Welford,
/// "Note on a method for calculating corrected sums of squares and products", Technometrics 4 (1962).
private struct Correlations {
  private var units: [(mean: Double, square: Double, product: Double)]
  private var (count, mean, square) = (0.0, 0.0, 0.0)
  // How far the last value is from the mean with it.
  private var deviation = 0.0

  init(units: Int) { self.units = Array(repeating: (0, 0, 0), count: units) }

  /// Takes the next value of the one series.
  mutating func add(_ value: Double) {
    count += 1
    let difference = value - mean
    mean += difference / count
    deviation = value - mean
    square += difference * deviation
  }

  /// Takes the value of a unit beside it.
  mutating func add(_ value: Double, of unit: Int) {
    let difference = value - units[unit].mean
    units[unit].mean += difference / count
    units[unit].square += difference * (value - units[unit].mean)
    units[unit].product += difference * deviation
  }

  /// The correlation of each unit; 0 where a series never changes.
  var values: [Double] {
    units.map { unit in
      let scale = (unit.square * square).squareRoot()
      return scale > 1e-12 ? unit.product / scale : 0
    }
  }
}
