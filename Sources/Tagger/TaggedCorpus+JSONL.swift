internal import Files
internal import ICUText

extension TaggedCorpus {
  /// Calls a function with each sentence of a file of JSON objects, a text with its spans on a line.
  ///
  /// Read are the keys of Doccano (`label` or `labels` with `[start, end, type]`; `entities` with
  /// `start_offset`, `end_offset` and `label`), of Prodigy (`spans` with `start`, `end` and `label`; the
  /// words are its `tokens`, and examples that were not accepted are left out) and of spaCy's
  /// `Doc.to_json` (`ents`). Offsets count code points, as in Python.
  static func forEachJSONL(
    in path: String, _ format: TaggedFormat, keepsAll: Bool, _ inspection: TaggedInspection?,
    _ body: (TaggedSentence, Int) -> Void
  ) throws {
    let segmenter = try Segmenter(Segmentation(unit: .word, locale: format.locale))
    try TextLines.forEach(in: path, keepsAll: keepsAll, progress: inspection?.progress) {
      line, number in
      guard let first = line.first(where: { !$0.isWhitespace }) else { return true }
      guard first == "{" || first == "[" else {
        throw TaggerError.otherLayout(path: path, line: number, found: .columns, expected: .jsonl)
      }
      do {
        let example: AnnotatedExample = try JSON.value(from: line.utf8)
        guard example.isAccepted else {
          inspection?.take(.rejectedExample, in: path, line: number)
          return true
        }
        var text = try example.annotated(line: number)
        for (sentence, _) in try text.sentences(cutBy: segmenter, scheme: format.scheme ?? .iob2) {
          body(sentence, number)
        }
        for (kind, line) in text.changes { inspection?.take(kind, in: path, line: line) }
      } catch let error as AnnotatedExample.Problem {
        throw TaggerError.badExample(path: path, line: number, reason: error.reason)
      } catch is JSONError {
        throw TaggerError.badExample(
          path: path, line: number,
          reason: first == "["
            ? "a list of JSON, where an object a line is needed; jq -c '.[]' makes such lines of it"
            : "no object of JSON that ends on its line")
      }
      return true
    }
  }
}
