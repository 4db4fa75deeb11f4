public import DenseMath

/// The loss of a choice among classes: -log softmax(logits)[target], in nats.
public enum SoftmaxCrossEntropy {
  /// The sum of the losses of all rows; rows with a negative target count nothing.
  ///
  /// `losses`, when given, receives each row's loss.
  public static func loss<S: Real>(
    _ logits: Matrix<S>, targets: UnsafePointer<Int32>,
    losses: UnsafeMutablePointer<S>? = nil
  ) -> Double {
    S.softmaxCrossEntropy(logits, targets: targets, scale: 0, losses: losses)
  }

  /// The same, leaving the gradient of `scale` times the sum in place of the logits.
  public static func lossAndGradient<S: Real>(
    _ logits: Matrix<S>, targets: UnsafePointer<Int32>, scale: Double
  ) -> Double {
    S.softmaxCrossEntropy(logits, targets: targets, scale: S(scale), losses: nil)
  }
}
