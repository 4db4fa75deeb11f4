internal import Files
public import ICUText
internal import Training

extension LanguageModel {
  /// Whether a corpus, encoded by the model's vocabulary, is the very one that it was trained on.
  ///
  /// It is nil where the model's file does not tell, as files of earlier versions do not. Only of that corpus
  /// is `validationRange(of:)` what the model has not learnt.
  public func wasTrained(on tokens: EncodedCorpus) -> Bool? {
    card.fingerprint.map { $0 == asRead(tokens).fingerprint.description }
  }
}

extension EncodedCorpus {
  /// What tells these tokens from others.
  var fingerprint: Fingerprint {
    var fingerprint = Fingerprint()
    forEachStretch(until: count) { fingerprint.add($0) }
    return fingerprint
  }

  /// Calls a function with the ids before a place, some at a time.
  func forEachStretch(until end: Int, _ body: (UnsafeMutableBufferPointer<Int32>) -> Void) {
    let buffer = UnsafeMutableBufferPointer<Int32>.allocate(capacity: 1 << 16)
    defer { buffer.deallocate() }
    for start in stride(from: 0, to: end, by: buffer.count) {
      let range = start..<min(start + buffer.count, end)
      let part = UnsafeMutableBufferPointer(rebasing: buffer[..<range.count])
      copy(range, into: part)
      body(part)
    }
  }
}
