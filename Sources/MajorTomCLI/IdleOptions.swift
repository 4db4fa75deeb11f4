import CommandLineModels
import CommandLineOptions
import MajorTom

// What somebody types and what then does nothing was meant to do something: it is refused, with what it
// would need. A configuration may hold such values, as those of a cell that is not in use.

/// Options of a command that do nothing in some calls.
private struct IdleOptions {
  /// Their names.
  let names: [String]
  /// Why, as what follows the option's name.
  let reason: String
  /// In which calls.
  let areIdle: @Sendable (ParsedArguments) throws -> Bool

  init(
    _ names: String..., because reason: String,
    if areIdle: @escaping @Sendable (ParsedArguments) throws -> Bool
  ) {
    self.names = names
    self.reason = reason
    self.areIdle = areIdle
  }
}

extension Command {
  /// Throws `UsageError` for an option of a call that would do nothing there, and for words too many.
  func demandNothingIdle(_ arguments: ParsedArguments) throws {
    for row in idleOptions[words] ?? [] {
      if let name = row.names.first(where: arguments.has), try row.areIdle(arguments) {
        throw UsageError("--\(name): \(row.reason)")
      }
    }
    if let most = wordLimits[words], arguments.words.count > most {
      throw UsageError(
        "unexpected '\(quoted(arguments.words[most]))'; see majortom \(words) --help")
    }
  }
}

/// The words that a command takes, where there is a limit that it does not see to by itself.
private let wordLimits = ["selftest": 0, "version": 0, "plan": 0]

private let idleOptions: [String: [IdleOptions]] = [
  "info": [
    IdleOptions("model", because: "the model is named twice: leave it or the word out") {
      !$0.words.isEmpty
    }
  ],
  "generate": [
    IdleOptions(
      "top-k", "top-p", "min-p", because: "--temperature 0 always takes the likeliest: leave it out"
    ) { try $0.number("temperature", in: 0...Double.greatestFiniteMagnitude) == 0 },
    IdleOptions("mirostat", because: "--temperature 0 always takes the likeliest: leave it out") {
      try $0.number("temperature", in: 0...Double.greatestFiniteMagnitude) == 0
    },
    IdleOptions("no-echo", because: "there is no prompt to print") {
      !$0.has("prompt") && $0.words.isEmpty && !$0.has("interactive")
    },
    IdleOptions("copied", "json", because: "--interactive shows a text as it comes: leave it out") {
      $0.has("interactive")
    },
    IdleOptions(
      "penalty-window", because: "it is of penalties: give one, such as --repetition-penalty"
    ) {
      arguments in
      !["repetition-penalty", "frequency-penalty", "presence-penalty", "state", "interactive"]
        .contains(
          where: arguments.has)
    },
    IdleOptions("no-echo", because: "--json gives prompt and text apart") { $0.has("json") },
  ],
  "tag": [
    IdleOptions("format", because: formatTwice) { $0.has("json") },
    IdleOptions("best", because: "it gives text or JSON") {
      $0.text("format").map { !["text", "json"].contains($0) } ?? false
    },
    IdleOptions("least", because: "--best gives whole taggings: leave one of them out") {
      $0.has("best")
    },
    IdleOptions("color", because: "only text has colours") {
      $0.has("json") || $0.has("best") || $0.text("format").map { $0 != "text" } ?? false
    },
    IdleOptions("scheme", because: "it is of --format conll and conllu, and of --best") {
      !$0.has("best") && !["conll", "conllu"].contains($0.text("format"))
    },
    batchOfWords, linesOfWords, encodingOfFiles, encodingOfLines,
    IdleOptions("lines", because: "it is of files and standard input, and the text is given here") {
      $0.givesText
    },
    IdleOptions("best", because: ofOneLine) { $0.has("keep-going") },
    IdleOptions("format", because: "\(ofOneLine): text, inline, json or jsonl") {
      $0.has("keep-going") && ["brat", "conll", "conllu", "tsv"].contains($0.text("format"))
    },
    IdleOptions("lines", because: "--tokenized reads lines anyway: leave it out") {
      $0.has("tokenized")
    },
  ],
  "translate": [
    IdleOptions(
      "beam", "margin", "length-power", "coverage", "no-repeat", "max-length",
      "threads",
      because: "it is of a search, and --force makes none: leave one of them out"
    ) { $0.has("force") },
    IdleOptions("margin", because: "--best keeps all: leave one of them out") {
      (try $0.integer("best", in: 1...1000) ?? 1) > 1
    },
    IdleOptions(
      "margin", "length-power", "coverage",
      because: "it compares what --beam N follows at once, and that is one"
    ) { try ($0.integer("beam", in: 1...1000) ?? $0.integer("best", in: 1...1000) ?? 1) == 1 },
    batchOfWords, linesOfWords, encodingOfFiles, encodingOfLines,
    IdleOptions("best", "attention", "alignments", "html", because: ofOneLine) {
      $0.has("keep-going")
    },
  ],
  "surprise": [
    linesOfWords, encodingOfFiles, encodingOfLines,
    IdleOptions("numbers", because: "it is of text, and the other formats have them anyway") {
      $0.has("json") || $0.text("format").map { $0 != "text" } ?? false
    },
    IdleOptions("keep-going", because: "it is of --format jsonl, which has one line for each line")
    {
      !$0.has("json") && $0.text("format") != "jsonl"
    },
  ],
  "serve": [
    IdleOptions("log-prompts", because: "--log none writes nothing: leave one of them out") {
      $0.text("log") == "none"
    }
  ],
  "tokenize": [
    linesOfWords, encodingOfFiles, encodingOfLines,
    IdleOptions("format", because: "\(ofOneLine): text or json") {
      $0.has("keep-going") && $0.text("format") == "tsv"
    },
    IdleOptions("format", because: formatTwice) { $0.has("json") },
    IdleOptions("locale", because: "bytes and code points are the same in all languages") {
      ["byte", "code-point"].contains($0.text("unit"))
    },
  ],
  "corpus numbers": [overwriting], "corpus dates": [overwriting], "corpus names": [overwriting],
  "selftest": [
    IdleOptions("hidden", because: "it is of --speed") { !$0.has("speed") },
    IdleOptions(
      "task", "seed", "seeds", "lag", "threads", because: "--speed times cells and tests nothing"
    ) { $0.has("speed") },
    IdleOptions("seeds", because: "only one of --seed and --seeds can be given") {
      $0.has("seed")
    },
  ],
  "explain cells": [
    IdleOptions("top", because: "it lists the units for --find WHAT") { !$0.has("find") },
    IdleOptions("color", because: "JSON has no colours") { $0.has("json") },
  ],
  "explain gradient-flow": [
    IdleOptions(
      "hidden", "sequences", "seed",
      because: "it is of networks with fresh weights, and -m has its own"
    ) { $0.has("model") }
  ],
]

private let formatTwice = "--json is a format, too: leave one of them out"
private let batchOfWords = IdleOptions(
  "batch", because: "it is of files and standard input, and the text is given here"
) { $0.givesText }
private let ofOneLine = "--keep-going wants what is one line for each line"
private let linesOfWords = IdleOptions(
  "keep-going", "max-line",
  because: "it is of files and standard input, and the text is given here"
) { $0.givesText }
private let encodingOfLines = IdleOptions(
  "encoding",
  because: "with --keep-going files are UTF-8 as standard input is, and what is not is a bad line"
) { $0.has("keep-going") }
private let encodingOfFiles = IdleOptions(
  "encoding", because: "it is of --file; standard input is UTF-8"
) { !$0.has("file") }
private let overwriting = IdleOptions("overwrite", because: "it is of the files of --split FOLDER")
{
  !$0.has("split")
}
