internal import Decoding
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
  var writer: TextWriter?
  var reader: Reader?
  let isBackwards: Bool

  /// What the network has read.
  struct Reader {
    /// The model.
    let model: LanguageModel
    /// Its state after what it has read.
    var state: GenerationState
    /// The tokens that it has still to read before the next one is chosen.
    var unread: ArraySlice<Int>
  }

  /// The seed: the same one writes the same text.
  public var seed: UInt64 { writer?.seed ?? 0 }

  /// Writes on from a prompt.
  ///
  /// The prompt is read with the first piece.
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
    try self.init(model, afterTokens: try model.vocabulary.encode(prompt), options, seed: seed)
  }

  /// Writes on from a prompt that is tokens already: ids of the model's vocabulary, in the order of the text.
  ///
  /// Throws what the other beginning throws.
  public init(
    _ model: LanguageModel, afterTokens prompt: [Int], _ options: GenerationOptions = .init(),
    seed: UInt64 = 1
  ) throws {
    var writer = try TextWriter(options, vocabulary: model.vocabulary, seed: seed)
    isBackwards = model.configuration.isBackwards
    if isBackwards {
      guard options.length != nil else { throw LanguageModelError.backwardsWithoutLength }
      guard options.stops.isEmpty else { throw LanguageModelError.backwardsWithStops }
    }
    // A text begins as after a line feed, the nearest to a beginning that a corpus has inside, and
    // ends as before one.
    let ids = prompt.isEmpty ? [10] : model.asRead(prompt)
    for id in ids where !prompt.isEmpty { writer.read(id) }
    refusal = nil
    self.writer = writer
    reader = Reader(model: model, state: GenerationState(model), unread: ids[...])
  }

  /// Goes on where another text was.
  init(_ reader: Reader, _ writer: TextWriter) {
    refusal = nil
    isBackwards = false
    self.reader = reader
    self.writer = writer
  }

  fileprivate init(failure: any Error) {
    refusal = failure
    writer = nil
    reader = nil
    isBackwards = false
  }

  /// Reads at most so many tokens of what is to be read before the next token is written; whether all is
  /// read now.
  @discardableResult
  mutating func read(atMost count: Int = .max) -> Bool {
    guard var reader, !reader.unread.isEmpty else { return true }
    // Copies share a state only until one of them changes it.
    self.reader = nil
    if !isKnownUniquelyReferenced(&reader.state) { reader.state = reader.state.copy() }
    let tokens = Array(reader.unread.prefix(count))
    if tokens.count == 1 { reader.state.read(tokens) } else { reader.state.read(prompt: tokens) }
    reader.unread.removeFirst(tokens.count)
    self.reader = reader
    return reader.unread.isEmpty
  }

  /// The next piece, never empty; nil at the end.
  public mutating func next() -> String? {
    while writer?.isOver == false {
      let piece = isBackwards ? wholeText() : step()
      if !piece.isEmpty { return piece }
    }
    return nil
  }

  /// Writes one token: the text that it completes, perhaps none.
  private mutating func step() -> String {
    read()
    guard let logits = reader?.state.logits(ofRow: 0),
      let (piece, token) = writer?.write(from: logits)
    else { return "" }
    if let token { reader?.unread = [token] }
    return piece
  }

  /// All that is written, turned into the order of the text.
  private mutating func wholeText() -> String {
    var ids: [Int] = []
    while writer?.isOver == false {
      read()
      guard let logits = reader?.state.logits(ofRow: 0), let token = writer?.choose(from: logits)
      else { return "" }
      ids.append(token)
      reader?.unread = [token]
    }
    return writer?.text(ofReversed: ids) ?? ""
  }
}
