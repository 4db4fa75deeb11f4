/// Texts in the making by one model that take their next steps together, as rows of one batch.
///
///     let batch = GenerationBatch(model, capacity: 8)
///     for seed in 1...8 { batch.add(try Generation(model, after: "Day 1", seed: seed)) }
///     while batch.count > 0 { for step in batch.next() { ... } }
///
/// Texts may join and leave at any step. Each is the same, byte for byte, as it would be alone: it depends
/// on its prompt, its options and its seed only. One step of 32 texts takes far less time than 32 steps of
/// one, as each weight is read once for all.
public final class GenerationBatch {
  /// What a step wrote of a text.
  public struct Step: Sendable {
    /// The number that `add` gave the text.
    public let text: Int
    /// What was written, perhaps nothing yet.
    public let piece: String
    /// Whether that was the end.
    public let isOver: Bool
    /// Why it ended too soon; nil otherwise.
    public let failure: LanguageModelError?
    /// The token that was written; nil where there was none.
    public var token: Int?
    /// What the model expected there, as it is before any step of the sampler; nil where nobody asked.
    public var expectation: LanguageModel.Expectation?
    /// Whether a stop string ended the text, rather than its length.
    public var isStopped = false
  }

  private struct Row {
    let number: Int
    var generation: Generation
    let likeliest: Int?
  }

  private let state: GenerationState
  private let model: LanguageModel
  private var rows: [Row] = []
  private var waiting: [Row] = []
  private var added = 0
  private var rounds = 0

  /// Room for `capacity` texts at once, at least 1.
  public init(_ model: LanguageModel, capacity: Int) {
    self.model = model
    state = GenerationState(model, capacity: max(1, capacity))
  }

  /// The number of texts that there is room for.
  public var capacity: Int { state.capacity }
  /// The texts that are not over.
  public var count: Int { rows.count + waiting.count }

  /// Adds a text of the same model that reads forwards; its number.
  ///
  /// With `likeliest`, its steps tell the probability of each token, and those of so many likely ones.
  ///
  /// - Precondition: `count` is below `capacity`, and the text reads forwards.
  @discardableResult
  public func add(_ generation: Generation, likeliest: Int? = nil) -> Int {
    precondition(count < capacity, "no room for another text")
    precondition(!generation.isBackwards, "a model that reads backwards has no next piece")
    defer { added += 1 }
    waiting.append(Row(number: added, generation: generation, likeliest: likeliest))
    return added
  }

  /// Takes a text away before its end.
  public func remove(_ number: Int) {
    waiting.removeAll { $0.number == number }
    if let row = rows.firstIndex(where: { $0.number == number }) { removeRow(row) }
  }

  private func removeRow(_ row: Int) {
    state.remove(row: row)
    rows.swapAt(row, rows.count - 1)
    rows.removeLast()
  }

  /// One step of all texts: each reads what it wrote last and writes a token more.
  ///
  /// Of the prompts of texts that joined, at most `promptTokens` are read, so that a long one does not hold
  /// up the others; a text writes from the step on that finds its prompt read.
  public func next(promptTokens: Int = .max) -> [Step] {
    var steps: [Step] = []
    readPrompts(atMost: promptTokens, &steps)
    var row = 0
    var tokens: [Int] = []
    while row < rows.count {
      let (step, token) = write(row)
      steps.append(step)
      if let token, !step.isOver {
        tokens.append(token)
        row += 1
      } else {
        removeRow(row)
      }
    }
    state.read(tokens)
    return steps
  }

  private func write(_ row: Int) -> (Step, token: Int?) {
    let logits = state.logits(ofRow: row)
    // Before the writer, which may strike out what it must not write.
    let scores = rows[row].likeliest.map { _ in (0..<logits.columns).map { Double(logits[0, $0]) } }
    let written = rows[row].generation.writer?.write(from: logits)
    let writer = rows[row].generation.writer
    var step = Step(
      text: rows[row].number, piece: written?.piece ?? "", isOver: writer?.isOver ?? true,
      failure: rows[row].generation.failure as? LanguageModelError, token: written?.token,
      isStopped: writer?.stops.isFound == true)
    if let token = written?.token, let scores, let likeliest = rows[row].likeliest {
      step.expectation = LanguageModel.expectation(of: token, scores, keeping: likeliest)
    }
    return (step, written?.token)
  }

  /// Newcomers read their prompts each by itself, mostly the shortest rest first: it waits for no long one.
  private func readPrompts(atMost limit: Int, _ steps: inout [Step]) {
    var left = limit
    rounds += 1
    while left > 0, let place = nextNewcomer {
      var newcomer = waiting[place]
      let before = newcomer.generation.reader?.unread.count ?? 0
      waiting[place].generation.reader = nil
      let isRead = newcomer.generation.read(atMost: min(left, 256))
      left -= before - (newcomer.generation.reader?.unread.count ?? 0)
      guard isRead else {
        waiting[place] = newcomer
        continue
      }
      waiting.remove(at: place)
      guard newcomer.generation.writer?.isOver == false, let reader = newcomer.generation.reader
      else {
        steps.append(
          Step(
            text: newcomer.number, piece: "", isOver: true,
            failure: newcomer.generation.failure as? LanguageModelError))
        continue
      }
      state.add(reader.state)
      newcomer.generation.reader = nil
      rows.append(newcomer)
    }
  }

  private var nextNewcomer: Int? {
    // Now and then it is the turn of whoever has waited longest, or shorter ones could come for ever.
    if rounds % 4 == 0, !waiting.isEmpty { return 0 }
    return waiting.indices.min {
      (waiting[$0].generation.reader?.unread.count ?? 0)
        < (waiting[$1].generation.reader?.unread.count ?? 0)
    }
  }
}
