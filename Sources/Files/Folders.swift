internal import Glibc

/// Folders and what lies in them.
public enum Folders {
  /// Whether a folder lies at a path.
  public static func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Makes a folder where there is none; the one that it lies in must be there.
  ///
  /// Throws `FileError.unwritable`.
  public static func make(_ path: String) throws(FileError) {
    guard !exists(path) else { return }
    if mkdir(path, 0o777) != 0, errno != EEXIST {
      throw .unwritable(path: path, reason: String(cString: strerror(errno)))
    }
  }

  /// Removes a folder in which nothing lies.
  public static func removeIfEmpty(_ path: String) { rmdir(path) }

  /// The names of what lies in a folder, sorted; none where it cannot be read.
  public static func names(in path: String) -> [String] {
    guard let listing = opendir(path) else { return [] }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// A path from the root, without `.` and `..`, whether something lies there or not.
  public static func absolute(_ path: String) -> String {
    var parts: [Substring] = []
    if !path.hasPrefix("/"), let here = getcwd(nil, 0) {
      defer { free(here) }
      parts = String(cString: here).split(separator: "/")
    }
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }
}
