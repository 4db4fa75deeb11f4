public import DenseMath
public import Files

/// A safetensors file, open and checked: tensors by name, and a table of texts.
///
/// The format (https://huggingface.co/docs/safetensors): 8 bytes with the length of the header,
/// the header as JSON, then the tensors' bytes without gaps. Every length and offset is checked
/// against the file before anything is read by it: a hostile file gives an error, not a crash.
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
  /// The texts under `__metadata__`, but for the checksum, which has been compared.
  public let metadata: [String: String]
  /// The checksum of the file, which has been compared; nil for files without one.
  public let checksum: String?
  /// The tensors by name.
  public let tensors: [String: Tensor]

  private let file: FileReader

  /// Opens and checks a file.
  ///
  /// Throws `FileError` with what is wrong.
  public init(contentsOf path: String) throws(FileError) {
    self.path = path
    file = try FileReader(path)
    let (length, text) = try Self.header(of: file)
    let header: Header
    do {
      header = try JSON.value(from: text)
    } catch {
      throw .malformed(
        path: path, found: "its header is not the JSON that safetensors asks for")
    }
    metadata = header.metadata.filter { $0.key != Self.checksumKey }
    tensors = try Self.checkedTensors(header, in: file, from: 8 + text.count)
    checksum = header.metadata[Self.checksumKey]
    if let checksum {
      try Self.verify(checksum, of: file, length: length, header: text)
    }
  }

  /// The bytes before the tensors: the eight of the length, and the text of the header.
  private static func header(
    of file: FileReader
  ) throws(FileError) -> (length: [UInt8], text: [UInt8]) {
    func malformed(_ found: String) -> FileError { .malformed(path: file.path, found: found) }
    guard file.byteCount > 0 else { throw malformed("it is empty") }
    guard file.byteCount >= 8 else {
      throw malformed("it has \(file.byteCount) bytes, fewer than a header needs")
    }
    let first = try bytes(0..<min(9, file.byteCount), of: file)
    let length = first[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(file.byteCount - 8) else {
      // Of a file of another kind, its first bytes make a number of any length.
      let claim = length < 1 << 50 ? "\(length)" : "more"
      throw malformed(
        "its header claims \(claim) bytes where \(file.byteCount - 8) follow; cut, or of another kind"
      )
    }
    guard length <= 100_000_000, length >= 2, first.last == UInt8(ascii: "{") else {
      throw malformed("its header is not a safetensors header")
    }
    let text = try bytes(8..<8 + Int(length), of: file)
    guard strings(in: text) <= mostStrings else {
      throw malformed("its header names more tensors and texts than a model has")
    }
    return (Array(first[..<8]), text)
  }

  /// Far more than any model has, and few enough to be read in seconds: a tensor has five strings.
  private static let mostStrings = 500_000

  /// About how many strings JSON has, without reading it: quotes within texts are escaped.
  private static func strings(in json: [UInt8]) -> Int {
    var (quotes, isEscaped) = (0, false)
    for byte in json {
      if byte == UInt8(ascii: "\""), !isEscaped { quotes += 1 }
      isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
    }
    return quotes / 2
  }

  private static func bytes(_ range: Range<Int>, of file: FileReader) throws(FileError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: range.count)
    try bytes.withUnsafeMutableBufferPointer { buffer throws(FileError) in
      try file.read(at: range.lowerBound, into: UnsafeMutableRawBufferPointer(buffer))
    }
    return bytes
  }

  /// The tensors of a header, each within the file, together without gaps or overlaps.
  private static func checkedTensors(
    _ header: Header, in file: FileReader, from start: Int
  ) throws(FileError) -> [String: Tensor] {
    func malformed(_ found: String) -> FileError { .malformed(path: file.path, found: found) }
    var tensors: [String: Tensor] = [:]
    for (name, entry) in header.tensors {
      guard let size = elementSizes[entry.dtype] else {
        throw malformed("tensor \(quoted(name)) has the unknown type \(quoted(entry.dtype))")
      }
      var count = size
      for extent in entry.shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: extent)
        guard extent >= 0, !overflow else {
          throw malformed("tensor \(quoted(name)) has the impossible shape \(listed(entry.shape))")
        }
        count = product
      }
      let offsets = entry.data_offsets
      guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1],
        offsets[1] <= file.byteCount - start
      else {
        throw malformed("tensor \(quoted(name)) lies at \(listed(offsets)), outside the file")
      }
      guard offsets[1] - offsets[0] == count else {
        throw malformed(
          "tensor \(quoted(name)) has \(offsets[1] - offsets[0]) bytes where its shape "
            + "\(listed(entry.shape)) needs \(count)"
        )
      }
      tensors[name] = Tensor(
        type: entry.dtype, shape: entry.shape, bytes: start + offsets[0]..<start + offsets[1])
    }
    var end = start
    for (name, tensor) in tensors.sorted(by: {
      ($0.value.bytes.lowerBound, $0.value.bytes.upperBound)
        < ($1.value.bytes.lowerBound, $1.value.bytes.upperBound)
    }) {
      guard tensor.bytes.lowerBound == end else {
        throw malformed("tensor \(quoted(name)) overlaps another or leaves a gap before it")
      }
      end = tensor.bytes.upperBound
    }
    guard end == file.byteCount else {
      throw malformed("\(file.byteCount - end) bytes follow its last tensor")
    }
    return tensors
  }

  // MARK: Checksum

  /// The key of the metadata under which the checksum stands, as `crc32c:` and eight digits.
  static let checksumKey = "checksum"
  static let checksumPrefix = "crc32c:"
  static let checksumDigits = 8

  /// Throws `FileError.malformed` unless the checksum is that of all bytes but its own digits,
  /// which count as zeros.
  private static func verify(
    _ checksum: String, of file: FileReader, length: [UInt8], header: [UInt8]
  ) throws(FileError) {
    // Quotes within texts are escaped, so this stands nowhere else in the header.
    let key = Array("\"\(checksumKey)\":\"\(checksumPrefix)".utf8)
    let place = header.indices.first { header[$0...].starts(with: key) }
    guard let place, checksum.utf8.count == checksumPrefix.utf8.count + checksumDigits else {
      throw .malformed(
        path: file.path, found: "its checksum is not one that majortom writes")
    }
    let digits = place + key.count..<place + key.count + checksumDigits
    // In a header of somebody else it may stand elsewhere, and too near to the end.
    guard digits.upperBound <= header.endIndex else {
      throw .malformed(path: file.path, found: "its checksum is not where majortom writes it")
    }
    var found = CRC32C()
    func add(_ bytes: ArraySlice<UInt8>) { bytes.withUnsafeBytes { found.add($0) } }
    add(length[...])
    add(header[..<digits.lowerBound])
    found.add(String(repeating: "0", count: checksumDigits))
    add(header[digits.upperBound...])
    try file.forEachBlock(in: 8 + header.count..<file.byteCount) { found.add($1) }
    guard checksum == checksumPrefix + found.digits else {
      throw .malformed(
        path: file.path,
        found: "its checksum does not fit: it is damaged, or another program has changed it and "
          + "not left \(checksumKey) out of its metadata; use another copy, or train anew")
    }
  }

  /// What follows a tensor's name in that of its scales: one F32 a row, for tensors of bytes (I8).
  public static let scalesSuffix = ".scales"

  /// Copies an F32 tensor of a given shape into `block`; F64, F16, BF16 and I8 are converted.
  ///
  /// Throws `FileError.mismatch` when it is missing or has another shape or type.
  public func copy(
    _ name: String, shape: [Int], into block: UnsafeMutableBufferPointer<Float>
  ) throws(FileError) {
    let tensor = try tensor(name, shape: shape)
    switch tensor.type {
    case "F32":
      try file.read(at: tensor.bytes.lowerBound, into: UnsafeMutableRawBufferPointer(block))
    case "F64":
      try convert(tensor, from: Double.self, into: block) { _, number in Float(number) }
    case "F16":
      try convert(tensor, from: UInt16.self, into: block) { _, bits in Self.widened(half: bits) }
    case "BF16":
      try convert(tensor, from: UInt16.self, into: block) { _, bits in Float(bfloat16: bits) }
    case "I8" where tensors[name + Self.scalesSuffix] != nil:
      let rows = shape.first ?? 0
      var scales = [Float](repeating: 0, count: rows)
      try scales.withUnsafeMutableBufferPointer { scales throws(FileError) in
        try copy(name + Self.scalesSuffix, shape: [rows], into: scales)
      }
      let width = block.count / max(1, rows)
      try convert(tensor, from: Int8.self, into: block) { i, number in
        scales[i / width] * Float(number)
      }
    default:
      throw .mismatch(
        path: path, found: "tensor \(name) has type \(tensor.type), expected floating point")
    }
  }

  /// Fills `block` with what `number` makes of each element and its place.
  private func convert<Element: BitwiseCopyable>(
    _ tensor: Tensor, from _: Element.Type,
    into block: UnsafeMutableBufferPointer<Float>,
    _ number: (Int, Element) -> Float
  ) throws(FileError) {
    let size = MemoryLayout<Element>.size
    try file.forEachBlock(in: tensor.bytes) { place, bytes in
      for i in 0..<bytes.count / size {
        block[place / size + i] = number(
          place / size + i, bytes.loadUnaligned(fromByteOffset: size * i, as: Element.self))
      }
    }
  }

  private func tensor(_ name: String, shape: [Int]) throws(FileError) -> Tensor {
    guard let tensor = tensors[name] else {
      throw .mismatch(path: path, found: "tensor \(name) is missing")
    }
    guard tensor.shape == shape else {
      throw .mismatch(
        path: path, found: "tensor \(name) has shape \(listed(tensor.shape)), expected \(shape)")
    }
    return tensor
  }

  /// Reads the weights of a layout; `prefix` stands before each name in the file.
  ///
  /// Throws `FileError` when one is missing, of another shape, or not finite.
  public func parameters(
    _ layout: ParameterLayout, prefix: String = ""
  ) throws(FileError) -> Parameters<Float> {
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

/// Numbers of a header as a sentence shows them, of which there may be a million.
private func listed(_ numbers: [Int]) -> String {
  quoted(
    "[" + numbers.prefix(20).map(String.init).joined(separator: ", ")
      + (numbers.count > 20 ? ", …]" : "]"))
}
