/// What all processes of a training go by: the clock of the first, and whether any was told to stop.
///
/// A process alone asks itself whenever it wants to know; of many each knows what they last told each other.
final class Agreement {
  private let group: any ProcessGroup
  private let ownSeconds: () -> Double
  private let wasStopped, wasDue: () -> Bool
  private var agreed: (seconds: Double, isStopped: Bool, isDue: Bool)?

  /// What is asked in this process: the seconds trained, whether it was told to stop, whether a checkpoint is due.
  init(
    _ group: any ProcessGroup, seconds: @escaping () -> Double,
    isStopped: @escaping () -> Bool, isDue: @escaping () -> Bool
  ) {
    self.group = group
    ownSeconds = seconds
    wasStopped = isStopped
    wasDue = isDue
  }

  /// The seconds trained.
  var seconds: Double { agreed?.seconds ?? ownSeconds() }
  /// Whether training is to end.
  var isStopped: Bool { agreed?.isStopped ?? wasStopped() }
  /// Whether it is time for a checkpoint.
  var isDue: Bool { agreed?.isDue ?? wasDue() }

  /// Tells the others some numbers, and how things are here; returns those of all processes, in their order.
  ///
  /// Throws what the group throws.
  func gather(_ numbers: [Double]) throws -> [Double] {
    guard group.count > 1 else { return numbers }
    let all = try group.gather(
      [ownSeconds(), wasStopped() ? 1 : 0, wasDue() ? 1 : 0] + numbers)
    agreed = (all[0][0], all.contains { $0[1] != 0 }, all[0][2] != 0)
    return all.flatMap { $0.dropFirst(3) }
  }
}
