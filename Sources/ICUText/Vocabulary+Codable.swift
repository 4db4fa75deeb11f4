extension Vocabulary {
  /// Takes the tokens from id 256 on, and the merges of subwords, as a model stores them.
  ///
  /// Throws `TextError.badToken` for a token that is empty, one ASCII byte, there twice, larger
  /// than the unit, or a piece that no merge makes, `TextError.badMerge` for a merge of what is no
  /// token yet, into what is none, or of a unit without merges, and `TextError.unknownLocale`.
  public init(
    segmentation: Segmentation, tokens: [String], merges: [Merge] = []
  ) throws(TextError) {
    segmenter = try Segmenter(segmentation)
    var table = StringTable()
    for (index, token) in tokens.enumerated() {
      let id = 256 + index
      let bytes = Array(token.utf8)
      if segmentation.unit == .byte {
        throw .badToken(id: id, reason: "is not a byte, the unit")
      }
      if bytes.isEmpty { throw .badToken(id: id, reason: "is empty") }
      if bytes.count == 1 { throw .badToken(id: id, reason: "is one of the bytes") }
      if segmentation.unit == .codePoint && token.unicodeScalars.count > 1 {
        throw .badToken(id: id, reason: "is more than a code point, the unit")
      }
      if bytes.withUnsafeBufferPointer({ table.insert($0) }) != index {
        throw .badToken(id: id, reason: "is there twice")
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
}

extension Vocabulary: Codable {
  private enum CodingKeys: String, CodingKey {
    case segmentation
    // What version 1 of the files called them.
    case tokens = "symbols"
    case merges
  }

  /// Reads a vocabulary; throws `TextError` where its tokens and merges do not make one.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      segmentation: container.decode(Segmentation.self, forKey: .segmentation),
      tokens: container.decode([String].self, forKey: .tokens),
      merges: container.decodeIfPresent([Merge].self, forKey: .merges) ?? [])
  }

  /// Writes the segmentation, the tokens from id 256 on, and the merges of subwords.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(segmentation, forKey: .segmentation)
    try container.encode(tokens, forKey: .tokens)
    if segmentation.unit == .subword { try container.encode(merges, forKey: .merges) }
  }
}
