import CommandLineModels
import CommandLineOptions
import Glibc
import MajorTom

private enum NameKind: String, CaseIterable {
  case countries, languages, currencies, all

  var kinds: [DisplayNames.Kind] {
    switch self {
    case .countries: [.countries]
    case .languages: [.languages]
    case .currencies: [.currencies]
    case .all: DisplayNames.Kind.allCases
    }
  }
}

private let mostPairs = 1_000_000_000
private let countOption = Option(
  "count", "N", "Pairs to make (default: \(ParallelCorpus.usualCount), or as many as there are)")

private let outputOptions = [
  Option("seed", short: "s", "S", "Seed (default: 1)"),
  Option("split", "FOLDER", "Write train.tsv, dev.tsv and test.tsv, which share no source"),
  Option("dev", "N", "Pairs of dev.tsv (default: a tenth)"),
  Option("test", "N", "Pairs of test.tsv (default: a tenth)"),
  Option(flag: "overwrite", "Replace files of --split that exist"),
]

/// The command `majortom corpus numbers`.
let corpusNumbersCommand = Command(
  "corpus numbers", summary: "make pairs of numbers spelled out in two languages",
  synopsis: "--from LOCALE --to LOCALE [OPTION...]",
  about: """
    Makes a toy translation task of numbers spelled out by ICU: a line each, source, tab, target.
    LOCALE is such as en or fr-CH, or digits. Each number occurs once.
    """,
  options: [
    Option("from", "LOCALE", "Locale of the source, or digits (needed)"),
    Option("to", "LOCALE", "Locale of the target, or digits (needed)"),
    countOption,
    Option("min", "N", "Smallest number (default: 0)"),
    Option("max", "N", "Largest number (default: 999999)"),
  ] + outputOptions
) { arguments in
  let limit = 999_999_999_999_999_999
  let least = try arguments.integer("min", in: -limit...limit) ?? 0
  let most = try arguments.integer("max", in: -limit...limit) ?? max(999_999, least)
  guard least <= most else {
    throw UsageError("--min \(least) is larger than --max \(most); swap them")
  }
  let count = try arguments.integer("count", in: 1...mostPairs)
  try makeCorpus(arguments, "numbers") { (from, to, seed, bar) throws(CorpusError) in
    try ParallelCorpus(
      numbers: least...most, from: SpelledNumbers(locale: from), to: SpelledNumbers(locale: to),
      count: count, seed: seed, progress: bar.report)
  }
}

/// The command `majortom corpus dates`.
let corpusDatesCommand = Command(
  "corpus dates", summary: "make pairs of dates and their ISO 8601 or long form",
  synopsis: "--from LOCALE --to LOCALE [OPTION...]",
  about: """
    Makes a toy translation task of dates: a line each, source, tab, target. The source is in one
    of the formats of its locale, the target in ISO 8601 or in its locale's long form.
    LOCALE is such as en or fr-CH, or iso. Each day occurs once, always with its whole year.
    """,
  options: [
    Option("from", "LOCALE", "Locale of the source, or iso (needed)"),
    Option("to", "LOCALE", "Locale of the target, or iso (needed)"),
    countOption,
    Option("min-year", "Y", "First year (default: 1900)"),
    Option("max-year", "Y", "Last year (default: 2099)"),
  ] + outputOptions
) { arguments in
  // Years of four digits, for others could be taken for a day or for a shortened year.
  let first = try arguments.integer("min-year", in: 1000...9999) ?? 1900
  let last = try arguments.integer("max-year", in: 1000...9999) ?? max(2099, first)
  guard first <= last, let firstDay = CalendarDay(year: first, month: 1, day: 1),
    let lastDay = CalendarDay(year: last, month: 12, day: 31)
  else {
    throw UsageError("--min-year \(first) is larger than --max-year \(last); swap them")
  }
  let count = try arguments.integer("count", in: 1...mostPairs)
  try makeCorpus(arguments, "dates") { (from, to, seed, bar) throws(CorpusError) in
    try ParallelCorpus(
      dates: firstDay...lastDay, from: DateFormats(locale: from), to: DateFormats(locale: to),
      count: count, seed: seed, progress: bar.report)
  }
}

/// The command `majortom corpus names`.
let corpusNamesCommand = Command(
  "corpus names", summary: "make pairs of names of countries, languages, currencies",
  synopsis: "--from LOCALE --to LOCALE [OPTION...]",
  about: """
    Makes a toy translation task of the names that CLDR has in two languages: a line each, source,
    tab, target. LOCALE is such as en or fr-CH.
    """,
  options: [
    Option("from", "LOCALE", "Locale of the source (needed)"),
    Option("to", "LOCALE", "Locale of the target (needed)"),
    Option("kind", "KIND", "countries, languages, currencies or all (default: all)"),
  ] + outputOptions
) { arguments in
  let kinds = (try arguments.choice("kind", of: NameKind.self) ?? .all).kinds
  try makeCorpus(arguments, "names") { (from, to, seed, _) throws(CorpusError) in
    try ParallelCorpus(
      names: kinds, from: DisplayNames(locale: from), to: DisplayNames(locale: to), seed: seed)
  }
}

/// Makes a corpus and writes it to standard output, or its parts into a folder.
private func makeCorpus(
  _ arguments: ParsedArguments, _ kind: String,
  _ make: (
    _ from: String, _ to: String, _ seed: UInt64, _ bar: ProgressBar
  ) throws(CorpusError) -> ParallelCorpus
) throws {
  if let word = arguments.words.first {
    throw UsageError("unexpected '\(word)'; see majortom corpus \(kind) --help")
  }
  guard let from = arguments.text("from"), let to = arguments.text("to") else {
    let name = arguments.has("from") ? "to" : "from"
    throw UsageError("--\(name) is needed, as in --\(name) en; see majortom corpus \(kind) --help")
  }
  let seed = UInt64(try arguments.integer("seed", in: 0...Int.max) ?? 1)
  let dev = try arguments.integer("dev", in: 0...mostPairs)
  let test = try arguments.integer("test", in: 0...mostPairs)
  let folder = arguments.text("split")
  guard folder != nil || (dev == nil && test == nil) else {
    throw UsageError("--\(dev == nil ? "test" : "dev") is for --split FOLDER; add it")
  }
  do {
    let corpus = try withProgress("making pairs") { try make(from, to, seed, $0) }
    guard let folder else {
      forEachBlock(of: corpus.pairs) { writeOutput($0) }
      return
    }
    try write(
      corpus.split(dev: dev, test: test), into: folder, overwriting: arguments.has("overwrite"))
  } catch let error as CorpusError {
    // What the user asked for cannot be had, unless ICU itself has failed.
    if case .icu = error { throw error }
    throw UsageError(error.description)
  }
}

/// Writes the files of a split corpus; none is put into its place before all are written.
private func write(
  _ parts: ParallelCorpus.Parts, into folder: String, overwriting overwrites: Bool
) throws {
  if mkdir(folder, 0o777) != 0, errno != EEXIST {
    throw FileError.unwritable(path: folder, reason: String(cString: strerror(errno)))
  }
  let prefix = folder + (folder.hasSuffix("/") ? "" : "/")
  let names = ["train", "dev", "test"].map { "\(prefix)\($0).tsv" }
  if !overwrites, let name = names.first(where: FileWriter.exists) {
    throw UsageError("\(name) exists: choose another folder, or replace it with --overwrite")
  }
  var train = try FileWriter(replacing: prefix + "train.tsv")
  var dev = try FileWriter(replacing: prefix + "dev.tsv")
  var test = try FileWriter(replacing: prefix + "test.tsv")
  forEachBlock(of: parts.train.pairs) { train.write($0) }
  forEachBlock(of: parts.dev.pairs) { dev.write($0) }
  forEachBlock(of: parts.test.pairs) { test.write($0) }
  try train.finish()
  try dev.finish()
  try test.finish()
  for (name, part) in [("train", parts.train), ("dev", parts.dev), ("test", parts.test)] {
    writeError("\(prefix)\(name).tsv: \(counted(part.pairs.count, "pair"))\n")
  }
}

/// Gives out the lines of pairs, many at a time.
private func forEachBlock(of pairs: [SentencePair], _ body: (String) -> Void) {
  for start in stride(from: 0, to: pairs.count, by: 1000) {
    body(pairs[start..<min(start + 1000, pairs.count)].map(\.line).joined())
  }
}
