internal import CICU

/// A place where normalised text differs from the original in a way that offsets must follow.
struct NormalizationEdit {
  var original: Range<Int>
  var normalized: Range<Int>
}

/// Normalises UTF-8, boundary segment by boundary segment.
///
/// Between two code points that ICU calls a boundary nothing interacts, so each segment is
/// normalised alone; most text is copied without asking ICU at all.
struct Normalizer {
  private let kind: Int32
  private let properties: PropertyTable
  private let folds: Bool
  private var units: [UInt16] = []
  private var result = [UInt16](repeating: 0, count: 64)

  /// `nil` for no normalisation.
  init?(_ normalization: Normalization) {
    switch normalization {
    case .none: return nil
    case .nfc: (kind, properties) = (Int32(CICU_NFC), .nfc)
    case .nfkc: (kind, properties) = (Int32(CICU_NFKC), .nfkc)
    case .caseFolding: (kind, properties) = (Int32(CICU_FOLD), .folding)
    }
    folds = normalization == .caseFolding
  }

  /// Appends the normalised text to `output`, and to `edits` where lengths change or text within a
  /// segment is no longer the original's.
  mutating func normalize(
    _ text: UnsafeBufferPointer<UInt8>, into output: inout [UInt8],
    edits: inout [NormalizationEdit]
  ) throws(TextError) {
    let count = text.count
    var runStart = 0
    var index = 0
    while index < count {
      let (value, length) = codePoint(in: text, at: index)
      let next = index + length
      let endsAtBoundary =
        next == count || text[unchecked: next] < 0x80
        || properties[codePoint(in: text, at: next).value] & UInt8(CICU_BOUNDARY_BEFORE) != 0
      if endsAtBoundary {
        if value < 0x80 {
          if folds && value >= 0x41 && value <= 0x5A {
            output.append(contentsOf: UnsafeBufferPointer(rebasing: text[runStart..<index]))
            output.append(UInt8(value) + 0x20)
            runStart = next
          }
          index = next
          continue
        }
        if properties[value] & UInt8(CICU_UNCHANGED) != 0 {
          index = next
          continue
        }
      }
      var end = next
      while end < count {
        let (following, width) = codePoint(in: text, at: end)
        if properties[following] & UInt8(CICU_BOUNDARY_BEFORE) != 0 { break }
        end += width
      }
      output.append(contentsOf: UnsafeBufferPointer(rebasing: text[runStart..<index]))
      try normalizeSegment(text, index..<end, into: &output, edits: &edits)
      index = end
      runStart = end
    }
    output.append(contentsOf: UnsafeBufferPointer(rebasing: text[runStart..<count]))
  }

  private mutating func normalizeSegment(
    _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, into output: inout [UInt8],
    edits: inout [NormalizationEdit]
  ) throws(TextError) {
    let start = output.count
    try normalizeAtOnce(text, range, into: &output)
    let isSame = output[start...].elementsEqual(text[range])
    if !isSame {
      edits.append(NormalizationEdit(original: range, normalized: start..<output.count))
    }
  }
}

extension Normalizer {
  /// Has ICU normalise a range as one text.
  mutating func normalizeAtOnce(
    _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, into output: inout [UInt8]
  ) throws(TextError) {
    guard range.count <= Int(Int32.max) else { throw .tooLong(byteCount: range.count) }
    units.removeAll(keepingCapacity: true)
    appendUTF16(of: text, range, to: &units)
    while true {
      var error: Int32 = 0
      let needed = cicu_normalize(
        kind, units, Int32(units.count), &result, Int32(result.count), &error)
      // U_BUFFER_OVERFLOW_ERROR
      if error == 15 {
        result = [UInt16](repeating: 0, count: Int(needed))
        continue
      }
      if error > 0 { throw icuError("normalise a text", error) }
      return appendUTF8(of: result[0..<Int(needed)], to: &output)
    }
  }
}

/// Appends UTF-16 for a range of well-formed UTF-8.
func appendUTF16(
  of text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, to units: inout [UInt16]
) {
  units.reserveCapacity(units.count + range.count)
  var index = range.lowerBound
  while index < range.upperBound {
    let (value, length) = codePoint(in: text, at: index)
    if value < 0x10000 {
      units.append(UInt16(value))
    } else {
      units.append(UInt16(0xD7C0 + (value >> 10)))
      units.append(UInt16(0xDC00 + (value & 0x3FF)))
    }
    index += length
  }
}

/// Appends UTF-8 for well-formed UTF-16.
func appendUTF8(of units: ArraySlice<UInt16>, to output: inout [UInt8]) {
  _ = transcode(units.makeIterator(), from: UTF16.self, to: UTF8.self, stoppingOnError: false) {
    output.append($0)
  }
}
