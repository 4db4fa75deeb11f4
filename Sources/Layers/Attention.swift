public import DenseMath
public import Parameters

/// Where a decoder looks: a mean of a memory's rows, weighted by how well each answers a query.
///
///     score(q, m) = q · m                         dot
///     score(q, m) = q · (W·m)                     general
///     score(q, m) = v · tanh(W·m + U·q + b)       additive
///     a = softmax of the scores over the sequence's rows      context = Σ a m
///
/// Additive: D. Bahdanau, K. Cho and Y. Bengio, "Neural machine translation by jointly learning to
/// align and translate", ICLR 2015. Dot and general: M.-T. Luong, H. Pham and C. D. Manning,
/// "Effective approaches to attention-based neural machine translation", EMNLP 2015.
///
/// Sequences are ragged and lie one after another, each in a stretch of its own, so there is no
/// padding and no mask: `AttentionRanges` says which queries belong to which rows of the memory.
/// The memory is prepared once and may be asked many times, all steps at once or one by one.
public struct Attention: Sendable {
  /// How a query and a row of memory are compared.
  public enum Score: String, Codable, Sendable, CaseIterable {
    /// By their product.
    case dot
    /// By their product through a matrix (Luong).
    case general
    /// By a small network (Bahdanau).
    case additive
  }

  /// How queries and memory are compared.
  public let score: Score
  /// The widths of a query and of a row of memory.
  public let querySize, memorySize: Int
  // general: W [query, memory]; additive: W [width, memory], U [width, query], b and v [width].
  private let memoryWeight, queryWeight, bias, combination: Weight?
  private let keySize: Int

  /// Declares the weights that the score has, as `<name>.memory_weight` and so on.
  ///
  /// `width` is that of the additive score's hidden layer, by default the query's.
  public init(
    _ score: Score, querySize: Int, memorySize: Int, width: Int? = nil, name: String,
    in layout: inout ParameterLayout
  ) {
    precondition(score != .dot || querySize == memorySize, "a dot needs equal widths")
    self.score = score
    self.querySize = querySize
    self.memorySize = memorySize
    let size = score == .additive ? width ?? querySize : querySize
    keySize = size
    func factor(_ part: String, inputs: Int) -> Weight {
      layout.declare(
        "\(name).\(part)", shape: [size, inputs],
        as: .uniform(1 / Double(inputs).squareRoot()), isFactor: true)
    }
    memoryWeight = score == .dot ? nil : factor("memory_weight", inputs: memorySize)
    guard score == .additive else {
      (queryWeight, bias, combination) = (nil, nil, nil)
      return
    }
    queryWeight = factor("query_weight", inputs: querySize)
    bias = layout.declare("\(name).bias", shape: [keySize], as: .constant(0))
    combination = layout.declare(
      "\(name).combination", shape: [keySize], as: .uniform(1 / Double(keySize).squareRoot()))
  }

  /// A memory ready to be asked, with room for its gradients: [rows, memorySize] and keys.
  public struct Memory<S: Real> {
    /// The rows.
    public let rows: Matrix<S>
    let keys: Matrix<S>
    let rowGradient, keyGradient: Matrix<S>?
  }

  /// What the backward pass needs.
  public struct Trace<S: Real> {
    let queries: Matrix<S>
    let ranges: AttentionRanges
    /// The memory that was asked.
    public let memory: Memory<S>
    // additive and for training only: tanh(...) of each pair of query and row, [weights, keySize].
    let hidden: Matrix<S>?
    /// The weights, one after another: those of each query over its sequence's rows.
    public let weights: Matrix<S>
    /// The weighted means, [queries, memorySize].
    public let context: Matrix<S>

    /// The weights of the queries of a sequence, [queries, rows of memory].
    public func weights(ofSequence number: Int) -> Matrix<S> {
      let (queries, rows) = (ranges.queries[number], ranges.memory[number])
      return weights.reshaped(
        from: ranges.places[number], rows: queries.count, columns: rows.count)
    }
  }

  /// Makes the keys of a memory, [rows, memorySize].
  public func prepare<S: Real>(
    _ memory: Matrix<S>, forTraining: Bool, on workspace: Workspace<S>
  ) -> Memory<S> {
    var keys = memory
    if let memoryWeight {
      keys = workspace.arena.matrix(memory.rows, keySize)
      workspace.product(memory, memoryWeight, into: keys, accumulate: false)
      if let bias { S.addRow(workspace[bias], into: keys) }
    }
    return Memory(
      rows: memory, keys: keys,
      rowGradient: forTraining ? workspace.arena.zeros(memory.rows, memorySize) : nil,
      keyGradient: forTraining ? workspace.arena.zeros(memory.rows, keySize) : nil)
  }

  /// Looks up the queries [queries, querySize], each in its own sequence's rows.
  public func forward<S: Real>(
    _ queries: Matrix<S>, _ ranges: AttentionRanges, in memory: Memory<S>,
    on workspace: Workspace<S>
  ) -> Trace<S> {
    let context = workspace.arena.matrix(queries.rows, memorySize)
    let weights = workspace.arena.matrix(1, ranges.weightCount)
    // Only the backward pass asks for all pairs; else one query's are there at a time.
    let keepsPairs = memory.rowGradient != nil
    var hidden: Matrix<S>?
    var projected = queries
    if let queryWeight {
      projected = workspace.arena.matrix(queries.rows, keySize)
      workspace.product(queries, queryWeight, into: projected, accumulate: false)
      hidden = workspace.arena.matrix(
        keepsPairs ? ranges.weightCount : ranges.memory.reduce(0) { max($0, $1.count) }, keySize)
    }
    let trace = Trace(
      queries: queries, ranges: ranges, memory: memory, hidden: keepsPairs ? hidden : nil,
      weights: weights, context: context)
    for number in ranges.queries.indices {
      let (mine, rows) = (ranges.queries[number], ranges.memory[number])
      guard !mine.isEmpty else { continue }
      let scores = trace.weights(ofSequence: number)
      if let combination, let hidden {
        for (place, query) in mine.enumerated() {
          let pairs = hidden.rows(
            keepsPairs ? ranges.pairs(number, place) : 0..<rows.count)
          S.copy(memory.keys.rows(rows), into: pairs)
          S.addRow(projected.rows(query..<query + 1), into: pairs)
          S.tanh(pairs, into: pairs)
          S.product(
            workspace[combination], transposed: false, pairs, transposed: true,
            into: scores.rows(place..<place + 1), accumulate: false)
        }
      } else {
        S.product(
          queries.rows(mine), transposed: false, memory.keys.rows(rows), transposed: true,
          into: scores, accumulate: false)
      }
      S.softmax(scores, into: scores)
      S.product(
        scores, transposed: false, memory.rows.rows(rows), transposed: false,
        into: context.rows(mine), accumulate: false)
    }
    return trace
  }

  /// The backward pass of `forward`: returns the gradient of the queries, and adds to the memory's.
  public func backward<S: Real>(
    _ trace: Trace<S>, contextGradient: Matrix<S>, on workspace: Workspace<S>
  ) -> Matrix<S> {
    let (ranges, memory) = (trace.ranges, trace.memory)
    guard let rowGradient = memory.rowGradient, let keyGradient = memory.keyGradient else {
      preconditionFailure("this memory was not prepared for training")
    }
    let projectedGradient = workspace.arena.zeros(trace.queries.rows, keySize)
    let all = workspace.arena.matrix(1, ranges.weightCount)
    // One query's pairs at a time, so one block for all: there may be very many queries.
    let pairGradients = trace.hidden.map { _ in
      workspace.arena.matrix(ranges.memory.reduce(0) { max($0, $1.count) }, keySize)
    }
    for number in ranges.queries.indices {
      let (mine, rows) = (ranges.queries[number], ranges.memory[number])
      guard !mine.isEmpty else { continue }
      let weights = trace.weights(ofSequence: number)
      let gradient = all.reshaped(
        from: ranges.places[number], rows: mine.count, columns: rows.count)
      // context = a · memory, a = softmax(scores)
      S.product(
        weights, transposed: true, contextGradient.rows(mine), transposed: false,
        into: rowGradient.rows(rows), accumulate: true)
      S.product(
        contextGradient.rows(mine), transposed: false, memory.rows.rows(rows), transposed: true,
        into: gradient, accumulate: false)
      S.softmaxGradient(gradient, at: weights, into: gradient)
      if let pairGradients {
        backwardThroughPairs(
          trace, number, gradient, into: pairGradients, keyGradient: keyGradient.rows(rows),
          projectedGradient: projectedGradient.rows(mine), on: workspace)
      } else {
        S.product(
          gradient, transposed: false, memory.keys.rows(rows), transposed: false,
          into: projectedGradient.rows(mine), accumulate: false)
        S.product(
          gradient, transposed: true, trace.queries.rows(mine), transposed: false,
          into: keyGradient.rows(rows), accumulate: true)
      }
    }
    guard let queryWeight else { return projectedGradient }
    workspace.addGradient(of: queryWeight, from: projectedGradient, times: trace.queries)
    let queryGradient = workspace.arena.matrix(trace.queries.rows, querySize)
    workspace.productBack(projectedGradient, queryWeight, into: queryGradient, accumulate: false)
    return queryGradient
  }

  /// The additive part of `backward` for one sequence, given the gradient of its scores.
  ///
  /// `room` is scratch for the gradients of one query's pairs.
  private func backwardThroughPairs<S: Real>(
    _ trace: Trace<S>, _ number: Int, _ gradient: Matrix<S>, into room: Matrix<S>,
    keyGradient: Matrix<S>, projectedGradient: Matrix<S>, on workspace: Workspace<S>
  ) {
    guard let combination, let hidden = trace.hidden else { return }
    let du = room.rows(0..<keyGradient.rows)
    for place in 0..<gradient.rows {
      // score = v · tanh(u): dv += ds · tanh(u), du = ds · v ∘ (1 - tanh²(u))
      let pairs = hidden.rows(trace.ranges.pairs(number, place))
      let ds = gradient.rows(place..<place + 1)
      S.product(
        ds, transposed: false, pairs, transposed: false,
        into: workspace.gradient(of: combination), accumulate: true)
      S.product(
        ds, transposed: true, workspace[combination], transposed: false, into: du,
        accumulate: false)
      S.tanhGradient(du, at: pairs, into: du)
      S.add(du, into: keyGradient)
      S.addColumns(of: du, into: projectedGradient.rows(place..<place + 1))
    }
  }

  /// The backward pass of `prepare`, after those of all lookups: returns the gradient of the memory.
  public func finish<S: Real>(_ memory: Memory<S>, on workspace: Workspace<S>) -> Matrix<S> {
    guard let rowGradient = memory.rowGradient, let keyGradient = memory.keyGradient else {
      preconditionFailure("this memory was not prepared for training")
    }
    if let memoryWeight {
      workspace.addGradient(of: memoryWeight, from: keyGradient, times: memory.rows)
      if let bias { S.addColumns(of: keyGradient, into: workspace.gradient(of: bias)) }
      workspace.productBack(keyGradient, memoryWeight, into: rowGradient, accumulate: true)
    } else {
      S.add(keyGradient, into: rowGradient)
    }
    return rowGradient
  }
}

/// Which queries ask which rows of a memory: one stretch of each for every sequence.
public struct AttentionRanges: Sendable {
  /// The queries of each sequence, and its rows of the memory; only queries may be none.
  public let queries, memory: [Range<Int>]
  /// Where the weights of each sequence begin.
  let places: [Int]
  /// The number of all weights.
  let weightCount: Int

  /// The stretches of sequences, in the same order.
  public init(queries: [Range<Int>], memory: [Range<Int>]) {
    precondition(queries.count == memory.count, "as many stretches of queries as of memory")
    precondition(memory.allSatisfy { !$0.isEmpty }, "a sequence has at least one row of memory")
    self.queries = queries
    self.memory = memory
    var places: [Int] = []
    var count = 0
    for (mine, rows) in zip(queries, memory) {
      places.append(count)
      count += mine.count * rows.count
    }
    self.places = places
    weightCount = count
  }

  /// The rows of pairs of one query of a sequence.
  func pairs(_ number: Int, _ place: Int) -> Range<Int> {
    let first = places[number] + place * memory[number].count
    return first..<first + memory[number].count
  }
}
