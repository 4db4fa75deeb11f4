import DenseMath
import Layers
import Parameters
import TestSupport
import Testing

@Suite struct LayerTests {
  /// Embedding -> affine -> cross entropy: every gradient at once.
  @Test func gradientsMatchCentralDifferences() {
    for seed: UInt64 in 1...4 {
      var numbers = TestNumbers(seed: seed)
      let (symbols, width, classes) = (
        numbers.integer(2...6), numbers.integer(1...5), numbers.integer(2...7)
      )
      let count = numbers.integer(1...9)
      let ids = (0..<count).map { _ in Int32(numbers.integer(0...symbols - 1)) }
      // One target in four counts nothing.
      let targets = (0..<count).map { _ in
        numbers.integer(0...3) == 0 ? -1 : Int32(numbers.integer(0...classes - 1))
      }
      var layout = ParameterLayout()
      let embedding = Embedding(vocabularySize: symbols, width: width, name: "table", in: &layout)
      let affine = Affine(inputs: width, outputs: classes, name: "output", in: &layout)
      let parameters = Parameters<Double>(layout, seed: seed)
      let packed = PackedWeights<Double>(layout, forTraining: true)
      let workspace = Workspace(parameters, packed: packed, forTraining: true)

      func run(_ backward: Bool) -> Double {
        packed.load(parameters, on: Shards(threads: 1))
        workspace.reset()
        let embedded = embedding.forward(workspace.arena.indices(of: ids), on: workspace)
        let x = workspace.arena.matrix(count, width)
        Double.gather(embedded.vectors, at: embedded.index, into: x)
        let logits = affine.forward(x, on: workspace)
        let targets = workspace.arena.indices(of: targets)
        guard backward else {
          return 0.7 * SoftmaxCrossEntropy.loss(logits, targets: targets)
        }
        let loss = SoftmaxCrossEntropy.lossAndGradient(logits, targets: targets, scale: 0.7)
        let dx = affine.backward(logits, x: x, on: workspace)
        let rows = workspace.arena.zeros(embedded.vectors.rows, width)
        Double.scatterAdd(dx, at: embedded.index, into: rows)
        embedding.backward(embedded, gradient: rows, on: workspace)
        return 0.7 * loss
      }

      let loss = run(true)
      #expect(abs(loss - run(false)) < 1e-12)
      for entry in layout.entries {
        let gradients = workspace.gradients.map { Array($0.elements(of: entry)) } ?? []
        let error = worstGradientError(
          of: parameters.elements(of: entry), gradients: gradients, loss: { run(false) })
        #expect(error < 1e-7, "\(entry.name), seed \(seed)")
      }
    }
  }

  @Test func anEmbeddingLooksUpEachDistinctSymbolOnce() {
    var layout = ParameterLayout()
    let embedding = Embedding(vocabularySize: 9, width: 2, name: "table", in: &layout)
    let parameters = Parameters<Float>(layout, seed: 3)
    let workspace = Workspace(
      parameters, packed: PackedWeights(layout, forTraining: false), forTraining: false)
    let ids: [Int32] = [7, 2, 7, 7, 0]
    let trace = embedding.forward(workspace.arena.indices(of: ids), on: workspace)
    #expect(trace.vectors.rows == 3)
    #expect((0..<5).map { trace.index[$0] } == [0, 1, 0, 0, 2])
    for (row, id) in ids.enumerated() {
      let place = Int(trace.index[row])
      #expect(trace.vectors[place, 1] == parameters.base[Int(id) * 2 + 1])
    }
  }

  @Test func onlyALargeTableThatIsNoOutputIsRowSparse() {
    for (symbols, usedAsOutput, isRowSparse) in [
      (8191, false, false), (8192, false, true), (9000, true, false),
    ] {
      var layout = ParameterLayout()
      let embedding = Embedding(
        vocabularySize: symbols, width: 2, name: "table", usedAsOutput: usedAsOutput, in: &layout)
      #expect(layout.entries[embedding.table.index].isRowSparse == isRowSparse, "\(symbols)")
    }
  }

  @Test(arguments: [9, 9000])
  func gradientsOfAnEmbeddingAreThoseOfItsTokens(_ symbols: Int) {
    var layout = ParameterLayout()
    let embedding = Embedding(vocabularySize: symbols, width: 2, name: "table", in: &layout)
    let parameters = Parameters<Float>(layout, seed: 3)
    let workspace = Workspace(
      parameters, packed: PackedWeights(layout, forTraining: true), forTraining: true)
    for ids in [[7, 2, 7, 0], [1, 1, Int32(symbols - 1)]] as [[Int32]] {
      workspace.reset()
      workspace.gradients?.clear()
      let trace = embedding.forward(workspace.arena.indices(of: ids), on: workspace)
      let gradient = workspace.arena.matrix(trace.vectors.rows, 2)
      for row in 0..<gradient.rows {
        (gradient[row, 0], gradient[row, 1]) = (Float(row + 1), -1)
      }
      embedding.backward(trace, gradient: gradient, on: workspace)
      var expected = [Float](repeating: 0, count: 2 * symbols)
      for (place, id) in ids.enumerated() {
        expected[2 * Int(id)] = Float(trace.index[place] + 1)
        expected[2 * Int(id) + 1] = -1
      }
      let found = workspace.gradients.map { Array($0.elements(of: layout.entries[0])) }
      #expect(found == expected)
    }
  }
}
