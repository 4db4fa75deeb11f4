internal import Files

/// A run's figures as a file of events that TensorBoard shows.
///
/// The file is a row of records, each with its length and two checksums ("TFRecord"), each a message
/// `Event` of TensorFlow's `event.proto` and `summary.proto` (protocol buffers,
/// https://protobuf.dev/programming-guides/encoding). Losses are in nats a token, as in `metrics.csv`;
/// numbers that are not finite are left out. `Tests/Fixtures/events.py` reads it by TensorBoard.
public struct EventFile: Sendable {
  /// When the run began, in seconds since 1970: the time of an event is this and the row's seconds.
  public let startTime: Double

  /// A file of a run that began at some time.
  public init(startTime: Double) {
    self.startTime = startTime.isFinite ? startTime : 0
  }

  /// What the names of all such files begin with.
  static let namePrefix = "events.out.tfevents."

  /// The file's name: TensorBoard looks for one of this form.
  public var name: String {
    "\(Self.namePrefix)\(Int64(max(0, min(1e15, startTime)))).majortom"
  }

  /// What a file begins with.
  public var opening: [UInt8] {
    Self.record {
      $0.add(1, startTime)
      $0.add(3, "brain.Event:2")
    }
  }

  /// A whole file.
  public func bytes(of history: RunHistory) -> [UInt8] {
    history.rows.reduce(into: opening) { $0 += bytes(of: $1) }
  }

  /// What is appended for a row.
  public func bytes(of row: RunHistory.Row) -> [UInt8] {
    var values: [(tag: String, value: Double)] = [
      ("loss/training", row.loss), ("rate", row.rate), ("gradient_norm", row.gradientNorm),
      ("tokens_per_second", row.tokensPerSecond), ("epoch", row.epoch),
    ]
    if row.memoryBytes > 0 { values.append(("memory_bytes", Double(row.memoryBytes))) }
    if let validation = row.validation {
      values.append((Self.tag(of: validation.metric), validation.value))
    }
    return Self.record { event in
      event.add(1, startTime + (row.seconds.isFinite ? row.seconds : 0))
      event.add(2, UInt64(max(0, row.update)))
      event.add(5) { summary in
        for (tag, value) in values where Float(value).isFinite {
          summary.add(1) {
            $0.add(1, tag)
            $0.add(2, Float(value))
          }
        }
        if let sample = row.sample { summary.add(1) { Self.write(sample, to: &$0) } }
      }
    }
  }

  /// The tag of a metric's values.
  static func tag(of metric: Metric) -> String {
    let name = metric == .crossEntropy ? "loss" : metric.name.lowercased()
    return String(name.map { $0.isLetter || $0.isNumber ? $0 : "_" }) + "/validation"
  }

  /// A sample as a summary of the plugin for texts, which takes them for Markdown: indented by four spaces, they
  /// are shown as they are.
  private static func write(_ sample: String, to value: inout Message) {
    // By code points: a return and a line feed are one character.
    let lines = sample.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
    value.add(1, "sample")
    value.add(8) { tensor in
      tensor.add(1, 7 as UInt64)  // The data type of strings.
      tensor.add(2) { _ in }  // The shape of a single one.
      tensor.add(8, lines.map { "    " + String($0) }.joined(separator: "\n"))
    }
    value.add(9) { metadata in
      metadata.add(1) { $0.add(1, "text") }
      metadata.add(4, 2 as UInt64)  // The class of tensors.
    }
  }

  /// A record: the length and the bytes of a message, each with its checksum after it.
  private static func record(_ write: (inout Message) -> Void) -> [UInt8] {
    var message = Message()
    write(&message)
    let length = littleEndian(UInt64(message.bytes.count))
    return length + littleEndian(masked(length)) + message.bytes
      + littleEndian(masked(message.bytes))
  }

  /// The checksum as the format keeps it: turned and moved, so that a checksum of bytes that hold one is sound.
  private static func masked(_ bytes: [UInt8]) -> UInt32 {
    var checksum = CRC32C()
    bytes.withUnsafeBytes { checksum.add($0) }
    return (checksum.value >> 15 | checksum.value << 17) &+ 0xA282_EAD8
  }
}

/// The fields of a message of protocol buffers.
private struct Message {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ field: UInt64, _ value: UInt64) {
    number(field << 3)
    number(value)
  }

  mutating func add(_ field: UInt64, _ value: Double) {
    number(field << 3 | 1)
    bytes += littleEndian(value.bitPattern)
  }

  mutating func add(_ field: UInt64, _ value: Float) {
    number(field << 3 | 5)
    bytes += littleEndian(value.bitPattern)
  }

  mutating func add(_ field: UInt64, _ text: String) {
    number(field << 3 | 2)
    number(UInt64(text.utf8.count))
    bytes += text.utf8
  }

  mutating func add(_ field: UInt64, _ write: (inout Message) -> Void) {
    var message = Message()
    write(&message)
    number(field << 3 | 2)
    number(UInt64(message.bytes.count))
    bytes += message.bytes
  }

  /// Seven bits a byte, the lowest first; the eighth says that more follow.
  private mutating func number(_ value: UInt64) {
    var rest = value
    while rest > 127 {
      bytes.append(UInt8(rest & 127 | 128))
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
