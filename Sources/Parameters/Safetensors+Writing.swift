public import DenseMath
public import Files

extension SafetensorsFile {
  /// One block of tensors to write, with a prefix before their names.
  public struct Block {
    /// What stands before the names.
    public let prefix: String
    /// The tensors.
    public let parameters: Parameters<Float>
    /// What factors of products and large tables are rounded to in the file.
    public let precision: ProductPrecision

    /// The weights of `parameters`, called `prefix` + name.
    public init(
      _ parameters: Parameters<Float>, prefix: String = "", precision: ProductPrecision = .float32
    ) {
      self.parameters = parameters
      self.prefix = prefix
      self.precision = precision
    }

    /// The tensors of an entry: one, or bytes and their scales.
    fileprivate func tensors(of entry: ParameterLayout.Entry) -> [Written] {
      let name = prefix + entry.name
      switch entry.isQuantizable ? precision : .float32 {
      case .float32: return [Written(name: name, type: "F32", shape: entry.shape, size: 4)]
      case .bfloat16: return [Written(name: name, type: "BF16", shape: entry.shape, size: 2)]
      case .int8:
        let scales = Written(
          name: name + SafetensorsFile.scalesSuffix, type: "F32", shape: [entry.shape[0]], size: 4)
        // Scales first, as they want to lie at a multiple of four.
        return [scales, Written(name: name, type: "I8", shape: entry.shape, size: 1)]
      }
    }

    /// Calls `body` with the bytes of the tensors of an entry, in their order.
    fileprivate func forEachTensor(
      of entry: ParameterLayout.Entry, _ body: (UnsafeRawBufferPointer) -> Void
    ) {
      let elements = parameters.elements(of: entry)
      switch entry.isQuantizable ? precision : .float32 {
      case .float32: body(UnsafeRawBufferPointer(elements))
      case .bfloat16: elements.map(\.bfloat16.littleEndian).withUnsafeBytes(body)
      case .int8:
        let width = entry.shape[1]
        let rows = (0..<entry.shape[0]).map { quantized(elements[$0 * width..<($0 + 1) * width]) }
        rows.map(\.scale).withUnsafeBytes(body)
        rows.flatMap(\.bytes).withUnsafeBytes(body)
      }
    }
  }

  /// A tensor in the header of a file to write.
  fileprivate struct Written {
    let name, type: String
    let shape: [Int]
    // The bytes of an element.
    let size: Int
  }

  /// Writes blocks of tensors and a table of texts, with a checksum (CRC-32C) over all other
  /// bytes.
  ///
  /// What stood at `path` goes to `older`, if that is given. Throws `FileError.unwritable`.
  public static func write(
    _ blocks: [Block], metadata: [String: String], to path: String, keeping older: String? = nil
  ) throws(FileError) {
    let entries = metadata.filter { $0.key != checksumKey }.sorted { $0.key < $1.key }
    let table = entries.map { ",\(JSON.text(of: $0.key)):\(JSON.text(of: $0.value))" }.joined()
    // The digits of the checksum stand at a fixed place, and count as zeros in their own sum.
    let beginning = "{\"__metadata__\":{\"\(checksumKey)\":\"\(checksumPrefix)"
    var header = "\"\(table)}"
    var offset = 0
    for block in blocks {
      for tensor in block.parameters.layout.entries.flatMap(block.tensors) {
        let end = offset + tensor.size * tensor.shape.reduce(1, *)
        let shape = tensor.shape.map(String.init).joined(separator: ",")
        header +=
          ",\(JSON.text(of: tensor.name)):{\"dtype\":\"\(tensor.type)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(offset),\(end)]}"
        offset = end
      }
    }
    header += "}"
    // The data start on a 64-byte boundary, as mapped vector loads like it.
    let size = 8 + beginning.utf8.count + checksumDigits + header.utf8.count
    let padding = (64 - size % 64) % 64
    header += String(repeating: " ", count: padding)
    let length = UInt64(size - 8 + padding).littleEndian
    var checksum = CRC32C()
    withUnsafeBytes(of: length) { checksum.add($0) }
    checksum.add(beginning + String(repeating: "0", count: checksumDigits) + header)
    forEachTensor(of: blocks) { checksum.add($0) }
    var file = try FileWriter(replacing: path)
    withUnsafeBytes(of: length) { file.write($0) }
    file.write(beginning + checksum.digits + header)
    forEachTensor(of: blocks) { file.write($0) }
    try file.finish(keeping: older)
  }

  private static func forEachTensor(
    of blocks: [Block], _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    for block in blocks {
      for entry in block.parameters.layout.entries { block.forEachTensor(of: entry, body) }
    }
  }
}
