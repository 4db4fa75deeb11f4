import DenseMath
import Files
import Foundation
import Parameters
import TestSupport
import Testing

/// The bytes of a safetensors file with a header and data.
func safetensors(_ header: String, _ data: [UInt8] = []) -> [UInt8] {
  safetensors(claiming: UInt64(header.utf8.count), header, data)
}

/// The same with a length that need not be the header's.
func safetensors(claiming length: UInt64, _ header: String, _ data: [UInt8] = []) -> [UInt8] {
  withUnsafeBytes(of: length.littleEndian) { Array($0) } + Array(header.utf8) + data
}

/// A file that must be refused, and what the refusal must say.
struct HostileFile: CustomTestStringConvertible {
  let testDescription: String
  let bytes: [UInt8]
  let found: String

  init(_ name: String, _ bytes: [UInt8], _ found: String) {
    testDescription = name
    self.bytes = bytes
    self.found = found
  }

  /// One tensor with 16 bytes of data.
  init(_ name: String, tensor: String, _ found: String) {
    self.init(name, safetensors("{\"t\":\(tensor)}", [UInt8](repeating: 0, count: 16)), found)
  }

  private static func tensor(_ type: String, _ shape: String, _ offsets: String) -> String {
    "{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
  }

  static let all: [HostileFile] = lengths + json + types + shapes + offsets + checksums

  /// Where a checksum has blanks before it, what looks like one may stand at the header's very end.
  private static let checksums = [
    HostileFile(
      "a checksum past the end",
      safetensors(
        #"{"__metadata__":{"checksum" :"crc32c:00000000"},"t":{"dtype":"F32","shape":[0],"#
          + #""data_offsets":[0,0],"checksum":"crc32c:"}}"#), "is not where majortom writes it"),
    HostileFile(
      "a checksum of no digits", safetensors(#"{"__metadata__":{"checksum":"crc32c:"}}"#),
      "is not one that majortom writes"),
    HostileFile(
      "a checksum of another kind", safetensors(#"{"__metadata__":{"checksum":"md5:00000000"}}"#),
      "is not one that majortom writes"),
    HostileFile(
      "a checksum of other bytes", safetensors(#"{"__metadata__":{"checksum":"crc32c:00000000"}}"#),
      "its checksum does not fit"),
  ]

  private static let lengths = [
    HostileFile("empty", [], "it is empty"),
    HostileFile("one byte", [1], "it has 1 bytes"),
    HostileFile("seven bytes", [1, 2, 3, 4, 5, 6, 7], "it has 7 bytes"),
    HostileFile("a length alone", safetensors(""), "is not a safetensors header"),
    HostileFile("length 1", safetensors("{"), "is not a safetensors header"),
    HostileFile(
      "length of 2^63", safetensors(claiming: 1 << 63, "{}"), "claims more bytes"),
    HostileFile(
      "largest length", safetensors(claiming: .max, "{}"), "claims more bytes"),
    HostileFile(
      "length below 2^63", safetensors(claiming: (1 << 63) - 1, "{}"), "bytes where 2 follow"),
    HostileFile("one byte cut", safetensors(claiming: 3, "{}"), "claims 3 bytes where 2 follow"),
    HostileFile(
      "text", Array("This is not a model at all.".utf8), "cut, or of another kind"),
    HostileFile(
      "bytes after an empty header", safetensors("{}", [1, 2, 3]), "3 bytes follow its last tensor"),
  ]

  private static let notJSON = "not the JSON that safetensors asks for"

  private static let json = [
    HostileFile("an array", safetensors("[]"), "is not a safetensors header"),
    HostileFile("blanks first", safetensors("  {}"), "is not a safetensors header"),
    HostileFile(
      "a million texts",
      safetensors(
        "{\"__metadata__\":{" + (0..<1_000_000).map { "\"\($0)\\\\\":\"\"" }.joined(separator: ",")
          + "}}"), "more tensors and texts than a model has"),
    HostileFile("an unclosed object", safetensors("{\"a\":"), notJSON),
    HostileFile("words", safetensors("{hello}"), notJSON),
    HostileFile("two objects", safetensors("{}{}"), notJSON),
    HostileFile("NUL", safetensors("{\u{0}}"), notJSON),
    HostileFile(
      "broken UTF-8",
      [11, 0, 0, 0, 0, 0, 0, 0] + Array("{\"".utf8) + [0xFF, 0xC0]
        + Array("\":null}".utf8), notJSON),
    HostileFile(
      "a lone surrogate", safetensors("{\"__metadata__\":{\"a\":\"\\ud800\"}}"), notJSON),
    HostileFile(
      "100,000 open arrays",
      safetensors("{\"a\":" + String(repeating: "[", count: 100_000)), notJSON),
    HostileFile(
      "100,000 nested arrays",
      safetensors(
        "{\"a\":" + String(repeating: "[", count: 100_000)
          + String(repeating: "]", count: 100_000) + "}"), notJSON),
    HostileFile(
      "100,000 nested objects",
      safetensors(
        String(repeating: "{\"a\":", count: 100_000) + "1"
          + String(repeating: "}", count: 100_000)), notJSON),
  ]

  private static let types = [
    HostileFile("a null tensor", tensor: "null", notJSON),
    HostileFile("a tensor that is a number", tensor: "1", notJSON),
    HostileFile("a tensor without fields", tensor: "{}", notJSON),
    HostileFile(
      "a type that is a number",
      tensor: tensor("F32", "[4]", "[0,16]")
        .replacingOccurrences(of: "\"F32\"", with: "32"), notJSON),
    HostileFile("a shape that is a text", tensor: tensor("F32", "\"4\"", "[0,16]"), notJSON),
    HostileFile("a shape of fractions", tensor: tensor("F32", "[1.5]", "[0,16]"), notJSON),
    HostileFile("offsets in an object", tensor: tensor("F32", "[4]", "{\"a\":0}"), notJSON),
    HostileFile(
      "metadata of numbers", safetensors("{\"__metadata__\":{\"a\":1}}"), notJSON),
    HostileFile("metadata that are a list", safetensors("{\"__metadata__\":[]}"), notJSON),
    HostileFile(
      "an unknown type", tensor: tensor("F8_E9", "[4]", "[0,16]"), "unknown type F8_E9"),
    HostileFile("a type in small letters", tensor: tensor("f32", "[4]", "[0,16]"), "type f32"),
  ]

  private static let shapes = [
    HostileFile("a negative shape", tensor: tensor("F32", "[-4]", "[0,16]"), "shape [-4]"),
    HostileFile(
      "two negative extents", tensor: tensor("F32", "[-2,-2]", "[0,16]"), "shape [-2, -2]"),
    HostileFile(
      "a negative extent beside zero", tensor: tensor("F32", "[0,-1]", "[0,0]"), "shape [0, -1]"),
    HostileFile(
      "a shape past 2^63", tensor: tensor("F32", "[4611686018427387904,8]", "[0,16]"),
      "impossible shape"),
    HostileFile(
      "a shape that wraps to 16 bytes",
      tensor: tensor("F32", "[4611686018427387904,4,4]", "[0,16]"), "impossible shape"),
    HostileFile(
      "an extent of 2^64", tensor: tensor("F32", "[18446744073709551616]", "[0,16]"), notJSON),
    HostileFile("an extent of 1e300", tensor: tensor("F32", "[1e300]", "[0,16]"), notJSON),
    HostileFile(
      "fewer bytes than the shape", tensor: tensor("F32", "[5]", "[0,16]"),
      "tensor t has 16 bytes where its shape [5] needs 20"),
    HostileFile(
      "more bytes than the shape", tensor: tensor("F32", "[3]", "[0,16]"),
      "tensor t has 16 bytes where its shape [3] needs 12"),
    HostileFile(
      "an empty shape with bytes", tensor: tensor("F32", "[0]", "[0,16]"), "needs 0"),
  ]

  private static func two(_ first: String, _ second: String) -> [UInt8] {
    safetensors(
      "{\"a\":\(tensor("F32", "[2]", first)),\"b\":\(tensor("F32", "[2]", second))}",
      [UInt8](repeating: 0, count: 16))
  }

  private static let offsets = [
    HostileFile("reversed offsets", tensor: tensor("F32", "[4]", "[16,0]"), "outside the file"),
    HostileFile("a negative offset", tensor: tensor("F32", "[4]", "[-16,0]"), "outside the file"),
    HostileFile("an end past the file", tensor: tensor("F32", "[4]", "[4,20]"), "outside the file"),
    HostileFile(
      "offsets at 2^63", tensor: tensor("F32", "[4]", "[9223372036854775791,9223372036854775807]"),
      "outside the file"),
    HostileFile("one offset", tensor: tensor("F32", "[4]", "[0]"), "outside the file"),
    HostileFile("no offsets", tensor: tensor("F32", "[4]", "[]"), "outside the file"),
    HostileFile("three offsets", tensor: tensor("F32", "[4]", "[0,16,16]"), "outside the file"),
    HostileFile("the same bytes twice", two("[0,8]", "[0,8]"), "overlaps another or leaves a gap"),
    HostileFile("overlapping tensors", two("[0,8]", "[4,12]"), "overlaps another or leaves a gap"),
    HostileFile(
      "a gap before the first", tensor: tensor("F32", "[2]", "[8,16]"), "leaves a gap"),
    HostileFile("a gap between", two("[0,8]", "[12,20]"), "outside the file"),
    HostileFile(
      "a gap within",
      safetensors(
        "{\"a\":\(tensor("U8", "[2]", "[0,2]")),\"b\":\(tensor("U8", "[2]", "[4,6]"))}",
        [0, 0, 0, 0, 0, 0]), "leaves a gap"),
    HostileFile(
      "bytes after the last", tensor: tensor("F32", "[2]", "[0,8]"),
      "8 bytes follow its last tensor"),
  ]
}

@Suite struct HostileFileTests {
  private let folder: Folder

  init() throws { folder = try Folder() }

  @Test(arguments: HostileFile.all)
  func hostileFileIsRefused(_ file: HostileFile) throws {
    let path = try folder.write("hostile", file.bytes)
    let error = #expect(throws: FileError.self) { try SafetensorsFile(contentsOf: path) }
    guard case .malformed(path, let found) = error else {
      Issue.record("\(file.testDescription): \(String(describing: error)) is not .malformed")
      return
    }
    #expect(found.contains(file.found))
    #expect(error?.description == "\(path): not a sound model file: \(found)")
  }

  @Test func everyCutOfAGoodFileIsRefused() throws {
    for length in pythonsFile.indices {
      let path = try folder.write("cut", Array(pythonsFile[..<length]))
      #expect(throws: FileError.self, "\(length) bytes") {
        try SafetensorsFile(contentsOf: path)
      }
    }
  }

  @Test func folderIsNoModel() throws {
    #expect(
      throws: FileError.unreadable(path: folder.path, reason: "it is not a regular file")
    ) { try SafetensorsFile(contentsOf: folder.path) }
  }

  @Test func deviceIsNoModel() throws {
    #expect(
      throws: FileError.unreadable(path: "/dev/zero", reason: "it is not a regular file")
    ) { try SafetensorsFile(contentsOf: "/dev/zero") }
  }

  @Test(.timeLimit(.minutes(1))) func aPipeOrASocketIsNotWaitedFor() throws {
    let pipe = folder.place("pipe")
    try #require(mkfifo(pipe, 0o600) == 0)
    let socketPath = "/tmp/majortom-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socketPath.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(bound == 0)
    defer {
      close(descriptor)
      unlink(socketPath)
    }
    for path in [pipe, socketPath] {
      #expect(throws: FileError.unreadable(path: path, reason: "it is not a regular file")) {
        try SafetensorsFile(contentsOf: path)
      }
    }
  }

  /// Another program may cut a file short after its header was read.
  @Test func aFileThatIsCutWhileItIsReadIsAnError() throws {
    let count = 1 << 20
    let header =
      "{\"t\":{\"dtype\":\"F32\",\"shape\":[\(count)],\"data_offsets\":[0,\(4 * count)]}}"
    let path = try folder.write(
      "model", safetensors(header, [UInt8](repeating: 0, count: 4 * count)))
    let file = try SafetensorsFile(contentsOf: path)
    try #require(truncate(path, 100_000) == 0)
    let block = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    defer { block.deallocate() }
    let error = #expect(throws: FileError.self) {
      try file.copy("t", shape: [count], into: block)
    }
    #expect(error?.description == "\(path): cannot be read: it was cut short meanwhile")
  }

  @Test func missingFileIsNamed() throws {
    let path = folder.place("absent")
    let error = #expect(throws: FileError.self) { try SafetensorsFile(contentsOf: path) }
    #expect(error?.description == "\(path): cannot be read: No such file or directory")
  }

  @Test func forbiddenFileIsNamed() async {
    // In a process of its own, which gives up root's rights where it has them.
    await #expect(processExitsWith: .success) {
      let folder = try Folder()
      let path = try folder.write("secret", pythonsFile)
      chmod(path, 0)
      let error = asNobody {
        #expect(throws: FileError.self) { try SafetensorsFile(contentsOf: path) }
      }
      #expect(error?.description == "\(path): cannot be read: Permission denied")
    }
  }

  @Test func damagedFilesAreReadOrRefused() throws {
    // 20,000 damaged copies; none may end the process, and what is read must be within the file.
    let files = try [pythonsFile, ownFile()]
    var (read, refused) = (0, 0)
    for seed in 0..<20_000 as Range<UInt64> {
      var generator = SeededGenerator(seed)
      let bytes = damaged(files[Int(seed % 2)], &generator)
      let path = try folder.write("damaged", bytes)
      do throws(FileError) {
        let file = try SafetensorsFile(contentsOf: path)
        for (name, tensor) in file.tensors {
          #expect(tensor.bytes.upperBound <= bytes.count, "seed \(seed)")
          let count = tensor.shape.reduce(1, *)
          #expect(count <= bytes.count, "seed \(seed)")
          let block = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
          defer { block.deallocate() }
          if tensor.type.contains("F") { try file.copy(name, shape: tensor.shape, into: block) }
        }
        read += 1
      } catch {
        #expect(!error.description.isEmpty)
        refused += 1
      }
    }
    // Else the damage would be too light or too heavy to try much. Half of the files have a
    // checksum, which finds all of it.
    #expect(read > 300 && refused > 10_000, "\(read) read, \(refused) refused")
  }

  private func ownFile() throws -> [UInt8] {
    let path = folder.place("own")
    var layout = ParameterLayout()
    _ = layout.declare("rnn.weight", shape: [2, 3], as: .uniform(1))
    _ = layout.declare("rnn.bias", shape: [3], as: .uniform(1))
    try SafetensorsFile.write(
      [.init(Parameters(layout, seed: 1))], metadata: ["card": "a"], to: path)
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// One to three random changes; half of the time the length of the header is put right again.
  private func damaged(_ file: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var length = file[0..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    var bytes = file
    for _ in 0..<Int.random(in: 1...3, using: &generator) where bytes.count > 9 {
      let place = Int.random(in: 0..<bytes.count, using: &generator)
      let end = min(bytes.count, place + .random(in: 1...20, using: &generator))
      let isInHeader = (8..<8 + length).contains(place)
      switch Int.random(in: 0..<7, using: &generator) {
      case 0: bytes[place] = .random(in: 0...255, using: &generator)
      case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
      case 2:
        bytes.removeSubrange(place..<end)
        if isInHeader { length -= end - place }
      case 3:
        bytes.insert(contentsOf: bytes[place..<end], at: place)
        if isInHeader { length += end - place }
      case 4: bytes.removeLast(bytes.count - place)
      case 5:
        // Numbers and marks of the header, where they mean most.
        let marks = Array("0123456789-,[]{}\":.eE ".utf8)
        let at = Int.random(in: 8..<max(9, min(bytes.count, 8 + length)), using: &generator)
        if at < bytes.count { bytes[at] = marks.randomElement(using: &generator) ?? 0 }
      default: bytes.append(contentsOf: [UInt8](repeating: 0, count: end - place))
      }
    }
    if Bool.random(using: &generator), bytes.count > 8, length > 0 {
      for i in 0..<8 { bytes[i] = UInt8(truncatingIfNeeded: length >> (8 * i)) }
    }
    return bytes
  }
}
