internal import CICU

/// Looks for characters that do not belong into text, line by line.
package struct CharacterInspection: Sendable {
  private var controls = Occurrences(), replacements = Occurrences(), marks = Occurrences()
  private var decomposed = Occurrences()
  private var firstControl: UInt8 = 0
  private var composed: DataPlace?
  private var decomposedText = ""
  private var normalizer = Normalizer(.nfc)
  // Each line that may be decomposed is normalised, so this bounds the time.
  private var linesToNormalize = 10_000

  package init() {}

  /// Looks at a line or word, which is well-formed UTF-8; `place` is where it stands.
  ///
  /// Returns how many characters it has.
  @discardableResult
  package mutating func take(
    _ text: UnsafeBufferPointer<UInt8>, at place: @autoclosure () -> DataPlace
  ) -> Int {
    var (index, count) = (0, 0)
    var mayBeDecomposed = false
    while index < text.count {
      let byte = text[unchecked: index]
      count += 1
      if byte < 0x80 {
        // Tabs, line ends and form feeds belong into text.
        if byte < 0x20, byte != 0x09, byte != 0x0A, byte != 0x0C, byte != 0x0D {
          if controls.count == 0 { firstControl = byte }
          controls.add(place())
        } else if byte == 0x7F {
          if controls.count == 0 { firstControl = byte }
          controls.add(place())
        }
        index += 1
        continue
      }
      let (value, length) = codePoint(in: text, at: index)
      switch value {
      case 0x80...0x9F:
        if controls.count == 0 { firstControl = UInt8(value) }
        controls.add(place())
      case 0x0300...0x036F, 0x3099, 0x309A, 0x1161...0x11FF: mayBeDecomposed = true
      case 0xFEFF: marks.add(place())
      case 0xFFFD: replacements.add(place())
      case 0xC0...0x1FFF, 0x3040...0x30FF, 0xAC00...0xD7A3:
        if composed == nil, cicu_decomposes(Int32(bitPattern: value)) { composed = place() }
      default: break
      }
      index += length
    }
    if mayBeDecomposed { normalize(text, at: place()) }
    return count
  }

  private mutating func normalize(_ text: UnsafeBufferPointer<UInt8>, at place: DataPlace) {
    guard linesToNormalize > 0 else { return }
    linesToNormalize -= 1
    var output: [UInt8] = []
    var edits: [NormalizationEdit] = []
    do throws(TextError) {
      try normalizer?.normalize(text, into: &output, edits: &edits)
    } catch {
      // What ICU cannot normalise is told by the reader.
      return
    }
    guard !output.elementsEqual(text) else { return }
    if decomposed.count == 0, let edit = edits.first {
      decomposedText = String(decoding: text[edit.original], as: UTF8.self)
    }
    decomposed.add(place)
  }

  /// What was found.
  package var findings: [Finding] {
    var found: [Finding?] = []
    found.append(
      replacements.finding(
        .warning, .replacementCharacter,
        "\(number(replacements.count, of: "character")) U+FFFD: what stood there was lost when the text "
          + "was decoded; decode the original anew in its right encoding"))
    let code = String(firstControl, radix: 16, uppercase: true)
    found.append(
      controls.finding(
        .warning, .controlCharacter,
        "\(number(controls.count, of: "control character")), the first U+"
          + String(repeating: "0", count: 4 - code.count) + "\(code); remove them"))
    found.append(
      marks.finding(
        .warning, .byteOrderMark,
        "\(number(marks.count, of: "byte order mark")) (U+FEFF) inside of the text, as where files "
          + "were joined; remove them"))
    if let composed {
      let example = decomposedText.isEmpty ? "" : ", as \"\(decomposedText)\""
      found.append(
        decomposed.finding(
          .warning, .mixedNormalization,
          "\(number(decomposed.count, of: "line")) with decomposed characters\(example), while others "
            + "are composed, as in line \(composed.line)"
            + (composed.path == decomposed.first.first?.path ? "" : " of \(composed.path)")
            + ": one spelling becomes two; normalise all to NFC, as with uconv -x nfc"))
    }
    return found.compactMap { $0 }
  }
}
