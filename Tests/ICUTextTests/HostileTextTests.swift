import Foundation
import Testing

@testable import ICUText

/// Files that would fill the memory, and files that change while they are read.
@Suite struct HostileTextTests {
  private let folder: Folder

  init() throws { folder = try Folder() }

  private func compressed(_ name: String, _ bytes: [UInt8]) throws -> String {
    let path = try folder.file(name, bytes)
    return try folder.file(name + ".gz", Array(try output(of: "gzip", ["-9", "-c", path])))
  }

  private func lines(
    of path: String, keepsAll: Bool = false, _ limits: TextLines.Limits = .init()
  ) throws -> Int {
    var count = 0
    try TextLines.forEach(in: path, keepsAll: keepsAll, limits: limits) { _, _ in
      count += 1
      return true
    }
    return count
  }

  @Test func compressedDataThatGrowWithoutEndAreRefused() throws {
    // gzip's largest growth is about 1,030.
    let bomb = try compressed("bomb", [UInt8](repeating: 0x0A, count: 1 << 22))
    var limits = TextLines.Limits()
    limits.growth.modest = 1 << 16
    #expect(throws: TextError.grows(path: bomb, times: 200)) { try lines(of: bomb, limits) }
    // What is small after all may have grown as much as it likes, and text does not grow so much.
    #expect(try lines(of: bomb) == 1 << 22)
    let text = (0..<20_000).map { "\($0 * 7919 % 10_007) is a number.\n" }.joined()
    #expect(try lines(of: compressed("text", Array(text.utf8)), limits) == 20_000)
  }

  @Test func moreThanFitsInMemoryIsRefused() throws {
    let text = [UInt8](String(repeating: "a line\n", count: 10_000).utf8)
    let path = try folder.file("text", text)
    var limits = TextLines.Limits()
    limits.kept = 50_000
    for path in [path, try compressed("text", text)] {
      #expect(throws: TextError.tooLarge(path: path, limit: 50_000)) {
        try lines(of: path, keepsAll: true, limits)
      }
      // What goes through as a stream may be of any size.
      #expect(try lines(of: path, limits) == 10_000)
    }
  }

  @Test func aLineWithoutEndIsRefused() throws {
    let short = Array("first\nsecond\n".utf8)
    for tail in [[], [0x0A] as [UInt8]] {
      let path = try folder.file("long", short + [UInt8](repeating: 0x61, count: 17 << 20) + tail)
      #expect(throws: TextError.lineTooLong(path: path, line: 3, limit: 16 << 20)) {
        try lines(of: path)
      }
      #expect(throws: TextError.lineTooLong(path: path, line: 3, limit: 16 << 20)) {
        try ParallelCorpus(source: path, target: path)
      }
    }
    let longest = try folder.file("longest", short + [UInt8](repeating: 0x61, count: 16 << 20))
    #expect(try lines(of: longest) == 3)
    // A text for a language model may be one line.
    var count = 0
    try Corpus(contentsOf: folder.path + "/long").forEachPiece { count += $0.byteCount }
    #expect(count == short.count + 17 << 20 + 1)
  }

  @Test(arguments: ["UTF-8", "UTF-16LE"])
  func aCorpusThatShrinksIsToldOf(name: String) throws {
    let text = String(repeating: "many lines\n", count: 400_000)
    let encoding = try TextEncoding(named: name)
    let bytes =
      name == "UTF-16LE"
      ? text.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] } : Array(text.utf8)
    let path = try folder.file("text", bytes)
    let corpus = try Corpus(contentsOf: [path], encoding: encoding)
    try #require(truncate(path, 2_200_000) == 0)
    let told = TextError.shrunk(path: path, from: bytes.count, to: 2_200_000)
    #expect(throws: told) { try corpus.forEachPiece { _ in } }
    #expect(told.description.contains("cut short"))
    // While it is read, too.
    let again = try Corpus(contentsOf: [try folder.file("text", bytes)], encoding: encoding)
    #expect(throws: told) { try again.forEachPiece { _ in _ = truncate(path, 2_200_000) } }
  }

  @Test func whatIsAppendedMeanwhileBelongsToNoReading() throws {
    let path = try folder.file("log", Array("one\ntwo\n".utf8))
    let corpus = try Corpus(contentsOf: path)
    let handle = try #require(FileHandle(forUpdatingAtPath: path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("three\n".utf8))
    var read = ""
    try corpus.forEachPiece { read += $0.text }
    #expect(read == "one\ntwo\n")
  }

  @Test func dataThatShrinkAreToldOf() throws {
    let path = try folder.file("data", Array(String(repeating: "a\tb\n", count: 300_000).utf8))
    #expect(throws: TextError.shrunk(path: path, from: 1_200_000, to: 400_000)) {
      try TextLines.forEach(in: path) { _, number in
        if number == 1 { _ = truncate(path, 400_000) }
        return true
      }
    }
  }

  /// Patterns that take longer than the universe lasts on some texts.
  @Test(
    .timeLimit(.minutes(1)),
    arguments: ["(a+)+c", "(a|aa)+c", "(.*)*x", "([a-z]+)*\\d", "(?:a|b)*c"])
  func aPatternThatNeverEndsIsRefused(pattern: String) throws {
    let property = try TextProperty(pattern)
    let text = String(repeating: String(repeating: "a", count: 5000) + "b", count: 4)
    let error = #expect(throws: TextError.self) { try property.values(of: [text]) }
    #expect(error == .patternTooSlow(pattern))
  }

  @Test func patternsOfUseHaveStepsEnough() throws {
    let text = String(repeating: "Captain Ada Ng (of the \"Lamp\") wrote: 12 lines.\n", count: 5000)
    let pieces = text.map { String($0) }
    for pattern in [
      "[A-Z][a-z]+( [A-Z][a-z]+)*", "\\b\\w+\\b", "(?i)lamp|lines", "\"[^\"]*\"", ".*",
    ] {
      let values = try TextProperty(pattern).values(of: pieces)
      #expect(values.contains(1) && values.count == pieces.count, "\(pattern)")
    }
  }

  @Test func sentencesQuoteLittle() throws {
    let long = String(repeating: "x", count: 100_000) + "\u{1B}[2J\n"
    let errors: [any Error] = [
      TextError.unknownLocale(long), TextError.unknownEncoding(long),
      TextError.badPattern(long, known: ["quotes"]), TextError.patternTooSlow(long),
      TextError.undetected(path: "a", guess: long, confidence: 1),
      CorpusError.unknownLocale(long), CorpusError.noDates(locale: long),
      CorpusError.noNames(locale: long), CorpusError.noCommonNames(from: long, to: long),
    ]
    for error in errors {
      let sentence = "\(error)"
      #expect(sentence.utf8.count < 500 && !sentence.contains("\u{1B}"), "\(sentence.prefix(80))")
      #expect(!sentence.contains("\n"))
    }
  }
}
