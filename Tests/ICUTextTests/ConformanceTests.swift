import Foundation
import Testing

@testable import ICUText

/// Unicode's own test files, from Debian's `unicode-data` or from ../shared.
@Suite struct ConformanceTests {
  /// Lines of the file in which ICU 72 differs from UAX #29 on purpose, with its cuts there.
  struct Exception {
    var line: Int
    var cuts: [Int]
  }

  @Test func graphemeClustersFollowUnicode() throws {
    try check("GraphemeBreakTest.txt", leastCases: 600, exceptions: []) {
      try Segmenter(Segmentation(unit: .grapheme)).spans(of: $0)
    }
  }

  /// Since CLDR 42 (ICU 72) a colon is no MidLetter in the root locale, so WB6 and WB7 do not keep
  /// letters on both sides of it together: each line has a letter, a colon and a letter.
  @Test func wordsFollowUnicodeButForTheColon() throws {
    let exceptions = [
      Exception(line: 1253, cuts: [1, 2, 3]), Exception(line: 1254, cuts: [1, 3, 4]),
      Exception(line: 1267, cuts: [1, 2, 3]), Exception(line: 1268, cuts: [1, 3, 4]),
      Exception(line: 1283, cuts: [1, 2, 4]), Exception(line: 1284, cuts: [1, 3, 5]),
      Exception(line: 1285, cuts: [1, 2, 3, 4]), Exception(line: 1286, cuts: [1, 3, 4, 5]),
      Exception(line: 1287, cuts: [1, 2, 3, 4]), Exception(line: 1288, cuts: [1, 3, 4, 5]),
      Exception(line: 1289, cuts: [1, 2, 3, 5]), Exception(line: 1290, cuts: [1, 3, 4, 6]),
      Exception(line: 1291, cuts: [1, 2, 3, 4]), Exception(line: 1292, cuts: [1, 3, 4, 5]),
      Exception(line: 1712, cuts: [1, 2, 3]),
    ]
    try check("WordBreakTest.txt", leastCases: 1800, exceptions: exceptions) {
      try Segmenter(Segmentation(unit: .word)).spans(of: $0)
    }
  }

  /// CLDR keeps the colon within words for Swedish and Finnish, and there nothing differs.
  @Test(arguments: ["sv", "fi"]) func wordsFollowUnicodeWhereTheColonJoins(locale: String) throws {
    try check("WordBreakTest.txt", leastCases: 1800, exceptions: []) {
      try Segmenter(Segmentation(unit: .word, locale: locale)).spans(of: $0)
    }
  }

  @Test func sentencesFollowUnicode() throws {
    try check("SentenceBreakTest.txt", leastCases: 500, exceptions: []) {
      try Segmenter(Segmentation()).sentences(of: $0)
    }
  }

  @Test func normalisationFollowsUnicode() throws {
    let nfc = try Segmenter(Segmentation(normalization: .nfc))
    let nfkc = try Segmenter(Segmentation(normalization: .nfkc))
    var cases = 0
    for (number, line) in try lines(of: "NormalizationTest.txt") where !line.hasPrefix("@") {
      let columns = line.split(separator: ";").prefix(5).map(text)
      try #require(columns.count == 5, "line \(number)")
      cases += 1
      for (index, column) in columns.enumerated() {
        let composed = try Array(nfc.normalized(column).unicodeScalars)
        let wanted = index < 3 ? columns[1] : columns[3]
        if composed != Array(wanted.unicodeScalars) { Issue.record("NFC of line \(number)") }
        let compatible = try Array(nfkc.normalized(column).unicodeScalars)
        if compatible != Array(columns[3].unicodeScalars) { Issue.record("NFKC of line \(number)") }
      }
    }
    #expect(cases > 19_000)
  }

  /// CaseFolding.txt gives the folding that the definition of `caseFolding` builds on.
  @Test func caseFoldingFollowsUnicode() throws {
    let folding = try Segmenter(Segmentation(normalization: .caseFolding))
    let nfc = try Segmenter(Segmentation(normalization: .nfc))
    var cases = 0
    for (number, line) in try lines(of: "CaseFolding.txt") {
      let fields = line.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
      guard fields.count >= 3, fields[1] == "C" || fields[1] == "F" else { continue }
      cases += 1
      let folded = try Array(folding.normalized(text(fields[0])).unicodeScalars)
      let wanted = try Array(nfc.normalized(text(fields[2])).unicodeScalars)
      if folded != wanted { Issue.record("line \(number): \(line)") }
    }
    #expect(cases > 1500)
  }

  // MARK: Reading the files

  /// Compares cuts with ÷ and × of each line; only the exceptions listed may differ, and must.
  private func check(
    _ name: String, leastCases: Int, exceptions: [Exception],
    _ cut: (String) throws -> [TextSpan]
  ) throws {
    var cases = 0
    var differing: [Int: [Int]] = [:]
    for (number, line) in try lines(of: name) {
      var string = String.UnicodeScalarView()
      var wanted: [Int] = []
      for field in line.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
        if field == "÷" {
          if !string.isEmpty { wanted.append(string.count) }
        } else if field != "×" {
          string.append(try scalar(field))
        }
      }
      cases += 1
      let spans = try cut(String(string))
      if spans.map(\.codePoints.upperBound) != wanted {
        differing[number] = spans.map(\.codePoints.upperBound)
      }
      #expect(String(string).unicodeScalars.elementsEqual(spans.flatMap(\.text.unicodeScalars)))
    }
    #expect(cases >= leastCases)
    #expect(differing == Dictionary(uniqueKeysWithValues: exceptions.map { ($0.line, $0.cuts) }))
  }

  private func scalar(_ digits: some StringProtocol) throws -> Unicode.Scalar {
    try #require(UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init), "code point \(digits)")
  }

  private func text(_ column: some StringProtocol) -> String {
    var string = String.UnicodeScalarView()
    for digits in column.split(separator: " ") {
      if let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) {
        string.append(scalar)
      }
    }
    return String(string)
  }

  /// The lines of a file with their numbers, without comments and empty lines.
  private func lines(of name: String) throws -> [(Int, String)] {
    let places = [
      "/usr/share/unicode/auxiliary/", "/usr/share/unicode/",
      SharedData.folder + "/icu-unicode-15.0/",
    ]
    var contents: Data?
    for place in places where contents == nil {
      contents = FileManager.default.contents(atPath: place + name)
      if contents == nil, FileManager.default.fileExists(atPath: place + name + ".bz2") {
        contents = try output(of: "bzcat", [place + name + ".bz2"])
      }
    }
    let data = try #require(contents, "\(name) is absent: apt install unicode-data")
    return String(decoding: data, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false
    ).enumerated().compactMap { index, line in
      let text = line.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
      return text.isEmpty ? nil : (index + 1, text)
    }
  }
}
