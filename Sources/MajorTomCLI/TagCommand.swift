import CommandLineModels
import CommandLineOptions
import Glibc
import MajorTom

enum TagFormat: String, CaseIterable {
  case text, inline, json, jsonl, brat, conll, conllu, tsv
}

/// The command `majortom tag`.
let tagCommand = Command(
  "tag", summary: "mark names or parts of speech in a text",
  synopsis: "[-m MODEL] [TEXT...] [OPTION...]",
  about: """
    Marks the names, or the parts of speech, in a text from arguments, from files, or from standard
    input, whose paragraphs are parted by empty lines; what is typed at a terminal is read line by line.
    inline: <PER>Major Tom</PER>, where the text's own & < > are &amp; &lt; &gt;. tsv: type, text, bytes,
    UTF-16 units, code points, confidence, line, and with --file the file; places are those in the whole
    input, from 0, the line counts from 1. json: an object a paragraph; places are those in its text, and
    those in the whole input stand under input. jsonl: an object a paragraph that Doccano (label) and
    Prodigy (spans) import. brat: the file .ann for the text of standard input or of one file, which is
    read line by line.
    """,
  options: [modelOption()] + inputOptions + lineOptions + [
    Option(
      "format", "FORMAT",
      "text, inline, json, jsonl, brat, conll, conllu or tsv (default: text)"),
    Option(
      "scheme", "NAME", "Scheme of span tags in conll: iob1, iob2, bioes, bilou (default: iob2)"),
    Option(flag: "lines", "Each line of the input is a text of its own"),
    Option(flag: "tokenized", "Each line is a sentence whose words are separated by spaces"),
    Option("best", "N", "The N likeliest taggings of each sentence, as text or JSON"),
    Option(
      "least", "P", "Leave out spans less probable than P; words get the tag _ (default: 0)"),
    Option(
      "batch", "N", "Texts of the input tagged together, where so many are there (default: 32)"),
    Option("color", "WHEN", "auto, always or never (default: auto)"),
    precisionOption, threadsOption, Option(flag: "json", "The same as --format json"),
  ]
) { arguments in
  let format =
    arguments.has("json") ? .json : try arguments.choice("format", of: TagFormat.self) ?? .text
  let isTokenized = arguments.has("tokenized")
  let color = try arguments.choice("color", of: ColorChoice.self) ?? .auto
  let batch = try arguments.integer("batch", in: 1...1_000_000) ?? 32
  guard format != .brat || arguments.inputFiles.count <= 1 else {
    throw UsageError("--format brat writes the annotations of one text: give one --file at a time")
  }
  // What is wrong with the text is told before a model is read.
  let isTyped = try arguments.givenText() == nil && !arguments.has("file") && inputIsTerminal
  // The offsets of brat count all that is in the text's file.
  let unit: InputUnit =
    format == .brat
    ? .wholeLines
    : isTokenized || arguments.has("lines") || arguments.has("keep-going") || isTyped
      ? .lines : .paragraphs
  let tagger = try arguments.model(Tagger.self, modelPath(arguments, of: Tagger.kind))
  guard !arguments.has("keep-going") || format != .text || tagger.lexicon.hasSpans else {
    throw UsageError(
      "--keep-going writes a line for each line, and words with their tags below are none: give --format "
        + "inline, json or jsonl")
  }
  var writer = TagWriter(
    tagger: tagger,
    format: format, scheme: try arguments.choice("scheme", of: TagScheme.self) ?? .iob2,
    best: try arguments.integer("best", in: 1...1000),
    least: try arguments.number("least", in: 0...1) ?? 0,
    isColored: color.isColored, ofParagraphs: unit == .paragraphs,
    threads: try arguments.integer("threads", in: 1...1024))
  let hint = "type a text and press Return to see it tagged; Ctrl-D ends"
  try forEachBatch(of: arguments, batch, unit, hint: hint) {
    try writer.write($0, isTokenized: isTokenized)
  }
}
