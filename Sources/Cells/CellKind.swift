/// The cells by the names that the command line and model files use: the only switch over cells.
public enum CellKind: String, Codable, Sendable, CaseIterable {
  /// `LSTM`
  case lstm
  /// `PeepholeLSTM`
  case lstmPeephole = "lstm-peephole"
  /// `CoupledLSTM`
  case lstmCoupled = "lstm-coupled"
  /// `LayerNormLSTM`
  case lstmLayerNorm = "lstm-layer-norm"
  /// `OriginalLSTM`
  case lstmOriginal = "lstm-1997"
  /// `GRU`
  case gru
  /// `Elman` with tanh.
  case elman
  /// `Elman` with relu.
  case elmanReLU = "elman-relu"
  /// `MinLSTM`
  case minLSTM = "minlstm"
  /// `MinGRU`
  case minGRU = "mingru"
  /// `TimeDelay` in the lowest layer: a feed-forward network on a sliding window.
  case window
  /// `TimeDelay` in every layer: a time-delay neural network.
  case timeDelay = "tdnn"

  /// Whether the kind has no memory but the last few inputs.
  public var isWindow: Bool { self == .window || self == .timeDelay }

  /// A cell of this kind; the biases are for those with forget and input gates.
  public func makeCell(
    forgetBias: Double = 1, inputBias: Double? = nil, window: Int = 4
  ) -> any RecurrentCell {
    switch self {
    case .lstm: LSTM(forgetBias: forgetBias, inputBias: inputBias)
    case .lstmPeephole: PeepholeLSTM(forgetBias: forgetBias, inputBias: inputBias)
    case .lstmCoupled: CoupledLSTM()
    case .lstmOriginal: OriginalLSTM(inputBias: inputBias)
    case .gru: GRU()
    case .elman: Elman(.tanh)
    case .elmanReLU: Elman(.relu)
    case .minLSTM: MinLSTM(forgetBias: forgetBias)
    case .minGRU: MinGRU()
    case .lstmLayerNorm: LayerNormLSTM(forgetBias: forgetBias, inputBias: inputBias)
    case .window: TimeDelay(window: window, windowAbove: 1)
    case .timeDelay: TimeDelay(window: window)
    }
  }
}
