internal import ICUText

/// The graphemes of a paragraph as a splitter reads them; a stretch of white space is one.
struct SplitterCode: Sendable {
  /// The id, and the number of the traits, of each.
  var graphemes: [Int32] = []
  var traits: [Int32] = []
  /// Where each ends in the text, in bytes.
  var ends: [Int] = []

  /// The ids that are no graphemes.
  static let unknown: Int32 = 0
  static let space: Int32 = 1
  static let paragraphEnd: Int32 = 2

  /// What kind of character a grapheme begins with.
  enum Kind: Int32, CaseIterable {
    case boundary, space, upper, lower, letter, digit, number, mark, dash, opening, closing, quote
    case connector, punctuation, symbol, other

    init(_ scalar: Unicode.Scalar) {
      self =
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .titlecaseLetter: .upper
        case .lowercaseLetter: .lower
        case .modifierLetter, .otherLetter: .letter
        case .decimalNumber: .digit
        case .letterNumber, .otherNumber: .number
        case .nonspacingMark, .spacingMark, .enclosingMark: .mark
        case .dashPunctuation: .dash
        case .openPunctuation: .opening
        case .closePunctuation: .closing
        case .initialPunctuation, .finalPunctuation: .quote
        case .connectorPunctuation: .connector
        case .otherPunctuation: .punctuation
        case .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol: .symbol
        default: .other
        }
    }
  }

  /// The numbers that traits may have: kinds, and whether ICU ends a word or a sentence here.
  static let traitCount = 4 * Kind.allCases.count

  static func trait(_ kind: Kind, endsWord: Bool, endsSentence: Bool) -> Int32 {
    4 * kind.rawValue + (endsWord ? 2 : 0) + (endsSentence ? 1 : 0)
  }
}

/// A stretch of a paragraph, with its two ends, that the network reads at once.
struct SplitterWindow: Sendable, Equatable {
  /// The places read, among the graphemes with one place more at either end of the paragraph.
  var range: Range<Int>
  /// Those whose labels count: what stands around them is context.
  var core: Range<Int>

  /// The most places of a window that is learnt from, and of one that is cut: the longer, the less is read
  /// twice, and the fewer there are to be read at once.
  static let longestToLearn = 400
  static let longest = 1200
  /// The least context in a long paragraph.
  static let context = 50

  /// The windows of a paragraph of so many graphemes, which it is read in.
  static func windows(of count: Int, longest: Int = longest) -> [SplitterWindow] {
    let whole = 0..<count + 2
    if whole.count <= longest { return [SplitterWindow(range: whole, core: whole)] }
    let step = longest - 2 * context
    return stride(from: 0, to: whole.count, by: step).map { start in
      let core = start..<min(start + step, whole.count)
      return SplitterWindow(
        range: (core.lowerBound - context..<core.upperBound + context).clamped(to: whole),
        core: core)
    }
  }
}

/// A window of a paragraph in numbers.
struct SplitterSequence: Sendable {
  var graphemes: [Int32]
  var traits: [Int32]
  /// The right labels; -1 where none counts.
  var labels: [Int32]

  /// A window; labels count within its core.
  init(_ window: SplitterWindow, of code: SplitterCode, labels: [Int32] = []) {
    (graphemes, traits, self.labels) = ([], [], [])
    let boundary = SplitterCode.trait(.boundary, endsWord: false, endsSentence: false)
    for place in window.range {
      let number = place - 1
      let isGrapheme = code.ends.indices.contains(number)
      graphemes.append(isGrapheme ? code.graphemes[number] : SplitterCode.paragraphEnd)
      traits.append(isGrapheme ? code.traits[number] : boundary)
      guard !labels.isEmpty else { continue }
      self.labels.append(isGrapheme && window.core.contains(place) ? labels[number] : -1)
    }
  }

  /// All windows of a paragraph with its labels, to learn from.
  static func windows(of code: SplitterCode, labels: [Int32]) -> [SplitterSequence] {
    SplitterWindow.windows(of: code.ends.count, longest: SplitterWindow.longestToLearn).map {
      SplitterSequence($0, of: code, labels: labels)
    }
  }
}

/// Cuts text by Unicode's rules, for a splitter to learn from.
struct SplitterSegmenters: Sendable {
  private let segmenter: Segmenter

  init(locale: String) throws(TextError) {
    segmenter = try Segmenter(Segmentation(unit: .grapheme, locale: locale))
  }

  /// The graphemes of a text.
  func graphemes(of text: String) throws(TextError) -> [String] {
    let bytes = Array(text.utf8)
    var start = 0
    return try bytes.withUnsafeBufferPointer { (bytes) throws(TextError) in
      try segmenter.ends(in: bytes, unit: .grapheme)
    }.map { end in
      defer { start = end }
      return String(decoding: bytes[start..<end], as: UTF8.self)
    }
  }

  /// A paragraph in numbers; `id` knows that of a grapheme, and `asciiIDs` those of single bytes.
  func encode(
    _ text: String, asciiIDs: [Int32], id: (String) -> Int32
  ) throws(TextError) -> SplitterCode {
    var bytes = Array(text.utf8)
    // To ICU a line ends a sentence; in a paragraph it does not.
    for place in bytes.indices where (9...13).contains(bytes[place]) { bytes[place] = 0x20 }
    let (ends, words, sentences) = try bytes.withUnsafeBufferPointer { (bytes) throws(TextError) in
      (
        try segmenter.ends(in: bytes, unit: .grapheme), try segmenter.ends(in: bytes, unit: .word),
        try segmenter.sentenceEnds(in: bytes)
      )
    }
    var code = SplitterCode()
    code.ends.reserveCapacity(ends.count)
    var (start, word, sentence) = (0, 0, 0)
    for end in ends {
      defer { start = end }
      // A mark behind a space is one grapheme with it, but no space.
      if let space = Self.leadingSpace(bytes[start..<end]) {
        code.graphemes.append(SplitterCode.space)
        code.traits.append(
          SplitterCode.trait(.space, endsWord: false, endsSentence: false))
        code.ends.append(start + space)
        start += space
      }
      while word < words.count - 1, words[word] < end { word += 1 }
      while sentence < sentences.count - 1, sentences[sentence] < end { sentence += 1 }
      let endsSentence = sentences[sentence] == end
      let own = start..<end
      let ascii = own.count == 1 && bytes[start] < 0x80 ? Int(bytes[start]) : nil
      let kind = ascii.map { Self.asciiKinds[$0] } ?? Self.kind(of: bytes[own])
      if kind == .space {
        // ICU's sentences hold the space behind them: the mark goes to what stands before it.
        if endsSentence, let last = code.traits.indices.last { code.traits[last] |= 1 }
        if code.graphemes.last == SplitterCode.space {
          code.ends[code.ends.count - 1] = end
          continue
        }
      }
      code.graphemes.append(
        kind == .space
          ? SplitterCode.space
          : ascii.map { asciiIDs[$0] } ?? id(String(decoding: bytes[own], as: UTF8.self)))
      code.traits.append(
        SplitterCode.trait(kind, endsWord: words[word] == end, endsSentence: endsSentence))
      code.ends.append(end)
    }
    return code
  }

  /// The bytes of the white space that a grapheme begins with, where there is more in it.
  private static func leadingSpace(_ bytes: ArraySlice<UInt8>) -> Int? {
    guard bytes.count > 1, let first = bytes.first, first <= 0x20 || first >= 0xC2 else {
      return nil
    }
    let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars
    let spaces = scalars.prefix { $0.properties.isWhitespace }
    return spaces.isEmpty || spaces.count == scalars.count
      ? nil : spaces.reduce(0) { $0 + UTF8.width($1) }
  }

  private static func kind(of bytes: ArraySlice<UInt8>) -> SplitterCode.Kind {
    guard let first = String(decoding: bytes, as: UTF8.self).unicodeScalars.first else {
      return .other
    }
    return first.properties.isWhitespace ? .space : SplitterCode.Kind(first)
  }

  private static let asciiKinds = (0..<128).map { byte in kind(of: [UInt8(byte)]) }
}
