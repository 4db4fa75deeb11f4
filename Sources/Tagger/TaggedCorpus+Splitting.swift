internal import ICUText

extension TaggedCorpus {
  /// Of fewer sentences, none are kept for validation: a tenth of them would tell nothing.
  public static let leastToSplit = 50

  /// Splits by sentence, so that none stands on both sides; the same fraction always gives the same
  /// split.
  ///
  /// Which side a sentence goes to is decided by its words alone (the hash FNV-1a), not by its place or
  /// by the other sentences; but one that has the only examples of a tag's type is trained on, as a
  /// tag that only validation has could not be learnt. Of fewer than `leastToSplit` sentences, none is
  /// kept.
  ///
  /// - Parameter fraction: Of the sentences, how many to keep apart: from 0 to 1.
  /// - Returns: The sentences to train on, and those kept apart.
  public func split(keeping fraction: Double) -> (training: TaggedCorpus, kept: TaggedCorpus) {
    let threshold = UInt64(min(max(fraction, 0), 1) * 0x1p32)
    let isSmall = sentences.count < Self.leastToSplit
    let hashes = sentences.map { sentence in
      var hash = TextHash()
      for word in sentence.words { hash.add(word) }
      return hash.value
    }
    var moved: Set<UInt64> = []
    func isKept(_ place: Int) -> Bool {
      !isSmall && hashes[place] >> 32 < threshold && !moved.contains(hashes[place])
    }
    func types(of sentence: TaggedSentence) -> Set<Substring> {
      Set(sentence.tags.map { hasSpans ? TagScheme.parts($0)?.type ?? "" : $0[...] })
    }
    var known: Set<Substring> = []
    for (place, sentence) in sentences.enumerated() where !isKept(place) {
      known.formUnion(types(of: sentence))
    }
    for (place, sentence) in sentences.enumerated() where isKept(place) {
      let own = types(of: sentence)
      guard !own.isSubset(of: known) else { continue }
      moved.insert(hashes[place])
      known.formUnion(own)
    }
    var (training, kept) = (self, self)
    training.sentences = sentences.indices.filter { !isKept($0) }.map { sentences[$0] }
    kept.sentences = sentences.indices.filter { isKept($0) }.map { sentences[$0] }
    return (training, kept)
  }
}
