internal import Training

/// The fraction of translations that equal a reference, code point by code point.
public struct ExactMatch: TranslationMetric {
  /// The sentences, and those of them that are equal to a reference.
  public private(set) var sentences = 0, matches = 0
  private var referenceCounts = ReferenceCounts()

  /// The fraction of nothing.
  public init() {}

  /// Counts a sentence.
  public mutating func add(_ hypothesis: String, references: [String]) {
    sentences += 1
    // Strings are equal in Swift where they are only canonically equivalent.
    if references.contains(where: { $0.utf8.elementsEqual(hypothesis.utf8) }) { matches += 1 }
    referenceCounts += ReferenceCounts(references.count)
  }

  /// The fraction of sentences that equal a reference, from 0 to 1; 0 of no sentences.
  public var fraction: Double { sentences > 0 ? Double(matches) / Double(sentences) : 0 }

  /// `exact match`.
  public var name: String { "exact match" }
  /// The fraction in percent.
  public var value: Double { 100 * fraction }
  /// The fraction in percent and the counts: `12.50 (1 of 8)`.
  public var formattedValue: String { "\(fixed(value, 2)) (\(matches) of \(sentences))" }
  /// All that the value depends on besides the text.
  public var signature: String {
    "nrefs:\(referenceCounts.text)|case:mixed|version:\(scorerVersion)"
  }
}
