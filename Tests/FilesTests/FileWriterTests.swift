import Files
import Foundation
import TestSupport
import Testing

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
      do throws(FileError) {
        try writer.finish()
        Issue.record("a file of 1 MB was written under a limit of 64 KiB")
      } catch {
        #expect(error == .unwritable(path: path, reason: "File too large"))
      }
      #expect(try folder.text("file") == "old")
      #expect(folder.names == ["file"])
    }
  }

  @Test func unwritableFolderIsNamed() async {
    await #expect(processExitsWith: .success) {
      let folder = try Folder()
      let path = try folder.write("file", "old")
      chmod(folder.path, 0o555)
      let error = asNobody {
        #expect(throws: FileError.self) { try FileWriter.probe(path) }
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
    #expect(throws: FileError.unwritable(path: path, reason: "No such file or directory")) {
      try FileWriter.probe(path)
    }
  }

  @Test func fileIsNoFolder() throws {
    let path = try folder.write("file", "old") + "/model"
    #expect(throws: FileError.unwritable(path: path, reason: "Not a directory")) {
      try FileWriter.probe(path)
    }
  }

  @Test func folderIsNotReplaced() throws {
    let error = #expect(throws: FileError.self) {
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
    #expect(throws: FileError.unwritable(path: folder.path, reason: "it is a directory")) {
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
