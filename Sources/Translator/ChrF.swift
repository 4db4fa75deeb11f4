internal import Training

/// chrF: how many n-grams of characters translations and references have in common, as an F-score that
/// weighs what is missing twice as much as what is wrong.
///
/// M. Popović (WMT 2015 and 2017), as sacreBLEU computes it by default: n-grams of one to six code
/// points without white space, upper and lower case distinct; the variant chrF2++ also counts
/// n-grams of one and two words.
public struct ChrF: TranslationMetric {
  /// Which n-grams count.
  public enum Variant: String, Sendable, CaseIterable {
    /// Those of up to six code points.
    case chrF2 = "chrF2"
    /// Those of up to two words as well.
    case chrF2PlusPlus = "chrF2++"

    /// The longest n-grams of words.
    public var wordOrder: Int { self == .chrF2 ? 0 : 2 }
  }

  /// The longest n-grams of code points.
  public static let characterOrder = 6
  /// How many times as much recall weighs as precision.
  public static let beta = 2

  /// Which n-grams count.
  public let variant: Variant
  /// The counts so far.
  public private(set) var statistics: Statistics
  private var counter = NGramCounter()

  /// chrF of nothing.
  public init(_ variant: Variant = .chrF2) {
    self.variant = variant
    statistics = Statistics(variant)
  }

  /// chrF of a single sentence, from 0 to 100.
  public static func sentence(
    _ hypothesis: String, references: [String], variant: Variant = .chrF2
  ) -> Double {
    var chrF = ChrF(variant)
    chrF.add(hypothesis, references: references)
    return chrF.value
  }

  /// Counts a sentence.
  ///
  /// - Parameters:
  ///   - hypothesis: The translation.
  ///   - references: Right translations, of which the one with the highest score counts.
  public mutating func add(_ hypothesis: String, references: [String]) {
    let sentences = ([hypothesis] + references).map { Array($0.unicodeScalars) }
    let characters = sentences.map { $0.lazy.filter { !$0.isSpace }.map(\.value) }.map(Array.init)
    let words =
      variant.wordOrder > 0 ? counter.ids(of: sentences.map(Self.words)) : []
    var best = Statistics(variant)
    var highest = -1.0
    for place in sentences.indices.dropFirst() {
      var found = Statistics(variant)
      found.count(
        from: 0, to: Self.characterOrder, characters[0], characters[place], by: &counter)
      if variant.wordOrder > 0 {
        found.count(
          from: Self.characterOrder, to: found.matches.count, words[0], words[place], by: &counter)
      }
      let value = found.value
      if value > highest { (best, highest) = (found, value) }
    }
    best.referenceCounts = ReferenceCounts(references.count)
    statistics += best
  }

  /// Adds counts of other sentences, made for the same variant.
  ///
  /// - Throws: `TranslatorError.otherVariant` if they are not.
  public mutating func add(_ other: Statistics) throws(TranslatorError) {
    guard other.variant == variant else { throw .otherVariant(variant, found: other.variant) }
    statistics += other
  }

  /// The words of a sentence; of each, one mark at its end or else its beginning is parted.
  private static func words(_ sentence: [Unicode.Scalar]) -> [ArraySlice<Unicode.Scalar>] {
    var words: [ArraySlice<Unicode.Scalar>] = []
    for word in sentence.words {
      if word.count > 1, word.last?.isASCIIPunctuation == true {
        words += [word.dropLast(), word.suffix(1)]
      } else if word.count > 1, word.first?.isASCIIPunctuation == true {
        words += [word.prefix(1), word.dropFirst()]
      } else {
        words.append(word)
      }
    }
    return words
  }

  /// `chrF2` or `chrF2++`.
  public var name: String { variant.rawValue }
  /// The value from 0 to 100.
  public var value: Double { statistics.value }
  /// The value with two decimals.
  public var formattedValue: String { fixed(value, 2) }
  /// All that the value depends on besides the text.
  public var signature: String {
    "nrefs:\(statistics.referenceCounts.text)|case:mixed|eff:yes|nc:\(Self.characterOrder)"
      + "|nw:\(variant.wordOrder)|space:no|version:\(scorerVersion)"
  }
}

extension ChrF {
  /// All that chrF needs to know of some sentences, which may be added up for one variant.
  public struct Statistics: Sendable, Equatable {
    /// Which n-grams are counted.
    public let variant: Variant
    /// The n-grams of hypotheses, of references, and of both, by order: characters, then words.
    public internal(set) var hypothesis: [Int], reference: [Int], matches: [Int]
    var referenceCounts = ReferenceCounts()

    /// The statistics of nothing.
    public init(_ variant: Variant = .chrF2) {
      self.variant = variant
      hypothesis = [Int](repeating: 0, count: ChrF.characterOrder + variant.wordOrder)
      (reference, matches) = (hypothesis, hypothesis)
    }

    /// Counts the n-grams of a pair, and puts them at some places.
    fileprivate mutating func count(
      from start: Int, to end: Int, _ found: [UInt32], _ right: [UInt32],
      by counter: inout NGramCounter
    ) {
      let order = end - start
      reference.replaceSubrange(start..<end, with: NGramCounter.totals(right.count, order: order))
      matches.replaceSubrange(
        start..<end, with: counter.matches(of: found, in: [right], order: order))
      // What the reference is too short to have is not held against the hypothesis.
      for (place, total) in NGramCounter.totals(found.count, order: order).enumerated() {
        hypothesis[start + place] = reference[start + place] > 0 ? total : 0
      }
    }

    fileprivate static func += (left: inout Self, right: Self) {
      for place in left.matches.indices {
        left.hypothesis[place] += right.hypothesis[place]
        left.reference[place] += right.reference[place]
        left.matches[place] += right.matches[place]
      }
      left.referenceCounts += right.referenceCounts
    }

    /// The F-score of the mean precision and recall of all orders that both sides have, in percent.
    public var value: Double {
      var (precision, recall, orders) = (0.0, 0.0, 0.0)
      for place in matches.indices where hypothesis[place] > 0 && reference[place] > 0 {
        precision += Double(matches[place]) / Double(hypothesis[place])
        recall += Double(matches[place]) / Double(reference[place])
        orders += 1
      }
      guard precision + recall > 0 else { return 0 }
      precision /= orders
      recall /= orders
      let factor = Double(ChrF.beta * ChrF.beta)
      return 100 * ((1 + factor) * precision * recall / (factor * precision + recall))
    }
  }
}
