import Foundation
import Testing

/// What the sources of the house look like: their sizes, and the words of the libraries.
@Suite struct SourceTests {
  static let longestFunction = 60
  static let longestFile = 400

  /// The targets that are the command line; all others are libraries.
  static let commandLine = ["MajorTomCLI", "CommandLineModels", "CommandLineOptions"]

  @Test func functionsAreShort() throws {
    for file in try Package.swiftFiles() {
      let source = try SwiftSource(String(contentsOf: file, encoding: .utf8))
      for function in source.functions
      where function.lines.count > Self.longestFunction && source.reason(of: function) == nil {
        let name = "\(file.lastPathComponent) \(function.name)"
        Issue.record(
          """
          \(name): \(function.lines.count) lines from line \(function.lines.lowerBound), where \
          \(Self.longestFunction) are allowed: split it, or say why not in a comment above it, \
          // Long: reason
          """)
      }
    }
  }

  @Test func filesAreShort() throws {
    for file in try Package.swiftFiles() {
      let source = try SwiftSource(String(contentsOf: file, encoding: .utf8))
      guard source.lineCount > Self.longestFile, source.reason == nil else { continue }
      let name = file.lastPathComponent
      Issue.record(
        """
        \(name): \(source.lineCount) lines, where \(Self.longestFile) are allowed: split it, or say \
        why not in its first line, // Long: reason
        """)
    }
  }

  @Test func librariesNameNoFlags() throws {
    let folders = try FileManager.default.contentsOfDirectory(
      atPath: Package.root.appendingPathComponent("Sources").path)
    let libraries = folders.filter { !Self.commandLine.contains($0) }
    #expect(libraries.count > 10, "the sources were not found")
    for file in try libraries.flatMap(Package.swiftFiles) {
      let source = try SwiftSource(String(contentsOf: file, encoding: .utf8))
      for literal in source.literals where Self.namesFlag(literal.text) {
        Issue.record(
          """
          \(file.lastPathComponent):\(literal.line): "\(literal.text)" names a flag of the command \
          line: say what is wrong, and leave the remedy to the tool
          """)
      }
    }
  }

  /// Whether a text has the name of an option, or the dashes before one that is put in.
  static func namesFlag(_ text: String) -> Bool { text.contains(/--[a-z\0]/) }

  @Test(arguments: [
    ("use --repair-tags", true), ("--\u{0} \u{0}", true), ("--\u{0}", true), ("a -- b", false),
    ("a-b", false), ("--", false), ("----", false), ("--1", false), ("raise --longest", true),
  ])
  func flagsAreKnown(_ text: String, _ isFlag: Bool) {
    #expect(Self.namesFlag(text) == isFlag)
  }
}
