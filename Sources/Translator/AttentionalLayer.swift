internal import DenseMath
internal import Layers
internal import Parameters

/// What a decoder makes of its state and of what it attends to in the source.
///
///     context = attention of the query h over the encoder's outputs
///     h̃ = tanh(W · [context; h] + b)
///
/// M.-T. Luong, H. Pham and C. D. Manning, "Effective approaches to attention-based neural machine
/// translation", EMNLP 2015, call h̃ the attentional hidden state. Without attention it is made of h
/// alone, and all that is known of the source is what the bridge carries over.
struct AttentionalLayer: Sendable {
  private let attention: Attention?
  private let combine: Affine
  private let querySize: Int

  /// The width of h̃.
  var outputSize: Int { combine.outputs }
  /// Whether there is attention.
  var hasAttention: Bool { attention != nil }

  /// Declares `attention.*` and `combine.*`.
  init(
    _ configuration: Translator.Configuration, memorySize: Int, outputSize: Int,
    in layout: inout ParameterLayout
  ) {
    querySize = configuration.hiddenSize
    attention = configuration.attention.score.map {
      Attention(
        $0, querySize: configuration.hiddenSize, memorySize: memorySize, name: "attention",
        in: &layout)
    }
    combine = Affine(
      inputs: querySize + (attention == nil ? 0 : memorySize), outputs: outputSize,
      name: "combine", in: &layout)
  }

  // MARK: Memory

  /// The encoder's outputs, ready to be attended to.
  struct Memory<S: Real> {
    fileprivate let prepared: Attention.Memory<S>?
    /// The rows of each sentence.
    let stretches: [Range<Int>]
  }

  /// Makes the memory of the encoder's outputs, sentence after sentence.
  func prepare<S: Real>(
    _ outputs: Matrix<S>, of stretches: [Range<Int>], forTraining: Bool,
    on workspace: Workspace<S>
  ) -> Memory<S> {
    Memory(
      prepared: attention?.prepare(outputs, forTraining: forTraining, on: workspace),
      stretches: stretches)
  }

  /// The backward pass of `prepare`, after those of all looks: the gradient of the outputs, nil without
  /// attention.
  func prepareBackward<S: Real>(_ memory: Memory<S>, on workspace: Workspace<S>) -> Matrix<S>? {
    guard let attention, let prepared = memory.prepared else { return nil }
    return attention.finish(prepared, on: workspace)
  }

  // MARK: A look

  /// What was attended to, and what was made of it.
  struct Trace<S: Real> {
    /// Nil without attention.
    let attended: Attention.Trace<S>?
    /// [context; h], [queries, memorySize + querySize].
    fileprivate let joined: Matrix<S>
    // Before dropout.
    fileprivate let whole: Matrix<S>
    fileprivate let mask: Matrix<S>?
    /// h̃, dropped out in training: [queries, outputSize].
    let output: Matrix<S>
  }

  /// h̃ of queries, each of which attends to the rows of the memory that `ranges` says.
  ///
  /// `mask`, [queries, outputSize], says what of h̃ is dropped.
  func forward<S: Real>(
    _ queries: Matrix<S>, _ ranges: AttentionRanges, in memory: Memory<S>,
    mask: Matrix<S>? = nil, on workspace: Workspace<S>
  ) -> Trace<S> {
    let joined = workspace.arena.matrix(queries.rows, combine.inputs)
    var attended: Attention.Trace<S>?
    if let attention, let prepared = memory.prepared {
      let found = attention.forward(queries, ranges, in: prepared, on: workspace)
      S.copy(found.context, into: joined.columns(0..<attention.memorySize))
      attended = found
    }
    S.copy(queries, into: joined.columns(combine.inputs - querySize..<combine.inputs))
    let whole = combine.forward(joined, on: workspace)
    S.tanh(whole, into: whole)
    var output = whole
    if let mask {
      output = workspace.arena.matrix(whole.rows, outputSize)
      S.multiply(whole, mask, into: output)
    }
    return Trace(attended: attended, joined: joined, whole: whole, mask: mask, output: output)
  }

  /// The backward pass of `forward`: the gradient of the queries from that of h̃.
  func backward<S: Real>(
    _ trace: Trace<S>, gradient: Matrix<S>, on workspace: Workspace<S>
  ) -> Matrix<S> {
    let inner = workspace.arena.matrix(gradient.rows, outputSize)
    var gradient = gradient
    if let mask = trace.mask {
      let kept = workspace.arena.matrix(gradient.rows, outputSize)
      S.multiply(gradient, mask, into: kept)
      gradient = kept
    }
    S.tanhGradient(gradient, at: trace.whole, into: inner)
    let joined = combine.backward(inner, x: trace.joined, on: workspace)
    let queries = workspace.arena.matrix(gradient.rows, querySize)
    S.copy(joined.columns(combine.inputs - querySize..<combine.inputs), into: queries)
    if let attention, let attended = trace.attended {
      let context = workspace.arena.matrix(gradient.rows, attention.memorySize)
      S.copy(joined.columns(0..<attention.memorySize), into: context)
      S.add(
        attention.backward(attended, contextGradient: context, on: workspace), into: queries)
    }
    return queries
  }
}
