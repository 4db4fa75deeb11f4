internal import ICUText

/// How the sentences of one side become ids of tokens, and ids sentences again.
struct SentenceCode: Sendable {
  let vocabulary: Vocabulary
  /// The id of every word that the vocabulary does not have.
  let unknown: Int32

  /// What is written for an unknown word where there is none to copy.
  static let unknownText = " \u{FFFD}"

  /// Whether a word can be unknown; units other than words are spelt.
  var hasUnknown: Bool { vocabulary.segmentation.unit == .spacedWord }

  /// A sentence's ids.
  func ids(of text: String) throws(TextError) -> [Int32] {
    if hasUnknown { return try idsWithTexts(of: text).ids }
    return try vocabulary.encode(vocabulary.segmentation.sentence(text)).map { Int32($0) }
  }

  /// A sentence's ids, and what each stands for.
  func idsWithTexts(
    of text: String
  ) throws(TextError) -> (ids: [Int32], texts: [String]) {
    let sentence = vocabulary.segmentation.sentence(text)
    if hasUnknown {
      let (ids, texts) = try vocabulary.encodeWithTexts(sentence, unknown: Int(unknown))
      return (ids.map { Int32($0) }, texts)
    }
    let ids = try vocabulary.encode(sentence)
    return (ids.map { Int32($0) }, ids.map { vocabulary.text(of: [$0]) })
  }

  /// What ids stand for, whole and one by one, with `copies` in place of the unknown ones.
  func text(of ids: [Int32], copies: [String] = []) -> (text: String, pieces: [String]) {
    var copies = copies[...]
    var bytes: [UInt8] = []
    var pieces: [String] = []
    for id in ids {
      let piece =
        id == unknown
        ? Array((copies.popFirst() ?? Self.unknownText).utf8) : vocabulary.bytes(of: Int(id))
      bytes += piece
      pieces.append(String(decoding: piece, as: UTF8.self))
    }
    let isSpaced = vocabulary.segmentation.joinsSpaces && bytes.first == UInt8(ascii: " ")
    return (String(decoding: bytes.dropFirst(isSpaced ? 1 : 0), as: UTF8.self), pieces)
  }
}
