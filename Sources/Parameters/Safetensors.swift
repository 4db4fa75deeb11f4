public import DenseMath
internal import FoundationEssentials
internal import Glibc

/// A safetensors file, mapped and checked: tensors by name, and a table of texts.
///
/// The format (https://huggingface.co/docs/safetensors): 8 bytes with the length of the header,
/// the header as JSON, then the tensors' bytes without gaps. Every length and offset is checked
/// against the file before anything is read through it: a hostile file gives an error, not a crash.
public final class SafetensorsFile: Sendable {
  /// What the header says of one tensor.
  public struct Tensor: Sendable, Equatable {
    /// The element type by its name in the format, such as `F32`.
    public let type: String
    /// The shape.
    public let shape: [Int]
    /// Where its bytes lie in the file.
    public let bytes: Range<Int>
  }

  /// The path, for messages.
  public let path: String
  /// The texts under `__metadata__`.
  public let metadata: [String: String]
  /// The tensors by name.
  public let tensors: [String: Tensor]

  private let map: FileMap

  /// Maps and checks a file.
  ///
  /// Throws `ModelFileError` with what is wrong.
  public init(contentsOf path: String) throws(ModelFileError) {
    self.path = path
    map = try FileMap(path)
    let bytes = map.bytes
    func malformed(_ found: String) -> ModelFileError { .malformed(path: path, found: found) }
    guard bytes.count >= 8 else {
      throw malformed("it has \(bytes.count) bytes, fewer than a header needs")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(bytes.count - 8) else {
      throw malformed(
        "its header claims \(length) bytes where \(bytes.count - 8) follow; cut, or of another kind"
      )
    }
    let start = 8 + Int(length)
    guard length <= 100_000_000, length >= 2, bytes[8] == UInt8(ascii: "{") else {
      throw malformed("its header is not a safetensors header")
    }
    let header: Header
    do {
      header = try JSONDecoder().decode(Header.self, from: Data(bytes[8..<start]))
    } catch {
      throw malformed("its header is not the JSON that safetensors asks for")
    }
    metadata = header.metadata
    var tensors: [String: Tensor] = [:]
    for (name, entry) in header.tensors {
      guard let size = Self.elementSizes[entry.dtype] else {
        throw malformed("tensor \(name) has the unknown type \(entry.dtype)")
      }
      var count = size
      for extent in entry.shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: extent)
        guard extent >= 0, !overflow else {
          throw malformed("tensor \(name) has the impossible shape \(entry.shape)")
        }
        count = product
      }
      let offsets = entry.data_offsets
      guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1],
        offsets[1] <= bytes.count - start
      else { throw malformed("tensor \(name) lies at \(offsets), outside the file") }
      guard offsets[1] - offsets[0] == count else {
        throw malformed(
          "tensor \(name) has \(offsets[1] - offsets[0]) bytes where its shape \(entry.shape) needs \(count)"
        )
      }
      tensors[name] = Tensor(
        type: entry.dtype, shape: entry.shape, bytes: start + offsets[0]..<start + offsets[1])
    }
    self.tensors = tensors
    var end = start
    for (name, tensor) in tensors.sorted(by: {
      ($0.value.bytes.lowerBound, $0.value.bytes.upperBound)
        < ($1.value.bytes.lowerBound, $1.value.bytes.upperBound)
    }) {
      guard tensor.bytes.lowerBound == end else {
        throw malformed("tensor \(name) overlaps another or leaves a gap before it")
      }
      end = tensor.bytes.upperBound
    }
    guard end == bytes.count else {
      throw malformed("\(bytes.count - end) bytes follow its last tensor")
    }
  }

  /// Copies an F32 tensor of a given shape into `block`; F64, F16 and BF16 are converted.
  ///
  /// Throws `ModelFileError.mismatch` when it is missing or has another shape or type.
  public func copy(
    _ name: String, shape: [Int], into block: UnsafeMutableBufferPointer<Float>
  ) throws(ModelFileError) {
    let tensor = try tensor(name, shape: shape)
    let bytes = UnsafeRawBufferPointer(rebasing: map.bytes[tensor.bytes])
    switch tensor.type {
    case "F32":
      UnsafeMutableRawBufferPointer(block).copyMemory(from: bytes)
    case "F64":
      for i in 0..<block.count {
        block[i] = Float(bytes.loadUnaligned(fromByteOffset: 8 * i, as: Double.self))
      }
    case "F16":
      for i in 0..<block.count {
        block[i] = Self.widened(half: bytes.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))
      }
    case "BF16":
      for i in 0..<block.count {
        let bits = bytes.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)
        block[i] = Float(bitPattern: UInt32(bits) << 16)
      }
    default:
      throw .mismatch(
        path: path, found: "tensor \(name) has type \(tensor.type), expected floating point")
    }
  }

  private func tensor(_ name: String, shape: [Int]) throws(ModelFileError) -> Tensor {
    guard let tensor = tensors[name] else {
      throw .mismatch(path: path, found: "tensor \(name) is missing")
    }
    guard tensor.shape == shape else {
      throw .mismatch(
        path: path, found: "tensor \(name) has shape \(tensor.shape), expected \(shape)")
    }
    return tensor
  }

  /// Reads the weights of a layout; `prefix` stands before each name in the file.
  ///
  /// Throws `ModelFileError` when one is missing, of another shape, or not finite.
  public func parameters(
    _ layout: ParameterLayout, prefix: String = ""
  ) throws(ModelFileError) -> Parameters<Float> {
    // The file must hold them all before memory is asked for: a configuration may lie about sizes.
    for entry in layout.entries { _ = try tensor(prefix + entry.name, shape: entry.shape) }
    let parameters = Parameters<Float>(layout)
    for entry in layout.entries {
      try copy(prefix + entry.name, shape: entry.shape, into: parameters.elements(of: entry))
    }
    if let name = parameters.firstNotFinite {
      throw .mismatch(path: path, found: "weight \(name) holds NaN or infinity")
    }
    return parameters
  }

  /// One block of tensors to write, with a prefix before their names.
  public struct Block {
    /// What stands before the names.
    public let prefix: String
    /// The tensors.
    public let parameters: Parameters<Float>

    /// The weights of `parameters`, called `prefix` + name.
    public init(_ parameters: Parameters<Float>, prefix: String = "") {
      self.parameters = parameters
      self.prefix = prefix
    }
  }

  /// Writes blocks of F32 tensors and a table of texts.
  ///
  /// Throws `ModelFileError.unwritable`.
  public static func write(
    _ blocks: [Block], metadata: [String: String], to path: String
  ) throws(ModelFileError) {
    var file = try FileWriter(replacing: path)
    var header = "{\"__metadata__\":\(quoted(metadata))"
    var offset = 0
    for block in blocks {
      for entry in block.parameters.layout.entries {
        let end = offset + 4 * entry.count
        let shape = entry.shape.map(String.init).joined(separator: ",")
        header +=
          ",\(quoted(block.prefix + entry.name)):{\"dtype\":\"F32\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(offset),\(end)]}"
        offset = end
      }
    }
    header += "}"
    // The data start on a 64-byte boundary, as mapped vector loads like it.
    header += String(repeating: " ", count: (64 - (8 + header.utf8.count) % 64) % 64)
    let length = UInt64(header.utf8.count).littleEndian
    withUnsafeBytes(of: length) { file.write($0) }
    file.write(header)
    for block in blocks {
      for entry in block.parameters.layout.entries {
        file.write(UnsafeRawBufferPointer(block.parameters.elements(of: entry)))
      }
    }
    try file.finish()
  }

  private static let elementSizes = [
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8,
    "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
  ]

  /// An IEEE half as a Float, exactly.
  private static func widened(half: UInt16) -> Float {
    let sign: Float = half & 0x8000 == 0 ? 1 : -1
    let exponent = Int(half >> 10) & 31
    let fraction = Float(half & 0x3FF)
    switch exponent {
    case 0: return sign * fraction * 0x1p-24
    case 31: return fraction == 0 ? sign * .infinity : .nan
    default:
      return sign * (fraction + 1024) * Float(sign: .plus, exponent: exponent - 25, significand: 1)
    }
  }

  private static func quoted(_ text: String) -> String { json(text) }
  private static func quoted(_ table: [String: String]) -> String {
    let entries = table.sorted { $0.key < $1.key }.map { "\(json($0.key)):\(json($0.value))" }
    return "{" + entries.joined(separator: ",") + "}"
  }
}

/// A text as a JSON string (RFC 8259): only what must be escaped is.
private func json(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case ..." ":
      if scalar == " " {
        result += " "
      } else {
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}

/// The header: tensors under their names, and one table of texts.
private struct Header: Decodable {
  struct Entry: Decodable {
    let dtype: String
    let shape: [Int]
    // The format's own name.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    let data_offsets: [Int]
  }

  struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  var metadata: [String: String] = [:]
  var tensors: [String: Entry] = [:]

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    for name in container.allKeys {
      if name.stringValue == "__metadata__" {
        metadata = try container.decode([String: String].self, forKey: name)
      } else {
        tensors[name.stringValue] = try container.decode(Entry.self, forKey: name)
      }
    }
  }
}

/// A file's bytes, mapped read-only.
///
/// It is `Sendable` because nobody writes to the map.
private final class FileMap: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  init(_ path: String) throws(ModelFileError) {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else {
      throw .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .unreadable(path: path, reason: "it is not a regular file")
    }
    let size = Int(status.st_size)
    guard size > 0 else { throw .malformed(path: path, found: "it is empty") }
    guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0),
      address != MAP_FAILED
    else { throw .unreadable(path: path, reason: String(cString: strerror(errno))) }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
}
