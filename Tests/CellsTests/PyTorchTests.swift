import Cells
import DenseMath
import Foundation
import Parameters
import TestSupport
import Testing

/// What Tests/Fixtures/cells.py wrote.
private struct Fixture: Decodable {
  struct Case: Decodable, CustomTestStringConvertible {
    let cell: String
    let inputSize, hiddenSize, layers: Int
    let bidirectional: Bool
    let lengths: [Int]
    let weights, weightGradients: [String: [Double]]
    let input, inputGradient, output, outputWeights: [Double]
    let initial, initialGradients, final, finalWeights: [[Double]]
    var testDescription: String {
      "\(cell) \(layers) x \(hiddenSize)\(bidirectional ? ", both directions" : ""), lengths \(lengths)"
    }
  }
  let cases: [Case]

  static let all: [Case] = {
    guard
      let file = Bundle.module.url(
        forResource: "cells", withExtension: "json", subdirectory: "Fixtures"),
      let data = try? Data(contentsOf: file),
      let fixture = try? JSONDecoder().decode(Fixture.self, from: data)
    else { return [] }
    return fixture.cases
  }()
}

@Suite struct PyTorchTests {
  @Test func fixturesAreThere() { #expect(Fixture.all.count == 10) }

  @Test(arguments: Fixture.all)
  fileprivate func doublesAgree(with fixture: Fixture.Case) {
    expectAgreement(fixture, in: Double.self, within: 1e-8)
  }

  @Test(arguments: Fixture.all)
  fileprivate func floatsAgreeThroughTheKernels(with fixture: Fixture.Case) {
    expectAgreement(fixture, in: Float.self, within: 1e-5)
  }

  private func expectAgreement<S: Real>(
    _ fixture: Fixture.Case, in type: S.Type, within tolerance: Double
  ) {
    guard let kind = try? CellKind(fixture.cell) else {
      Issue.record("no cell \(fixture.cell)")
      return
    }
    let testCase = StackCase<S>(
      kind, layers: fixture.layers, inputSize: fixture.inputSize,
      hiddenSize: fixture.hiddenSize, lengths: fixture.lengths,
      directions: fixture.bidirectional ? .both : .forward, seed: 1)
    for entry in testCase.parameters.layout.entries {
      write(fixture.weights[entry.name] ?? [], to: testCase.parameters.elements(of: entry))
    }
    write(fixture.input, to: testCase.input)
    write(fixture.outputWeights, to: testCase.outputWeights)
    write(fixture.initial, to: testCase.initial)
    write(fixture.finalWeights, to: testCase.finalWeights)

    func expect(_ found: [S], _ expected: [Double], _ name: String) {
      let difference = worstDifference(found, expected)
      #expect(difference < tolerance, "\(name) differs by \(difference)")
    }
    let trace = testCase.forward()
    expect(trace.output.elements, fixture.output, "output")
    expect(numbers(testCase.finalStates(trace).layers), fixture.final.flatMap { $0 }, "final state")
    let (input, initial) = testCase.gradients()
    expect(input, fixture.inputGradient, "input gradient")
    expect(numbers(initial), fixture.initialGradients.flatMap { $0 }, "initial state's gradient")
    for entry in testCase.parameters.layout.entries {
      expect(
        testCase.workspace.gradients.map { Array($0.elements(of: entry)) } ?? [],
        fixture.weightGradients[entry.name] ?? [], "gradient of \(entry.name)")
    }
  }

  /// All layers' h, then all layers' c: PyTorch's order.
  private func numbers<S: Real>(_ states: [CellState<S>]) -> [S] {
    states.flatMap(\.hidden.elements) + states.flatMap(\.cell.elements)
  }

  private func write<S: Real>(_ numbers: [Double], to block: UnsafeMutableBufferPointer<S>) {
    #expect(numbers.count == block.count)
    for (index, number) in numbers.enumerated() { block[index] = S(number) }
  }

  private func write<S: Real>(_ numbers: [Double], to block: Matrix<S>) {
    write(
      numbers, to: UnsafeMutableBufferPointer(start: block.base, count: block.rows * block.columns))
  }

  private func write<S: Real>(_ numbers: [[Double]], to state: StackState<S>) {
    for (layer, blocks) in state.layers.enumerated() {
      for (part, block) in [blocks.hidden, blocks.cell].enumerated() where part < numbers.count {
        let size = block.rows * block.columns
        write(Array(numbers[part][layer * size..<(layer + 1) * size]), to: block)
      }
    }
  }
}
