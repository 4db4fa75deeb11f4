import MajorTom

/// A value in the tool's JSON output.
enum JSONValue {
  case text(String)
  case number(Double)
  case whole(Int)
  case flag(Bool)
  case list([JSONValue])
  case object(KeyValuePairs<String, JSONValue>)

  /// The value as RFC 8259 writes it; a number that is not finite is null.
  var text: String {
    switch self {
    case .text(let text): ModelMetadata.json(text)
    case .number(let number): number.isFinite ? "\(number)" : "null"
    case .whole(let number): "\(number)"
    case .flag(let flag): "\(flag)"
    case .list(let items): "[" + items.map(\.text).joined(separator: ",") + "]"
    case .object(let pairs):
      "{" + pairs.map { ModelMetadata.json($0.key) + ":" + $0.value.text }.joined(separator: ",")
        + "}"
    }
  }
}

/// Writes one JSON object as a line on standard output.
func writeJSON(_ pairs: KeyValuePairs<String, JSONValue>) {
  writeOutput(JSONValue.object(pairs).text + "\n")
}
