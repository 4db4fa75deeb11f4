internal import Glibc

/// Beam search: the likeliest sequences of ids that a model can write, looked for step by step.
///
/// At each step every hypothesis, a sequence begun, is continued by its likeliest next ids, and only
/// the `beam` likeliest continuations of each input are followed further. A hypothesis is finished by
/// the id for the end, or by its length. Finished ones keep their places in the beam, so a search is
/// over when as many have finished as the beam is wide. They are compared by
///
///     score = log p(ids) / (number of ids + 1)^lengthPower + adjustment
///
/// What makes the probabilities is a closure over rows, one for each live hypothesis. Many inputs are
/// searched side by side, the rows of an input next to each other, so that a step is one batch:
///
///     let search = BeamSearch(beam: 5)
///     let found = search.run(startID: 0, endID: 1, maxLengths: [20, 30]) { live in
///       state = model.step(live.ids, from: state.gathered(live.parents))
///       return state.likeliest(live.candidateCount)
///     }
///     print(found[0][0].ids)
///
/// The search knows ids and rows, and nothing of what stands behind them. Whatever a model makes at a
/// step, such as its state or its attention, belongs to a row; `LiveRows.parents` says which row of
/// the step before each row goes on from, and `Hypothesis.rows` which rows a sequence went through.
///
/// Hypotheses are a tree of back pointers: apart from the closure, a step takes time and memory by the
/// number of rows, however long they are. Only `noRepeatNGram` reads back what was written.
///
/// A. Graves, "Sequence transduction with recurrent neural networks", 2012; I. Sutskever, O. Vinyals
/// and Q. Le, "Sequence to sequence learning with neural networks", NIPS 2014.
public struct BeamSearch: Sendable, Equatable {
  /// The hypotheses of an input that are followed at once, at least 1; 1 is greedy, and takes the
  /// likeliest id each time.
  public var beam: Int
  /// The power of the length that log probabilities are divided by: 0 prefers short sequences, 1
  /// compares means.
  public var lengthPower: Double
  /// No n-gram of this many ids occurs twice in a sequence; 0 allows all.
  ///
  /// R. Paulus, C. Xiong and R. Socher, "A deep reinforced model for abstractive summarization", ICLR
  /// 2018.
  public var noRepeatNGram: Int
  /// The finished hypotheses of each input that are given, at most `beam` and at least 1.
  public var best: Int

  /// A continuation is followed only if its log probability is at most this below that of its input's
  /// likeliest one, which is as long, or is finished; infinity follows all that the beam has room for.
  ///
  /// It is the absolute threshold of M. Freitag and Y. Al-Onaizan, "Beam search strategies for neural
  /// machine translation", 2017.
  public var margin: Double

  /// A search.
  public init(
    beam: Int = 1, lengthPower: Double = 1, noRepeatNGram: Int = 0, best: Int = 1,
    margin: Double = .infinity
  ) {
    self.beam = beam
    self.lengthPower = lengthPower
    self.noRepeatNGram = noRepeatNGram
    self.best = best
    self.margin = margin
  }

  /// An id that may come next.
  public struct Candidate: Sendable, Equatable {
    /// The id.
    public var id: Int32
    /// The logarithm of its probability after all ids before.
    public var logProbability: Float

    /// An id and the logarithm of its probability.
    public init(id: Int32, logProbability: Float) {
      self.id = id
      self.logProbability = logProbability
    }
  }

  /// The hypotheses that are still followed, one a row, those of an input next to each other.
  public struct LiveRows: Sendable {
    /// The number of this step, from 0.
    public let step: Int
    /// The last id of each row; at the first step the one for the start.
    public let ids: [Int32]
    /// The row of the step before that each row goes on from; at the first step, when each input has
    /// one row, the number of the input.
    public let parents: [Int]
    /// The inputs that have rows, rising, and the rows of each.
    public let groups: [(input: Int, rows: Range<Int>)]
    /// How many candidates the search needs for each row, unless there are fewer ids.
    public let candidateCount: Int
    /// Candidates that are this much less likely than the likeliest of their row are of no use.
    public let margin: Double
    /// The logarithm of the probability of each row's ids so far.
    let logProbabilities: [Double]
    /// For each group, that of the likeliest finished hypothesis of its input; -infinity without one.
    let finished: [Double]

    /// What the log probability of a candidate must reach in each row to be of use, when the likeliest
    /// candidate of each row is known, or one that is less likely.
    public func leastUseful(givenLikeliest likeliest: [Float]) -> [Float] {
      var least = [Float](repeating: -.infinity, count: count)
      guard margin.isFinite else { return least }
      for (group, best) in zip(groups, finished) {
        let best = group.rows.reduce(best) {
          max($0, logProbabilities[$1] + Double(likeliest[$1]))
        }
        // A little less, as the search adds in Double.
        for row in group.rows { least[row] = Float(best - margin - logProbabilities[row] - 1e-4) }
      }
      return least
    }

    /// The number of rows.
    public var count: Int { ids.count }
  }

  /// A sequence that is finished.
  public struct Hypothesis: Sendable, Equatable {
    /// Its ids, without that for the end.
    public let ids: [Int32]
    /// For each step, the row in which its next id was chosen, the end among them.
    public let rows: [Int]
    /// Whether it ended by itself; if not, it was cut off at the greatest length.
    public let hasEnd: Bool
    /// The logarithm of its probability, with that of the end if it has one.
    ///
    /// Minus infinity, with no ids, where the first step has no candidates at all.
    public let logProbability: Double
    /// What hypotheses are compared by.
    public let score: Double
  }

  /// One id of a sequence that was followed: a branch of the tree that a search grows.
  ///
  /// Branches are numbered in the order in which they are told of, over all inputs together.
  public struct Branch: Sendable, Equatable {
    /// The input that it belongs to, and the number of the step at which it grew, from 0.
    public let input, step: Int
    /// The number of the branch of the id before it; nil at the first step.
    public let parent: Int?
    /// The id.
    public let id: Int32
    /// The logarithm of the probability of all ids up to this one.
    public let logProbability: Double
    /// What the sequence that ends here is compared by; nil where it is not finished.
    public let score: Double?
  }

  /// Searches for each of some inputs.
  ///
  /// - Parameters:
  ///   - startID: What stands before each sequence; it is only given to the first step.
  ///   - endID: What ends a sequence.
  ///   - maxLengths: For each input, the greatest number of ids, without that for the end; at least 1.
  ///   - adjustment: What is added to the score of a hypothesis that finishes in a row of the step just
  ///     made, such as a coverage penalty.
  ///   - grown: Is told of each branch of the tree: of each id that is followed. A branch that is not
  ///     finished, and that no other goes on from, was dropped.
  ///   - step: Makes one step of all live rows, and returns the candidates of each row: the likeliest
  ///     ids, as many as are asked for. More do no harm, and the order does not matter.
  /// - Returns: For each input at most `best` finished hypotheses, those with the highest score first.
  public func run(
    startID: Int32, endID: Int32, maxLengths: [Int], adjustment: (Int) -> Double = { _ in 0 },
    grown: (Branch) -> Void = { _ in }, step: (LiveRows) throws -> [[Candidate]]
  ) rethrows -> [[Hypothesis]] {
    var tree = HypothesisTree(self, startID: startID, endID: endID, maxLengths: maxLengths)
    while let (live, barred) = tree.liveRows() {
      tree.advance(by: try step(live), among: live, barred: barred, adjustment, grown)
    }
    return maxLengths.indices.map { tree.best(ofInput: $0) }
  }
}

/// The hypotheses of a search as paths from a root, which are followed from their ends.
private struct HypothesisTree {
  /// An id, the row in which it was chosen, and the node of the id before it.
  struct Node {
    let id: Int32
    let row: Int32
    let parent: Int32
  }

  /// A path, as long as its ids without the end.
  struct Path {
    let input: Int
    var last: Int32
    var length = 0
    var logProbability = 0.0
    /// The row that it goes on from.
    var row: Int
  }

  struct Finished {
    let path: Path
    let hasEnd: Bool
    let score: Double
  }

  /// What comes before the first node.
  private static let root: Int32 = -1

  private let search: BeamSearch
  private let startID, endID: Int32
  private let maxLengths: [Int]
  private var nodes: [Node] = []
  private var live: [Path]
  private var finished: [[Finished]]
  private var step = 0

  init(_ search: BeamSearch, startID: Int32, endID: Int32, maxLengths: [Int]) {
    self.search = search
    self.startID = startID
    self.endID = endID
    self.maxLengths = maxLengths
    live = maxLengths.indices.map { Path(input: $0, last: Self.root, row: $0) }
    finished = maxLengths.map { _ in [] }
  }

  private var beam: Int { max(1, search.beam) }

  /// The rows of the next step, and the ids that each must not be continued by; nil at the end.
  func liveRows() -> (rows: BeamSearch.LiveRows, barred: [Set<Int32>])? {
    guard !live.isEmpty else { return nil }
    var groups: [(input: Int, rows: Range<Int>)] = []
    for (row, path) in live.enumerated() {
      if let last = groups.last, last.input == path.input {
        groups[groups.count - 1].rows = last.rows.lowerBound..<row + 1
      } else {
        groups.append((path.input, row..<row + 1))
      }
    }
    let barred = search.noRepeatNGram > 0 ? live.map(repeats) : []
    let rows = BeamSearch.LiveRows(
      step: step, ids: live.map { $0.last == Self.root ? startID : nodes[Int($0.last)].id },
      parents: live.map(\.row), groups: groups,
      candidateCount: beam + barred.reduce(0) { max($0, $1.count) },
      // Where the likeliest may be barred, all count.
      margin: barred.isEmpty ? search.margin : .infinity,
      logProbabilities: live.map(\.logProbability),
      finished: groups.map { group in
        finished[group.input].reduce(-.infinity) { max($0, $1.path.logProbability) }
      })
    return (rows, barred)
  }

  /// The ids that would end an n-gram which the path has already.
  private func repeats(after path: Path) -> Set<Int32> {
    let length = search.noRepeatNGram
    guard path.length >= length else { return [] }
    let ids = self.nodes(of: path).map(\.id)
    let suffix = ids.suffix(length - 1)
    var found: Set<Int32> = []
    for place in length - 1..<ids.count
    where ids[place - length + 1..<place].elementsEqual(suffix) {
      found.insert(ids[place])
    }
    return found
  }

  /// The nodes of a path from the first on.
  private func nodes(of path: Path) -> [Node] {
    var found: [Node] = []
    found.reserveCapacity(path.length + 1)
    var place = path.last
    while place != Self.root {
      found.append(nodes[Int(place)])
      place = nodes[Int(place)].parent
    }
    return found.reversed()
  }

  /// Follows the likeliest continuations of each input.
  mutating func advance(
    by candidates: [[BeamSearch.Candidate]], among rows: BeamSearch.LiveRows,
    barred: [Set<Int32>], _ adjustment: (Int) -> Double, _ grown: (BeamSearch.Branch) -> Void
  ) {
    precondition(candidates.count == live.count, "a list of candidates for each live row")
    var next: [Path] = []
    next.reserveCapacity(live.count)
    for (input, group) in rows.groups {
      var continuations: [(path: Path, id: Int32)] = []
      for row in group {
        for candidate in candidates[row] {
          if !barred.isEmpty, barred[row].contains(candidate.id) { continue }
          var path = live[row]
          path.row = row
          path.logProbability += Double(candidate.logProbability)
          continuations.append((path, candidate.id))
        }
      }
      // Of equally likely ones the first row and the lowest id, so that the order is always the same.
      continuations.sort {
        ($0.path.logProbability, $1.path.row, $1.id) > ($1.path.logProbability, $0.path.row, $0.id)
      }
      // Probabilities that are no numbers leave nothing to go on with.
      if continuations.isEmpty, finished[input].isEmpty { fail(input) }
      let likeliest = finished[input].reduce(continuations.first?.path.logProbability ?? 0) {
        max($0, $1.path.logProbability)
      }
      let least = likeliest - search.margin
      for (path, id) in continuations.prefix(beam - finished[input].count)
      where path.logProbability >= least {
        if let path = extend(path, by: id, adjustment, grown) { next.append(path) }
      }
    }
    live = next
    step += 1
  }

  /// A path with one more id; nil where that finishes it.
  private mutating func extend(
    _ path: Path, by id: Int32, _ adjustment: (Int) -> Double, _ grown: (BeamSearch.Branch) -> Void
  ) -> Path? {
    var path = path
    let parent = path.last == Self.root ? nil : Int(path.last)
    func tell(_ score: Double?) {
      grown(
        BeamSearch.Branch(
          input: path.input, step: step, parent: parent, id: id,
          logProbability: path.logProbability, score: score))
    }
    nodes.append(Node(id: id, row: Int32(path.row), parent: path.last))
    path.last = Int32(nodes.count - 1)
    let hasEnd = id == endID
    if !hasEnd { path.length += 1 }
    guard hasEnd || path.length >= maxLengths[path.input] else {
      tell(nil)
      return path
    }
    let score =
      path.logProbability / pow(Double(path.length + 1), search.lengthPower) + adjustment(path.row)
    tell(score)
    finished[path.input].append(Finished(path: path, hasEnd: hasEnd, score: score))
    return nil
  }

  private mutating func fail(_ input: Int) {
    let path = Path(input: input, last: Self.root, logProbability: -.infinity, row: input)
    finished[input].append(Finished(path: path, hasEnd: false, score: -.infinity))
  }

  /// The finished hypotheses of an input with the highest scores, the best first.
  func best(ofInput input: Int) -> [BeamSearch.Hypothesis] {
    finished[input].sorted { $0.score > $1.score }.prefix(max(1, search.best)).map { found in
      let nodes = nodes(of: found.path)
      return BeamSearch.Hypothesis(
        ids: nodes.prefix(found.path.length).map(\.id), rows: nodes.map { Int($0.row) },
        hasEnd: found.hasEnd, logProbability: found.path.logProbability, score: found.score)
    }
  }
}
