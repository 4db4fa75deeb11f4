internal import CICU

/// A text file that was found fit to be read, and how to read it.
struct TextFile: Sendable, Equatable {
  let path: String
  /// ICU's name of the encoding.
  let encoding: String
  /// The name of the encoding for people: the one that was asked for or detected.
  let encodingName: String
  /// Whether the encoding was guessed.
  let isDetected: Bool
  /// The bytes of the byte order mark, which is no part of the text.
  let markLength: Int
  /// The bytes of the text, decompressed where the file is compressed.
  let byteCount: Int
}

extension TextFile {
  /// How much of a file decides its encoding.
  static let sampleSize = 1 << 20

  /// Below this ICU's detector is guessing: of a few words in a legacy encoding it is surer.
  static let leastConfidence = 25

  /// Opens, checks and closes a file.
  init(checking path: String, encoding: TextEncoding) throws(TextError) {
    let handle = try FileHandle(path)
    let sample = try handle.read(atMost: Self.sampleSize)
    if sample.isEmpty { throw .empty(path: path) }
    // Only to its end tells what is compressed how long it is, and whether it is whole.
    let byteCount =
      handle.compression == nil ? handle.byteCount : sample.count + (try handle.skipToEnd())
    let plan: Plan
    if let name = encoding.converter {
      plan = Self.plan(encoding, converter: name, sample)
    } else {
      plan = try Self.detect(sample, path: path, isWhole: sample.count == byteCount)
    }
    if sample.count == plan.markLength { throw .empty(path: path) }
    self.init(
      path: path, encoding: plan.encoding, encodingName: plan.name, isDetected: plan.isDetected,
      markLength: plan.markLength, byteCount: byteCount)
  }

  private struct Plan {
    var encoding: String
    var name: String
    var markLength = 0
    var isDetected = false
  }

  /// Byte order marks; that of UTF-32LE begins with that of UTF-16LE.
  private static let marks: [(encoding: String, bytes: [UInt8])] = [
    ("UTF-8", [0xEF, 0xBB, 0xBF]),
    ("UTF-32LE", [0xFF, 0xFE, 0, 0]),
    ("UTF-32BE", [0, 0, 0xFE, 0xFF]),
    ("UTF-16LE", [0xFF, 0xFE]),
    ("UTF-16BE", [0xFE, 0xFF]),
    ("GB18030", [0x84, 0x31, 0x95, 0x33]),
  ]

  private static func plan(
    _ asked: TextEncoding, converter: String, _ sample: [UInt8]
  ) -> Plan {
    let wanted = converter.uppercased()
    for (encoding, mark) in marks where sample.starts(with: mark) {
      if wanted == encoding || (encoding.hasPrefix(wanted) && wanted.hasPrefix("UTF-")) {
        return Plan(encoding: encoding, name: encoding, markLength: mark.count)
      }
    }
    // Without a mark these are big-endian (RFC 2781; Unicode Standard, section 3.10).
    if wanted == "UTF-16" || wanted == "UTF-32" {
      return Plan(encoding: wanted + "BE", name: wanted + "BE")
    }
    return Plan(encoding: converter, name: asked.name)
  }

  /// What files that are no text begin with.
  private static let signatures: [(kind: String, bytes: [UInt8])] = [
    ("an ELF executable", [0x7F, 0x45, 0x4C, 0x46]),
    ("gzip data", [0x1F, 0x8B, 0x08]),
    ("a PNG image", [0x89, 0x50, 0x4E, 0x47]),
    ("a JPEG image", [0xFF, 0xD8, 0xFF]),
    ("a zip archive", [0x50, 0x4B, 0x03, 0x04]),
    ("zstd data", [0x28, 0xB5, 0x2F, 0xFD]),
    ("xz data", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]),
    ("bzip2 data", [0x42, 0x5A, 0x68, 0x39, 0x31, 0x41, 0x59]),
    ("a PDF document", [0x25, 0x50, 0x44, 0x46, 0x2D]),
  ]

  private static func detect(
    _ sample: [UInt8], path: String, isWhole: Bool
  ) throws(TextError) -> Plan {
    for (encoding, mark) in marks where sample.starts(with: mark) {
      return Plan(encoding: encoding, name: encoding, markLength: mark.count, isDetected: true)
    }
    for (kind, signature) in signatures where sample.starts(with: signature) {
      throw .binary(path: path, kind: kind, byte: signature[0], offset: 0, line: 1)
    }
    let (end, stop) = sample.withUnsafeBufferPointer { scanUTF8($0, from: 0) }
    if stop == .end || (stop == .incomplete && !isWhole) {
      return Plan(encoding: "UTF-8", name: "UTF-8", isDetected: true)
    }

    let (guess, confidence) = try guessEncoding(sample)
    let isWide = guess.hasPrefix("UTF-16") || guess.hasPrefix("UTF-32")
    if !isWide, let control = sample.firstIndex(where: isBinaryControl) {
      // Text in a legacy encoding has none of these bytes; UTF-8 with an error may have some.
      if sample[control] == 0 || !isMostlyUTF8(sample) {
        throw .binary(
          path: path, kind: nil, byte: sample[control], offset: control,
          line: lineNumber(in: sample, before: control))
      }
    }
    let isKnown = !guess.isEmpty && (try? Converter(guess)) != nil
    if guess == "UTF-8" || (!isWide && isMostlyUTF8(sample)) {
      let length: Int
      if case .illFormed(let found) = stop { length = found } else { length = sample.count - end }
      throw .malformed(
        path: path, encoding: "UTF-8", detected: true, bytes: Array(sample[end..<(end + length)]),
        offset: end, line: lineNumber(in: sample, before: end))
    }
    guard isKnown, confidence >= leastConfidence else {
      throw .undetected(path: path, guess: guess, confidence: confidence)
    }
    return Plan(encoding: guess, name: guess, isDetected: true)
  }

  /// Whether several sequences of UTF-8 stand in a text for each that is broken: in a legacy
  /// encoding, non-ASCII bytes come together as UTF-8 only by chance.
  private static func isMostlyUTF8(_ sample: [UInt8]) -> Bool {
    var whole = 0
    var broken = 0
    sample.withUnsafeBufferPointer { bytes in
      var index = 0
      while true {
        let (end, stop) = scanUTF8(bytes, from: index)
        whole += bytes[index..<end].count { $0 >= 0xC0 }
        switch stop {
        case .end: return
        case .incomplete:
          broken += 1
          return
        case .nul: index = end + 1
        case .illFormed(let length):
          broken += 1
          index = end + length
        }
      }
    }
    return whole > 0 && whole >= 4 * broken
  }

  /// Control characters that no text holds; tab, line ends, form feed, backspace, escape (ISO 2022
  /// and terminals) and DOS's end of file may stand in one.
  private static func isBinaryControl(_ byte: UInt8) -> Bool {
    byte < 0x20 && ![0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1A, 0x1B].contains(byte)
  }

  private static func guessEncoding(
    _ sample: [UInt8]
  ) throws(TextError) -> (name: String, confidence: Int) {
    var name = [CChar](repeating: 0, count: 64)
    var error: Int32 = 0
    let confidence = cicu_detect(
      sample, Int32(clamping: sample.count), &name, Int32(name.count), &error)
    if error > 0 { throw icuError("detect an encoding", error) }
    let text = String(
      decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return (text, Int(confidence))
  }

  static func lineNumber(in bytes: [UInt8], before offset: Int) -> Int {
    1 + bytes[0..<offset].count { $0 == 0x0A }
  }
}
