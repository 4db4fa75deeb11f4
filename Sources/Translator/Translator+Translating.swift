internal import Cells
internal import DenseMath
internal import Glibc
public import ICUText
internal import Layers
internal import Parameters

extension Translator {
  /// How translations are searched for.
  public struct Search: Sendable, Equatable {
    /// The translations of a sentence that are followed at once; 1 takes the likeliest symbol each
    /// time.
    public var beam = 1
    /// The power of the length that scores are divided by before they are compared: 0 prefers short
    /// translations, 1 compares means.
    public var lengthPower = 1.0
    /// The weight of a penalty, where finished translations are compared, for source symbols that
    /// were hardly looked at.
    ///
    /// It is β of Wu et al., "Google's neural machine translation system", 2016.
    public var coverage = 0.0
    /// No row of this many symbols is written twice in a translation; 0 allows all.
    public var noRepeat = 0
    /// The translations of each sentence that are given, at most `beam`.
    public var best = 1
    /// The longest translation: this many symbols, and `mostPerSymbol` for each symbol of the source.
    public var mostSymbols = 20
    /// See `mostSymbols`.
    public var mostPerSymbol = 3.0
    /// Whether translations carry what was looked at, which takes memory for long ones.
    public var keepsAttention = false

    /// A search.
    public init(beam: Int = 1, lengthPower: Double = 1, best: Int = 1) {
      self.beam = beam
      self.lengthPower = lengthPower
      self.best = best
    }
  }

  /// A translation and how likely it is.
  public struct Translation: Sendable, Equatable {
    /// The text.
    public var text: String
    /// The logarithm of its probability; the end is included, unless it was cut off at the greatest
    /// length.
    ///
    /// Minus infinity where the weights give no numbers, as those of a damaged file may do.
    public var logProbability: Double
    /// What the decoder looked at: for each symbol written, the weight of each symbol of the source.
    ///
    /// The last row and the last column are the ends. Empty without attention, or where it was not asked for.
    public var attention: [[Float]]
    /// The symbols written and those read, as texts, without their ends.
    ///
    /// They have the spaces that the symbols begin with, and copied words in place of unknown ones.
    public var written: [String]
    /// See `written`.
    public var read: [String]
  }

  /// The likeliest translation that is found; an empty text gives an empty one.
  ///
  /// Throws `TextError` where ICU cannot cut the text.
  public func translate(_ text: String, _ search: Search = Search()) throws(TextError) -> String {
    try translate([text], search)[0].first?.text ?? ""
  }

  /// The likeliest translations of each text, the best first; an empty text gives an empty one.
  ///
  /// - Parameters:
  ///   - texts: The texts, many of which are translated side by side.
  ///   - search: How.
  ///   - threads: Threads to use; results do not depend on it.
  /// - Returns: At most `search.best` translations of each text.
  /// - Throws: `TextError` where ICU cannot cut a text.
  public func translate(
    _ texts: [String], _ search: Search = Search(), threads: Int? = nil
  ) throws(TextError) -> [[Translation]] {
    var sources: [[Int32]] = []
    var pieces: [[String]] = []
    for text in texts {
      let (symbols, texts) = try sourceCode.symbolsWithTexts(of: text)
      guard symbols.count < Self.mostSourceSymbols else {
        throw .tooLong(byteCount: text.utf8.count)
      }
      sources.append(asRead(symbols))
      pieces.append(configuration.reversesSource ? texts.reversed() : texts)
    }
    let read = sources
    let wanted = sources.indices.filter { sources[$0].count > 1 }.sorted {
      (sources[$1].count, $0) < (sources[$0].count, $1)
    }
    let atOnce = max(1, 128 / max(1, search.beam))
    var batches = stride(from: 0, to: wanted.count, by: atOnce).map { start in
      (
        numbers: Array(wanted[start..<min(start + atOnce, wanted.count)]),
        found: [[BeamSearch.Hypothesis]]()
      )
    }
    Shards(threads: threads).forEach(&batches) { _, batch in
      let workspace = Workspace(parameters, packed: packed, forTraining: false)
      var beam = BeamSearch(
        network, sources: batch.numbers.map { read[$0] }, begin: targetBegin, end: targetEnd,
        unknown: (sourceUnknown, targetUnknown), writesUnknown: targetCode.hasUnknown, search)
      batch.found = beam.run(on: workspace)
    }
    var results = [[Translation]](
      repeating: [
        Translation(text: "", logProbability: 0, attention: [], written: [], read: [])
      ], count: texts.count)
    for batch in batches {
      for (number, hypotheses) in zip(batch.numbers, batch.found) {
        results[number] = hypotheses.prefix(max(1, search.best)).map { hypothesis in
          // Pieces of words are no words to copy.
          let copies =
            sourceCode.hasUnknown ? hypothesis.lookedAt.map { pieces[number][$0] } : []
          let (text, written) = targetCode.text(of: hypothesis.symbols, copies: copies)
          var (attention, read) = (hypothesis.attention, pieces[number])
          if configuration.reversesSource {
            read.reverse()
            // The end stays last.
            attention = attention.map { $0.dropLast().reversed() + $0.suffix(1) }
          }
          return Translation(
            text: text, logProbability: hypothesis.logProbability, attention: attention,
            written: written, read: read)
        }
      }
    }
    return results
  }

  /// The logarithm of the probability of each given translation.
  ///
  /// Throws `TextError` where ICU cannot cut a text.
  public func logProbabilities(of text: ParallelText) throws(TextError) -> [Double] {
    var results: [Double] = []
    for pair in text.pairs {
      let one = ParallelText([pair])
      let symbols = try encode(one)
      results.append(-(try loss(on: one, threads: 1)) * Double(symbols[0].target.count))
    }
    return results
  }

  /// Longer texts are no sentences, and would take memory without end.
  static let mostSourceSymbols = 50_000
}

/// Beam search over many sentences side by side: rows of a batch are the live hypotheses, those of
/// a sentence next to each other.
struct BeamSearch {
  /// A translation so far.
  struct Hypothesis {
    var symbols: [Int32]
    var logProbability: Double
    var attention: [[Float]]
    /// For each unknown symbol, the place of the source symbol to copy.
    var lookedAt: [Int] = []
    /// How much each symbol of the source was looked at in sum, where that is counted.
    var covered: [Double] = []

    /// The symbols that would end a row of `length` symbols which is there already.
    func repeats(ofLength length: Int) -> Set<Int32> {
      guard length > 0, symbols.count >= length else { return [] }
      let suffix = symbols.suffix(length - 1)
      var found: Set<Int32> = []
      for place in length - 1..<symbols.count
      where symbols[place - length + 1..<place].elementsEqual(suffix) {
        found.insert(symbols[place])
      }
      return found
    }
  }

  private let network: TranslatorNetwork
  private let sources: [[Int32]]
  private let begin, end: Int32
  private let unknown: (source: Int32, target: Int32)
  private let writesUnknown: Bool
  private let search: Translator.Search
  private var finished: [[Hypothesis]]
  // The live hypotheses, sentence by sentence, and the sentence of each.
  private var live: [Hypothesis]
  private var sentence: [Int]

  init(
    _ network: TranslatorNetwork, sources: [[Int32]], begin: Int32, end: Int32,
    unknown: (source: Int32, target: Int32), writesUnknown: Bool, _ search: Translator.Search
  ) {
    self.network = network
    self.sources = sources
    self.begin = begin
    self.end = end
    self.unknown = unknown
    self.writesUnknown = writesUnknown
    self.search = search
    finished = sources.map { _ in [] }
    live = sources.map { _ in Hypothesis(symbols: [], logProbability: 0, attention: []) }
    sentence = Array(sources.indices)
  }

  /// Searches; returns the finished hypotheses of each sentence, the best first.
  mutating func run(on workspace: Workspace<Float>) -> [[Hypothesis]] {
    let (found, rowOfSentence) = TranslatorNetwork.sources(sources, on: workspace)
    let encoded = network.encode(found, forTraining: false, on: workspace)
    // Two workspaces in turn, so that a step's blocks are taken back when the next but one begins.
    let turns = [workspace.beside(), workspace.beside()]
    var step = 0
    var states = encoded.bridged.map { bridged in
      gathered(bridged.state, rows: sentence.map { rowOfSentence[$0] }, on: workspace)
    }
    var fed = network.nothingFed(live.count, on: workspace)
    while !live.isEmpty {
      let workspace = turns[step % 2]
      workspace.reset()
      step += 1
      let shape = PackedShape(steps: 1, batch: live.count)
      let symbols = workspace.arena.indices(live.count)
      for (row, hypothesis) in live.enumerated() {
        symbols[row] = hypothesis.symbols.last ?? begin
      }
      let decoded = network.decode(
        symbols, shape, rows: nil, from: states,
        fed: fed, looking: encoded.memory == nil ? nil : ranges(found), at: encoded.memory,
        on: workspace)
      let barred = search.noRepeat > 0 ? live.map { $0.repeats(ofLength: search.noRepeat) } : []
      let spare = barred.reduce(0) { max($0, $1.count) }
      let likeliest = network.output.likeliest(
        search.beam + spare, after: decoded.combined, withUnknown: writesUnknown, on: workspace)
      let parents = advance(likeliest, barred, decoded)
      states = zip(decoded.trace.layers, states).map { layer, old in
        let final = CellState(
          hidden: workspace.arena.matrix(old.hidden.rows, old.hidden.columns),
          cell: workspace.arena.matrix(old.cell.rows, old.cell.columns))
        layer.copyFinalState(into: final)
        return gathered(final, rows: parents, on: workspace)
      }
      if fed != nil { fed = gathered(decoded.combined, rows: parents, on: workspace) }
    }
    return finished.map { hypotheses in
      hypotheses.map { ($0, value($0)) }.sorted { $0.1 > $1.1 }.map(\.0)
    }
  }

  private func ranges(_ found: TranslatorNetwork.Sources) -> AttentionRanges {
    var queries: [Range<Int>] = []
    var memory: [Range<Int>] = []
    var row = 0
    while row < live.count {
      var end = row + 1
      while end < live.count, sentence[end] == sentence[row] { end += 1 }
      queries.append(row..<end)
      memory.append(found.stretches[sentence[row]])
      row = end
    }
    return AttentionRanges(queries: queries, memory: memory)
  }

  private func gathered(
    _ state: CellState<Float>, rows: [Int], on workspace: Workspace<Float>
  ) -> CellState<Float> {
    CellState(
      hidden: gathered(state.hidden, rows: rows, on: workspace),
      cell: gathered(state.cell, rows: rows, on: workspace))
  }

  private func gathered(
    _ matrix: Matrix<Float>, rows: [Int], on workspace: Workspace<Float>
  ) -> Matrix<Float> {
    let index = workspace.arena.indices(of: rows.map { Int32($0) })
    let next = workspace.arena.matrix(rows.count, matrix.columns)
    Float.gather(matrix, at: index, into: next)
    return next
  }

  /// How hypotheses are compared: by their mean log probability, or nearly so.
  private func value(_ hypothesis: Hypothesis) -> Double {
    // A symbol that nothing looked at must not outweigh all else. The last one is the end.
    let missed = hypothesis.covered.dropLast().reduce(0) { $0 + log(min(1, max(0.01, $1))) }
    return hypothesis.logProbability / pow(Double(hypothesis.symbols.count + 1), search.lengthPower)
      + search.coverage * missed
  }

  /// Takes the best continuations of each sentence; returns the row that each live one came from.
  private mutating func advance(
    _ likeliest: [LikeliestClasses], _ barred: [Set<Int32>],
    _ decoded: TranslatorNetwork.Decoded<Float>
  ) -> [Int] {
    struct Candidate {
      let row: Int
      let symbol: Int32
      let logProbability: Double
    }
    var next: [Hypothesis] = []
    var nextSentence: [Int] = []
    var parents: [Int] = []
    var first = 0
    var group = 0
    while first < live.count {
      var last = first + 1
      while last < live.count, sentence[last] == sentence[first] { last += 1 }
      let number = sentence[first]
      var candidates: [Candidate] = []
      for row in first..<last {
        for (symbol, logProbability) in likeliest[row].found {
          if !barred.isEmpty, barred[row].contains(symbol) { continue }
          candidates.append(
            Candidate(
              row: row, symbol: symbol,
              logProbability: live[row].logProbability + Double(logProbability)))
        }
      }
      candidates.sort {
        ($0.logProbability, $1.row, $1.symbol) > ($1.logProbability, $0.row, $0.symbol)
      }
      let room = search.beam - finished[number].count
      let most =
        search.mostSymbols + Int(search.mostPerSymbol * Double(sources[number].count))
      // Scores that are no numbers leave nothing to go on with.
      if candidates.isEmpty, finished[number].isEmpty {
        finished[number].append(
          Hypothesis(symbols: [], logProbability: -.infinity, attention: []))
      }
      for candidate in candidates.prefix(max(1, room)) {
        var hypothesis = live[candidate.row]
        hypothesis.logProbability = candidate.logProbability
        if search.keepsAttention, let looked = decoded.looked {
          let weights = looked.weights(ofSequence: group)
          hypothesis.attention.append(
            (0..<weights.columns).map { weights[candidate.row - first, $0] })
        }
        if search.coverage > 0, let looked = decoded.looked {
          let weights = looked.weights(ofSequence: group)
          let before = hypothesis.covered
          hypothesis.covered = (0..<weights.columns).map {
            Double(weights[candidate.row - first, $0]) + (before.isEmpty ? 0 : before[$0])
          }
        }
        if candidate.symbol == unknown.target, let looked = decoded.looked {
          hypothesis.lookedAt.append(
            mostLookedAt(looked.weights(ofSequence: group), candidate.row - first, of: number))
        }
        if candidate.symbol == end {
          finished[number].append(hypothesis)
          continue
        }
        hypothesis.symbols.append(candidate.symbol)
        if hypothesis.symbols.count >= most {
          finished[number].append(hypothesis)
          continue
        }
        next.append(hypothesis)
        nextSentence.append(number)
        parents.append(candidate.row)
      }
      first = last
      group += 1
    }
    live = next
    sentence = nextSentence
    return parents
  }

  /// The place of the word of a sentence that a row looks at most, of unknown ones if it has any.
  ///
  /// An encoder that reads both ways knows a word at its neighbours, too, which may be looked at in
  /// its place; but a known word would be translated, not copied.
  private func mostLookedAt(_ weights: Matrix<Float>, _ row: Int, of sentence: Int) -> Int {
    // The last symbol is the end, which is no word.
    let words = sources[sentence].indices.dropLast()
    let unknownWords = words.filter { sources[sentence][$0] == unknown.source }
    let places = unknownWords.isEmpty ? Array(words) : unknownWords
    return places.max { weights[row, $0] < weights[row, $1] } ?? 0
  }
}
