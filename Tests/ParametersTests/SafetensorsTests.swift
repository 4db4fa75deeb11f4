import DenseMath
import Foundation
import Parameters
import Testing

/// A folder of its own for each test.
private struct Folder {
  let path = NSTemporaryDirectory() + "majortom-\(UUID().uuidString)/"
  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  func write(_ bytes: Data, _ name: String = "file") throws -> String {
    try bytes.write(to: URL(fileURLWithPath: path + name))
    return path + name
  }
  var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }
}

private func file(_ header: String, _ data: [UInt8] = [], length: UInt64? = nil) -> Data {
  var bytes = Data()
  withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) {
    bytes.append(contentsOf: $0)
  }
  bytes.append(contentsOf: header.utf8)
  bytes.append(contentsOf: data)
  return bytes
}

private func sentence(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "no error"
  } catch { return "\(error)" }
}

@Suite struct SafetensorsTests {
  @Test func aBlockReadBackIsTheSame() throws {
    let folder = try Folder()
    var layout = ParameterLayout()
    _ = layout.declare("a.weight", shape: [3, 5], as: .uniform(2))
    _ = layout.declare("b", shape: [7], as: .uniform(1))
    let block = Parameters<Float>(layout, seed: 4)
    let metadata = ["text": "line\n\"quoted\" \\ \u{1} ü 👩‍🚀", "empty": ""]
    try SafetensorsFile.write(
      [.init(block, prefix: "x.")], metadata: metadata, to: folder.path + "f")
    let read = try SafetensorsFile(contentsOf: folder.path + "f")
    #expect(read.metadata == metadata)
    let again = try read.parameters(layout, prefix: "x.")
    #expect(Array(again.elements) == Array(block.elements))
    #expect(read.tensors["x.a.weight"]?.shape == [3, 5])
    #expect((read.tensors["x.a.weight"]?.bytes.lowerBound ?? 1) % 64 == 0)
    withExtendedLifetime((again, block)) {}
  }

  /// Written by Python's `safetensors` 0.8, from torch tensors: "w" float32 [[1.5, -2.25]],
  /// "h" float16 [0.1, 65504], "b" bfloat16 [3.140625, -1e10], "d" float64 [0.1, 1e-3].
  @Test func aFileOfThePythonPackageIsRead() throws {
    let base64 = [
      "CAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJtYWtlciI6InB5dGhvbiJ9LCJkIjp7ImR0eXBlIjoi",
      "RjY0Iiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbMCwxNl19LCJ3Ijp7ImR0eXBlIjoiRjMy",
      "Iiwic2hhcGUiOlsxLDJdLCJkYXRhX29mZnNldHMiOlsxNiwyNF19LCJiIjp7ImR0eXBlIjoiQkYx",
      "NiIsInNoYXBlIjpbMl0sImRhdGFfb2Zmc2V0cyI6WzI0LDI4XX0sImgiOnsiZHR5cGUiOiJGMTYi",
      "LCJzaGFwZSI6WzJdLCJkYXRhX29mZnNldHMiOlsyOCwzMl19fSAgICAgICCamZmZmZm5P/yp8dJN",
      "YlA/AADAPwAAEMBJQBXQZi7/ew==",
    ].joined()
    let folder = try Folder()
    let path = try folder.write(#require(Data(base64Encoded: base64)))
    let read = try SafetensorsFile(contentsOf: path)
    #expect(read.metadata == ["maker": "python"])
    var numbers = [Float](repeating: 0, count: 2)
    try numbers.withUnsafeMutableBufferPointer { try read.copy("w", shape: [1, 2], into: $0) }
    #expect(numbers == [1.5, -2.25])
    try numbers.withUnsafeMutableBufferPointer { try read.copy("h", shape: [2], into: $0) }
    #expect(numbers == [Float(Float16(0.1)), 65504])
    try numbers.withUnsafeMutableBufferPointer { try read.copy("b", shape: [2], into: $0) }
    #expect(numbers == [3.140625, -9999220736.0])
    try numbers.withUnsafeMutableBufferPointer { try read.copy("d", shape: [2], into: $0) }
    #expect(numbers == [0.1, 1e-3])
  }

  @Test func damagedAndHostileFilesAreRefusedInASentence() throws {
    let folder = try Folder()
    let w = #""w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#
    let eight = [UInt8](repeating: 0, count: 8)
    let cases: [(Data, String)] = [
      (Data(), "empty"),
      (Data([1, 2, 3]), "3 bytes"),
      (file("{}", length: 1 << 63), "claims"),
      (file("{}", length: 3), "claims 3 bytes where 2"),
      (file("[]"), "not a safetensors header"),
      (file("{\"w\":"), "not the JSON"),
      (file("{" + String(repeating: "[", count: 100_000)), "not the JSON"),
      (file(#"{"w":3}"#), "not the JSON"),
      (file(#"{"w":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}"#, eight), "not the JSON"),
      (file(#"{"w":{"dtype":"X9","shape":[2],"data_offsets":[0,8]}}"#, eight), "unknown type X9"),
      (
        file(#"{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, eight), "impossible shape"
      ),
      (
        file(#"{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#, eight),
        "impossible shape"
      ),
      (file(#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, eight), "outside the file"),
      (
        file(#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#, eight), "outside the file"
      ),
      (file(#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#, eight), "outside the file"),
      (file(#"{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, eight), "needs 12"),
      (file("{\(w)}", eight + eight), "8 bytes follow"),
      (
        file(
          "{\(w),\"v\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
          eight + [0, 0, 0, 0]),
        "overlaps"
      ),
      (
        file(
          "{\(w),\"v\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]}}", eight + eight),
        "gap"
      ),
    ]
    for (bytes, part) in cases {
      let path = try folder.write(bytes)
      let found = sentence { _ = try SafetensorsFile(contentsOf: path) }
      #expect(found.contains(part), "\(found)")
      #expect(found.hasPrefix(path))
    }
    #expect(
      sentence { _ = try SafetensorsFile(contentsOf: folder.path) }.contains("not a regular file"))
    #expect(sentence { _ = try SafetensorsFile(contentsOf: "/none") }.contains("cannot be read"))
  }

  @Test func weightsThatAreMissingMisshapenOrNotFiniteAreNamed() throws {
    let folder = try Folder()
    var layout = ParameterLayout()
    _ = layout.declare("w", shape: [2], as: .constant(1))
    func found(_ header: String, _ data: [UInt8]) throws -> String {
      let path = try folder.write(file(header, data))
      return sentence { _ = try SafetensorsFile(contentsOf: path).parameters(layout) }
    }
    let nan = withUnsafeBytes(of: Float.nan.bitPattern.littleEndian) { Array($0) }
    let eight = [UInt8](repeating: 0, count: 8)
    #expect(
      try found(#"{"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, eight).contains(
        "w is missing"))
    #expect(
      try found(#"{"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#, eight)
        .contains("shape [1, 2], expected [2]"))
    #expect(
      try found(#"{"w":{"dtype":"I32","shape":[2],"data_offsets":[0,8]}}"#, eight).contains(
        "type I32"))
    #expect(
      try found(#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, [0, 0, 0, 0] + nan)
        .contains("w holds NaN"))
  }

  @Test func randomDamageNeverCrashes() throws {
    let folder = try Folder()
    var layout = ParameterLayout()
    _ = layout.declare("w", shape: [4], as: .uniform(1))
    try SafetensorsFile.write(
      [.init(Parameters(layout, seed: 1))], metadata: ["kind": "x"], to: folder.path + "f")
    let sound = try Data(contentsOf: URL(fileURLWithPath: folder.path + "f"))
    let random = CounterRandom(seed: 1, stream: .shuffle)
    var refused = 0
    for round in 0..<3000 {
      var bytes = sound
      for change in 0..<1 + round % 3 {
        let place = random.integer(below: bytes.count, step: round, index: 2 * change)
        bytes[place] = UInt8(random.integer(below: 256, step: round, index: 2 * change + 1))
      }
      if round % 4 == 0 {
        bytes = bytes.prefix(random.integer(below: bytes.count, step: round, index: 99))
      }
      let path = try folder.write(bytes)
      do {
        _ = try SafetensorsFile(contentsOf: path).parameters(layout)
      } catch { refused += 1 }
    }
    #expect(refused > 1000)
  }
}

@Suite struct FileWriterTests {
  @Test func aFileNotFinishedLeavesTheOldOneAndNoTrace() throws {
    let folder = try Folder()
    let path = try folder.write(Data("old".utf8))
    do {
      var writer = try FileWriter(replacing: path)
      writer.write("new")
    }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
    #expect(folder.names == ["file"])
    var writer = try FileWriter(replacing: path)
    writer.write("new")
    try writer.finish()
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "new")
    #expect(folder.names == ["file"])
  }

  /// A limit on the size of files in a process of its own stands for a full disk: writes fail alike.
  @Test func aFullDiskLeavesTheOldFileIntact() throws {
    let folder = try Folder()
    let model = folder.path + "m"
    try Data("old".utf8).write(to: URL(fileURLWithPath: model))
    let text = try folder.write(
      Data((0..<600).map { "Line \($0) of a text.\n" }.joined().utf8), "text")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    // 8 blocks of 1,024 bytes; SIGXFSZ is ignored so that the write fails instead.
    process.arguments = [
      "-c",
      "trap '' XFSZ; ulimit -f 8; exec \"$0\" train lm \"$1\" -o \"$2\" --hidden 32 --updates 3",
      tool.path, text, model,
    ]
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let output = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let said = String(decoding: output, as: UTF8.self)
    #expect(process.terminationStatus == 1, "\(said)")
    #expect(said.contains("cannot be written"), "\(said)")
    #expect(try String(contentsOfFile: model, encoding: .utf8) == "old")
    #expect(folder.names == ["m", "text"])
  }

  private var tool: URL {
    let arguments = CommandLine.arguments
    let bundle =
      arguments.firstIndex(of: "--test-bundle-path").map { arguments[$0 + 1] } ?? arguments[0]
    return URL(fileURLWithPath: bundle).resolvingSymlinksInPath().deletingLastPathComponent()
      .appendingPathComponent("majortom")
  }
}
