public import ICUText
internal import Training

extension Translator {
  /// Tells how many of the data's tokens the vocabularies do not have.
  ///
  /// Throws `TextError` where ICU cannot cut a sentence.
  public func strangers(in data: ParallelCorpus) throws -> [String] {
    let pairs = try encode(data)
    func note(_ side: String, _ ids: [Int32], unknown: Int32, _ code: SentenceCode) -> String? {
      // Below 256 are bytes, which spell what has no token of its own.
      let strange = ids.count { code.hasUnknown ? $0 == unknown : (0x80..<0x100).contains($0) }
      guard strange > 0 else { return nil }
      let part = fixed(100 * Double(strange) / Double(ids.count), 2)
      return
        "the model does not have \(grouped(strange)) of the \(counted(ids.count, "token")) \(side) "
        + "(\(part) %), which it \(code.hasUnknown ? "takes for unknown ones" : "spells by their bytes")"
    }
    return [
      note("read", pairs.flatMap(\.source), unknown: sourceUnknown, sourceCode),
      note("written", pairs.flatMap(\.target), unknown: targetUnknown, targetCode),
    ].compactMap { $0 }
  }
}
