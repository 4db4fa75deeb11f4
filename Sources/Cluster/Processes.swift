public import DenseMath
public import Parameters
internal import Synchronization
public import Training

/// The processes that mpirun has started, as one: they train a model together.
///
///     let group = try Processes.join()
///     var run = TrainingRun(threads: group?.threads)
///     if let group { run.group = group }
///     try model.train(on: data, run: run)
///     group?.leave()
///
/// All calls come from the thread that has joined.
public final class Processes: ProcessGroup {
  private let messenger: any Messenger
  private let hosts = Mutex<[String]>([])
  private let ownThreads = Mutex(1)
  // Sendable: only the thread that has joined uses it.
  private struct Sum: @unchecked Sendable { var sum: GradientSum? }
  private let gradientSum = Mutex(Sum())

  /// Processes that a messenger connects.
  package init(_ messenger: any Messenger) {
    self.messenger = messenger
  }

  /// The number of this process.
  public var rank: Int { messenger.rank }
  /// How many processes there are.
  public var count: Int { messenger.count }

  /// Its number and its machine.
  public func name(of rank: Int) -> String {
    let host = hosts.withLock { $0.indices.contains(rank) ? $0[rank] : nil }
    return host.map { "process \(rank) on host \($0)" } ?? "process \(rank)"
  }

  /// The threads of this process that leave the others on this machine theirs.
  public var threads: Int { ownThreads.withLock { $0 } }

  func setThreads(_ count: Int) { ownThreads.withLock { $0 = count } }

  /// Remembers what machines the processes are on, for messages.
  func setHosts(_ names: [String]) { hosts.withLock { $0 = names } }

  /// Adds the gradients of all shards along their tree.
  public func sum(
    _ gradients: [Gradients<Float>], ofShards shardCount: Int, by optimizer: Optimizer<Float>,
    on shards: Shards
  ) throws -> Double {
    let layout = gradients[0].values.layout
    let known = gradientSum.withLock { $0 }
    if let sum = known.sum, sum.shardCount == shardCount, sum.layout == layout,
      sum.precision == optimizer.gradientPrecision
    {
      return try sum(gradients, on: shards)
    }
    let sum = GradientSum(
      layout, shards: shardCount, in: optimizer.gradientPrecision, messenger)
    gradientSum.withLock { [sum = Sum(sum: sum)] in $0 = sum }
    return try sum(gradients, on: shards)
  }

  // A message of `gather` begins with its length and whether its sender has failed; short ones follow at once.
  private static let headSize = 256
  private static let inHead = headSize - 16

  /// What each process gives, at all of them.
  ///
  /// Throws `ClusterError.failed` where a process has called `fail`, and what the connection throws.
  public func gather(_ bytes: [UInt8]) throws -> [[UInt8]] {
    let all = try gather(bytes, status: 0)
    let failures = all.enumerated().filter { $1.status != 0 }
    guard failures.isEmpty else {
      throw ClusterError.failed(failures.map { failure($0, $1) }, of: count)
    }
    return all.map(\.bytes)
  }

  /// Tells the others that this process cannot go on; each learns it where it calls `gather` next.
  ///
  /// Throws `ClusterError.failed` with the failures of all processes, as far as they have failed by now, and what the
  /// connection throws.
  public func fail(_ sentence: String, status: Int32) throws -> Never {
    let all = try gather(Array(sentence.utf8), status: Int64(max(1, status)))
    let failures = all.enumerated().filter { $1.status != 0 }
    throw ClusterError.failed(failures.map { failure($0, $1) }, of: count)
  }

  private func failure(_ rank: Int, _ told: (status: Int64, bytes: [UInt8])) -> ProcessFailure {
    ProcessFailure(
      rank: rank, process: name(of: rank),
      sentence: String(decoding: told.bytes, as: UTF8.self), status: Int32(clamping: told.status))
  }

  private func gather(
    _ bytes: [UInt8], status: Int64
  ) throws -> [(status: Int64, bytes: [UInt8])] {
    let room = Numbers<UInt8>(count: (count + 1) * Self.headSize)
    let mine = room.bytes(0..<Self.headSize)
    mine.storeBytes(of: Int64(bytes.count), as: Int64.self)
    mine.storeBytes(of: status, toByteOffset: 8, as: Int64.self)
    UnsafeMutableRawBufferPointer(rebasing: mine[16...]).copyBytes(from: bytes.prefix(Self.inHead))
    func head(_ rank: Int) -> UnsafeMutableRawBufferPointer {
      room.bytes((rank + 1) * Self.headSize..<(rank + 2) * Self.headSize)
    }
    let others = (0..<count).filter { $0 != rank }
    try messenger.exchange(
      others.map { .receive(head($0), from: $0) } + others.map { .send(mine, to: $0) })
    let rest = Numbers<UInt8>(count: max(0, bytes.count - Self.inHead))
    let tail = rest.bytes(0..<max(0, bytes.count - Self.inHead))
    tail.copyBytes(from: bytes.dropFirst(Self.inHead))
    var tails: [Int: Numbers<UInt8>] = [:]
    var transfers: [Transfer] = []
    for other in others {
      let count = max(0, Int(head(other).load(as: Int64.self)) - Self.inHead)
      if !tail.isEmpty { transfers.append(.send(tail, to: other)) }
      guard count > 0 else { continue }
      let place = Numbers<UInt8>(count: count)
      tails[other] = place
      transfers.append(.receive(place.bytes(0..<count), from: other))
    }
    if !transfers.isEmpty { try messenger.exchange(transfers) }
    return (0..<count).map { other in
      guard other != rank else { return (status, bytes) }
      let count = Int(head(other).load(as: Int64.self))
      var found = Array(head(other)[16..<16 + min(count, Self.inHead)])
      if let place = tails[other] { found += place.bytes(0..<count - Self.inHead) }
      return (head(other).load(fromByteOffset: 8, as: Int64.self), found)
    }
  }

  /// Parts from the other processes, which all do so.
  public func leave() { messenger.leave() }
  /// Ends all processes at once, such as where one has gone.
  public func abort(status: Int32) { messenger.abort(status: status) }
}

/// What has kept a process from going on.
public struct ProcessFailure: Error, Sendable, Equatable {
  /// The number of the process.
  public let rank: Int
  /// What it is called.
  public let process: String
  /// What is wrong.
  public let sentence: String
  /// What the process ends with.
  public let status: Int32
}

/// Why processes cannot train together any longer, as a sentence each.
public enum ClusterError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The library of messages is missing, or is not of the MPI in use.
  case noLibrary(String)
  /// Some of so many processes have failed.
  case failed([ProcessFailure], of: Int)
  /// A process has gone, or cannot be reached; one of those that are left tells it.
  case lost(String, teller: Int)

  /// The sentence.
  public var description: String {
    switch self {
    case .noLibrary(let sentence), .lost(let sentence, _): sentence
    case .failed(let failures, let count):
      // What all have found, and what the one that writes has, needs no name.
      failures.map(\.rank) == [0]
        || failures.count == count && Set(failures.map(\.sentence)).count == 1
        ? failures[0].sentence
        : failures.map { "\($0.process): \($0.sentence)" }.joined(separator: "; ")
    }
  }
}
