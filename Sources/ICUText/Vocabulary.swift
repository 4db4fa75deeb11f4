/// The symbols of a model and their numbers.
///
/// Numbers 0 to 255 are the bytes, and a symbol that is one ASCII byte has that byte's number; the
/// other symbols follow from 256 on, by falling count, then by bytes. Any symbol that is not among
/// them is spelt by its UTF-8 bytes, so that nothing is out of vocabulary;
/// `encodeWithTexts(_:unknown:)` gives it a number of the caller's instead.
///
/// Subwords are learnt by byte-pair encoding (R. Sennrich, B. Haddow and A. Birch, ACL 2016): their
/// symbols from 256 on are the characters, then the pieces in the order in which they were learnt,
/// and a word's symbols are what is left of its characters after all `merges`, in their order.
///
///     let vocabulary = try Vocabulary(counting: Segmentation(unit: .grapheme), in: corpus)
///     let numbers = try vocabulary.encode("naïve")
///     let text = vocabulary.text(of: numbers)
public struct Vocabulary: Sendable {
  /// How text is cut into this vocabulary's symbols.
  public var segmentation: Segmentation { segmenter.segmentation }
  /// The number of symbols, the 256 bytes among them.
  public var count: Int { 256 + storage.table.count }
  /// The symbols from number 256 on.
  public var symbols: [String] {
    (256..<count).map { String(decoding: bytes(of: $0), as: UTF8.self) }
  }

  /// What subwords are built by, in order; empty for other units.
  public var merges: [Merge] { storage.merges.merges }

  /// The largest vocabulary of subwords, the bytes included, where no size is asked for.
  public static let usualSubwordCount = 8192

  private let segmenter: Segmenter
  private let storage: Storage

  /// The tables, shared by all copies.
  private final class Storage: Sendable {
    /// Numbers of code points below U+10000 that are symbols; -1 for the others.
    let direct: [Int32]
    /// All symbols from 256 on.
    let table: SymbolTable
    /// How subwords are built.
    let merges: MergeTable

    init(_ table: SymbolTable, _ merges: MergeTable = MergeTable()) {
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

    /// The number of a symbol, given its code point where it is only one (else -1); -1 for none.
    @inline(__always)
    func number(of bytes: UnsafeBufferPointer<UInt8>, scalar: Int32) -> Int {
      if scalar >= 0 && scalar < 0x10000 { return Int(direct[Int(scalar)]) }
      let index = table.find(bytes)
      return index < 0 ? -1 : 256 + index
    }

    /// Appends the numbers of a segment's characters, those that are no symbols as their bytes.
    func appendCharacters(of segment: UnsafeBufferPointer<UInt8>, to numbers: inout [Int32]) {
      var start = 0
      while start < segment.count {
        let (value, length) = codePoint(in: segment, at: start)
        let bytes = UnsafeBufferPointer(rebasing: segment[start..<start + length])
        let number = number(of: bytes, scalar: Int32(bitPattern: value))
        if number >= 0 {
          numbers.append(Int32(number))
        } else {
          for byte in bytes { numbers.append(Int32(byte)) }
        }
        start += length
      }
    }
  }

  // MARK: Making

  /// Counts the symbols of a corpus and keeps those that occur at least `minimumCount` times, of
  /// these the most frequent where `maximumSize`, which includes the 256 bytes, allows no more.
  ///
  /// Subwords are learnt until the vocabulary has `maximumSize` symbols, or `usualSubwordCount`
  /// where that is nil, or no pair occurs twice and `minimumCount` times. Characters and pairs
  /// compete for the room by how many symbols of text they save.
  ///
  /// Reads the corpus once, and keeps what is distinct in it in memory. Throws what reading throws,
  /// `TextError.unknownLocale` and `TextError.vocabularyTooSmall`.
  public init(
    counting segmentation: Segmentation, in corpus: Corpus, minimumCount: Int = 1,
    maximumSize: Int? = nil
  ) throws(TextError) {
    if let maximumSize, maximumSize < 256 { throw .vocabularyTooSmall(maximumSize: maximumSize) }
    segmenter = try Segmenter(segmentation)
    if segmentation.unit == .byte {
      storage = Storage(SymbolTable())
      return
    }
    if segmentation.unit == .subword {
      storage = try Self.learn(
        from: corpus, segmenter, minimumCount: minimumCount, mergeLimit: MergeTable.most,
        symbolLimit: (maximumSize ?? Self.usualSubwordCount) - 256)
      return
    }
    var counter = SymbolCounter()
    try segmenter.forEachNormalizedPiece(of: corpus) { (cutter, text) throws(TextError) in
      try counter.count(text, unit: segmentation.unit, cutter)
    }
    let limit = maximumSize.map { $0 - 256 } ?? Int.max
    storage = Storage(counter.table(minimumCount: minimumCount, limit: limit))
  }

  /// Learns subwords by a number of merges: byte-pair encoding as it was published.
  ///
  /// All characters that occur `minimumCount` times become symbols. There are fewer merges where no
  /// pair of symbols occurs twice and `minimumCount` times any more.
  ///
  /// Reads the corpus once, and keeps its distinct words in memory. Throws what reading throws, and
  /// `TextError.unknownLocale`.
  public init(
    learningMerges count: Int, in corpus: Corpus, normalization: Normalization = .none,
    locale: String = "en", minimumCount: Int = 2
  ) throws(TextError) {
    segmenter = try Segmenter(
      Segmentation(unit: .subword, normalization: normalization, locale: locale))
    storage = try Self.learn(
      from: corpus, segmenter, minimumCount: minimumCount,
      mergeLimit: min(count, MergeTable.most), symbolLimit: Int.max)
  }

  private static func learn(
    from corpus: Corpus, _ segmenter: Segmenter, minimumCount: Int, mergeLimit: Int,
    symbolLimit: Int
  ) throws(TextError) -> Storage {
    var counter = SegmentCounter()
    try segmenter.forEachNormalizedPiece(of: corpus) { (cutter, text) throws(TextError) in
      try counter.count(text, unit: .subword, cutter)
    }
    var learner = try PairLearner(counter, minimumCount: minimumCount)
    let (table, merges) = learner.learn(
      minimumCount: minimumCount, mergeLimit: mergeLimit, symbolLimit: symbolLimit)
    return Storage(table, try MergeTable(merges, of: table))
  }

  /// Takes the symbols from number 256 on, and the merges of subwords, as a model stores them.
  ///
  /// Throws `TextError.badSymbol` for a symbol that is empty, one ASCII byte, there twice, larger
  /// than the unit, or a piece that no merge makes, `TextError.badMerge` for a merge of what is no
  /// symbol yet, into what is none, or of a unit without merges, and `TextError.unknownLocale`.
  public init(
    segmentation: Segmentation, symbols: [String], merges: [Merge] = []
  ) throws(TextError) {
    segmenter = try Segmenter(segmentation)
    var table = SymbolTable()
    for (index, symbol) in symbols.enumerated() {
      let id = 256 + index
      let bytes = Array(symbol.utf8)
      if segmentation.unit == .byte {
        throw .badSymbol(id: id, reason: "is not a byte, the unit")
      }
      if bytes.isEmpty { throw .badSymbol(id: id, reason: "is empty") }
      if bytes.count == 1 { throw .badSymbol(id: id, reason: "is one of the bytes") }
      if segmentation.unit == .codePoint && symbol.unicodeScalars.count > 1 {
        throw .badSymbol(id: id, reason: "is more than a code point, the unit")
      }
      if bytes.withUnsafeBufferPointer({ table.insert($0) }) != index {
        throw .badSymbol(id: id, reason: "is there twice")
      }
    }
    if segmentation.unit == .subword {
      storage = Storage(table, try MergeTable(merges, of: table))
      return
    }
    if !merges.isEmpty {
      throw .badMerge(index: 0, reason: "is there, though the unit is no subword")
    }
    storage = Storage(table)
  }

  // MARK: Encoding

  /// The numbers of a text's symbols, after normalisation.
  ///
  /// Throws `TextError.tooLong` where ICU would have to see 2 GiB or more at once.
  public func encode(_ text: String) throws(TextError) -> [Int] {
    try withEncoded(text) { numbers, _ in Array(numbers) }
  }

  /// The numbers of a text's symbols, and where each ends in the UTF-8 bytes of the original.
  ///
  /// Where normalisation has changed a part of the text, all that comes of it ends where the part
  /// does. Throws what `encode(_:)` throws.
  public func encodeWithEnds(
    _ text: String
  ) throws(TextError) -> (numbers: [Int], ends: [Int]) {
    try withEncoded(text) { numbers, edits in
      var places = OriginalOffsets(edits: edits)
      var end = 0
      let ends = numbers.map { number in
        end += byteCount(of: number)
        return places.end(of: end)
      }
      return (Array(numbers), ends)
    }
  }

  /// The numbers of a text's symbols, one for each, and the text of each after normalisation.
  ///
  /// A symbol that the vocabulary does not have gets the number `unknown`, and is not spelt by its
  /// bytes; a single ASCII character is always a symbol. Bytes and subwords spell everything, so
  /// none of them is unknown. Throws what `encode(_:)` throws.
  public func encodeWithTexts(
    _ text: String, unknown: Int
  ) throws(TextError) -> (numbers: [Int], texts: [String]) {
    if segmentation.unit == .byte || segmentation.unit == .subword {
      let numbers = try encode(text)
      return (numbers, numbers.map { self.text(of: [$0]) })
    }
    var numbers: [Int] = []
    var texts: [String] = []
    let bytes = Array(text.utf8)
    try bytes.withUnsafeBufferPointer { (bytes) throws(TextError) in
      try segmenter.withNormalized(bytes) { (cutter, text, _) throws(TextError) in
        try cutter.forEachSymbol(in: text, unit: segmentation.unit) { start, end, scalar, _ in
          let symbol = UnsafeBufferPointer(rebasing: text[start..<end])
          let number = storage.number(of: symbol, scalar: scalar)
          numbers.append(number < 0 ? unknown : number)
          texts.append(String(decoding: symbol, as: UTF8.self))
        }
      }
    }
    return (numbers, texts)
  }

  /// The symbols of a text with their places in the original, before normalisation.
  ///
  /// Symbols that are bytes of one code point each have that code point's place in UTF-16 units and
  /// code points, and U+FFFD for their text. Throws what `encode(_:)` throws.
  public func spans(of text: String) throws(TextError) -> [TextSpan] {
    try segmenter.spans(of: text) { (cutter, text, body) throws(TextError) in
      var encoder = SubwordEncoder(storage.merges)
      let room = UnsafeMutableBufferPointer<Int>.allocate(capacity: text.count)
      defer { room.deallocate() }
      var start = 0
      for number in room[0..<(try encode(text, cutter, &encoder, into: room))] {
        let end = start + byteCount(of: number)
        body(start, end, false)
        start = end
      }
    }
  }

  private func withEncoded<Result>(
    _ text: String,
    _ body: (Slice<UnsafeMutableBufferPointer<Int>>, [NormalizationEdit]) -> Result
  ) throws(TextError) -> Result {
    let bytes = Array(text.utf8)
    return try bytes.withUnsafeBufferPointer { (bytes) throws(TextError) in
      try segmenter.withNormalized(bytes) { (cutter, text, edits) throws(TextError) in
        // A symbol takes at least a byte, and spelling gives a number a byte.
        let room = UnsafeMutableBufferPointer<Int>.allocate(capacity: text.count)
        defer { room.deallocate() }
        var encoder = SubwordEncoder(storage.merges)
        return body(room[0..<(try encode(text, cutter, &encoder, into: room))], edits)
      }
    }
  }

  /// Reads a corpus and gives out its numbers, piece by piece, in a buffer that `room` provides.
  func encode<Number: FixedWidthInteger>(
    _ corpus: Corpus,
    room: (_ capacity: Int) throws(TextError) -> UnsafeMutableBufferPointer<Number>,
    written: (_ count: Int) -> Void
  ) throws(TextError) {
    var encoder = SubwordEncoder(storage.merges)
    try segmenter.forEachNormalizedPiece(of: corpus) { (cutter, text) throws(TextError) in
      written(try encode(text, cutter, &encoder, into: try room(text.count)))
    }
  }

  /// Writes a number for each symbol and returns how many; `output` has room for one a byte.
  @inline(__always)
  private func encode<Number: FixedWidthInteger>(
    _ text: UnsafeBufferPointer<UInt8>, _ cutter: Cutter, _ encoder: inout SubwordEncoder,
    into output: UnsafeMutableBufferPointer<Number>
  ) throws(TextError) -> Int {
    guard let output = output.baseAddress else { return 0 }
    if segmentation.unit == .byte {
      for index in 0..<text.count { output[index] = Number(truncatingIfNeeded: text[index]) }
      return text.count
    }
    var written = 0
    if segmentation.unit == .subword {
      try cutter.forEachSymbol(in: text, unit: .subword) { start, end, _, _ in
        let segment = UnsafeBufferPointer(rebasing: text[start..<end])
        encoder.encode(segment) {
          storage.appendCharacters(of: segment, to: &$0)
        } _: { number in
          output[written] = Number(truncatingIfNeeded: number)
          written += 1
        }
      }
      return written
    }
    let table = storage.table
    try storage.direct.withUnsafeBufferPointer { (direct) throws(TextError) in
      try cutter.forEachSymbol(in: text, unit: segmentation.unit) { start, end, scalar, _ in
        var number: Int
        if scalar >= 0 && scalar < 0x10000 {
          number = Int(direct[Int(scalar)])
        } else {
          number = table.find(UnsafeBufferPointer(rebasing: text[start..<end]))
          if number >= 0 { number += 256 }
        }
        if number >= 0 {
          output[written] = Number(truncatingIfNeeded: number)
          written += 1
        } else {
          for index in start..<end {
            output[written] = Number(truncatingIfNeeded: text[unchecked: index])
            written += 1
          }
        }
      }
    }
    return written
  }

  // MARK: Decoding

  /// The UTF-8 bytes of a symbol.
  ///
  /// The number must be in `0..<count`.
  public func bytes(of id: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    appendBytes(of: id, to: &bytes)
    return bytes
  }

  /// How many bytes of UTF-8 a symbol has.
  ///
  /// The number must be in `0..<count`.
  public func byteCount(of id: Int) -> Int {
    precondition(id >= 0 && id < count, "no symbol has number \(id)")
    return id < 256 ? 1 : storage.table.range(of: id - 256).count
  }

  /// The bytes of symbols one after another; they need not be well-formed UTF-8.
  public func decode(_ ids: some Sequence<Int>) -> [UInt8] {
    var bytes: [UInt8] = []
    for id in ids { appendBytes(of: id, to: &bytes) }
    return bytes
  }

  /// The text of symbols, with U+FFFD for what is not well-formed UTF-8.
  public func text(of ids: some Sequence<Int>) -> String {
    String(decoding: decode(ids), as: UTF8.self)
  }

  func appendBytes(of id: Int, to bytes: inout [UInt8]) {
    precondition(id >= 0 && id < count, "no symbol has number \(id)")
    if id < 256 {
      bytes.append(UInt8(id))
    } else {
      bytes.append(contentsOf: storage.table.bytes[storage.table.range(of: id - 256)])
    }
  }
}

extension Vocabulary: Equatable {
  /// Whether two vocabularies give the same numbers to the same symbols.
  public static func == (left: Vocabulary, right: Vocabulary) -> Bool {
    left.segmentation == right.segmentation
      && (left.storage === right.storage
        || (left.storage.table.offsets == right.storage.table.offsets
          && left.storage.table.bytes == right.storage.table.bytes
          && left.merges == right.merges))
  }
}

extension Vocabulary: Codable {
  private enum CodingKeys: String, CodingKey {
    case segmentation
    case symbols
    case merges
  }

  /// Reads a vocabulary; throws `TextError` where its symbols and merges do not make one.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      segmentation: container.decode(Segmentation.self, forKey: .segmentation),
      symbols: container.decode([String].self, forKey: .symbols),
      merges: container.decodeIfPresent([Merge].self, forKey: .merges) ?? [])
  }

  /// Writes the segmentation, the symbols from number 256 on, and the merges of subwords.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(segmentation, forKey: .segmentation)
    try container.encode(symbols, forKey: .symbols)
    if segmentation.unit == .subword { try container.encode(merges, forKey: .merges) }
  }
}

/// Counts symbols.
private struct SymbolCounter {
  private var direct = [Int](repeating: 0, count: 0x10000)
  private var table = SymbolTable()
  private var counts: [Int] = []

  @inline(__always)
  mutating func count(
    _ text: UnsafeBufferPointer<UInt8>, unit: TextUnit, _ cutter: Cutter
  ) throws(TextError) {
    try cutter.forEachSymbol(in: text, unit: unit) { start, end, scalar, _ in
      if scalar >= 0 && scalar < 0x10000 {
        direct[Int(scalar)] += 1
      } else {
        let index = table.insert(UnsafeBufferPointer(rebasing: text[start..<end]))
        if index == counts.count { counts.append(0) }
        counts[index] += 1
      }
    }
  }

  /// The symbols in their final order.
  func table(minimumCount: Int, limit: Int) -> SymbolTable {
    var found: [(bytes: [UInt8], count: Int)] = []
    for value in 0x80..<0x10000 where direct[value] > 0 && direct[value] >= minimumCount {
      if let scalar = Unicode.Scalar(UInt32(value)) {
        found.append((Array(String(Character(scalar)).utf8), direct[value]))
      }
    }
    for index in 0..<table.count where counts[index] >= minimumCount {
      found.append((Array(table.bytes[table.range(of: index)]), counts[index]))
    }
    found.sort {
      $0.count != $1.count
        ? $0.count > $1.count : $0.bytes.lexicographicallyPrecedes($1.bytes)
    }
    var result = SymbolTable()
    for symbol in found.prefix(limit) {
      symbol.bytes.withUnsafeBufferPointer { _ = result.insert($0) }
    }
    return result
  }
}

extension Segmenter {
  /// Gives a cutter, the text after normalisation, and what that changed.
  @inline(__always)
  func withNormalized<Result>(
    _ text: UnsafeBufferPointer<UInt8>,
    _ body: (Cutter, UnsafeBufferPointer<UInt8>, [NormalizationEdit]) throws(TextError) -> Result
  ) throws(TextError) -> Result {
    try pool.withCutter { (cutter) throws(TextError) in
      guard var normalizer = Normalizer(segmentation.normalization) else {
        return try body(cutter, text, [])
      }
      var normalized: [UInt8] = []
      normalized.reserveCapacity(text.count)
      var edits: [NormalizationEdit] = []
      try normalizer.normalize(text, into: &normalized, edits: &edits)
      return try normalized.withUnsafeBufferPointer { (normalized) throws(TextError) in
        try body(cutter, normalized, edits)
      }
    }
  }

  /// Gives a cutter and each piece of a corpus after normalisation.
  func forEachNormalizedPiece(
    of corpus: Corpus, _ body: (Cutter, UnsafeBufferPointer<UInt8>) throws(TextError) -> Void
  ) throws(TextError) {
    try corpus.readPieces { (piece) throws(TextError) in
      try withNormalized(piece) { (cutter, text, _) throws(TextError) in try body(cutter, text) }
      return true
    }
  }
}
