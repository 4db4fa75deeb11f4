public import DenseMath
public import Files

extension SafetensorsFile {
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

  /// Writes blocks of F32 tensors and a table of texts, with a checksum (CRC-32C) over all other
  /// bytes.
  ///
  /// Throws `FileError.unwritable`.
  public static func write(
    _ blocks: [Block], metadata: [String: String], to path: String
  ) throws(FileError) {
    let entries = metadata.filter { $0.key != checksumKey }.sorted { $0.key < $1.key }
    let table = entries.map { ",\(JSON.text(of: $0.key)):\(JSON.text(of: $0.value))" }.joined()
    // The digits of the checksum stand at a fixed place, and count as zeros in their own sum.
    let beginning = "{\"__metadata__\":{\"\(checksumKey)\":\"\(checksumPrefix)"
    var header = "\"\(table)}"
    var offset = 0
    for block in blocks {
      for entry in block.parameters.layout.entries {
        let end = offset + 4 * entry.count
        let shape = entry.shape.map(String.init).joined(separator: ",")
        header +=
          ",\(JSON.text(of: block.prefix + entry.name)):{\"dtype\":\"F32\",\"shape\":[\(shape)],"
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
    try file.finish()
  }

  private static func forEachTensor(
    of blocks: [Block], _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    for block in blocks {
      for entry in block.parameters.layout.entries {
        body(UnsafeRawBufferPointer(block.parameters.elements(of: entry)))
      }
    }
  }
}
