public import DenseMath
public import Parameters

/// Processes that train one model together, each some shards of every batch.
///
/// All of them call the same functions in the same order. The result is that of one process, bit for bit: sums follow
/// the tree of the shards, whoever holds them, and what a clock or a signal decides is decided for all at once.
public protocol ProcessGroup: Sendable {
  /// The number of this process, from 0 on; the first one writes the files.
  var rank: Int { get }
  /// How many processes there are.
  var count: Int { get }

  /// Adds the gradients of all shards along their tree.
  ///
  /// The other gradients are partial sums afterwards.
  ///
  /// - Parameters:
  ///   - gradients: Those of the shards of this process, in their order; the first one takes the sum.
  ///   - shardCount: The shards of all processes.
  ///   - optimizer: What one process alone sums by.
  ///   - shards: The threads of this process.
  /// - Returns: The norm of the sum.
  /// - Throws: What the connection throws.
  func sum(
    _ gradients: [Gradients<Float>], ofShards shardCount: Int, by optimizer: Optimizer<Float>,
    on shards: Shards
  ) throws -> Double

  /// What each process gives, at all of them, in the order of their numbers.
  ///
  /// Throws where another process has failed or gone.
  func gather(_ bytes: [UInt8]) throws -> [[UInt8]]

  /// What a message calls a process, such as `process 3 on host b`.
  func name(of rank: Int) -> String
}

extension ProcessGroup {
  /// Its number.
  public func name(of rank: Int) -> String { "process \(rank)" }

  /// The part of so many things that a process has: about as many as every other, in order.
  public func share(of things: Int, for rank: Int) -> Range<Int> {
    rank * things / count..<(rank + 1) * things / count
  }

  /// The numbers that each process gives, at all of them, in the order of the processes.
  package func gather(_ numbers: [Double]) throws -> [[Double]] {
    guard count > 1 else { return [numbers] }
    let bytes = numbers.withUnsafeBytes { Array($0) }
    return try gather(bytes).map { bytes in
      bytes.withUnsafeBytes { raw in
        (0..<raw.count / 8).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
      }
    }
  }

  /// The numbers that belong to each of some things, worked out by the processes in shares, at all of them.
  ///
  /// - Parameters:
  ///   - things: How many things there are.
  ///   - body: Makes the numbers of all things of a range, one after another.
  /// - Returns: The numbers of all things, in their order.
  /// - Throws: What the group and `body` throw.
  package func shared(_ things: Int, _ body: (Range<Int>) throws -> [Double]) throws -> [Double] {
    guard count > 1 else { return try body(0..<things) }
    return try Array(gather(body(share(of: things, for: rank))).joined())
  }

  /// Throws `ProcessError.unlike` where a process has another value of something than the first one has.
  package func demandAgreement(
    on facts: @autoclosure () -> [(name: String, value: String)]
  ) throws {
    guard count > 1 else { return }
    let facts = facts()
    let mine = facts.map { "\($0.name)\u{0}\($0.value)" }.joined(separator: "\u{0}")
    let all = try gather(Array(mine.utf8))
    for rank in 1..<count where all[rank] != all[0] {
      let (first, other) = (Self.facts(all[0]), Self.facts(all[rank]))
      let names = facts.map(\.name) + first.keys.sorted() + other.keys.sorted()
      let name = names.first { first[$0] != other[$0] } ?? "what they were told"
      throw ProcessError.unlike(
        name: name, first: first[name], firstName: self.name(of: 0), other: other[name],
        otherName: self.name(of: rank))
    }
  }

  private static func facts(_ bytes: [UInt8]) -> [String: String] {
    let parts = bytes.split(separator: 0, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    var facts: [String: String] = [:]
    for place in stride(from: 0, to: parts.count - 1, by: 2) {
      facts[parts[place]] = parts[place + 1]
    }
    return facts
  }
}

/// One process that trains alone.
public struct SingleProcess: ProcessGroup {
  /// The only one.
  public init() {}
  /// It is the first.
  public var rank: Int { 0 }
  /// One.
  public var count: Int { 1 }
  /// The sum over its own shards, which are all.
  public func sum(
    _ gradients: [Gradients<Float>], ofShards shardCount: Int, by optimizer: Optimizer<Float>,
    on shards: Shards
  ) -> Double { optimizer.sum(gradients, on: shards) }
  /// Its own.
  public func gather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
}

/// Why processes cannot train together, as a sentence each.
public enum ProcessError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Something is not the same in all: its name, and its value in the first process and in another; nil where a
  /// process has none.
  case unlike(name: String, first: String?, firstName: String, other: String?, otherName: String)
  /// There are more processes than shards.
  case tooMany(processes: Int, shards: Int)

  /// The sentence.
  public var description: String {
    switch self {
    case .unlike(let name, let first, let firstName, let other, let otherName):
      "the processes do not agree: \(name) is \(first ?? "nothing") in \(firstName), and "
        + "\(other ?? "nothing") in \(otherName)"
    case .tooMany(let processes, let shards):
      "\(processes) processes cannot share \(counted(shards, "shard")): each takes at least one"
    }
  }
}
