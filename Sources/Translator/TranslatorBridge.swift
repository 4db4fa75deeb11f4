internal import Cells
internal import DenseMath
internal import Layers
internal import Parameters

/// The bridge of a translator: it makes the decoder's first states from the encoder's last ones.
///
///     h₀ = tanh(W · [h forwards | h backwards] + b)        c₀ = V · [c forwards | c backwards] + d
///
/// layer by layer; c only for cells that have one.
struct TranslatorBridge: Sendable {
  private let layers: [(hidden: Affine, cell: Affine?)]

  /// Declares `bridge.hidden_l0`, `bridge.cell_l0` and so on.
  init(
    _ configuration: Translator.Configuration, from encoder: TranslatorEncoder,
    in layout: inout ParameterLayout
  ) {
    let half = encoder.stack.hiddenSize
    let vectors = configuration.cell.makeCell().cellVectorCount
    func affine(_ name: String, vectors: Int = 1) -> Affine {
      Affine(
        inputs: 2 * half * vectors, outputs: configuration.hiddenSize * vectors, name: name,
        in: &layout)
    }
    layers = (0..<configuration.layers).map { layer in
      (
        affine("bridge.hidden_l\(layer)"),
        vectors > 0 ? affine("bridge.cell_l\(layer)", vectors: vectors) : nil
      )
    }
  }

  /// What the bridge has read and made, by layer.
  struct Trace<S: Real> {
    /// Both directions side by side: [sentences, 2 · half].
    fileprivate let joined: [CellState<S>]
    /// The decoder's first states, [sentences, hiddenSize], in the rows of the encoder's.
    let states: [CellState<S>]
  }

  /// The decoder's first states of the encoder's last ones.
  func forward<S: Real>(_ final: [CellState<S>], on workspace: Workspace<S>) -> Trace<S> {
    var joined: [CellState<S>] = []
    var states: [CellState<S>] = []
    for (number, layer) in layers.enumerated() {
      let pair = final[2 * number..<2 * number + 2]
      let both = CellState(
        hidden: join(pair.map(\.hidden), on: workspace),
        cell: join(layer.cell == nil ? [] : pair.map(\.cell), on: workspace))
      let hidden = layer.hidden.forward(both.hidden, on: workspace)
      S.tanh(hidden, into: hidden)
      let cell =
        layer.cell?.forward(both.cell, on: workspace)
        ?? workspace.arena.matrix(hidden.rows, 0)
      joined.append(both)
      states.append(CellState(hidden: hidden, cell: cell))
    }
    return Trace(joined: joined, states: states)
  }

  /// The backward pass of `forward`: the gradients of the encoder's last states.
  ///
  /// `stateGradients` are used up.
  func backward<S: Real>(
    _ trace: Trace<S>, stateGradients: [CellState<S>], on workspace: Workspace<S>
  ) -> [CellState<S>] {
    layers.indices.flatMap { number in
      let (joined, gradient) = (trace.joined[number], stateGradients[number])
      S.tanhGradient(gradient.hidden, at: trace.states[number].hidden, into: gradient.hidden)
      let hidden = layers[number].hidden.backward(
        gradient.hidden, x: joined.hidden, on: workspace)
      let cell =
        layers[number].cell?.backward(gradient.cell, x: joined.cell, on: workspace)
        ?? workspace.arena.matrix(hidden.rows, 0)
      return (0..<2).map { side in
        CellState(
          hidden: part(side, of: hidden, on: workspace), cell: part(side, of: cell, on: workspace))
      }
    }
  }

  /// Blocks side by side; none makes a block without columns.
  private func join<S: Real>(_ sides: [Matrix<S>], on workspace: Workspace<S>) -> Matrix<S> {
    let width = sides.first?.columns ?? 0
    let block = workspace.arena.matrix(sides.first?.rows ?? 0, sides.count * width)
    for (number, side) in sides.enumerated() {
      S.copy(side, into: block.part(number, width: width))
    }
    return block
  }

  /// The backward pass of `join` for one of the two blocks.
  private func part<S: Real>(
    _ side: Int, of joined: Matrix<S>, on workspace: Workspace<S>
  ) -> Matrix<S> {
    let width = joined.columns / 2
    let block = workspace.arena.matrix(joined.rows, width)
    S.copy(joined.part(side, width: width), into: block)
    return block
  }
}
