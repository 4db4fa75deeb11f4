/// A measure of how near translations, the hypotheses, come to right ones, the references.
///
/// It grows sentence by sentence, and may be asked for its value at any time.
public protocol TranslationMetric: Sendable, CustomStringConvertible {
  /// What it is called, such as `BLEU` or `chrF2`.
  var name: String { get }
  /// The value from 0 to 100.
  var value: Double { get }
  /// The value and what belongs to it as people read them, such as `26.20` and more.
  var formattedValue: String { get }
  /// All that the value depends on besides the text, in the form that sacreBLEU uses.
  var signature: String { get }
  /// Counts a sentence.
  ///
  /// - Parameters:
  ///   - hypothesis: The translation.
  ///   - references: Right translations, each as good as the others; without any, nothing of the
  ///     hypothesis is right.
  mutating func add(_ hypothesis: String, references: [String])
}

extension TranslationMetric {
  /// The name and the value, as sacreBLEU prints them: `chrF2 = 52.31`.
  public var description: String { "\(name) = \(formattedValue)" }

  /// The same with the signature: `chrF2|nrefs:1|case:mixed|... = 52.31`.
  public var signedDescription: String { "\(name)|\(signature) = \(formattedValue)" }

  /// Counts the sentences of a text.
  public mutating func add(_ text: ReferencedText) {
    for (hypothesis, references) in zip(text.hypotheses, text.references) {
      add(hypothesis, references: references)
    }
  }
}

/// What signatures name in place of sacreBLEU's version, so that nobody takes one for the other.
let scorerVersion = "majortom-0.1.0"

/// How many references sentences have.
struct ReferenceCounts: Sendable, Equatable {
  private var fewest = Int.max, most = 0

  init() {}

  init(_ count: Int) { (fewest, most) = (count, count) }

  static func += (left: inout Self, right: Self) {
    left.fewest = min(left.fewest, right.fewest)
    left.most = max(left.most, right.most)
  }

  /// The number for a signature: `var` where it varies.
  var text: String {
    if fewest > most { return "0" }
    return fewest == most ? "\(most)" : "var"
  }
}
