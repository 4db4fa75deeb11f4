internal import Glibc

/// A file that one process at a time has locked, for as long as the lock lives.
///
/// The system takes the lock back when a process ends, however it ends; the file of one that was killed
/// stays, and locks nobody out.
public struct FileLock: ~Copyable {
  private let path: String
  private let descriptor: Int32

  /// Makes and locks the file.
  ///
  /// - Parameters:
  ///   - path: The file that is locked.
  ///   - name: What the error says is in use.
  ///   - user: Who the error says uses it, such as `another training`.
  /// - Throws: `FileError.unwritable` where another holds it, or it cannot be made.
  public init(_ path: String, for name: String, heldBy user: String) throws(FileError) {
    while true {
      let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
      guard opened >= 0 else {
        throw .unwritable(path: path, reason: String(cString: strerror(errno)))
      }
      // A file system without locks is no reason not to write.
      if flock(opened, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
        close(opened)
        throw .unwritable(path: name, reason: "\(user) writes to it")
      }
      // Whoever held it before may have removed it since it was opened here.
      var (mine, there) = (stat(), stat())
      if fstat(opened, &mine) == 0, stat(path, &there) == 0, mine.st_ino == there.st_ino {
        self.path = path
        descriptor = opened
        return
      }
      close(opened)
    }
  }

  /// Whether somebody holds the lock of a file now.
  public static func isHeld(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }

  deinit {
    unlink(path)
    close(descriptor)
  }
}
