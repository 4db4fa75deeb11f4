import Cells
import DenseMath
import Foundation
import Parameters
import TestSupport
import Testing

@Suite struct RecurrenceTests {
  @Test(arguments: CellKind.builtIn, [Directions.forward, .both])
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

  @Test(arguments: CellKind.builtIn)
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

  @Test(arguments: CellKind.builtIn)
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
        output, gradient?.elements ?? [],
        workspace.gradients.map { Array($0.values.elements) } ?? []
      )
    }
    _ = testCase.forward()
    let indexed = run(.indexed(table, indices(index)))
    let expanded = rows.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.map { run(.vectors(Matrix($0, rows: 5, columns: 3))) }
    }
    guard let expanded else {
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
      .lstm, layers: 1, inputSize: 2, hiddenSize: 40, lengths: [5, 5],
      dropout: Dropout(outputs: 0.25), seed: 2)
    let plain = testCase.forward().output.elements
    testCase.masks = Dropout.Masks(CounterRandom(seed: 1, stream: .dropout), step: 3, firstLane: 0)
    let dropped = testCase.forward().output.elements
    let ratios = zip(dropped, plain).map { $0 / $1 }
    for place in 0..<80 {
      #expect(abs(ratios[place]) < 1e-12 || abs(ratios[place] - 4.0 / 3) < 1e-12)
      for step in 1..<5 { #expect(abs(ratios[step * 80 + place] - ratios[place]) < 1e-12) }
    }
    let fraction = Double(ratios[..<80].filter { $0 == 0 }.count) / 80
    #expect(fraction > 0.1 && fraction < 0.4)
  }

  @Test func aForgetBiasIsAnInitialValue() {
    var layout = ParameterLayout()
    _ = Stack(
      LSTM(forgetBias: 1.5), layers: 1, inputSize: 2, hiddenSize: 3, prefix: "",
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

@Suite struct CombinatorTests {
  /// A window network must give what a loop over the last inputs gives, ragged lengths and all.
  @Test(arguments: [1, 2, 4])
  func aWindowSeesTheLastInputsAndNothingElse(window: Int) {
    var layout = ParameterLayout()
    let layer = Recurrence(
      TimeDelay(window: window), inputSize: 2, hiddenSize: 3, prefix: "", suffix: "_l0",
      in: &layout)
    let parameters = Parameters<Double>(layout, seed: 4)
    let packed = PackedWeights<Double>(layout, forTraining: false)
    packed.load(parameters, on: Shards(threads: 1))
    let workspace = Workspace(parameters, packed: packed, forTraining: false)
    let shape = PackedShape(lengths: [5, 3])
    let input = workspace.arena.matrix(shape.total, 2)
    var numbers = TestNumbers(seed: 3)
    numbers.fill(input)
    let trace = layer.forward(
      .vectors(input), shape, from: .zeros(of: layer, batch: 2, on: workspace), on: workspace)
    let weights = Array(parameters.elements(of: layout.entries[0]))
    for step in 0..<shape.steps {
      for row in 0..<shape.rowsPerStep[step] {
        for unit in 0..<3 {
          var sum = 0.0
          for delay in 0..<min(window, step + 1) {
            for column in 0..<2 {
              sum +=
                weights[((delay * 3) + unit) * 2 + column]
                * input[shape.offsets[step - delay] + row, column]
            }
          }
          #expect(abs(trace.output[shape.offsets[step] + row, unit] - tanh(sum)) < 1e-12)
        }
      }
    }
    withExtendedLifetime(parameters) {}
  }

  /// The formulas of Ba, Kiros and Hinton, element by element.
  @Test func layerNormalisationFollowsItsPaper() {
    let testCase = StackCase<Double>(
      .lstmLayerNorm, layers: 1, inputSize: 3, hiddenSize: 4, lengths: [1], seed: 6)
    let named = Dictionary(
      uniqueKeysWithValues: testCase.parameters.layout.entries.map {
        ($0.name, Array(testCase.parameters.elements(of: $0)))
      })
    func weights(_ name: String) -> [Double] { named[name + "_l0"] ?? [] }
    func product(_ x: [Double], _ name: String) -> [Double] {
      let w = weights(name)
      return (0..<16).map { row in
        x.indices.reduce(0) { $0 + x[$1] * w[row * x.count + $1] }
      }
    }
    func norm(_ v: [Double]) -> [Double] {
      let mean = v.reduce(0, +) / Double(v.count)
      let variance = v.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(v.count)
      return v.map { ($0 - mean) / (variance + 1e-5).squareRoot() }
    }
    let x = norm(product(testCase.input.elements, "weight_ih"))
    let h = norm(product(testCase.initial.layers[0].hidden.elements, "weight_hh"))
    let a = (0..<16).map {
      weights("norm_ih")[$0] * x[$0] + weights("norm_hh")[$0] * h[$0] + weights("bias")[$0]
    }
    func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    let before = testCase.initial.layers[0].cell.elements
    let c = (0..<4).map {
      sigmoid(a[4 + $0]) * before[$0] + sigmoid(a[$0]) * tanh(a[8 + $0])
    }
    let shown = norm(c)
    let expected = (0..<4).map {
      sigmoid(a[12 + $0]) * tanh(weights("norm_c")[$0] * shown[$0] + weights("bias_c")[$0])
    }
    let trace = testCase.forward()
    #expect(worstDifference(trace.output.elements, expected) < 1e-12)
    #expect(worstDifference(trace.layers[0].cells.elements, c) < 1e-12)
  }

  /// In training a unit has the new state or the old one; outside it, the mean of both.
  @Test func zoneoutKeepsStatesOrTakesTheMean() {
    func run(_ dropout: Dropout, trains: Bool) -> [Double] {
      let testCase = StackCase<Double>(
        .lstm, layers: 1, inputSize: 2, hiddenSize: 200, lengths: [1], dropout: dropout, seed: 2)
      testCase.masks =
        trains
        ? Dropout.Masks(CounterRandom(seed: 1, stream: .dropout), step: 1, firstLane: 0) : nil
      return testCase.forward().output.elements
    }
    let before = StackCase<Double>(
      .lstm, layers: 1, inputSize: 2, hiddenSize: 200, lengths: [1], seed: 2
    )
    let old = before.initial.layers[0].hidden.elements
    let new = run(.none, trains: false)
    let zoned = run(Dropout(zoneoutHidden: 0.25), trains: true)
    let kept = zoned.indices.filter { zoned[$0] == old[$0] }
    #expect((25...75).contains(kept.count), "about a quarter of 200 stays: \(kept.count)")
    for unit in zoned.indices where !kept.contains(unit) { #expect(zoned[unit] == new[unit]) }
    let mean = run(Dropout(zoneoutHidden: 0.25), trains: false)
    for unit in mean.indices {
      #expect(abs(mean[unit] - (0.75 * new[unit] + 0.25 * old[unit])) < 1e-12)
    }
    withExtendedLifetime(before) {}
  }

  /// Zeroed units of a mask on states must not change what the product with U gives.
  @Test func droppedStatesDoNotReachTheProduct() {
    let testCase = StackCase<Double>(
      .elman, layers: 1, inputSize: 2, hiddenSize: 8, lengths: [1],
      dropout: Dropout(states: 0.5), seed: 5)
    testCase.masks = Dropout.Masks(
      CounterRandom(seed: 1, stream: .dropout), step: 1, firstLane: 0)
    let gradients = testCase.gradients()
    let reached = gradients.initial[0].hidden.elements
    #expect(reached.contains(0) && reached.contains { $0 != 0 })
    let output = testCase.forward().output.elements
    for unit in reached.indices where reached[unit] == 0 {
      testCase.initial.layers[0].hidden[0, unit] += 1
    }
    #expect(testCase.forward().output.elements == output)
  }

  @Test func aResidualLevelAddsItsInput() {
    let plain = StackCase<Double>(
      .gru, layers: 2, inputSize: 2, hiddenSize: 3, lengths: [4, 2], seed: 8)
    let residual = StackCase<Double>(
      .gru, layers: 2, inputSize: 2, hiddenSize: 3, lengths: [4, 2], isResidual: true, seed: 8)
    let (a, b) = (plain.forward(), residual.forward())
    let sums = zip(a.output.elements, a.layers[0].output.elements).map { $0 + $1 }
    #expect(worstDifference(b.output.elements, sums) < 1e-14)
  }

  /// The norm k steps back is that of the initial state's gradient when the last k steps run alone.
  @Test(arguments: [CellKind.lstm, .gru, .elman, .timeDelay])
  func gradientNormsAreThoseOfTheStatesInBetween(kind: CellKind) throws {
    let steps = 5
    let testCase = StackCase<Double>(
      kind, layers: 2, inputSize: 3, hiddenSize: 4, lengths: [Int](repeating: steps, count: 2),
      seed: 7)
    _ = testCase.forward()  // packs the weights
    let (stack, workspace) = (testCase.stack, testCase.workspace)
    func inputs(_ step: Int) -> Matrix<Double> { testCase.input.rows(2 * step..<2 * step + 2) }
    let weights = testCase.outputWeights.rows(0..<2)
    func lossGradient(_ rows: Int) -> Matrix<Double> {
      let gradient = workspace.arena.zeros(rows, stack.outputSize)
      Double.copy(weights, into: gradient.rows(rows - 2..<rows))
      return gradient
    }
    let norms = stack.gradientNorms(
      inputs: (0..<steps).map { .vectors(inputs($0)) }, batch: 2, on: workspace
    ) { _ in lossGradient(2) }
    #expect(norms.count == steps)
    for back in 1...steps {
      var states = stack.zeroStates(batch: 2, on: workspace)
      if back < steps {
        let early = stack.forward(
          .vectors(testCase.input.rows(0..<2 * (steps - back))),
          PackedShape(steps: steps - back, batch: 2), from: states, on: workspace)
        states = stack.finalStates(of: early, on: workspace)
      }
      let late = stack.forward(
        .vectors(testCase.input.rows(2 * (steps - back)..<2 * steps)),
        PackedShape(steps: back, batch: 2), from: states, on: workspace)
      let gradients = stack.zeroStates(batch: 2, on: workspace)
      stack.backward(
        late, outputGradient: lossGradient(2 * back), stateGradients: gradients, wantsInput: false,
        on: workspace)
      let sum = gradients.reduce(0.0) { sum, state in
        (state.hidden.elements + state.cell.elements).reduce(sum) { $0 + $1 * $1 }
      }
      #expect(abs(sum.squareRoot() - norms[back - 1]) < 1e-12 * max(1, norms[0]))
    }
    withExtendedLifetime(testCase) {}
  }

  @Test(arguments: [CellKind.lstm, .gru])
  func finalStatesAreThoseAfterEachSequencesLastStep(_ kind: CellKind) {
    let lengths = [5, 3, 1]
    let testCase = StackCase<Double>(
      kind, layers: 2, inputSize: 3, hiddenSize: 4, lengths: lengths, seed: 8)
    let trace = testCase.forward()
    let states = testCase.stack.finalStates(of: trace, on: testCase.workspace)
    let kept = testCase.finalStates(trace).layers
    #expect(states.map(\.hidden.elements) == kept.map(\.hidden.elements))
    #expect(states.map(\.cell.elements) == kept.map(\.cell.elements))
    // Of the top layer h is the output, so each sequence's is found there.
    for (row, length) in lengths.enumerated() {
      let place = testCase.shape.offsets[length - 1] + row
      #expect(
        states[1].hidden.rows(row..<row + 1).elements
          == trace.output.rows(place..<place + 1).elements)
    }
    let zeros = testCase.stack.zeroStates(batch: 3, on: testCase.workspace)
    #expect(zeros.map(\.cell.columns) == states.map(\.cell.columns))
    #expect(zeros.allSatisfy { ($0.hidden.elements + $0.cell.elements).allSatisfy { $0 == 0 } })
    withExtendedLifetime(testCase) {}
  }
}
