internal import ICUText

/// Translations, sentence by sentence, each beside its references.
public struct ReferencedText: Sendable, Equatable {
  /// Lines and what to call them in an error.
  public struct Lines: Sendable, Equatable {
    /// Where they come from, such as the path of a file.
    public var name: String
    /// The lines, without their ends.
    public var lines: [String]

    /// Lines with a name.
    public init(_ lines: [String], name: String) {
      self.name = name
      self.lines = lines
    }

    /// The lines of a file in UTF-8, which may be compressed with gzip or zstd.
    ///
    /// - Throws: A `TextError` that names the file.
    public init(contentsOf path: String) throws {
      var lines: [String] = []
      try TextLines.forEach(in: path, keepsAll: true) { line, _ in
        lines.append(line)
        return true
      }
      self.init(lines, name: path)
    }
  }

  /// The translations.
  public let hypotheses: [String]
  /// The references of each translation.
  public let references: [[String]]

  /// Translations with their references, line by line.
  ///
  /// - Parameters:
  ///   - hypotheses: The translations, one a line.
  ///   - references: For each reference that a sentence has, lines as many as translations.
  /// - Throws: A `TranslatorError` if lines have no counterpart, or there is nothing to compare.
  public init(_ hypotheses: Lines, references: [Lines]) throws(TranslatorError) {
    guard !references.isEmpty else { throw .noReferences }
    for reference in references where reference.lines.count != hypotheses.lines.count {
      throw .unequalLines(
        reference.name, reference.lines.count, hypotheses.name, hypotheses.lines.count)
    }
    guard !hypotheses.lines.isEmpty else { throw .noLines(hypotheses.name) }
    self.hypotheses = hypotheses.lines
    self.references = hypotheses.lines.indices.map { line in references.map { $0.lines[line] } }
  }
}
