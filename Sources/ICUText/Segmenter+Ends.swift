extension Segmenter {
  /// Where the segments of a text end, in bytes, in order: its tokens, and its sentences.
  ///
  /// The text is cut as it is, without this segmentation's normalisation. Throws `TextError.tooLong`
  /// where ICU would have to see 2 GiB or more at once.
  package func ends(
    in text: UnsafeBufferPointer<UInt8>, unit: TextUnit
  ) throws(TextError) -> [Int] {
    try pool.withCutter { (cutter) throws(TextError) in
      var ends: [Int] = []
      try cutter.forEachToken(in: text, unit: unit) { _, end, _, _ in ends.append(end) }
      return ends
    }
  }

  /// See `ends(in:unit:)`.
  package func sentenceEnds(
    in text: UnsafeBufferPointer<UInt8>
  ) throws(TextError) -> [Int] {
    try pool.withCutter { (cutter) throws(TextError) in
      var ends: [Int] = []
      try cutter.forEachSentence(in: text) { _, end in ends.append(end) }
      return ends
    }
  }
}
