import Foundation
import Testing

@testable import ICUText
@testable import Tagger

/// Formats of tools for annotation: JSONL with spans, brat, BILOU.
@Suite final class FormatTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  @discardableResult
  private func file(_ name: String, _ text: String) throws -> String {
    let url = folder.appendingPathComponent(name)
    try Data(text.utf8).write(to: url)
    return url.path
  }

  /// The sentences of a file as `word/TAG` in BIOES.
  private func read(
    _ path: String, _ format: TaggedFormat = TaggedFormat(), _ inspection: TaggedInspection? = nil
  ) throws -> [String] {
    try TaggedCorpus(contentsOf: [path], format: format, inspection: inspection).sentences.map {
      zip($0.words, $0.tags).map { $1 == "O" ? $0 : "\($0)/\($1)" }.joined(separator: " ")
    }
  }

  private func error(_ path: String, _ format: TaggedFormat = TaggedFormat()) -> String {
    do {
      _ = try TaggedCorpus(contentsOf: [path], format: format)
      return ""
    } catch { return "\(error)" }
  }

  // MARK: JSONL

  /// The lines that doccano/doccano has as its own example of an export.
  @Test func doccanosExportIsRead() throws {
    let path = try file(
      "doccano.jsonl",
      """
      {"text": "EU rejects German call to boycott British lamb.", "label": [ [0, 2, "ORG"], [11, 17, "MISC"] ]}
      {"id": 7, "text": "Peter Blackburn", "labels": [[0, 15, "PERSON"]], "Comments": []}
      {"text": "President Obama", "entities": [{"id": 0, "label": "PERSON", "start_offset": 10, "end_offset": 15}], "relations": []}
      {"data": "Nobody here", "label": []}

      """)
    let expected = [
      "EU/S-ORG rejects German/S-MISC call to boycott British lamb .",
      "Peter/B-PERSON Blackburn/E-PERSON",
      "President Obama/S-PERSON", "Nobody here",
    ]
    #expect(try read(path) == expected)
    // By its content, too, and under any scheme that is asked for.
    let plain = try file("doccano.json", try String(contentsOfFile: path, encoding: .utf8))
    #expect(try read(plain) == expected)
    #expect(try read(path, TaggedFormat(scheme: .bilou)) == expected)
  }

  @Test func prodigysTokensAreTheWordsAndRejectedExamplesAreLeftOut() throws {
    let path = try file(
      "prodigy.jsonl",
      """
      {"text":"Don't ask Ada-Lee.","tokens":[{"text":"Do","start":0,"end":2,"id":0,"ws":false},{"text":"n't","start":2,"end":5,"id":1,"ws":true},{"text":"ask","start":6,"end":9,"id":2,"ws":true},{"text":"Ada","start":10,"end":13,"id":3,"ws":false},{"text":"-","start":13,"end":14,"id":4,"ws":false},{"text":"Lee","start":14,"end":17,"id":5,"ws":false},{"text":".","start":17,"end":18,"id":6,"ws":false}],"spans":[{"start":10,"end":17,"token_start":3,"token_end":5,"label":"PER"}],"label":"X","answer":"accept"}
      {"text":"Rome","spans":[{"start":0,"end":4,"label":"PER"}],"answer":"reject"}
      {"text":"Rome","answer":"ignore"}

      """)
    let inspection = TaggedInspection()
    #expect(
      try read(path, TaggedFormat(), inspection) == ["Do n't ask Ada/B-PER -/I-PER Lee/E-PER ."])
    let rejected = inspection.findings.filter { $0.kind == .rejectedExample }
    #expect(rejected.map(\.count) == [2] && rejected[0].line == 2)
  }

  /// A line that spaCy 3's `Doc.to_json` wrote.
  @Test func spacysDocumentsAreRead() throws {
    let path = try file(
      "spacy.jsonl",
      """
      {"text": "\u{1F600} Ada Lovelace met Bob's dog in \u{20000} New York.", "ents": [{"start": 2, "end": 14, "label": "PER"}, {"start": 34, "end": 42, "label": "GPE"}], "tokens": [{"id": 0, "start": 0, "end": 1}, {"id": 1, "start": 2, "end": 5}, {"id": 2, "start": 6, "end": 14}, {"id": 3, "start": 15, "end": 18}, {"id": 4, "start": 19, "end": 22}, {"id": 5, "start": 22, "end": 24}, {"id": 6, "start": 25, "end": 28}, {"id": 7, "start": 29, "end": 31}, {"id": 8, "start": 32, "end": 33}, {"id": 9, "start": 34, "end": 37}, {"id": 10, "start": 38, "end": 42}, {"id": 11, "start": 42, "end": 43}]}

      """)
    #expect(
      try read(path) == [
        "\u{1F600} Ada/B-PER Lovelace/E-PER met Bob 's dog in \u{20000} New/B-GPE York/E-GPE ."
      ])
  }

  /// Offsets are those of Python's strings: code points, not UTF-16 units.
  @Test func offsetsCountCodePointsBeyondTheBasicPlane() throws {
    let text = "\u{1F600}\u{1F600} na\u{EF}ve e\u{301} Ada\u{1D49C} met \u{20000}\u{20001}."
    let points = text.unicodeScalars.map(String.init)
    func place(of part: String) throws -> (Int, Int) {
      let wanted = part.unicodeScalars.map(String.init)
      let start = try #require(points.indices.first { points[$0...].starts(with: wanted) })
      return (start, start + wanted.count)
    }
    let (a, b) = try (place(of: "Ada\u{1D49C}"), place(of: "\u{20000}\u{20001}"))
    let path = try file(
      "a.jsonl",
      "{\"text\": \"\(text)\", \"label\": [[\(b.0), \(b.1), \"LOC\"], [\(a.0), \(a.1), \"PER\"]]}\n"
    )
    let corpus = try TaggedCorpus(contentsOf: [path])
    let sentence = try #require(corpus.sentences.first)
    let spans = TagScheme.spans(sentence.tags).map {
      "\($0.type) \(sentence.words[$0.words].joined())"
    }
    #expect(spans == ["PER Ada\u{1D49C}", "LOC \u{20000}\u{20001}"])
  }

  @Test func spansThatDoNotFitWordsAreTold() throws {
    let inspection = TaggedInspection()
    let path = try file(
      "a.jsonl",
      """
      {"text": "We saw Adas house in Old York .", "label": [[7, 10, "PER"], [20, 29, "LOC"]]}
      {"text": "New York City sleeps", "label": [[0, 8, "LOC"], [4, 8, "LOC"], [0, 13, "LOC"], [14, 20, "X"]]}
      {"text": "a b", "label": [[1, 2, "X"]]}
      {"text": "One. Two. Three.", "label": [[0, 9, "T"]]}

      """)
    #expect(
      try read(path, TaggedFormat(), inspection) == [
        "We saw Ada/S-PER s house in Old/B-LOC York/E-LOC .",
        "New/B-LOC York/I-LOC City/E-LOC sleeps/S-X", "a b",
        // No sentence ends inside of a span.
        "One/B-T ./I-T Two/I-T ./E-T", "Three .",
      ])
    let found = Dictionary(
      uniqueKeysWithValues: inspection.findings.map { ($0.kind, "\($0.line ?? 0) \($0.count)") })
    #expect(found[.spanInsideWord] == "1 1")
    #expect(found[.overlappingSpans] == "2 2")
    #expect(found[.spaceInSpan] == "1 2")
  }

  @Test(arguments: [
    ("{\"text\": \"Ada\"}", "no spans"),
    ("{\"text\": \"Ada\", \"label\": \"PER\"}", "no list of spans"),
    ("{\"text\": \"Ada\", \"label\": [[0, 4, \"PER\"]]}", "a text of 3 characters"),
    ("{\"text\": \"Ada\", \"label\": [[2, 1, \"PER\"]]}", "from 2 to 1"),
    ("{\"text\": \"Ada\", \"label\": [[0, 1, \"\"]]}", "empty label"),
    ("{\"label\": []}", "no text"), ("{\"text\": \"Ada\", \"label\": []", "no object"),
    ("[{\"text\": \"Ada\", \"label\": []}]", "a list of JSON"), ("Ada B-PER", "looks like columns"),
    (
      "{\"text\": \"Ada\", \"tokens\": [{\"start\": 0, \"end\": 9}], \"spans\": []}",
      "a token from 0 to 9"
    ),
  ])
  func whatIsNoExampleIsNamedWithItsLine(line: String, part: String) throws {
    let path = try file("a.jsonl", "{\"text\": \"Bo\", \"label\": []}\n" + line + "\n")
    #expect(error(path).contains("a.jsonl:2: "), "\(error(path))")
    #expect(error(path).contains(part), "\(error(path))")
  }

  @Test func jsonGivenAsColumnsIsSaidToBeJSON() throws {
    let path = try file("a.conll", "{\"text\":\"Bo\",\"label\":[]}\n")
    #expect(error(path, TaggedFormat(layout: .columns)).contains("looks like JSON objects"))
    #expect(try read(path) == ["Bo"])
    // A brace is a word like any other.
    #expect(try read(file("b.conll", "{ O\nAda B-PER\n} O\n")) == ["{ Ada/S-PER }"])
  }

  // MARK: brat

  @Test func bratsAnnotationsAreReadBesideTheirText() throws {
    let text = "\u{1F600} Ada Lee met\r\nBo in North and South York.\n\nRome sleeps.\n"
    let path = try file("a.txt", text)
    let points = Array(text.unicodeScalars)
    func place(_ part: String) throws -> Int {
      try #require(points.indices.first { points[$0...].starts(with: part.unicodeScalars) })
    }
    let (ada, bo, north, york, rome) = try (
      place("Ada"), place("Bo"), place("North"), place("York"), place("Rome")
    )
    try file(
      "a.ann",
      """
      T1\tPER \(ada) \(ada + 7)\tAda Lee
      T2\tLOC \(north) \(north + 5);\(york) \(york + 4)\tNorth York
      R1\tknows Arg1:T1 Arg2:T3
      #1\tAnnotatorNotes T1\tsure
      T3\tPER \(bo) \(bo + 2)\tBo
      T4\tLOC \(rome) \(rome + 4)\tRome

      """)
    let inspection = TaggedInspection()
    let expected = [
      "\u{1F600} Ada/B-PER Lee/E-PER met",
      "Bo/S-PER in North/B-LOC and/I-LOC South/I-LOC York/E-LOC .",
      "Rome/S-LOC sleeps .",
    ]
    let annotations = path.replacing("a.txt", with: "a.ann")
    #expect(try read(annotations, TaggedFormat(), inspection) == expected)
    #expect(try read(path, TaggedFormat(layout: .brat)) == expected)
    let parts = inspection.findings.filter { $0.kind == .discontinuousSpan }
    #expect(parts.map(\.line) == [2] && parts[0].path.hasSuffix("a.ann"))
  }

  @Test(arguments: [
    ("T1\tPER 4 7\tAda", "the annotation says \"Ada\""), ("T1\tPER 0 99\tAda", "a text of 8"),
    ("T1\tPER\tAda", "its type and offsets"), ("T1 PER 0 3 Ada", "its type and offsets"),
    ("T1\tPER 0\tAda", "none of a text"), ("T1\tPER ;\tAda", "no offsets"),
  ])
  func wrongAnnotationsAreNamedWithTheirLines(line: String, part: String) throws {
    try file("a.txt", "Ada Lee\n")
    let path = try file("a.ann", "T0\tPER 0 3\tAda\n" + line + "\n")
    #expect(error(path).contains("a.ann:2: ") && error(path).contains(part), "\(error(path))")
  }

  @Test func aMissingTextOfBratIsNamed() throws {
    #expect(error(try file("b.ann", "")).contains("b.txt does not exist"))
  }

  // MARK: BILOU

  @Test func bilouIsAScheme() throws {
    let path = try file(
      "a.conll", "Ada U-PER\nin O\nNew B-LOC\nYork I-LOC\nCity L-LOC\n\nBo U-PER\n")
    let corpus = try TaggedCorpus(contentsOf: [path])
    #expect(corpus.scheme == .bilou && corpus.hasSpans)
    #expect(corpus.sentences[0].tags == ["S-PER", "O", "B-LOC", "I-LOC", "E-LOC"])
    let broken = try file("b.conll", "Ada U-PER\nNew B-LOC\nYork O\n")
    #expect(error(broken).contains("b.conll:3: O follows B-LOC; in BILOU a span ends with L-"))
    let mixed = try file("c.conll", "Ada U-PER\nBo U-PER\nCy S-PER\n")
    #expect(error(mixed).contains("c.conll:3: S-PER does not exist in BILOU"))
    #expect(error(path, TaggedFormat(scheme: .bioes)).contains("U-PER does not exist in BIOES"))
  }
}
