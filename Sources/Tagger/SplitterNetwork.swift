internal import Cells
internal import DenseMath
internal import Files
internal import Layers
internal import Parameters
internal import Training

/// The network of a splitter: graphemes and their traits -> both directions -> scores of labels.
///
///     graphemes.weight [graphemes, E]   traits.weight [traits, F]   pairs.weight [rows, P]
///     rnn.*   output.*
struct SplitterNetwork: ModelNetwork {
  let layout: ParameterLayout
  // Of pairs of neighbours many share a row, as there are too many of them.
  private let graphemes, traits, pairs: Embedding
  private let stack: Stack
  private let output: Affine

  init(_ configuration: Splitter.Configuration, graphemes count: Int) {
    var layout = ParameterLayout()
    graphemes = Embedding(
      vocabularySize: count, width: configuration.graphemeSize, name: "graphemes.weight",
      in: &layout)
    traits = Embedding(
      vocabularySize: SplitterCode.traitCount, width: configuration.traitSize,
      name: "traits.weight", in: &layout)
    pairs = Embedding(
      vocabularySize: configuration.pairRows, width: configuration.pairSize, name: "pairs.weight",
      in: &layout)
    stack = Stack(
      configuration.cell.makeCell(), layers: configuration.layers,
      inputSize: graphemes.width + traits.width + pairs.width,
      hiddenSize: configuration.hiddenSize,
      dropout: Dropout(inputs: configuration.inputDropout, outputs: configuration.dropout),
      directions: .both, prefix: "rnn.", in: &layout)
    output = Affine(
      inputs: stack.outputSize, outputs: Splitter.Label.allCases.count, name: "output",
      in: &layout)
    self.layout = layout
  }

  /// Begins with vectors of the length that suits what they are read with.
  func adjust(_ parameters: Parameters<Float>) {
    for table in tables {
      Float.scale(parameters[table.table], by: Float(1 / Double(table.width).squareRoot()))
    }
  }

  private var tables: [Embedding] { [graphemes, traits, pairs] }

  /// The row of a grapheme and the one before it.
  private func row(of grapheme: Int32, after previous: Int32) -> Int32 {
    // Multiplied by a large odd number, the upper bits depend on all of both.
    let mixed =
      (UInt64(UInt32(bitPattern: previous)) << 32 | UInt64(UInt32(bitPattern: grapheme)))
      &* 0x9E37_79B9_7F4A_7C15
    return Int32((mixed >> 32) * UInt64(pairs.vocabularySize) >> 32)
  }

  /// What the backward pass needs.
  struct Trace<S: Real> {
    let shape: PackedShape
    /// The scores of the labels of each row, [rows, labels].
    let scores: Matrix<S>
    fileprivate let found: [Embedding.Trace<S>]
    fileprivate let stack: Stack.Trace<S>
  }

  /// The scores of sequences, which fall in length; `masks` is nil outside training.
  func forward<S: Real>(
    _ sequences: [SplitterSequence], masks: Dropout.Masks? = nil, on workspace: Workspace<S>
  ) -> Trace<S> {
    let shape = PackedShape(lengths: sequences.map(\.graphemes.count))
    let index = workspace.arena.indices(shape.total)
    let ids = distinct(sequences, shape, index)
    var found: [Embedding.Trace<S>] = []
    let vectors = workspace.arena.matrix(ids[0].count, stack.layers[0].inputSize)
    var column = 0
    for (table, ids) in zip(tables, ids) {
      let trace = table.forward(workspace.arena.indices(of: ids), on: workspace)
      S.gather(
        trace.vectors, at: trace.index, into: vectors.columns(column..<column + table.width))
      found.append(trace)
      column += table.width
    }
    let trace = stack.forward(
      .indexed(vectors, index), shape, from: stack.zeroStates(batch: shape.batch, on: workspace),
      masks: masks, on: workspace)
    return Trace(
      shape: shape, scores: output.forward(trace.output, on: workspace), found: found,
      stack: trace)
  }

  /// What the places of a batch mean to each table, each different place once, as it is projected;
  /// `index` says which one a row means.
  private func distinct(
    _ sequences: [SplitterSequence], _ shape: PackedShape, _ index: IndexBlock
  ) -> [[Int32]] {
    var places: [UInt64: Int32] = [:]
    places.reserveCapacity(4096)
    var ids: [[Int32]] = [[], [], []]
    for row in 0..<shape.batch {
      var previous = SplitterCode.unknown
      for (step, grapheme) in sequences[row].graphemes.enumerated() {
        let trait = sequences[row].traits[step]
        let pair = self.row(of: grapheme, after: previous)
        previous = grapheme
        // Graphemes have 24 bits at most, rows of pairs too.
        let key =
          UInt64(UInt32(bitPattern: pair)) << 32
          | UInt64(UInt32(bitPattern: grapheme)) << 8 | UInt64(UInt32(bitPattern: trait))
        let place = places[key] ?? Int32(ids[0].count)
        if place == ids[0].count {
          places[key] = place
          ids[0].append(grapheme)
          ids[1].append(trait)
          ids[2].append(pair)
        }
        index[shape.offsets[step] + row] = place
      }
    }
    return ids
  }

  /// The sum of the losses in nats over all places that have a label; adds the gradients of `scale`
  /// times it.
  func lossAndGradients<S: Real>(
    _ sequences: [SplitterSequence], masks: Dropout.Masks?, scale: Double,
    on workspace: Workspace<S>
  ) -> Double {
    let trace = forward(sequences, masks: masks, on: workspace)
    let targets = workspace.arena.indices(trace.shape.total)
    for step in 0..<trace.shape.steps {
      for row in 0..<trace.shape.rowsPerStep[step] {
        targets[trace.shape.offsets[step] + row] = sequences[row].labels[step]
      }
    }
    let loss = SoftmaxCrossEntropy.lossAndGradient(trace.scores, targets: targets, scale: scale)
    backward(trace, on: workspace)
    return loss
  }

  /// The backward pass; the gradient of the scores stands in their place.
  private func backward<S: Real>(_ trace: Trace<S>, on workspace: Workspace<S>) {
    let gradient = output.backward(trace.scores, x: trace.stack.output, on: workspace)
    guard
      let vectors = stack.backward(
        trace.stack, outputGradient: gradient,
        stateGradients: stack.zeroStates(batch: trace.shape.batch, on: workspace), on: workspace)
    else { return }
    var column = 0
    for (table, found) in zip(tables, trace.found) {
      let sum = workspace.arena.zeros(found.vectors.rows, table.width)
      S.scatterAdd(
        vectors.columns(column..<column + table.width), at: found.index, into: sum)
      table.backward(found, gradient: sum, on: workspace)
      column += table.width
    }
  }

  /// The likeliest label of each place of sequences, which need not fall in length.
  func labels(
    of sequences: [SplitterSequence], on pool: WorkspacePool<Float>, _ shards: Shards
  ) -> [[Int]] {
    let batches = BucketedBatches.byLength(
      sequences.map(\.graphemes.count), maxExamples: 32, maxTokens: 8192)
    let found = shards.map(batches.count, on: pool) { number, workspace in
      let trace = forward(batches[number].map { sequences[$0] }, on: workspace)
      return trace.shape.sequences.map { rows in
        rows.map { row in
          (0..<trace.scores.columns).max {
            trace.scores[row, $0] < trace.scores[row, $1]
          } ?? 0
        }
      }
    }
    var results = [[Int]](repeating: [], count: sequences.count)
    for (batch, labels) in zip(batches, found) {
      for (sequence, labels) in zip(batch, labels) { results[sequence] = labels }
    }
    return results
  }
}

/// Windows of paragraphs in batches of like length, in an order of their own in every epoch.
final class SplitterTask: TrainingTask {
  private let network: SplitterNetwork
  private let sequences: [SplitterSequence]
  private let counts: [Int]
  private let batches: BucketedBatches
  private let masks: CounterRandom

  init(
    _ network: SplitterNetwork, _ sequences: [SplitterSequence], _ options: TrainingOptions
  ) {
    self.network = network
    self.sequences = sequences
    counts = sequences.map { $0.labels.count { $0 >= 0 } }
    batches = BucketedBatches(
      lengths: sequences.map(\.graphemes.count), batch: options.batch ?? 1,
      shards: options.shards ?? 1, sortedWithin: 32, seed: options.seed)
    masks = CounterRandom(seed: options.seed, stream: .dropout)
  }

  var layout: ParameterLayout { network.layout }
  var shardCount: Int { batches.shardCount }
  var updatesPerEpoch: Int { batches.batchesPerEpoch }
  var tokensPerUpdate: Int { max(1, counts.reduce(0, +) / updatesPerEpoch) }
  var unit: String { "char" }
  var trainingSize: DataSize { DataSize(tokens: counts.reduce(0, +)) }

  /// What tells these data from others.
  var fingerprint: Fingerprint {
    var fingerprint = Fingerprint()
    for sequence in sequences {
      fingerprint.add(sequence.graphemes)
      fingerprint.add(sequence.labels)
    }
    return fingerprint
  }

  func run(shard: Int, update: Int, on workspace: Workspace<Float>) -> Double {
    let all = batches.examples(ofUpdate: update)
    let mine = batches.part(shard, of: all)
    let count = all.reduce(0) { $0 + counts[$1] }
    guard !mine.isEmpty, count > 0 else { return 0 }
    let scale = 1 / Double(count)
    return scale
      * network.lossAndGradients(
        mine.map { sequences[$0] },
        masks: Dropout.Masks(masks, step: update, firstLane: shard << 16), scale: scale,
        on: workspace)
  }

  func validate(on pool: WorkspacePool<Float>, _ shards: Shards) -> Validation? { nil }
}
