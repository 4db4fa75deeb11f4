public import DenseMath

extension Shards {
  /// What `body` makes of each number below `count`, in the order of the numbers.
  ///
  /// Each thread has one workspace without gradients, which it keeps from number to number, so that
  /// scratch memory is asked of the system once. Results do not depend on `threads`.
  ///
  /// - Parameters:
  ///   - count: The number of calls.
  ///   - parameters: The weights.
  ///   - packed: Their packed copies.
  ///   - body: Gets the number and the workspace, whose scratch memory is all free.
  /// - Returns: One result a number.
  public func map<S: Real, Result: Sendable>(
    _ count: Int, with parameters: Parameters<S>, packed: PackedWeights<S>,
    _ body: @Sendable (Int, Workspace<S>) -> Result
  ) -> [Result] {
    let workers = min(threads, count)
    var results = [[Result]](repeating: [], count: workers)
    forEach(&results) { worker, results in
      let workspace = Workspace(parameters, packed: packed, forTraining: false)
      for number in stride(from: worker, to: count, by: workers) {
        workspace.reset()
        results.append(body(number, workspace))
      }
    }
    return (0..<count).map { results[$0 % workers][$0 / workers] }
  }
}
