import Cells
import DenseMath
import Parameters
import TestSupport
import Testing

private let tolerance = 1e-7

@Suite struct GradientTests {
  @Test(arguments: CellKind.builtIn, [1, 2, 3])
  func gradientsMatchCentralDifferences(kind: CellKind, layers: Int) {
    for seed in 1...3 {
      var numbers = TestNumbers(seed: UInt64(seed))
      let lengths = (0..<numbers.integer(1...4)).map { _ in numbers.integer(1...5) }.sorted(by: >)
      expectGradients(
        StackCase<Double>(
          kind, layers: layers, inputSize: numbers.integer(1...4),
          // The norm of one or two units is a sign, which has no gradient to compare.
          hiddenSize: numbers.integer(kind == .lstmLayerNorm ? 3...6 : 1...5), lengths: lengths,
          seed: UInt64(100 + seed)),
        "\(kind) \(layers) layers, lengths \(lengths), seed \(seed)")
    }
  }

  @Test(arguments: CellKind.builtIn, [1, 2])
  func gradientsOfBothDirectionsMatchCentralDifferences(kind: CellKind, layers: Int) {
    let testCase = StackCase<Double>(
      kind, layers: layers, inputSize: 3, hiddenSize: 3, lengths: [4, 2, 2, 1],
      dropout: Dropout(outputs: 0.3),
      directions: .both, seed: 12)
    testCase.masks = Dropout.Masks(
      CounterRandom(seed: 4, stream: .dropout), step: 1, firstLane: 0)
    expectGradients(testCase, "\(kind) both directions, \(layers) levels")
  }

  @Test func lockedDropoutIsDifferentiated() {
    let testCase = StackCase<Double>(
      .lstm, layers: 2, inputSize: 3, hiddenSize: 6, lengths: [4, 3, 1],
      dropout: Dropout(outputs: 0.4), seed: 9)
    testCase.masks = Dropout.Masks(
      CounterRandom(seed: 4, stream: .dropout), step: 7, firstLane: 0)
    expectGradients(testCase, "dropout")
  }

  /// Every way of forgetting at once, in every cell: masks differ by layer, step and lane.
  @Test(arguments: CellKind.builtIn, [Directions.forward, .both])
  func everyCombinatorIsDifferentiated(kind: CellKind, directions: Directions) {
    let testCase = StackCase<Double>(
      kind, layers: 3, inputSize: 3, hiddenSize: 3, lengths: [3, 2, 1],
      dropout: Dropout(
        inputs: 0.3, states: 0.4, outputs: 0.2, zoneoutHidden: 0.3, zoneoutCell: 0.4),
      directions: directions, isResidual: true, seed: 21)
    for masks in [
      Dropout.Masks(CounterRandom(seed: 8, stream: .dropout), step: 3, firstLane: 2), nil,
    ] {
      testCase.masks = masks
      expectGradients(testCase, "\(kind) \(directions), masks: \(masks != nil)")
    }
  }

  @Test func aPlantedErrorOfTwoThousandthsIsSeen() {
    let testCase = StackCase<Double>(
      .lstm, layers: 1, inputSize: 2, hiddenSize: 3, lengths: [3, 2], seed: 5)
    var gradients = testCase.gradients().input
    gradients[1] *= 1.002
    let values = UnsafeMutableBufferPointer(start: testCase.input.base, count: gradients.count)
    #expect(worstGradientError(of: values, gradients: gradients, loss: testCase.loss) > 1e-4)
  }

  private func expectGradients(_ testCase: StackCase<Double>, _ label: String) {
    let (input, initial) = testCase.gradients()
    for entry in testCase.parameters.layout.entries {
      let found = testCase.workspace.gradients.map { Array($0.elements(of: entry)) } ?? []
      let error = worstGradientError(
        of: testCase.parameters.elements(of: entry), gradients: found, loss: testCase.loss)
      #expect(error < tolerance, "\(label): \(entry.name)")
    }
    let values = UnsafeMutableBufferPointer(
      start: testCase.input.base, count: testCase.input.rows * testCase.input.columns)
    #expect(
      worstGradientError(of: values, gradients: input, loss: testCase.loss) < tolerance,
      "\(label): input")
    // The arena is taken back by the next forward run, so the gradients are copied out first.
    let copies = testCase.gradients().initial.map { ($0.hidden.elements, $0.cell.elements) }
    #expect(initial.count == copies.count)
    for (layer, state) in testCase.initial.layers.enumerated() {
      for (block, gradients) in [(state.hidden, copies[layer].0), (state.cell, copies[layer].1)] {
        let values = UnsafeMutableBufferPointer(start: block.base, count: gradients.count)
        #expect(
          worstGradientError(of: values, gradients: gradients, loss: testCase.loss) < tolerance,
          "\(label): initial state of layer \(layer)")
      }
    }
  }
}
