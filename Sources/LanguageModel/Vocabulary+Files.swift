public import Files
public import FoundationEssentials
public import ICUText

extension Vocabulary {
  // A symbol and its merges take some tens of bytes, so this is far beyond the largest.
  private static var mostBytes: Int { 1 << 30 }

  /// Reads a vocabulary from a file of its own: JSON, as `write(to:)` writes it.
  ///
  /// Throws `TextError` for a file that cannot be read as text, and `FileError.mismatch` for
  /// one that holds no sound vocabulary.
  public init(contentsOf path: String) throws {
    let file = try Corpus(contentsOf: [path], encoding: .utf8)
    func mismatch(_ found: String) -> FileError { .mismatch(path: path, found: found) }
    guard file.byteCount <= Self.mostBytes else {
      throw mismatch("this is no vocabulary: it has \(file.byteCount) bytes")
    }
    var text: [UInt8] = []
    try file.forEachPiece { piece in piece.withUTF8 { text.append(contentsOf: $0) } }
    do {
      self = try JSON.value(from: text)
    } catch let error as TextError {
      throw mismatch(error.description)
    } catch {
      throw mismatch("this is no vocabulary as majortom vocabulary writes it")
    }
  }

  /// The same for a URL.
  public init(contentsOf url: URL) throws { try self.init(contentsOf: url.path) }

  /// Writes the vocabulary to a file of its own: whole, or not at all.
  ///
  /// Throws `FileError.unwritable`.
  public func write(to path: String) throws(FileError) {
    try FileWriter.write(JSON.text(of: self) + "\n", to: path)
  }
}
