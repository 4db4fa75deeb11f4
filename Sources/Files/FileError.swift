/// What can be wrong with a file that is read or written, as a sentence each.
///
/// It is the one error for files of all kinds: models, checkpoints, vocabularies, pages.
public enum FileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file cannot be opened or read; the system's reason.
  case unreadable(path: String, reason: String)
  /// The file cannot be written; the system's reason. What stood there before is intact.
  case unwritable(path: String, reason: String)
  /// The file is damaged, or not of the format that was expected; what was found.
  case malformed(path: String, found: String)
  /// The file is sound, but not what was asked for; what was found and what was expected.
  case mismatch(path: String, found: String)

  /// The sentence.
  public var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
    case .unwritable(let path, let reason):
      "\(path): cannot be written: \(reason); a file that was there before is unchanged"
    case .malformed(let path, let found): "\(path): not a sound model file: \(found)"
    case .mismatch(let path, let found): "\(path): \(found)"
    }
  }
}
