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

/// The annotations of a text as brat has them in a file of their own; `start` code points stand before it,
/// and `count` annotations were written before.
func bratLines(
  _ spans: [SpanInText], behind start: Int, counting count: inout Int
) -> String {
  var lines = ""
  for span in spans {
    count += 1
    let (low, high) = (span.codePoints.lowerBound, span.codePoints.upperBound)
    lines += "T\(count)\t\(span.type) \(start + low) \(start + high)\t\(span.text)\n"
  }
  return lines
}
