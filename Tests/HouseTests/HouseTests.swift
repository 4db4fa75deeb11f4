import Foundation
import Testing

/// The floor table of the design: what the arrows of the package are held against.
enum House {
  /// The floor of each target; a new target is entered here before it can have an arrow.
  static let floors: [String: Int] = [
    "CChecksum": 0, "CKernels": 0, "CProducts": 0, "CICU": 0, "CPopt": 0, "CZlib": 0, "CZstd": 0,
    "CEdit": 0, "CMicrohttpd": 0, "CMPI": 0,
    "Files": 1, "ICUText": 1, "DenseMath": 1, "CommandLineOptions": 1, "Terminal": 1,
    "Plots": 1,
    "Parameters": 2,
    "Cells": 3, "Layers": 3,
    "Training": 4, "Decoding": 4,
    "LanguageModel": 5, "Tagger": 5, "Translator": 5, "Experiments": 5,
    "Cluster": 5, "CommandLineModels": 5,
    "MajorTom": 6, "Server": 6,
    "MajorTomCLI": 7,
  ]

  /// The arrows within one floor that the table allows.
  static let allowedBeside = [
    "Tagger": ["LanguageModel"],
    // How messages quote what they are about is said once, for all rooms.
    "ICUText": ["Files"], "CommandLineOptions": ["Files"],
    // Whoever trains on a command line may do so on many machines.
    "CommandLineModels": ["Cluster"],
  ]

  /// The rooms above floor 1 that import C, each a library that only who needs it opens.
  static let allowedToC = ["Cluster": ["CMPI"], "Server": ["CMicrohttpd"]]

  /// What is wrong with one arrow, as a sentence, or nil.
  static func problem(from target: String, to other: String) -> String? {
    guard let floor = floors[target] else {
      return "\(target) is on no floor: enter it in Tests/HouseTests and in the design's table"
    }
    guard let lower = floors[other] else {
      return "\(target) depends on \(other), which is on no floor"
    }
    if lower == 0, floor != 1, allowedToC[target]?.contains(other) != true {
      return "\(target) (floor \(floor)) depends on \(other): only floor 1 imports C"
    }
    if lower < floor || allowedBeside[target]?.contains(other) == true { return nil }
    return "\(target) (floor \(floor)) depends on \(other) (floor \(lower)), which is not below it"
  }

  /// What is wrong with who imports a target of C, as a sentence, or nil: it has one room above it.
  static func problem(with rooms: [String], above target: String) -> String? {
    switch rooms.count {
    case 0: "\(target) is imported by no room: leave it out of the package"
    case 1: nil
    default: "\(target) is imported by \(rooms.joined(separator: " and ")): one room owns it"
    }
  }
}

/// The package as `swift package dump-package` and its folders show it.
struct Package {
  struct Target: Decodable {
    /// SwiftPM writes a dependency as a list under its kind, the name first.
    struct Dependency: Decodable {
      let name: String?

      private struct Kind: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
      }

      init(from decoder: any Decoder) throws {
        let kinds = try decoder.container(keyedBy: Kind.self)
        name = try kinds.allKeys.first.flatMap { kind in
          var list = try kinds.nestedUnkeyedContainer(forKey: kind)
          return try list.decodeIfPresent(String.self)
        }
      }
    }

    let name: String
    let type: String
    let path: String?
    let dependencies: [Dependency]
  }

  private struct Product: Decodable { let name: String }

  private struct Dump: Decodable {
    let targets: [Target]
    let products: [Product]
  }

  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// All targets but the tests, with the names of what they depend on.
  let targets: [String: Set<String>]
  /// What another package can depend on.
  let products: Set<String>

  init() throws {
    // A scratch folder of its own: `swift test` may hold the lock of the usual one.
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "swift", "package", "--package-path", Self.root.path, "--scratch-path", scratch.path,
      "dump-package",
    ]
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let dump = try JSONDecoder().decode(Dump.self, from: data)
    targets = Dictionary(
      uniqueKeysWithValues: dump.targets.filter {
        $0.type != "test" && $0.path?.hasPrefix("Tests/") != true
      }.map {
        ($0.name, Set($0.dependencies.compactMap(\.name)))
      })
    products = Set(dump.products.map(\.name))
  }

  /// The Swift files of a target, or of all.
  static func swiftFiles(of target: String = "") throws -> [URL] {
    let folder = root.appendingPathComponent("Sources").appendingPathComponent(target)
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    return names.filter { $0.hasSuffix(".swift") }.sorted().map {
      folder.appendingPathComponent($0)
    }
  }

  /// The modules that a file imports.
  static func imports(of file: URL) throws -> [String] {
    try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
        words[..<place].allSatisfy({ modifiers.contains(String($0)) || $0.hasPrefix("@") })
      else { return nil }
      // `import struct Module.Name` names the module second.
      let kinds = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
      let name = kinds.contains(String(words[place + 1])) ? words.last : words[place + 1]
      return name?.split(separator: ".").first.map(String.init)
    }
  }

  private static let modifiers = ["public", "package", "internal", "fileprivate", "private"]
}

@Suite struct HouseTests {
  @Test func everyArrowLeadsToALowerFloor() throws {
    let package = try Package()
    #expect(package.targets.count >= 14, "the package was not read whole")
    for (target, dependencies) in package.targets.sorted(by: { $0.key < $1.key }) {
      #expect(
        House.floors[target] != nil,
        "\(target) is on no floor: enter it in Tests/HouseTests and in the design's table")
      for other in dependencies.sorted() {
        let problem = House.problem(from: target, to: other)
        #expect(problem == nil)
      }
    }
  }

  @Test func everyLibraryIsAProduct() throws {
    // All but the C behind them and the rooms of the tool alone.
    let package = try Package()
    let libraries = package.targets.keys.filter {
      House.floors[$0] != 0 && !["CommandLineOptions", "MajorTomCLI"].contains($0)
    }
    #expect(Set(libraries).subtracting(package.products).sorted() == [])
  }

  @Test func everyTargetOfCHasOneRoomAboveIt() throws {
    let package = try Package()
    let targets = package.targets.keys.filter { House.floors[$0] == 0 }
    #expect(targets.count >= 5, "the package was not read whole")
    for target in targets.sorted() {
      let rooms = package.targets.filter { $0.value.contains(target) }.keys.sorted()
      #expect(House.problem(with: rooms, above: target) == nil)
    }
  }

  @Test func everyImportIsADeclaredArrow() throws {
    let package = try Package()
    for (target, dependencies) in package.targets.sorted(by: { $0.key < $1.key }) {
      for file in try Package.swiftFiles(of: target) {
        for module in try Package.imports(of: file) where package.targets[module] != nil {
          #expect(
            dependencies.contains(module),
            "\(target)/\(file.lastPathComponent) imports \(module), which \(target) does not declare"
          )
        }
      }
    }
  }

  @Test func everyDeclaredArrowIsUsed() throws {
    let package = try Package()
    for (target, dependencies) in package.targets.sorted(by: { $0.key < $1.key }) {
      let used = Set(try Package.swiftFiles(of: target).flatMap { try Package.imports(of: $0) })
      let idle = dependencies.subtracting(used).sorted()
      #expect(idle.isEmpty, "\(target) declares \(idle) and imports none of them")
    }
  }

  @Test func noFileImportsFoundation() throws {
    // FoundationEssentials is a tenth of its size and has no ICU of its own.
    let files = try Package.swiftFiles()
    #expect(files.count > 30, "the sources were not found")
    for file in files {
      let modules = try Package.imports(of: file)
      #expect(!modules.contains("Foundation"), "\(file.lastPathComponent)")
    }
  }

  @Test func packageHasNoUnsafeFlags() throws {
    // They would bar other packages from depending on this one.
    let manifest = try String(
      contentsOf: Package.root.appendingPathComponent("Package.swift"), encoding: .utf8)
    #expect(!manifest.contains("unsafeFlags"))
  }

  @Test(arguments: [
    (
      "Parameters", "Cells",
      "Parameters (floor 2) depends on Cells (floor 3), which is not below it"
    ),
    ("Cells", "Layers", "Cells (floor 3) depends on Layers (floor 3), which is not below it"),
    (
      "Translator", "LanguageModel",
      "Translator (floor 5) depends on LanguageModel (floor 5), which is not below it"
    ),
    (
      "LanguageModel", "Tagger",
      "LanguageModel (floor 5) depends on Tagger (floor 5), which is not below it"
    ),
    ("Cells", "CKernels", "Cells (floor 3) depends on CKernels: only floor 1 imports C"),
    ("CICU", "CKernels", "CICU (floor 0) depends on CKernels: only floor 1 imports C"),
    ("DenseMath", "Files", "DenseMath (floor 1) depends on Files (floor 1), which is not below it"),
    ("Files", "ICUText", "Files (floor 1) depends on ICUText (floor 1), which is not below it"),
    ("Cluster", "CPopt", "Cluster (floor 5) depends on CPopt: only floor 1 imports C"),
    ("Cells", "NIO", "Cells depends on NIO, which is on no floor"),
    (
      "Utilities", "Cells",
      "Utilities is on no floor: enter it in Tests/HouseTests and in the design's table"
    ),
  ])
  func wrongArrowIsNamed(_ target: String, _ other: String, _ sentence: String) {
    #expect(House.problem(from: target, to: other) == sentence)
  }

  @Test(arguments: [
    ("DenseMath", "CKernels"), ("MajorTomCLI", "CommandLineOptions"), ("Tagger", "LanguageModel"),
    ("ICUText", "Files"),
    ("LanguageModel", "ICUText"), ("Parameters", "Files"), ("Cluster", "CMPI"),
    ("Server", "CMicrohttpd"),
  ])
  func rightArrowIsAllowed(_ target: String, _ other: String) {
    #expect(House.problem(from: target, to: other) == nil)
  }

  @Test func aTargetOfCWithoutOneRoomIsNamed() {
    #expect(House.problem(with: ["ICUText"], above: "CICU") == nil)
    #expect(
      House.problem(with: ["Files", "ICUText"], above: "CZlib")
        == "CZlib is imported by Files and ICUText: one room owns it")
    #expect(
      House.problem(with: [], above: "CZlib")
        == "CZlib is imported by no room: leave it out of the package")
  }

  @Test func importsAreFoundInAllTheirForms() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: file) }
    let text = """
      import A
      public import B
      @testable import C
      internal import struct D.Name
      @_exported public import E
      // import F
      /// an import of G
      """
    try Data(text.utf8).write(to: file)
    #expect(try Package.imports(of: file) == ["A", "B", "C", "D", "E"])
  }
}
