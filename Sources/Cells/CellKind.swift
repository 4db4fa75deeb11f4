/// A kind of recurrent cell, as configurations, files and the command line name it.
///
///     LanguageModel.Configuration(cell: .gru)
///     LanguageModel.Configuration(cell: CellKind(MyCell.self, ["beta": 2]))
///
/// Its text is the name of the cell's type and the settings that it is given, such as `lstm` or
/// `my-cell(beta=2)`. A model file keeps that text; whoever reads the file gives the types that are not
/// built in: `LanguageModel(contentsOf: path, cells: [MyCell.self])`.
public struct CellKind: Sendable, Hashable, CustomStringConvertible {
  /// The cell's name, such as `lstm`.
  public let name: String
  /// The settings that the cell is given, which go before those of a model.
  public let settings: CellSettings
  // The type of the cell, and how one is made; nil where nobody has said what the name stands for.
  private let source: Source?

  private struct Source: Sendable {
    let type: any RecurrentCell.Type
    let make: @Sendable (CellSettings) -> any RecurrentCell
  }

  /// The kind of the cells of a type, with settings.
  public init<Cell: RecurrentCell>(_ type: Cell.Type, _ settings: CellSettings = [:]) {
    self.init(Cell.name, settings, Source(type: type) { Cell($0) })
  }

  /// The kind of a text, such as `gru` or `my-cell(beta=2)`, of built-in cells and those that are given.
  ///
  /// Throws `CellError` for a text that is none, and for a name that no cell has.
  public init(_ text: String, among cells: [any RecurrentCell.Type] = []) throws(CellError) {
    self = try CellKind(unsettled: text).settled(among: cells)
    try check()
  }

  /// The kind of a text whose name may stand for nothing yet: see `settled(among:)`.
  ///
  /// Throws `CellError.text`.
  public init(unsettled text: String) throws(CellError) {
    let name = String(text.prefix { $0 != "(" })
    var rest = text.dropFirst(name.count)
    var settings = CellSettings()
    if !rest.isEmpty {
      guard rest.last == ")" else { throw .text(text) }
      rest = rest.dropFirst().dropLast()
      for part in rest.split(separator: ",", omittingEmptySubsequences: false) {
        let pair = part.split(separator: "=", omittingEmptySubsequences: false)
        guard pair.count == 2, let value = Double(pair[1]), value.isFinite,
          settings[String(pair[0])] == nil, !pair[0].isEmpty
        else { throw .text(text) }
        settings[String(pair[0])] = value
      }
    }
    guard Self.isName(name) else { throw .text(text) }
    self.init(name, settings, Self.builtIn.first { $0.name == name }?.source)
  }

  private init(_ name: String, _ settings: CellSettings = [:], _ source: Source?) {
    self.name = name
    self.settings = settings
    self.source = source
  }

  /// The same kind, its name looked up among built-in cells and those that are given.
  ///
  /// Throws `CellError.unknown`, and `CellError.taken` where two cells have one name.
  public func settled(among cells: [any RecurrentCell.Type]) throws(CellError) -> CellKind {
    try Self.demandDistinct(cells)
    func kind<Cell: RecurrentCell>(_ type: Cell.Type) -> CellKind { CellKind(type, settings) }
    if source != nil { return self }
    guard let type = cells.first(where: { $0.name == name }) else {
      throw .unknown(name, known: Self.builtIn.map(\.name) + cells.map { $0.name })
    }
    return kind(type)
  }

  /// Throws `CellError` where two of some cells have one name, or one that is built in.
  public static func demandDistinct(_ cells: [any RecurrentCell.Type]) throws(CellError) {
    var known = Set(builtIn.map(\.name))
    for type in cells {
      guard isName(type.name) else { throw .name(type.name) }
      guard known.insert(type.name).inserted else { throw .taken(type.name) }
    }
  }

  static func isName(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
      }
  }

  /// Throws `CellError` for a kind by which no cell can be made: nobody has said what its name stands for,
  /// another cell has it, a setting is unknown or out of its range, or its numbers do not fit together.
  public func check() throws(CellError) {
    guard let source else { throw .unknown(name, known: Self.builtIn.map(\.name)) }
    guard Self.isName(name) else { throw .name(name) }
    if let other = Self.builtIn.first(where: { $0.name == name })?.source, other.type != source.type
    {
      throw .taken(name)
    }
    for setting in settings.names {
      guard let row = source.type.settings.first(where: { $0.name == setting }) else {
        throw .setting(
          cell: name, name: setting, known: source.type.settings.map(\.name))
      }
      guard let value = settings[setting], row.contains(value) else {
        throw .value(cell: name, name: setting, found: settings[setting] ?? .nan, row)
      }
    }
    if let row = source.type.settings.first(where: { !$0.isSound })
      ?? Self.repeated(source.type.settings)
    {
      throw .shape(
        cell: name, reason: "its setting \(row.name) is given twice, or its default is out of range"
      )
    }
    let cell = makeCell()
    if let reason = cell.misfit { throw .shape(cell: name, reason: reason) }
  }

  private static func repeated(_ rows: [CellSetting]) -> CellSetting? {
    rows.enumerated().first { place, row in rows[..<place].contains { $0.name == row.name } }?
      .element
  }

  /// The settings that its type has; none where nobody has said what the name stands for.
  public var knownSettings: [CellSetting] { source?.type.settings ?? [] }

  /// Whether the kind has no memory but the last few inputs.
  public var isWindow: Bool { source?.type.isWindow ?? false }

  /// A cell of this kind; of what is given, it takes the settings that its type has.
  ///
  /// The kind's own settings go before those that are given, and these before the type's defaults; what is
  /// given and out of the setting's range is left out.
  public func makeCell(_ given: CellSettings = [:]) -> any RecurrentCell {
    guard let source else {
      fatalError("a cell is made of a kind that was checked; nobody said what \(name) is")
    }
    var all = CellSettings()
    for row in source.type.settings {
      let fit = given[row.name].flatMap { row.contains($0) ? $0 : nil }
      all[row.name] = settings[row.name] ?? fit ?? row.value
    }
    return source.make(all)
  }

  /// The name, and the settings in brackets where there are any.
  public var description: String {
    settings.names.isEmpty ? name : "\(name)(\(settings))"
  }

  /// Whether two kinds have one name and the same settings.
  public static func == (one: CellKind, other: CellKind) -> Bool {
    one.name == other.name && one.settings == other.settings
  }

  /// Adds name and settings.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(settings)
  }
}

extension CellKind {
  /// The cell `LSTM`.
  public static let lstm = CellKind(LSTM.self)
  /// The cell `PeepholeLSTM`.
  public static let lstmPeephole = CellKind(PeepholeLSTM.self)
  /// The cell `CoupledLSTM`.
  public static let lstmCoupled = CellKind(CoupledLSTM.self)
  /// The cell `LayerNormLSTM`.
  public static let lstmLayerNorm = CellKind(LayerNormLSTM.self)
  /// The cell `OriginalLSTM`.
  public static let lstmOriginal = CellKind(OriginalLSTM.self)
  /// The cell `GRU`.
  public static let gru = CellKind(GRU.self)
  /// `Elman` with tanh.
  public static let elman = CellKind(Elman.self)
  /// `Elman` with relu.
  public static let elmanReLU = CellKind(
    "elman-relu", [:], Source(type: Elman.self) { _ in Elman(.relu) })
  /// The cell `MinLSTM`.
  public static let minLSTM = CellKind(MinLSTM.self)
  /// The cell `MinGRU`.
  public static let minGRU = CellKind(MinGRU.self)
  /// `TimeDelay` in the lowest layer: a feed-forward network on a sliding window.
  public static let window = CellKind(
    "window", [:],
    Source(type: TimeDelay.self) { TimeDelay(window: TimeDelay.window(of: $0), windowAbove: 1) })
  /// `TimeDelay` in every layer: a time-delay neural network.
  public static let timeDelay = CellKind(TimeDelay.self)

  /// The cells of this library.
  public static let builtIn: [CellKind] = [
    .lstm, .lstmPeephole, .lstmCoupled, .lstmLayerNorm, .lstmOriginal, .gru, .elman, .elmanReLU,
    .minLSTM, .minGRU, .window, .timeDelay,
  ]
}
