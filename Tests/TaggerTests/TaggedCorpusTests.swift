import Foundation
import ICUText
import Testing

@testable import Tagger

@Suite final class TaggedCorpusTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private func file(_ name: String, _ text: String) throws -> String {
    let url = folder.appendingPathComponent(name)
    try Data(text.utf8).write(to: url)
    return url.path
  }

  private func error(_ path: String, _ format: TaggedFormat = TaggedFormat()) -> String {
    do {
      _ = try TaggedCorpus(contentsOf: [path], format: format)
      return ""
    } catch { return "\(error)" }
  }

  @Test func columnsAreReadWithTabsSpacesAndDocumentMarks() throws {
    let path = try file(
      "a.conll",
      "-DOCSTART- -X- O O\r\n\r\nEU NNP I-NP I-ORG\r\nrejects VBZ I-VP O\r\n \r\n\r\nParis NNP I-NP I-LOC"
    )
    let corpus = try TaggedCorpus(contentsOf: [path])
    #expect(corpus.scheme == .iob1 && corpus.hasSpans)
    #expect(
      corpus.sentences == [
        TaggedSentence(words: ["EU", "rejects"], tags: ["S-ORG", "O"]),
        TaggedSentence(words: ["Paris"], tags: ["S-LOC"]),
      ])
    let parts = try TaggedCorpus(
      contentsOf: [path], format: TaggedFormat(tagColumn: .number(2)))
    #expect(parts.sentences[0].tags == ["NNP", "VBZ"] && !parts.hasSpans)
    // Words with spaces inside, comments, # as a word, and another order of columns.
    let tabs = try file("b.tsv", "# id = 1\n1\tNew York\tB-LOC\tx\n2\t#\tO\tx\n\n")
    let second = try TaggedCorpus(
      contentsOf: [tabs], format: TaggedFormat(wordColumn: 2, tagColumn: .number(3)))
    #expect(
      second.sentences == [TaggedSentence(words: ["New York", "#"], tags: ["S-LOC", "O"])])
  }

  @Test func linesAreThoseOfTheFileWhereOthersStandBetweenWords() throws {
    func row(_ id: String, _ word: String, _ tag: String) -> String {
      "\(id)\t\(word)\t_\t_\t_\t_\t_\t_\t_\t\(tag)"
    }
    // Line 7: an end of a span that none has begun.
    let text = [
      "# a comment", row("1", "In", "O"), row("2-3", "du", "_"), row("2", "de", "O"),
      row("3", "le", "O"), row("3.1", "x", "_"), row("4", "Tom", "E-PER"), row("5", "Lee", "S-PER"),
      "",
    ].joined(separator: "\n")
    let path = try file("a.conllu", text)
    let format = TaggedFormat(tagColumn: .number(10), scheme: .bioes)
    #expect(error(path, format).contains("a.conllu:7"), "\(error(path, format))")
    let inspection = TaggedInspection()
    inspection.read(path, format: format)
    #expect(inspection.findings.contains { $0.line == 7 }, "\(inspection.findings)")
  }

  @Test func wordsOfOtherBytesAreOthers() throws {
    let path = try file("zoe.conll", "Zo\u{EB} O\nZoe\u{308} O\n")
    let lexicon = LexiconIDs(try Lexicon(counting: TaggedCorpus(contentsOf: [path])))
    let encoder = try WordEncoder(lexicon)
    let places = try ["Zo\u{EB}", "Zoe\u{308}", "Zo\u{EB}"].map { try encoder.place(of: $0) }
    #expect(places == [0, 1, 0])
    #expect(encoder.surfaces.map(\.characters.count) == [3, 4])
  }

  @Test func rangesAndEmptyNodesOfCoNLLUAreLeftOut() throws {
    let rows = [
      "# text = vámonos al mar", "1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\t_",
      "1\tvamos\tir\tVERB\tV\tMood=Imp|Number=Plur\t0\troot\t_\t_",
      "2\tnos\tnosotros\tPRON\tP\tCase=Acc\t1\tobj\t_\t_",
      "2.1\tx\tx\tX\tX\t_\t_\t_\t_\t_",
      "3\tmar\tmar\tNOUN\tN\tNumber=Sing\t1\tobl\t_\tSpaceAfter=No",
    ]
    let path = try file("a.conllu", rows.joined(separator: "\n") + "\n\n")
    func tags(_ column: TaggedFormat.TagColumn?) throws -> [String] {
      try TaggedCorpus(contentsOf: [path], format: TaggedFormat(tagColumn: column)).sentences[0]
        .tags
    }
    #expect(try tags(nil) == ["VERB", "PRON", "NOUN"])
    #expect(try tags(.xpos) == ["V", "P", "N"])
    #expect(try tags(.feature("Number")) == ["Plur", "_", "Sing"])
    #expect(try tags(.number(3)) == ["ir", "nosotros", "mar"])
    let broken = try file("b.conllu", "1\tvamos\tVERB\n")
    #expect(error(broken).contains("b.conllu:1: 3 columns"))
  }

  @Test func gzipIsReadTheSame() throws {
    let text = (0..<5000).map { "word\($0)\tB-X\n" + ($0 % 7 == 0 ? "\n" : "") }.joined()
    let path = try file("plain.conll", text)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/gzip")
    process.arguments = ["-k", path]
    try process.run()
    process.waitUntilExit()
    #expect(
      try TaggedCorpus(contentsOf: [path]) == TaggedCorpus(contentsOf: [path + ".gz"]))
    // Cut off in the middle: told, not taken for the end.
    let whole = try Data(contentsOf: URL(fileURLWithPath: path + ".gz"))
    let cut = folder.appendingPathComponent("cut.conll.gz")
    try whole.prefix(whole.count / 2).write(to: cut)
    #expect(error(cut.path).contains("cut.conll.gz"))
  }

  @Test func whatIsWrongIsNamedWithFileAndLine() throws {
    #expect(error(try file("one.conll", "a O\nb\n")).contains("one.conll:2: 1 columns"))
    #expect(error(try file("none.conll", "\n \n\t\n")).contains("none.conll"))
    #expect(error(folder.appendingPathComponent("no").path).contains("does not exist"))
    let latin = folder.appendingPathComponent("latin.conll")
    try Data([0x61, 0x20, 0x4F, 0x0A, 0xE9, 0x20, 0x4F, 0x0A]).write(to: latin)
    #expect(error(latin.path).contains("line 2"))
    let broken = try file("broken.conll", "a B-X\nb O\nc B-X\n\nd O\ne I-X\nf I-Y\n")
    #expect(error(broken).contains("broken.conll:6: I-X follows O; in IOB2"))
    let repaired = try TaggedCorpus(
      contentsOf: [broken], format: TaggedFormat(repairsTags: true))
    #expect(repaired.repaired == 2)
    #expect(repaired.sentences[1].tags == ["O", "S-X", "S-Y"])
    #expect(error(broken, TaggedFormat(tagColumn: .upos)).contains("CoNLL-U"))
    #expect(error(broken, TaggedFormat(scheme: .bioes)).contains(":2:"))
  }

  /// The corpora that the project brings along.
  @Test func theNamesCorpusKeepsItsPromises() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("corpora/names")
    func read(_ name: String) throws -> TaggedCorpus {
      try TaggedCorpus(contentsOf: [root.appendingPathComponent(name + ".conll").path])
    }
    let parts = try ["train", "dev", "test", "contrast"].map(read)
    #expect(parts.prefix(3).reduce(0) { $0 + $1.sentences.count } >= 400)
    let texts = parts.flatMap { Set($0.sentences.map { $0.words.joined(separator: " ") }) }
    #expect(Set(texts).count == texts.count, "no sentence stands in two parts")
    let types = Set(parts[0].sentences.flatMap { TagScheme.spans($0.tags).map(\.type) })
    #expect(types == ["PER", "LOC", "ORG", "MISC"])
    // Pairs that agree up to the candidate and its first word, and differ in its tag.
    let contrast = parts[3].sentences
    #expect(contrast.count >= 120 && contrast.count % 2 == 0)
    for place in stride(from: 0, to: contrast.count, by: 2) {
      let (one, other) = (contrast[place], contrast[place + 1])
      let shared = zip(one.words, other.words).prefix { $0 == $1 }.count
      let differ = zip(one.tags, other.tags).prefix { $0 == $1 }.count
      #expect(differ < shared, "\(one.words.joined(separator: " "))")
    }
  }

  @Test func whatDoesNotBelongTogetherIsRefused() throws {
    let spans = try file("spans.conll", "a B-X\n")
    let words = try file("words.conll", "a NOUN\n")
    do {
      _ = try TaggedCorpus(contentsOf: [spans, words])
      Issue.record("files of different kinds were read as one")
    } catch { #expect("\(error)".contains("cannot be learnt together")) }
    let row = "1\ta\ta\tNOUN\tN\tCase=Acc\t0\troot\t_\t_\n"
    let trees = try file("a.conllu", row)
    #expect(error(trees, TaggedFormat(tagColumn: .feature("Nope"))).contains("Nope"))
    #expect(error(trees, TaggedFormat(tagColumn: .number(99))).contains("a.conllu:1"))
    let many = TaggedCorpus(
      (0..<1200).map { TaggedSentence(words: ["w"], tags: ["T\($0)"]) })
    #expect(throws: TaggerError.tooManyTags(found: 1200, limit: 1000)) {
      try Tagger(on: many, .init())
    }
  }

  /// A library does not know how its callers are told what to do.
  @Test func errorsNameNoOptionsOfTheTool() throws {
    let errors = [
      error(try file("one.conll", "a O\nb\n")), error(try file("b.conllu", "1\tx\tVERB\n")),
      error(try file("broken.conll", "a B-X\nb O\nc B-X\n\nd O\ne I-X\n")),
      error(try file("spans.conll", "a B-X\n"), TaggedFormat(tagColumn: .upos)),
      TaggerError.tooManyTags(found: 1200, limit: 1000).description,
    ]
    for sentence in errors { #expect(!sentence.isEmpty && !sentence.contains("--"), "\(sentence)") }
  }

  // MARK: Running text

  @Test func runningTextIsReadFromCoNLLU() throws {
    let rest = "\t_\tX\t_\t_\t_\t_\t_\t"
    let path = try file(
      "a.conllu",
      "# newpar id = 1\n# text = I don't.\n1\tI\(rest)_\n2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\t_\n2\tdo\(rest)_\n"
        + "3\tn't\(rest)_\n3.1\tx\(rest)_\n4\t.\(rest)SpaceAfter=No\n\n"
        + "1\tGo\(rest)A=b|SpaceAfter=No\n2\t!\(rest)_\n\n"
        // A text that is another one than the words says nothing.
        + "# text = somewhere else\n1\tGo\(rest)SpaceAfter=No\n2\t?\(rest)_\n")
    let sentences = try TaggedCorpus(contentsOf: [path]).sentences
    #expect(
      sentences[0].running
        == RunningText(
          tokens: [
            .init(text: "I", words: 0..<1),
            .init(text: "don't", words: 1..<3, isFollowedBySpace: false),
            .init(text: ".", words: 3..<4, isFollowedBySpace: false),
          ], beginsParagraph: true))
    #expect(sentences.map { $0.running?.text } == ["I don't.", "Go!", "Go?"])
    #expect(sentences.map { $0.running?.beginsParagraph } == [true, false, false])
    let corpus = try TaggedCorpus(contentsOf: [path])
    #expect(corpus.hasRunningText && corpus.paragraphs.map(\.text) == ["I don't.Go! Go? "])
    #expect(corpus.paragraphs[0].tokens.map(\.end) == [1, 7, 8, 10, 11, 14, 15])
    #expect(
      corpus.paragraphs[0].labels(ends: Array(1...15)).map(\.rawValue) == [
        1, 0, 0, 3, 0, 0, 1, 2, 0, 1, 2, 0, 0, 1, 2,
      ])
  }

  @Test(arguments: ["1-9", "2-3", "0-1", "1-1x", "2-1"])
  func rangesThatFitNoWordsAreNoTokens(range: String) throws {
    let rest = "\t_\tX\t_\t_\t_\t_\t_\tSpaceAfter=No\n"
    let path = try file("a.conllu", "\(range)\tab\t_\t_\t_\t_\t_\t_\t_\t_\n1\ta\(rest)2\tb\(rest)")
    let sentence = try TaggedCorpus(contentsOf: [path]).sentences[0]
    #expect(sentence.words == ["a", "b"])
    #expect(sentence.running.map { $0.tokens.map(\.text) } ?? ["a", "b"] == ["a", "b"])
  }

  @Test func columnsSayHowTheyStoodByACommentOrTheirScript() throws {
    let noted = try file(
      "a.tsv", "# text = \u{4F60}\u{597D}\u{3002}\n\u{4F60}\u{597D}\tO\n\u{3002}\tO\n")
    let corpus = try TaggedCorpus(contentsOf: [noted])
    #expect(
      corpus.hasRunningText && corpus.sentences[0].running?.text == "\u{4F60}\u{597D}\u{3002}")
    let thai = try file("b.tsv", "\u{0E44}\u{0E17}\tO\n\u{0E22}\tO\nabc\tO\n")
    let words = try TaggedCorpus(contentsOf: [thai])
    #expect(words.sentences[0].running == nil && words.hasRunningText)
    #expect(words.paragraphs.map(\.text) == ["\u{0E44}\u{0E17}\u{0E22} abc "])
    let english = try TaggedCorpus(contentsOf: [try file("c.tsv", "a\tO\nb\tO\n.\tO\n")])
    #expect(!english.hasRunningText)
  }
}
