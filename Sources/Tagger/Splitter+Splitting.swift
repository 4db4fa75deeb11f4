internal import DenseMath
internal import ICUText
internal import Training

extension Splitter {
  /// Paragraphs that are cut together: what is in memory besides the results is some times this.
  private static let mostBytes = 1 << 20

  /// The sentences of texts, of which empty lines part the paragraphs.
  ///
  /// How one is cut does not depend on the others. Throws `TextError` where ICU cannot cut one.
  func cut(_ texts: [String], threads: Int?) throws(TextError) -> [[CutSentence]] {
    var results = [[CutSentence]](repeating: [], count: texts.count)
    let shards = Shards(threads: threads)
    var waiting: [(text: Int, offset: Int, code: SplitterCode)] = []
    var size = 0
    let all = texts.map { Array($0.utf8) }
    var makers = all.map { SpanMaker($0) }
    func cutWaiting() {
      let windows = waiting.map { SplitterWindow.windows(of: $0.code.ends.count) }
      let sequences = zip(waiting, windows).flatMap { paragraph, windows in
        windows.map { SplitterSequence($0, of: paragraph.code) }
      }
      let found = network.labels(of: sequences, on: core.workspaces, shards)
      var next = 0
      for (paragraph, windows) in zip(waiting, windows) {
        var labels: [Int] = []
        for window in windows {
          labels +=
            found[next][
              window.core.lowerBound - window.range.lowerBound..<window.core.upperBound
                - window.range.lowerBound]
          next += 1
        }
        // The first and the last place are the paragraph's ends.
        let own = labels.dropFirst().dropLast().map { Label(rawValue: $0) ?? .inside }
        var assembly = Assembly(
          bytes: all[paragraph.text], offset: paragraph.offset, parts: core.parts,
          maker: makers[paragraph.text])
        assembly.take(paragraph.code, own)
        makers[paragraph.text] = assembly.maker
        results[paragraph.text] += assembly.sentences
      }
      waiting.removeAll(keepingCapacity: true)
      size = 0
    }
    for (number, bytes) in all.enumerated() {
      for range in Paragraphs.ranges(of: bytes) {
        let code = try encode(String(decoding: bytes[range], as: UTF8.self))
        waiting.append((number, range.lowerBound, code))
        size += range.count
        if size >= Self.mostBytes { cutWaiting() }
      }
    }
    cutWaiting()
    return results
  }

  /// Makes sentences of labels.
  private struct Assembly {
    /// A token before its words are made: its bytes in the paragraph, and where its words end.
    private struct Token {
      var range: Range<Int>
      var pieces: [Int] = []
      var isExpanded = false
      var endsSentence = false
    }

    let bytes: [UInt8]
    let offset: Int
    let parts: Parts
    var maker: SpanMaker
    private(set) var sentences: [CutSentence] = []
    private var sentence = CutSentence(words: [])

    init(bytes: [UInt8], offset: Int, parts: Parts, maker: SpanMaker) {
      (self.bytes, self.offset, self.parts, self.maker) = (bytes, offset, parts, maker)
    }

    mutating func take(_ code: SplitterCode, _ labels: [Label]) {
      let tokens = tokens(code, labels)
      var next = 0
      while next < tokens.count {
        let count = joined(tokens[next...])
        var token = tokens[next]
        if count > 1 {
          let last = tokens[next + count - 1]
          token = Token(
            range: token.range.lowerBound..<last.range.upperBound, endsSentence: last.endsSentence)
        }
        add(token)
        if token.endsSentence { endSentence() }
        next += count
      }
      endSentence()
    }

    private func tokens(_ code: SplitterCode, _ labels: [Label]) -> [Token] {
      var tokens: [Token] = []
      var start = 0
      var open: Token?
      func close(_ label: Label) {
        guard var token = open else { return }
        token.pieces.removeAll { $0 >= token.range.upperBound }
        token.isExpanded = label == .expanded || label == .expandedSentence
        token.endsSentence = label == .sentence || label == .expandedSentence
        tokens.append(token)
        open = nil
      }
      for (place, label) in labels.enumerated() {
        let end = code.ends[place]
        defer { start = end }
        if code.graphemes[place] == SplitterCode.space {
          if !parts.hasSpacedTokens { close(.token) }
          continue
        }
        open = Token(range: (open?.range.lowerBound ?? start)..<end, pieces: open?.pieces ?? [])
        switch label {
        case .inside: break
        case .word: open?.pieces.append(end)
        default: close(label)
        }
      }
      close(.sentence)
      return tokens
    }

    /// How many tokens at the beginning are one that the data mostly keep whole; 1 for none.
    private func joined(_ tokens: ArraySlice<Token>) -> Int {
      let near = tokens.prefix(WholeTokens.most)
      guard let first = near.first else { return 1 }
      var (best, count) = (1, 1)
      var last = first
      for token in near.dropFirst() {
        guard last.range.upperBound == token.range.lowerBound, !last.endsSentence else { break }
        (last, count) = (token, count + 1)
        let range = offset + first.range.lowerBound..<offset + token.range.upperBound
        if parts.wholes.contains(String(decoding: bytes[range], as: UTF8.self)) { best = count }
      }
      return best
    }

    private mutating func endSentence() {
      if !sentence.words.isEmpty { sentences.append(sentence) }
      sentence = CutSentence(words: [])
    }

    private mutating func add(_ token: Token) {
      let place = offset + token.range.lowerBound..<offset + token.range.upperBound
      let whole = maker.span(place)
      let first = sentence.words.count
      let known =
        token.pieces.isEmpty || token.isExpanded ? parts.expansions.words(of: whole.text) : nil
      if let known, known.joined() != whole.text {
        sentence.words += known.map { word in
          var span = whole
          span.text = word
          return span
        }
      } else {
        var ends = token.pieces.map { offset + $0 } + [place.upperBound]
        if let known {
          var end = place.lowerBound
          ends = known.map { word in
            end += word.utf8.count
            return end
          }
        }
        var start = place.lowerBound
        for end in ends {
          sentence.words.append(maker.span(start..<end))
          start = end
        }
      }
      let words = first..<sentence.words.count
      if words.count > 1 || sentence.words[first].text != whole.text {
        sentence.multiwords.append(CutSentence.Multiword(words: words, place: whole))
      }
    }
  }
}
