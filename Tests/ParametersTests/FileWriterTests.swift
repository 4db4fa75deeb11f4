import DenseMath
import Foundation
import Parameters
import Testing

/// Runs `body` without root's rights, if the process has them: root may write anywhere.
func asNobody<Result>(_ body: () -> Result) -> Result {
  let isRoot = geteuid() == 0
  if isRoot { _ = seteuid(65534) }
  defer { if isRoot { _ = seteuid(0) } }
  return body()
}

/// From here on files of this process can have 64 KiB: a write past that fails as on a full disk.
func limitFileSize() {
  signal(SIGXFSZ, SIG_IGN)
  var limit = rlimit(rlim_cur: 1 << 16, rlim_max: 1 << 16)
  setrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE
}

@Suite struct FileWriterTests {
  private let folder: Folder

  init() throws { folder = try Folder() }

  @Test func fileHoldsAllThatWasWritten() throws {
    var writer = try FileWriter(replacing: folder.place("new"))
    writer.write("one ")
    [UInt8]("two".utf8).withUnsafeBytes { writer.write($0) }
    writer.write("")
    writer.write(" três")
    try writer.finish()
    #expect(try folder.text("new") == "one two três")
    #expect(folder.names == ["new"])
  }

  @Test func oldFileStandsUntilTheEnd() throws {
    let path = try folder.write("file", "old")
    var writer = try FileWriter(replacing: path)
    writer.write("new")
    #expect(try folder.text("file") == "old")
    try writer.finish()
    #expect(try folder.text("file") == "new")
    #expect(folder.names == ["file"])
  }

  @Test func droppedWriterLeavesTheOldFile() throws {
    let path = try folder.write("file", "old")
    do {
      var writer = try FileWriter(replacing: path)
      writer.write("new")
    }
    #expect(try folder.text("file") == "old")
    #expect(folder.names == ["file"])
  }

  @Test func fileInTheWorkingFolderNeedsNoSlash() throws {
    let name = UUID().uuidString
    try FileWriter(replacing: name).finish()
    #expect(FileWriter.exists("./" + name))
    FileWriter.remove(name)
    #expect(!FileWriter.exists(name))
  }

  @Test func fullDiskLeavesTheOldFile() async {
    await #expect(processExitsWith: .success) {
      let folder = try Folder()
      let path = try folder.write("file", "old")
      limitFileSize()
      var writer = try FileWriter(replacing: path)
      for _ in 0..<1000 { writer.write(String(repeating: "x", count: 1000)) }
      do throws(ModelFileError) {
        try writer.finish()
        Issue.record("a file of 1 MB was written under a limit of 64 KiB")
      } catch {
        #expect(error == .unwritable(path: path, reason: "File too large"))
      }
      #expect(try folder.text("file") == "old")
      #expect(folder.names == ["file"])
    }
  }

  @Test func fullDiskLeavesTheOldModel() async {
    await #expect(processExitsWith: .success) {
      let folder = try Folder()
      let path = folder.place("model")
      var layout = ParameterLayout()
      _ = layout.declare("w", shape: [10], as: .uniform(1))
      let old = Parameters<Float>(layout, seed: 1)
      try SafetensorsFile.write([.init(old)], metadata: [:], to: path)
      limitFileSize()
      var larger = ParameterLayout()
      _ = larger.declare("w", shape: [1000, 1000], as: .uniform(1))
      #expect(throws: ModelFileError.unwritable(path: path, reason: "File too large")) {
        try SafetensorsFile.write([.init(Parameters(larger, seed: 1))], metadata: [:], to: path)
      }
      #expect(try SafetensorsFile(contentsOf: path).parameters(layout).numbers == old.numbers)
      #expect(folder.names == ["model"])
    }
  }

  @Test func unwritableFolderIsNamed() async {
    await #expect(processExitsWith: .success) {
      let folder = try Folder()
      let path = try folder.write("file", "old")
      chmod(folder.path, 0o555)
      let error = asNobody {
        #expect(throws: ModelFileError.self) { try FileWriter.probe(path) }
      }
      chmod(folder.path, 0o755)
      #expect(
        error?.description == "\(path): cannot be written: Permission denied; "
          + "a file that was there before is unchanged")
      #expect(try folder.text("file") == "old")
    }
  }

  @Test func missingFolderIsNamed() throws {
    let path = folder.place("absent/model")
    #expect(throws: ModelFileError.unwritable(path: path, reason: "No such file or directory")) {
      try FileWriter.probe(path)
    }
  }

  @Test func fileIsNoFolder() throws {
    let path = try folder.write("file", "old") + "/model"
    #expect(throws: ModelFileError.unwritable(path: path, reason: "Not a directory")) {
      try FileWriter.probe(path)
    }
  }

  @Test func folderIsNotReplaced() throws {
    let error = #expect(throws: ModelFileError.self) {
      let writer = try FileWriter(replacing: folder.path)
      try writer.finish()
    }
    #expect(error == .unwritable(path: folder.path, reason: "it is a directory"))
    #expect(folder.names.isEmpty)
    let parent = URL(fileURLWithPath: folder.path).deletingLastPathComponent().path
    let name = URL(fileURLWithPath: folder.path).lastPathComponent
    let left = try FileManager.default.contentsOfDirectory(atPath: parent)
    #expect(!left.contains { $0.hasPrefix(".\(name).") })
  }

  @Test func probeRefusesAFolder() {
    #expect(throws: ModelFileError.unwritable(path: folder.path, reason: "it is a directory")) {
      try FileWriter.probe(folder.path)
    }
  }

  @Test func probeLeavesNoTrace() throws {
    try FileWriter.probe(folder.place("new"))
    #expect(folder.names.isEmpty)
  }

  @Test func permissionsFollowTheMask() async {
    await #expect(processExitsWith: .success) {
      let folder = try Folder()
      for (mask, expected) in [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664), (0, 0o666)] {
        umask(mode_t(mask))
        try FileWriter(replacing: folder.place("file")).finish()
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.place("file"))
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == expected, "\(mask)")
        #expect(umask(0) == mode_t(mask), "the process's mask was changed")
      }
    }
  }
}
