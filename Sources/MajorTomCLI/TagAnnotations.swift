import MajorTom

// Tagged text as tools for annotation take it: offsets count code points, as in Python.

/// A text with its spans as one object: `spans` as Prodigy has them, and the same as `label` for Doccano.
func annotationObject(_ text: String, _ spans: [SpanInText]) -> JSONValue {
  .object([
    "text": .text(text),
    "spans": .list(
      spans.map { span in
        .object([
          "start": .whole(span.codePoints.lowerBound), "end": .whole(span.codePoints.upperBound),
          "label": .text(span.type),
        ])
      }),
    "label": .list(
      spans.map { span in
        .list([
          .whole(span.codePoints.lowerBound), .whole(span.codePoints.upperBound), .text(span.type),
        ])
      }),
  ])
}

/// The annotations of a text that comes line by line, as brat has them in a file of their own.
final class BratLines {
  private var start = 0
  private var number = 0

  /// The lines for the spans of the text's next line, which ends in a line feed there.
  func lines(_ text: String, _ spans: [SpanInText]) -> String {
    var lines = ""
    for span in spans {
      number += 1
      let (low, high) = (span.codePoints.lowerBound, span.codePoints.upperBound)
      lines += "T\(number)\t\(span.type) \(start + low) \(start + high)\t\(span.text)\n"
    }
    start += text.unicodeScalars.count + 1
    return lines
  }
}
