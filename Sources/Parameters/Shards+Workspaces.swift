public import DenseMath

extension Shards {
  /// What `body` makes of each number below `count`, in the order of the numbers.
  ///
  /// Results do not depend on `threads`.
  ///
  /// - Parameters:
  ///   - count: The number of calls.
  ///   - pool: Where each call's workspace comes from and goes back to.
  ///   - body: Gets the number and the workspace, whose scratch memory is all free.
  /// - Returns: One result a number.
  public func map<S: Real, Result: Sendable>(
    _ count: Int, on pool: WorkspacePool<S>,
    _ body: @Sendable (Int, Workspace<S>) -> Result
  ) -> [Result] {
    var results = [Result?](repeating: nil, count: count)
    forEach(&results) { number, result in
      result = pool.withWorkspace { body(number, $0) }
    }
    return results.compactMap { $0 }
  }
}
