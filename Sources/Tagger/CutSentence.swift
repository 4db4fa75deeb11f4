public import ICUText

/// A sentence of a text: its words, and which of them are of one multiword token.
public struct CutSentence: Sendable, Equatable {
  /// A token of several words, such as "don't" of "do" and "n't".
  public struct Multiword: Sendable, Equatable {
    /// Its words, among those of the sentence.
    public var words: Range<Int>
    /// The token at its place in the text.
    public var place: TextSpan

    /// A token of these words.
    public init(words: Range<Int>, place: TextSpan) {
      self.words = words
      self.place = place
    }
  }

  /// The words; those that are no pieces of their token all have its place.
  public var words: [TextSpan]
  /// The multiword tokens in order.
  public var multiwords: [Multiword]

  /// A sentence of these words.
  public init(words: [TextSpan], multiwords: [Multiword] = []) {
    self.words = words
    self.multiwords = multiwords
  }

  /// Its tokens, each with its words; whether a space stands behind one, is seen from the places.
  public var tokens: [RunningText.Token] {
    var tokens: [RunningText.Token] = []
    var ends: [Range<Int>] = []
    var (word, multiword) = (0, 0)
    while word < words.count {
      if multiword < multiwords.count, multiwords[multiword].words.lowerBound == word,
        !multiwords[multiword].words.isEmpty
      {
        let found = multiwords[multiword]
        tokens.append(.init(text: found.place.text, words: found.words))
        ends.append(found.place.bytes)
        word = found.words.upperBound
        multiword += 1
      } else {
        tokens.append(.init(text: words[word].text, words: word..<word + 1))
        ends.append(words[word].bytes)
        word += 1
      }
    }
    for place in tokens.indices.dropLast() {
      tokens[place].isFollowedBySpace = ends[place].upperBound < ends[place + 1].lowerBound
    }
    return tokens
  }
}

/// Makes spans of a text whose places rise.
struct SpanMaker {
  private let bytes: [UInt8]
  private var place = (byte: 0, utf16: 0, codePoints: 0)

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The span of some bytes, which begin where the last one did or later.
  mutating func span(_ range: Range<Int>) -> TextSpan {
    place = advanced(place, to: range.lowerBound)
    let end = advanced(place, to: range.upperBound)
    return TextSpan(
      text: Self.text(bytes[range]), bytes: range, utf16: place.utf16..<end.utf16,
      codePoints: place.codePoints..<end.codePoints, isWordLike: true)
  }

  private func advanced(
    _ from: (byte: Int, utf16: Int, codePoints: Int), to end: Int
  ) -> (byte: Int, utf16: Int, codePoints: Int) {
    var place = from
    while place.byte < end {
      let value = bytes[place.byte]
      if value & 0xC0 != 0x80 {
        place.codePoints += 1
        place.utf16 += value >= 0xF0 ? 2 : 1
      }
      place.byte += 1
    }
    return place
  }

  /// A word's text: a line end within it is as good as a space.
  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    guard bytes.contains(where: { $0 <= 0x20 }) else { return text }
    return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}

/// The paragraphs of a text: what empty lines part.
enum Paragraphs {
  /// Where they stand, in bytes, without the empty lines.
  static func ranges(of bytes: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var (start, place) = (0, 0)
    // Behind the last line that has something in it.
    var end = 0
    while place < bytes.count {
      let lineEnd = bytes[place...].firstIndex(of: 0x0A) ?? bytes.count
      if bytes[place..<lineEnd].allSatisfy({ $0 == 0x20 || (9...13).contains($0) }) {
        if end > start { ranges.append(start..<end) }
        start = lineEnd + 1
        end = start
      } else {
        end = lineEnd
      }
      place = lineEnd + 1
    }
    if end > start { ranges.append(start..<end) }
    return ranges
  }
}
