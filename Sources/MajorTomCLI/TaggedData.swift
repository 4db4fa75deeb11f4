import CommandLineModels
import CommandLineOptions
import MajorTom

private enum DataFormatName: String, CaseIterable { case auto, columns, conllu, jsonl, brat }

/// The options that say how files of tagged sentences are laid out.
let taggedDataOptions: [Option] = [
  Option(
    "data-format", "NAME",
    "columns, conllu, jsonl, brat, or auto: by the file's name and first line (default: auto)"),
  Option(
    "column", "COLUMN",
    "The tags: a number, last, upos, xpos or feats:NAME (default: last; CoNLL-U: upos)"),
  Option("token-column", "N", "The column of the words (default: 1)"),
  Option("scheme", "NAME", "Scheme of span tags: iob1, iob2, bioes or bilou (default: found out)"),
  Option(flag: "repair-tags", "Accept tags that break their scheme, as conlleval reads them"),
]

/// The layout that the options say.
///
/// Throws `UsageError`.
func taggedFormat(_ arguments: ParsedArguments, locale: String = "en") throws -> TaggedFormat {
  let column: TaggedFormat.TagColumn? = try arguments.text("column").map { text throws in
    switch text {
    case "last": return .last
    case "upos": return .upos
    case "xpos": return .xpos
    default:
      if text.hasPrefix("feats:"), text.count > 6 { return .feature(String(text.dropFirst(6))) }
      if let number = Int(text), number >= 1 { return .number(number) }
      throw UsageError(
        "--column \(text): expected a number from 1, last, upos, xpos or feats:NAME")
    }
  }
  let name = try arguments.choice("data-format", of: DataFormatName.self) ?? .auto
  var format = TaggedFormat(
    layout: TaggedFormat.Layout(rawValue: name.rawValue),
    wordColumn: try arguments.integer("token-column", in: 1...1000) ?? 1,
    tagColumn: column, scheme: try arguments.choice("scheme", of: TagScheme.self),
    repairsTags: arguments.has("repair-tags"))
  format.locale = arguments.text("locale") ?? locale
  return format
}

/// Tells how many tags were repaired, if any.
func tellRepairs(_ corpus: TaggedCorpus, _ name: String) {
  guard corpus.repaired > 0 else { return }
  complain("\(name): repaired \(counted(corpus.repaired, "tag")) that broke the scheme")
}
