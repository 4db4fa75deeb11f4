internal import Glibc

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
  /// Throws `FileError.unwritable`.
  public init(replacing path: String) throws(FileError) {
    let (path, reason) = Self.target(of: path)
    self.path = path
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[...$0]) } ?? "./"
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    (descriptor, temporary) =
      reason == nil ? Self.openBeside("\(folder).\(name).") : (-1, "")
    guard descriptor >= 0 else {
      throw .unwritable(path: path, reason: reason ?? String(cString: strerror(errno)))
    }
  }

  /// A new file whose name begins with `prefix`; its descriptor is -1 where none can be made.
  ///
  /// The kernel itself takes the process's mask off the permissions, so that a model is as readable
  /// as any other new file, and nobody has to ask for the mask by changing it.
  private static func openBeside(_ prefix: String) -> (descriptor: Int32, path: String) {
    while true {
      let path = prefix + String(UInt32.random(in: 0...UInt32.max), radix: 36)
      let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 || errno != EEXIST { return (descriptor, path) }
    }
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

  /// Puts the file into its place, or throws `FileError.unwritable` and leaves no trace.
  ///
  /// What stood there goes to the path `older`, if one is given, once the new file is on the disk.
  public consuming func finish(keeping older: String? = nil) throws(FileError) {
    if failure == nil, fsync(descriptor) != 0 { failure = String(cString: strerror(errno)) }
    if close(descriptor) != 0, failure == nil { failure = String(cString: strerror(errno)) }
    descriptor = -1
    // Between the two renames only the older file is there, which whoever keeps two looks for.
    if failure == nil, let older { rename(path, older) }
    if failure == nil, rename(temporary, path) != 0 {
      failure = String(cString: strerror(errno))
    }
    if failure == nil { Self.sync(folderOf: path) }
    if let failure {
      unlink(temporary)
      throw .unwritable(path: path, reason: failure)
    }
  }

  /// Writes a whole text.
  ///
  /// Throws `FileError.unwritable`.
  public static func write(_ text: String, to path: String) throws(FileError) {
    var writer = try FileWriter(replacing: path)
    writer.write(text)
    try writer.finish()
  }

  /// The file that a path means: what a link points to, so that the link stays one.
  ///
  /// With a reason where something lies there that is no regular file, such as a device, which must
  /// not be replaced.
  private static func target(of path: String) -> (path: String, reason: String?) {
    var status = stat()
    guard stat(path, &status) == 0 else { return (path, nil) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: return (path, "it is a directory")
    default: return (path, "it is a device or a pipe, not a file")
    }
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK,
      let resolved = realpath(path, nil)
    else { return (path, nil) }
    defer { free(resolved) }
    return (String(cString: resolved), nil)
  }

  /// Throws `FileError.unwritable` unless a file can be made at a path.
  public static func probe(_ path: String) throws(FileError) {
    _ = try FileWriter(replacing: path)
  }

  /// Whether two paths mean the same file that exists.
  public static func areSame(_ path: String, _ other: String) -> Bool {
    var (one, two) = (stat(), stat())
    return stat(path, &one) == 0 && stat(other, &two) == 0 && one.st_dev == two.st_dev
      && one.st_ino == two.st_ino
  }

  /// Whether something lies at a path.
  public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Removes what writers of a path left beside it that were killed at it.
  ///
  /// Only for who knows that no other is at it now.
  public static func removeLeftovers(of path: String) {
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[...$0]) } ?? "./"
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    guard let listing = opendir(folder) else { return }
    defer { closedir(listing) }
    while let entry = readdir(listing) {
      let found = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard found.hasPrefix(".\(name).") else { continue }
      let suffix = found.dropFirst(name.count + 2)
      if UInt32(suffix, radix: 36) != nil { unlink(folder + found) }
    }
  }

  /// Removes a file, if there is one.
  public static func remove(_ path: String) { unlink(path) }

  /// Gives a file another name, in place of what has it.
  public static func move(_ path: String, to other: String) { rename(path, other) }

  /// Brings the names in the folder of a path to the disk: without it a file that was renamed may be
  /// gone after the power was.
  ///
  /// A file system that cannot do so is no reason to fail.
  private static func sync(folderOf path: String) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}
