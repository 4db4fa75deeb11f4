internal import Cells
internal import DenseMath
internal import Glibc
internal import Parameters

/// A model reading one token after another: its state and its scores for the next token.
final class GenerationState {
  private let network: LanguageNetwork
  private let workspace: Workspace<Float>
  private let state: StackState<Float>
  private let scores: UnsafeMutableBufferPointer<Float>
  private let projections: TokenProjections?
  private let oneStep = PackedShape(steps: 1, batch: 1)

  /// The state before the first token.
  convenience init(_ model: LanguageModel) {
    self.init(
      model.network, model.core.workspaces.makeWorkspace(),
      projections: TokenProjections(model.network))
  }

  private init(
    _ network: LanguageNetwork, _ workspace: Workspace<Float>, projections: TokenProjections?
  ) {
    self.network = network
    self.workspace = workspace
    self.projections = projections
    state = StackState(network.stack, batch: 1)
    scores = .allocate(capacity: network.output.outputs)
    scores.initialize(repeating: 0)
  }

  deinit { scores.deallocate() }

  /// A state of its own after the same tokens.
  func copy() -> GenerationState {
    let copy = GenerationState(network, workspace.beside(), projections: projections)
    copy.state.block.assign(state.block)
    Float.copy(logits, into: copy.logits)
    return copy
  }

  /// The scores of all tokens, [1, tokens].
  var logits: Matrix<Float> {
    Matrix(scores.baseAddress.unsafelyUnwrapped, rows: 1, columns: scores.count)
  }

  /// Reads a text, many tokens at once.
  func read(prompt: [Int]) {
    let atOnce = 256
    for start in stride(from: 0, to: prompt.count, by: atOnce) {
      read(prompt[start..<min(start + atOnce, prompt.count)])
    }
  }

  private func read(_ tokens: ArraySlice<Int>) {
    workspace.reset()
    let ids = workspace.arena.indices(tokens.count)
    for (index, id) in tokens.enumerated() { ids[index] = Int32(id) }
    let embedded = network.embedding.forward(ids, on: workspace)
    advance(.indexed(embedded.vectors, embedded.index), PackedShape(steps: tokens.count, batch: 1))
  }

  /// Reads one token.
  func read(_ token: Int) {
    guard let projections else { return read([token]) }
    workspace.reset()
    let id = workspace.arena.indices(1)
    id[0] = Int32(token)
    projections.project(token, of: network, at: id, on: workspace)
    advance(.projected(projections.table, id), oneStep)
  }

  private func advance(_ input: SequenceInput<Float>, _ shape: PackedShape) {
    let trace = network.stack.forward(input, shape, from: state.layers, on: workspace)
    state.update(from: trace)
    let last = trace.output.rows(shape.total - 1..<shape.total)
    Float.copy(network.output.forward(last, on: workspace), into: logits)
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
