import Foundation
import Testing

@testable import ICUText
@testable import Tagger

/// What is said of tagged sentences before a training, and what stops one.
@Suite final class InspectionTests {
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

  private func findings(
    _ training: String, dev: String? = nil, _ format: TaggedFormat = TaggedFormat()
  ) throws -> [Finding] {
    let inspection = TaggedInspection()
    inspection.read(try file("train.conll", training), format: format)
    if let dev { inspection.read(try file("dev.conll", dev), format: format, as: .development) }
    return inspection.findings
  }

  private func error(_ text: String) throws -> String {
    do {
      _ = try TaggedCorpus(contentsOf: [file("a.conll", text)])
      return ""
    } catch { return "\(error)" }
  }

  /// Twenty different sentences with a name each.
  private func names(_ tags: (Int) -> [String] = { _ in ["O", "B-PER", "I-PER", "O"] }) -> String {
    (0..<20).map { number in
      zip(["In", "Ada\(number)", "Lee", "."], tags(number)).map { "\($0) \($1)\n" }.joined() + "\n"
    }.joined()
  }

  /// One wrong tag made all of them tags of words, without a word.
  @Test(arguments: [
    ("B_PER", "B-PER"), ("0", "O"), ("o", "O"), ("b-PER", "B-PER"), ("B-", "B-PER"),
    ("B\u{2013}PER", "B-PER"), ("PER", "such as B-PER"),
  ])
  func aTagOfNoSchemeAmongSpansIsAnErrorWithItsLine(tag: String, likely: String) throws {
    let text = names { $0 == 7 ? ["O", tag, "O", "O"] : ["O", "B-PER", "I-PER", "O"] }
    #expect(try error(text).contains("a.conll:37: the tag \(tag) is of no scheme"))
    #expect(try error(text).contains("79 of the 80 tags"))
    #expect(try error(text).contains("write it ") && error(text).contains(likely))
    let found = try findings(text).filter { $0.kind == .unknownTag }
    #expect(found.map(\.severity) == [.error] && found[0].line == 37 && found[0].count == 1)
    // As the only tag that is not O, it is no more likely a slip than a tag of words.
    #expect(try error("a O\nb O\nc \(tag)\n") == "")
  }

  @Test func tagsOfWordsStayTagsOfWords() throws {
    for text in [
      "Ada NOUN\nran VERB\nhome O\n", "a O\nb O\nc X\n",
      // The tags of Twitter's part-of-speech corpus (Gimpel and others, 2011) have an O, too.
      "I O\nam V\nhere R\n! ,\n\nyou O\ntoo R\n", "a B-X\nb NOUN\nc VERB\nd DET\n",
    ] {
      let corpus = try TaggedCorpus(contentsOf: [file("a.conll", text)])
      #expect(!corpus.hasSpans)
    }
  }

  @Test func spanTagsWrittenOtherwiseThroughoutAreTold() throws {
    for text in [
      names { _ in ["o", "b-per", "i-per", "o"] }, names { _ in ["O", "B_PER", "I_PER", "O"] },
    ] {
      let found = try findings(text).filter { $0.kind == .unknownTag }
      #expect(found.map(\.severity) == [.warning])
    }
    #expect(try findings("Ada NOUN\nran VERB\n").allSatisfy { $0.kind != .unknownTag })
  }

  @Test func unlikeFilesAndTooManyTagsAreErrors() throws {
    let unlike = try findings(names(), dev: "Ada NOUN\nran VERB\n")
    #expect(unlike[0].kind == .unlikeTags && unlike[0].severity == .error)
    #expect(unlike[0].path.hasSuffix("dev.conll"))
    let many = (0...Lexicon.maxTags).map { "a \($0)\n" }.joined()
    #expect(try findings(many).first?.kind == .tooManyTags)
  }

  @Test func brokenSchemesAreErrorsUnlessTheyAreRepaired() throws {
    let text = names { $0 == 3 ? ["O", "I-PER", "I-PER", "O"] : ["O", "B-PER", "I-PER", "O"] }
    let found = try findings(text)
    #expect(found[0].kind == .brokenScheme && found[0].severity == .error && found[0].line == 17)
    #expect(found[0].sentence.contains("I-PER follows O; in IOB2"))
    let repaired = try findings(text, TaggedFormat(repairsTags: true))
    #expect(repaired.map(\.severity).max() != .error)
    #expect(try findings(names()).allSatisfy { $0.kind != .brokenScheme })
  }

  @Test func aTypeNamedNearlyLikeAFrequentOneIsPointedOut() throws {
    let many = (0..<60).map { "a\($0) B-PER\nb O\n\n" }.joined()
    let found = try findings(many + "x B-PRE\n\ny B-LOC\n")
    let near = found.filter { $0.kind == .nearName }
    #expect(near.map(\.line) == [181] && near[0].severity == .warning)
    #expect(near[0].sentence.contains("PRE") && near[0].sentence.contains("PER on 60"))
    let once = found.filter { $0.kind == .seenOnce }
    #expect(once.map(\.line) == [183] && once[0].sentence.contains("LOC"))
    // Tags of Universal Dependencies are near one another by their nature.
    let tags = (0..<60).map { "a\($0) ADJ\nb NOUN\nc NOUN\n\n" }.joined()
    #expect(
      try findings(tags + "x ADV\n\ny NOUM\n").filter { $0.kind == .nearName }.map(\.line) == [243])
  }

  @Test(arguments: [
    ("PER", "PRE", 1), ("PER", "PER", 0), ("PER", "PE", 1), ("PER", "PERS", 1), ("PER", "PEX", 1),
    ("LOC", "COL", 2), ("ORG", "GPE", 2), ("", "A", 1), ("AB", "BA", 1), ("ABC", "CAB", 2),
  ])
  func distancesOfNames(left: String, right: String, distance: Int) {
    #expect(nameDistance(left, right) == distance && nameDistance(right, left) == distance)
  }

  @Test func whatDevSharesAndWhatItAloneHasIsTold() throws {
    let found = try findings(
      "Ada B-PER\nran O\n\nBo B-PER\nran O\n\nAda B-PER\nran O\n\nBo O\nran O\n",
      dev: "Cy B-ORG\n\nBo B-PER\nran O\n")
    #expect(
      found.map { "\($0.severity) \($0.kind.rawValue) \($0.line ?? 0)" } == [
        "warning unseen-in-training 1", "warning shared-example 3", "warning contradiction 10",
        "note duplicate 7",
      ])
    #expect(found[0].sentence.contains("ORG (1)") && found[0].path.hasSuffix("dev.conll"))
    #expect(found[1].sentence.contains("train.conll:4") && found[2].sentence.contains("line 4"))
  }

  @Test func longSentencesAndOddCharactersAreTold() throws {
    let found = try findings((0..<400).map { "w\($0) O\n" }.joined() + "\nx\u{FFFD} B-X\ny B-X\n")
    #expect(found.map(\.kind) == [.replacementCharacter, .longExample])
    #expect(found.map(\.line) == [402, 1])
  }

  @Test func theSummaryCountsSentencesWordsAndTypes() throws {
    let inspection = TaggedInspection()
    inspection.read(try file("a.conll", names()))
    inspection.read(try file("b.conll", "\u{4F60} B-X\n\u{597D} B-Y\n"), as: .development)
    let summary = inspection.summary
    let values = Dictionary(uniqueKeysWithValues: summary.rows.map { ($0.label, $0.values) })
    #expect(summary.splits == [.training, .development])
    #expect(
      values["sentences"] == [.whole(20), .whole(1)] && values["words"] == [.whole(80), .whole(2)])
    #expect(
      values["types of spans"] == [.whole(1), .whole(2)]
        && values["spans"] == [.whole(20), .whole(2)])
    #expect(values["scripts"] == [.text("Latin"), .text("Han")])
  }

  /// Reading with an inspection beside it gives the same corpus, and the inspection the same counts.
  @Test func anInspectionBesideReadingChangesNothing() throws {
    let path = try file("a.conll", names())
    let inspection = TaggedInspection(isFull: false)
    let corpus = try TaggedCorpus(contentsOf: [path], inspection: inspection)
    #expect(try corpus == TaggedCorpus(contentsOf: [path]))
    #expect(
      inspection.summary.rows.first { $0.label == "words" }?.values == [.whole(corpus.wordCount)])
  }

  // MARK: Splitting

  private func corpus(_ count: Int, _ tag: (Int) -> String = { _ in "X" }) -> TaggedCorpus {
    TaggedCorpus(
      (0..<count).map { TaggedSentence(words: ["word\($0)", "."], tags: [tag($0), "P"]) })
  }

  @Test func aTenthIsKeptWhateverTheOrder() {
    let whole = corpus(1000)
    let (training, kept) = whole.split(keeping: 0.1)
    #expect((70...130).contains(kept.sentences.count))
    #expect(training.sentences.count + kept.sentences.count == 1000)
    #expect(whole.split(keeping: 0).kept.sentences.isEmpty)
    var turned = whole
    turned.sentences.reverse()
    #expect(
      Set(turned.split(keeping: 0.1).kept.sentences.map { $0.words[0] })
        == Set(kept.sentences.map { $0.words[0] }))
  }

  @Test func noSentenceStandsOnBothSidesAndNoTagOnTheKeptOneAlone() {
    // Every sentence twice, and every sentence of the kept part with a tag of its own.
    let kept = Set(corpus(300).split(keeping: 0.2).kept.sentences.map { $0.words[0] })
    #expect(kept.count > 20)
    var rare = corpus(300) { kept.contains("word\($0)") && $0 % 3 == 0 ? "rare\($0)" : "X" }
    rare.sentences += rare.sentences
    let parts = rare.split(keeping: 0.2)
    func tags(_ corpus: TaggedCorpus) -> Set<String> { Set(corpus.sentences.flatMap(\.tags)) }
    func words(_ corpus: TaggedCorpus) -> Set<String> { Set(corpus.sentences.map { $0.words[0] }) }
    #expect(tags(parts.kept).isSubset(of: tags(parts.training)))
    #expect(words(parts.kept).isDisjoint(with: words(parts.training)))
    #expect(!parts.kept.sentences.isEmpty && words(parts.kept).isSubset(of: kept))
  }

  @Test func ofAFewSentencesNoneIsKept() {
    #expect(corpus(TaggedCorpus.leastToSplit - 1).split(keeping: 0.5).kept.sentences.isEmpty)
    #expect(!corpus(TaggedCorpus.leastToSplit).split(keeping: 0.5).kept.sentences.isEmpty)
  }
}
