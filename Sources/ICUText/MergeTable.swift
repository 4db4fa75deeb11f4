extension Vocabulary {
  /// One step of byte-pair encoding: wherever two tokens meet within a segment, they become one.
  ///
  /// The token that comes of it is the one whose bytes are those of the two. In JSON it is a list
  /// of the two ids.
  public struct Merge: Codable, Hashable, Sendable {
    /// The ids of the two tokens, in the order of the text.
    public let left, right: Int

    /// A merge of two tokens.
    public init(left: Int, right: Int) {
      self.left = left
      self.right = right
    }

    /// Reads a list of two ids.
    public init(from decoder: any Decoder) throws {
      var list = try decoder.unkeyedContainer()
      left = try list.decode(Int.self)
      right = try list.decode(Int.self)
      if !list.isAtEnd {
        throw DecodingError.dataCorruptedError(
          in: list, debugDescription: "a merge joins two tokens")
      }
    }

    /// Writes a list of two ids.
    public func encode(to encoder: any Encoder) throws {
      var list = encoder.unkeyedContainer()
      try list.encode(left)
      try list.encode(right)
    }
  }
}

/// The merges of a vocabulary in their order, found fit for its tokens.
///
/// A merge's place in the order is its rank. Every piece is made by one merge: until a piece stands
/// in a text, no merge has reached beyond its ends, so that its characters have been merged as they
/// would be alone, the same way everywhere. So its merge can only come up at one rank, and no pair
/// comes up after its own rank has passed.
struct MergeTable: Sendable {
  /// The most merges: an encoder packs a rank into 24 bits.
  static let most = 1 << 24

  let merges: [Vocabulary.Merge]
  /// The token that each merge makes.
  private(set) var results: [Int32] = []
  private var ranks: [Vocabulary.Merge: Int32] = [:]

  /// No merges.
  init() { merges = [] }

  /// Throws `TextError.badMerge` for a merge of what is no token yet, into what is none or is one
  /// already, and `TextError.badToken` for a piece that no merge makes.
  init(_ merges: [Vocabulary.Merge], of table: StringTable) throws(TextError) {
    self.merges = merges
    if merges.count > Self.most {
      throw .badMerge(index: Self.most, reason: "is one more than there can be")
    }
    var isMade = [Bool](repeating: false, count: table.count)
    table.bytes.withUnsafeBufferPointer { bytes in
      for index in 0..<table.count {
        let range = table.range(of: index)
        isMade[index] = codePoint(in: bytes, at: range.lowerBound).length == range.count
      }
    }
    for (rank, merge) in merges.enumerated() {
      var joined: [UInt8] = []
      for part in [merge.left, merge.right] {
        if part < 0 || part >= 256 + table.count {
          throw .badMerge(index: rank, reason: "joins token \(part), which there is not")
        }
        if part < 0x80 {
          joined.append(UInt8(part))
          continue
        }
        if part < 256 {
          throw .badMerge(index: rank, reason: "joins byte \(part), which is no character")
        }
        if !isMade[part - 256] {
          throw .badMerge(index: rank, reason: "joins token \(part) before any merge makes it")
        }
        joined.append(contentsOf: table.bytes[table.range(of: part - 256)])
      }
      let result = joined.withUnsafeBufferPointer { table.find($0) }
      if result < 0 { throw .badMerge(index: rank, reason: "makes what is no token") }
      if isMade[result] {
        throw .badMerge(index: rank, reason: "makes token \(256 + result) once more")
      }
      isMade[result] = true
      results.append(Int32(256 + result))
      ranks[merge] = Int32(rank)
    }
    if let index = isMade.firstIndex(of: false) {
      throw .badToken(id: 256 + index, reason: "is made by no merge")
    }
  }

  /// When a pair is merged; nil for one that never is.
  func rank(of left: Int32, _ right: Int32) -> Int? {
    ranks[Vocabulary.Merge(left: Int(left), right: Int(right))].map(Int.init)
  }
}
