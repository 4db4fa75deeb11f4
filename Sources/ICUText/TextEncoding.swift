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
  /// Throws `TextError.unknownEncoding` for a name that ICU does not know.
  public init(named name: String) throws(TextError) {
    if !name.isEmpty, !name.utf8.contains(0), let converter = try? Converter(name) {
      self.init(name: name, converter: converter.name)
    } else {
      throw .unknownEncoding(name)
    }
  }

  /// The name of the encoding that a file seems to be in, or nil where that is unclear.
  package static func name(guessedFor path: String) -> String? {
    (try? TextFile(checking: path, encoding: .detect))?.encoding
  }

  /// All names and aliases of encodings that ICU knows.
  public static var knownNames: [String] {
    (0..<cicu_converter_count()).flatMap { index -> [String] in
      guard let converter = cicu_converter_name_at(index) else { return [] }
      var names: [String] = []
      while let known = cicu_converter_alias(converter, Int32(names.count)) {
        names.append(String(cString: known))
      }
      return names
    }
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
