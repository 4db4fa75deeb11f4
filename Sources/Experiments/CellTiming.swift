public import Cells
internal import DenseMath
internal import Parameters

/// How long a cell takes, in nanoseconds per unit, sequence and time step, on one thread.
public struct CellTiming: Sendable {
  /// The law alone, without products, forward and back.
  public let law, lawBack: Double
  /// A whole layer with its products, forward and back to weights and inputs.
  public let layer, layerBack: Double
  /// Copying as many bytes as the law forward must read and write at least.
  public let copy: Double

  /// Measures a cell in single precision, with inputs as wide as its state.
  ///
  /// The law runs over as many steps as the layer, each in memory of its own, so that memory has to
  /// be fetched as it has in training. Of all rounds the fastest counts.
  public init(of kind: CellKind, hiddenSize: Int, batch: Int, steps: Int, rounds: Int = 10) {
    var layout = ParameterLayout()
    let stack = Stack(
      kind.makeCell(), layers: 1, inputSize: hiddenSize, hiddenSize: hiddenSize, prefix: "",
      in: &layout)
    let layer = stack.layers[0]
    let cell = layer.cell
    let input = layout.declare("input", shape: [batch * steps, hiddenSize], as: .uniform(1))
    let parameters = Parameters<Float>(layout, seed: 1)
    let packed = PackedWeights<Float>(layout, forTraining: true)
    packed.load(parameters, on: Shards(threads: 1))
    let workspace = Workspace(parameters, packed: packed, forTraining: true)
    let shape = PackedShape(steps: steps, batch: batch)
    let clock = ContinuousClock()
    var best = [Double](repeating: .infinity, count: 5)
    func time(_ place: Int, _ body: () -> Void) {
      let elapsed = clock.measure(body) / .nanoseconds(1)
      best[place] = min(best[place], elapsed / Double(shape.total * hiddenSize))
    }
    for _ in 0..<rounds {
      workspace.reset()
      let gradient = workspace.arena.zeros(shape.total, hiddenSize)
      let state = CellState<Float>.zeros(of: layer, batch: batch, on: workspace)
      let initial = CellState<Float>.zeros(of: layer, batch: batch, on: workspace)
      var trace: Recurrence.Trace<Float>?
      time(0) {
        trace = layer.forward(.vectors(workspace[input]), shape, from: initial, on: workspace)
      }
      if let trace {
        time(1) {
          layer.backward(trace, outputGradient: gradient, stateGradient: state, on: workspace)
        }
      }

      func block(_ parts: Int) -> Matrix<Float> {
        workspace.arena.zeros(shape.total, parts * hiddenSize)
      }
      func states() -> CellState<Float> {
        CellState(hidden: block(1), cell: block(cell.cellVectorCount))
      }
      let apart = cell.keepsProjectionsApart ? cell.gateCount : 0
      let (gates, recurrent, memo) = (block(cell.gateCount), block(apart), block(cell.memoCount))
      let (previous, next) = (states(), states())
      func each(_ body: (CellStep<Float>) -> Void) {
        for step in 0..<steps {
          let rows = step * batch..<(step + 1) * batch
          body(
            CellStep(
              hiddenSize: hiddenSize, gates: gates.rows(rows), recurrent: recurrent.rows(rows),
              previous: previous.rows(rows), next: next.rows(rows), memo: memo.rows(rows)))
        }
      }
      time(2) { each { cell.activate($0, on: workspace) } }
      time(3) { each { cell.differentiate($0, gradient: state, on: workspace) } }

      // A copy reads and writes; the law reads gates, recurrent and c, and writes gates, memo and
      // the next state.
      let vectors =
        2 * cell.gateCount + apart + 2 * cell.cellVectorCount + 1 + cell.memoCount
      let (from, to) = (block((vectors + 1) / 2), block((vectors + 1) / 2))
      time(4) { Float.copy(from, into: to) }
    }
    (self.layer, layerBack, law, lawBack, copy) = (best[0], best[1], best[2], best[3], best[4])
  }
}
