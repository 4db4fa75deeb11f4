internal import Decoding
internal import DenseMath
internal import ICUText

extension LanguageModel {
  /// Writes on from a prompt: a sequence of pieces of text, made one token at a time.
  ///
  ///     for piece in lm.generate(after: "Day 1", .init(temperature: 0.8)) { print(piece, terminator: "") }
  ///
  /// Nothing here throws, so that a loop over literals needs no `try`: where there is nothing to
  /// write, because an option is out of its range or the prompt is too long for ICU, the sequence
  /// is empty, and its `failure` says why. `try Generation(lm, after: prompt, options)` is the same
  /// and throws: the way for options that come from outside the program.
  public func generate(
    after prompt: String = "", _ options: GenerationOptions = .init(), seed: UInt64 = 1
  ) -> Generation {
    do {
      return try Generation(self, after: prompt, options, seed: seed)
    } catch {
      return Generation(failure: error)
    }
  }
}

/// A text in the making: pieces of whole characters, each as soon as it is certain.
///
/// It is a value: a copy writes on from where it was copied, and what one has written, the other
/// does not know; both write the same. Memory does not grow with the length.
///
/// A prompt may hold anything: characters never seen in training are read as their bytes. A model
/// that reads backwards writes what comes before the prompt. Its end is made first, so the text is
/// one piece, there must be a length, and there can be no stops.
public struct Generation: Sequence, IteratorProtocol {
  /// Why there is nothing to write, where `generate` could not throw it, or no more, where the model's
  /// numbers overflow; nil otherwise.
  public var failure: (any Error)? {
    writer?.isOverflown == true ? LanguageModelError.overflow : refusal
  }
  private let refusal: (any Error)?
  private var writer: Writer?

  /// Writes on from a prompt.
  ///
  /// - Parameters:
  ///   - model: What writes.
  ///   - prompt: What stands before, or after for a model that reads backwards; it is not part of
  ///     the result.
  ///   - options: How tokens are chosen, and where the text ends.
  ///   - seed: Equal seeds give equal texts.
  /// - Throws: `SamplingError` for a number out of its range, `TextError` for a prompt that ICU
  ///   cannot take, `LanguageModelError` for a length below 0 and for what a model that reads
  ///   backwards cannot do.
  public init(
    _ model: LanguageModel, after prompt: String = "", _ options: GenerationOptions = .init(),
    seed: UInt64 = 1
  ) throws {
    let sampler = try Sampler(options.chain)
    if let length = options.length, length < 0 { throw LanguageModelError.negativeLength(length) }
    let isBackwards = model.configuration.isBackwards
    if isBackwards {
      guard options.length != nil else { throw LanguageModelError.backwardsWithoutLength }
      guard options.stops.isEmpty else { throw LanguageModelError.backwardsWithStops }
    }
    // A text begins as after a line feed, the nearest to a beginning that a corpus has inside, and
    // ends as before one.
    let ids = prompt.isEmpty ? [10] : model.asRead(try model.vocabulary.encode(prompt))
    let state = GenerationState(model)
    state.read(prompt: ids)
    refusal = nil
    writer = Writer(
      state: state, sampler: sampler, decoder: StreamingDecoder(model.vocabulary),
      random: CounterRandom(seed: seed, stream: .sampling), length: options.length ?? .max,
      stops: StopStrings(options.stops), isBackwards: isBackwards)
  }

  fileprivate init(failure: any Error) {
    refusal = failure
    writer = nil
  }

  /// The next piece, never empty; nil at the end.
  public mutating func next() -> String? { writer?.next() }
}

/// What a text in the making needs.
private struct Writer {
  var state: GenerationState
  var sampler: Sampler
  var decoder: StreamingDecoder
  let random: CounterRandom
  let length: Int
  var stops: StopStrings
  let isBackwards: Bool
  var written = 0
  var isOver = false
  var isOverflown = false

  mutating func next() -> String? {
    if isBackwards { return wholeText() }
    while !isOver {
      let piece: String
      if written == length {
        isOver = true
        piece = stops.append(decoder.finish()) + stops.finish()
      } else {
        guard let id = choose() else { return nil }
        piece = stops.append(decoder.append(id))
        // The text ends here, or more is needed: then the model reads what it wrote.
        if stops.isFound { isOver = true } else if written < length { read(id) }
      }
      if !piece.isEmpty { return piece }
    }
    return nil
  }

  /// All that is written, turned into the order of the text.
  private mutating func wholeText() -> String? {
    guard !isOver else { return nil }
    isOver = true
    var ids: [Int] = []
    while written < length {
      guard let id = choose() else { return nil }
      ids.append(id)
      if written < length { read(id) }
    }
    var text = ""
    for id in ids.reversed() { text += decoder.append(id) }
    text += decoder.finish()
    return text.isEmpty ? nil : text
  }

  /// The next token; nil, and the end of the text, where its logits are no numbers.
  private mutating func choose() -> Int? {
    guard (0..<state.logits.columns).allSatisfy({ state.logits[0, $0].isFinite }) else {
      (isOver, isOverflown) = (true, true)
      return nil
    }
    defer { written += 1 }
    return sampler.choose(from: state.logits, random: random.uniform(step: 0, index: written))
  }

  private mutating func read(_ id: Int) {
    // Copies share a state only until one of them changes it.
    if !isKnownUniquelyReferenced(&state) { state = state.copy() }
    state.read(id)
  }
}

/// Holds text back for as long as it may be the beginning of a stop string.
struct StopStrings {
  private let stops: [[UInt8]]
  private var held: [UInt8] = []
  private(set) var isFound = false

  init(_ stops: [String]) { self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty } }

  /// Takes a piece and gives out what cannot belong to a stop string any more.
  mutating func append(_ piece: String) -> String {
    guard !stops.isEmpty else { return piece }
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
