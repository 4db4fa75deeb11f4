/// What goes wrong with pairs, translators and translations, as a sentence each.
public enum TranslatorError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Two texts that should have a line for each line of the other: the names and their lines.
  case unequalLines(String, Int, String, Int)
  /// Nothing to compare translations with.
  case noReferences
  /// A text without a line.
  case noLines(String)
  /// Sizes that make no network, or options that do not fit together.
  case configuration(String)
  /// Counts for another variant of chrF.
  case otherVariant(ChrF.Variant, found: ChrF.Variant)

  /// The sentence.
  public var description: String {
    switch self {
    case .unequalLines(let name, let count, let other, let otherCount):
      "\(name) has \(Self.lines(count)) and \(other) has \(Self.lines(otherCount)): line "
        + "\(min(count, otherCount) + 1) of \(count > otherCount ? name : other) has no counterpart"
    case .noReferences: "there are no references to compare with; name at least one"
    case .noLines(let name): "\(name): there is no line in it"
    case .configuration(let found): found
    case .otherVariant(let variant, let found):
      "counts for \(found.rawValue) cannot be added to \(variant.rawValue)"
    }
  }

  private static func lines(_ count: Int) -> String { count == 1 ? "1 line" : "\(count) lines" }
}
