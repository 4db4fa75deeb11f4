extension Vocabulary {
  /// The ids of a text's tokens, after normalisation.
  ///
  /// Throws `TextError.tooLong` where ICU would have to see 2 GiB or more at once.
  public func encode(_ text: String) throws(TextError) -> [Int] {
    try withEncoded(text) { ids, _ in Array(ids) }
  }

  /// The ids of a text's tokens, and where each ends in the UTF-8 bytes of the original.
  ///
  /// Where normalisation has changed a part of the text, all that comes of it ends where the part
  /// does. Throws what `encode(_:)` throws.
  public func encodeWithEnds(
    _ text: String
  ) throws(TextError) -> (ids: [Int], ends: [Int]) {
    try withEncoded(text) { ids, edits in
      var places = OriginalOffsets(edits: edits)
      var end = 0
      let ends = ids.map { id in
        end += byteCount(of: id)
        return places.end(of: end)
      }
      return (Array(ids), ends)
    }
  }

  /// The ids of a text's tokens, one for each, and the text of each after normalisation.
  ///
  /// A token that the vocabulary does not have gets the id `unknown`, and is not spelt by its
  /// bytes; a single ASCII character is always a token. Bytes and subwords spell everything, so
  /// none of them is unknown. Throws what `encode(_:)` throws.
  public func encodeWithTexts(
    _ text: String, unknown: Int
  ) throws(TextError) -> (ids: [Int], texts: [String]) {
    if segmentation.unit == .byte || segmentation.unit == .subword {
      let ids = try encode(text)
      return (ids, ids.map { self.text(of: [$0]) })
    }
    var ids: [Int] = []
    var texts: [String] = []
    try segmenter.withNormalized(text) { (cutter, text, _) throws(TextError) in
      try cutter.forEachToken(in: text, unit: segmentation.unit) { start, end, scalar, _ in
        let token = UnsafeBufferPointer(rebasing: text[start..<end])
        let id = storage.id(of: token, scalar: scalar)
        ids.append(id < 0 ? unknown : id)
        texts.append(String(decoding: token, as: UTF8.self))
      }
    }
    return (ids, texts)
  }

  /// The tokens of a text with their places in the original, before normalisation.
  ///
  /// Symbols that are bytes of one code point each have that code point's place in UTF-16 units and
  /// code points, and U+FFFD for their text. Throws what `encode(_:)` throws.
  public func spans(of text: String) throws(TextError) -> [TextSpan] {
    try segmenter.spans(of: text) { (cutter, text, body) throws(TextError) in
      var encoder = SubwordEncoder(storage.merges)
      let room = UnsafeMutableBufferPointer<Int>.allocate(capacity: text.count)
      defer { room.deallocate() }
      var start = 0
      for id in room[0..<(try encode(text, cutter, &encoder, into: room))] {
        let end = start + byteCount(of: id)
        body(start, end, false)
        start = end
      }
    }
  }

  private func withEncoded<Result>(
    _ text: String,
    _ body: (Slice<UnsafeMutableBufferPointer<Int>>, [NormalizationEdit]) -> Result
  ) throws(TextError) -> Result {
    try segmenter.withNormalized(text) { (cutter, text, edits) throws(TextError) in
      // A token takes at least a byte, and spelling gives an id a byte.
      let room = UnsafeMutableBufferPointer<Int>.allocate(capacity: text.count)
      defer { room.deallocate() }
      var encoder = SubwordEncoder(storage.merges)
      return body(room[0..<(try encode(text, cutter, &encoder, into: room))], edits)
    }
  }

  /// Reads a corpus and gives out its ids, piece by piece, in a buffer that `room` provides.
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

  /// Writes an id for each token and returns how many; `output` has room for one a byte.
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
      try cutter.forEachToken(in: text, unit: .subword) { start, end, _, _ in
        let segment = UnsafeBufferPointer(rebasing: text[start..<end])
        encoder.encode(segment) {
          storage.appendCharacters(of: segment, to: &$0)
        } _: { id in
          output[written] = Number(truncatingIfNeeded: id)
          written += 1
        }
      }
      return written
    }
    let table = storage.table
    try storage.direct.withUnsafeBufferPointer { (direct) throws(TextError) in
      try cutter.forEachToken(in: text, unit: segmentation.unit) { start, end, scalar, _ in
        var id: Int
        if scalar >= 0 && scalar < 0x10000 {
          id = Int(direct[Int(scalar)])
        } else {
          id = table.find(UnsafeBufferPointer(rebasing: text[start..<end]))
          if id >= 0 { id += 256 }
        }
        if id >= 0 {
          output[written] = Number(truncatingIfNeeded: id)
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
}
