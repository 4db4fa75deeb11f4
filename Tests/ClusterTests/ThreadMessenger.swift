import Foundation
import Synchronization

@testable import Cluster

/// Messages between threads of this process, which stand for processes.
final class ThreadMessenger: Messenger {
  /// What is on its way, from each to each.
  final class Post: Sendable {
    let count: Int
    private let mail: Mutex<[[UInt8]: [[UInt8]]]>
    /// The bytes that each has sent.
    private let sent: Mutex<[Int]>
    private let isLost = Mutex(false)

    init(count: Int) {
      self.count = count
      mail = Mutex([:])
      sent = Mutex(Array(repeating: 0, count: count))
    }

    var bytesSent: [Int] { sent.withLock { $0 } }

    func put(_ bytes: [UInt8], from: Int, to: Int) {
      mail.withLock { $0[[UInt8(from), UInt8(to)], default: []].append(bytes) }
      sent.withLock { $0[from] += bytes.count }
    }

    /// The next message, for which it waits.
    func take(from: Int, to: Int) -> [UInt8] {
      let key = [UInt8(from), UInt8(to)]
      while true {
        let found: [UInt8]? = mail.withLock { mail in
          guard let first = mail[key]?.first else { return nil }
          mail[key]?.removeFirst()
          return first
        }
        if let found { return found }
        usleep(50)
      }
    }

    /// Whether everything that was sent was received.
    var isEmpty: Bool { mail.withLock { $0.values.allSatisfy(\.isEmpty) } }
  }

  let rank: Int
  let post: Post
  var count: Int { post.count }

  init(rank: Int, _ post: Post) {
    self.rank = rank
    self.post = post
  }

  struct WrongSize: Error {}

  func exchange(_ transfers: [Transfer]) throws {
    for transfer in transfers where transfer.isSend && !transfer.bytes.isEmpty {
      post.put(Array(transfer.bytes), from: rank, to: transfer.peer)
    }
    for transfer in transfers where !transfer.isSend && !transfer.bytes.isEmpty {
      let found = post.take(from: transfer.peer, to: rank)
      guard found.count == transfer.bytes.count else { throw WrongSize() }
      transfer.bytes.copyBytes(from: found)
    }
  }

  func leave() {}
  func abort(status: Int32) {}
}

/// What each of so many processes makes, all running at once.
func asProcesses<Result: Sendable>(
  _ count: Int, _ body: @escaping @Sendable (Processes, ThreadMessenger) throws -> Result
) throws -> [Result] {
  let post = ThreadMessenger.Post(count: count)
  let results = Mutex<[Int: Swift.Result<Result, any Error>]>([:])
  let group = DispatchGroup()
  for rank in 0..<count {
    group.enter()
    Thread.detachNewThread {
      let messenger = ThreadMessenger(rank: rank, post)
      let result = Swift.Result { try body(Processes(messenger), messenger) }
      results.withLock { $0[rank] = result }
      group.leave()
    }
  }
  group.wait()
  guard post.isEmpty else { throw ThreadMessenger.WrongSize() }
  return try results.withLock { all in try (0..<count).compactMap { try all[$0]?.get() } }
}
