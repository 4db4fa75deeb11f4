internal import Training

/// How well tags agree with the right ones, counted as conlleval does.
///
/// The script of the CoNLL-2000 shared task (Tjong Kim Sang and Buchholz): a span counts as found
/// when both its ends and its type are right.
public struct SpanScore: Sendable, Equatable {
  /// The spans of one type: right ones in the data, ones found, and those of them that are right.
  public struct Counts: Sendable, Equatable {
    /// The spans in the data, those found, and those that agree.
    public internal(set) var right = 0, found = 0, correct = 0

    /// The fraction of what was found that is right, from 0 to 1; 0 where nothing was found.
    public var precision: Double { found > 0 ? Double(correct) / Double(found) : 0 }
    /// The fraction of what is right that was found.
    public var recall: Double { right > 0 ? Double(correct) / Double(right) : 0 }
    /// The harmonic mean of both.
    public var f1: Double {
      correct > 0 ? 2 * precision * recall / (precision + recall) : 0
    }
  }

  /// The words, and those whose tag is right.
  public private(set) var words = 0, correctWords = 0
  /// The spans of each type.
  public private(set) var types: [String: Counts] = [:]
  /// Whether all tags were of spans.
  public private(set) var hasSpans = true

  /// A score of nothing.
  public init() {}

  /// Counts a sentence; tags of spans may be of any scheme, each side of its own.
  public mutating func add(right: [String], found: [String]) {
    words += right.count
    guard TagScheme.describes(right), TagScheme.describes(found) else {
      hasSpans = false
      correctWords += zip(right, found).count { $0 == $1 }
      return
    }
    let (rightSpans, foundSpans) = (TagScheme.spans(right), TagScheme.spans(found))
    // Tags are compared in one scheme, in which a span has only one way to be written.
    let scheme = TagScheme.iob2
    correctWords += zip(
      scheme.tags(of: rightSpans, count: right.count),
      scheme.tags(of: foundSpans, count: found.count)
    ).count { $0 == $1 }
    for span in rightSpans { types[span.type, default: Counts()].right += 1 }
    let known = Set(rightSpans)
    for span in foundSpans {
      types[span.type, default: Counts()].found += 1
      if known.contains(span) { types[span.type, default: Counts()].correct += 1 }
    }
  }

  /// All types together.
  public var all: Counts {
    types.values.reduce(into: Counts()) { sum, counts in
      sum.right += counts.right
      sum.found += counts.found
      sum.correct += counts.correct
    }
  }

  /// The fraction of words whose tag is right, from 0 to 1.
  public var accuracy: Double { words > 0 ? Double(correctWords) / Double(words) : 0 }

  /// F1 where tags are of spans, else the accuracy.
  public var metric: Double { hasSpans ? all.f1 : accuracy }

  /// The report of conlleval, line by line; without spans, the accuracy alone.
  public var report: String {
    guard hasSpans else {
      return "processed \(words) words; correct: \(correctWords).\n"
        + "accuracy: \(percent(accuracy))\n"
    }
    let all = all
    var text =
      "processed \(words) tokens with \(all.right) phrases; "
      + "found: \(all.found) phrases; correct: \(all.correct).\n"
    text +=
      "accuracy: \(percent(accuracy)); precision: \(percent(all.precision)); "
      + "recall: \(percent(all.recall)); FB1: \(percent(all.f1).dropLast())\n"
    for (type, counts) in types.sorted(by: { $0.key < $1.key }) {
      let name = String(repeating: " ", count: max(0, 17 - type.count)) + type
      text +=
        "\(name): precision: \(percent(counts.precision)); recall: \(percent(counts.recall)); "
        + "FB1: \(percent(counts.f1).dropLast())  \(counts.found)\n"
    }
    return text
  }

  /// A fraction in percent, as C's `%6.2f%%` prints it.
  private func percent(_ fraction: Double) -> String {
    let text = fixed(100 * fraction, 2)
    return String(repeating: " ", count: max(0, 6 - text.count)) + text + "%"
  }
}
