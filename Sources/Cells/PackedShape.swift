/// The shape of a batch of sequences of different lengths, without padding.
///
/// Sequences are sorted by falling length; step t holds the rows of those that are still running,
/// and the steps lie one after another. There is no mask and no arithmetic on padding, and a row's
/// final state is the one after its own last step. It is PyTorch's `PackedSequence`.
public struct PackedShape: Sendable, Equatable {
  /// The number of rows of each step, never growing.
  public let rowsPerStep: [Int]
  /// The first row of each step, and the number of all rows at the end.
  public let offsets: [Int]

  /// The shape of sequences of these lengths, which must fall or stay, and be at least 1.
  public init(lengths: [Int]) {
    precondition(zip(lengths, lengths.dropFirst()).allSatisfy { $0 >= $1 }, "lengths must fall")
    precondition((lengths.last ?? 1) >= 1, "a sequence has at least one step")
    var rows: [Int] = []
    for step in 0..<(lengths.first ?? 0) {
      rows.append(lengths.prefix { $0 > step }.count)
    }
    self.init(rowsPerStep: rows)
  }

  /// The shape of `batch` sequences of the same length.
  public init(steps: Int, batch: Int) {
    self.init(rowsPerStep: Array(repeating: batch, count: steps))
  }

  private init(rowsPerStep: [Int]) {
    self.rowsPerStep = rowsPerStep
    offsets = rowsPerStep.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
  }

  /// The number of steps of the longest sequence.
  public var steps: Int { rowsPerStep.count }
  /// The number of sequences.
  public var batch: Int { rowsPerStep.first ?? 0 }
  /// The number of steps of all sequences together.
  public var total: Int { offsets[offsets.count - 1] }
  /// The steps of the sequence in a row of the first step.
  public func length(ofRow row: Int) -> Int {
    var (low, high) = (0, steps)
    while low < high {
      let middle = (low + high) / 2
      if rowsPerStep[middle] > row { low = middle + 1 } else { high = middle }
    }
    return low
  }
  /// The rows of a step.
  public func rows(ofStep step: Int) -> Range<Int> { offsets[step]..<offsets[step + 1] }
}
