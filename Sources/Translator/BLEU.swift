internal import Glibc
internal import Training

/// BLEU: the fraction of n-grams of one to four tokens that a reference has, too, diminished for short
/// translations.
///
/// K. Papineni and others (ACL 2002), as sacreBLEU computes it by default: tokens by 13a, upper and
/// lower case distinct, orders without a match smoothed by halves (`exp`). Sentences are counted
/// together, so the value of a text is not the mean of those of its sentences.
public struct BLEU: TranslationMetric {
  /// How sentences are cut into tokens, by sacreBLEU's names.
  public enum Tokens: String, Codable, Sendable, CaseIterable {
    /// By the rules of mteval-v13a, see `tokens13a(of:)`.
    case rules13a = "13a"
    /// At white space alone, for text that has been cut before.
    case none
  }

  /// The longest n-grams.
  public static let order = 4
  /// How sentences are cut into tokens.
  public let tokens: Tokens

  /// The counts so far.
  public private(set) var statistics = Statistics()
  /// Whether orders that are longer than all sentences are left out, as for single sentences.
  public let usesEffectiveOrder: Bool
  private var counter = NGramCounter()

  /// BLEU of nothing.
  ///
  /// - Parameters:
  ///   - tokens: How sentences are cut.
  ///   - usesEffectiveOrder: Whether orders that are longer than all sentences are left out. If not,
  ///     the value is 0 where no sentence has four tokens.
  public init(tokens: Tokens = .rules13a, usesEffectiveOrder: Bool = false) {
    self.tokens = tokens
    self.usesEffectiveOrder = usesEffectiveOrder
  }

  /// BLEU of a single sentence, with the effective order, as sacreBLEU's `sentence_bleu`.
  public static func sentence(_ hypothesis: String, references: [String]) -> Score {
    var bleu = BLEU(usesEffectiveOrder: true)
    bleu.add(hypothesis, references: references)
    return bleu.score
  }

  /// Counts a sentence.
  ///
  /// - Parameters:
  ///   - hypothesis: The translation.
  ///   - references: Right translations; of their lengths the nearest counts, the shorter of two.
  public mutating func add(_ hypothesis: String, references: [String]) {
    // The end goes first: of `inter-` and a line break there, the hyphen stays.
    let sentences = counter.ids(
      of: ([hypothesis] + references).map { sentence in
        let line = Array(sentence.unicodeScalars).withoutTrailingSpace
        return (tokens == .none ? line : codePoints13a(line)).words
      })
    let length = sentences[0].count
    let right = Array(sentences[1...])
    var added = Statistics()
    added.matches = counter.matches(of: sentences[0], in: right, order: Self.order)
    added.totals = NGramCounter.totals(length, order: Self.order)
    added.hypothesisLength = length
    added.referenceLength =
      right.map(\.count).min { (abs(length - $0), $0) < (abs(length - $1), $1) } ?? 0
    added.referenceCounts = ReferenceCounts(references.count)
    statistics += added
  }

  /// Adds counts of other sentences.
  public mutating func add(_ other: Statistics) { statistics += other }

  /// The value and its parts.
  public var score: Score { Score(statistics, usesEffectiveOrder: usesEffectiveOrder) }

  /// `BLEU`.
  public var name: String { "BLEU" }
  /// The value from 0 to 100.
  public var value: Double { score.value }
  /// The value, the precisions, the brevity penalty and the lengths.
  public var formattedValue: String { score.formattedValue }
  /// All that the value depends on besides the text.
  public var signature: String {
    "nrefs:\(statistics.referenceCounts.text)|case:mixed|eff:\(usesEffectiveOrder ? "yes" : "no")"
      + "|tok:\(tokens.rawValue)|smooth:exp|version:\(scorerVersion)"
  }
}

extension BLEU {
  /// All that BLEU needs to know of some sentences, which may be added up.
  public struct Statistics: Sendable, Equatable {
    /// The n-grams that a reference has, too, and all n-grams of the hypotheses, by order from 1.
    public internal(set) var matches: [Int], totals: [Int]
    /// The tokens of the hypotheses, and of the references that come nearest to them in length.
    public internal(set) var hypothesisLength = 0, referenceLength = 0
    var referenceCounts = ReferenceCounts()

    /// The statistics of nothing.
    public init() {
      matches = [Int](repeating: 0, count: BLEU.order)
      totals = matches
    }

    /// Adds the counts of other sentences.
    public static func += (left: inout Self, right: Self) {
      for place in 0..<BLEU.order {
        left.matches[place] += right.matches[place]
        left.totals[place] += right.totals[place]
      }
      left.hypothesisLength += right.hypothesisLength
      left.referenceLength += right.referenceLength
      left.referenceCounts += right.referenceCounts
    }
  }

  /// BLEU and what it is made of.
  public struct Score: Sendable, Equatable, CustomStringConvertible {
    /// The value from 0 to 100.
    public let value: Double
    /// The percentage of n-grams that are right, by order from 1, with smoothing.
    public let precisions: [Double]
    /// What the value is multiplied by since the hypotheses are shorter than the references.
    public let brevityPenalty: Double
    /// The tokens of the hypotheses, and of the references that come nearest to them in length.
    public let hypothesisLength: Int, referenceLength: Int

    /// The length of the hypotheses for one of the references; 0 where these are empty.
    public var ratio: Double {
      referenceLength > 0 ? Double(hypothesisLength) / Double(referenceLength) : 0
    }

    /// The score of counts.
    ///
    /// - Parameters:
    ///   - statistics: The counts.
    ///   - usesEffectiveOrder: Whether orders without any n-gram are left out.
    public init(_ statistics: Statistics, usesEffectiveOrder: Bool = false) {
      hypothesisLength = statistics.hypothesisLength
      referenceLength = statistics.referenceLength
      if hypothesisLength >= referenceLength {
        brevityPenalty = 1
      } else if hypothesisLength == 0 {
        brevityPenalty = 0
      } else {
        brevityPenalty = exp(1 - Double(referenceLength) / Double(hypothesisLength))
      }
      var precisions = [Double](repeating: 0, count: BLEU.order)
      guard statistics.matches.contains(where: { $0 > 0 }) else {
        (self.precisions, value) = (precisions, 0)
        return
      }
      // Each further order without a match counts as half of a match less.
      var smoothing = 1.0
      var lastOrder = 0
      for (place, (matches, total)) in zip(statistics.matches, statistics.totals).enumerated() {
        if total == 0 { break }
        lastOrder = place + 1
        if matches > 0 {
          precisions[place] = 100 * Double(matches) / Double(total)
        } else {
          smoothing *= 2
          precisions[place] = 100 / (smoothing * Double(total))
        }
      }
      self.precisions = precisions
      let used = usesEffectiveOrder ? lastOrder : BLEU.order
      if precisions[..<used].contains(0) {
        // An order has no n-grams at all; its logarithm is minus infinity.
        value = 0
      } else {
        value = brevityPenalty * exp(precisions[..<used].reduce(0) { $0 + log($1) } / Double(used))
      }
    }

    /// The value, the precisions, the brevity penalty and the lengths.
    public var formattedValue: String {
      "\(fixed(value, 2)) \(precisions.map { fixed($0, 1) }.joined(separator: "/"))"
        + " (BP = \(fixed(brevityPenalty, 3)) ratio = \(fixed(ratio, 3))"
        + " hyp_len = \(hypothesisLength) ref_len = \(referenceLength))"
    }

    /// The line that sacreBLEU prints.
    public var description: String { "BLEU = \(formattedValue)" }
  }
}
