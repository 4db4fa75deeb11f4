/// Learns the tokens and merges of subwords from counted segments, by byte-pair encoding.
///
/// R. Sennrich, B. Haddow and A. Birch, "Neural machine translation of rare words with subword
/// units", ACL 2016: the pair of neighbouring symbols that occurs most often becomes one symbol,
/// over and over. Symbols are what the paper calls so: at first the characters, then also the pieces
/// merged so far; those that a vocabulary keeps become its tokens.
///
/// Each pair knows where it occurs, so a merge costs no more than what it changes, and a heap knows
/// which pair is next. Pairs that occur equally often come in the order of the bytes of their left
/// symbols, then of their right ones.
struct PairLearner {
  /// The text of each symbol, at first the characters of the segments.
  private var texts = StringTable()
  /// How often each character occurs.
  private var characterCounts: [Int] = []

  // All segments one after another: symbols, -1 for those merged away; the places of their
  // neighbours in the segment, or -1; and how often the segment occurs.
  private var symbols: [Int32] = []
  private var next: [Int32] = []
  private var previous: [Int32] = []
  private var weights: [Int] = []

  // Pairs by number: which, how often, and the places of their left symbols, some of them outdated.
  private var numbers: [Pair: Int32] = [:]
  private var pairs: [Pair] = []
  private var counts: [Int] = []
  private var places: [[Int32]] = []
  private var changes: [Int] = []

  // The pairs, the most frequent first, each with a count that is at least its count by now.
  private var heap = Heap<Candidate>()

  private struct Pair: Hashable {
    let left, right: Int32
  }

  private struct Candidate {
    let count: Int
    let pair: Int32
  }

  /// Cuts the segments into code points, of which those that are too rare to become symbols part a
  /// segment in two.
  ///
  /// Throws `TextError.noRoom` for segments of more than 2^31 code points together.
  init(_ segments: SegmentCounter, minimumCount: Int) throws(TextError) {
    let (table, segmentCounts) = (segments.table, segments.counts)
    table.bytes.withUnsafeBufferPointer { bytes in
      for index in 0..<table.count {
        forEachCharacter(in: bytes, table.range(of: index)) { character in
          let symbol = texts.insert(character)
          if symbol == characterCounts.count { characterCounts.append(0) }
          characterCounts[symbol] += segmentCounts[index]
        }
      }
    }
    if table.bytes.count > Int(Int32.max) {
      throw .noRoom(byteCount: table.bytes.count, reason: "the text has too many different words")
    }
    table.bytes.withUnsafeBufferPointer { bytes in
      for index in 0..<table.count {
        var last: Int32 = -1
        forEachCharacter(in: bytes, table.range(of: index)) { character in
          let symbol = texts.find(character)
          let isKept = character.count == 1 || characterCounts[symbol] >= minimumCount
          if !isKept {
            last = -1
            return
          }
          let place = Int32(symbols.count)
          symbols.append(Int32(symbol))
          weights.append(segmentCounts[index])
          next.append(-1)
          previous.append(last)
          if last >= 0 {
            next[Int(last)] = place
            add(symbols[Int(last)], Int32(symbol), at: last)
          }
          last = place
        }
      }
    }
    offerChanges()
  }

  /// The symbols from number 256 on, characters first, and the merges.
  ///
  /// Every symbol has to earn its number where there are fewer than could be learnt: a pair by its
  /// count, and a character by the symbols saved in not spelling it. So a character always comes
  /// before the pairs that it is in.
  ///
  /// - Parameters:
  ///   - minimumCount: How often a character or a pair occurs at least.
  ///   - mergeLimit: The most merges.
  ///   - symbolLimit: The most symbols beside the bytes.
  ///   - progress: Told now and then what fraction is learnt.
  /// - Returns: Both, with numbers as a vocabulary has them.
  mutating func learn(
    minimumCount: Int, mergeLimit: Int, symbolLimit: Int, progress: (Double) -> Void = { _ in }
  ) -> (symbols: StringTable, merges: [Vocabulary.Merge]) {
    var candidates = spelledCharacters(minimumCount: minimumCount)[...]
    var characters: [Int] = []
    var pieces: [Int] = []
    var merges: [Pair] = []
    // A pair that occurs once repeats nothing.
    while merges.count < mergeLimit, let best = mostFrequentPair(),
      best.count >= max(2, minimumCount)
    {
      while let first = candidates.first, first.saved >= best.count,
        characters.count + pieces.count < symbolLimit
      {
        characters.append(first.symbol)
        candidates.removeFirst()
      }
      if characters.count + pieces.count >= symbolLimit { break }
      let pair = pairs[best.number]
      let text = texts.bytes(of: pair.left) + texts.bytes(of: pair.right)
      let symbol = text.withUnsafeBufferPointer { texts.insert($0) }
      pieces.append(symbol)
      merge(best.number, into: Int32(symbol))
      merges.append(pair)
      if merges.count % 64 == 0 {
        progress(Double(merges.count) / Double(min(mergeLimit, symbolLimit)))
      }
    }
    progress(1)
    let room = symbolLimit - characters.count - pieces.count
    characters += candidates.prefix(room).map(\.symbol)
    return vocabulary(of: characters + pieces, merges)
  }

  // MARK: Symbols

  /// The characters that take more than a byte, by how many symbols they save, then by bytes.
  private func spelledCharacters(minimumCount: Int) -> [(symbol: Int, saved: Int)] {
    var found: [(symbol: Int, saved: Int)] = []
    for (symbol, count) in characterCounts.enumerated() where count >= minimumCount {
      let length = texts.range(of: symbol).count
      if length > 1 { found.append((symbol, (length - 1) * count)) }
    }
    return found.sorted {
      $0.saved != $1.saved
        ? $0.saved > $1.saved : texts.precedes(Int32($0.symbol), Int32($1.symbol))
    }
  }

  /// Numbers the symbols as a vocabulary does.
  private func vocabulary(
    of kept: [Int], _ merges: [Pair]
  ) -> (symbols: StringTable, merges: [Vocabulary.Merge]) {
    var table = StringTable()
    var ids = [Int](repeating: -1, count: texts.count)
    for symbol in characterCounts.indices where texts.range(of: symbol).count == 1 {
      ids[symbol] = Int(texts.bytes[texts.range(of: symbol).lowerBound])
    }
    for symbol in kept {
      ids[symbol] =
        256 + texts.bytes(of: Int32(symbol)).withUnsafeBufferPointer { table.insert($0) }
    }
    let numbered = merges.map {
      Vocabulary.Merge(left: ids[Int($0.left)], right: ids[Int($0.right)])
    }
    return (table, numbered)
  }

  // MARK: Pairs

  private mutating func merge(_ number: Int, into symbol: Int32) {
    let pair = pairs[number]
    var found: [Int32] = []
    swap(&found, &places[number])
    // Of a symbol beside itself, three in a row are merged from the left.
    if pair.left == pair.right { found.sort() }
    for place in found {
      let left = Int(place)
      let right = Int(next[left])
      guard symbols[left] == pair.left, right >= 0, symbols[right] == pair.right else { continue }
      let (before, after) = (previous[left], next[right])
      remove(pair.left, pair.right, weights[left])
      if before >= 0 { remove(symbols[Int(before)], pair.left, weights[left]) }
      if after >= 0 { remove(pair.right, symbols[Int(after)], weights[left]) }
      symbols[left] = symbol
      symbols[right] = -1
      next[left] = after
      if before >= 0 { add(symbols[Int(before)], symbol, at: before) }
      if after >= 0 {
        previous[Int(after)] = place
        add(symbol, symbols[Int(after)], at: place)
      }
    }
    assert(counts[number] == 0)
    offerChanges()
  }

  private mutating func add(_ left: Int32, _ right: Int32, at place: Int32) {
    let pair = Pair(left: left, right: right)
    let number: Int
    if let known = numbers[pair] {
      number = Int(known)
    } else {
      number = pairs.count
      numbers[pair] = Int32(number)
      pairs.append(pair)
      counts.append(0)
      places.append([])
    }
    counts[number] += weights[Int(place)]
    places[number].append(place)
    if changes.last != number { changes.append(number) }
  }

  private mutating func remove(_ left: Int32, _ right: Int32, _ weight: Int) {
    if let number = numbers[Pair(left: left, right: right)] { counts[Int(number)] -= weight }
  }

  // MARK: The heap

  /// Enters the pairs whose counts have risen.
  private mutating func offerChanges() {
    changes.sort()
    var last = -1
    for number in changes where number != last {
      last = number
      // What occurs once is never merged, and most pairs do.
      if counts[number] > 1 { offer(Candidate(count: counts[number], pair: Int32(number))) }
    }
    changes.removeAll(keepingCapacity: true)
  }

  /// Takes out the pair that occurs most often, at least twice.
  private mutating func mostFrequentPair() -> (number: Int, count: Int)? {
    while let first = removeFirst() {
      let count = counts[Int(first.pair)]
      if count == first.count { return (Int(first.pair), count) }
      // It has lost some occurrences to other pairs since it was entered.
      if count > 1 { offer(Candidate(count: count, pair: first.pair)) }
    }
    return nil
  }

  private mutating func offer(_ candidate: Candidate) {
    heap.insert(candidate) { [pairs, texts] in Self.comesFirst($0, $1, pairs, texts) }
  }

  private mutating func removeFirst() -> Candidate? {
    heap.removeFirst { [pairs, texts] in Self.comesFirst($0, $1, pairs, texts) }
  }

  /// The more frequent pair comes first; of two alike, the one whose bytes do.
  private static func comesFirst(
    _ one: Candidate, _ other: Candidate, _ pairs: [Pair], _ texts: StringTable
  ) -> Bool {
    if one.count != other.count { return one.count > other.count }
    let (pair, otherPair) = (pairs[Int(one.pair)], pairs[Int(other.pair)])
    if pair.left != otherPair.left { return texts.precedes(pair.left, otherPair.left) }
    return pair.right != otherPair.right && texts.precedes(pair.right, otherPair.right)
  }
}

/// Counts the distinct segments of a text.
struct SegmentCounter {
  private(set) var table = StringTable()
  private(set) var counts: [Int] = []

  @inline(__always)
  mutating func count(
    _ text: UnsafeBufferPointer<UInt8>, unit: TextUnit, _ cutter: Cutter
  ) throws(TextError) {
    try cutter.forEachToken(in: text, unit: unit) { start, end, _, _ in
      let index = table.insert(UnsafeBufferPointer(rebasing: text[start..<end]))
      if index == counts.count { counts.append(0) }
      counts[index] += 1
    }
  }
}

/// Gives out the code points of a range of well-formed UTF-8 as their bytes.
@inline(__always)
private func forEachCharacter(
  in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>,
  _ body: (UnsafeBufferPointer<UInt8>) -> Void
) {
  var start = range.lowerBound
  while start < range.upperBound {
    let end = start + codePoint(in: text, at: start).length
    body(UnsafeBufferPointer(rebasing: text[start..<end]))
    start = end
  }
}

extension StringTable {
  fileprivate func bytes(of symbol: Int32) -> ArraySlice<UInt8> { bytes[range(of: Int(symbol))] }

  fileprivate func precedes(_ left: Int32, _ right: Int32) -> Bool {
    bytes(of: left).lexicographicallyPrecedes(bytes(of: right))
  }
}
