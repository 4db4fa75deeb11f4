internal import Cells
internal import DenseMath
internal import Layers
public import Parameters

/// The network of a translator: an encoder that reads both ways, and a decoder that looks at it.
///
///     source.weight [symbols, E]  encoder.* (layers x 2 x H/2)   bridge.* from its last states
///     target.weight [symbols, E]  decoder.* (layers x H)         attention.*   combine.*   output.*
///     h̃ = tanh(W·[context; h] + b)        p = softmax(output · h̃ + b)
///
/// I. Sutskever, O. Vinyals and Q. Le, "Sequence to sequence learning with neural networks", NIPS
/// 2014; M.-T. Luong, H. Pham and C. D. Manning, "Effective approaches to attention-based neural
/// machine translation", EMNLP 2015. Without attention, h̃ is made of h alone, and all that is known
/// of the source is what the bridge carries over.
public struct TranslatorNetwork: Sendable {
  /// The weights' names and shapes.
  public let layout: ParameterLayout
  let configuration: Translator.Configuration
  let source, target: Embedding
  let encoder, decoder: Stack
  let attention: Attention?
  let combine: Affine
  let output: TranslatorOutput
  private let bridges: [(hidden: Affine, cell: Affine?)]
  init(_ configuration: Translator.Configuration, sourceSymbols: Int, targetSymbols: Int) {
    var layout = ParameterLayout()
    let size = configuration.hiddenSize
    let width = configuration.embeddingSize
    self.configuration = configuration
    source = Embedding(symbols: sourceSymbols, width: width, name: "source.weight", in: &layout)
    target = Embedding(
      symbols: targetSymbols, width: width, name: "target.weight",
      usedAsOutput: configuration.tiesEmbeddings, in: &layout)
    let cell = configuration.cell.makeCell()
    let half = max(1, size / 2)
    encoder = Stack(
      cell, layers: configuration.layers, inputSize: width, hiddenSize: half,
      dropout: Dropout(inputs: configuration.inputDropout, outputs: configuration.dropout),
      directions: .both, prefix: "encoder.", in: &layout)
    let combined = configuration.tiesEmbeddings ? width : size
    decoder = Stack(
      cell, layers: configuration.layers,
      inputSize: width + (configuration.feedsInput ? combined : 0), hiddenSize: size,
      dropout: Dropout(inputs: configuration.inputDropout, outputs: configuration.dropout),
      prefix: "decoder.", in: &layout)
    let hasCell = cell.cellVectorCount > 0
    bridges = (0..<configuration.layers).map { layer in
      let hidden = Affine(
        inputs: 2 * half, outputs: size, name: "bridge.hidden_l\(layer)", in: &layout)
      let cell =
        hasCell
        ? Affine(inputs: 2 * half, outputs: size, name: "bridge.cell_l\(layer)", in: &layout) : nil
      return (hidden, cell)
    }
    attention = configuration.attention.score.map {
      Attention($0, querySize: size, memorySize: 2 * half, name: "attention", in: &layout)
    }
    combine = Affine(
      inputs: size + (attention == nil ? 0 : 2 * half), outputs: combined, name: "combine",
      in: &layout)
    output = TranslatorOutput(
      configuration, inputs: combined, symbols: targetSymbols, of: target, in: &layout)
    self.layout = layout
  }

  /// Brings the vectors of symbols to the length that suits what they are read with.
  func adjust<S: Real>(_ parameters: Parameters<S>) {
    for embedding in [source, target] {
      S.scale(parameters[embedding.table], by: S(1 / Double(embedding.width).squareRoot()))
    }
  }

  // MARK: The encoder

  /// Source sentences in packed rows, falling in length, and where each stands.
  struct Sources {
    let shape: PackedShape
    let symbols: IndexBlock
    /// For sentence after sentence, the packed row of each of its symbols.
    let rows: IndexBlock
    /// The stretch of each sentence among them.
    let stretches: [Range<Int>]
  }

  /// What the encoder has made of some sentences.
  struct Encoded<S: Real> {
    let sources: Sources
    let embedded: Embedding.Trace<S>
    let trace: Stack.Trace<S>
    /// Sentence after sentence, [symbols, 2 · half]; without rows where there is no attention.
    let memory: Attention.Memory<S>?
    let memoryRows: Matrix<S>
    /// What the bridge has read and made, by layer: [sentences, 2 · half] and [sentences, hidden].
    let bridged: [(hidden: Matrix<S>, cell: Matrix<S>, state: CellState<S>)]
  }

  /// Puts sentences, which must not be empty, into packed rows; any order.
  static func sources<S: Real>(
    _ sentences: [[Int32]], on workspace: Workspace<S>
  ) -> (sources: Sources, rowOfSentence: [Int]) {
    let order = sentences.indices.sorted { (sentences[$1].count, $0) < (sentences[$0].count, $1) }
    let shape = PackedShape(lengths: order.map { sentences[$0].count })
    var rowOfSentence = [Int](repeating: 0, count: sentences.count)
    for (row, sentence) in order.enumerated() { rowOfSentence[sentence] = row }
    let symbols = workspace.arena.indices(shape.total)
    let rows = workspace.arena.indices(shape.total)
    var stretches: [Range<Int>] = []
    var place = 0
    for (number, sentence) in sentences.enumerated() {
      stretches.append(place..<place + sentence.count)
      for (step, symbol) in sentence.enumerated() {
        let row = shape.offsets[step] + rowOfSentence[number]
        symbols[row] = symbol
        rows[place] = Int32(row)
        place += 1
      }
    }
    let found = Sources(
      shape: shape, symbols: symbols,
      rows: rows, stretches: stretches)
    return (found, rowOfSentence)
  }

  func encode<S: Real>(
    _ sources: Sources, forTraining: Bool, masks: Dropout.Masks? = nil,
    on workspace: Workspace<S>
  ) -> Encoded<S> {
    let batch = sources.shape.batch
    let embedded = source.forward(sources.symbols, on: workspace)
    let trace = encoder.forward(
      .indexed(embedded.vectors, embedded.index), sources.shape,
      from: zeroStates(encoder, batch, on: workspace), masks: masks, on: workspace)
    let half = encoder.hiddenSize
    let final = zeroStates(encoder, batch, on: workspace)
    for (layer, state) in zip(trace.layers, final) { layer.copyFinalState(into: state) }
    let bridged = bridges.enumerated().map { level, bridge in
      func joined(_ part: (CellState<S>) -> Matrix<S>) -> Matrix<S> {
        let block = workspace.arena.matrix(batch, 2 * half)
        for side in 0..<2 {
          S.copy(part(final[2 * level + side]), into: block.part(side, width: half))
        }
        return block
      }
      let hidden = joined(\.hidden)
      let state = bridge.hidden.forward(hidden, on: workspace)
      S.tanh(state, into: state)
      guard let toCell = bridge.cell else {
        let none = workspace.arena.matrix(batch, 0)
        return (hidden, none, CellState(hidden: state, cell: none))
      }
      let cell = joined(\.cell)
      return (hidden, cell, CellState(hidden: state, cell: toCell.forward(cell, on: workspace)))
    }
    let memoryRows = workspace.arena.matrix(
      attention == nil ? 0 : sources.shape.total, 2 * half)
    if attention != nil { S.gather(trace.output, at: sources.rows, into: memoryRows) }
    return Encoded(
      sources: sources, embedded: embedded, trace: trace,
      memory: attention?.prepare(memoryRows, forTraining: forTraining, on: workspace),
      memoryRows: memoryRows, bridged: bridged)
  }

  // MARK: The decoder

  /// What one run of the decoder over packed rows has made.
  struct Decoded<S: Real> {
    let embedded: Embedding.Trace<S>
    let trace: Stack.Trace<S>
    /// The top layer's outputs, sentence after sentence.
    let queries: Matrix<S>
    let looked: Attention.Trace<S>?
    /// [context; h] and h̃, sentence after sentence.
    let joined, combined: Matrix<S>
  }

  /// Runs the decoder over target symbols in packed rows, from states.
  ///
  /// `rows` says which packed row comes where, sentence after sentence; nil for one step, whose rows
  /// stay where they are. `ranges` says which of those belong to which stretch of the memory, and
  /// `fed` [rows, combined] is what each row is told of the step before, where inputs are fed.
  func decode<S: Real>(
    _ symbols: IndexBlock, _ shape: PackedShape, rows: IndexBlock?,
    from states: [CellState<S>], fed: Matrix<S>?, looking ranges: AttentionRanges?,
    at memory: Attention.Memory<S>?, masks: Dropout.Masks? = nil, on workspace: Workspace<S>
  ) -> Decoded<S> {
    let embedded = target.forward(symbols, on: workspace)
    var input = SequenceInput.indexed(embedded.vectors, embedded.index)
    if let fed {
      let both = workspace.arena.matrix(shape.total, target.width + fed.columns)
      S.gather(embedded.vectors, at: embedded.index, into: both.columns(0..<target.width))
      S.copy(fed, into: both.columns(target.width..<both.columns))
      input = .vectors(both)
    }
    let trace = decoder.forward(input, shape, from: states, masks: masks, on: workspace)
    let size = decoder.outputSize
    let joined = workspace.arena.matrix(shape.total, combine.inputs)
    var queries = trace.output
    if let rows {
      queries = workspace.arena.matrix(shape.total, size)
      S.gather(trace.output, at: rows, into: queries)
    }
    var looked: Attention.Trace<S>?
    if let attention, let ranges, let memory {
      let found = attention.forward(queries, ranges, in: memory, on: workspace)
      S.copy(found.context, into: joined.columns(0..<attention.memorySize))
      looked = found
    }
    S.copy(queries, into: joined.columns(combine.inputs - size..<combine.inputs))
    let combined = combine.forward(joined, on: workspace)
    S.tanh(combined, into: combined)
    return Decoded(
      embedded: embedded, trace: trace, queries: queries, looked: looked, joined: joined,
      combined: combined)
  }

  /// What the first step is told of the one before it: zeros, where inputs are fed.
  func nothingFed<S: Real>(_ batch: Int, on workspace: Workspace<S>) -> Matrix<S>? {
    configuration.feedsInput ? workspace.arena.zeros(batch, combine.outputs) : nil
  }

  /// Runs the decoder over whole sentences: at once, or where inputs are fed, step by step.
  ///
  /// Returns the runs and h̃ sentence after sentence.
  private func decode<S: Real>(
    _ targets: Sources, from states: [CellState<S>], rowOfTarget: [Int], encoded: Encoded<S>,
    masks: Dropout.Masks?, on workspace: Workspace<S>
  ) -> (runs: [Decoded<S>], combined: Matrix<S>) {
    let memory = encoded.sources.stretches
    let shape = targets.shape
    guard let nothing = nothingFed(shape.batch, on: workspace) else {
      let ranges = attention.map { _ in
        AttentionRanges(queries: targets.stretches, memory: memory)
      }
      let run = decode(
        targets.symbols, shape, rows: targets.rows, from: states, fed: nil, looking: ranges,
        at: encoded.memory, masks: masks, on: workspace)
      return ([run], run.combined)
    }
    var memoryOfRow = memory
    for (sentence, row) in rowOfTarget.enumerated() { memoryOfRow[row] = memory[sentence] }
    var (runs, states, fed) = ([Decoded<S>](), states, nothing)
    let packed = workspace.arena.matrix(shape.total, combine.outputs)
    for step in 0..<shape.steps {
      // Packed rows fall in length, so the sentences that go on are the first ones.
      let rows = 0..<shape.rowsPerStep[step]
      let ranges = attention.map { _ in
        AttentionRanges(
          queries: rows.map { $0..<$0 + 1 }, memory: Array(memoryOfRow[rows]))
      }
      let run = decode(
        targets.symbols.part(shape.rows(ofStep: step)),
        PackedShape(steps: 1, batch: rows.count), rows: nil,
        from: states.map { $0.rows(rows) }, fed: fed.rows(rows), looking: ranges,
        at: encoded.memory, masks: masks, on: workspace)
      states = zeroStates(decoder, rows.count, on: workspace)
      for (layer, state) in zip(run.trace.layers, states) { layer.copyFinalState(into: state) }
      fed = run.combined
      S.copy(fed, into: packed.rows(shape.rows(ofStep: step)))
      runs.append(run)
    }
    let combined = workspace.arena.matrix(shape.total, combine.outputs)
    S.gather(packed, at: targets.rows, into: combined)
    return (runs, combined)
  }

  /// The way back through attention and what is made of it: the gradient of the queries.
  private func queryGradient<S: Real>(
    _ gradient: Matrix<S>, _ run: Decoded<S>, on workspace: Workspace<S>
  ) -> Matrix<S> {
    let inner = workspace.arena.matrix(gradient.rows, combine.outputs)
    S.fill(inner, with: 1)
    S.tanhGradient(gradient, times: inner, at: run.combined, into: inner)
    let joined = combine.backward(inner, x: run.joined, on: workspace)
    let size = decoder.outputSize
    let queries = workspace.arena.matrix(gradient.rows, size)
    S.copy(joined.columns(combine.inputs - size..<combine.inputs), into: queries)
    if let attention, let looked = run.looked {
      let context = workspace.arena.matrix(gradient.rows, attention.memorySize)
      S.copy(joined.columns(0..<attention.memorySize), into: context)
      S.add(
        attention.backward(looked, contextGradient: context, on: workspace), into: queries)
    }
    return queries
  }

  /// The way back of `decode`, from the gradient of h̃ sentence after sentence.
  ///
  /// `stateGradients` must be zeros and become the gradients of the first states.
  private func decodeBackward<S: Real>(
    _ runs: [Decoded<S>], _ gradient: Matrix<S>, targets: Sources,
    stateGradients: [CellState<S>], on workspace: Workspace<S>
  ) {
    let shape = targets.shape
    guard configuration.feedsInput else {
      let output = workspace.arena.zeros(shape.total, decoder.outputSize)
      S.scatterAdd(
        queryGradient(gradient, runs[0], on: workspace), at: targets.rows, into: output)
      if let back = decoder.backward(
        runs[0].trace, outputGradient: output, stateGradients: stateGradients, on: workspace)
      {
        target.backward(runs[0].embedded, gradient: back, on: workspace)
      }
      return
    }
    let packed = workspace.arena.zeros(shape.total, combine.outputs)
    S.scatterAdd(gradient, at: targets.rows, into: packed)
    for (step, run) in runs.enumerated().reversed() {
      let rows = shape.rows(ofStep: step)
      let output = queryGradient(packed.rows(rows), run, on: workspace)
      guard
        let back = decoder.backward(
          run.trace, outputGradient: output,
          stateGradients: stateGradients.map { $0.rows(0..<rows.count) }, on: workspace)
      else { continue }
      let vectors = workspace.arena.zeros(run.embedded.vectors.rows, target.width)
      S.scatterAdd(back.columns(0..<target.width), at: run.embedded.index, into: vectors)
      target.backward(run.embedded, gradient: vectors, on: workspace)
      if step > 0 {
        let before = shape.offsets[step - 1]
        S.add(
          back.columns(target.width..<back.columns), into: packed.rows(before..<before + rows.count)
        )
      }
    }
  }

  // MARK: Training

  /// Pairs of a batch: what is read, what is written, and what should be written next.
  struct Pairs {
    let sources: [[Int32]]
    /// Each begins with the symbol that stands before a sentence.
    let inputs: [[Int32]]
    /// Each ends with the symbol that stands after one.
    let targets: [[Int32]]
  }

  /// The sum of the losses of all target symbols in nats, without smoothing.
  ///
  /// With gradients, those of `scale` times the smoothed sum are added to the workspace's.
  /// `smoothed` becomes that sum.
  func loss<S: Real>(
    _ pairs: Pairs, masks: (source: Dropout.Masks, target: Dropout.Masks)? = nil, scale: Double,
    withGradients: Bool, smoothed: inout Double, on workspace: Workspace<S>
  ) -> Double {
    let (sources, rowOfSource) = Self.sources(pairs.sources, on: workspace)
    let encoded = encode(
      sources, forTraining: withGradients, masks: masks?.source, on: workspace)
    let (targets, rowOfTarget) = Self.sources(pairs.inputs, on: workspace)
    let batch = pairs.sources.count
    // The decoder's rows are by the length of what is written, the encoder's of what is read.
    let places = workspace.arena.indices(batch)
    for sentence in 0..<batch { places[rowOfTarget[sentence]] = Int32(rowOfSource[sentence]) }
    let states = encoded.bridged.map { bridged in
      let state = CellState(
        hidden: workspace.arena.matrix(batch, bridged.state.hidden.columns),
        cell: workspace.arena.matrix(batch, bridged.state.cell.columns))
      S.gather(bridged.state.hidden, at: places, into: state.hidden)
      S.gather(bridged.state.cell, at: places, into: state.cell)
      return state
    }
    let (runs, combined) = decode(
      targets, from: states, rowOfTarget: rowOfTarget, encoded: encoded, masks: masks?.target,
      on: workspace)
    let wanted = workspace.arena.indices(targets.shape.total)
    var row = 0
    for sentence in pairs.targets {
      for symbol in sentence {
        wanted[row] = symbol
        row += 1
      }
    }
    guard withGradients else {
      smoothed = output.loss(combined, wanted, on: workspace)
      return smoothed
    }
    let judged = output.lossAndGradient(combined, wanted, scale: scale, on: workspace)
    smoothed = judged.smoothed
    let stateGradients = zeroStates(decoder, batch, on: workspace)
    decodeBackward(
      runs, judged.gradient, targets: targets, stateGradients: stateGradients, on: workspace)
    encodeBackward(encoded, stateGradients, places: places, on: workspace)
    return judged.loss
  }

  /// The way back of `encode`, after that of the decoder.
  private func encodeBackward<S: Real>(
    _ encoded: Encoded<S>, _ stateGradients: [CellState<S>], places: IndexBlock,
    on workspace: Workspace<S>
  ) {
    let batch = encoded.sources.shape.batch
    let half = encoder.hiddenSize
    let encoderStates = zeroStates(encoder, batch, on: workspace)
    for (level, bridge) in bridges.enumerated() {
      let bridged = encoded.bridged[level]
      func part(_ affine: Affine, _ x: Matrix<S>, _ found: Matrix<S>, at y: Matrix<S>?) -> Matrix<S>
      {
        let sum = workspace.arena.zeros(batch, affine.outputs)
        S.scatterAdd(found, at: places, into: sum)
        if let y {
          let ones = workspace.arena.matrix(batch, affine.outputs)
          S.fill(ones, with: 1)
          S.tanhGradient(sum, times: ones, at: y, into: sum)
        }
        return affine.backward(sum, x: x, on: workspace)
      }
      let hidden = part(
        bridge.hidden, bridged.hidden, stateGradients[level].hidden, at: bridged.state.hidden)
      let cell = bridge.cell.map {
        part($0, bridged.cell, stateGradients[level].cell, at: nil)
      }
      for side in 0..<2 {
        let state = encoderStates[2 * level + side]
        S.copy(hidden.part(side, width: half), into: state.hidden)
        if let cell { S.copy(cell.part(side, width: half), into: state.cell) }
      }
    }
    let encoderGradient = workspace.arena.zeros(encoded.sources.shape.total, encoder.outputSize)
    if let attention, let memory = encoded.memory {
      S.scatterAdd(
        attention.finish(memory, on: workspace), at: encoded.sources.rows, into: encoderGradient)
    }
    if let back = encoder.backward(
      encoded.trace, outputGradient: encoderGradient, stateGradients: encoderStates, on: workspace)
    {
      source.backward(encoded.embedded, gradient: back, on: workspace)
    }
  }

  func zeroStates<S: Real>(
    _ stack: Stack, _ batch: Int, on workspace: Workspace<S>
  ) -> [CellState<S>] {
    stack.layers.map { .zeros(of: $0, batch: batch, on: workspace) }
  }
}
