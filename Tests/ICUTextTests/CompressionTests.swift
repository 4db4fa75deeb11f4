import Foundation
import Testing

@testable import ICUText

/// Compressed files against the programs that write them.
@Suite struct CompressionTests {
  private let folder: Folder

  init() throws { folder = try Folder() }

  /// Text that compresses about as much as text does.
  private static let text =
    (0..<30_000).map { "\($0 * 7919 % 10_007) ist größer als 数 \($0 % 13).\n" }.joined()

  private static let programs = [
    ["gzip", "-1", "-c"], ["gzip", "-9", "-c"], ["zstd", "-q", "-1", "-c"],
    ["zstd", "-q", "-19", "--long=24", "-c"],
  ]

  /// The bytes as a program compresses them, in a file whose name says nothing.
  private func compressed(_ bytes: [UInt8], by program: [String]) throws -> [UInt8] {
    let plain = try folder.file("plain", bytes)
    return Array(try output(of: program[0], Array(program.dropFirst()) + [plain]))
  }

  private func text(of path: String, encoding: TextEncoding = .detect) throws -> String {
    var corpus = try Corpus(contentsOf: path, encoding: encoding)
    corpus.pieceSize = 1 << 14
    var text = ""
    try corpus.forEachPiece { text += $0.text }
    return text
  }

  private func lines(of path: String) throws -> [String] {
    var lines: [String] = []
    try TextLines.forEach(in: path) { line, _ in
      lines.append(line)
      return true
    }
    return lines
  }

  @Test(arguments: programs)
  func whatIsCompressedIsReadTheSame(program: [String]) throws {
    let bytes = Array(Self.text.utf8)
    let path = try folder.file("data", compressed(bytes, by: program))
    #expect(try text(of: path) == Self.text)
    #expect(try Corpus(contentsOf: path).byteCount == bytes.count)
    #expect(try lines(of: path) == Self.text.split(separator: "\n").map(String.init))
    // In another encoding, too, which is found out behind the compression.
    let wide: [UInt8] =
      [0xFF, 0xFE] + Self.text.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    let other = try folder.file("wide", compressed(wide, by: program))
    #expect(try text(of: other) == Self.text)
    #expect(try Corpus(contentsOf: other).encodings == ["UTF-16LE"])
  }

  @Test(arguments: programs)
  func partsBehindEachOtherAreOneText(program: [String]) throws {
    let part = try compressed(Array("Ada\nBo".utf8), by: program)
    // A frame that is to be skipped, as RFC 8878 has it in section 3.1.2.
    let skipped: [UInt8] =
      program[0] == "zstd" ? [0x53, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3] : []
    let path = try folder.file("parts", skipped + part + skipped + part)
    #expect(try text(of: path) == "Ada\nBoAda\nBo")
    #expect(try lines(of: path) == ["Ada", "BoAda", "Bo"])
    let more = try folder.file("more", part + Array("and more".utf8))
    let kind = program[0]
    for read in [{ _ = try text(of: more) }, { _ = try lines(of: more) }] as [() throws -> Void] {
      do {
        try read()
        Issue.record("what stands behind the data is passed over")
      } catch TextError.damaged(more, kind, let offset, _) {
        #expect(offset >= part.count)
      }
    }
  }

  /// Zeros behind gzip data fill up a tape's block.
  @Test func zerosBehindGzipDataAreNothing() throws {
    let bytes = try compressed(Array("Ada\n".utf8), by: ["gzip", "-c"])
    #expect(
      try text(of: folder.file("tape", bytes + [UInt8](repeating: 0, count: 500))) == "Ada\n")
  }

  @Test(arguments: programs)
  func noCutTextPassesForAWholeOne(program: [String]) throws {
    let whole = try compressed(Array(Self.text.utf8.prefix(40_000)), by: program)
    for count in stride(from: 4, to: whole.count, by: max(1, whole.count / 97)) {
      let path = try folder.file("cut", Array(whole.prefix(count)))
      let told = TextError.cutShort(path: path, format: program[0], byteCount: count)
      #expect(throws: told) { try text(of: path) }
      #expect(throws: told) { try lines(of: path) }
    }
  }

  @Test(arguments: programs)
  func noDamagedTextPassesForASoundOne(program: [String]) throws {
    let right = String(decoding: Self.text.utf8.prefix(40_000), as: UTF8.self)
    let whole = try compressed(Array(right.utf8), by: program)
    var generator = SeededGenerator(7)
    var refused = 0
    for _ in 0..<60 {
      var bytes = whole
      // Behind the first bytes, without which it is no compressed file.
      let place = Int.random(in: 4..<bytes.count, using: &generator)
      bytes[place] ^= UInt8.random(in: 1...255, using: &generator)
      let path = try folder.file("damaged", bytes)
      do {
        // What stands in the header of gzip but the text, such as a time, may be anything.
        #expect(try text(of: path) == right, "byte \(place)")
      } catch let error as TextError {
        refused += 1
        #expect(error.description.contains("\(path): its \(program[0]) data "), "\(error)")
      }
    }
    #expect(refused > 50)
  }

  @Test func zstdDataThatGrowWithoutEndAreRefused() throws {
    let bomb = try folder.file(
      "bomb",
      compressed([UInt8](repeating: 0x0A, count: 16 << 20), by: ["zstd", "-q", "-c"]))
    #expect(throws: TextError.grows(path: bomb, times: 200)) { try Corpus(contentsOf: bomb) }
    #expect(throws: TextError.grows(path: bomb, times: 200)) { try lines(of: bomb) }
  }

  @Test func namesTellWhatIsInside() throws {
    #expect(Compression.plainName("a/b.conllu.gz") == "a/b.conllu")
    #expect(Compression.plainName("b.tsv.zst") == "b.tsv")
    #expect(Compression.plainName("gz") == "gz")
    let path = try folder.file("only.gz", [])
    #expect(Compression.found(folder.path + "/only") == path)
    #expect(Compression.found(folder.path + "/none") == folder.path + "/none")
    #expect(Compression(of: [0x1F, 0x8B]) == nil && Compression.isUnclear([0x1F, 0x8B]))
    #expect(!Compression.isUnclear(Array("(a".utf8)) && Compression.isUnclear(Array("(".utf8)))
  }
}
