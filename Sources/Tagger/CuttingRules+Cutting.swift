internal import ICUText

/// Cuts text by ICU's rules as data have adapted them.
struct RuleCutter: Sendable {
  private let rules: CuttingRules
  private let words, sentences: Segmenter

  /// Throws `TextError` for a locale that ICU does not know.
  init(_ rules: CuttingRules, locale: String) throws(TextError) {
    self.rules = rules
    words = try Segmenter(Segmentation(unit: .word, locale: locale))
    // With the abbreviations that CLDR knows of the language, unless the locale says so itself.
    let language = locale == "root" ? "und" : locale
    sentences = try Segmenter(
      Segmentation(
        unit: .word, locale: language.contains("-u-") ? language : language + "-u-ss-standard"))
  }

  /// The sentences of a text, of which empty lines part the paragraphs.
  ///
  /// Throws `TextError` where ICU cannot cut it.
  func cut(_ text: String) throws(TextError) -> [CutSentence] {
    let bytes = Array(text.utf8)
    var maker = SpanMaker(bytes)
    var results: [CutSentence] = []
    for range in Paragraphs.ranges(of: bytes) {
      var paragraph = Array(bytes[range])
      for place in paragraph.indices where (9...13).contains(paragraph[place]) {
        paragraph[place] = 0x20
      }
      let (ends, sentenceEnds) = try paragraph.withUnsafeBufferPointer {
        (bytes) throws(TextError) in
        (try words.ends(in: bytes, unit: .word), try sentences.sentenceEnds(in: bytes))
      }
      let tokens = self.tokens(of: paragraph, ends)
      for sentence in parted(tokens, at: sentenceEnds, paragraph) {
        results.append(
          CutSentence(
            words: sentence.map {
              maker.span($0.lowerBound + range.lowerBound..<$0.upperBound + range.lowerBound)
            }))
      }
    }
    return results
  }

  /// The places of the tokens of a paragraph, of which `ends` are the ends of ICU's words.
  private func tokens(of bytes: [UInt8], _ ends: [Int]) -> [Range<Int>] {
    var tokens: [Range<Int>] = []
    // What stands between white space, each code point with its place: a mark may stand behind a space.
    var chunk: [Character] = []
    var places: [Int] = []
    var byte = 0
    for character in String(decoding: bytes, as: UTF8.self).unicodeScalars.map(Character.init) {
      if character.isWhitespace {
        cut(chunk, places + [byte], ends, into: &tokens)
        chunk.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
      } else {
        chunk.append(character)
        places.append(byte)
      }
      byte += character.utf8.count
    }
    cut(chunk, places + [byte], ends, into: &tokens)
    return tokens
  }

  /// Cuts what stands between white space; `places` are those of its characters, and its end.
  private func cut(
    _ chunk: [Character], _ places: [Int], _ ends: [Int], into tokens: inout [Range<Int>]
  ) {
    var start = 0
    while start < chunk.count {
      let count = whole(chunk, start) ?? word(chunk, places, start, ends)
      let parts = [rules.endings.isEmpty ? nil : ending(chunk[start..<start + count]), count]
      var from = start
      for part in parts.compactMap({ $0 }) where start + part > from {
        tokens.append(places[from]..<places[start + part])
        from = start + part
      }
      start += count
    }
  }

  /// The characters of the longest token that begins at a place and is kept whole.
  private func whole(_ chunk: [Character], _ start: Int) -> Int? {
    func isOfWord(_ place: Int) -> Bool {
      chunk.indices.contains(place) && (chunk[place].isLetter || chunk[place].isNumber)
    }
    guard !(isOfWord(start - 1) && isOfWord(start)) else { return nil }
    var best = 0
    for kind in rules.kept {
      best = max(best, CuttingRules.length(of: kind, in: chunk, at: start) ?? 0)
    }
    let most = min(chunk.count - start, CuttingRules.longestToken)
    for count in stride(from: most, to: max(1, best), by: -1) {
      let isApart = !(isOfWord(start + count - 1) && isOfWord(start + count))
      if isApart, rules.tokens.contains(String(chunk[start..<start + count])) { return count }
    }
    return best > 1 ? best : nil
  }

  /// The characters of ICU's word at a place.
  private func word(
    _ chunk: [Character], _ places: [Int], _ start: Int, _ ends: [Int]
  ) -> Int {
    // ICU joins the sign to the name, even where the data do not.
    if chunk[start] == "@", !rules.kept.contains(.mention) { return 1 }
    // The first end behind the place, found by halving.
    var (low, high) = (0, ends.count)
    while low < high {
      let middle = (low + high) / 2
      if ends[middle] <= places[start] { low = middle + 1 } else { high = middle }
    }
    let end = low < ends.count ? ends[low] : places[chunk.count]
    var count = 1
    while start + count < chunk.count, places[start + count] < end { count += 1 }
    return count
  }

  /// The characters before the ending of a word that is cut off, if it has one.
  private func ending(_ word: ArraySlice<Character>) -> Int? {
    guard word.contains(where: { $0 == "'" || $0 == "\u{2019}" }),
      let ending = CuttingRules.ending(of: String(word)), rules.endings.contains(ending),
      ending.count < word.count
    else { return nil }
    return word.count - ending.count
  }

  // MARK: Sentences

  /// Tokens as sentences: ICU's, but for those that end in an abbreviation or an initial.
  private func parted(
    _ tokens: [Range<Int>], at ends: [Int], _ bytes: [UInt8]
  ) -> [[Range<Int>]] {
    var sentences: [[Range<Int>]] = []
    var next = 0
    for token in tokens {
      var isNew = sentences.isEmpty
      while next < ends.count, ends[next] <= token.lowerBound {
        if let last = sentences.last, !goesOn(after: last, bytes) { isNew = true }
        next += 1
      }
      if isNew {
        sentences.append([token])
      } else {
        sentences[sentences.count - 1].append(token)
      }
    }
    return sentences
  }

  private func goesOn(after tokens: [Range<Int>], _ bytes: [UInt8]) -> Bool {
    guard let last = tokens.last else { return false }
    let text = String(decoding: bytes[last], as: UTF8.self)
    if rules.abbreviations.contains(text) { return true }
    guard text.hasSuffix(".") else { return false }
    // "J. Smith", in one token or two; "I" is mostly none.
    let letters =
      text.count > 1
      ? text.dropLast()
      : tokens.dropLast().last.flatMap {
        $0.upperBound == last.lowerBound ? String(decoding: bytes[$0], as: UTF8.self)[...] : nil
      } ?? ""
    guard letters.count == 1, let letter = letters.first else { return false }
    return letter.isUppercase && letter != "I"
  }
}
