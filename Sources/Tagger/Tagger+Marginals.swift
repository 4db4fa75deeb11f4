internal import DenseMath
public import ICUText
internal import Layers

extension Tagger {
  /// What a word can be: the types of spans, such as `PER`, or the tags where tags are of words.
  public var types: [String] {
    guard lexicon.hasSpans else { return lexicon.tags }
    return Set(lexicon.tags.filter { $0 != "O" }.map { String($0.dropFirst(2)) }).sorted()
  }

  /// The probability of each type at each word: of the word being in a span of it, whichever other tags
  /// the sentence has.
  ///
  /// They are the marginals of the chain of tags, summed over the tags of a type; what is missing to 1
  /// is the probability of being in no span.
  ///
  /// - Parameters:
  ///   - sentences: The words of each sentence.
  ///   - threads: Threads to use; results do not depend on it.
  /// - Returns: For each sentence and each word a number for each of `types`.
  /// - Throws: `TextError` where ICU cannot fold a word.
  public func typeProbabilities(
    of sentences: [[String]], threads: Int? = nil
  ) throws(TextError) -> [[[Double]]] {
    let types = types
    let places = Dictionary(uniqueKeysWithValues: types.enumerated().map { ($1, $0) })
    // The type of each tag; none for O.
    let typeOfTag = lexicon.tags.map { tag in
      places[lexicon.hasSpans ? String(tag.dropFirst(2)) : tag]
    }
    let chain = chain()
    let shards = Shards(threads: threads)
    return try scores(of: sentences, WordEncoder(ids), on: shards).map { scores in
      let marginals = chain.marginals(scores)
      return stride(from: 0, to: marginals.count, by: lexicon.tags.count).map { first in
        var sums = [Double](repeating: 0, count: types.count)
        for (tag, type) in typeOfTag.enumerated() {
          if let type { sums[type] += marginals[first + tag] }
        }
        // Rounding may take a sum past 1; what is not a number stays so.
        return sums.map { $0 > 1 ? 1 : $0 }
      }
    }
  }

  /// The probabilities of `typeProbabilities(of:threads:)` as a sentence arrives word by word.
  ///
  /// A reader from left to right knows nothing of the words that are still to come. At a word, what the
  /// forward direction has read is the same in every beginning; so what changes there as words arrive
  /// at its right is what the backward direction, and the chain of tags, add.
  ///
  /// - Parameters:
  ///   - words: The words of a sentence.
  ///   - threads: Threads to use; results do not depend on it.
  /// - Returns: For the first word, the first two and so on, what `typeProbabilities` gives.
  /// - Throws: `TextError` where ICU cannot fold a word.
  public func typeProbabilities(
    ofBeginningsOf words: [String], threads: Int? = nil
  ) throws(TextError) -> [[[Double]]] {
    try typeProbabilities(of: words.indices.map { Array(words[...$0]) }, threads: threads)
  }
}
