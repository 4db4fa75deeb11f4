internal import Files
internal import ICUText

/// Vectors of words in text format, as word2vec, GloVe and fastText write them.
///
/// A line is a word and its vector, with spaces between; a first line with the counts of words and of
/// columns may stand before them. The file is read as a stream, gzip too, and only vectors of
/// words in use are kept. Words are folded as a `Lexicon` does; the first of equal ones counts.
public struct WordVectors: Sendable, Equatable {
  /// The width of the vectors.
  public let width: Int
  /// The vectors by folded word.
  public let vectors: [String: [Float]]
  /// The words in the file.
  public let wordsInFile: Int

  /// Reads the vectors of the words in some corpora, and of the first so many words of the file.
  ///
  /// Throws `TextError` for a file that cannot be read, `TaggerError.badVector` for lines that are no
  /// vector or of another width than the first one, with the line.
  public init(contentsOf path: String, wordsOf corpora: [TaggedCorpus], andFirst extra: Int = 0)
    throws
  {
    let folder = try WordFolder()
    var wanted: Set<String> = []
    for corpus in corpora {
      for sentence in corpus.sentences {
        for word in sentence.words { wanted.insert(try folder.fold(word)) }
      }
    }
    var width = 0
    var count = 0
    var vectors: [String: [Float]] = [:]
    try TextLines.forEach(in: path) { line, number in
      let fields = line.split(separator: " ")
      if number == 1, fields.count == 2, Int(fields[0]) != nil, Int(fields[1]) != nil {
        return true
      }
      func fail(_ reason: String) -> TaggerError {
        TaggerError.badVector(path: path, line: number, reason: reason)
      }
      if fields.isEmpty { return true }
      if width == 0 { width = fields.count - 1 }
      guard fields.count >= 2 else {
        throw fail("a word without numbers; is this a file of vectors?")
      }
      // A word may hold spaces itself: its numbers are the last ones.
      guard fields.count > width else {
        throw fail("\(fields.count - 1) numbers, where the first vector has \(width)")
      }
      count += 1
      let word = try folder.foldOnce(
        fields.dropLast(width).joined(separator: " "))
      guard wanted.contains(word) || count <= extra, vectors[word] == nil else { return true }
      var vector: [Float] = []
      vector.reserveCapacity(width)
      for field in fields.suffix(width) {
        guard let value = Float(field), value.isFinite else {
          throw fail("\(quoted(field)) is not a number; is this a file of vectors?")
        }
        vector.append(value)
      }
      vectors[word] = vector
      return true
    }
    guard count > 0 else {
      throw TaggerError.badVector(path: path, line: 1, reason: "there is no vector in the file")
    }
    self.width = width
    self.vectors = vectors
    wordsInFile = count
  }
}
