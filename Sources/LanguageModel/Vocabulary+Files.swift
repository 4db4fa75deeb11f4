internal import FoundationEssentials
public import ICUText
public import Parameters
internal import Training

extension Vocabulary {
  // A symbol and its merges take some tens of bytes, so this is far beyond the largest.
  private static var mostBytes: Int { 1 << 30 }

  /// Reads a vocabulary from a file of its own: JSON, as `write(to:)` writes it.
  ///
  /// Throws `TextError` for a file that cannot be read as text, and `ModelFileError.mismatch` for
  /// one that holds no sound vocabulary.
  public init(contentsOf path: String) throws {
    let file = try Corpus(contentsOf: [path], encoding: .utf8)
    func mismatch(_ found: String) -> ModelFileError { .mismatch(path: path, found: found) }
    guard file.byteCount <= Self.mostBytes else {
      throw mismatch("this is no vocabulary: it has \(file.byteCount) bytes")
    }
    var text = Data()
    try file.forEachPiece { piece in piece.withUTF8 { text.append(contentsOf: $0) } }
    do {
      self = try JSONDecoder().decode(Vocabulary.self, from: text)
    } catch let error as TextError {
      throw mismatch(error.description)
    } catch {
      throw mismatch("this is no vocabulary as majortom vocabulary writes it")
    }
  }

  /// Writes the vocabulary to a file of its own: whole, or not at all.
  ///
  /// Throws `ModelFileError.unwritable`.
  public func write(to path: String) throws(ModelFileError) {
    var writer = try FileWriter(replacing: path)
    writer.write(ModelMetadata.json(self) + "\n")
    try writer.finish()
  }
}
