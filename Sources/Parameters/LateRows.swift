internal import DenseMath
internal import Synchronization

/// The rows of row-sparse weights that updates have left out, and what they have missed.
///
/// An update without a gradient still changes a row: moments decay and still move it, and so does
/// weight decay. Such steps are kept, and a row makes up for them, one after another in registers,
/// when it is next read or changed, and all rows do so after every `mostSteps` updates. Its bits
/// are then those of a row that was never left out, and whenever it is done, they are the same.
///
/// It is `Sendable` under the rule of `Parameters`, but for `bringUp(_:at:in:)`, which shards may
/// call at once: each row has a lock, and nobody changes a row that is up to date.
final class LateRows<S: Real>: @unchecked Sendable {
  /// So many steps are kept: then all rows make up for them.
  ///
  /// The more, the fewer rows are changed that no batch reads. In 64 updates most rows that are
  /// read at all often have been; and a count fits into a byte.
  static var mostSteps: Int { 64 }

  private final class Lock: Sendable {
    let mutex = Mutex(())
  }

  private let tables: [Table?]
  private let moments: [Parameters<S>]
  /// How many steps are kept.
  private(set) var count = 0
  private let locks = (0..<64).map { _ in Lock() }
  // The steps kept, all of one kind. Plain memory, because a generic array's slices cost more than
  // the few steps that most rows have missed.
  private let adamW = UnsafeMutableBufferPointer<AdamWStep<S>>.allocate(capacity: mostSteps)
  private let momentum = UnsafeMutableBufferPointer<MomentumStep<S>>.allocate(capacity: mostSteps)

  /// No row of a layout has missed anything.
  init(_ layout: ParameterLayout, moments: [Parameters<S>]) {
    self.moments = moments
    tables = layout.entries.map { $0.isRowSparse ? Table($0) : nil }
  }

  deinit {
    adamW.deallocate()
    momentum.deallocate()
  }

  /// Whether rows of a weight may be late.
  func mayBeLate(_ weight: Weight) -> Bool { tables[weight.index] != nil }

  /// Brings the rows that are about to be read up to date.
  func bringUp(_ weight: Weight, at index: IndexBlock, in parameters: Parameters<S>) {
    guard let table = tables[weight.index], count > 0 else { return }
    for place in index.indices {
      let row = Int(index[place])
      if table.made(row) == count { continue }
      // Another shard may be at it, or have done it by now.
      locks[row % locks.count].mutex.withLock { _ in
        bringUp(row..<row + 1, of: table, in: parameters)
      }
    }
  }

  /// Brings the rows of a stretch of the block up to date, where it lies in a row-sparse weight.
  ///
  /// Each thread must have stretches of its own.
  func bringUp(_ place: (range: Range<Int>, entry: Int), in parameters: Parameters<S>) {
    guard let table = tables[place.entry], count > 0 else { return }
    let rows = table.rows(of: place.range)
    var start = rows.lowerBound
    while start < rows.upperBound {
      // Rows that have missed the same are one stretch to the kernel.
      var end = start + 1
      while end < rows.upperBound, table.made(end) == table.made(start) { end += 1 }
      bringUp(start..<end, of: table, in: parameters)
      start = end
    }
  }

  /// Brings up rows that have all made as many steps.
  private func bringUp(_ rows: Range<Int>, of table: Table, in parameters: Parameters<S>) {
    let made = table.made(rows.lowerBound)
    guard made < count else { return }
    let at = table.offset + rows.lowerBound * table.columns
    let size = rows.count * table.columns
    if moments.count == 2 {
      S.idleAdamW(
        UnsafeBufferPointer(rebasing: adamW[made..<count]), weights: parameters.base + at,
        mean: moments[0].base + at, square: moments[1].base + at, count: size)
    } else {
      S.idleMomentumSteps(
        UnsafeBufferPointer(rebasing: momentum[made..<count]), weights: parameters.base + at,
        velocity: moments[0].base + at, count: size)
    }
    table.set(rows, made: count)
  }

  /// Notes that the rows of a stretch, which are up to date, make the step that is kept next.
  func make(_ place: (range: Range<Int>, entry: Int)) {
    guard let table = tables[place.entry] else { return }
    table.set(table.rows(of: place.range), made: count + 1)
  }

  /// Keeps a step, by which all rows are late that do not `make` it.
  func keep(_ step: OptimizerStep<S>) {
    guard tables.contains(where: { $0 != nil }) else { return }
    switch step {
    case .adamW(let step): adamW.initializeElement(at: count, to: step)
    case .momentum(let step): momentum.initializeElement(at: count, to: step)
    }
    count += 1
  }

  /// Drops the steps, which all rows have made.
  func dropSteps() {
    count = 0
    for case .some(let table) in tables { table.set(0..<table.rows, made: 0) }
  }
}

/// A row-sparse weight, and for each row how many of the steps kept it has made.
///
/// It is `Sendable` because the counts are atomic: who finds that a row is up to date also finds
/// its numbers so.
private final class Table: @unchecked Sendable {
  let offset, rows, columns: Int
  private let counts: UnsafeMutablePointer<Atomic<UInt8>>

  init(_ entry: ParameterLayout.Entry) {
    (offset, rows, columns) = (entry.offset, entry.shape[0], entry.shape[1])
    counts = .allocate(capacity: rows)
    for row in 0..<rows { (counts + row).initialize(to: Atomic(0)) }
  }

  deinit {
    counts.deinitialize(count: rows)
    counts.deallocate()
  }

  func rows(of range: Range<Int>) -> Range<Int> {
    let start = (range.lowerBound - offset) / columns
    return start..<start + range.count / columns
  }

  func made(_ row: Int) -> Int {
    precondition(row >= 0 && row < rows, "the table has no such row")
    return Int(counts[row].load(ordering: .acquiring))
  }

  func set(_ range: Range<Int>, made count: Int) {
    for row in range { counts[row].store(UInt8(count), ordering: .releasing) }
  }
}
