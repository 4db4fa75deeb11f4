internal import Cells
internal import Decoding
internal import DenseMath
internal import Glibc
internal import Layers
internal import Parameters

/// The steps of a beam search over translations: what the decoder makes of the live rows, and what is
/// kept of its attention.
///
/// A source token that was hardly looked at costs its translation, with the coverage penalty of Y. Wu et
/// al., "Google's neural machine translation system", 2016:
///
///     β · Σ over source tokens of log(min(1, Σ over steps of its attention weight))
final class TranslationSteps {
  /// What a search wants kept of attention.
  struct Kept {
    /// All weights, for translations that show them.
    var weights = false
    /// The weight β of the coverage penalty; 0 for none.
    var coverage = 0.0
    /// The weights of the steps at which an unknown word may be written.
    var copies = false
  }

  /// Scratch memory for one search after another.
  ///
  /// Steps take turns, so that a step's blocks are taken back when the next but one begins.
  struct Workspaces {
    let encoder: Workspace<Float>
    let turns: [Workspace<Float>]

    init(_ pool: WorkspacePool<Float>) {
      encoder = pool.makeWorkspace()
      turns = [encoder.beside(), encoder.beside()]
    }
  }

  private let network: TranslatorNetwork
  private let sources: [[Int32]]
  /// The id for unknown words that are written.
  private let unknown: Int32
  private let writesUnknown: Bool
  private let kept: Kept
  private let workspaces: Workspaces
  private let memory: AttentionalLayer.Memory<Float>
  // Of each row of the last step, at first of each source.
  private var states: [CellState<Float>]
  private var fed: Matrix<Float>?
  /// How much each token of the source was looked at in sum.
  private var covered: [[Double]]
  // By step and row.
  private var weights: [[[Float]]] = []
  private var copies: [[[Float]]] = []

  /// Reads sources, which must not be empty; the blocks of the search before are taken back.
  init(
    _ network: TranslatorNetwork, reading sources: [[Int32]], unknown: Int32,
    writesUnknown: Bool, keeping kept: Kept, on workspaces: Workspaces
  ) {
    self.network = network
    self.sources = sources
    self.unknown = unknown
    self.writesUnknown = writesUnknown
    self.kept = kept
    self.workspaces = workspaces
    workspaces.encoder.reset()
    let encoded = network.encode(sources, forTraining: false, on: workspaces.encoder)
    memory = encoded.memory
    states = encoded.states.map {
      $0.gathered(at: encoded.rowOfSentence, on: workspaces.encoder)
    }
    fed = network.decoder.firstFed(sources.count, on: workspaces.encoder)
    covered = sources.map { [Double](repeating: 0, count: $0.count) }
  }

  /// Runs the decoder for the live rows; returns the likeliest next ids of each.
  func step(_ live: BeamSearch.LiveRows) -> [[BeamSearch.Candidate]] {
    let workspace = workspaces.turns[live.step % 2]
    workspace.reset()
    let parents = workspace.indices(live.parents)
    let pass = network.decoder.step(
      workspace.indices(live.ids.map { Int($0) }),
      from: states.map { $0.gathered(at: live.parents, on: workspace) },
      fed: fed.map { fed in
        let next = workspace.arena.matrix(live.count, fed.columns)
        Float.gather(fed, at: parents, into: next)
        return next
      },
      AttentionRanges(
        queries: live.groups.map(\.rows), memory: live.groups.map { memory.stretches[$0.input] }),
      in: memory, masks: nil, on: workspace)
    states = network.decoder.stack.finalStates(of: pass.recurrence, on: workspace)
    if fed != nil { fed = pass.output }
    let candidates = network.output.likeliest(
      live.candidateCount, within: live.margin, after: pass.output, withUnknown: writesUnknown,
      leastUseful: live.leastUseful, on: workspace
    ).map { likeliest in
      likeliest.found.map {
        BeamSearch.Candidate(id: $0.number, logProbability: $0.logProbability)
      }
    }
    if let attended = pass.looked.attended { keep(attended, live, candidates) }
    return candidates
  }

  /// Keeps of the attention of a step what is wanted.
  private func keep(
    _ attended: Attention.Trace<Float>, _ live: BeamSearch.LiveRows,
    _ candidates: [[BeamSearch.Candidate]]
  ) {
    let parts = live.groups.indices.flatMap { group in
      let weights = attended.weights(ofSequence: group)
      return (0..<weights.rows).map { (live.groups[group].input, weights.rows($0..<$0 + 1)) }
    }
    if kept.weights {
      weights.append(
        parts.map { Self.row($0.1) })
    }
    if kept.coverage > 0 {
      covered = zip(parts, live.parents).map { part, parent in
        covered[parent].enumerated().map { $1 + Double(part.1[0, $0]) }
      }
    }
    if kept.copies {
      copies.append(
        zip(parts, candidates).map { part, candidates in
          candidates.contains { $0.id == unknown } ? Self.row(part.1) : []
        })
    }
  }

  private static func row(_ weights: Matrix<Float>) -> [Float] {
    Array(UnsafeBufferPointer(start: weights.base, count: weights.columns))
  }

  // MARK: What was kept

  /// The coverage penalty of a translation that finishes in a row of the last step.
  func coveragePenalty(ofRow row: Int) -> Double {
    guard kept.coverage > 0, network.decoder.attentional.hasAttention else { return 0 }
    // A token that nothing looked at must not outweigh all else. The last one is the end.
    return kept.coverage * covered[row].dropLast().reduce(0) { $0 + log(min(1, max(0.01, $1))) }
  }

  /// The attention weights of each step of a translation; empty where they are not kept.
  func attention(of hypothesis: BeamSearch.Hypothesis) -> [[Float]] {
    zip(weights, hypothesis.rows).map { $0[$1] }
  }

  /// For each unknown word of a translation, the number of the source's word to copy; empty where
  /// weights are not kept.
  func copies(of hypothesis: BeamSearch.Hypothesis, from words: [SentenceCode.Word]) -> [Int] {
    let looks = zip(zip(copies, hypothesis.rows), hypothesis.ids).compactMap { place, id in
      id == unknown ? place.0[place.1] : nil
    }
    return Self.matched(looks, words)
  }

  /// The word that each look means: of the unknown ones if there are any, each taken once for as long as
  /// there are others.
  ///
  /// An encoder that reads both ways knows a word at its neighbours, too, which may be looked at in
  /// its place; but a known word would be translated, not copied. The looks and words that agree most
  /// find each other first, so that a look which is torn between two words does not take another's.
  static func matched(_ looks: [[Float]], _ words: [SentenceCode.Word]) -> [Int] {
    let unknownWords = words.indices.filter { !words[$0].isKnown }
    let candidates = unknownWords.isEmpty ? Array(words.indices) : unknownWords
    guard !candidates.isEmpty else { return [] }
    func weight(_ look: Int, _ word: Int) -> Float {
      words[word].places.reduce(0) { $0 + ($1 < looks[look].count ? looks[look][$1] : 0) }
    }
    // What is no number is less than all.
    func agreement(_ look: Int, _ word: Int) -> Float {
      let found = weight(look, word)
      return found.isNaN ? -.infinity : found
    }
    guard looks.count * candidates.count <= mostPairs else {
      // No sentence has so many: each look has the first word that it agrees with most.
      return looks.indices.map { look in
        var best = (word: candidates[0], agreement: -Float.infinity)
        for word in candidates {
          let found = agreement(look, word)
          if found > best.agreement { best = (word, found) }
        }
        return best.word
      }
    }
    // The best pairs first, of equals in the order of looks and words.
    var pairs = looks.indices.flatMap { look in
      candidates.map { (look: look, word: $0, agreement: agreement(look, $0)) }
    }
    pairs.sort { ($1.agreement, $0.look, $0.word) < ($0.agreement, $1.look, $1.word) }
    var found = [Int?](repeating: nil, count: looks.count)
    // A round gives each word to a look; where looks are left, words are taken once more.
    while !pairs.isEmpty {
      var taken: Set<Int> = []
      for pair in pairs where found[pair.look] == nil && !taken.contains(pair.word) {
        found[pair.look] = pair.word
        taken.insert(pair.word)
      }
      pairs.removeAll { found[$0.look] != nil }
    }
    return found.map { $0 ?? candidates[0] }
  }

  /// The most pairs of looks and words that are held against each other.
  private static let mostPairs = 1 << 18
}
