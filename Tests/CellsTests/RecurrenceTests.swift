import Cells
import DenseMath
import Parameters
import TestSupport
import Testing

@Suite struct RecurrenceTests {
  @Test(arguments: CellKind.allCases, [Directions.forward, .both])
  func aRaggedBatchIsItsSingleSequences(kind: CellKind, directions: Directions) {
    let lengths = [6, 4, 4, 1]
    let width = 5 * directions.rawValue
    let batch = StackCase<Double>(
      kind, layers: 2, inputSize: 3, hiddenSize: 5, lengths: lengths, directions: directions,
      seed: 3)
    let trace = batch.forward()
    let output = trace.output.elements
    let final = batch.finalStates(trace)
    for (row, length) in lengths.enumerated() {
      let single = StackCase<Double>(
        kind, layers: 2, inputSize: 3, hiddenSize: 5, lengths: [length], directions: directions,
        seed: 3)
      single.parameters.assign(batch.parameters)
      for step in 0..<length {
        Double.copy(
          batch.input.rows(batch.shape.offsets[step] + row..<batch.shape.offsets[step] + row + 1),
          into: single.input.rows(step..<step + 1))
      }
      for (mine, all) in zip(single.initial.layers, batch.initial.layers) {
        Double.copy(all.hidden.rows(row..<row + 1), into: mine.hidden)
        Double.copy(all.cell.rows(row..<row + 1), into: mine.cell)
      }
      let alone = single.forward()
      for step in 0..<length {
        let at = (batch.shape.offsets[step] + row) * width
        #expect(alone.output.rows(step..<step + 1).elements == Array(output[at..<at + width]))
      }
      let ended = single.finalStates(alone)
      for (mine, all) in zip(ended.layers, final.layers) {
        #expect(mine.hidden.elements == all.hidden.rows(row..<row + 1).elements)
        #expect(mine.cell.elements == all.cell.rows(row..<row + 1).elements)
      }
    }
  }

  @Test(arguments: CellKind.allCases)
  func twoBatchesWithCarriedStateAreOneLongBatch(kind: CellKind) {
    let long = StackCase<Double>(
      kind, layers: 2, inputSize: 2, hiddenSize: 4, lengths: [7, 7], seed: 8)
    let whole = long.forward().output.elements
    let state = StackState<Double>(long.stack, batch: 2)
    for (mine, all) in zip(state.layers, long.initial.layers) {
      Double.copy(all.hidden, into: mine.hidden)
      Double.copy(all.cell, into: mine.cell)
    }
    defer { withExtendedLifetime(state) {} }
    var parts: [Double] = []
    for steps in [0..<3, 3..<7] {
      long.workspace.reset()
      let trace = long.stack.forward(
        .vectors(long.input.rows(2 * steps.lowerBound..<2 * steps.upperBound)),
        PackedShape(steps: steps.count, batch: 2), from: state.layers, on: long.workspace)
      state.update(from: trace)
      parts += trace.output.elements
    }
    #expect(parts == whole)
  }

  @Test(arguments: CellKind.allCases)
  func indexedInputIsTheSameAsItsVectors(kind: CellKind) {
    let testCase = StackCase<Double>(
      kind, layers: 1, inputSize: 3, hiddenSize: 4, lengths: [3, 2], seed: 6)
    let index: [Int32] = [1, 0, 1, 1, 0]
    let table = testCase.input.rows(0..<2)
    var rows = [Double]()
    for place in index { rows += table.rows(Int(place)..<Int(place) + 1).elements }
    let layer = testCase.stack.layers[0]
    func run(_ input: SequenceInput<Double>) -> (
      output: [Double], input: [Double], weights: [Double]
    ) {
      let workspace = testCase.workspace
      workspace.gradients?.clear()
      let trace = layer.forward(
        input, testCase.shape, from: testCase.initial.layers[0], on: workspace)
      let output = trace.output.elements
      let zero = CellState(
        hidden: workspace.arena.zeros(2, 4),
        cell: workspace.arena.zeros(2, testCase.initial.layers[0].cell.columns))
      let gradient = layer.backward(
        trace, outputGradient: testCase.outputWeights, stateGradient: zero, on: workspace)
      return (
        output, gradient?.elements ?? [], workspace.gradients.map { Array($0.elements) } ?? []
      )
    }
    _ = testCase.forward()
    let indexed = index.withUnsafeBufferPointer { pointer in
      pointer.baseAddress.map { run(.indexed(table, $0)) }
    }
    let expanded = rows.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.map { run(.vectors(Matrix($0, rows: 5, columns: 3))) }
    }
    guard let indexed, let expanded else {
      Issue.record("no rows")
      return
    }
    #expect(worstDifference(indexed.output, expanded.output) < 1e-12)
    #expect(worstDifference(indexed.weights, expanded.weights) < 1e-12)
    var summed = [Double](repeating: 0, count: 6)
    for (row, place) in index.enumerated() {
      for column in 0..<3 { summed[Int(place) * 3 + column] += expanded.input[row * 3 + column] }
    }
    #expect(worstDifference(indexed.input, summed) < 1e-12)
  }

  @Test func aMaskIsTheSameAtAllStepsAndZeroOrScaled() {
    let testCase = StackCase<Double>(
      .lstm, layers: 1, inputSize: 2, hiddenSize: 40, lengths: [5, 5], dropout: 0.25, seed: 2)
    let plain = testCase.forward().output.elements
    testCase.masks = Stack.Masks(CounterRandom(seed: 1, stream: .dropout), step: 3, firstLane: 0)
    let dropped = testCase.forward().output.elements
    let ratios = zip(dropped, plain).map { $0 / $1 }
    for place in 0..<80 {
      #expect(abs(ratios[place]) < 1e-12 || abs(ratios[place] - 4.0 / 3) < 1e-12)
      for step in 1..<5 { #expect(abs(ratios[step * 80 + place] - ratios[place]) < 1e-12) }
    }
    let share = Double(ratios[..<80].filter { $0 == 0 }.count) / 80
    #expect(share > 0.1 && share < 0.4)
  }

  @Test func aForgetBiasIsAnInitialValue() {
    var layout = ParameterLayout()
    _ = Stack(
      LSTM(forgetBias: 1.5), layers: 1, inputSize: 2, hiddenSize: 3, dropout: 0, prefix: "",
      in: &layout)
    let parameters = Parameters<Float>(layout, seed: 1)
    let bias = withExtendedLifetime(parameters) {
      layout.entries.first { $0.name == "bias_ih_l0" }.map { Array(parameters.elements(of: $0)) }
    }
    #expect(bias?[3..<6] == [1.5, 1.5, 1.5])
    #expect(bias?.filter { $0 == 1.5 }.count == 3)
  }

  @Test func packedShapesCountTheRowsOfEachStep() {
    let shape = PackedShape(lengths: [4, 2, 1])
    #expect(shape.rowsPerStep == [3, 2, 1, 1])
    #expect(shape.offsets == [0, 3, 5, 6, 7])
    #expect(shape.total == 7 && shape.batch == 3 && shape.steps == 4)
  }
}
