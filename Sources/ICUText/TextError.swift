internal import Files

/// What can go wrong between a text file and its tokens; `description` is a sentence for people.
public enum TextError: Error, Sendable, Equatable {
  /// A locale that ICU does not know.
  case unknownLocale(String)
  /// An encoding that ICU does not know; `TextEncoding.knownNames` has those that it knows.
  case unknownEncoding(String)
  /// No file was named.
  case noFiles
  /// Nothing exists at the path.
  case missing(path: String)
  /// The path is a directory.
  case directory(path: String)
  /// The path is a device, a pipe or a socket.
  case notRegular(path: String)
  /// The system refused to open or to read the file.
  case unreadable(path: String, reason: String)
  /// The file is shorter than it was when it was opened, in bytes.
  case shrunk(path: String, from: Int, to: Int)
  /// Compressed data that are not as they were written; where that shows, in bytes, and by what.
  case damaged(path: String, format: String, offset: Int, reason: String)
  /// Compressed data whose end is missing, and how many bytes there are.
  case cutShort(path: String, format: String, byteCount: Int)
  /// Compressed data that grow to more than so many times their size.
  case grows(path: String, times: Int)
  /// More bytes of text than can be kept in memory.
  case tooLarge(path: String, limit: Int)
  /// A line of more bytes than a line of data can have; it counts from 1.
  case lineTooLong(path: String, line: Int, limit: Int)
  /// The file holds no text.
  case empty(path: String)
  /// The file holds bytes that show that it is no text; the line counts from 1.
  case binary(path: String, kind: String?, byte: UInt8, offset: Int, line: Int)
  /// Bytes that the encoding does not allow; the line counts from 1.
  case malformed(
    path: String, encoding: String, detected: Bool, bytes: [UInt8], offset: Int, line: Int)
  /// Bytes that are not UTF-8 in a file that must be; the line counts from 1.
  case notUTF8(path: String, byte: UInt8, offset: Int, line: Int)
  /// The file is not UTF-8, and no other encoding is likely enough (`confidence` of 100).
  case undetected(path: String, guess: String, confidence: Int)
  /// A vocabulary was asked for that cannot hold the 256 bytes.
  case vocabularyTooSmall(maximumSize: Int)
  /// A token of a stored vocabulary that cannot stand in it.
  case badToken(id: Int, reason: String)
  /// A merge of a stored vocabulary that cannot stand in it; the index counts from 0.
  case badMerge(index: Int, reason: String)
  /// A text, or a part of it that cannot be cut, is longer than ICU can take.
  case tooLong(byteCount: Int)
  /// A text of more tokens than a model takes as one sentence, and how it begins.
  case tooManyTokens(beginning: String, count: Int, limit: Int)
  /// There is no room for the encoded corpus.
  case noRoom(byteCount: Int, reason: String)
  /// A regular expression that is none.
  case badPattern(String, known: [String])
  /// A regular expression that takes too many steps, or too much memory, to be matched.
  case patternTooSlow(String)
  /// ICU failed in a way that no text explains, such as missing data files.
  case icu(operation: String, code: String)
}

extension TextError: CustomStringConvertible {
  // Long: a sentence a case.
  /// One sentence: what was found, where, and what to do.
  public var description: String {
    switch self {
    case .unknownLocale(let locale):
      return
        "ICU knows no locale \"\(quoted(locale))\"; use a language with an optional script and region,"
        + " such as en, pt-BR or zh-Hant."
    case .unknownEncoding(let name):
      return
        "ICU knows no encoding \"\(quoted(name))\"; others are UTF-8, windows-1252 and Shift_JIS."
    case .noFiles:
      return "No text file was named; name at least one."
    case .missing(let path):
      return "\(path) does not exist; check the path."
    case .directory(let path):
      return "\(path) is a directory; name the text files in it."
    case .notRegular(let path):
      return "\(path) is not a regular file; copy its contents into one, for it is read twice."
    case .unreadable(let path, let reason):
      return "\(path) cannot be read (\(reason)); check its permissions and the disk."
    case .shrunk(let path, let before, let now):
      return
        "\(path) was cut short while it was in use: \(now) bytes are left of \(before); read it"
        + " again when nothing writes to it."
    case .damaged(let path, let format, let offset, let reason):
      return "\(path): its \(format) data are damaged, as shows after \(offset) bytes"
        + " (\(reason)); make or fetch the file anew."
    case .cutShort(let path, let format, let byteCount):
      return "\(path): its \(format) data end too early, after \(byteCount) bytes: the file"
        + " was cut short; make or fetch it anew."
    case .grows(let path, let times):
      return
        "\(path): its compressed data grow to more than \(times) times their size, which text does"
        + " not do; if it is sound all the same, decompress it first."
    case .tooLarge(let path, let limit):
      return
        "\(path) holds more than \(limit >> 20) MiB of text, which do not fit in this machine's"
        + " memory with all that is made of them; use a part of it."
    case .lineTooLong(let path, let line, let limit):
      return "\(path):\(line): the line is longer than \(limit) bytes; this is no file of lines of"
        + " data, or its line ends are lost."
    case .empty(let path):
      return "\(path) holds no text; leave it out or fill it."
    case .binary(let path, let kind, let byte, let offset, let line):
      return "\(path) looks binary\(kind.map { " (\($0))" } ?? ""): byte \(Self.hexadecimal(byte))"
        + " at offset \(offset), line \(line); name a text file, or give"
        + " its encoding."
    case .malformed(let path, let encoding, let detected, let bytes, let offset, let line):
      let found = bytes.map(Self.hexadecimal).joined(separator: " ")
      return "\(path): byte\(bytes.count == 1 ? "" : "s") \(found) at offset \(offset),"
        + " line \(line): not valid \(encoding)"
        + (detected ? ", the encoding that the text seemed to have" : "")
        + "; name the right encoding, or repair the file."
    case .notUTF8(let path, let byte, let offset, let line):
      return "\(path): byte \(Self.hexadecimal(byte)) at offset \(offset), line \(line): not valid"
        + " UTF-8; convert the file, as with iconv."
    case .undetected(let path, let guess, let confidence):
      return "\(path) is not UTF-8, and its encoding is unclear"
        + (guess.isEmpty ? "" : " (perhaps \(quoted(guess)), confidence \(confidence) of 100)")
        + "; say which it is."
    case .vocabularyTooSmall(let maximumSize):
      return "A vocabulary of \(maximumSize) tokens is too small: it always holds the 256 bytes;"
        + " ask for at least 256."
    case .badToken(let id, let reason):
      return "Token \(id) of the vocabulary \(reason); the file that holds it is damaged or was"
        + " made by something else."
    case .badMerge(let index, let reason):
      return "Merge \(index) of the vocabulary \(reason); the file that holds it is damaged or was"
        + " made by something else."
    case .tooLong(let byteCount):
      return "A text of \(byteCount) bytes is too long to be cut at once; split it at line ends."
    case .tooManyTokens(let beginning, let count, let limit):
      return
        "The text that begins \"\(quoted(beginning))\" has \(count) tokens, and a sentence has at most"
        + " \(limit); cut it into sentences."
    case .noRoom(let byteCount, let reason):
      return "There is no room for \(byteCount) bytes of encoded text (\(reason)); free memory, or"
        + " set TMPDIR to a folder on a larger disk."
    case .badPattern(let pattern, let known):
      return
        "\"\(quoted(pattern))\" is neither one of \(known.joined(separator: ", ")) nor a regular"
        + " expression; check its brackets and escapes."
    case .patternTooSlow(let pattern):
      return
        "The regular expression \"\(quoted(pattern))\" takes too long on this text; repeat no group that"
        + " itself repeats, as in (a+)+."
    case .icu(let operation, let code):
      return "ICU could not \(operation) (\(code)); check that libicu and its data are installed."
    }
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return "0x" + (byte < 16 ? "0" : "") + digits
  }
}
