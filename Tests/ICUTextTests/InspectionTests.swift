import Foundation
import Testing

@testable import ICUText

/// What the inspections say of text and of pairs before a training.
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

  private func findings(in text: String) throws -> [Finding] {
    let inspection = TextInspection()
    inspection.read(try file("text", text))
    return inspection.findings
  }

  private func kinds(in text: String) throws -> [Finding.Kind] {
    try findings(in: text).map(\.kind)
  }

  @Test func soundTextHasNoFindings() throws {
    #expect(try kinds(in: "One line.\n\nAnother, na\u{EF}ve one.\t\u{1F600}\n") == [])
    // Marks that compose with nothing are as they must be: IPA, and Hindi's nukta.
    #expect(try kinds(in: "k\u{361}p n\u{EF}\n\u{915}\u{93C}\u{940}\n") == [])
  }

  @Test func charactersThatDoNotBelongAreNamedWithTheirLines() throws {
    let found = try findings(in: "a\nb\u{FFFD}c\u{FFFD}\nd\u{1}\ne\u{FEFF}f\n\u{7F}\n\u{85}\n")
    #expect(
      found.map { "\($0.kind.rawValue) \($0.line ?? 0) \($0.count)" } == [
        "replacement-character 2 2", "control-character 3 3", "byte-order-mark 4 1",
      ])
    #expect(found.allSatisfy { $0.severity == .warning })
    #expect(found[1].sentence.contains("U+0001"))
    // At the beginning of a file it is no part of the text.
    #expect(try kinds(in: "\u{FEFF}a\n") == [])
  }

  @Test func composedBesideDecomposedIsToldAndEitherAloneIsNot() throws {
    let composed = "caf\u{E9}\n"
    let decomposed = "cafe\u{301}\n"
    #expect(try kinds(in: composed + composed) == [])
    #expect(try kinds(in: decomposed + decomposed) == [])
    let mixed = try findings(in: "plain\n" + composed + decomposed)
    #expect(mixed.map(\.kind) == [.mixedNormalization])
    #expect(mixed[0].line == 3 && mixed[0].sentence.contains("line 2"))
    // Foundation's composition is what the two differ in.
    #expect(
      decomposed.precomposedStringWithCanonicalMapping.unicodeScalars.elementsEqual(
        composed.unicodeScalars))
    #expect(try kinds(in: "\u{1112}\u{1161}\u{11AB}\n\u{D55C}\n") == [.mixedNormalization])
  }

  @Test func lineEndsOfTwoKindsAreWorseThanOfOne() throws {
    let both = try findings(in: "a\r\nb\nc\r\nd\ne\nf\n")
    #expect(both.map(\.kind) == [.lineEnds] && both[0].severity == .warning && both[0].count == 2)
    let one = try findings(in: "a\r\nb\r\nc\r\n")
    #expect(one.map(\.kind) == [.lineEnds] && one[0].severity == .note)
  }

  @Test func aLineThatIsRepeatedAThousandTimesIsTold() throws {
    let lines = (0..<30_000).map { $0 % 30 == 7 ? "All rights reserved." : "line \($0)" }
    let found = try findings(in: lines.joined(separator: "\n"))
    #expect(found.map(\.kind) == [.repeatedLine])
    #expect(found[0].line == 8 && found[0].count == 1000)
    // Not those of which there are less than a thousand and less than a twentieth of the text.
    let fewer = (0..<30_000).map { $0 % 31 == 7 ? "All rights reserved." : "line \($0)" }
    #expect(try kinds(in: fewer.joined(separator: "\n")) == [])
    #expect(
      try kinds(in: (0..<300).map { $0 % 5 == 0 ? "x" : "\($0)" }.joined(separator: "\n")) == [
        .repeatedLine
      ])
  }

  @Test func aRepeatedLineIsFoundAmongMoreLinesThanAreKept() throws {
    let inspection = TextInspection()
    inspection.mostLines = 64
    let lines = (0..<20_000).map { $0 % 10 == 3 ? "the same" : "line \($0 / 30)" }
    inspection.read(try file("text", lines.joined(separator: "\n")))
    #expect(inspection.findings.map(\.kind) == [.repeatedLine])
    #expect(inspection.findings.map(\.line) == [4] && inspection.findings.map(\.count) == [2000])
  }

  @Test func otherEncodingsAndOtherDataAreTold() throws {
    let url = folder.appendingPathComponent("latin")
    try Data("Ceci est un caf".utf8 + [0xE9] + ", d".utf8 + [0xE9, 0x0A]).write(to: url)
    let inspection = TextInspection()
    inspection.read(url.path)
    #expect(inspection.findings.map(\.kind) == [.encoding])
    #expect(try kinds(in: String(repeating: "{\"text\": \"a\"}\n", count: 5)) == [.otherFormat])
    inspection.read(folder.appendingPathComponent("none").path)
    #expect(inspection.findings[0].severity == .error && inspection.findings[0].kind == .unreadable)
  }

  @Test func theSummaryCountsWhatIsThere() throws {
    let inspection = TextInspection()
    inspection.read(try file("text", "abc\n\n\u{4F60}\u{597D} def\nx"))
    let summary = inspection.summary
    let values = Dictionary(uniqueKeysWithValues: summary.rows.map { ($0.label, $0.values) })
    #expect(summary.splits == [.training])
    #expect(values["lines"] == [.whole(4)] && values["blank lines"] == [.whole(1)])
    #expect(values["characters"] == [.whole(13)] && values["bytes"] == [.whole(17)])
    #expect(values["characters of a line, median"] == [.whole(1)])
    #expect(values["characters of a line, longest"] == [.whole(6)])
    #expect(values["scripts"] == [.text("Latin 77.8 %, Han 22.2 %")])
  }

  // MARK: Pairs

  private func findings(_ pairs: String, dev: String? = nil) throws -> [Finding] {
    let inspection = PairInspection()
    inspection.read(try file("pairs.tsv", pairs))
    if let dev { inspection.read(try file("dev.tsv", dev), as: .development) }
    return inspection.findings
  }

  @Test func oddPairsAreNamedWithTheirLines() throws {
    let found = try findings(
      "one\teins\ntwo\tzwei\n\tdrei\none\teins\none\tein\nsame\tsame\n", dev: "x\ty\ntwo\tzwei\n")
    #expect(
      found.map { "\($0.severity) \($0.kind.rawValue) \($0.line ?? 0)" } == [
        "warning shared-example 2", "warning empty-side 3", "note duplicate 4",
        "note copied-pair 6",
      ])
    #expect(found[0].path.hasSuffix("dev.tsv") && found[0].sentence.contains("pairs.tsv:2"))
  }

  @Test func whatIsWrongIsToldOfTheFileThatItStandsIn() throws {
    let (source, target) = (
      try file("a.en", "one\ntwo\nthree\n"), try file("b.fr", "un\ndeux\ntr\u{FFFD}is\n")
    )
    let inspection = PairInspection()
    inspection.read(source: source, target: target)
    let found = try #require(inspection.findings.first)
    #expect(found.path == target && found.line == 3, "\(found)")
    let missing = PairInspection()
    missing.read(source: source, target: target + ".none")
    #expect(missing.findings.first?.path == target + ".none")
    // What comes from one file again is told of that.
    inspection.read(try file("pairs.tsv", "x\ty\u{FFFD}\n"))
    #expect(inspection.findings.contains { $0.path == target })
  }

  @Test func eachSideIsHeldAgainstItself() throws {
    #expect(try findings("caf\u{E9}\tkafe\u{301}\nth\u{E9}\tte\u{301}\n").isEmpty)
    let mixed = try findings("caf\u{E9}\tcoffee\nthe\u{301}\ttea\n")
    #expect(mixed.map(\.kind) == [.mixedNormalization] && mixed[0].line == 2)
    #expect(try findings("\t\n").first?.severity == .error)
  }

  @Test func aPairWithASideTooLongForItsLanguageIsTold() throws {
    // Three letters for each digit is usual here; what counts is what others do.
    var lines = (0..<40).map {
      "\($0)" + String(repeating: "1", count: 10) + "\t"
        + String(repeating: "a", count: 30 + $0 % 3)
    }
    #expect(try findings(lines.joined(separator: "\n")).isEmpty)
    lines[17] = "1234567890\t" + String(repeating: "b", count: 400)
    let found = try findings(lines.joined(separator: "\n"))
    #expect(found.map(\.kind) == [.lengthRatio] && found[0].line == 18 && found[0].count == 1)
  }

  @Test func whatCannotBeReadIsAnErrorWithItsLine() throws {
    let found = try findings("a\tb\nc\n")
    #expect(found.map(\.severity) == [.error] && found[0].line == 2)
    #expect(found[0].sentence.hasPrefix("1 column"))
    let json = try findings("{\"source\": \"a\", \"target\": \"b\"}\n")
    #expect(json[0].sentence.contains("JSON"))
    let url = folder.appendingPathComponent("latin.tsv")
    let french =
      "Le café était déjà fermé, à la manière des étés passés près de la forêt.\tIt was closed.\n"
    try #require(String(repeating: french, count: 3).data(using: .isoLatin1)).write(to: url)
    let inspection = PairInspection()
    inspection.read(url.path)
    #expect(inspection.findings[0].kind == .encoding && inspection.findings[0].line == 1)
    #expect(inspection.findings[0].sentence.contains("ISO-8859-1"))
  }

  // MARK: What they have in common

  @Test func aBriefHasThreeSentencesAtMostAndTheWorstFirst() throws {
    let inspection = TextInspection()
    inspection.read(try file("a", "x\u{FFFD}\n\u{1}\n\u{FEFF}\ne\u{301}\n\u{E9}\na\r\nb\n"))
    #expect(inspection.findings.count { $0.severity > .note } == 5)
    let brief = inspection.brief("look here")
    #expect(brief.count == 3 && brief[2] == "3 more findings: look here")
    let sound = TextInspection()
    sound.read(try file("b", "a\r\nb\r\n"))
    #expect(sound.findings.count == 1 && sound.brief("look here").isEmpty)
  }

  @Test func memoryOfDuplicatesIsBounded() {
    var table = DuplicateTable(limit: 100)
    func add(_ number: Int) -> Int? {
      var hash = TextHash()
      hash.add("example \(number)")
      return table.add(hash.value, at: DataPlace(path: "a", line: number), in: .training)?.place
        .line
    }
    for number in 0..<1000 { #expect(add(number) == nil) }
    #expect(add(99) == 99 && add(100) == nil)
  }

  @Test func medianAndLongestAreThoseOfASortedList() {
    var numbers = SplitMix64(seed: 3)
    for count in [1, 2, 7, 100] {
      let lengths = (0..<count).map { _ in Int(numbers.next(below: 200_000)) % 70_000 }
      var table = LengthTable()
      for length in lengths { table.add(length, at: DataPlace(path: "", line: 0)) }
      let sorted = lengths.map { min($0, 1 << 16) }.sorted()
      #expect(table.median == sorted[(count - 1) / 2], "\(lengths)")
      #expect(table.longest == lengths.max() && table.total == count)
    }
  }
}
