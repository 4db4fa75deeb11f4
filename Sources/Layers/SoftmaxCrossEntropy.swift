public import DenseMath
public import Parameters

/// The loss of a choice among classes: -log softmax(logits)[target], in nats.
public enum SoftmaxCrossEntropy {
  /// The sum of the losses of all rows; rows with a negative target count nothing.
  ///
  /// `losses`, when given, receives each row's loss.
  public static func loss<S: Real>(
    _ logits: Matrix<S>, targets: IndexBlock,
    losses: UnsafeMutablePointer<S>? = nil
  ) -> Double {
    S.softmaxCrossEntropy(logits, targets: targets, scale: 0, losses: losses)
  }

  /// The same, leaving the gradient of `scale` times the sum in place of the logits.
  public static func lossAndGradient<S: Real>(
    _ logits: Matrix<S>, targets: IndexBlock, scale: Double
  ) -> Double {
    S.softmaxCrossEntropy(logits, targets: targets, scale: S(scale), losses: nil)
  }

  /// The same, with a fraction of the target's probability spread over all classes.
  ///
  ///     smoothed = (1 - fraction) · -log p(target) + fraction · the mean of -log p over all classes
  ///              = -log p(target) + fraction · (score of the target - mean of all scores)
  ///
  /// Label smoothing: C. Szegedy et al., "Rethinking the Inception architecture for computer vision",
  /// CVPR 2016. No target may be negative.
  ///
  /// - Parameters:
  ///   - logits: The scores [rows, classes]; then the gradient of `scale` times the smoothed sum.
  ///   - targets: The right class of each row.
  ///   - scale: The factor of the gradient.
  ///   - fraction: The fraction that is spread.
  ///   - workspace: Where scratch memory is taken.
  /// - Returns: The sums over all rows of the loss without and with smoothing.
  public static func lossAndGradient<S: Real>(
    _ logits: Matrix<S>, targets: IndexBlock, scale: Double, smoothing fraction: Double,
    on workspace: Workspace<S>
  ) -> (loss: Double, smoothed: Double) {
    guard fraction > 0 else {
      let loss = lossAndGradient(logits, targets: targets, scale: scale)
      return (loss, loss)
    }
    let ones = workspace.arena.matrix(logits.columns, 1)
    S.fill(ones, with: 1)
    let sums = workspace.arena.matrix(logits.rows, 1)
    S.product(logits, transposed: false, ones, transposed: false, into: sums, accumulate: false)
    var excess = 0.0
    for row in 0..<logits.rows {
      excess +=
        Double(logits[row, Int(targets[row])]) - Double(sums[row, 0]) / Double(logits.columns)
    }
    let loss = lossAndGradient(logits, targets: targets, scale: scale)
    let factor = fraction * scale
    let mean = workspace.arena.matrix(1, logits.columns)
    S.fill(mean, with: S(-factor / Double(logits.columns)))
    S.addRow(mean, into: logits)
    for row in 0..<logits.rows { logits[row, Int(targets[row])] += S(factor) }
    return (loss, loss + fraction * excess)
  }

  /// The logarithm of the sum of the exponentials of each row of scores, [rows, 1].
  ///
  /// log p(class) = its score less this.
  public static func normalizers<S: Real>(
    of logits: Matrix<S>, on workspace: Workspace<S>
  ) -> Matrix<S> {
    let found = workspace.arena.matrix(logits.rows, 1)
    let targets = workspace.arena.indices(logits.rows)
    targets.fill(with: 0)
    // The loss of a class is the normaliser less its score.
    _ = loss(logits, targets: targets, losses: found.base)
    for row in 0..<logits.rows { found[row, 0] += logits[row, 0] }
    return found
  }
}
