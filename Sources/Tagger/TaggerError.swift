internal import Files
internal import Training

/// What goes wrong with tagged data and taggers, as a sentence each.
public enum TaggerError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A line of a data file with too few columns.
  case columnMissing(path: String, line: Int, found: Int, needed: Int)
  /// A line of a CoNLL-U file that is not ten columns.
  case notCoNLLU(path: String, line: Int, found: Int)
  /// A column that only CoNLL-U has, asked for of a file of columns.
  case columnOfCoNLLU(path: String)
  /// A file in another layout than was said.
  case otherLayout(
    path: String, line: Int, found: TaggedFormat.Layout, expected: TaggedFormat.Layout)
  /// An example with spans by offsets that is none.
  case badExample(path: String, line: Int, reason: String)
  /// A tag of no scheme, where nearly all tags of the file are of spans.
  case unknownTag(path: String, line: Int, tag: String, spans: Int, all: Int)
  /// A tag that breaks the scheme of its file.
  case schemeBroken(path: String, line: Int, reason: String)
  /// A file without a single sentence.
  case noSentences(path: String)
  /// More different tags than a tagger can tell apart: mostly the wrong column.
  case tooManyTags(found: Int, limit: Int)
  /// Sizes that make no network, or options that do not fit together.
  case configuration(String)
  /// A line of a file of word vectors that is none.
  case badVector(path: String, line: Int, reason: String)
  /// Tags of spans in one file, of words in the other.
  case unlikeTags(trainingHasSpans: Bool)
  /// Weights with which what is computed overflows.
  case overflow
  /// Two ways to cut a text that are not of one text: what follows where they part.
  case unlikeTexts(right: String, found: String)
  /// A language model that cannot give features.
  case features(String)

  /// The sentence.
  public var description: String {
    switch self {
    case .columnMissing(let path, let line, let found, let needed):
      "\(path):\(line): \(found) columns where \(needed) are needed: a word and its tag, with a tab "
        + "or spaces between"
    case .notCoNLLU(let path, let line, let found):
      "\(path):\(line): \(found) columns, separated by tabs, where CoNLL-U has 10"
    case .columnOfCoNLLU(let path):
      "\(path): UPOS, XPOS and features are columns of CoNLL-U, which this file is not"
    case .otherLayout(let path, let line, let found, let expected):
      "\(path):\(line): this looks like \(found.title), where \(expected.title) are expected"
    case .badExample(let path, let line, let reason): "\(path):\(line): \(reason)"
    case .unknownTag(let path, let line, let tag, let spans, let all):
      "\(path):\(line): the tag \(quoted(tag)) is of no scheme, while \(grouped(spans)) of the "
        + "\(grouped(all)) tags of the file are of spans: write it "
        + (TagCensus.likelyTag(tag).map { quoted($0) }
          ?? "O, or with a mark and a type, such as B-PER")
    case .schemeBroken(let path, let line, let reason):
      "\(path):\(line): \(reason)"
    case .noSentences(let path): "\(path): there is no sentence in it"
    case .tooManyTags(let found, let limit):
      "the data have \(found) different tags, and at most \(limit) are possible"
    case .configuration(let found): found
    case .badVector(let path, let line, let reason): "\(path):\(line): \(reason)"
    case .unlikeTags(let trainingHasSpans):
      "the training data have tags of \(trainingHasSpans ? "spans" : "words"), and the development "
        + "data of \(trainingHasSpans ? "words" : "spans")"
    case .overflow:
      "the model's weights are so large that its numbers overflow: the file is damaged, or its "
        + "training went wrong"
    case .unlikeTexts(let right, let found):
      "the texts differ: one goes on with \(quoted(right)), the other with \(quoted(found))"
    case .features(let found): found
    }
  }
}

extension TaggedFormat.Layout {
  /// What sentences call it.
  var title: String {
    switch self {
    case .columns: "columns"
    case .conllu: "the ten columns of CoNLL-U"
    case .jsonl: "JSON objects"
    case .brat: "annotations of brat"
    }
  }
}
