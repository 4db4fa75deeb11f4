internal import Cells
internal import DenseMath
internal import Glibc
public import ICUText
internal import Parameters

/// How a text is presented when a model is evaluated on it.
public enum EvaluationProtocol: String, Codable, Sendable, CaseIterable {
  /// In one run: every symbol is predicted from all that the model reads before it.
  case carried
  /// In stretches of 256 with no state before them, every position of which counts; nanoGPT's way.
  case crops
}

/// How well a model predicts a text.
public struct EvaluationResult: Codable, Sendable, Equatable {
  /// How the text was presented.
  public let evaluationProtocol: EvaluationProtocol
  /// The symbols predicted, and the bytes of UTF-8 that they stand for.
  public let symbols, bytes: Int
  /// The sum of -log p, in nats.
  public let nats: Double

  /// Nats a symbol: the mean cross entropy.
  public var natsPerSymbol: Double { nats / Double(symbols) }
  /// Bits a symbol; for characters known as bits per character.
  public var bitsPerSymbol: Double { natsPerSymbol / log(2) }
  /// Bits a byte of UTF-8, which compares models of different units.
  public var bitsPerByte: Double { nats / log(2) / Double(max(1, bytes)) }
  /// e to the nats a symbol: among how many equally likely symbols the model is in doubt.
  public var perplexity: Double { exp(natsPerSymbol) }
}

extension LanguageModel {
  /// Measures how well the model predicts the symbols of a range, or of all the text.
  ///
  /// The first symbol of the range is only read; a model that reads backwards predicts each symbol
  /// from those after it, and only reads the last. Throws `LanguageModelError.nothingToEvaluate`
  /// when the range has fewer than two symbols.
  public func evaluate(
    on symbols: EncodedCorpus, range: Range<Int>? = nil,
    protocol evaluationProtocol: EvaluationProtocol = .carried, threads: Int? = nil
  ) throws(LanguageModelError) -> EvaluationResult {
    var range = range ?? 0..<symbols.count
    guard range.count >= 2 else { throw .nothingToEvaluate(symbols: range.count) }
    let symbols = asRead(symbols)
    if configuration.isBackwards {
      range = symbols.count - range.upperBound..<symbols.count - range.lowerBound
    }
    let shards = Shards(threads: threads)
    let (nats, count): (Double, Int)
    var predicted = range.dropFirst()
    switch evaluationProtocol {
    case .carried:
      (nats, count) = CarriedEvaluation(network, symbols: symbols, range: range).run(
        parameters, packed: packed, on: shards)
    case .crops:
      let crops = CropEvaluation(network, symbols: symbols, range: range)
      (nats, count) = crops.run(parameters, packed: packed, on: shards)
      predicted = predicted.prefix(count)
    }
    var bytes = 0
    for index in predicted { bytes += vocabulary.byteCount(of: symbols[index]) }
    return EvaluationResult(
      evaluationProtocol: evaluationProtocol, symbols: count, bytes: bytes, nats: nats)
  }
}

/// Evaluation in one run, cut into lanes for speed.
///
/// Each lane first reads `warmUp` symbols before those that it counts, so that it knows what a
/// single run would know there, but for what an LSTM keeps longer than that.
struct CarriedEvaluation {
  private static let warmUp = 256
  private static let stepsAtOnce = 64
  private let network: LanguageNetwork
  private let symbols: EncodedCorpus
  private let range: Range<Int>
  private let lanes: Int

  init(_ network: LanguageNetwork, symbols: EncodedCorpus, range: Range<Int>) {
    self.network = network
    self.symbols = symbols
    self.range = range
    // A lane counts at least four times what it reads to warm up.
    lanes = max(1, min(32, range.count / (4 * Self.warmUp)))
  }

  private struct Part {
    var nats = 0.0
  }

  /// The sum of -log p, and how many symbols it is a sum of.
  func run(
    _ parameters: Parameters<Float>, packed: PackedWeights<Float>, on shards: Shards
  ) -> (nats: Double, count: Int) {
    var parts = [Part](repeating: Part(), count: min(4, lanes))
    let count = parts.count
    let this = self
    shards.forEach(&parts) { shard, part in
      part.nats = this.runLanes(
        shard * this.lanes / count..<(shard + 1) * this.lanes / count,
        on: Workspace(parameters, packed: packed, forTraining: false))
    }
    return (parts.reduce(0) { $0 + $1.nats }, range.count - 1)
  }

  private func runLanes(_ mine: Range<Int>, on workspace: Workspace<Float>) -> Double {
    let batch = mine.count
    let targets = range.count - 1
    // Of each lane: the first symbol read, the first counted as a target, and the end of those.
    let spans = mine.map { lane in
      let counted = range.lowerBound + 1 + lane * targets / lanes
      let end = range.lowerBound + 1 + (lane + 1) * targets / lanes
      return (start: max(range.lowerBound, counted - 1 - Self.warmUp), counted: counted, end: end)
    }
    let longest = spans.reduce(0) { max($0, $1.end - 1 - $1.start) }
    let state = StackState<Float>(network.stack, batch: batch)
    var total = 0.0
    for first in stride(from: 0, to: longest, by: Self.stepsAtOnce) {
      let steps = min(Self.stepsAtOnce, longest - first)
      workspace.reset()
      let inputs = workspace.arena.indices(steps * batch)
      let wanted = workspace.arena.indices(steps * batch)
      let stretch = workspace.arena.indices(steps + 1)
      for (lane, span) in spans.enumerated() {
        let from = min(span.start + first, span.end - 1)
        let known = min(steps, span.end - 1 - from)
        symbols.copy(
          from..<from + known + 1, into: UnsafeMutableBufferPointer(rebasing: stretch[...known]))
        for step in 0..<steps {
          // A lane that is over reads byte 0 and counts nothing.
          inputs[step * batch + lane] = step < known ? stretch[step] : 0
          wanted[step * batch + lane] =
            step < known && from + step + 1 >= span.counted ? stretch[step + 1] : -1
        }
      }
      guard let input = inputs.baseAddress, let target = wanted.baseAddress else { break }
      total += network.loss(
        .init(inputs: input, targets: target, shape: PackedShape(steps: steps, batch: batch)),
        state: state, on: workspace)
    }
    return total
  }
}

/// Evaluation in stretches that each begin without a state.
struct CropEvaluation {
  private static let length = 256
  private static let cropsAtOnce = 16
  private let network: LanguageNetwork
  private let symbols: EncodedCorpus
  private let range: Range<Int>

  init(_ network: LanguageNetwork, symbols: EncodedCorpus, range: Range<Int>) {
    self.network = network
    self.symbols = symbols
    self.range = range
  }

  /// The sum of -log p, and how many symbols it is a sum of.
  func run(
    _ parameters: Parameters<Float>, packed: PackedWeights<Float>, on shards: Shards
  ) -> (nats: Double, count: Int) {
    let length = min(Self.length, range.count - 1)
    let crops = (range.count - 1) / length
    var parts = [Double](repeating: 0, count: (crops + Self.cropsAtOnce - 1) / Self.cropsAtOnce)
    let this = self
    shards.forEach(&parts) { part, nats in
      let mine = part * Self.cropsAtOnce..<min(crops, (part + 1) * Self.cropsAtOnce)
      nats = this.runCrops(
        mine, length: length, on: Workspace(parameters, packed: packed, forTraining: false))
    }
    return (parts.reduce(0, +), crops * length)
  }

  private func runCrops(_ mine: Range<Int>, length: Int, on workspace: Workspace<Float>) -> Double {
    let batch = mine.count
    let inputs = workspace.arena.indices(length * batch)
    let wanted = workspace.arena.indices(length * batch)
    let stretch = workspace.arena.indices(length + 1)
    for (lane, crop) in mine.enumerated() {
      let from = range.lowerBound + crop * length
      symbols.copy(from..<from + length + 1, into: stretch)
      for step in 0..<length {
        inputs[step * batch + lane] = stretch[step]
        wanted[step * batch + lane] = stretch[step + 1]
      }
    }
    guard let input = inputs.baseAddress, let target = wanted.baseAddress else { return 0 }
    return network.loss(
      .init(inputs: input, targets: target, shape: PackedShape(steps: length, batch: batch)),
      state: StackState(network.stack, batch: batch), on: workspace)
  }
}
