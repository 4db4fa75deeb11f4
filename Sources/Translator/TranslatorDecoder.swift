internal import Cells
internal import DenseMath
internal import Layers
internal import Parameters

/// The decoder of a translator: a recurrence over what has been written, with a look at the source
/// after each step.
///
///     h = the stack's outputs over the embedding of the ids        h̃ = the attentional layer of h
///
/// With input feeding (Luong et al., EMNLP 2015) a step also reads the h̃ of the step before,
/// [embedding; h̃], so that the decoder knows where it has looked; training then goes step by step.
///
/// `forward` runs over whole sentences, as training does, and `step` over one token of each row, as
/// translating does; both are made of the same parts.
struct TranslatorDecoder: Sendable {
  let embedding: Embedding
  let stack: Stack
  let attentional: AttentionalLayer
  private let feedsInput: Bool

  /// Declares the stack as `decoder.*`; the attentional layer comes later among the weights.
  static func makeStack(
    _ configuration: Translator.Configuration, outputSize: Int, in layout: inout ParameterLayout
  ) -> Stack {
    Stack(
      configuration.cell.makeCell(), layers: configuration.layers,
      inputSize: configuration.embeddingSize + (configuration.feedsInput ? outputSize : 0),
      hiddenSize: configuration.hiddenSize,
      dropout: Dropout(inputs: configuration.inputDropout, outputs: configuration.dropout),
      dropsTop: false, prefix: "decoder.", in: &layout)
  }

  /// A decoder of these parts.
  init(
    _ configuration: Translator.Configuration, reading embedding: Embedding, stack: Stack,
    attentional: AttentionalLayer
  ) {
    self.embedding = embedding
    self.stack = stack
    self.attentional = attentional
    feedsInput = configuration.feedsInput
  }

  // MARK: Whole sentences

  /// What a run over whole sentences has made.
  struct Trace<S: Real> {
    fileprivate let sentences: PackedSentences
    /// One pass over all packed rows, or with input feeding one for each step.
    fileprivate let passes: [Pass<S>]
    /// h̃, sentence after sentence.
    let output: Matrix<S>
  }

  /// Runs over whole sentences from first states, whose rows are in the order of the packed ones.
  ///
  /// Sentence k attends to the k-th stretch of the memory.
  func forward<S: Real>(
    _ sentences: PackedSentences, from states: [CellState<S>],
    in memory: AttentionalLayer.Memory<S>, masks: Dropout.Masks?, on workspace: Workspace<S>
  ) -> Trace<S> {
    feedsInput
      ? forwardByStep(sentences, from: states, in: memory, masks: masks, on: workspace)
      : forwardAtOnce(sentences, from: states, in: memory, masks: masks, on: workspace)
  }

  /// The backward pass of `forward`, from the gradient of h̃ sentence after sentence.
  ///
  /// Returns the gradients of the first states.
  func backward<S: Real>(
    _ trace: Trace<S>, gradient: Matrix<S>, on workspace: Workspace<S>
  ) -> [CellState<S>] {
    let states: [CellState<S>] = stack.zeroStates(
      batch: trace.sentences.shape.batch, on: workspace)
    if feedsInput {
      backwardByStep(trace, gradient: gradient, stateGradients: states, on: workspace)
    } else {
      backwardAtOnce(trace, gradient: gradient, stateGradients: states, on: workspace)
    }
    return states
  }

  private func forwardAtOnce<S: Real>(
    _ sentences: PackedSentences, from states: [CellState<S>],
    in memory: AttentionalLayer.Memory<S>, masks: Dropout.Masks?, on workspace: Workspace<S>
  ) -> Trace<S> {
    let (embedded, recurrence) = recur(
      sentences.ids, sentences.shape, from: states, fed: nil, masks: masks, on: workspace)
    let queries = workspace.arena.matrix(sentences.shape.total, stack.outputSize)
    S.gather(recurrence.output, at: sentences.rows, into: queries)
    let mask = mask(of: sentences.shape.batch, masks, on: workspace).map { mask in
      let rows = workspace.arena.matrix(queries.rows, mask.columns)
      let places = zip(sentences.stretches, sentences.rowOfSentence).flatMap { stretch, row in
        [Int](repeating: row, count: stretch.count)
      }
      S.gather(mask, at: workspace.indices(places), into: rows)
      return rows
    }
    let looked = attentional.forward(
      queries, AttentionRanges(queries: sentences.stretches, memory: memory.stretches), in: memory,
      mask: mask, on: workspace)
    let pass = Pass(embedded: embedded, recurrence: recurrence, looked: looked)
    return Trace(sentences: sentences, passes: [pass], output: looked.output)
  }

  private func backwardAtOnce<S: Real>(
    _ trace: Trace<S>, gradient: Matrix<S>, stateGradients: [CellState<S>],
    on workspace: Workspace<S>
  ) {
    let pass = trace.passes[0]
    let output = workspace.arena.zeros(trace.sentences.shape.total, stack.outputSize)
    S.scatterAdd(
      attentional.backward(pass.looked, gradient: gradient, on: workspace),
      at: trace.sentences.rows, into: output)
    _ = recurBackward(
      pass, outputGradient: output, stateGradients: stateGradients, on: workspace)
  }

  private func forwardByStep<S: Real>(
    _ sentences: PackedSentences, from states: [CellState<S>],
    in memory: AttentionalLayer.Memory<S>, masks: Dropout.Masks?, on workspace: Workspace<S>
  ) -> Trace<S> {
    let shape = sentences.shape
    var memoryOfRow = memory.stretches
    for (sentence, row) in sentences.rowOfSentence.enumerated() {
      memoryOfRow[row] = memory.stretches[sentence]
    }
    var (states, fed) = (states, firstFed(shape.batch, on: workspace))
    var passes: [Pass<S>] = []
    let packed = workspace.arena.matrix(shape.total, attentional.outputSize)
    let mask = mask(of: shape.batch, masks, on: workspace)
    for step in 0..<shape.steps {
      // Packed rows fall in length, so the sentences that go on are the first ones.
      let rows = 0..<shape.rowsPerStep[step]
      let pass = self.step(
        sentences.ids.part(shape.rows(ofStep: step)), from: states.map { $0.rows(rows) },
        fed: fed?.rows(rows),
        AttentionRanges(queries: rows.map { $0..<$0 + 1 }, memory: Array(memoryOfRow[rows])),
        in: memory, mask: mask?.rows(rows), masks: masks, on: workspace)
      states = stack.finalStates(of: pass.recurrence, on: workspace)
      fed = pass.output
      S.copy(pass.output, into: packed.rows(shape.rows(ofStep: step)))
      passes.append(pass)
    }
    let output = workspace.arena.matrix(shape.total, attentional.outputSize)
    S.gather(packed, at: sentences.rows, into: output)
    return Trace(sentences: sentences, passes: passes, output: output)
  }

  private func backwardByStep<S: Real>(
    _ trace: Trace<S>, gradient: Matrix<S>, stateGradients: [CellState<S>],
    on workspace: Workspace<S>
  ) {
    let shape = trace.sentences.shape
    let packed = workspace.arena.zeros(shape.total, attentional.outputSize)
    S.scatterAdd(gradient, at: trace.sentences.rows, into: packed)
    for (step, pass) in trace.passes.enumerated().reversed() {
      let rows = shape.rows(ofStep: step)
      let fed = stepBackward(
        pass, gradient: packed.rows(rows),
        stateGradients: stateGradients.map { $0.rows(0..<rows.count) }, on: workspace)
      if let fed, step > 0 {
        let before = shape.offsets[step - 1]
        S.add(fed, into: packed.rows(before..<before + rows.count))
      }
    }
  }

  /// What of h̃ training drops: a mask a sentence, in packed rows; nil for nothing.
  ///
  /// h̃ is what is dropped, and neither what attention asks nor what it reads: a product of two
  /// vectors with half of their numbers gone says little of where to look.
  private func mask<S: Real>(
    of batch: Int, _ masks: Dropout.Masks?, on workspace: Workspace<S>
  ) -> Matrix<S>? {
    guard let masks, stack.dropout.outputs > 0 else { return nil }
    let mask = workspace.arena.matrix(batch, attentional.outputSize)
    masks.draw(mask, outputsOfLevel: stack.layers.count - 1, rate: stack.dropout.outputs)
    return mask
  }

  // MARK: One step

  /// What one pass over packed rows has made.
  struct Pass<S: Real> {
    fileprivate let embedded: Embedding.Trace<S>
    let recurrence: Stack.Trace<S>
    let looked: AttentionalLayer.Trace<S>
    /// h̃.
    var output: Matrix<S> { looked.output }
  }

  /// What the first step is fed: zeros, or nil where inputs are not fed.
  func firstFed<S: Real>(_ batch: Int, on workspace: Workspace<S>) -> Matrix<S>? {
    feedsInput ? workspace.arena.zeros(batch, attentional.outputSize) : nil
  }

  /// Runs one step of as many rows as the states have.
  ///
  /// `ids` holds the token that each row reads, `fed` the h̃ of the step before, [rows, outputSize], with
  /// input feeding, and `ranges` says where in the memory the rows look.
  func step<S: Real>(
    _ ids: IndexBlock, from states: [CellState<S>], fed: Matrix<S>?,
    _ ranges: AttentionRanges, in memory: AttentionalLayer.Memory<S>, mask: Matrix<S>? = nil,
    masks: Dropout.Masks?, on workspace: Workspace<S>
  ) -> Pass<S> {
    let (embedded, recurrence) = recur(
      ids, PackedShape(steps: 1, batch: states[0].hidden.rows), from: states, fed: fed,
      masks: masks, on: workspace)
    return Pass(
      embedded: embedded, recurrence: recurrence,
      looked: attentional.forward(recurrence.output, ranges, in: memory, mask: mask, on: workspace))
  }

  /// The backward pass of `step`, from the gradients of h̃ and of the states after it, which become those
  /// of the states before.
  ///
  /// Returns the gradient of what was fed.
  private func stepBackward<S: Real>(
    _ pass: Pass<S>, gradient: Matrix<S>, stateGradients: [CellState<S>],
    on workspace: Workspace<S>
  ) -> Matrix<S>? {
    recurBackward(
      pass, outputGradient: attentional.backward(pass.looked, gradient: gradient, on: workspace),
      stateGradients: stateGradients, on: workspace)
  }

  /// The recurrence over packed rows, without the look at the source.
  private func recur<S: Real>(
    _ ids: IndexBlock, _ shape: PackedShape, from states: [CellState<S>],
    fed: Matrix<S>?, masks: Dropout.Masks?, on workspace: Workspace<S>
  ) -> (embedded: Embedding.Trace<S>, recurrence: Stack.Trace<S>) {
    let embedded = embedding.forward(ids, on: workspace)
    var input = SequenceInput.indexed(embedded.vectors, embedded.index)
    if let fed {
      let both = workspace.arena.matrix(shape.total, embedding.width + fed.columns)
      S.gather(embedded.vectors, at: embedded.index, into: both.columns(0..<embedding.width))
      S.copy(fed, into: both.columns(embedding.width..<both.columns))
      input = .vectors(both)
    }
    let recurrence = stack.forward(input, shape, from: states, masks: masks, on: workspace)
    return (embedded, recurrence)
  }

  /// The backward pass of `recur`; returns the gradient of what was fed, nil where nothing was.
  private func recurBackward<S: Real>(
    _ pass: Pass<S>, outputGradient: Matrix<S>, stateGradients: [CellState<S>],
    on workspace: Workspace<S>
  ) -> Matrix<S>? {
    guard
      let gradient = stack.backward(
        pass.recurrence, outputGradient: outputGradient, stateGradients: stateGradients,
        on: workspace)
    else { return nil }
    guard feedsInput else {
      embedding.backward(pass.embedded, gradient: gradient, on: workspace)
      return nil
    }
    let vectors = workspace.arena.zeros(pass.embedded.vectors.rows, embedding.width)
    S.scatterAdd(
      gradient.columns(0..<embedding.width), at: pass.embedded.index, into: vectors)
    embedding.backward(pass.embedded, gradient: vectors, on: workspace)
    return gradient.columns(embedding.width..<gradient.columns)
  }
}
