/// A configuration of a network of recurrent layers, by the names that all of them have.
///
/// It gives them one initialiser, in which what is left out has the configuration's own default:
///
///     LanguageModel.Configuration(cell: .gru, hiddenSize: 512) { $0.weightDrop = 0.2 }
public protocol RecurrentConfiguration {
  /// The recurrent cell.
  var cell: CellKind { get set }
  /// The number of layers, and the units of each.
  var layers: Int { get set }
  /// See `layers`.
  var hiddenSize: Int { get set }
  /// The probability with which an output is dropped in training.
  var dropout: Double { get set }

  /// The defaults.
  init()
}

extension RecurrentConfiguration {
  /// The defaults, but for what is given; `change` sets what has no parameter here.
  public init(
    cell: CellKind? = nil, layers: Int? = nil, hiddenSize: Int? = nil, dropout: Double? = nil,
    _ change: (inout Self) -> Void = { _ in }
  ) {
    self.init()
    self.cell = cell ?? self.cell
    self.layers = layers ?? self.layers
    self.hiddenSize = hiddenSize ?? self.hiddenSize
    self.dropout = dropout ?? self.dropout
    change(&self)
  }
}
