internal import Decoding
public import Files
internal import Parameters
public import Training

/// Where a text was when it was left: some kB from which it goes on later, or goes on in several ways.
///
///     var text = try Generation(model, after: "Day 1", .init(length: 500), seed: 7)
///     ...
///     try text.state(of: model).write(to: "day1.state")
///     let rest = try Generation(model, from: TextState(contentsOf: "day1.state", of: model))
///
/// What goes on with the same options and the same seed is what would have been written without the
/// interruption, byte for byte; with another seed it is another continuation of the same text.
public struct TextState: Sendable {
  /// What is to be known of the text besides, such as the options it was written with.
  public var notes: [String: [String]]
  private let memory: Memory
  private let unread: [Int]
  private let model: String
  private let numbers: ModelWeights

  /// What chooses tokens and makes text of them, as it was.
  struct Memory: Sendable, Codable {
    var seed: UInt64
    var drawn = 0
    var sampler = Sampler.Memory()
    var pending: [UInt8] = []
    var held: [UInt8] = []
    var context: [Int] = []

    /// The beginning of a text.
    init(seed: UInt64) { self.seed = seed }

    init(
      seed: UInt64, drawn: Int, sampler: Sampler.Memory, pending: [UInt8], held: [UInt8],
      context: [Int]
    ) {
      (self.seed, self.drawn, self.sampler) = (seed, drawn, sampler)
      (self.pending, self.held, self.context) = (pending, held, context)
    }

    /// The same where other text comes next: whatever was not certain will not be finished.
    func interrupted() -> Memory {
      var memory = self
      (memory.pending, memory.held) = ([], [])
      return memory
    }
  }

  /// The seed of the text.
  public var seed: UInt64 { memory.seed }

  /// What files call it.
  public static let kind = ModelKind(name: "text-state", title: "state of a text")

  /// The state of a text in the making.
  ///
  /// Throws `LanguageModelError.backwardsWithState` for a model that reads backwards.
  public init(_ text: Generation, notes: [String: [String]] = [:]) throws {
    var text = text
    guard !text.isBackwards else { throw LanguageModelError.backwardsWithState }
    text.read(atMost: max(0, (text.reader?.unread.count ?? 0) - 1))
    guard let reader = text.reader, let writer = text.writer else {
      throw text.failure ?? LanguageModelError.overflow
    }
    self.notes = notes
    memory = writer.memory
    unread = Array(reader.unread)
    model = reader.model.core.weights.checksum
    numbers = ModelWeights(reader.state.copy().numbers)
  }

  /// Reads the state of a text that a model wrote.
  ///
  /// Throws `FileError` for a file that is damaged or none, `LanguageModelError.otherModel` for the state of
  /// another model's text.
  public init(contentsOf path: String, of model: LanguageModel) throws {
    let file = try ModelFileReader(contentsOf: path)
    try file.demand(Self.kind)
    self.model = try file.part("model")
    guard self.model == model.core.weights.checksum else {
      throw LanguageModelError.otherModel(path: path)
    }
    notes = try file.part("notes")
    memory = try file.part("memory")
    unread = try file.part("unread")
    numbers = try file.weights(GenerationState.layout(of: model))
    try file.finish()
    let tokens = 0..<model.vocabulary.count
    guard (unread + memory.sampler.recent + memory.context).allSatisfy({ tokens.contains($0) }),
      !unread.isEmpty, (0...1 << 53).contains(memory.drawn)
    else { throw file.malformed("its tokens are impossible") }
  }

  /// Writes the file: whole, or not at all.
  ///
  /// Throws `FileError.unwritable`.
  public func write(to path: String) throws(FileError) {
    var file = ModelFileContents(kind: Self.kind.name)
    file.add(model, as: "model")
    file.add(notes, as: "notes")
    file.add(memory, as: "memory")
    file.add(unread, as: "unread")
    file.add(numbers)
    try file.write(to: path)
  }

  fileprivate func begin(
    _ model: LanguageModel, _ options: GenerationOptions, after prompt: String, seed: UInt64?
  ) throws -> Generation {
    var memory = prompt.isEmpty ? memory : memory.interrupted()
    // Another seed has its numbers from their beginning.
    if let seed, seed != memory.seed { (memory.seed, memory.drawn) = (seed, 0) }
    var writer = try TextWriter(options, vocabulary: model.vocabulary, after: memory)
    let more = try model.vocabulary.encode(prompt)
    for id in more { writer.read(id) }
    let state = GenerationState(model)
    state.assign(numbers.block)
    return Generation(
      Generation.Reader(model: model, state: state, unread: (unread + more)[...]), writer)
  }
}

extension Generation {
  /// Goes on with a text.
  ///
  /// - Parameters:
  ///   - model: What wrote it.
  ///   - state: Where it was.
  ///   - prompt: What stands between that and what is written now.
  ///   - options: How tokens are chosen, and where the text ends.
  ///   - seed: Another seed for another continuation; nil goes on with that of the state.
  /// - Throws: What the beginning of a text throws.
  public init(
    _ model: LanguageModel, from state: TextState, after prompt: String = "",
    _ options: GenerationOptions = .init(), seed: UInt64? = nil
  ) throws {
    self = try state.begin(model, options, after: prompt, seed: seed)
  }

  /// Whether the end of the text keeps back what is not certain yet, for a `TextState`: half of a
  /// character, and what may be the beginning of a stop string.
  public var keepsEnd: Bool {
    get { writer?.keepsEnd ?? false }
    set { writer?.keepsEnd = newValue }
  }
}
