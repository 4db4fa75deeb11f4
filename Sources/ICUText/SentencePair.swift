/// A sentence and its translation, or whatever else stands on the two sides of a parallel corpus.
public struct SentencePair: Sendable, Hashable {
  /// What is read.
  public var source: String
  /// What is written: the translation.
  public var target: String

  /// A pair of two sentences.
  public init(source: String, target: String) {
    self.source = source
    self.target = target
  }

  /// The pair as a line of tab-separated values, with its line feed.
  public var line: String { "\(source)\t\(target)\n" }
}
