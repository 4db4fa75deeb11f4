public import ICUText

/// Which stretches of a length stand in a text: what keeps a model from writing its training text.
///
///     let index = try model.verbatimIndex(of: corpus, length: 30)
///     model.generate(.init(avoiding: index))
///
/// Each stretch is kept as a hash of 64 bits (Rabin-Karp), 8 bytes a token of the text. Two stretches with
/// one hash cost a token that would have been allowed; nothing that stands in the text is missed.
public struct VerbatimIndex: Sendable, Equatable {
  /// The tokens of a stretch.
  public let length: Int
  // Sorted, without repetitions.
  private let hashes: [UInt64]

  /// The stretches of `length` tokens of a text.
  ///
  /// - Precondition: `length` is 1 or more.
  init(_ tokens: EncodedCorpus, length: Int) {
    precondition(length >= 1, "a stretch of no token")
    self.length = length
    var hashes: [UInt64] = []
    var hash = StretchHash(length: length)
    hashes.reserveCapacity(max(0, tokens.count - length + 1))
    for place in 0..<tokens.count {
      hash.add(tokens[place])
      if place >= length { hash.remove(tokens[place - length]) }
      if place >= length - 1 { hashes.append(hash.value) }
    }
    hashes.sort()
    self.hashes = hashes.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
  }

  /// Whether the last tokens of a text, `length` of them, are a stretch.
  func holdsEnd(of tokens: some BidirectionalCollection<Int>) -> Bool {
    guard tokens.count >= length else { return false }
    var hash = StretchHash(length: length)
    for id in tokens.suffix(length) { hash.add(id) }
    var (low, high) = (0, hashes.count)
    while low < high {
      let middle = (low + high) / 2
      if hashes[middle] < hash.value { low = middle + 1 } else { high = middle }
    }
    return low < hashes.count && hashes[low] == hash.value
  }
}

/// A hash of a stretch that moves along a text: a polynomial of mixed ids, modulo 2^64.
private struct StretchHash {
  private(set) var value: UInt64 = 0
  private let highest: UInt64
  private static let base: UInt64 = 0x9E37_79B9_7F4A_7C15

  init(length: Int) {
    highest = (0..<length).reduce(1) { power, _ in power &* Self.base }
  }

  mutating func add(_ id: Int) { value = value &* Self.base &+ Self.mixed(id) }

  /// Takes out the token `length` before the one that was added last.
  mutating func remove(_ id: Int) { value = value &- Self.mixed(id) &* highest }

  /// Bits of an id all over the word, so that neighbours do not cancel out.
  private static func mixed(_ id: Int) -> UInt64 {
    var bits = UInt64(bitPattern: Int64(id)) &+ base
    bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
    return bits ^ bits >> 31
  }
}

extension LanguageModel {
  /// The stretches of `length` tokens, at least 1, of a text that the model is not to write again.
  ///
  /// Throws what reading the corpus throws, and `LanguageModelError.noStretch`.
  public func verbatimIndex(of corpus: Corpus, length: Int) throws -> VerbatimIndex {
    guard length >= 1 else { throw LanguageModelError.noStretch(length) }
    return VerbatimIndex(
      asRead(try EncodedCorpus(corpus, vocabulary: vocabulary)), length: length)
  }

  /// A stretch of a text that stands in another one, too.
  public struct CopiedPassage: Sendable, Equatable {
    /// Its tokens in the text.
    public let range: Range<Int>
    /// The first of its tokens in the other text, at one of the places where it stands there.
    public let origin: Int
    /// The stretch.
    public let text: String
  }

  /// The longest passages of a text that stand in its training text, too, the longest first.
  ///
  /// No two overlap. The text is made an automaton of its suffixes (Blumer et al., 1985), which the corpus
  /// then runs through once: memory grows with the text, time with both.
  ///
  /// - Parameters:
  ///   - text: What a model wrote, say.
  ///   - corpus: What it was trained on.
  ///   - shortest: The fewest tokens of a passage.
  ///   - count: The most passages.
  /// - Returns: The passages.
  /// - Throws: What reading the corpus throws, and `TextError` for a text that ICU cannot cut.
  public func passages(
    of text: String, copiedFrom corpus: Corpus, ofAtLeast shortest: Int = 20, atMost count: Int = 5
  ) throws -> [CopiedPassage] {
    let ids = try vocabulary.encode(text)
    var automaton = SuffixAutomaton(ids)
    let tokens = try EncodedCorpus(corpus, vocabulary: vocabulary)
    automaton.read(tokens)
    // The longest that ends at each place; the longest of all first, of equals the earlier.
    let found = automaton.longestMatches().enumerated()
      .map { (range: $0.offset + 1 - $0.element.length..<$0.offset + 1, end: $0.element.end) }
      .filter { $0.range.count >= shortest }
      .sorted { ($1.range.count, $0.range.lowerBound) < ($0.range.count, $1.range.lowerBound) }
    var passages: [CopiedPassage] = []
    for (range, end) in found where passages.count < count {
      guard !passages.contains(where: { $0.range.overlaps(range) }) else { continue }
      passages.append(
        CopiedPassage(
          range: range, origin: end - range.count, text: vocabulary.text(of: ids[range])))
    }
    return passages
  }
}

/// The suffixes of a short text as an automaton, and what of them stands in a long one.
struct SuffixAutomaton {
  private struct State {
    var next: [Int: Int] = [:]
    var link = -1
    var length = 0
    // The longest match with the other text, and where that ended there.
    var match = 0
    var end = 0
  }

  private var states = [State()]
  // The state of each prefix of the text.
  private var prefixes: [Int] = []

  init(_ ids: [Int]) {
    for id in ids { append(id) }
  }

  /// Blumer's step: at most two states a token.
  private mutating func append(_ id: Int) {
    var last = prefixes.last ?? 0
    let new = states.count
    states.append(State(length: states[last].length + 1))
    prefixes.append(new)
    while last >= 0, states[last].next[id] == nil {
      states[last].next[id] = new
      last = states[last].link
    }
    guard last >= 0, let follower = states[last].next[id] else {
      states[new].link = 0
      return
    }
    guard states[follower].length > states[last].length + 1 else {
      states[new].link = follower
      return
    }
    let clone = states.count
    states.append(
      State(
        next: states[follower].next, link: states[follower].link, length: states[last].length + 1))
    while last >= 0, states[last].next[id] == follower {
      states[last].next[id] = clone
      last = states[last].link
    }
    states[follower].link = clone
    states[new].link = clone
  }

  /// Runs through the other text.
  mutating func read(_ tokens: EncodedCorpus) {
    var (state, length) = (0, 0)
    for place in 0..<tokens.count {
      let id = tokens[place]
      while state > 0, states[state].next[id] == nil {
        state = states[state].link
        length = states[state].length
      }
      guard let next = states[state].next[id] else { continue }
      (state, length) = (next, length + 1)
      if length > states[state].match {
        (states[state].match, states[state].end) = (length, place + 1)
      }
    }
  }

  /// For each token of the text, the length of the longest match that ends with it, and where that ended
  /// in the other text.
  func longestMatches() -> [(length: Int, end: Int)] {
    var found = states.map { (length: $0.match, end: $0.end) }
    let byLength = states.indices.sorted { states[$0].length < states[$1].length }
    // What matches a state's strings matches their suffixes, whole.
    for state in byLength.reversed() where states[state].link > 0 && found[state].length > 0 {
      let link = states[state].link
      found[link] = (states[link].length, found[state].end)
    }
    for state in byLength where found[state].length == 0 && states[state].link > 0 {
      found[state] = found[states[state].link]
    }
    return prefixes.map { found[$0] }
  }
}
