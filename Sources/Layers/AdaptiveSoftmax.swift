public import DenseMath
public import Parameters

/// The choice among many classes in two steps: among the frequent ones and some groups of rare ones,
/// then within a group.
///
///     frequent class c:  log p = head(x)[c]
///     rare class c of g: log p = head(x)[frequent + g] + tail_g(x)[c]
///     head(x) = log softmax(W·x + b)      tail_g(x) = log softmax(W_g·P_g·x + b_g)
///
/// Most words of a text are among a few hundred, so most rows need the head alone; a group is looked
/// at only in rows whose target is in it. Each group has a narrower projection than the one before,
/// as rare words have too few examples for many weights.
///
/// E. Grave, A. Joulin, M. Cissé, D. Grangier and H. Jégou, "Efficient softmax approximation for
/// GPUs", ICML 2017. It is an exact distribution: the probabilities of all classes sum to 1. Classes
/// must be numbered by falling frequency, roughly.
public struct AdaptiveSoftmax: Sendable {
  /// The width of x, and the number of classes.
  public let inputs, classes: Int
  /// The first class of each group, rising; below the first are the frequent classes.
  public let cutoffs: [Int]
  private let head: Affine
  private let groups: [(first: Int, projection: Weight, width: Int, scores: Affine)]

  /// How many times narrower each group's projection is than what is before it.
  public static let reduction = 4

  /// Declares the weights, as `<name>.head.*` and `<name>.tail0.*` and so on.
  ///
  /// `cutoffs` must rise, from at least 1 to below `classes`.
  public init(
    inputs: Int, classes: Int, cutoffs: [Int], name: String, in layout: inout ParameterLayout
  ) {
    let edges = cutoffs + [classes]
    precondition(
      edges[0] > 0 && zip(edges, edges.dropFirst()).allSatisfy { $0 < $1 },
      "cutoffs rise and leave no group empty")
    self.inputs = inputs
    self.classes = classes
    self.cutoffs = cutoffs
    head = Affine(
      inputs: inputs, outputs: edges[0] + cutoffs.count, name: "\(name).head", in: &layout)
    var width = inputs
    groups = cutoffs.indices.map { group in
      width = max(1, width / Self.reduction)
      let projection = layout.declare(
        "\(name).tail\(group).projection", shape: [width, inputs],
        as: .uniform(1 / Double(inputs).squareRoot()), isFactor: true)
      let scores = Affine(
        inputs: width, outputs: edges[group + 1] - edges[group], name: "\(name).tail\(group)",
        in: &layout)
      return (edges[group], projection, width, scores)
    }
  }

  private var frequent: Int { head.outputs - groups.count }

  /// The group of a class; nil for a frequent one.
  private func group(of target: Int) -> Int? { cutoffs.lastIndex { $0 <= target } }

  /// The rows of a batch that look into a group, gathered.
  private struct Members<S: Real> {
    let rows: IndexBlock
    let x, projected, scores: Matrix<S>
  }

  private func members<S: Real>(
    _ number: Int, _ rows: [Int32], of x: Matrix<S>, on workspace: Workspace<S>
  ) -> Members<S> {
    let from = workspace.arena.indices(of: rows)
    let group = groups[number]
    let mine = workspace.arena.matrix(rows.count, inputs)
    S.gather(x, at: from, into: mine)
    let projected = workspace.arena.matrix(rows.count, group.width)
    workspace.product(mine, group.projection, into: projected, accumulate: false)
    return Members(
      rows: from, x: mine, projected: projected,
      scores: group.scores.forward(projected, on: workspace))
  }

  /// Where each row's target is: the head's target, and the rows of each group with theirs.
  private func targets<S: Real>(
    _ classes: IndexBlock, on workspace: Workspace<S>
  ) -> (head: IndexBlock, groups: [(rows: [Int32], targets: IndexBlock)]) {
    let head = workspace.arena.indices(classes.count)
    var rows = groups.map { _ in [Int32]() }
    for row in classes.indices {
      let target = Int(classes[row])
      head[row] = classes[row]
      if let group = group(of: target) {
        head[row] = Int32(frequent + group)
        rows[group].append(Int32(row))
      }
    }
    let inner = rows.enumerated().map { number, rows in
      let targets = workspace.arena.indices(rows.count)
      for (place, row) in rows.enumerated() {
        targets[place] = classes[Int(row)] - Int32(groups[number].first)
      }
      return (rows, targets)
    }
    return (head, inner)
  }

  /// The sum over the rows of x [rows, inputs] of -log p(target), in nats.
  public func loss<S: Real>(
    _ x: Matrix<S>, targets: IndexBlock, on workspace: Workspace<S>
  ) -> Double {
    let (first, groups) = self.targets(targets, on: workspace)
    var loss = SoftmaxCrossEntropy.loss(head.forward(x, on: workspace), targets: first)
    for (number, group) in groups.enumerated() where !group.rows.isEmpty {
      let found = members(number, group.rows, of: x, on: workspace)
      loss += SoftmaxCrossEntropy.loss(found.scores, targets: group.targets)
    }
    return loss
  }

  /// The same sum, and with smoothing; adds to the gradients of the weights.
  ///
  /// - Parameters:
  ///   - x: What is judged by, [rows, inputs].
  ///   - targets: The right class of each row.
  ///   - scale: The factor of the gradients.
  ///   - fraction: The fraction of probability that is spread over the classes of each choice: over the
  ///     frequent classes and the groups, and within the target's group.
  ///   - workspace: Where it runs.
  /// - Returns: The sums of the losses without and with smoothing, and the gradient of x.
  public func lossAndGradient<S: Real>(
    _ x: Matrix<S>, targets: IndexBlock, scale: Double, smoothing fraction: Double,
    on workspace: Workspace<S>
  ) -> (loss: Double, smoothed: Double, gradient: Matrix<S>) {
    let (first, inner) = self.targets(targets, on: workspace)
    let scores = head.forward(x, on: workspace)
    var (loss, smoothed) = SoftmaxCrossEntropy.lossAndGradient(
      scores, targets: first, scale: scale, smoothing: fraction, on: workspace)
    let gradient = head.backward(scores, x: x, on: workspace)
    for (number, group) in inner.enumerated() where !group.rows.isEmpty {
      let found = members(number, group.rows, of: x, on: workspace)
      let sums = SoftmaxCrossEntropy.lossAndGradient(
        found.scores, targets: group.targets, scale: scale, smoothing: fraction, on: workspace)
      loss += sums.loss
      smoothed += sums.smoothed
      let projection = groups[number].projection
      let projected = groups[number].scores.backward(
        found.scores, x: found.projected, on: workspace)
      workspace.addGradient(of: projection, from: projected, times: found.x)
      let back = workspace.arena.matrix(found.x.rows, inputs)
      workspace.productBack(projected, projection, into: back, accumulate: false)
      S.scatterAdd(back, at: found.rows, into: gradient)
    }
    return (loss, smoothed, gradient)
  }

  /// The likeliest classes after each row of x, the best first, with their log probabilities.
  ///
  /// Groups are looked into only in rows where the whole group is likelier than the last class found
  /// so far: no class in it can be likelier than the group. Classes before `first` are left out.
  ///
  /// `leastUseful` says, by the likeliest frequent class of each row, what a log probability must reach to
  /// be of use there: rows where a group does not are not looked into either.
  public func likeliest(
    _ count: Int, within margin: Double = .infinity, _ x: Matrix<Float>, from first: Int = 0,
    leastUseful: ([Float]) -> [Float] = { $0.map { _ in -.infinity } },
    on workspace: Workspace<Float>
  ) -> [LikeliestClasses] {
    let scores = head.forward(x, on: workspace)
    let normalizers = SoftmaxCrossEntropy.normalizers(of: scores, on: workspace)
    var best = (0..<x.rows).map { row in
      var best = LikeliestClasses(count, within: margin)
      best.take(
        scores.rows(row..<row + 1).columns(first..<frequent), less: normalizers[row, 0],
        from: first)
      return best
    }
    let least = leastUseful(best.map { $0.found.first?.logProbability ?? -.infinity })
    for number in groups.indices {
      func logProbability(_ row: Int) -> Float {
        scores[row, frequent + number] - normalizers[row, 0]
      }
      let rows = best.indices.filter {
        logProbability($0) >= least[$0] && best[$0].wouldTake(logProbability($0))
      }
      guard !rows.isEmpty else { continue }
      let found = members(number, rows.map { Int32($0) }, of: x, on: workspace)
      let inner = SoftmaxCrossEntropy.normalizers(of: found.scores, on: workspace)
      for (place, row) in rows.enumerated() {
        best[row].take(
          found.scores.rows(place..<place + 1), less: inner[place, 0] - logProbability(row),
          from: groups[number].first)
      }
    }
    return best
  }
}

/// The likeliest of some classes, the best first; of equal ones the one with the smaller number.
///
/// Those that are less likely than the best by more than a margin are left out.
public struct LikeliestClasses: Sendable {
  /// The classes with the logarithms of their probabilities.
  public private(set) var found: [(number: Int32, logProbability: Float)] = []
  private let most: Int
  private let margin: Float

  /// Room for `most` classes, at least 1, none of which is more than `margin` nats below the best.
  public init(_ most: Int, within margin: Double = .infinity) {
    self.most = max(1, most)
    self.margin = Float(margin)
    found.reserveCapacity(self.most + 1)
  }

  /// Whether a class with this log probability would be taken in.
  public func wouldTake(_ logProbability: Float) -> Bool {
    logProbability > bar
  }

  /// What a log probability must be above to be taken in.
  private var bar: Float {
    guard let best = found.first?.logProbability else { return -.infinity }
    // One exactly at the margin is taken in.
    let least = (best - margin).nextDown
    return found.count < most ? least : max(least, found[most - 1].logProbability)
  }

  /// Takes in the classes of a row of scores, from number `first` on, each score less `normalizer`.
  public mutating func take(_ scores: Matrix<Float>, less normalizer: Float, from first: Int = 0) {
    // Scores are compared before anything is taken away from them: most are not taken in.
    var column = Float.firstColumn(above: bar + normalizer, in: scores, from: 0)
    while column < scores.columns {
      insert(Int32(first + column), scores[0, column] - normalizer)
      column = Float.firstColumn(above: bar + normalizer, in: scores, from: column + 1)
    }
  }

  /// The same classes by other numbers.
  public func renumbered(_ number: (Int32) -> Int32) -> LikeliestClasses {
    var other = self
    for place in found.indices { other.found[place].number = number(found[place].number) }
    return other
  }

  private mutating func insert(_ number: Int32, _ logProbability: Float) {
    let place = found.firstIndex { logProbability > $0.logProbability } ?? found.count
    found.insert((number, logProbability), at: place)
    if found.count > most { found.removeLast() }
    while let last = found.last, last.logProbability < found[0].logProbability - margin {
      found.removeLast()
    }
  }
}
