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
      var start = 0
      // Where the open token begins and where what was read of it ends, and its words' ends.
      var open: Int?
      var last = 0
      var pieces: [Int] = []
      func close(_ assembly: inout Assembly, isExpanded: Bool = false) {
        guard let first = open else { return }
        assembly.add(
          first..<last, pieces: pieces.filter { $0 < last }, isExpanded: isExpanded)
        open = nil
        pieces = []
      }
      for (place, label) in labels.enumerated() {
        let end = code.ends[place]
        defer { start = end }
        if code.graphemes[place] == SplitterCode.space {
          if !parts.hasSpacedTokens { close(&self) }
          continue
        }
        if open == nil { open = start }
        last = end
        switch label {
        case .inside: break
        case .word: pieces.append(end)
        case .token, .sentence: close(&self)
        case .expanded, .expandedSentence: close(&self, isExpanded: true)
        }
        if label == .sentence || label == .expandedSentence { endSentence() }
      }
      close(&self)
      endSentence()
    }

    private mutating func endSentence() {
      if !sentence.words.isEmpty { sentences.append(sentence) }
      sentence = CutSentence(words: [])
    }

    private mutating func add(_ range: Range<Int>, pieces: [Int], isExpanded: Bool) {
      let place = offset + range.lowerBound..<offset + range.upperBound
      let whole = maker.span(place)
      let first = sentence.words.count
      let known = pieces.isEmpty || isExpanded ? parts.expansions.words(of: whole.text) : nil
      if let known, known.joined() != whole.text {
        sentence.words += known.map { word in
          var span = whole
          span.text = word
          return span
        }
      } else {
        var ends = pieces.map { offset + $0 } + [place.upperBound]
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
