public import Files
public import FoundationEssentials

extension TrainableModel {
  /// Reads a model file.
  ///
  /// Throws `FileError` for a file that is damaged or of another kind.
  public init(contentsOf url: URL) throws { try self.init(contentsOf: url.path) }

  /// Writes the model to a file: whole, or not at all.
  ///
  /// Throws `FileError.unwritable`.
  public func write(to url: URL) throws(FileError) { try write(to: url.path) }
}
