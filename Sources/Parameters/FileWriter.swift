internal import Glibc

/// What can be wrong with a model file or with writing one, as a sentence each.
public enum ModelFileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file cannot be opened or read; the system's reason.
  case unreadable(path: String, reason: String)
  /// The file cannot be written; the system's reason. What stood there before is intact.
  case unwritable(path: String, reason: String)
  /// The file is not safetensors, or is damaged; what was found.
  case malformed(path: String, found: String)
  /// The file is sound, but not a model of this kind; what was found and what was expected.
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

/// Writes a file beside its place and renames it into it, so that a reader sees the old file or
/// the whole new one, and a full disk leaves the old one intact.
///
/// The rename comes after the data are on the disk.
public struct FileWriter: ~Copyable {
  private let path: String
  private let temporary: String
  private var descriptor: Int32
  private var failure: String?

  /// Opens a temporary file in the folder of `path`.
  ///
  /// Throws `ModelFileError.unwritable`.
  public init(replacing path: String) throws(ModelFileError) {
    self.path = path
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[...$0]) } ?? "./"
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    var template = Array("\(folder).\(name).XXXXXX".utf8CString)
    descriptor = mkstemp(&template)
    temporary = template.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map { String(cString: $0) } ?? ""
    }
    guard descriptor >= 0 else {
      throw .unwritable(path: path, reason: String(cString: strerror(errno)))
    }
    // mkstemp makes the file private; a model is as readable as any other new file.
    let mask = umask(0)
    umask(mask)
    fchmod(descriptor, 0o666 & ~mask)
  }

  deinit {
    if descriptor >= 0 {
      close(descriptor)
      unlink(temporary)
    }
  }

  /// Appends bytes; a failure is kept for `finish()`.
  public mutating func write(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    while failure == nil, rest.count > 0 {
      let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if written > 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest[written...])
      } else if written == 0 || errno != EINTR {
        failure = written == 0 ? "no space left" : String(cString: strerror(errno))
      }
    }
  }

  /// Appends a text as UTF-8.
  public mutating func write(_ text: String) {
    var text = text
    text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
  }

  /// Puts the file into its place, or throws `ModelFileError.unwritable` and leaves no trace.
  public consuming func finish() throws(ModelFileError) {
    if failure == nil, fsync(descriptor) != 0 { failure = String(cString: strerror(errno)) }
    if close(descriptor) != 0, failure == nil { failure = String(cString: strerror(errno)) }
    descriptor = -1
    if failure == nil, rename(temporary, path) != 0 {
      failure = String(cString: strerror(errno))
    }
    if let failure {
      unlink(temporary)
      throw .unwritable(path: path, reason: failure)
    }
  }

  /// Throws `ModelFileError.unwritable` unless a file can be made at a path.
  public static func probe(_ path: String) throws(ModelFileError) {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      throw .unwritable(path: path, reason: "it is a directory")
    }
    _ = try FileWriter(replacing: path)
  }

  /// Whether something lies at a path.
  public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Removes a file, if there is one.
  public static func remove(_ path: String) { unlink(path) }
}
