import Foundation
import Testing

@testable import ICUText

/// Text for which iconv makes files in other encodings.
private let russian =
  "Все счастливые семьи похожи друг на друга,\r\nкаждая по-своему. Ёж — №5\n\nда\n"
private let japanese = "吾輩は猫である。名前はまだ無い。\nどこで生れたか、とんと見当がつかぬ。\nABCカナ\n"
private let mixed =
  "Zoë\u{301} saw 👩\u{200D}👩\u{200D}👧 & 🇫🇷.\r\n漢字 𠮷 ไทยภาษา कक्षा\n\u{308}x 각\u{11A8}\n\n𝒳=½\n end"

@Suite struct ReadingTests {
  @Test(
    arguments: [
      ("UTF-8", mixed), ("UTF-16LE", mixed), ("UTF-16BE", mixed), ("UTF-32LE", mixed),
      ("UTF-32BE", mixed), ("GB18030", mixed), ("SHIFT_JIS", japanese), ("EUC-JP", japanese),
      ("ISO-2022-JP", japanese), ("WINDOWS-1251", russian.replacing("№", with: "No")),
      ("KOI8-R", russian.replacing("№", with: "No").replacing("—", with: "-")),
      ("UTF-16", mixed), ("UTF-32", mixed),
    ])
  func blocksOfAnySizeGiveTheText(name: String, text: String) throws {
    let folder = try Folder()
    let source = try folder.file("source", Array(text.utf8))
    let bytes = try output(of: "iconv", ["-f", "UTF-8", "-t", name, source])
    let path = try folder.file("encoded", Array(bytes))
    for size in [1, 2, 3, 4, 5, 7, 11, 16, 33, 64, 1 << 20] {
      var corpus = try Corpus(contentsOf: [path], encoding: TextEncoding(named: name))
      corpus.pieceSize = size
      var read: [UInt8] = []
      try corpus.forEachPiece { read += Array($0.text.utf8) }
      #expect(read == Array(text.utf8), "blocks of \(size) bytes")
    }
  }

  @Test(arguments: [Normalization.none, .nfc, .nfkc, .caseFolding])
  func piecesSplitNoSymbol(normalization: Normalization) throws {
    let folder = try Folder()
    let path = try folder.file("text", Array((mixed + japanese + russian).utf8))
    for unit in TextUnit.allCases {
      let segmentation = Segmentation(unit: unit, normalization: normalization)
      let whole = try Vocabulary(
        counting: segmentation, in: Corpus(text: mixed + japanese + russian))
      let numbers = try whole.encode(mixed + japanese + russian)
      for size in [1, 2, 3, 10, 50] {
        for var corpus in [
          try Corpus(contentsOf: [path]), Corpus(text: mixed + japanese + russian),
        ] {
          corpus.pieceSize = size
          let (vocabulary, symbols) = try corpus.encoded(by: segmentation)
          #expect(vocabulary == whole)
          #expect((0..<symbols.count).map { symbols[$0] } == numbers)
        }
      }
    }
  }

  @Test func longLinesAreCutWhereNoSymbolIsSplit() throws {
    let english = String(repeating: "It was the best of times; it wasn't. ", count: 40)
    let chinese = String(repeating: "人生若只如初見何事秋風悲畫扇。", count: 40)
    let clusters = String(repeating: "e\u{301}👩\u{200D}👧각\u{11A8}कक्षा", count: 40)
    let folder = try Folder()
    for (text, units) in [
      (english, TextUnit.allCases), (chinese, TextUnit.allCases),
      (clusters, [.byte, .codePoint, .grapheme]),
    ] {
      let path = try folder.file("text", Array(text.utf8))
      for unit in units {
        for var corpus in [try Corpus(contentsOf: [path]), Corpus(text: text)] {
          corpus.pieceSize = 32
          corpus.longestLine = 128
          let segmentation = Segmentation(unit: unit, normalization: .nfkc)
          let (vocabulary, symbols) = try corpus.encoded(by: segmentation)
          #expect(try (0..<symbols.count).map { symbols[$0] } == vocabulary.encode(text))
          try corpus.forEachPiece { #expect($0.byteCount <= 128 + 32) }
        }
      }
    }
  }

  @Test func aTextOfMarksAloneIsStillCut() throws {
    let text = "e" + String(repeating: "\u{301}", count: 1000)
    var corpus = Corpus(text: text)
    corpus.pieceSize = 16
    corpus.longestLine = 64
    var read = ""
    try corpus.forEachPiece { read += $0.text }
    #expect(Array(read.utf8) == Array(text.utf8))
  }

  @Test func filesFollowOneAnotherWithoutJoining() throws {
    let folder = try Folder()
    let first = try folder.file("first", Array("e".utf8))
    let second = try folder.file("second", [0xEF, 0xBB, 0xBF] + Array("\u{301}x".utf8))
    let corpus = try Corpus(contentsOf: [first, second])
    #expect(corpus.byteCount == 7)
    let (vocabulary, symbols) = try corpus.encoded(by: Segmentation())
    #expect((0..<symbols.count).map { symbols[$0] } == [0x65, 256, 0x78])
    #expect(vocabulary.tokens == ["\u{301}"])
  }

  @Test func whatTheBodyThrowsComesThrough() throws {
    struct Enough: Error {}
    var corpus = Corpus(text: "a\nb\nc\n")
    corpus.pieceSize = 2
    var pieces = 0
    #expect(throws: Enough.self) {
      try corpus.forEachPiece { _ in
        pieces += 1
        if pieces == 2 { throw Enough() }
      }
    }
    #expect(pieces == 2)
  }

  @Test func numbersTakeNoMoreBytesThanNeeded() throws {
    for (count, width) in [(1, 1), (256, 1), (257, 2), (65536, 2), (65537, 4)] {
      let symbols = (0..<1000).map { $0 * 7919 % count } + [count - 1]
      let corpus = EncodedCorpus(ids: symbols, vocabularyCount: count)
      #expect(corpus.width == width && corpus.count == 1001)
      #expect((0..<1001).map { corpus[$0] } == symbols)
      var copied = [Int32](repeating: -1, count: 20)
      copied.withUnsafeMutableBufferPointer { corpus.copy(981..<1001, into: $0) }
      #expect(copied.map(Int.init) == Array(symbols[981...]))
    }
    #expect(EncodedCorpus(ids: [], vocabularyCount: 1).count == 0)
  }

  @Test func aReversedViewIsTheCorpusFromItsEnd() throws {
    for count in [256, 65536, 65537] {
      let symbols = (0..<1000).map { $0 * 7919 % count }
      let corpus = EncodedCorpus(ids: symbols, vocabularyCount: count)
      let view = corpus.reversed()
      #expect(view.isReversed && !corpus.isReversed && view.count == 1000)
      let expected = Array(symbols.reversed())
      #expect((0..<1000).map { view[$0] } == expected)
      for range in [0..<1000, 0..<1, 999..<1000, 13..<33, 7..<7] {
        var copied = [Int32](repeating: -1, count: range.count)
        copied.withUnsafeMutableBufferPointer { view.copy(range, into: $0) }
        #expect(copied.map(Int.init) == Array(expected[range]), "\(range) of \(count) symbols")
      }
      #expect((0..<1000).map { view.reversed()[$0] } == symbols)
    }
    #expect(EncodedCorpus(ids: [], vocabularyCount: 1).reversed().count == 0)
  }

  @Test func largeCorporaLieInAFileWithoutAName() throws {
    let folder = try Folder()
    let text = String(repeating: "\u{FDFA} naïve 漢字\n", count: 20_000)
    let segmentation = Segmentation(unit: .codePoint, normalization: .nfkc)
    let corpus = Corpus(text: text)
    let vocabulary = try Vocabulary(counting: segmentation, in: corpus, maximumSize: 258)
    let inMemory = try EncodedCorpus(corpus, vocabulary: vocabulary)
    let inFile = try EncodedCorpus(
      corpus, vocabulary: vocabulary, storage: MapStorage(mostInMemory: 0, folder: folder.path))
    #expect(inFile.count == inMemory.count)
    #expect((0..<inFile.count).allSatisfy { inFile[$0] == inMemory[$0] })
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    let error = #expect(throws: TextError.self) {
      try EncodedCorpus(
        corpus, vocabulary: vocabulary,
        storage: MapStorage(mostInMemory: 0, folder: folder.path + "/none"))
    }
    #expect(error?.description.contains("No such file or directory") == true)
  }

  @Test func normalisationMayLengthenATextBeyondItsFile() throws {
    let text = String(repeating: "\u{FDFA}", count: 100_000)
    let (vocabulary, symbols) = try Corpus(text: text).encoded(
      by: Segmentation(unit: .codePoint, normalization: .nfkc), maximumSize: 256)
    #expect(vocabulary.count == 256)
    #expect(symbols.count == 100_000 * "صلى الله عليه وسلم".utf8.count)
    #expect(symbols[0] == 0xD8 && symbols[symbols.count - 1] == 0x85)
  }
}

@Suite struct DetectionTests {
  @Test(
    arguments: [
      ("UTF-8", "UTF-8", mixed), ("UTF-16", "UTF-16LE", mixed), ("UTF-32", "UTF-32LE", mixed),
      ("SHIFT_JIS", "Shift_JIS", japanese), ("EUC-JP", "EUC-JP", japanese),
      ("ISO-2022-JP", "UTF-8", japanese),
      ("WINDOWS-1251", "windows-1251", russian.replacing("№", with: "No")),
      ("KOI8-R", "KOI8-R", russian.replacing("№", with: "No").replacing("—", with: "-")),
      ("UTF-16LE", "UTF-16LE", "Plain English text without a mark.\nLine two.\n"),
      ("UTF-16BE", "UTF-16BE", "Plain English text without a mark.\nLine two.\n"),
      ("ISO-8859-1", "ISO-8859-1", "Où est passé l'été? Le garçon a mangé la pâte à crêpes.\n"),
    ])
  func findsTheEncoding(name: String, wanted: String, text: String) throws {
    let folder = try Folder()
    let source = try folder.file("source", Array(text.utf8))
    let path = try folder.file(
      "encoded", Array(try output(of: "iconv", ["-f", "UTF-8", "-t", name, source])))
    let corpus = try Corpus(contentsOf: [path])
    #expect(corpus.encodings == [wanted])
    // ISO-2022-JP is ASCII with escapes: nothing tells it from UTF-8 that was meant.
    if wanted != "UTF-8" || name == "UTF-8" {
      var read = ""
      try corpus.forEachPiece { read += $0.text }
      #expect(Array(read.utf8) == Array(text.utf8))
    }
  }

  @Test func marksAreNoPartOfTheText() throws {
    let folder = try Folder()
    let path = try folder.file("marked", [0xFF, 0xFE, 0x61, 0x00])
    for encoding in [
      TextEncoding.detect, try TextEncoding(named: "utf-16"), try TextEncoding(named: "UTF16LE"),
    ] {
      var read = ""
      try Corpus(contentsOf: [path], encoding: encoding).forEachPiece { read += $0.text }
      #expect(read == "a")
    }
  }

  @Test func namesAreThoseOfICU() throws {
    #expect(try TextEncoding(named: "latin1") == TextEncoding(named: "ISO_8859-1"))
    #expect(try TextEncoding(named: "utf8") == .utf8)
  }
}

@Suite struct TextErrorTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var bytes: [UInt8]
    var encoding: String?
    var sentence: String

    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(
      name: "empty.txt", bytes: [], sentence: "empty.txt holds no text; leave it out or fill it."),
    Case(
      name: "mark.txt", bytes: [0xEF, 0xBB, 0xBF],
      sentence: "mark.txt holds no text; leave it out or fill it."),
    Case(
      name: "nul.txt", bytes: Array("one\ntwo\u{0}\n".utf8),
      sentence: "nul.txt looks binary: byte 0x00 at offset 7, line 2; name a text file, or give its"
        + " encoding."),
    Case(
      name: "nul8.txt", bytes: Array("one\ntwo\u{0}\n".utf8), encoding: "UTF-8",
      sentence:
        "nul8.txt looks binary: byte 0x00 at offset 7, line 2; name a text file, or give its"
        + " encoding."),
    Case(
      name: "nul16.txt", bytes: [0xFF, 0xFE, 0x61, 0, 0x0A, 0, 0, 0], encoding: "UTF-16",
      sentence: "nul16.txt looks binary: byte 0x00 at offset 6, line 2; name a text file, or give"
        + " its encoding."),
    Case(
      name: "program", bytes: [0x7F, 0x45, 0x4C, 0x46, 2, 1],
      sentence: "program looks binary (an ELF executable): byte 0x7F at offset 0, line 1; name a"
        + " text file, or give its encoding."),
    Case(
      name: "text.gz", bytes: [0x1F, 0x8B, 0x08, 0],
      sentence:
        "text.gz: its gzip data end too early, after 4 bytes: the file was cut short; make or"
        + " fetch it anew."),
    Case(
      name: "text.xz", bytes: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0],
      sentence: "text.xz looks binary (xz data): byte 0xFD at offset 0, line 1; name a text file,"
        + " or give its encoding."),
    Case(
      name: "image.png", bytes: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A],
      sentence: "image.png looks binary (a PNG image): byte 0x89 at offset 0, line 1; name a text"
        + " file, or give its encoding."),
    Case(
      name: "control.txt", bytes: Array("ab\n\u{1}".utf8) + [0xE9, 0x20],
      sentence: "control.txt looks binary: byte 0x01 at offset 3, line 2; name a text file, or give"
        + " its encoding."),
    Case(
      name: "bad8.txt", bytes: Array("ok\nna".utf8) + [0xC3, 0x28], encoding: "UTF-8",
      sentence: "bad8.txt: byte 0xC3 at offset 5, line 2: not valid UTF-8; name the right encoding"
        + ", or repair the file."),
    Case(
      name: "surrogate.txt", bytes: [0xED, 0xA0, 0x80], encoding: "UTF-8",
      sentence: "surrogate.txt: byte 0xED at offset 0, line 1: not valid UTF-8; name the right"
        + " encoding, or repair the file."),
    Case(
      name: "cut8.txt", bytes: Array("é\n".utf8) + [0xF0, 0x9F, 0x91], encoding: "UTF-8",
      sentence:
        "cut8.txt: bytes 0xF0 0x9F 0x91 at offset 3, line 2: not valid UTF-8; name the right"
        + " encoding, or repair the file."),
    Case(
      name: "detected8.txt",
      bytes: Array("naïve façade, déjà vu\n漢字漢字".utf8) + [0xFF] + Array("漢字漢字".utf8),
      sentence: "detected8.txt: byte 0xFF at offset 38, line 2: not valid UTF-8, the encoding that"
        + " the text seemed to have; name the right encoding, or repair the"
        + " file."),
    Case(
      name: "ascii.txt", bytes: Array("a\nb\n".utf8) + [0xE9], encoding: "US-ASCII",
      sentence: "ascii.txt: byte 0xE9 at offset 4, line 3: not valid US-ASCII; name the right"
        + " encoding, or repair the file."),
    Case(
      name: "sjis.txt", bytes: [0x83, 0x65, 0x0A, 0x83, 0x20], encoding: "Shift_JIS",
      sentence: "sjis.txt: byte 0x83 at offset 3, line 2: not valid Shift_JIS; name the right"
        + " encoding, or repair the file."),
    Case(
      name: "cutsjis.txt", bytes: [0x83, 0x65, 0x83], encoding: "Shift_JIS",
      sentence: "cutsjis.txt: byte 0x83 at offset 2, line 1: not valid Shift_JIS; name the right"
        + " encoding, or repair the file."),
    Case(
      name: "lone16.txt", bytes: [0x61, 0, 0x0A, 0, 0x00, 0xD8, 0x61, 0], encoding: "UTF-16LE",
      sentence:
        "lone16.txt: bytes 0x00 0xD8 at offset 4, line 2: not valid UTF-16LE; name the right"
        + " encoding, or repair the file."),
    Case(
      name: "odd16.txt", bytes: [0x61, 0, 0x62], encoding: "UTF-16LE",
      sentence: "odd16.txt: byte 0x62 at offset 2, line 1: not valid UTF-16LE; name the right"
        + " encoding, or repair the file."),
    Case(
      name: "gb.txt", bytes: [0xC4, 0xE3, 0x0A, 0x81, 0x30, 0x81, 0x20], encoding: "GB18030",
      sentence: "gb.txt: byte 0x81 at offset 3, line 2: not valid GB18030; name the right encoding"
        + ", or repair the file."),
  ]

  @Test(arguments: cases) func theSentenceSaysWhatAndWhere(_ test: Case) throws {
    let folder = try Folder()
    let path = try folder.file(test.name, test.bytes)
    for size in [1, 2, 3, 5, 1 << 20] {
      let error = #expect(throws: TextError.self) {
        let encoding = try test.encoding.map { try TextEncoding(named: $0) } ?? .detect
        var corpus = try Corpus(contentsOf: [path], encoding: encoding)
        corpus.pieceSize = size
        try corpus.forEachPiece { _ in }
      }
      let sentence = error?.description.replacing(folder.path + "/", with: "")
      #expect(sentence == test.sentence, "blocks of \(size) bytes")
    }
  }

  @Test func unfitPathsAreNamed() throws {
    let folder = try Folder()
    let fifo = folder.path + "/fifo"
    #expect(mkfifo(fifo, 0o600) == 0)
    for (paths, sentence) in [
      ([], "No text file was named; name at least one."),
      ([folder.path + "/none"], "\(folder.path)/none does not exist; check the path."),
      ([""], " does not exist; check the path."),
      (["a\u{0}b"], "a\u{0}b does not exist; check the path."),
      ([folder.path], "\(folder.path) is a directory; name the text files in it."),
      (
        [fifo],
        "\(fifo) is not a regular file; copy its contents into one, for it is read twice."
      ),
      (
        ["/dev/null"],
        "/dev/null is not a regular file; copy its contents into one, for it is read twice."
      ),
    ] as [([String], String)] {
      let error = #expect(throws: TextError.self) { try Corpus(contentsOf: paths) }
      #expect(error?.description == sentence)
    }
  }

  @Test func unreadableFilesAreNamed() throws {
    let folder = try Folder()
    let path = try folder.file("secret", [0x61])
    #expect(chmod(path, 0) == 0)
    // The superuser may read what nobody may.
    if geteuid() == 0 {
      _ = try Corpus(contentsOf: [path])
    } else {
      #expect(throws: TextError.unreadable(path: path, reason: "Permission denied")) {
        try Corpus(contentsOf: [path])
      }
    }
  }

  @Test func aFileThatVanishesBetweenReadingsIsNamed() throws {
    let folder = try Folder()
    let path = try folder.file("text", [0x61])
    let corpus = try Corpus(contentsOf: [path])
    try FileManager.default.removeItem(atPath: path)
    #expect(throws: TextError.missing(path: path)) {
      try Vocabulary(counting: Segmentation(), in: corpus)
    }
  }

  @Test func unknownEncodingsAreNamedAndKnownOnesListed() {
    for name in ["UTF-9", "windows1521", "", "UTF-8\0"] {
      #expect(throws: TextError.unknownEncoding(name)) { try TextEncoding(named: name) }
    }
    let known = TextEncoding.knownNames
    #expect(known.count > 500 && known.contains("UTF-8") && known.contains("windows-1251"))
  }

  @Test func randomBytesAreReadOrRefusedButNeverFatal() throws {
    let folder = try Folder()
    var generator = SeededGenerator(3)
    for round in 0..<300 {
      let count = Int.random(in: 1...200, using: &generator)
      var bytes = (0..<count).map { _ in UInt8.random(in: 1...255, using: &generator) }
      if round % 2 == 0 { bytes = bytes.map { $0 | 0x80 } }
      let path = try folder.file("noise", bytes)
      for name in [nil, "UTF-8", "UTF-16", "Shift_JIS", "GB18030", "UTF-7", "ISO-2022-KR", "HZ"] {
        do {
          let encoding = try name.map { try TextEncoding(named: $0) } ?? .detect
          var corpus = try Corpus(contentsOf: [path], encoding: encoding)
          corpus.pieceSize = 16
          let (vocabulary, symbols) = try corpus.encoded(
            by: Segmentation(unit: .grapheme, normalization: .nfkc))
          _ = vocabulary.text(of: (0..<symbols.count).map { symbols[$0] })
        } catch let error as TextError {
          #expect(!error.description.isEmpty)
        }
      }
    }
  }

  @Test func vocabulariesHaveRoomForTheBytes() {
    #expect(throws: TextError.vocabularyTooSmall(maximumSize: 255)) {
      try Vocabulary(counting: Segmentation(), in: Corpus(text: "a"), maximumSize: 255)
    }
  }
}
