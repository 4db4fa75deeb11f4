import DenseMath
import Parameters
import TestSupport
import Testing

@Suite struct WeightDropTests {
  @Test func productsAndGradientsMissTheSameElements() {
    var layout = ParameterLayout()
    let w = layout.declare("w", shape: [30, 20], as: .uniform(1), isFactor: true)
    let parameters = Parameters<Double>(layout, seed: 2)
    let packed = PackedWeights<Double>(
      layout, forTraining: true, drops: [WeightDrop(w, rate: 0.4)])
    let workspace = Workspace(parameters, packed: packed, forTraining: true)
    packed.load(
      parameters, masks: (CounterRandom(seed: 1, stream: .dropout), 3), on: Shards(threads: 2))
    // The rows of the unit matrix read the weight's columns.
    let unit = workspace.arena.zeros(20, 20)
    for index in 0..<20 { unit[index, index] = 1 }
    let product = workspace.arena.matrix(20, 30)
    workspace.product(unit, w, into: product, accumulate: false)
    let gradients = Gradients<Double>(layout)
    Double.fill(gradients[w], with: 1)
    packed.maskGradients(gradients)
    var dropped = 0
    for row in 0..<30 {
      for column in 0..<20 {
        let mask = gradients[w][row, column]
        #expect(mask == 0 || abs(mask - 1 / 0.6) < 1e-12)
        #expect(abs(product[column, row] - mask * parameters[w][row, column]) < 1e-12)
        dropped += mask == 0 ? 1 : 0
      }
    }
    #expect(dropped > 180 && dropped < 300)
    packed.load(parameters, on: Shards(threads: 1))
    workspace.product(unit, w, into: product, accumulate: false)
    #expect(product[3, 4] == parameters[w][4, 3])
    withExtendedLifetime(gradients) {}
  }
}
