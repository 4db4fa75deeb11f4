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

  /// Gives a cutter, a string after normalisation, and what that changed.
  @inline(__always)
  func withNormalized<Result>(
    _ text: String,
    _ body: (Cutter, UnsafeBufferPointer<UInt8>, [NormalizationEdit]) throws(TextError) -> Result
  ) throws(TextError) -> Result {
    let bytes = Array(text.utf8)
    return try bytes.withUnsafeBufferPointer { (bytes) throws(TextError) in
      try withNormalized(bytes, body)
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
