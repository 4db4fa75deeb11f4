public import Cells
internal import DenseMath
internal import Parameters

/// How long a cell takes, in nanoseconds per unit, sequence and time step, on one thread.
public struct CellTiming: Sendable {
  /// The cell function alone, without products: forward and backward pass.
  public let cellForward, cellBackward: Double
  /// A whole layer with its products: forward pass, and backward pass to weights and inputs.
  public let layerForward, layerBackward: Double
  /// Copying as many bytes as the cell function must at least read and write in the forward pass.
  public let copy: Double

  /// Measures a cell in single precision, with inputs as wide as its state.
  ///
  /// The cell function runs over as many steps as the layer, each in memory of its own, so that memory has to
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

      let steps = Steps(of: layer, shape, on: workspace)
      time(2) { steps.forEach { cell.activate($0, on: workspace) } }
      time(3) { steps.forEach { cell.differentiate($0, gradient: state, on: workspace) } }

      // A copy reads and writes; the cell function reads gates, recurrent and c, and writes gates,
      // saved activations and the next state.
      let apart = cell.keepsProjectionsApart ? cell.gateCount : 0
      let vectors = 2 * cell.gateCount + apart + 2 * cell.cellVectorCount + 1 + cell.savedCount
      let half = (vectors + 1) / 2 * hiddenSize
      let (from, to) = (
        workspace.arena.zeros(shape.total, half), workspace.arena.zeros(shape.total, half)
      )
      time(4) { Float.copy(from, into: to) }
    }
    (layerForward, layerBackward, copy) = (best[0], best[1], best[4])
    (cellForward, cellBackward) = (best[2], best[3])
  }
}

/// The blocks of all time steps of a layer, in memory of their own.
private struct Steps {
  let hiddenSize: Int
  let shape: PackedShape
  let gates, recurrent, saved: Matrix<Float>
  let previous, next: CellState<Float>

  init(of layer: Recurrence, _ shape: PackedShape, on workspace: Workspace<Float>) {
    let cell = layer.cell
    func block(_ parts: Int) -> Matrix<Float> {
      workspace.arena.zeros(shape.total, parts * layer.hiddenSize)
    }
    hiddenSize = layer.hiddenSize
    self.shape = shape
    gates = block(cell.gateCount)
    recurrent = block(cell.keepsProjectionsApart ? cell.gateCount : 0)
    saved = block(cell.savedCount)
    previous = CellState(hidden: block(1), cell: block(cell.cellVectorCount))
    next = CellState(hidden: block(1), cell: block(cell.cellVectorCount))
  }

  func forEach(_ body: (CellStep<Float>) -> Void) {
    for step in 0..<shape.steps {
      let rows = shape.rows(ofStep: step)
      body(
        CellStep(
          hiddenSize: hiddenSize, gates: gates.rows(rows), recurrent: recurrent.rows(rows),
          previous: previous.rows(rows), next: next.rows(rows), saved: saved.rows(rows)))
    }
  }
}
