internal import ICUText

/// How the sentences of one side become symbols, and symbols sentences again.
struct SentenceCode: Sendable {
  let vocabulary: Vocabulary
  /// The number of every word that the vocabulary does not have.
  let unknown: Int32

  /// What is written for an unknown word where there is none to copy.
  static let unknownText = " \u{FFFD}"

  /// Whether a word can be unknown; units other than words are spelt.
  var hasUnknown: Bool { vocabulary.segmentation.unit == .spacedWord }

  /// A sentence's symbols.
  func symbols(of text: String) throws(TextError) -> [Int32] {
    if hasUnknown { return try symbolsWithTexts(of: text).symbols }
    return try vocabulary.encode(vocabulary.segmentation.sentence(text)).map { Int32($0) }
  }

  /// A sentence's symbols, and what each stands for.
  func symbolsWithTexts(
    of text: String
  ) throws(TextError) -> (symbols: [Int32], texts: [String]) {
    let sentence = vocabulary.segmentation.sentence(text)
    if hasUnknown {
      let (numbers, texts) = try vocabulary.encodeWithTexts(sentence, unknown: Int(unknown))
      return (numbers.map { Int32($0) }, texts)
    }
    let numbers = try vocabulary.encode(sentence)
    return (numbers.map { Int32($0) }, numbers.map { vocabulary.text(of: [$0]) })
  }

  /// What symbols stand for, whole and one by one, with `copies` in place of the unknown ones.
  func text(of symbols: [Int32], copies: [String] = []) -> (text: String, pieces: [String]) {
    var copies = copies[...]
    var bytes: [UInt8] = []
    var pieces: [String] = []
    for symbol in symbols {
      let piece =
        symbol == unknown
        ? Array((copies.popFirst() ?? Self.unknownText).utf8) : vocabulary.bytes(of: Int(symbol))
      bytes += piece
      pieces.append(String(decoding: piece, as: UTF8.self))
    }
    let isSpaced = vocabulary.segmentation.joinsSpaces && bytes.first == UInt8(ascii: " ")
    return (String(decoding: bytes.dropFirst(isSpaced ? 1 : 0), as: UTF8.self), pieces)
  }
}
