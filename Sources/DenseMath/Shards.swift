internal import CKernels
internal import Dispatch
internal import Synchronization

/// Work that is cut into a fixed number of shards, run by any number of threads.
///
/// A shard is worked on by one thread from beginning to end, and
/// results are combined in the order of the shards. So the result does not depend on `threads`.
public struct Shards: Sendable {
  /// How many threads may work at once.
  public let threads: Int

  /// Told what fraction of the shards is done, each time one is, by the thread that did it.
  private let progress: (@Sendable (Double) -> Void)?

  /// Work on `threads` threads, by default as many as the process may use; `progress` is told what
  /// fraction of it is done.
  public init(threads: Int? = nil, progress: (@Sendable (Double) -> Void)? = nil) {
    self.threads = max(1, threads ?? Self.processors)
    self.progress = progress
  }

  /// The processors that this process may use.
  public static var processors: Int { max(1, Int(mt_processors())) }

  /// Calls `body` once for each element, each with its own element to change.
  public func forEach<Element>(
    _ elements: inout [Element], _ body: @Sendable (Int, inout Element) -> Void
  ) {
    elements.withUnsafeMutableBufferPointer { buffer in
      let shared = Exclusive(buffer)
      forEachIndex(buffer.count) { body($0, &shared.elements[$0]) }
    }
  }

  /// Calls `body` once for each number below `count`.
  public func forEachIndex(_ count: Int, _ body: @Sendable (Int) -> Void) {
    guard let progress else { return run(count, body) }
    let done = Counter()
    run(count) { index in
      body(index)
      progress(Double(done.next()) / Double(count))
    }
  }

  private func run(_ count: Int, _ body: @Sendable (Int) -> Void) {
    let workers = min(threads, count)
    guard workers > 1 else {
      for index in 0..<count { body(index) }
      return
    }
    // Worker w takes shards w, w + workers, ...: no counter to share, nothing to allocate.
    DispatchQueue.concurrentPerform(iterations: workers) { worker in
      for index in stride(from: worker, to: count, by: workers) { body(index) }
    }
  }
}

/// Counts from 1 on, for any number of threads.
private final class Counter: Sendable {
  private let count = Atomic(0)

  func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}

// Sendable: `forEach` gives each index to exactly one call, so no element is seen by two threads,
// and it returns only when all calls have returned.
private struct Exclusive<Element>: @unchecked Sendable {
  let elements: UnsafeMutableBufferPointer<Element>
  init(_ elements: UnsafeMutableBufferPointer<Element>) { self.elements = elements }
}
