import DenseMath
import Files
import Foundation
import Parameters
import TestSupport
import Testing

/// A file of Python's safetensors package, made by Tests/Fixtures/safetensors_sample.py.
let pythonsFile: [UInt8] = Array(
  Data(
    base64Encoded: """
      kAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJjYXJkIjoiTWFqb3IgXCJUb21cIlxuw6nkuJYifSwiZjY0Ijp7ImR0
      eXBlIjoiRjY0Iiwic2hhcGUiOlszLDJdLCJkYXRhX29mZnNldHMiOlswLDQ4XX0sImYzMiI6eyJkdHlwZSI6IkYz
      MiIsInNoYXBlIjpbMiwzXSwiZGF0YV9vZmZzZXRzIjpbNDgsNzJdfSwic2NhbGFyIjp7ImR0eXBlIjoiRjMyIiwi
      c2hhcGUiOltdLCJkYXRhX29mZnNldHMiOls3Miw3Nl19LCJiZjE2Ijp7ImR0eXBlIjoiQkYxNiIsInNoYXBlIjpb
      Nl0sImRhdGFfb2Zmc2V0cyI6Wzc2LDg4XX0sImYxNiI6eyJkdHlwZSI6IkYxNiIsInNoYXBlIjpbOF0sImRhdGFf
      b2Zmc2V0cyI6Wzg4LDEwNF19LCJpOCI6eyJkdHlwZSI6Ikk4Iiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpb
      MTA0LDEwNl19fSAgAAAAAAAAAAAAAAAAAAAAgAAAAAAAAPA/AAAAAAAABMAAAAAAAFTVPwAAAAAA/O9AAAAAAAAA
      AIAAAIA/AAAgwACgqj4A4H9HAADgQAAAAICAPyDAqz6ARwAAAIAAPADBVTX/ewEA74OAfw==
      """, options: .ignoreUnknownCharacters) ?? Data())

@Suite struct SafetensorsTests {
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
      #expect(throws: FileError.unwritable(path: path, reason: "File too large")) {
        try SafetensorsFile.write([.init(Parameters(larger, seed: 1))], metadata: [:], to: path)
      }
      #expect(try SafetensorsFile(contentsOf: path).parameters(layout).numbers == old.numbers)
      #expect(folder.names == ["model"])
    }
  }

  private let folder: Folder

  init() throws { folder = try Folder() }

  /// What the sample's script put into its tensors.
  private static let numbers: [Float] = [0, -0.0, 1, -2.5, 0.333251953125, 65504]

  private func read(_ name: String, shape: [Int]) throws -> [Float] {
    let file = try SafetensorsFile(contentsOf: folder.write("python.safetensors", pythonsFile))
    var block = [Float](repeating: .nan, count: shape.reduce(1, *))
    try block.withUnsafeMutableBufferPointer { try file.copy(name, shape: shape, into: $0) }
    return block
  }

  @Test func pythonsFloatsAreRead() throws {
    let numbers = try read("f32", shape: [2, 3])
    #expect(numbers.map(\.bitPattern) == Self.numbers.map(\.bitPattern))
  }

  @Test func pythonsDoublesAreConverted() throws {
    let numbers = try read("f64", shape: [3, 2])
    #expect(numbers.map(\.bitPattern) == Self.numbers.map(\.bitPattern))
  }

  @Test func pythonsHalvesAreConverted() throws {
    // The last two are subnormal halves.
    let expected = Self.numbers + [0x1p-24, -6.002187728881836e-05]
    let numbers = try read("f16", shape: [8])
    #expect(numbers.map(\.bitPattern) == expected.map(\.bitPattern))
  }

  @Test func pythonsBrainFloatsAreConverted() throws {
    let expected: [Float] = [0, -0.0, 1, -2.5, 0.333984375, 65536]
    let numbers = try read("bf16", shape: [6])
    #expect(numbers.map(\.bitPattern) == expected.map(\.bitPattern))
  }

  @Test func pythonsScalarsHaveNoExtents() throws {
    #expect(try read("scalar", shape: []) == [7])
  }

  @Test func pythonsMetadataAreRead() throws {
    let file = try SafetensorsFile(contentsOf: folder.write("python.safetensors", pythonsFile))
    #expect(file.metadata == ["card": "Major \"Tom\"\n\u{e9}\u{4e16}"])
    #expect(file.tensors.keys.sorted() == ["bf16", "f16", "f32", "f64", "i8", "scalar"])
    #expect(file.tensors["i8"]?.type == "I8" && file.tensors["i8"]?.shape == [2])
  }

  @Test func integersAreNoWeights() throws {
    let path = folder.place("python.safetensors")
    #expect(
      throws: FileError.mismatch(
        path: path, found: "tensor i8 has type I8, expected floating point")
    ) { try read("i8", shape: [2]) }
  }

  @Test func everyHalfIsWidenedExactly() throws {
    // All 65,536 of them, against the definition of IEEE 754.
    var bytes = [UInt8](repeating: 0, count: 1 << 17)
    for half in 0..<1 << 16 {
      bytes[2 * half] = UInt8(half & 255)
      bytes[2 * half + 1] = UInt8(half >> 8)
    }
    let path = try folder.write(
      "halves",
      safetensors(
        "{\"h\":{\"dtype\":\"F16\",\"shape\":[65536],\"data_offsets\":[0,131072]}}", bytes))
    let file = try SafetensorsFile(contentsOf: path)
    var floats = [Float](repeating: 1, count: 1 << 16)
    try floats.withUnsafeMutableBufferPointer { try file.copy("h", shape: [65536], into: $0) }
    let wrong = (0..<1 << 16).filter { half in
      let exponent = half >> 10 & 31
      let fraction = Double(half & 1023) / 1024
      let size =
        exponent == 0
        ? fraction * pow(2, -14)
        : exponent == 31
          ? (fraction == 0 ? .infinity : .nan) : (1 + fraction) * pow(2, Double(exponent - 15))
      let expected = half < 1 << 15 ? size : -size
      let found = Double(floats[half])
      return expected.isNaN
        ? !found.isNaN : found != expected || found.sign != expected.sign
    }
    #expect(wrong.isEmpty)
  }

  @Test func weightsComeBackBitForBit() throws {
    for seed in 0..<20 as Range<UInt64> {
      let layout = randomLayout(seed: seed)
      let weights = Parameters<Float>(layout, seed: seed)
      let moments = Parameters<Float>(layout, seed: seed + 100)
      let metadata = ["a": "", "quotes \"\\\" ": "\u{0}\u{1f}\n\r\t/", "\u{1F680}": "\u{7f}é世"]
      let path = folder.place("model")
      try SafetensorsFile.write(
        [.init(weights), .init(moments, prefix: "mean.")], metadata: metadata, to: path)
      let file = try SafetensorsFile(contentsOf: path)
      #expect(file.metadata == metadata, "seed \(seed)")
      #expect(try file.parameters(layout).numbers == weights.numbers, "seed \(seed)")
      #expect(
        try file.parameters(layout, prefix: "mean.").numbers == moments.numbers, "seed \(seed)")
    }
  }

  @Test func fileIsWhatTheFormatSays() throws {
    // Taken apart with Foundation's JSON, as any other reader would.
    var layout = ParameterLayout()
    _ = layout.declare("b", shape: [2], as: .constant(1.5))
    _ = layout.declare("a\"", shape: [1, 3], as: .constant(-2))
    let path = folder.place("model")
    try SafetensorsFile.write(
      [.init(Parameters<Float>(layout, seed: 1))], metadata: ["k": "v"], to: path)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let length = bytes[0..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    #expect((8 + length) % 64 == 0)
    let header = try #require(
      JSONSerialization.jsonObject(with: Data(bytes[8..<8 + length])) as? [String: [String: Any]])
    var metadata = try #require(header["__metadata__"] as? [String: String])
    #expect(metadata.removeValue(forKey: "checksum")?.hasPrefix("crc32c:") == true)
    #expect(metadata == ["k": "v"])
    #expect(header["b"]?["shape"] as? [Int] == [2])
    #expect(header["b"]?["dtype"] as? String == "F32")
    #expect(header["b"]?["data_offsets"] as? [Int] == [0, 8])
    #expect(header["a\""]?["shape"] as? [Int] == [1, 3])
    #expect(header["a\""]?["data_offsets"] as? [Int] == [8, 20])
    let (b, a) = ([0, 0, 0xC0, 0x3F], [0, 0, 0, 0xC0]) as ([UInt8], [UInt8])
    #expect(Array(bytes[(8 + length)...]) == b + b + a + a + a)
  }

  @Test func missingTensorIsNamed() throws {
    let path = try folder.write("python", pythonsFile)
    var layout = ParameterLayout()
    _ = layout.declare("f32", shape: [2, 3], as: .constant(0))
    _ = layout.declare("absent", shape: [2, 3], as: .constant(0))
    let file = try SafetensorsFile(contentsOf: path)
    #expect(
      throws: FileError.mismatch(path: path, found: "tensor absent is missing")
    ) { try file.parameters(layout) }
  }

  @Test func otherShapeIsNamed() throws {
    let path = try folder.write("python", pythonsFile)
    let file = try SafetensorsFile(contentsOf: path)
    var layout = ParameterLayout()
    _ = layout.declare("f32", shape: [3, 2], as: .constant(0))
    #expect(
      throws: FileError.mismatch(
        path: path, found: "tensor f32 has shape [2, 3], expected [3, 2]")
    ) { try file.parameters(layout) }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func damagedWeightsAreNamed(_ number: Float) throws {
    let layout = randomLayout(seed: 5)
    let weights = Parameters<Float>(layout, seed: 1)
    weights["weight1"] = [number]
    let path = folder.place("model")
    try SafetensorsFile.write([.init(weights)], metadata: [:], to: path)
    let file = try SafetensorsFile(contentsOf: path)
    #expect(
      throws: FileError.mismatch(path: path, found: "weight weight1 holds NaN or infinity")
    ) { try file.parameters(layout) }
  }
}
