public import DenseMath
internal import Synchronization

/// Workspaces for running a network forward, kept from one use to the next.
///
/// A workspace grows to what a batch needs and then asks the system for nothing. So validation and
/// inference take theirs from here and give them back, instead of making new ones each time. The
/// packed weights are made at the first use: a model that is only looked at needs none.
///
/// At most one workspace for each thread that works at once is ever made. It is `Sendable` because
/// what changes is behind a lock, and a workspace that is in use is known to its user alone.
public final class WorkspacePool<S: Real>: @unchecked Sendable {
  /// The weights; read only.
  public let parameters: Parameters<S>
  private let makePacked: @Sendable () -> PackedWeights<S>
  private let state: Mutex<State>

  // Sendable: the workspaces in it are idle, so nobody else has one.
  private struct State: @unchecked Sendable {
    var packed: PackedWeights<S>?
    var idle: [Workspace<S>] = []
  }

  /// A pool of workspaces on weights that change, whose packed copies somebody else keeps up to
  /// date.
  public init(_ parameters: Parameters<S>, packed: PackedWeights<S>) {
    self.parameters = parameters
    makePacked = { packed }
    state = Mutex(State(packed: packed))
  }

  /// A pool of workspaces on weights that do not change any more.
  public init(_ parameters: Parameters<S>, precision: ProductPrecision) {
    self.parameters = parameters
    makePacked = {
      let packed = PackedWeights<S>(
        parameters.layout, forTraining: false, precision: precision)
      packed.load(parameters, on: Shards())
      return packed
    }
    state = Mutex(State())
  }

  /// Calls `body` with a workspace of its own, whose scratch memory has been taken back.
  public func withWorkspace<Result, Failure: Error>(
    _ body: (Workspace<S>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let workspace = take()
    workspace.reset()
    defer { give(workspace) }
    return try body(workspace)
  }

  /// A workspace of one's own, for as long as one likes: for states that live on between steps.
  public func makeWorkspace() -> Workspace<S> {
    Workspace(parameters, packed: packed, forTraining: false)
  }

  /// The scratch memory of the workspaces that nobody uses now, in bytes.
  public var idleBytes: Int {
    state.withLock { $0.idle.reduce(0) { $0 + $1.arena.capacity } }
  }

  /// The packed copies of the weights, made at the first use.
  private var packed: PackedWeights<S> {
    state.withLock { state in
      let packed = state.packed ?? makePacked()
      state.packed = packed
      return packed
    }
  }

  private func take() -> Workspace<S> {
    let found = state.withLock { state in
      State(packed: nil, idle: state.idle.popLast().map { [$0] } ?? [])
    }
    return found.idle.first ?? makeWorkspace()
  }

  private func give(_ workspace: Workspace<S>) {
    let mine = State(packed: nil, idle: [workspace])
    state.withLock { $0.idle += mine.idle }
  }
}
