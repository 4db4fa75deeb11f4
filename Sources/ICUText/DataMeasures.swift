internal import CICU

/// How many examples have which length.
package struct LengthTable: Sendable {
  // Longer ones count as that long, which moves no median of text.
  private static let limit = 1 << 16
  private var counts = [Int](repeating: 0, count: 64)
  package private(set) var longest = 0
  package private(set) var longestPlace: DataPlace?
  package private(set) var total = 0

  package init() {}

  package mutating func add(_ length: Int, at place: @autoclosure () -> DataPlace) {
    let bucket = min(length, Self.limit)
    if bucket >= counts.count {
      counts += [Int](repeating: 0, count: max(bucket + 1, 2 * counts.count) - counts.count)
    }
    counts[bucket] += 1
    total += 1
    if length > longest { (longest, longestPlace) = (length, place()) }
  }

  /// The length that half of the examples do not exceed.
  package var median: Int {
    var sum = 0
    for (length, count) in counts.enumerated() {
      sum += count
      if 2 * sum >= total { return length }
    }
    return 0
  }
}

/// How many letters are of which script.
package struct ScriptTable: Sendable {
  private var counts = [Int](repeating: 0, count: Int(cicu_script_count()))

  package init() {}

  package mutating func add(_ text: UnsafeBufferPointer<UInt8>) {
    var index = 0
    var letters = 0
    while index < text.count {
      let byte = text[unchecked: index]
      if byte < 0x80 {
        let letter = byte | 0x20
        if letter >= 0x61, letter <= 0x7A { letters += 1 }
        index += 1
        continue
      }
      let (value, length) = codePoint(in: text, at: index)
      counts[Int(cicu_script(Int32(bitPattern: value)))] += 1
      index += length
    }
    if letters > 0 { counts[Int(cicu_script(0x61))] += letters }
  }

  /// The scripts by their share of the letters, such as `Latin 98.2 %, Han 1.8 %`.
  package var text: String {
    let named = counts.enumerated().compactMap { script, count -> (name: String, count: Int)? in
      guard count > 0, let name = cicu_script_name(Int32(script)) else { return nil }
      let text = String(cString: name)
      return ["Common", "Inherited"].contains(text) ? nil : (text, count)
    }
    let sum = named.reduce(0) { $0 + $1.count }
    let rows = named.sorted { ($1.count, $0.name) < ($0.count, $1.name) }.prefix(5)
    return rows.compactMap { name, count in
      let tenths = (1000 * count + sum / 2) / sum
      if tenths == 0 { return nil }
      return tenths == 1000 ? name : "\(name) \(tenths / 10).\(tenths % 10) %"
    }.joined(separator: ", ")
  }
}

/// Which examples stand in the data more than once, by their hashes.
///
/// Memory is bounded: of more examples than `limit`, only the first ones are compared with.
package struct DuplicateTable: Sendable {
  static let limit = 2_000_000

  private struct Entry {
    var line: Int32
    var file: Int32
    /// The hash of what belongs to the example, such as its tags.
    var rest: UInt32
    var split: UInt8
  }
  private var entries: [UInt64: Entry] = [:]
  private var paths: [String] = []
  private var most: Int

  package init(limit: Int = DuplicateTable.limit) { most = limit }

  /// The earlier example of the same text, if there is one.
  package struct Earlier {
    package var place: DataPlace
    package var split: DataSplit
    /// Whether what belongs to it is the same, too.
    package var isSame: Bool
  }

  /// Adds an example by its hash; returns an earlier one with the same hash.
  package mutating func add(
    _ hash: UInt64, with rest: UInt64 = 0, at place: DataPlace, in split: DataSplit
  ) -> Earlier? {
    let rest = UInt32(truncatingIfNeeded: rest ^ rest >> 32)
    if let entry = entries[hash] {
      return Earlier(
        place: DataPlace(path: paths[Int(entry.file)], line: Int(entry.line)),
        split: entry.split == 0 ? .training : .development, isSame: entry.rest == rest)
    }
    if entries.count < most {
      if paths.last != place.path { paths.append(place.path) }
      entries[hash] = Entry(
        line: Int32(clamping: place.line), file: Int32(clamping: paths.count - 1), rest: rest,
        split: split == .training ? 0 : 1)
    }
    return nil
  }
}

/// What data are for.
public enum DataSplit: String, Sendable, CaseIterable {
  /// To learn from.
  case training
  /// To choose by.
  case development
}

/// A hash of text that is the same in every process: FNV-1a with its bits mixed once more.
package struct TextHash: Sendable {
  private var state: UInt64 = 0xcbf2_9ce4_8422_2325

  package init() {}

  package mutating func add(_ text: String) {
    for byte in text.utf8 { add(byte) }
    add(0xFF as UInt8)
  }

  package mutating func add(_ bytes: UnsafeBufferPointer<UInt8>) {
    for byte in bytes { add(byte) }
  }

  private mutating func add(_ byte: UInt8) {
    state = (state ^ UInt64(byte)) &* 0x100_0000_01b3
  }

  /// The hash of what was added.
  package var value: UInt64 {
    let mixed = (state ^ state >> 29) &* 0xbf58_476d_1ce4_e5b9
    return mixed ^ mixed >> 32
  }
}
