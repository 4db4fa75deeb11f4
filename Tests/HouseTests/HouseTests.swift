import Foundation
import Testing

/// The floors: a target imports only lower ones, and only floor 1 imports C.
private let floors: [String: Int] = [
  "CKernels": 0, "COneDNN": 0, "CICU": 0, "CPopt": 0, "ICUText": 1, "DenseMath": 1,
  "CommandLineOptions": 1, "Parameters": 2, "Cells": 3, "Layers": 3, "Training": 4, "Decoding": 4,
  "LanguageModel": 5, "Tagger": 5, "Translator": 5, "Experiments": 5, "MajorTom": 6,
  "MajorTomCLI": 7,
]
private let arrowsOnOneFloor: Set<String> = ["Tagger -> LanguageModel"]

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()

private struct Package: Decodable {
  struct Target: Decodable {
    struct Dependency: Decodable {
      let byName: [String?]?
      let target: [String?]?
    }
    let name, type: String
    let path: String?
    let dependencies: [Dependency]
    var arrows: [String] { dependencies.compactMap { ($0.byName ?? $0.target)?.first ?? nil } }
    var isOfTests: Bool { type == "test" || path?.hasPrefix("Tests/") == true }
  }
  let targets: [Target]

  static func dumped() throws -> Package {
    // A scratch folder of its own: the test run holds the lock of the usual one.
    let scratch = NSTemporaryDirectory() + "majortom-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "swift", "package", "--package-path", root.path, "--scratch-path", scratch, "dump-package",
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return try JSONDecoder().decode(Package.self, from: data)
  }
}

private func sources(of target: String) throws -> [(path: String, text: String)] {
  let folder = root.appendingPathComponent("Sources/\(target)")
  let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
  return try (files?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }.map {
    ($0.path, try String(contentsOf: $0, encoding: .utf8))
  }
}

/// The modules that a file imports.
private func imports(_ text: String) -> [String] {
  text.split(separator: "\n").compactMap { line in
    let words = line.split(separator: " ").filter {
      !$0.hasPrefix("@") && !["public", "internal", "private", "package"].contains($0)
    }
    return words.first == "import" ? words.dropFirst().first.map(String.init) : nil
  }
}

@Suite struct HouseTests {
  @Test func everyArrowLeadsToALowerFloor() throws {
    let targets = try Package.dumped().targets.filter { !$0.isOfTests }
    #expect(targets.count >= 16)
    for target in targets {
      let floor = try #require(floors[target.name], "\(target.name) has no floor in this table")
      for arrow in target.arrows {
        let other = try #require(floors[arrow], "\(arrow) has no floor in this table")
        #expect(
          other < floor || arrowsOnOneFloor.contains("\(target.name) -> \(arrow)"),
          "\(target.name) on floor \(floor) imports \(arrow) on floor \(other)")
        #expect(other > 0 || floor == 1, "\(target.name) imports the C target \(arrow)")
      }
    }
  }

  @Test func filesImportOnlyWhatTheirTargetDeclares() throws {
    for target in try Package.dumped().targets where !target.isOfTests && floors[target.name] != 0 {
      for file in try sources(of: target.name) {
        for module in imports(file.text) where floors[module] != nil {
          #expect(target.arrows.contains(module), "\(file.path) imports \(module)")
        }
        // Foundation brings a second ICU and costs every start of the tool.
        #expect(!imports(file.text).contains("Foundation"), "\(file.path)")
      }
    }
  }

  @Test func thePackageHasNoUnsafeFlags() throws {
    let text = try String(
      contentsOf: root.appendingPathComponent("Package.swift"), encoding: .utf8)
    #expect(!text.contains("unsafeFlags"))
  }
}
