internal import Cells
internal import DenseMath
internal import Glibc
internal import ICUText
internal import Parameters

/// How a text is presented when a model is evaluated on it.
public enum EvaluationProtocol: String, Codable, Sendable, CaseIterable {
  /// In one run: every token is predicted from all that the model reads before it.
  case carried
  /// In stretches of 256 with no state before them, every position of which counts; nanoGPT's way.
  case crops
}

/// How well a model predicts a text.
public struct EvaluationResult: Codable, Sendable, Equatable {
  /// How the text was presented.
  public let evaluationProtocol: EvaluationProtocol
  /// The tokens predicted, and the bytes of UTF-8 that they stand for.
  public let tokens, bytes: Int
  /// The sum of -log p, in nats.
  public let nats: Double

  /// Nats a token: the mean cross entropy.
  public var natsPerToken: Double { nats / Double(tokens) }
  /// Bits a token; for characters known as bits per character.
  public var bitsPerToken: Double { natsPerToken / log(2) }
  /// Bits a byte of UTF-8, which compares models of different units.
  public var bitsPerByte: Double { nats / log(2) / Double(max(1, bytes)) }
  /// e to the nats a token: among how many equally likely tokens the model is in doubt.
  public var perplexity: Double { exp(natsPerToken) }
}

extension LanguageModel {
  /// Measures how well the model predicts the tokens of a range, or of all the text.
  ///
  /// The first token of the range is only read; a model that reads backwards predicts each token
  /// from those after it, and only reads the last.
  ///
  /// - Parameters:
  ///   - text: A text, or its tokens in the model's own vocabulary.
  ///   - range: The part that is measured; nil for all.
  ///   - evaluationProtocol: How the text is presented.
  ///   - threads: Threads for `.crops`, which go side by side; they do not change the result. The
  ///     steps of `.carried` follow one another.
  ///   - progress: Told what fraction is measured, by the thread that does it.
  /// - Returns: The sum of the losses, and of what.
  /// - Throws: `LanguageModelError.nothingToEvaluate` when the range has fewer than two tokens, and
  ///   `LanguageModelError.overflow`.
  public func evaluate(
    on text: any TokenSource, range: Range<Int>? = nil,
    protocol evaluationProtocol: EvaluationProtocol = .carried, threads: Int? = nil,
    progress: (@Sendable (Double) -> Void)? = nil
  ) throws -> EvaluationResult {
    var tokens = try text.encoded(by: vocabulary)
    var range = range ?? 0..<tokens.count
    guard range.count >= 2 else { throw LanguageModelError.nothingToEvaluate(tokens: range.count) }
    tokens = asRead(tokens)
    if configuration.isBackwards {
      range = tokens.count - range.upperBound..<tokens.count - range.lowerBound
    }
    let nats: Double
    var predicted = range.dropFirst()
    switch evaluationProtocol {
    case .carried:
      nats = core.workspaces.withWorkspace {
        CarriedEvaluation(network, tokens: tokens, range: range).nats(on: $0, progress)
      }
    case .crops:
      let crops = CropEvaluation(network, tokens: tokens, range: range)
      nats = crops.nats(on: core.workspaces, Shards(threads: threads, progress: progress))
      predicted = predicted.prefix(crops.count)
    }
    guard nats.isFinite else { throw LanguageModelError.overflow }
    return EvaluationResult(
      evaluationProtocol: evaluationProtocol, tokens: predicted.count,
      bytes: predicted.reduce(0) { $0 + vocabulary.byteCount(of: tokens[$1]) }, nats: nats)
  }
}

/// Evaluation in one run: the state is carried over the whole range.
///
/// Each step needs the state of the one before, so nothing goes side by side; training validates on
/// `LaneValidation` instead, which is faster and not exact.
struct CarriedEvaluation {
  // Many steps, so that the inputs' projections and the scores are large products; not more, since
  // a step's scores are as many as the vocabulary has tokens.
  private static let stepsAtOnce = 256
  private let network: LanguageNetwork
  private let tokens: EncodedCorpus
  private let range: Range<Int>

  init(_ network: LanguageNetwork, tokens: EncodedCorpus, range: Range<Int>) {
    self.network = network
    self.tokens = tokens
    self.range = range
  }

  /// The sum of -log p over all tokens of the range but the first.
  func nats(
    on workspace: Workspace<Float>, _ progress: ((Double) -> Void)? = nil
  ) -> Double {
    let state = StackState<Float>(network.stack, batch: 1)
    let last = range.upperBound - 1
    var total = 0.0
    for first in stride(from: range.lowerBound, to: last, by: Self.stepsAtOnce) {
      let steps = min(Self.stepsAtOnce, last - first)
      workspace.reset()
      let stretch = workspace.arena.indices(steps + 1)
      stretch.withUnsafeMutableBufferPointer { tokens.copy(first..<first + steps + 1, into: $0) }
      // What should follow each token is the token one place on.
      total += network.loss(
        .init(
          inputs: stretch.part(0..<steps), targets: stretch.part(1..<steps + 1),
          shape: PackedShape(steps: steps, batch: 1)),
        state: state, on: workspace)
      progress?(Double(first + steps - range.lowerBound) / Double(last - range.lowerBound))
    }
    return total
  }
}

/// Evaluation in stretches that each begin without a state.
struct CropEvaluation {
  private static let cropsAtOnce = 16
  private let network: LanguageNetwork
  private let tokens: EncodedCorpus
  private let range: Range<Int>
  private let length, crops: Int

  init(_ network: LanguageNetwork, tokens: EncodedCorpus, range: Range<Int>) {
    self.network = network
    self.tokens = tokens
    self.range = range
    length = min(256, range.count - 1)
    crops = (range.count - 1) / length
  }

  /// The number of tokens predicted: those of whole stretches.
  var count: Int { crops * length }

  /// The sum of -log p over these tokens.
  func nats(on pool: WorkspacePool<Float>, _ shards: Shards) -> Double {
    let parts = (crops + Self.cropsAtOnce - 1) / Self.cropsAtOnce
    return shards.map(parts, on: pool) { part, workspace in
      let first = part * Self.cropsAtOnce
      return nats(of: first..<min(crops, first + Self.cropsAtOnce), on: workspace)
    }.reduce(0, +)
  }

  private func nats(of mine: Range<Int>, on workspace: Workspace<Float>) -> Double {
    network.loss(
      LanguageNetwork.batch(
        of: tokens, from: mine.map { range.lowerBound + $0 * length }, steps: length,
        on: workspace),
      state: StackState(network.stack, batch: mine.count), on: workspace)
  }
}
