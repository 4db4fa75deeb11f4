/// What goes wrong with tagged data and taggers, as a sentence each.
public enum TaggerError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A line of a data file with too few columns.
  case columnMissing(path: String, line: Int, found: Int, needed: Int)
  /// A line of a CoNLL-U file that is not ten columns.
  case notCoNLLU(path: String, line: Int, found: Int)
  /// A tag that breaks the scheme of its file.
  case schemeBroken(path: String, line: Int, reason: String)
  /// A file without a single sentence.
  case noSentences(path: String)
  /// Sizes that make no network, or options that do not fit together.
  case configuration(String)
  /// A line of a file of word vectors that is none.
  case badVector(path: String, line: Int, reason: String)
  /// A language model that cannot give features.
  case features(String)

  /// The sentence.
  public var description: String {
    switch self {
    case .columnMissing(let path, let line, let found, let needed):
      "\(path):\(line): \(found) columns where \(needed) are needed: a word and its tag, with a tab "
        + "or spaces between; name the columns with --token-column and --column"
    case .notCoNLLU(let path, let line, let found):
      "\(path):\(line): \(found) columns, separated by tabs, where CoNLL-U has 10; for other columns "
        + "use --data-format columns"
    case .schemeBroken(let path, let line, let reason):
      "\(path):\(line): \(reason); use --repair-tags to accept it"
    case .noSentences(let path): "\(path): there is no sentence in it"
    case .configuration(let found): found
    case .badVector(let path, let line, let reason): "\(path):\(line): \(reason)"
    case .features(let found): found
    }
  }
}
