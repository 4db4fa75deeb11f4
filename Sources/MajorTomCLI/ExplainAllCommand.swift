import CommandLineModels
import CommandLineOptions
import MajorTom

/// The command `majortom explain all`.
let explainAllCommand = Command(
  "explain all", summary: "write pages that show what goes on inside of models",
  synopsis: "[-m MODEL...] [TEXT...] --html FOLDER [OPTION...]",
  about: """
    Writes a folder of web pages with an index: how far back gradients reach, and whatever the models
    can show. A language model reads the files TEXT..., or --text: character surprise, units that keep
    track of something, gates. A tagger reads a sentence: marginals, and what the words to the right
    add. A translator reads a sentence: attention, the tree of its beam. For a tagger or a translator
    without a language model beside it TEXT... is the sentence. -m can be given once for each kind.
    Beside the pages lie their pictures as SVG files.
    """,
  options: [
    Option(
      "model", short: "m", "FILE",
      "A model; give up to one of each kind (default: $MAJORTOM_MODEL, else the demo's)"),
    Option("html", "FOLDER", "Where to write the pages"),
    Option("text", "TEXT", "The text itself, instead of files"),
    Option("tag", "SENTENCE", "What the tagger reads (default: a sentence about Major Tom)"),
    Option("translate", "SENTENCE", "What the translator reads"),
    Option("show", "N", "How many symbols to colour (default: 400)"),
    Option("read", "N", "How many characters to rank units by (default: 100000)"),
    Option("beam", "N", "Translations followed at once (default: 4)"),
    Option("length", "N", "The most steps back (default: 512)"),
    Option("sequences", "N", "Sequences to learn from; 0 to skip learning (default: 4000)"),
    Option("seed", "S", "Seed (default: 1)"),
    Option(flag: "overwrite", "Replace the pages and pictures of this command that lie in FOLDER"),
  ]
) { arguments in
  guard let folder = arguments.text("html"), !folder.isEmpty else {
    throw UsageError("no folder for the pages: name one with --html FOLDER")
  }
  let writer = FolderOfPages(folder: folder)
  try writer.demandFree(overwriting: arguments.has("overwrite"))
  let request = try ExplainRequest(arguments)
  let pages = try request.pages()
  try writer.write(pages, leftOut: request.leftOut(pages.map(\.name)), about: request.names)
  writeOutput("\(counted(pages.count, "page")); begin with \(writer.index)\n")
}

/// A page of the folder, and which kind of model makes it: none where networks are made for it.
struct PageKind {
  let name, title, summary: String
  let model: ModelKind?

  /// All of them, in the order in which they teach.
  static let all = [
    PageKind(
      name: "gradient-flow", title: "How far back gradients reach",
      summary: "Why plain networks forget, and what gates change.", model: nil),
    PageKind(
      name: "surprise", title: "What surprises a language model",
      summary: "How likely the model took each character to be.", model: LanguageModel.kind),
    PageKind(
      name: "units", title: "Which units keep track of something",
      summary: "Units that follow quotes, brackets, the length of a line and the place in a word.",
      model: LanguageModel.kind),
    PageKind(
      name: "gates", title: "What the gates do over time",
      summary: "One unit's gates over a text, and how open all gates are.",
      model: LanguageModel.kind),
    PageKind(
      name: "marginals", title: "How sure a tagger is of each word",
      summary: "The probability of each type at each word, and the next best taggings.",
      model: Tagger.kind),
    PageKind(
      name: "directions", title: "What the words to the right add",
      summary: "A sentence word by word: the probability of a name as each further word arrives.",
      model: Tagger.kind),
    PageKind(
      name: "attention", title: "What a translator's decoder looked at",
      summary: "For each token written, the tokens of the source that counted.",
      model: Translator.kind),
    PageKind(
      name: "beam", title: "The tree that a beam search grows",
      summary: "All beginnings of translations that were followed, and which won.",
      model: Translator.kind),
  ]
}

/// A page that was made.
struct MadePage {
  let name: String
  let page: ExplainPage
}

/// The models and texts that were asked about.
private struct ExplainRequest {
  private let arguments: ParsedArguments
  private var paths: [ModelKind: String] = [:]
  private let show, read, beam, length, sequences: Int
  private let seed: UInt64

  init(_ arguments: ParsedArguments) throws {
    self.arguments = arguments
    show = try arguments.integer("show", in: 2...100_000) ?? 400
    read = try arguments.integer("read", in: 1...1 << 30) ?? 100_000
    beam = try arguments.integer("beam", in: 1...100) ?? 4
    length = try arguments.integer("length", in: 2...4096) ?? 512
    sequences = try arguments.integer("sequences", in: 0...10_000_000) ?? 4000
    seed = UInt64(try arguments.integer("seed", in: 0...Int.max) ?? 1)
    let given = try arguments.texts("model").map(modelFile)
    for path in given.isEmpty ? [try modelPath(arguments, of: nil)] : given {
      let kind = try modelKind(of: path).kind
      if let other = paths.updateValue(path, forKey: kind) {
        throw UsageError("\(other) and \(path) are both a \(kind.title): give one of each kind")
      }
    }
    for (option, kind) in [
      ("tag", Tagger.kind), ("translate", Translator.kind), ("beam", Translator.kind),
      ("show", LanguageModel.kind), ("read", LanguageModel.kind),
    ] where arguments.has(option) && paths[kind] == nil {
      throw UsageError("--\(option): it is of a \(kind.title), and -m names none")
    }
    try demandReader()
  }

  /// Throws `UsageError` for a text that no model would read.
  private func demandReader() throws {
    let readers = [("tag", Tagger.kind), ("translate", Translator.kind)]
    let isRead =
      paths[LanguageModel.kind] != nil
      || readers.contains { paths[$0.1] != nil && !arguments.has($0.0) }
    guard !isRead, let text = arguments.words.first ?? arguments.text("text") else { return }
    throw UsageError("'\(quoted(text))' is read by no model: leave it out, or the option for it")
  }

  /// The models' files, for the index.
  var names: [String] {
    [LanguageModel.kind, Tagger.kind, Translator.kind].compactMap { paths[$0] }.map(modelName)
  }

  /// The kinds of pages that were not made, each with what would show it.
  func leftOut(_ made: [String]) -> [(kind: PageKind, reason: String)] {
    PageKind.all.filter { !made.contains($0.name) }.map { kind in
      let model = kind.model?.title ?? "model"
      return (kind, "it needs a \(model): add -m \(model.uppercased().replacing(" ", with: "_"))")
    }
  }

  /// What a tagger or a translator reads: its own option, else the text where no language model reads it.
  private func sentence(_ option: String, default text: String?) throws -> String {
    if let given = arguments.text(option) { return given }
    if paths[LanguageModel.kind] == nil {
      if let given = arguments.text("text") {
        guard arguments.words.isEmpty else {
          throw UsageError(
            "the text is given twice: as --text and as '\(quoted(arguments.words[0]))'")
        }
        return given
      }
      if !arguments.words.isEmpty { return arguments.words.joined(separator: " ") }
    }
    guard let text else {
      throw UsageError("nothing to translate: give it with --\(option) SENTENCE")
    }
    return text
  }

  /// The pages, in their order.
  func pages() throws -> [MadePage] {
    // What can be wrong is read before what takes time.
    let ofLanguage = try languagePages()
    let ofTagger = try taggerPages()
    let ofTranslator = try translatorPages()
    var panels = FlowPanel.ofFreshNetworks(
      hiddenSize: 64, length: length, sequences: sequences, seed: seed)
    if let ofLanguage, ofLanguage.ids.count > 2 {
      panels.insert(
        try .ofModel(
          ofLanguage.model, ofLanguage.path, ids: ofLanguage.ids,
          length: min(length, ofLanguage.ids.count - 1)), at: 1)
    }
    var makers: [(name: String, make: () throws -> ExplainPage)] = [
      ("gradient-flow", { gradientFlowPage(panels) })
    ]
    if let ofLanguage {
      makers += [
        ("surprise", ofLanguage.surprise), ("units", ofLanguage.units), ("gates", ofLanguage.gates),
      ]
    }
    if let ofTagger {
      makers += [("marginals", ofTagger.marginals), ("directions", ofTagger.directions)]
    }
    return try withProgress("making pages") { bar in
      try makers.enumerated().map { place, maker in
        bar.update(Double(place) / Double(makers.count), maker.name)
        return MadePage(name: maker.name, page: try maker.make())
      }
    } + ofTranslator
  }

  private func languagePages() throws -> LanguagePages? {
    guard let path = paths[LanguageModel.kind] else { return nil }
    let text = try text(arguments, atMost: read)
    return try LanguagePages(LanguageModel(contentsOf: path), path, text: text, show: show)
  }

  private func taggerPages() throws -> TaggerPages? {
    guard let path = paths[Tagger.kind] else { return nil }
    let text = try sentence(
      "tag", default: "army core told Major Tom is a great battle commander")
    return try TaggerPages(Tagger(contentsOf: path), path, text: text)
  }

  private func translatorPages() throws -> [MadePage] {
    guard let path = paths[Translator.kind] else { return [] }
    let source = try sentence("translate", default: nil)
    guard source.contains(where: { !$0.isWhitespace }) else {
      throw UsageError("nothing to translate: the sentence is empty")
    }
    let translator = try Translator(contentsOf: path)
    var search = Translator.Search(beam: beam, best: beam)
    search.keepsAttention = true
    let found = try translator.translate([source], search)[0]
    guard let best = found.first else { return [] }
    guard best.logProbability.isFinite else { throw noNumbers(path, source) }
    let pages = TranslatorPages(translator: translator, path: path, source: source)
    return [
      MadePage(name: "attention", page: pages.attention(found)),
      MadePage(name: "beam", page: try pages.beam(search)),
    ]
  }
}

/// The folder that pages are written to.
private struct FolderOfPages {
  private let prefix: String
  private let folder: String

  init(folder: String) {
    self.folder = folder
    prefix = folder + (folder.hasSuffix("/") ? "" : "/")
  }

  /// The page to begin with.
  var index: String { "\(prefix)index.html" }

  /// The files of this command that lie there already: others are left alone.
  private var old: [String] {
    let names = PageKind.all.map(\.name)
    return Folders.names(in: folder).filter { file in
      file == "index.html"
        || names.contains { name in
          file == "\(name).html"
            || file.hasPrefix("\(name)-") && file.hasSuffix(".svg")
              && Int(file.dropFirst(name.count + 1).dropLast(4)) != nil
        }
    }
  }

  /// Throws `UsageError` where something would be lost.
  func demandFree(overwriting: Bool) throws {
    if FileWriter.exists(folder), !Folders.exists(folder) {
      throw UsageError("\(folder) is a file: name a folder with --html")
    }
    if !overwriting, let name = old.first {
      throw UsageError(
        "\(prefix)\(name) exists: choose another folder, or replace its pages with --overwrite")
    }
  }

  /// Writes all pages and their pictures, the index last; then removes what earlier pages left.
  func write(
    _ pages: [MadePage], leftOut: [(kind: PageKind, reason: String)], about models: [String]
  ) throws {
    try Folders.make(folder)
    let earlier = old
    var written: Set = ["index.html"]
    for (place, made) in pages.enumerated() {
      let images = made.page.images
      let names = images.indices.map { "\(made.name)-\($0 + 1).svg" }
      for (name, image) in zip(names, images) { try FileWriter.write(image, to: prefix + name) }
      let around = navigation(
        before: place > 0 ? pages[place - 1] : nil,
        after: place + 1 < pages.count ? pages[place + 1] : nil)
      let name = "\(made.name).html"
      try FileWriter.write(made.page.html(pictures: names, around: around), to: prefix + name)
      written.formUnion(names + [name])
    }
    try FileWriter.write(overview(pages, leftOut, models).html(), to: index)
    for name in earlier where !written.contains(name) { FileWriter.remove(prefix + name) }
  }

  private func navigation(before: MadePage?, after: MadePage?) -> String {
    func link(_ made: MadePage?, _ sign: String) -> [String] {
      made.map { ["<a href=\"\($0.name).html\">\(sign) \(HTML.escaped($0.page.title))</a>"] } ?? []
    }
    let links = ["<a href=\"index.html\">All pages</a>"] + link(before, "←") + link(after, "→")
    return "<nav>\(links.joined(separator: "<br/>"))</nav>"
  }

  private func overview(
    _ pages: [MadePage], _ leftOut: [(kind: PageKind, reason: String)], _ models: [String]
  ) -> ExplainPage {
    var page = ExplainPage("Looking inside")
    page.paragraph(
      """
      Recurrent networks read a text symbol by symbol and keep what matters in a few hundred numbers. These \
      pages show what they keep, how they learn to, and how sure they are.
      """)
    page.facts([(models.count == 1 ? "model" : "models", models.joined(separator: ", "))])
    let items = pages.map { made in
      let kind = PageKind.all.first { $0.name == made.name }
      return "<li><p><a href=\"\(made.name).html\">\(HTML.escaped(made.page.title))</a><br/>"
        + "\(HTML.escaped(kind?.summary ?? ""))</p></li>"
    }
    page.add("<ol>\(items.joined(separator: "\n"))</ol>")
    page.paragraph(
      """
      Wherever a curve is of a network, it has that network's colour: Elman orange, GRU green, LSTM blue, \
      window purple.
      """)
    guard !leftOut.isEmpty else { return page }
    page.heading("Left out")
    let missing = leftOut.map { kind, reason in
      "<li>\(HTML.escaped(kind.title)): \(HTML.escaped(reason))</li>"
    }
    page.add("<ul>\(missing.joined(separator: "\n"))</ul>")
    return page
  }
}
