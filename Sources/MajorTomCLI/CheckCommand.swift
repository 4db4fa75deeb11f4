import CommandLineModels
import CommandLineOptions
import Glibc
import MajorTom

private let pairOptions = [
  Option("columns", "S,T", "Pairs: the columns of what is read and written (default: 1,2)"),
  Option("source", "FILE", "Sentences to read, line by line, in place of DATA"),
  Option("target", "FILE", "Sentences to write, line by line"),
]

/// The command `majortom check DATA...`.
let checkCommand = Command(
  "check", summary: "say what is wrong with data before a training",
  synopsis: "DATA... [OPTION...]",
  about: """
    Reads what a training would read, and says what would stop it, what would harm it, and what is odd,
    each with file and line, the worst first; then how much there is. It ends with 1 where something
    would stop a training, else with 0.
    """,
  options: [
    Option("as", "KIND", "What the data are for: lm, tagger or translator (default: found out)"),
    Option("dev", "FILE", "What a tagger or a translator would choose the best epoch by"),
  ] + taggedDataOptions + [
    Option("locale", "LOCALE", "Rules by which texts with spans are cut into words (default: en)")
  ] + pairOptions + [encodingOption, jsonOption]
) { arguments in
  let kind = try dataKind(arguments)
  try demandOptions(of: kind, arguments)
  let inspection: any DataInspection =
    switch kind {
    case .text: try inspectText(arguments)
    case .tagged: try inspectSentences(arguments)
    case .pairs: try inspectPairs(arguments)
    }
  let findings = inspection.findings
  if arguments.has("json") {
    writeJSON([
      "kind": .text(kind.rawValue), "findings": .list(findings.map(json)),
      "summary": json(inspection.summary),
    ])
  } else {
    for finding in findings {
      let sentence = visible("\(finding)", keepingLines: false)
      writeOutput("\(finding.severity.rawValue): \(sentence)\n")
    }
    if findings.isEmpty { writeOutput("nothing is wrong that could be seen\n") }
    writeOutput(table(inspection.summary))
  }
  if findings.contains(where: { $0.severity == .error }) { exit(1) }
}

/// How to see all findings of a training's data, as a command.
func checkCall(_ arguments: ParsedArguments, _ kind: String) -> String {
  var words = ["majortom", "check"] + arguments.words.map(shellWord) + ["--as", kind]
  for option in checkCommand.options where option.name != "json" && arguments.has(option.name) {
    words.append("--\(option.name)")
    if let value = arguments.text(option.name), !option.isFlag { words.append(shellWord(value)) }
  }
  return words.joined(separator: " ")
}

private func dataKind(_ arguments: ParsedArguments) throws -> DataKind {
  if arguments.has("source") != arguments.has("target") {
    throw UsageError("--source and --target go together")
  }
  guard arguments.words.isEmpty == arguments.has("source") else {
    throw UsageError(
      arguments.words.isEmpty
        ? "no data: name at least one file" : "the data are given twice: as words and with --source"
    )
  }
  if let kind = try arguments.choice("as", of: DataKind.self) { return kind }
  if arguments.has("source") { return .pairs }
  if arguments.has("data-format") || arguments.has("column") { return .tagged }
  return DataKind(guessedFor: arguments.words[0])
}

/// Throws `UsageError` for an option that data of the kind do not have.
private func demandOptions(of kind: DataKind, _ arguments: ParsedArguments) throws(UsageError) {
  let tagged = taggedDataOptions.map(\.name) + ["locale"]
  let pairs = pairOptions.map(\.name)
  let idle =
    switch kind {
    case .text: tagged + pairs + ["dev"]
    case .tagged: pairs + ["encoding"]
    case .pairs: tagged + ["encoding"]
    }
  guard let name = idle.first(where: arguments.has) else { return }
  throw UsageError(
    "--\(name): it is of other data than these, which are \(kind.title); --as KIND says what they are"
  )
}

private func inspectText(_ arguments: ParsedArguments) throws -> TextInspection {
  let inspection = TextInspection()
  let encoding = try arguments.encoding()
  inspection.progress = arguments.readingBar(arguments.words).report
  for path in arguments.words { inspection.read(path, encoding: encoding) }
  return inspection
}

private func inspectSentences(_ arguments: ParsedArguments) throws -> TaggedInspection {
  let inspection = TaggedInspection()
  inspection.progress = arguments.readingBar(arguments.words).report
  let format = try taggedFormat(arguments)
  for path in arguments.words { inspection.read(path, format: format) }
  if let path = arguments.text("dev") { inspection.read(path, format: format, as: .development) }
  return inspection
}

private func inspectPairs(_ arguments: ParsedArguments) throws -> PairInspection {
  let inspection = PairInspection()
  inspection.progress = arguments.readingBar(arguments.words).report
  let (source, target) = try Translator.columns(arguments)
  if let first = arguments.text("source"), let second = arguments.text("target") {
    inspection.read(source: first, target: second)
  }
  for path in arguments.words {
    inspection.read(path, sourceColumn: source, targetColumn: target)
  }
  if let path = arguments.text("dev") {
    inspection.read(path, sourceColumn: source, targetColumn: target, as: .development)
  }
  return inspection
}

// MARK: Output

private func json(_ finding: Finding) -> JSONValue {
  .object([
    "severity": .text(finding.severity.rawValue), "kind": .text(finding.kind.rawValue),
    "file": .text(finding.path), "line": finding.line.map { .whole($0) } ?? .raw("null"),
    "count": .whole(finding.count), "sentence": .text(finding.sentence),
  ])
}

private func json(_ summary: DataSummary) -> JSONValue {
  .list(
    summary.rows.flatMap { row in
      zip(summary.splits, row.values).map { split, value in
        .object([
          "split": .text(split.rawValue), "name": .text(row.label),
          "value": value.number.map { .whole($0) } ?? .text(value.text),
        ])
      }
    })
}

/// A table with a column for each split; names of scripts are the last column of their row.
private func table(_ summary: DataSummary) -> String {
  guard !summary.splits.isEmpty else { return "" }
  let head = [""] + (summary.splits.count > 1 ? summary.splits.map(\.rawValue) : [])
  let rows = summary.rows.map { [$0.label] + $0.values.map(\.text) }
  let numbers = summary.rows.indices.filter { place in
    summary.rows[place].values.allSatisfy { $0.number != nil }
  }
  let first = rows.reduce(0) { max($0, $1[0].count) }
  let width = ([head] + numbers.map { rows[$0] }).reduce(0) { sum, row in
    row.dropFirst().reduce(sum) { max($0, $1.count) }
  }
  func line(_ cells: [String]) -> String {
    let rest = cells.dropFirst().map { cell in
      String(repeating: " ", count: max(0, width - cell.count)) + cell
    }
    let label = cells[0] + String(repeating: " ", count: first - cells[0].count)
    return ([label] + rest).joined(separator: "  ") + "\n"
  }
  return "\n" + (head.count > 1 ? line(head) : "") + rows.map(line).joined()
}

extension DataSummary.Value {
  fileprivate var number: Int? {
    if case .whole(let number) = self { return number }
    return nil
  }

  fileprivate var text: String {
    switch self {
    case .whole(let number): grouped(number)
    case .text(let text): text
    }
  }
}
