internal import Files

/// What can go wrong where a parallel corpus is read, or made by ICU; `description` is a sentence for
/// people.
public enum CorpusError: Error, Sendable, Equatable {
  /// A line of a file with too few columns; the line counts from 1.
  case columnMissing(path: String, line: Int, found: Int, needed: Int)
  /// A line of JSON where columns are needed; the line counts from 1.
  case isJSON(path: String, line: Int)
  /// Files that hold no pair with something on both sides.
  case noPairs(paths: [String])
  /// Two files that should go line by line: their paths and how many lines each has.
  case unequalLines(String, Int, String, Int)
  /// A locale that ICU does not know.
  case unknownLocale(String)
  /// A locale without words for numbers, and the languages that have some.
  case noSpelling(locale: String, known: [String])
  /// A locale without formats for dates.
  case noDates(locale: String)
  /// A locale without names.
  case noNames(locale: String)
  /// A number that the rules of a locale leave in digits.
  case unspelled(Int, locale: String)
  /// More pairs were asked for than there are different sources, such as numbers from 0 to 99.
  case tooMany(count: Int, available: Int, sources: String)
  /// The parts for development and test leave none of the sources to train on.
  case nothingToTrainOn(count: Int, dev: Int, test: Int)
  /// There is nothing that both locales have a name for.
  case noCommonNames(from: String, to: String)
  /// ICU failed in a way that no argument explains, such as missing data files.
  case icu(operation: String, code: String)
}

extension CorpusError: CustomStringConvertible {
  /// One sentence: what was found, where, and what to do.
  public var description: String {
    switch self {
    case .columnMissing(let path, let line, let found, let needed):
      return "\(path):\(line): \(found) column\(found == 1 ? "" : "s"), separated by tabs, where"
        + " \(needed) are needed: what is read and what is written."
    case .isJSON(let path, let line):
      return
        "\(path):\(line): a JSON object, where columns separated by tabs are needed: what is read"
        + " and what is written; take these out of the objects, as with jq."
    case .noPairs(let paths):
      return
        "\(paths.joined(separator: ", ")): there is no pair to learn from; a pair has something"
        + " on both sides."
    case .unequalLines(let path, let count, let other, let otherCount):
      return "\(path) has \(Self.lines(count)) and \(other) has \(Self.lines(otherCount)): line"
        + " \(min(count, otherCount) + 1) of \(count > otherCount ? path : other) has no counterpart."
    case .unknownLocale(let locale):
      return TextError.unknownLocale(locale).description
    case .noSpelling(let locale, let known):
      return "ICU has no rules to spell out numbers in \"\(quoted(locale))\"; choose one of"
        + " \(known.joined(separator: ", "))."
    case .noDates(let locale):
      return
        "ICU has no formats for dates in \"\(quoted(locale))\"; choose another locale, such as en, fr"
        + " or zh."
    case .noNames(let locale):
      return
        "ICU has no names in \"\(quoted(locale))\"; choose another locale, such as en, fr or zh."
    case .unspelled(let number, let locale):
      return "ICU has no words for \(number) in \"\(quoted(locale))\"; choose a range nearer to 0."
    case .tooMany(let count, let available, let sources):
      return "\(count) pairs are more than there are: only \(available) different \(sources); ask"
        + " for fewer pairs or widen the range."
    case .nothingToTrainOn(let count, let dev, let test):
      return
        "\(dev) sources for development and \(test) for test leave none of \(count) to train on;"
        + " ask for more pairs or smaller parts."
    case .noCommonNames(let from, let to):
      return
        "Nothing has a name in both \"\(quoted(from))\" and \"\(quoted(to))\"; choose other locales or kinds."
    case .icu(let operation, let code):
      return TextError.icu(operation: operation, code: code).description
    }
  }

  private static func lines(_ count: Int) -> String { count == 1 ? "1 line" : "\(count) lines" }
}
