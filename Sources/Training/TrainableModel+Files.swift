public import Cells
public import Files
public import FoundationEssentials

extension TrainableModel {
  /// Reads a model file; `cells` are those that it may name besides the built-in ones.
  ///
  ///     let model = try LanguageModel(contentsOf: "model.safetensors", cells: [MyCell.self])
  ///
  /// Throws `FileError` for a file that is damaged, of another kind, or of a cell that is not given, and
  /// `CellError` where two cells have one name.
  public init(contentsOf path: String, cells: [any RecurrentCell.Type] = []) throws {
    try CellKind.demandDistinct(cells)
    let file = try ModelFileReader(contentsOf: path, cells: cells)
    try file.demand(Self.kind)
    let model = try Self(core: ModelCore(from: file))
    try file.finish()
    self = model
  }

  /// Writes the model to a file: whole, or not at all.
  ///
  /// Equal models make equal files, byte for byte. Throws `FileError.unwritable`.
  public func write(to path: String) throws(FileError) {
    var file = ModelFileContents(kind: Self.kind.name)
    core.write(to: &file)
    try file.write(to: path)
  }

  /// Reads a model file; `cells` are those that it may name besides the built-in ones.
  ///
  /// Throws `FileError` for a file that is damaged, of another kind, or of a cell that is not given.
  public init(contentsOf url: URL, cells: [any RecurrentCell.Type] = []) throws {
    try self.init(contentsOf: url.path, cells: cells)
  }

  /// Writes the model to a file: whole, or not at all.
  ///
  /// Throws `FileError.unwritable`.
  public func write(to url: URL) throws(FileError) { try write(to: url.path) }
}
