public import DenseMath
public import Parameters

/// A window in place of a memory: the output sees the last few inputs and nothing before them.
///
///     h' = tanh(x(t)·W₀ᵀ + x(t-1)·W₁ᵀ + ... + x(t-n+1)·Wₙ₋₁ᵀ + b)
///
/// Stacked, such layers are the time-delay network of A. Waibel, T. Hanazawa, G. Hinton, K. Shikano
/// and K. Lang, "Phoneme recognition using time-delay neural networks", IEEE TASSP 37 (1989). With
/// a window in the lowest layer only, they are a feed-forward network on a sliding window, as in
/// T. Sejnowski and C. Rosenberg's NETtalk (1987). Both stand here to show what memory adds.
///
/// What an input will add to the next n - 1 outputs is summed up ahead of time and shifts along in
/// c: s'ₖ = x·Wₖᵀ + sₖ₊₁, h' = tanh(x·W₀ᵀ + s₁ + b). So the window runs on everything that runs a
/// recurrent cell: ragged batches, both directions, state carried from batch to batch.
public struct TimeDelay: RecurrentCell {
  /// `tdnn`, its name.
  public static let name = "tdnn"
  /// window.
  public static let settings = [CellSetting("window", 4, in: 1...256, isWhole: true)]
  /// It sees the last few inputs.
  public static var isWindow: Bool { true }

  /// The inputs that an output sees, in the lowest layer and in those above it.
  public let window, windowAbove: Int
  private var bias: Weight?

  /// A window of `window` inputs; `windowAbove` in the layers above, by default the same.
  public init(window: Int, windowAbove: Int? = nil) {
    precondition(window >= 1 && windowAbove ?? 1 >= 1, "a window holds at least one input")
    self.window = window
    self.windowAbove = windowAbove ?? window
  }

  /// Windows of the setting `window` in all layers.
  public init(_ settings: CellSettings) { self.init(window: Self.window(of: settings)) }

  static func window(of settings: CellSettings) -> Int { Int(settings["window"] ?? 4) }

  /// One projection for each place of the window.
  public var gateNames: [String] { (0..<window).map { "x\($0)" } }
  /// One for each place of the window.
  public var gateCount: Int { window }
  /// s₁ to sₙ₋₁.
  public var cellVectorCount: Int { window - 1 }
  /// None: nothing comes back.
  public var hasRecurrentProduct: Bool { false }
  /// One for the sum, not one for each place.
  public var hasBiases: Bool { false }
  /// The same with its own width of window.
  public var above: any RecurrentCell { TimeDelay(window: windowAbove) }

  /// Declares b.
  public func declaringWeights(
    hiddenSize: Int, name: (String) -> String, in layout: inout ParameterLayout
  ) -> any RecurrentCell {
    var cell = self
    cell.bias = layout.declare(name("bias"), shape: [hiddenSize], as: .constant(0))
    return cell
  }

  /// The sum, and all sums to come one place on.
  public func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {
    guard let bias else { preconditionFailure("a cell's weights are declared before it runs") }
    let (size, sums) = (step.hiddenSize, cellVectorCount)
    let (h, s, sNext) = (step.gate(0), step.previous.cell, step.next.cell)
    S.addRow(workspace[bias], into: h)
    if sums > 0 {
      S.add(s.part(0, width: size), into: h)
      S.copy(step.gates.columns(size..<window * size), into: sNext)
      S.add(s.columns(size..<sums * size), into: sNext.columns(0..<(sums - 1) * size))
    }
    S.tanh(h, into: h)
    S.copy(h, into: step.next.hidden)
  }

  /// The shift the other way.
  public func differentiate<S: Real>(
    _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
  ) {
    guard let bias else { preconditionFailure("a cell's weights are declared before it runs") }
    let (size, sums) = (step.hiddenSize, cellVectorCount)
    let da = step.gate(0)
    S.tanhGradient(gradient.hidden, at: da, into: da)
    S.addColumns(of: da, into: workspace.gradient(of: bias))
    S.copy(gradient.cell, into: step.gates.columns(size..<window * size))
    S.copy(step.gates.columns(0..<sums * size), into: gradient.cell)
    S.fill(gradient.hidden, with: 0)
  }
}
