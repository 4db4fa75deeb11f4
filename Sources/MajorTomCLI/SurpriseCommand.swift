import CommandLineModels
import CommandLineOptions
import MajorTom

/// The command `majortom surprise`.
let surpriseCommand = Command(
  "surprise", summary: "show how surprised a language model is at each character",
  synopsis: "[-m MODEL] [TEXT...] [OPTION...]",
  about: """
    Shows how surprised a language model is at each token of a text from arguments or from files or standard input: \
    -log2 of the token's probability after what stands before it, 0 for what it was sure of. text: coloured, \
    with the bits below where there is no colour. tsv: line, token, text, its first byte in the whole input, \
    bits. jsonl: an object a text, with its bits, and those of each token.
    """,
  options: [
    modelOption()
  ] + inputOptions + lineOptions + [
    Option("format", "FORMAT", "text, tsv or jsonl (default: text)"),
    Option(flag: "numbers", "In text, show the bits below each token"),
    Option(flag: "lines", "Each line is a text of its own"),
    colorOption,
    precisionOption,
    Option(flag: "json", "The same as --format jsonl"),
  ]
) { arguments in
  let typed = try arguments.choice("format", of: SurpriseFormat.self)
  if arguments.has("json"), let typed, typed != .jsonl {
    throw UsageError("--json is --format jsonl, and --format \(typed.rawValue) is another one")
  }
  let model = try arguments.model(LanguageModel.self, modelPath(arguments))
  let output = SurpriseOutput(
    model: model, format: arguments.has("json") ? .jsonl : typed ?? .text,
    isColored: try arguments.isColored(), showsNumbers: arguments.has("numbers"))
  // At a terminal someone waits for an answer to each line.
  let isByLine =
    arguments.has("lines") || arguments.has("keep-going")
    || (inputIsTerminal && !arguments.givesText && !arguments.has("file"))
  var whole: [InputText] = []
  let hint = "type a text and press Return to see what surprises the model; Ctrl-D ends"
  try forEachBatch(of: arguments, 1, .wholeLines, hint: hint) { texts in
    if isByLine { for text in texts { try output.show(text) } } else { whole += texts }
  }
  if let first = whole.first {
    let text = whole.map(\.text).joined(separator: "\n")
    try output.show(InputText(text: text, start: first.start, file: first.file))
  }
}

private enum SurpriseFormat: String, CaseIterable {
  case text, tsv, jsonl
}

/// What a model's surprise at texts looks like.
private struct SurpriseOutput {
  let model: LanguageModel
  let format: SurpriseFormat
  let isColored: Bool
  let showsNumbers: Bool

  init(model: LanguageModel, format: SurpriseFormat, isColored: Bool, showsNumbers: Bool) {
    self.model = model
    self.format = format
    self.isColored = isColored
    self.showsNumbers = showsNumbers
  }

  /// Shows a text of the input.
  func show(_ input: InputText) throws {
    let text = input.text
    let (ids, ends) = try model.vocabulary.encodeWithEnds(text)
    let found = try withProgress("reading the text") { bar in
      try model.expectations(of: ids, keeping: 0, progress: bar.report)
    }
    let tokens = ids.map { model.vocabulary.bytes(of: $0) }
    let known = found.compactMap { $0?.bits }
    let mean = known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
    switch format {
    case .text: showText(tokens, found, mean)
    case .tsv: showTSV(tokens, found, of: text, ending: ends, from: input.start)
    case .jsonl:
      writeJSON([
        "text": .text(text), "bits": mean.map { .number($0) } ?? .number(.nan),
        "tokens": .list(
          zip(tokens, found).map { bytes, expectation in
            .object([
              "text": .text(String(decoding: bytes, as: UTF8.self)),
              "bits": expectation.map { .number($0.bits) } ?? .number(.nan),
            ])
          }),
      ])
    }
  }

  /// Rows with the places that tokens have in the input, which a model may read in another normalization.
  private func showTSV(
    _ tokens: [[UInt8]], _ found: [LanguageModel.Expectation?], of text: String,
    ending ends: [Int], from start: InputPlace
  ) {
    let original = Array(text.utf8)
    var (line, place) = (start.line, 0)
    var rows = ""
    for (number, (bytes, expectation)) in zip(tokens, found).enumerated() {
      let text = visible(String(decoding: bytes, as: UTF8.self))
      let bits = expectation.map { fixed($0.bits, 4) } ?? ""
      rows += "\(line)\t\(number + 1)\t\(text)\t\(start.bytes + place)\t\(bits)\n"
      let end = max(place, ends[number])
      line += original[place..<end].count { $0 == 0x0A }
      place = end
    }
    writeOutput(rows)
  }

  private func showText(
    _ tokens: [[UInt8]], _ found: [LanguageModel.Expectation?], _ mean: Double?
  ) {
    // Bytes of one character stand together, with their bits in sum: those of the character.
    var pieces: [(text: String, bits: Double?)] = []
    var pending: (bytes: [UInt8], bits: Double?) = ([], nil)
    for (bytes, expectation) in zip(tokens, found) {
      pending.bytes += bytes
      if let bits = expectation?.bits { pending.bits = (pending.bits ?? 0) + bits }
      guard String(validating: pending.bytes, as: UTF8.self) != nil || pending.bytes.count >= 4
      else { continue }
      pieces.append((String(decoding: pending.bytes, as: UTF8.self), pending.bits))
      pending = ([], nil)
    }
    if !pending.bytes.isEmpty {
      pieces.append((String(decoding: pending.bytes, as: UTF8.self), pending.bits))
    }
    if isColored {
      let text = pieces.reduce(into: "") { $0 += colored($1.text, $1.bits) }
      writeOutput(text + "\n", styled: true)
    }
    if showsNumbers || !isColored { writeOutput(rows(pieces), styled: isColored) }
    if let mean {
      writeError("mean surprise \(fixed(mean, 3)) bits a token, \(counted(found.count, "token"))\n")
    } else {
      writeError("nothing to be surprised at: the first token is expected from nothing\n")
    }
  }

  /// From dark to bright, in steps that can be told apart on any terminal of 256 colours.
  private func colored(_ text: String, _ bits: Double?) -> String {
    guard let bits else { return shown(text) }
    let shades = [(0.5, 22), (1, 28), (2, 100), (4, 136), (6, 166), (8, 160)]
    let shade = shades.first { bits < $0.0 }?.1 ?? 197
    return text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.isEmpty ? "" : "\u{1B}[48;5;\(shade);97m\(shown(String($0)))\u{1B}[0m" }
      .joined(separator: "\n")
  }

  /// Tokens in columns with their bits below, row by row of the terminal's width.
  private func rows(_ pieces: [(text: String, bits: Double?)]) -> String {
    var (rows, above, below, used) = ("", "", "", 0)
    func flush() {
      guard !above.isEmpty else { return }
      rows += trimmed(above) + "\n" + trimmed(below) + "\n"
      (above, below, used) = ("", "", 0)
    }
    for piece in pieces {
      let text = piece.text == " " ? "␣" : visible(piece.text)
      let bits = piece.bits.map { fixed($0, 1) } ?? "-"
      let width = max(displayWidth(of: text), bits.count) + 1
      if used + width > (columns(of: 1) ?? 80) { flush() }
      above += text + String(repeating: " ", count: max(0, width - displayWidth(of: text)))
      below += bits + String(repeating: " ", count: width - bits.count)
      used += width
      if piece.text == "\n" { flush() }
    }
    flush()
    return rows
  }

  private func trimmed(_ line: String) -> String {
    var line = line[...]
    while line.last == " " { line = line.dropLast() }
    return String(line)
  }
}
