/// A message to another process, or the place for one from it.
package struct Transfer {
  /// The number of the other process.
  package let peer: Int
  /// Whether it is sent, not received.
  package let isSend: Bool
  /// What is sent, or where it goes; both sides know how much it is.
  package let bytes: UnsafeMutableRawBufferPointer

  /// A message to a process.
  package static func send(_ bytes: UnsafeMutableRawBufferPointer, to peer: Int) -> Transfer {
    Transfer(peer: peer, isSend: true, bytes: bytes)
  }

  /// A message from a process.
  package static func receive(
    _ bytes: UnsafeMutableRawBufferPointer, from peer: Int
  ) -> Transfer { Transfer(peer: peer, isSend: false, bytes: bytes) }
}

/// What carries messages between the processes of a cluster.
package protocol Messenger: Sendable {
  /// The number of this process.
  var rank: Int { get }
  /// How many processes there are.
  var count: Int { get }

  /// Sends and receives messages; returns when that is done.
  ///
  /// Those between two processes arrive in the order in which they are sent. Throws where a process has gone.
  func exchange(_ transfers: [Transfer]) throws
  /// Parts from the others, who all do so.
  func leave()
  /// Ends all processes at once.
  func abort(status: Int32)
}
