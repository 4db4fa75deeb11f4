internal import ICUText
internal import Training

extension Tagger {
  /// Tells the words that the model does not know, and its tags of which the data have no example.
  ///
  /// Throws `TrainingError.data` for tags that the model does not have, and `TaggerError.unlikeTags`
  /// where tags of spans meet tags of words.
  public func strangers(in data: TaggedCorpus) throws -> [String] {
    guard data.hasSpans == lexicon.hasSpans else {
      throw TaggerError.unlikeTags(trainingHasSpans: lexicon.hasSpans)
    }
    func types(_ tags: some Sequence<String>) -> Set<String> {
      guard lexicon.hasSpans else { return Set(tags) }
      return Set(tags.compactMap { TagScheme.parts($0).map { String($0.type) } }).subtracting([""])
    }
    let (mine, theirs) = (types(lexicon.tags), types(data.sentences.lazy.flatMap(\.tags)))
    let strange = theirs.subtracting(mine).sorted()
    guard strange.isEmpty else {
      throw TrainingError.data(
        "the data have tags that the model does not have: \(list(strange)): train anew, or leave them out"
      )
    }
    var notes: [String] = []
    let missing = mine.subtracting(theirs).sorted()
    if !missing.isEmpty {
      notes.append(
        "the data have no example of the model's tags \(list(missing)): it may forget them")
    }
    let words = Set(data.sentences.lazy.flatMap(\.words))
    let known = Set(lexicon.words)
    let folder = try WordFolder()
    let unknown = try words.count { !known.contains(try folder.fold($0)) }
    if unknown > 0 {
      notes.append(
        "\(grouped(unknown)) of the data's \(counted(words.count, "word")) are new to the model, which reads "
          + "them by their letters")
    }
    return notes
  }

  private func list(_ tags: [String]) -> String {
    tags.prefix(10).joined(separator: ", ") + (tags.count > 10 ? ", ..." : "")
  }
}
