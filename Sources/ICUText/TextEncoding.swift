internal import CICU

/// An encoding of text files by the name of an ICU converter, or its detection.
public struct TextEncoding: Sendable {
  /// The name that was asked for.
  let name: String
  /// ICU's name of the encoding; `nil` where it is to be detected.
  let converter: String?

  /// UTF-8.
  public static let utf8 = TextEncoding(name: "UTF-8", converter: "UTF-8")
  /// Found out from the file: by a byte order mark, else UTF-8 if it is, else ICU's best guess.
  public static let detect = TextEncoding(name: "", converter: nil)

  private init(name: String, converter: String?) {
    self.name = name
    self.converter = converter
  }

  /// The encoding with this name or alias, such as `UTF-16`, `latin1` or `Shift_JIS`.
  ///
  /// Throws `TextError.unknownEncoding` with the nearest names for a name that ICU does not know.
  public init(named name: String) throws(TextError) {
    if !name.isEmpty, !name.utf8.contains(0), let converter = try? Converter(name) {
      self.init(name: name, converter: converter.name)
    } else {
      throw .unknownEncoding(name, nearest: Self.names(nearest: name))
    }
  }

  private static func names(nearest name: String) -> [String] {
    let wanted = plain(name)
    if wanted.isEmpty { return [] }
    var found: [(distance: Int, name: String)] = []
    for index in 0..<cicu_converter_count() {
      guard let converter = cicu_converter_name_at(index) else { continue }
      var alias: Int32 = 0
      while let known = cicu_converter_alias(converter, alias) {
        let text = String(cString: known)
        found.append((editDistance(wanted, plain(text)), text))
        alias += 1
      }
    }
    found.sort { ($0.distance, $0.name.count, $0.name) < ($1.distance, $1.name.count, $1.name) }
    var names: [String] = []
    for (distance, name) in found where distance <= max(2, wanted.count / 2) {
      if !names.contains(where: { plain($0) == plain(name) }) { names.append(name) }
      if names.count == 3 { break }
    }
    return names
  }

  /// Letters and digits alone, in lower case, since ICU compares names that way.
  private static func plain(_ name: String) -> [UInt8] {
    name.utf8.prefix(64).compactMap { byte in
      switch byte {
      case 0x41...0x5A: byte + 0x20
      case 0x61...0x7A, 0x30...0x39: byte
      default: nil
      }
    }
  }

  private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (index, byte) in left.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for (column, other) in right.enumerated() {
        let substituted = diagonal + (byte == other ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(substituted, row[column] + 1, row[column + 1] + 1)
      }
    }
    return row[right.count]
  }
}

extension TextEncoding: Equatable {
  /// Whether two names mean the same encoding.
  public static func == (left: TextEncoding, right: TextEncoding) -> Bool {
    left.converter == right.converter
  }
}

/// The owner of one ICU converter, which decodes to UTF-8 and stops at the first error.
final class Converter {
  private let handle: OpaquePointer

  init(_ name: String) throws(TextError) {
    var error: Int32 = 0
    guard let handle = cicu_converter_open(name, &error) else {
      throw icuError("open a converter for \(name)", error)
    }
    self.handle = handle
  }

  deinit { cicu_converter_close(handle) }

  var name: String { String(cString: cicu_converter_name(handle)) }

  /// How many bytes were read and written, and ICU's error code if an error ended it.
  struct Progress {
    var consumed: Int
    var written: Int
    var error: Int32
    /// Whether more output waits for room.
    var isFull: Bool
  }

  static let leastRoom = Int(CICU_DECODE_ROOM)

  func decode(
    _ bytes: UnsafeBufferPointer<UInt8>, isLast: Bool,
    into output: UnsafeMutableBufferPointer<UInt8>
  ) -> Progress {
    var consumed: Int32 = 0
    var error: Int32 = 0
    let room = Int32(clamping: output.count)
    let written = cicu_converter_decode(
      handle, bytes.baseAddress, Int32(clamping: bytes.count), isLast, output.baseAddress, room,
      &consumed, &error)
    return Progress(
      consumed: Int(consumed), written: Int(written), error: error == 15 ? 0 : max(error, 0),
      isFull: error == 15)
  }

  /// The bytes that the last error is about.
  var invalidBytes: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = cicu_converter_invalid_bytes(handle, &bytes)
    return Array(bytes.prefix(Int(count)))
  }
}
