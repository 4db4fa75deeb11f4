import Glibc

/// A reader under test: it may give a value or throw, and nothing else.
///
/// A crash, a hang, or memory beyond libFuzzer's limits is a finding, and so is a broken promise that a
/// driver holds a reader to by `demand`.
struct Driver: Sendable {
  /// What the command line and the folder of its inputs call it.
  let name: String
  /// Reads an input.
  let run: @Sendable ([UInt8]) throws -> Void
  /// Changes an input in a way that fits its format; nil to leave it to libFuzzer.
  var mutate: (@Sendable (inout Mutation) -> Void)?
  /// The longest input that is tried, in bytes: short ones are read many more times.
  var longest = 2048
  /// The first inputs, by name.
  let seeds: @Sendable () throws -> [(name: String, bytes: [UInt8])]

  /// All drivers.
  static let all = modelDrivers + textDrivers + settingDrivers + requestDrivers

  /// The one that this process runs.
  nonisolated(unsafe) static var chosen: Driver?

  /// Reads an input; that it is refused is as good as that it is read.
  func feed(_ bytes: UnsafeBufferPointer<UInt8>) {
    do { try run(Array(bytes)) } catch { demand(!"\(error)".isEmpty, "an error is a sentence") }
  }

  /// Writes the first inputs to a folder of the driver's own in `folder`.
  func writeSeeds(to folder: String) throws {
    mkdir(folder, 0o777)
    mkdir("\(folder)/\(name)", 0o777)
    for seed in try seeds() {
      try Scratch.write(seed.bytes, to: "\(folder)/\(name)/\(seed.name)")
    }
  }

  /// Reads the first inputs as they are kept: where a format has changed since, they are refused, and
  /// the fuzzer would not get far from them.
  func checkSeeds(in folder: String) throws {
    for seed in try seeds() where seed.name != "refused" {
      let path = "\(folder)/\(name)/\(seed.name)"
      do { try run(try Scratch.read(path)) } catch {
        fatalError("\(path) is refused: \(error); make fuzz-seeds writes it anew")
      }
    }
  }
}

/// Ends the process with a sentence where a promise is broken.
func demand(_ isKept: Bool, _ promise: @autoclosure () -> String) {
  if !isKept { fatalError("broken: \(promise())") }
}

/// Files for readers that take a path.
enum Scratch {
  struct Failure: Error { let path: String }

  /// A folder in memory, made at the first use and removed when the process ends.
  static let folder: String = {
    var name = Array("/dev/shm/majortom-fuzz.XXXXXX".utf8CString)
    guard mkdtemp(&name) != nil else { fatalError("no folder in /dev/shm") }
    atexit { Scratch.clear(andRemove: true) }
    return String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }()

  /// Removes what lies in the folder.
  static func clear(andRemove removes: Bool = false) {
    if let listing = opendir(folder) {
      defer { closedir(listing) }
      while let entry = readdir(listing) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { unlink("\(folder)/\(name)") }
      }
    }
    if removes { rmdir(folder) }
  }

  /// Writes a file in the folder, and returns its path.
  static func file(_ bytes: some Collection<UInt8>, named name: String = "input") -> String {
    let path = "\(folder)/\(name)"
    do { try write(Array(bytes), to: path) } catch { fatalError("\(path) cannot be written") }
    return path
  }

  static func write(_ bytes: [UInt8], to path: String) throws {
    guard let file = fopen(path, "w") else { throw Failure(path: path) }
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else { throw Failure(path: path) }
  }

  static func read(_ path: String) throws -> [UInt8] {
    guard let file = fopen(path, "r") else { throw Failure(path: path) }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&block, 1, block.count, file), count > 0 {
      bytes += block[..<count]
    }
    return bytes
  }
}
