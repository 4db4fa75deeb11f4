import Cells
import Experiments
import Testing

@Suite struct GradientFlowTests {
  @Test func anElmanNetworkVanishesWhereAnOpenLSTMDoesNot() {
    let (quiet, loud) = GradientFlow.standardCurves(hiddenSize: 32, length: 128, seed: 3)
    #expect(quiet.map(\.places) == Array(repeating: [1, 2, 4, 8, 16, 32, 64, 128], count: 5))
    let last = quiet.compactMap(\.values.last)
    #expect(last[1] < 1e-12)
    #expect(last[4] > 1e10 * last[1] && last[4] > 1e-3)
    #expect((loud.first?.values.last ?? 0) > 1e6)
  }

  /// h' = (1 - z) h + z n with z of the input alone: every step back multiplies by 1 - z < 1.
  @Test func aMinGRUWithFreshWeightsOnlyEverShrinks() {
    let curve = GradientFlow.measure(.minGRU, label: "", hiddenSize: 16, length: 64)
    for (early, late) in zip(curve.values, curve.values.dropFirst()) { #expect(late < early) }
    #expect(curve.values[0] == 1 && curve.values.allSatisfy { $0 > 0 })
  }

  /// A GRU that has learnt to add keeps what a fresh one loses, and an Elman network does not.
  @Test func learningOpensTheGates() {
    let (before, after) = GradientFlow.learning(
      .gru, label: "GRU", length: 40, measuredOver: 128, sequences: 3000, seed: 1)
    #expect(before.places.last == 128 && after.places.last == 128)
    #expect((before.values.last ?? 1) < 1e-6 && (after.values.last ?? 0) > 0.1)
    let (_, elman) = GradientFlow.learning(
      .elman, label: "Elman", length: 40, measuredOver: 128, sequences: 3000, seed: 1)
    #expect((elman.values.last ?? 1) < 1e-6)
  }

  @Test func withoutClippingTrainingIsThrownAway() {
    let (norms, losses) = GradientFlow.clipping(
      at: nil, label: "", length: 50, updates: 60, seed: 1)
    #expect(norms.values.count < 60 && (norms.values.max() ?? 0) > 1e6)
    let (_, clipped) = GradientFlow.clipping(at: 1, label: "", length: 50, updates: 60, seed: 1)
    #expect(clipped.values.count == 60)
    #expect(clipped.values.suffix(10).reduce(0, +) / 10 < 0.5)
    #expect(losses.values.first == clipped.values.first)
  }
}
