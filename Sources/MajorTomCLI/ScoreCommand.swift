import CommandLineModels
import CommandLineOptions
import MajorTom

/// The command `majortom score`.
let scoreCommand = Command(
  "score", summary: "compare translations with right ones: BLEU, chrF, exact match",
  synopsis: "--reference FILE [--reference FILE...] [HYPOTHESES] [OPTION...]",
  about: """
    Compares translations, one a line, from a file or standard input, with right ones: BLEU and
    chrF as sacreBLEU computes them by default, and the share of lines that equal a reference.
    """,
  options: [
    Option("reference", short: "r", "FILE", "Right translations; several files for several each"),
    Option("tokens", "RULES", "Cut for BLEU by 13a, or none: at spaces alone (default: 13a)"),
    Option("chrf", "VARIANT", "chrF2 or chrF2++, which counts words, too (default: chrF2)"),
    Option(flag: "json", "One JSON object a line"),
  ]
) { arguments in
  let paths = arguments.texts("reference")
  guard !paths.isEmpty else {
    throw UsageError("no references: name a file of right translations with --reference")
  }
  guard arguments.words.count <= 1 else {
    throw UsageError(
      "one file of hypotheses at a time, and there is \(arguments.words[1]), too; each file of "
        + "references needs a --reference of its own")
  }
  let variant = try arguments.choice("chrf", of: ChrF.Variant.self) ?? .chrF2
  let tokens = try arguments.choice("tokens", of: BLEU.Tokens.self) ?? .rules13a
  let references = try paths.map { try ReferencedText.Lines(contentsOf: $0) }
  let hypotheses =
    try arguments.words.first.map { try ReferencedText.Lines(contentsOf: $0) } ?? inputLines()
  let text = try ReferencedText(hypotheses, references: references)

  var (bleu, chrF, exact) = (
    BLEU(tokens: tokens), ChrF(variant), ExactMatch()
  )
  bleu.add(text)
  chrF.add(text)
  exact.add(text)
  guard arguments.has("json") else {
    let metrics: [any TranslationMetric] = [bleu, chrF, exact]
    writeOutput(metrics.map { $0.signedDescription + "\n" }.joined())
    return
  }
  let parts = bleu.score
  writeJSON([
    "name": .text(bleu.name), "score": .number(parts.value),
    "precisions": .list(parts.precisions.map { .number($0) }),
    "brevity_penalty": .number(parts.brevityPenalty), "ratio": .number(parts.ratio),
    "hypothesis_length": .whole(parts.hypothesisLength),
    "reference_length": .whole(parts.referenceLength), "signature": .text(bleu.signature),
  ])
  writeJSON([
    "name": .text(chrF.name), "score": .number(chrF.value), "signature": .text(chrF.signature),
  ])
  writeJSON([
    "name": .text(exact.name), "score": .number(exact.value), "matches": .whole(exact.matches),
    "sentences": .whole(exact.sentences), "signature": .text(exact.signature),
  ])
}

/// The lines of standard input, cut as those of a file are.
private func inputLines() throws -> ReferencedText.Lines {
  var lines: [String] = []
  var byteCount = 0
  try forEachInputLine(hint: "type the translations, one a line; Ctrl-D ends them") { line in
    byteCount += line.utf8.count + 1
    guard byteCount <= TextLines.mostKept else {
      throw TextError.tooLarge(path: "standard input", limit: TextLines.mostKept)
    }
    var codePoints = line.unicodeScalars
    if lines.isEmpty, codePoints.first == "\u{FEFF}" { codePoints.removeFirst() }
    if codePoints.last == "\r" { codePoints.removeLast() }
    lines.append(String(codePoints))
  }
  return ReferencedText.Lines(lines, name: "standard input")
}
