internal import DenseMath
internal import Layers
internal import Parameters

/// What makes the probabilities of the next symbol of what the decoder has combined, h̃.
struct TranslatorOutput: Sendable {
  private enum Kind {
    case affine(Affine)
    /// The vectors of the target's symbols are the weights, beside a bias.
    case tied(bias: Weight)
    case adaptive(AdaptiveSoftmax)
  }

  private let kind: Kind
  private let target: Embedding
  /// All that can be written, the network's own symbols among them.
  private let symbols: Int
  private let labelSmoothing: Double

  init(
    _ configuration: Translator.Configuration, inputs: Int, symbols: Int, of target: Embedding,
    in layout: inout ParameterLayout
  ) {
    self.target = target
    self.symbols = symbols
    labelSmoothing = configuration.labelSmoothing
    kind =
      if let cutoffs = configuration.cutoffs {
        .adaptive(
          AdaptiveSoftmax(
            inputs: inputs, classes: symbols, cutoffs: cutoffs, name: "output", in: &layout))
      } else if configuration.tiesEmbeddings {
        .tied(bias: layout.declare("output.bias", shape: [symbols], as: .constant(0)))
      } else {
        .affine(Affine(inputs: inputs, outputs: symbols, name: "output", in: &layout))
      }
  }

  /// The symbols of the network's own, after the vocabulary's: the one that stands before a sentence,
  /// which is read and never written, the one after it, and the one for unknown words.
  static let ownSymbols = 3

  /// The classes of an adaptive softmax go by frequency: first those of the symbols before a sentence,
  /// for unknown words and after a sentence, then the vocabulary's.
  private func adaptiveClass(of symbol: Int32) -> Int32 {
    let own = symbol - Int32(symbols - Self.ownSymbols)
    guard own > 0 else { return own == 0 ? 0 : symbol + Int32(Self.ownSymbols) }
    return Int32(Self.ownSymbols) - own
  }

  private func symbol(ofAdaptiveClass number: Int32) -> Int32 {
    let own = Int32(Self.ownSymbols)
    guard number < own else { return number - own }
    return Int32(symbols) - (number == 0 ? own : number)
  }

  /// The score of each target symbol after each row of h̃.
  private func scores<S: Real>(
    _ combined: Matrix<S>, tied bias: Weight, on workspace: Workspace<S>
  ) -> Matrix<S> {
    let scores = workspace.arena.matrix(combined.rows, symbols)
    workspace.product(combined, target.table, into: scores, accumulate: false)
    S.addRow(workspace[bias], into: scores)
    return scores
  }

  /// The likeliest symbols after each row of h̃, the best first; never the one before a sentence, and
  /// the one for unknown words only where it is asked for.
  func likeliest(
    _ count: Int, after combined: Matrix<Float>, withUnknown: Bool, on workspace: Workspace<Float>
  ) -> [LikeliestClasses] {
    let scores: Matrix<Float>
    switch kind {
    case .affine(let affine): scores = affine.forward(combined, on: workspace)
    case .tied(let bias): scores = self.scores(combined, tied: bias, on: workspace)
    case .adaptive(let softmax):
      return softmax.likeliest(count, combined, from: withUnknown ? 1 : 2, on: workspace).map {
        $0.renumbered { symbol(ofAdaptiveClass: $0) }
      }
    }
    let normalizers = SoftmaxCrossEntropy.normalizers(of: scores, on: workspace)
    let begin = symbols - Self.ownSymbols
    return (0..<combined.rows).map { row in
      var best = LikeliestClasses(count)
      for part in [0..<begin, begin + 1..<symbols - (withUnknown ? 0 : 1)] {
        best.take(
          scores.rows(row..<row + 1).columns(part), less: normalizers[row, 0],
          from: part.lowerBound)
      }
      return best
    }
  }

  /// The sum of -log p of the right symbol after each row of h̃, in nats.
  func loss<S: Real>(
    _ combined: Matrix<S>, _ targets: IndexBlock, on workspace: Workspace<S>
  ) -> Double {
    switch kind {
    case .affine(let affine):
      return SoftmaxCrossEntropy.loss(affine.forward(combined, on: workspace), targets: targets)
    case .tied(let bias):
      return SoftmaxCrossEntropy.loss(
        scores(combined, tied: bias, on: workspace), targets: targets)
    case .adaptive(let softmax):
      for row in targets.indices { targets[row] = adaptiveClass(of: targets[row]) }
      return softmax.loss(combined, targets: targets, on: workspace)
    }
  }

  /// The same sum, with smoothing too, and the gradient of h̃ of `scale` times the smoothed one.
  func lossAndGradient<S: Real>(
    _ combined: Matrix<S>, _ targets: IndexBlock, scale: Double,
    on workspace: Workspace<S>
  ) -> (loss: Double, smoothed: Double, gradient: Matrix<S>) {
    func judge(_ scores: Matrix<S>) -> (loss: Double, smoothed: Double) {
      SoftmaxCrossEntropy.lossAndGradient(
        scores, targets: targets, scale: scale, smoothing: labelSmoothing,
        on: workspace)
    }
    switch kind {
    case .affine(let affine):
      let scores = affine.forward(combined, on: workspace)
      let (loss, smoothed) = judge(scores)
      return (loss, smoothed, affine.backward(scores, x: combined, on: workspace))
    case .tied(let bias):
      let scores = scores(combined, tied: bias, on: workspace)
      let (loss, smoothed) = judge(scores)
      workspace.addGradient(of: target.table, from: scores, times: combined)
      S.addColumns(of: scores, into: workspace.gradient(of: bias))
      let back = workspace.arena.matrix(combined.rows, combined.columns)
      workspace.productBack(scores, target.table, into: back, accumulate: false)
      return (loss, smoothed, back)
    case .adaptive(let softmax):
      for row in targets.indices { targets[row] = adaptiveClass(of: targets[row]) }
      return softmax.lossAndGradient(
        combined, targets: targets, scale: scale, smoothing: labelSmoothing,
        on: workspace)
    }
  }
}
