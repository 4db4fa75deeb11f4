/// The tokens that a model reads and writes, and their ids.
///
/// Ids 0 to 255 are the bytes, and a token that is one ASCII byte has that byte's id; the other
/// tokens follow from 256 on, by falling count, then by bytes. Any token that is not among
/// them is spelt by its UTF-8 bytes, so that nothing is out of vocabulary;
/// `encodeWithTexts(_:unknown:)` gives it an id of the caller's instead.
///
/// Subwords are learnt by byte-pair encoding (R. Sennrich, B. Haddow and A. Birch, ACL 2016): their
/// tokens from 256 on are the characters, then the pieces in the order in which they were learnt,
/// and a word's tokens are what is left of its characters after all `merges`, in their order.
///
///     let vocabulary = try Vocabulary(counting: Segmentation(unit: .grapheme), in: corpus)
///     let ids = try vocabulary.encode("naïve")
///     let text = vocabulary.text(of: ids)
public struct Vocabulary: Sendable {
  /// How text is cut into this vocabulary's tokens.
  public var segmentation: Segmentation { segmenter.segmentation }
  /// The number of tokens, the 256 bytes among them.
  public var count: Int { 256 + storage.table.count }
  /// The tokens from id 256 on.
  public var tokens: [String] {
    (256..<count).map { String(decoding: bytes(of: $0), as: UTF8.self) }
  }

  /// What subwords are built by, in order; empty for other units.
  public var merges: [Merge] { storage.merges.merges }

  /// The largest vocabulary of subwords, the bytes included, where no size is asked for.
  public static let usualSubwordCount = 8192

  let segmenter: Segmenter
  let storage: Storage

  /// The tables, shared by all copies.
  final class Storage: Sendable {
    /// Ids of code points below U+10000 that are tokens; -1 for the others.
    let direct: [Int32]
    /// All tokens from 256 on.
    let table: StringTable
    /// How subwords are built.
    let merges: MergeTable

    init(_ table: StringTable, _ merges: MergeTable = MergeTable()) {
      var direct = [Int32](repeating: -1, count: 0x10000)
      for byte in 0..<0x80 { direct[byte] = Int32(byte) }
      table.bytes.withUnsafeBufferPointer { bytes in
        for index in 0..<table.count {
          let range = table.range(of: index)
          let (value, length) = codePoint(in: bytes, at: range.lowerBound)
          if length == range.count && value < 0x10000 { direct[Int(value)] = Int32(256 + index) }
        }
      }
      self.direct = direct
      self.table = table
      self.merges = merges
    }

    /// The id of a token, given its code point where it is only one (else -1); -1 for none.
    @inline(__always)
    func id(of bytes: UnsafeBufferPointer<UInt8>, scalar: Int32) -> Int {
      if scalar >= 0 && scalar < 0x10000 { return Int(direct[Int(scalar)]) }
      let index = table.find(bytes)
      return index < 0 ? -1 : 256 + index
    }

    /// Appends the ids of a segment's characters, those that are no tokens as their bytes.
    func appendCharacters(of segment: UnsafeBufferPointer<UInt8>, to ids: inout [Int32]) {
      var start = 0
      while start < segment.count {
        let (value, length) = codePoint(in: segment, at: start)
        let bytes = UnsafeBufferPointer(rebasing: segment[start..<start + length])
        let id = id(of: bytes, scalar: Int32(bitPattern: value))
        if id >= 0 {
          ids.append(Int32(id))
        } else {
          for byte in bytes { ids.append(Int32(byte)) }
        }
        start += length
      }
    }
  }

  init(_ segmenter: Segmenter, _ storage: Storage) {
    self.segmenter = segmenter
    self.storage = storage
  }
}

extension Vocabulary {
  /// The UTF-8 bytes of a token.
  ///
  /// The id must be in `0..<count`.
  public func bytes(of id: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    appendBytes(of: id, to: &bytes)
    return bytes
  }

  /// How many bytes of UTF-8 a token has.
  ///
  /// The id must be in `0..<count`.
  public func byteCount(of id: Int) -> Int {
    precondition(id >= 0 && id < count, "no token has id \(id)")
    return id < 256 ? 1 : storage.table.range(of: id - 256).count
  }

  /// The bytes of tokens one after another; they need not be well-formed UTF-8.
  public func decode(_ ids: some Sequence<Int>) -> [UInt8] {
    var bytes: [UInt8] = []
    for id in ids { appendBytes(of: id, to: &bytes) }
    return bytes
  }

  /// The text of tokens, with U+FFFD for what is not well-formed UTF-8.
  public func text(of ids: some Sequence<Int>) -> String {
    String(decoding: decode(ids), as: UTF8.self)
  }

  func appendBytes(of id: Int, to bytes: inout [UInt8]) {
    precondition(id >= 0 && id < count, "no token has id \(id)")
    if id < 256 {
      bytes.append(UInt8(id))
    } else {
      bytes.append(contentsOf: storage.table.bytes[storage.table.range(of: id - 256)])
    }
  }
}

extension Vocabulary: Equatable {
  /// Whether two vocabularies give the same ids to the same tokens.
  public static func == (left: Vocabulary, right: Vocabulary) -> Bool {
    left.segmentation == right.segmentation
      && (left.storage === right.storage
        || (left.storage.table.offsets == right.storage.table.offsets
          && left.storage.table.bytes == right.storage.table.bytes
          && left.merges == right.merges))
  }
}
