internal import DenseMath
internal import Layers
internal import Parameters

/// What makes the probabilities of the next token of h̃, what the decoder has made at a step.
struct TranslatorOutput: Sendable {
  private enum Kind {
    case affine(Affine)
    /// The embedding's vectors are the weights, beside a bias.
    case tied(bias: Weight)
    case adaptive(AdaptiveSoftmax)
  }

  private let kind: Kind
  private let target: Embedding
  /// The number of all tokens that can be written, special ones among them.
  private let tokens: Int
  private let labelSmoothing: Double

  init(
    _ configuration: Translator.Configuration, inputs: Int, tokens: Int, of target: Embedding,
    in layout: inout ParameterLayout
  ) {
    self.target = target
    self.tokens = tokens
    labelSmoothing = configuration.labelSmoothing
    kind =
      if let cutoffs = configuration.cutoffs {
        .adaptive(
          AdaptiveSoftmax(
            inputs: inputs, classes: tokens, cutoffs: cutoffs, name: "output", in: &layout))
      } else if configuration.tiesEmbeddings {
        .tied(bias: layout.declare("output.bias", shape: [tokens], as: .constant(0)))
      } else {
        .affine(Affine(inputs: inputs, outputs: tokens, name: "output", in: &layout))
      }
  }

  /// The special tokens, whose ids follow the vocabulary's: the one that stands before a sentence, which
  /// is read and never written, the one after it, and the one for unknown words.
  static let specialTokens = 3

  /// The classes of an adaptive softmax go by frequency: first those of the tokens before a sentence,
  /// for unknown words and after a sentence, then the vocabulary's.
  private func adaptiveClass(of id: Int32) -> Int32 {
    let special = id - Int32(tokens - Self.specialTokens)
    guard special > 0 else { return special == 0 ? 0 : id + Int32(Self.specialTokens) }
    return Int32(Self.specialTokens) - special
  }

  private func id(ofAdaptiveClass number: Int32) -> Int32 {
    let special = Int32(Self.specialTokens)
    guard number < special else { return number - special }
    return Int32(tokens) - (number == 0 ? special : number)
  }

  /// The logits of all tokens after each row of h̃.
  private func logits<S: Real>(
    _ combined: Matrix<S>, tied bias: Weight, on workspace: Workspace<S>
  ) -> Matrix<S> {
    let logits = workspace.arena.matrix(combined.rows, tokens)
    workspace.product(combined, target.table, into: logits, accumulate: false)
    S.addRow(workspace[bias], into: logits)
    return logits
  }

  /// The likeliest tokens after each row of h̃, the best first; never the one before a sentence, and
  /// the one for unknown words only where it is asked for.
  func likeliest(
    _ count: Int, within margin: Double, after combined: Matrix<Float>, withUnknown: Bool,
    leastUseful: ([Float]) -> [Float], on workspace: Workspace<Float>
  ) -> [LikeliestClasses] {
    let logits: Matrix<Float>
    switch kind {
    case .affine(let affine): logits = affine.forward(combined, on: workspace)
    case .tied(let bias): logits = self.logits(combined, tied: bias, on: workspace)
    case .adaptive(let softmax):
      return softmax.likeliest(
        count, within: margin, combined, from: withUnknown ? 1 : 2, leastUseful: leastUseful,
        on: workspace
      ).map {
        $0.renumbered { id(ofAdaptiveClass: $0) }
      }
    }
    let normalizers = SoftmaxCrossEntropy.normalizers(of: logits, on: workspace)
    let begin = tokens - Self.specialTokens
    return (0..<combined.rows).map { row in
      var best = LikeliestClasses(count, within: margin)
      for part in [0..<begin, begin + 1..<tokens - (withUnknown ? 0 : 1)] {
        best.take(
          logits.rows(row..<row + 1).columns(part), less: normalizers[row, 0],
          from: part.lowerBound)
      }
      return best
    }
  }

  /// The sum of -log p of the right token after each row of h̃, in nats.
  func loss<S: Real>(
    _ combined: Matrix<S>, _ right: IndexBlock, on workspace: Workspace<S>
  ) -> Double {
    switch kind {
    case .affine(let affine):
      return SoftmaxCrossEntropy.loss(affine.forward(combined, on: workspace), targets: right)
    case .tied(let bias):
      return SoftmaxCrossEntropy.loss(
        logits(combined, tied: bias, on: workspace), targets: right)
    case .adaptive(let softmax):
      for row in right.indices { right[row] = adaptiveClass(of: right[row]) }
      return softmax.loss(combined, targets: right, on: workspace)
    }
  }

  /// The same sum, with smoothing too, and the gradient of h̃ of `scale` times the smoothed one.
  func lossAndGradient<S: Real>(
    _ combined: Matrix<S>, _ right: IndexBlock, scale: Double,
    on workspace: Workspace<S>
  ) -> (loss: Double, smoothed: Double, gradient: Matrix<S>) {
    func judge(_ logits: Matrix<S>) -> (loss: Double, smoothed: Double) {
      SoftmaxCrossEntropy.lossAndGradient(
        logits, targets: right, scale: scale, smoothing: labelSmoothing,
        on: workspace)
    }
    switch kind {
    case .affine(let affine):
      let logits = affine.forward(combined, on: workspace)
      let (loss, smoothed) = judge(logits)
      return (loss, smoothed, affine.backward(logits, x: combined, on: workspace))
    case .tied(let bias):
      let logits = logits(combined, tied: bias, on: workspace)
      // The gradient of the logits takes their place.
      let (loss, smoothed) = judge(logits)
      workspace.addGradient(of: target.table, from: logits, times: combined)
      S.addColumns(of: logits, into: workspace.gradient(of: bias))
      let gradient = workspace.arena.matrix(combined.rows, combined.columns)
      workspace.productBack(logits, target.table, into: gradient, accumulate: false)
      return (loss, smoothed, gradient)
    case .adaptive(let softmax):
      for row in right.indices { right[row] = adaptiveClass(of: right[row]) }
      return softmax.lossAndGradient(
        combined, targets: right, scale: scale, smoothing: labelSmoothing,
        on: workspace)
    }
  }
}
