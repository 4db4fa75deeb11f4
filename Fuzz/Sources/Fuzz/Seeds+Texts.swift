import MajorTom

extension Seeds {
  private static func seed(
    _ name: String, choosing number: UInt8? = nil, _ text: String
  ) -> (name: String, bytes: [UInt8]) {
    (name, (number.map { [$0] } ?? []) + Array(text.utf8))
  }

  static let texts: [(name: String, bytes: [UInt8])] = [
    seed("detected", choosing: 0, "\u{feff}Day 1: na\u{ef}ve \u{4f60}\u{597d}.\r\n\u{1f600}\n"),
    seed("utf-8", choosing: 1, text),
    (
      "utf-16",
      [2, 0xFF, 0xFE] + "Day \u{1f600}\n".utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    ),
    ("utf-32", [3, 0, 0, 0xFE, 0xFF, 0, 0, 0, 0x44, 0, 1, 0xF6, 0]),
    ("latin-1", [4] + Array("Caf".utf8) + [0xE9, 0x0A, 0xFC, 0x20]),
    (
      "detected-latin-1",
      [0] + Array("Ceci est un caf".utf8) + [0xE9] + Array(", d".utf8) + [0xE9, 0x0A]
    ),
    ("shift-jis", [6, 0x93, 0xFA, 0x96, 0x7B, 0x8C, 0xEA, 0x0A]),
    ("iso-2022-jp", [9, 0x1B, 0x24, 0x42, 0x46, 0x7C, 0x1B, 0x28, 0x42, 0x0A]),
    seed("utf-7", choosing: 10, "Hi +ZeVnLIqe-.\n"),
  ]

  /// Three lines as gzip writes them (RFC 1952), stored without compression, and as they are.
  static let lines: [(name: String, bytes: [UInt8])] = [
    seed("plain", "\u{feff}one\r\ntwo\n\nthr\u{e9}e"),
    ("gzip", gzip("one\ntwo\nthree\n")),
    ("gzip-twice", gzip("one\ntw") + gzip("o\n")),
  ]

  private static func gzip(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    var table = [UInt32](repeating: 0, count: 256)
    for byte in 0..<256 {
      table[byte] = (0..<8).reduce(UInt32(byte)) { crc, _ in
        crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0)
      }
    }
    let crc = ~bytes.reduce(~UInt32(0)) { $0 >> 8 ^ table[Int(($0 ^ UInt32($1)) & 255)] }
    func little(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(value >> (8 * $0) & 255) }
    }
    return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1] + little(bytes.count, 2)
      + little(~bytes.count & 0xFFFF, 2) + bytes + little(Int(crc), 4) + little(bytes.count, 4)
  }

  static let columns: [(name: String, bytes: [UInt8])] = [
    seed("iob2", choosing: 0, "-DOCSTART- O\n\nAda B-PER\nLee I-PER\nmet O\n\nBo B-PER\n"),
    seed("iob1", choosing: 3, "# a comment\nAda\tI-PER\nBo\tB-PER\n.\tO\n"),
    seed("bioes", choosing: 6, "Ada S-PER\nin O\nNew B-LOC\nYork E-LOC\n"),
    seed("bilou", choosing: 4, "Ada U-PER\nNew B-LOC\nYork L-LOC\nCity I-LOC\n"),
    seed("words", choosing: 1, "Ada NOUN x\n# NOUN y\n\t\n  \nmet VERB z\n"),
  ]

  static let universal: [(name: String, bytes: [UInt8])] = (0..<5).map { (number: UInt8) in
    seed(
      "\(number)", choosing: number,
      "# text = vom Haus\n1-2\tvom\t_\t_\t_\t_\t_\t_\t_\t_\n"
        + "1\tvon\tvon\tADP\tAPPR\tCase=Dat|Gender=Neut\t2\tcase\t_\tO\n"
        + "2\tHaus\tHaus\tNOUN\tNN\tCase=Dat\t0\troot\t_\tO\n2.1\t_\t_\t_\t_\t_\t_\t_\t_\t_\n\n")
  }

  static let objects: [(name: String, bytes: [UInt8])] = [
    seed(
      "doccano", choosing: 0,
      #"{"text":"Ada met Bo. \u00e9","label":[[0,3,"PER"],[8,10,"PER"]]}"# + "\n"
        + #"{"data":"Rome","entities":[{"id":1,"label":"LOC","start_offset":0,"end_offset":4}]}"#
        + "\n"),
    seed(
      "prodigy", choosing: 0,
      #"{"text":"Ada-Bo","tokens":[{"start":0,"end":3},{"start":3,"end":6}],"spans":"#
        + #"[{"start":0,"end":3,"label":"PER"},{"start":2,"end":6,"label":"X"}],"answer":"accept"}"#
    ),
    seed(
      "thai", choosing: 1,
      "{\"text\":\"\u{e2a}\u{e27}\u{e31}\u{e2a}\u{e14}\u{e35} \u{1f600}\",\"ents\":[[1,5,\"A\"],[7,8,\"B\"]]}"
    ),
  ]

  static let annotations: [(name: String, bytes: [UInt8])] = [
    seed(
      "spans",
      "Ada Lee met\r\nBo. \u{1f600}x\n\0T1\tPER 0 7\tAda Lee\nT2\tPER 13 15\tBo\nR1\tx Arg1:T1\n"),
    seed("parts", "North and South York\0T1\tLOC 0 5;16 20\tNorth York\nT2\tX 6 9\n"),
  ]

  static let tables: [(name: String, bytes: [UInt8])] = [
    seed("two", choosing: 0, "one\teins\n two \t zwei\t\n\n\tleer\n"),
    seed("three", choosing: 1, "a\tb\tc\nd\te\t\u{a0}f\n"),
    seed("lines", choosing: 2, "one\n\ntwo\n"),
  ]

  static let sentences: [(name: String, bytes: [UInt8])] =
    (0..<TextUnit.allCases.count * Normalization.allCases.count).map { number in
      seed("\(number)", choosing: UInt8(number), samples[number % samples.count])
    }

  private static let samples = [
    "Day 1. The day.\r\nNa\u{ef}ve, nai\u{308}ve \u{fb01}n \u{fb01}n. ",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{1f1e9}\u{1f1ea}\u{1f1eb}\u{1f1f7}\u{1f600} ok ok",
    "\u{e2a}\u{e27}\u{e31}\u{e2a}\u{e14}\u{e35}\u{e0a}\u{e32}\u{e27}\u{e42}\u{e25}\u{e01} \u{4f60}\u{597d}\u{ff21}",
    "Stra\u{df}e \u{130}I\u{307} \u{1e9e} \u{345}\u{301}x \u{ac00}\u{1100}\u{1161} \u{212b} 3,5 km",
    "low lower lowest newer newest  wider\n\n\tlow \u{915}\u{94d}\u{937}\u{93f} \u{0}\u{85}\u{2028}",
  ]

  private static let vocabularyText = text + "Na\u{ef}ve, na\u{ef}ve \u{1f600}\u{1f600}"

  static func vocabularies() throws -> [(name: String, bytes: [UInt8])] {
    try TextUnit.allCases.map { unit in
      let segmentation = Segmentation(
        unit: unit, normalization: unit == .word ? .nfkc : .none, locale: "en")
      let vocabulary = try Vocabulary(
        counting: segmentation, in: Corpus(text: vocabularyText),
        maximumSize: 275)
      return seed(unit.rawValue, JSON.text(of: vocabulary))
    }
  }

  static let vectors: [(name: String, bytes: [UInt8])] = [
    seed("counted", "2 3\nada 0.1 -2 3e-2\nrome 1 2 3\n"),
    seed("refused", "ada 0.1 0.2\nnew york 1 2\n\nrome 0 inf\n"),
  ]

  static let commandLines: [(name: String, bytes: [UInt8])] = [
    seed("train", "text.txt\0-o\0m\0--cell=gru\0--hidden\012\0--rate\00.5\0--seed\07\0-j\0--\0-x"),
    seed("help", "--help\0--threads\04"),
    seed("refused", "--hiden\03\0--cell\0lsmt\0--output"),
  ]

  static let configurations: [(name: String, bytes: [UInt8])] = [
    seed("language-model", JSON.text(of: LanguageModel.Configuration())),
    seed("language-model-tokens", JSON.text(of: LanguageModel.TokenOptions())),
    seed("tagger", JSON.text(of: Tagger.Configuration())),
    seed("translator", JSON.text(of: Translator.Configuration { $0.cutoffs = [300, 500] })),
    seed(
      "translator-tokens", JSON.text(of: Translator.TokenOptions { $0.maximumSize = 4000 })),
    seed("training", JSON.text(of: TrainingOptions { ($0.batch, $0.shards) = (8, 2) })),
    seed("training-1", #"{"warmUp":3,"finalRate":0.1,"minutes":0.5,"seed":9223372036854775807}"#),
  ]
}
