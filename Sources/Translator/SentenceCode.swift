internal import ICUText

/// How the sentences of one side become ids of tokens, and ids sentences again.
struct SentenceCode: Sendable {
  let vocabulary: Vocabulary
  /// The id of every word that the vocabulary does not have and that is not spelt.
  let unknown: Int32
  /// Whether numbers and names that the vocabulary does not have are spelt by their bytes.
  var spellsNames = false

  /// What is written for an unknown word where there is none to copy.
  static let unknownText = " \u{FFFD}"

  /// Whether a word can be unknown; units other than words are spelt.
  var hasUnknown: Bool { vocabulary.segmentation.unit == .spacedWord }

  /// A sentence as ids.
  struct Sentence {
    /// The ids of its tokens.
    var ids: [Int32] = []
    /// What each token stands for; of a character of several bytes, the first stands for all.
    var texts: [String] = []
    /// Its words, each with the places of its tokens.
    var words: [Word] = []
  }

  /// A word of a sentence.
  struct Word: Equatable {
    var places: Range<Int>
    let text: String
    /// Whether the vocabulary has it.
    let isKnown: Bool
  }

  /// A sentence's ids.
  func ids(of text: String) throws(TextError) -> [Int32] {
    if hasUnknown { return try sentence(text).ids }
    return try vocabulary.encode(vocabulary.segmentation.sentence(text)).map { Int32($0) }
  }

  /// A sentence's ids, and what each stands for.
  func sentence(_ text: String) throws(TextError) -> Sentence {
    let whole = vocabulary.segmentation.sentence(text)
    var sentence = Sentence()
    guard hasUnknown else {
      sentence.ids = try vocabulary.encode(whole).map { Int32($0) }
      sentence.texts = Self.texts(of: sentence.ids.map { vocabulary.bytes(of: Int($0)) })
      return sentence
    }
    let (ids, texts) = try vocabulary.encodeWithTexts(whole, unknown: Int(unknown))
    for (id, text) in zip(ids, texts) {
      let first = sentence.ids.count
      let isKnown = id != Int(unknown)
      if !isKnown, spellsNames, Self.isNameOrNumber(text) {
        sentence.ids += text.utf8.map { Int32($0) }
        sentence.texts += Self.texts(of: text.utf8.map { [$0] })
      } else {
        sentence.ids.append(Int32(id))
        sentence.texts.append(text)
      }
      sentence.words.append(
        Word(places: first..<sentence.ids.count, text: text, isKnown: isKnown))
    }
    return sentence
  }

  /// Whether a word has a digit, or a capital at its beginning.
  static func isNameOrNumber(_ word: String) -> Bool {
    var isFirst = true
    for scalar in word.unicodeScalars where scalar != " " {
      switch scalar.properties.generalCategory {
      case .uppercaseLetter, .titlecaseLetter: if isFirst { return true }
      case .decimalNumber: return true
      default: break
      }
      isFirst = false
    }
    return false
  }

  /// The characters that tokens of words before them never had: spelt by bytes, and no ASCII.
  static func strangeCharacters(_ sentence: Sentence) -> [String] {
    zip(sentence.ids, sentence.texts).compactMap { id, text in
      (0x80..<0x100).contains(id) && !text.isEmpty ? text : nil
    }
  }

  /// What ids stand for, whole and one by one, with `copies` in place of the unknown ones.
  func text(of ids: [Int32], copies: [String] = []) -> (text: String, pieces: [String]) {
    var copies = copies[...]
    let pieces = ids.map { id in
      id == unknown
        ? Array((copies.popFirst() ?? Self.unknownText).utf8) : vocabulary.bytes(of: Int(id))
    }
    let bytes = pieces.joined()
    let isSpaced = vocabulary.segmentation.joinsSpaces && bytes.first == UInt8(ascii: " ")
    return (
      String(decoding: Array(bytes.dropFirst(isSpaced ? 1 : 0)), as: UTF8.self),
      Self.texts(of: pieces)
    )
  }

  /// Pieces of UTF-8 as texts: a character that begins in one piece and ends in another is with the first.
  private static func texts(of pieces: [[UInt8]]) -> [String] {
    var texts: [String] = []
    var start = 0
    while start < pieces.count {
      var bytes = pieces[start]
      var end = start + 1
      // At most four bytes make a character; what does not become one stays as it is.
      while String(validating: bytes, as: UTF8.self) == nil, end < min(start + 4, pieces.count) {
        bytes += pieces[end]
        end += 1
      }
      if String(validating: bytes, as: UTF8.self) == nil {
        (bytes, end) = (pieces[start], start + 1)
      }
      texts.append(String(decoding: bytes, as: UTF8.self))
      texts += [String](repeating: "", count: end - start - 1)
      start = end
    }
    return texts
  }
}
