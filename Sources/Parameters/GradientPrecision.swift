package import DenseMath

/// The precision in which the gradients of shards are summed, and travel between processes.
///
/// In bfloat16 each shard's gradient and each sum of the tree is rounded, in one process as in many, so that the
/// result does not depend on how many there are. Weights and moments stay what they are.
public enum GradientPrecision: String, Codable, Sendable, CaseIterable {
  /// 32-bit floating point.
  case float32 = "f32"
  /// bfloat16: messages of half the size.
  case bfloat16 = "bf16"

  /// Rounds numbers to it.
  package func round<S: Real>(_ values: UnsafeMutablePointer<S>, count: Int) {
    if self == .bfloat16 { S.roundToBFloat16(values, count: count) }
  }
}
