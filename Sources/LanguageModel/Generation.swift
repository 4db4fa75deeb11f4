internal import Cells
public import Decoding
internal import DenseMath
internal import Glibc
internal import ICUText
internal import Parameters

extension LanguageModel {
  /// Writes on from a prompt: a sequence of pieces of text, made one symbol at a time.
  ///
  /// Memory does not grow with the length. A prompt may hold anything: symbols never seen in
  /// training are read as their bytes.
  ///
  /// A model that reads backwards writes what comes before the prompt. Its end is made first, so
  /// the result is one piece, there must be a length, and there can be no stops.
  ///
  /// - Parameters:
  ///   - prompt: What stands before, or after for a model that reads backwards; it is not part of
  ///     the result.
  ///   - sampling: The sampler chain, in order.
  ///   - seed: Equal seeds give equal texts.
  ///   - length: The most symbols to write; nil for no end.
  ///   - stops: Texts at whose first appearance the writing ends, before them.
  ///   - threads: The threads of one matrix product; by default as many as gain.
  /// - Returns: The pieces, in order.
  /// - Throws: `SamplingError` for a step out of its range, `TextError` for a prompt that ICU
  ///   cannot take, `LanguageModelError` for what a model that reads backwards cannot do.
  public func generate(
    after prompt: String = "", sampling: [SamplingStep] = [], seed: UInt64 = 1,
    length: Int? = nil, stops: [String] = [], threads: Int? = nil
  ) throws -> Generation {
    let sampler = try Sampler(sampling)
    if configuration.isBackwards {
      guard length != nil else { throw LanguageModelError.backwardsWithoutLength }
      guard stops.isEmpty else { throw LanguageModelError.backwardsWithStops }
    }
    // A text begins as after a line feed, the nearest to a beginning that a corpus has inside, and
    // ends as before one.
    let symbols = prompt.isEmpty ? [10] : asRead(try vocabulary.encode(prompt))
    return Generation(
      GenerationState(self, prompt: symbols, threads: threads ?? defaultThreads),
      sampler: sampler, decoder: StreamingDecoder(vocabulary),
      random: CounterRandom(seed: seed, stream: .sampling), length: length,
      stops: StopStrings(stops), isBackwards: configuration.isBackwards)
  }
}

extension LanguageModel {
  /// The threads that one step of generation gains from.
  ///
  /// A step reads each weight once; where they fit into one core's cache, waiting for other cores
  /// costs more than they save.
  fileprivate var defaultThreads: Int {
    configuration.hiddenSize < 256 ? 1 : min(4, Shards.processors)
  }
}

/// A text in the making: pieces of whole characters, each as soon as it is certain.
///
/// It can be walked through once. The text of a model that reads backwards is a single piece.
public struct Generation: Sequence, IteratorProtocol {
  private let state: GenerationState
  private var sampler: Sampler
  private var decoder: StreamingDecoder
  private let random: CounterRandom
  private let length: Int?
  private var stops: StopStrings
  private let isBackwards: Bool
  private var written = 0
  private var isOver = false

  init(
    _ state: GenerationState, sampler: Sampler, decoder: StreamingDecoder, random: CounterRandom,
    length: Int?, stops: StopStrings, isBackwards: Bool
  ) {
    self.state = state
    self.sampler = sampler
    self.decoder = decoder
    self.random = random
    self.length = length
    self.stops = stops
    self.isBackwards = isBackwards
  }

  /// The next piece, never empty; nil at the end.
  public mutating func next() -> String? {
    if isBackwards { return wholeText() }
    while !isOver {
      var piece: String
      if written == length ?? .max {
        isOver = true
        piece = stops.append(decoder.finish()) + stops.finish()
      } else {
        let id = choose()
        piece = stops.append(decoder.append(id))
        // The text ends here, or more is needed: then the model reads what it wrote.
        if stops.isFound { isOver = true } else if written < length ?? .max { state.read(id) }
      }
      if !piece.isEmpty { return piece }
    }
    return nil
  }

  private mutating func choose() -> Int {
    defer { written += 1 }
    return sampler.choose(from: state.logits, random: random.uniform(step: 0, index: written))
  }

  /// All that is written, turned into the order of the text.
  private mutating func wholeText() -> String? {
    guard !isOver else { return nil }
    isOver = true
    var ids: [Int] = []
    while written < length ?? 0 {
      ids.append(choose())
      if let last = ids.last, written < length ?? 0 { state.read(last) }
    }
    var text = ""
    for id in ids.reversed() { text += decoder.append(id) }
    text += decoder.finish()
    return text.isEmpty ? nil : text
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

/// A model reading one symbol after another: its state and its scores for the next symbol.
final class GenerationState {
  private let network: LanguageNetwork
  private let workspace: Workspace<Float>
  private let state: StackState<Float>
  private let scores: UnsafeMutableBufferPointer<Float>
  private let threads: Int
  private let oneStep = PackedShape(steps: 1, batch: 1)

  // The first layer's projections of symbols, computed at a symbol's first use: a quarter of the
  // work of a step in a network of two layers. Pages that no symbol has touched cost no memory.
  private let projections: Matrix<Float>
  private var isProjected: [Bool]

  init(_ model: LanguageModel, prompt: [Int], threads: Int) {
    network = model.network
    self.threads = threads
    workspace = Workspace(model.parameters, packed: model.packed, forTraining: false)
    state = StackState(network.stack, batch: 1)
    scores = .allocate(capacity: network.output.outputs)
    scores.initialize(repeating: 0)
    let first = network.stack.layers[0]
    let width = first.cell.gateCount * first.hiddenSize
    let bytes = network.embedding.symbols * width * MemoryLayout<Float>.stride
    // A map rather than a malloc: it is zero and untouched, and aligned.
    guard
      let map = mmap(
        nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
      map != MAP_FAILED
    else { fatalError("no memory for the projections of \(network.embedding.symbols) symbols") }
    projections = Matrix(
      map.bindMemory(to: Float.self, capacity: network.embedding.symbols * width),
      rows: network.embedding.symbols, columns: width)
    isProjected = Array(repeating: false, count: network.embedding.symbols)
    read(prompt)
  }

  deinit {
    scores.deallocate()
    munmap(projections.base, projections.rows * projections.stride * MemoryLayout<Float>.stride)
  }

  /// The scores of all symbols, [1, symbols].
  var logits: Matrix<Float> {
    Matrix(scores.baseAddress.unsafelyUnwrapped, rows: 1, columns: scores.count)
  }

  /// Reads a text, many symbols at once.
  private func read(_ symbols: [Int]) {
    let atOnce = 256
    for start in stride(from: 0, to: symbols.count, by: atOnce) {
      let part = symbols[start..<min(start + atOnce, symbols.count)]
      workspace.reset()
      let ids = workspace.arena.indices(part.count)
      for (index, id) in part.enumerated() { ids[index] = Int32(id) }
      guard let first = ids.baseAddress else { continue }
      Shards.withProductThreads(threads) {
        let embedded = network.embedding.forward(first, count: part.count, on: workspace)
        advance(
          .indexed(embedded.vectors, embedded.index), PackedShape(steps: part.count, batch: 1))
      }
    }
  }

  /// Reads one symbol.
  func read(_ symbol: Int) {
    workspace.reset()
    let id = workspace.arena.indices(1)
    id[0] = Int32(symbol)
    guard let first = id.baseAddress else { return }
    Shards.withProductThreads(threads) {
      if !isProjected[symbol] {
        let embedded = network.embedding.forward(first, count: 1, on: workspace)
        network.stack.layers[0].projection(
          of: embedded.vectors, into: projections.rows(symbol..<symbol + 1), on: workspace)
        isProjected[symbol] = true
      }
      advance(.projected(projections, first), oneStep)
    }
  }

  private func advance(_ input: SequenceInput<Float>, _ shape: PackedShape) {
    let trace = network.stack.forward(input, shape, from: state.layers, on: workspace)
    state.update(from: trace)
    let last = trace.output.rows(shape.total - 1..<shape.total)
    Float.copy(network.output.forward(last, on: workspace), into: logits)
  }
}
