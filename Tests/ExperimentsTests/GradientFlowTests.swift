import Cells
import Experiments
import Testing

@Suite struct GradientFlowTests {
  @Test func anElmanNetworkVanishesWhereAnOpenLSTMDoesNot() {
    let (quiet, loud) = GradientFlow.standardCurves(hiddenSize: 32, length: 128, seed: 3)
    #expect(quiet.map(\.steps) == Array(repeating: [1, 2, 4, 8, 16, 32, 64, 128], count: 4))
    let last = quiet.compactMap(\.norms.last)
    #expect(last[0] < 1e-12)
    #expect(last[3] > 1e10 * last[0] && last[3] > 1e-3)
    #expect((loud.first?.norms.last ?? 0) > 1e6)
  }

  /// h' = (1 - z) h + z n with z of the input alone: every step back multiplies by 1 - z < 1.
  @Test func aMinGRUWithFreshWeightsOnlyEverShrinks() {
    let curve = GradientFlow.measure(.minGRU, label: "", hiddenSize: 16, length: 64)
    for (early, late) in zip(curve.norms, curve.norms.dropFirst()) { #expect(late < early) }
    #expect(curve.norms.allSatisfy { $0 > 0 && $0 < 1 })
  }
}
