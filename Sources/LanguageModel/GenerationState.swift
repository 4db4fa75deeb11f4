internal import Cells
internal import DenseMath
internal import Glibc
internal import Parameters

/// Texts that a model is reading one token after another, a row each: their states and their scores for
/// the next token.
///
/// A row's numbers have the same bits whichever rows stand beside it, as those of a product have.
final class GenerationState {
  private let network: LanguageNetwork
  private let workspace: Workspace<Float>
  private let state: StackState<Float>
  private let scores: Parameters<Float>
  private let projections: TokenProjections?
  /// The number of texts that there is room for.
  let capacity: Int
  /// The number of texts.
  private(set) var count: Int

  /// One text, before its first token.
  convenience init(_ model: LanguageModel) {
    self.init(model, capacity: 1)
    count = 1
  }

  /// Room for some texts.
  convenience init(_ model: LanguageModel, capacity: Int) {
    self.init(
      model.network, model.core.workspaces.makeWorkspace(),
      projections: TokenProjections(model.network), capacity: capacity)
  }

  private init(
    _ network: LanguageNetwork, _ workspace: Workspace<Float>, projections: TokenProjections?,
    capacity: Int
  ) {
    self.network = network
    self.workspace = workspace
    self.projections = projections
    self.capacity = capacity
    count = 0
    state = StackState(network.stack, batch: capacity)
    scores = Parameters(Self.scores(of: network, rows: capacity))
  }

  /// The layout of a block of scores, [rows, tokens].
  private static func scores(of network: LanguageNetwork, rows: Int) -> ParameterLayout {
    var layout = ParameterLayout()
    _ = layout.declare("logits", shape: [rows, network.output.outputs], as: .constant(0))
    return layout
  }

  /// What `numbers` of a text are.
  static func layout(of model: LanguageModel) -> ParameterLayout {
    StackState<Float>(model.network.stack, batch: 1).block.layout
  }

  /// All numbers of the state of the only text.
  var numbers: Parameters<Float> { state.block }

  /// Takes over the numbers of another state of one text.
  func assign(_ numbers: Parameters<Float>) { state.block.assign(numbers) }

  /// A state of its own after the same tokens.
  func copy() -> GenerationState {
    let copy = GenerationState(
      network, workspace.beside(), projections: projections, capacity: capacity)
    copy.state.block.assign(state.block)
    copy.scores.assign(scores)
    copy.count = count
    return copy
  }

  /// Another text: the only one of another state of the same model, in the next row.
  func add(_ other: GenerationState) {
    precondition(count < capacity && other.count == 1, "no room for another text")
    copyRow(0, of: other, to: count)
    count += 1
  }

  /// One text less: the last one takes its row.
  func remove(row: Int) {
    precondition(row < count, "no text in row \(row)")
    count -= 1
    if row < count { copyRow(count, of: self, to: row) }
  }

  private func copyRow(_ from: Int, of other: GenerationState, to row: Int) {
    for (mine, theirs) in zip(state.layers, other.state.layers) {
      let (mine, theirs) = (mine.rows(row..<row + 1), theirs.rows(from..<from + 1))
      Float.copy(theirs.hidden, into: mine.hidden)
      Float.copy(theirs.cell, into: mine.cell)
    }
    Float.copy(other.logits(ofRow: from), into: logits(ofRow: row))
  }

  /// The scores of all tokens for a text, [1, tokens].
  func logits(ofRow row: Int) -> Matrix<Float> {
    let columns = network.output.outputs
    return Matrix(scores.base + row * columns, rows: 1, columns: columns)
  }

  /// Reads a stretch of the only text, many tokens at once.
  func read(prompt: [Int]) {
    precondition(count == 1, "a prompt is read by itself")
    let atOnce = 256
    for start in stride(from: 0, to: prompt.count, by: atOnce) {
      let tokens = Array(prompt[start..<min(start + atOnce, prompt.count)])
      workspace.reset()
      advance(embedded(tokens), PackedShape(steps: tokens.count, batch: 1))
    }
  }

  /// Reads one token for each text.
  func read(_ tokens: [Int]) {
    precondition(tokens.count == count, "a token a text")
    guard !tokens.isEmpty else { return }
    workspace.reset()
    let shape = PackedShape(steps: 1, batch: tokens.count)
    guard let projections else { return advance(embedded(tokens), shape) }
    let place = workspace.arena.indices(1)
    for token in tokens {
      place[0] = Int32(token)
      projections.project(token, of: network, at: place, on: workspace)
    }
    advance(
      .projected(projections.table, workspace.arena.indices(of: tokens.map(Int32.init))), shape)
  }

  private func embedded(_ tokens: [Int]) -> SequenceInput<Float> {
    let ids = workspace.arena.indices(of: tokens.map(Int32.init))
    let embedded = network.embedding.forward(ids, on: workspace)
    return .indexed(embedded.vectors, embedded.index)
  }

  private func advance(_ input: SequenceInput<Float>, _ shape: PackedShape) {
    let rows = 0..<shape.batch
    let layers = state.layers.map { $0.rows(rows) }
    let trace = network.stack.forward(input, shape, from: layers, on: workspace)
    for (layer, state) in zip(trace.layers, layers) { layer.copyFinalState(into: state) }
    let last = trace.output.rows(shape.total - shape.batch..<shape.total)
    let logits = network.output.forward(last, on: workspace)
    for row in rows { Float.copy(logits.rows(row..<row + 1), into: self.logits(ofRow: row)) }
  }
}

/// The first layer's projections of tokens, each computed at its first use: a quarter of the work of
/// a step in a network of two layers.
///
/// Pages that no token has touched cost no memory. They depend on the weights alone, so all copies
/// of a text in the making share them; as none of these is `Sendable`, all are on one thread.
private final class TokenProjections {
  /// [tokens, gates · hidden]; only rows that `project` was called for are filled.
  let table: Matrix<Float>
  private var isProjected: [Bool]

  /// Room for the projections of all tokens; nil where the system has none.
  init?(_ network: LanguageNetwork) {
    let tokens = network.embedding.vocabularySize
    let first = network.stack.layers[0]
    let width = first.cell.gateCount * first.hiddenSize
    // A map rather than a malloc: it is zero and untouched, and aligned.
    guard
      let map = mmap(
        nil, tokens * width * MemoryLayout<Float>.stride, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
      map != MAP_FAILED
    else { return nil }
    table = Matrix(
      map.bindMemory(to: Float.self, capacity: tokens * width), rows: tokens, columns: width)
    isProjected = Array(repeating: false, count: tokens)
  }

  deinit { munmap(table.base, table.rows * table.stride * MemoryLayout<Float>.stride) }

  /// Fills the row of a token, whose id stands at `place`.
  func project(
    _ token: Int, of network: LanguageNetwork, at place: IndexBlock,
    on workspace: Workspace<Float>
  ) {
    guard !isProjected[token] else { return }
    let embedded = network.embedding.forward(place, on: workspace)
    network.stack.layers[0].projection(
      of: embedded.vectors, into: table.rows(token..<token + 1), on: workspace)
    isProjected[token] = true
  }
}
