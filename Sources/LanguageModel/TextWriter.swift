internal import Decoding
internal import DenseMath
internal import ICUText

/// A text in the making, but for the network's state: what chooses tokens, and what makes text of them.
struct TextWriter {
  /// What turns tokens into text and ends it.
  private(set) var decoder: StreamingDecoder
  private(set) var stops: StopStrings
  private(set) var sampler: Sampler
  private let random: CounterRandom
  private let length: Int
  private let avoiding: VerbatimIndex?
  // The tokens that decide what would be written again.
  private(set) var context: [Int] = []
  // Where the seed's numbers begin: after those of the text that is gone on with.
  private let start: Int
  /// The tokens written.
  private(set) var written = 0
  /// Whether the text has ended.
  private(set) var isOver = false
  /// Whether it has ended because the model's scores were no numbers.
  private(set) var isOverflown = false
  /// Whether what is not certain at the end is kept, for a state that is gone on from.
  var keepsEnd = false

  /// How many of the seed's random numbers are used up.
  var drawn: Int { start + written }
  /// The seed.
  var seed: UInt64 { random.seed }

  /// A text at its beginning.
  ///
  /// Throws `SamplingError`, and `LanguageModelError` for a length below 0.
  init(_ options: GenerationOptions, vocabulary: Vocabulary, seed: UInt64) throws {
    try self.init(options, vocabulary: vocabulary, after: TextState.Memory(seed: seed))
  }

  /// A text that goes on.
  init(_ options: GenerationOptions, vocabulary: Vocabulary, after memory: TextState.Memory) throws
  {
    if let length = options.length, length < 0 { throw LanguageModelError.negativeLength(length) }
    sampler = try Sampler(
      options.chain, window: options.penaltyWindow, memory: memory.sampler)
    decoder = StreamingDecoder(vocabulary, pending: memory.pending)
    random = CounterRandom(seed: memory.seed, stream: .sampling)
    start = memory.drawn
    length = options.length ?? .max
    avoiding = options.avoiding
    stops = StopStrings(options.stops, held: memory.held)
    context = avoiding.map { Array(memory.context.suffix($0.length - 1)) } ?? []
    isOver = length == 0
  }

  /// Takes in a token of the text: of the prompt, or one that was written.
  mutating func read(_ id: Int) {
    sampler.read(id)
    guard let avoiding, avoiding.length > 1 else { return }
    context.append(id)
    if context.count >= avoiding.length { context.removeFirst() }
  }

  /// Writes a token: the text that it completes, and the token, which the network must then read.
  ///
  /// The token is nil where the scores are no numbers.
  mutating func write(from logits: Matrix<Float>) -> (piece: String, token: Int?) {
    guard let id = choose(from: logits) else { return ("", nil) }
    var piece = stops.append(decoder.append(id))
    if stops.isFound { isOver = true }
    if isOver, !stops.isFound, !keepsEnd {
      piece += stops.append(decoder.finish()) + stops.finish()
    }
    return (piece, id)
  }

  /// The next token; nil, and the end of the text, where its logits are no numbers.
  mutating func choose(from logits: Matrix<Float>) -> Int? {
    guard (0..<logits.columns).allSatisfy({ logits[0, $0].isFinite }) else {
      (isOver, isOverflown) = (true, true)
      return nil
    }
    let number = random.uniform(step: 0, index: drawn)
    var id = sampler.choose(from: logits, random: number)
    if let avoiding {
      // A token that would complete a stretch of the training text is no candidate, unless all are none.
      while avoiding.holdsEnd(of: context + [id]) {
        logits[0, id] = -.infinity
        guard (0..<logits.columns).contains(where: { logits[0, $0].isFinite }) else { break }
        id = sampler.choose(from: logits, random: number)
      }
    }
    written += 1
    isOver = written == length
    read(id)
    return id
  }

  /// The text of tokens that were written from the last to the first.
  mutating func text(ofReversed ids: [Int]) -> String {
    ids.reversed().reduce(into: "") { $0 += decoder.append($1) } + decoder.finish()
  }

  /// All that a state of the text holds besides the network's.
  var memory: TextState.Memory {
    TextState.Memory(
      seed: seed, drawn: drawn, sampler: sampler.memory, pending: decoder.pending, held: stops.held,
      context: context)
  }
}

/// Holds text back for as long as it may be the beginning of a stop string.
struct StopStrings {
  private let stops: [[UInt8]]
  /// What is held back.
  private(set) var held: [UInt8] = []
  private(set) var isFound = false

  init(_ stops: [String], held: [UInt8] = []) {
    self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty }
    self.held = held
  }

  /// Takes a piece and gives out what cannot belong to a stop string any more.
  mutating func append(_ piece: String) -> String {
    guard !stops.isEmpty || !held.isEmpty else { return piece }
    held += Array(piece.utf8)
    for start in held.indices {
      let rest = held[start...]
      if stops.contains(where: { rest.starts(with: $0) }) {
        isFound = true
        defer { held = [] }
        return String(decoding: held[..<start], as: UTF8.self)
      }
      if stops.contains(where: { $0.starts(with: rest) }) { return release(start) }
    }
    return release(held.count)
  }

  /// What is still held back at the end.
  mutating func finish() -> String { isFound ? "" : release(held.count) }

  private mutating func release(_ count: Int) -> String {
    defer { held.removeFirst(count) }
    return String(decoding: held[..<count], as: UTF8.self)
  }
}
