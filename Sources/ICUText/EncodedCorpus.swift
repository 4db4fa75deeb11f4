import Glibc

/// A corpus as ids of its tokens: a byte each where the vocabulary has at most 256 tokens, two where
/// it has at most 65536, else four.
///
/// The ids live in a memory map of their own: anonymous, or in a temporary file without a name
/// (in `TMPDIR`, else `/var/tmp`) for a corpus of over a quarter of the machine's memory.
public struct EncodedCorpus: Sendable {
  /// The number of tokens.
  public let count: Int
  /// The bytes that a token takes: 1, 2 or 4.
  public let width: Int
  /// Whether the last token of the text comes first.
  public private(set) var isReversed = false
  private let map: MemoryMap

  /// Reads a corpus once and encodes it.
  ///
  /// Throws what reading throws, and `TextError.noRoom`.
  public init(_ corpus: Corpus, vocabulary: Vocabulary) throws(TextError) {
    try self.init(corpus, vocabulary: vocabulary, storage: .usual)
  }

  init(_ corpus: Corpus, vocabulary: Vocabulary, storage: MapStorage) throws(TextError) {
    width = Self.width(forVocabularyOf: vocabulary.count)
    map = try MemoryMap(expectedSize: corpus.byteCount * width, storage)
    switch width {
    case 1: count = try Self.fill(map, corpus, vocabulary, as: UInt8.self)
    case 2: count = try Self.fill(map, corpus, vocabulary, as: UInt16.self)
    default: count = try Self.fill(map, corpus, vocabulary, as: UInt32.self)
    }
    try map.seal(size: count * width)
  }

  /// Takes ids as they are, each in `0..<vocabularyCount`; for tests and measurements.
  public init(ids: [Int], vocabularyCount: Int) {
    precondition(ids.allSatisfy { $0 >= 0 && $0 < vocabularyCount }, "an id without a token")
    width = Self.width(forVocabularyOf: vocabularyCount)
    count = ids.count
    do {
      map = try MemoryMap(expectedSize: ids.count * width, .usual)
      try map.reserve(ids.count * width)
      for (index, id) in ids.enumerated() {
        switch width {
        case 1: map.base.storeBytes(of: UInt8(id), toByteOffset: index, as: UInt8.self)
        case 2: map.base.storeBytes(of: UInt16(id), toByteOffset: 2 * index, as: UInt16.self)
        default: map.base.storeBytes(of: UInt32(id), toByteOffset: 4 * index, as: UInt32.self)
        }
      }
      try map.seal(size: ids.count * width)
    } catch {
      // As for any array: ids that a caller holds in memory must fit there once more.
      fatalError(error.description)
    }
  }

  /// The same tokens from the last to the first: a view, which costs no memory.
  ///
  /// The tokens themselves, such as words, stay as they are.
  public func reversed() -> EncodedCorpus {
    var view = self
    view.isReversed.toggle()
    return view
  }

  /// The id of the token at a place in `0..<count`.
  public subscript(index: Int) -> Int {
    precondition(index >= 0 && index < count, "index \(index) of \(count)")
    let place = isReversed ? count - 1 - index : index
    switch width {
    case 1: return Int(map.base.load(fromByteOffset: place, as: UInt8.self))
    case 2: return Int(map.base.load(fromByteOffset: 2 * place, as: UInt16.self))
    default: return Int(map.base.load(fromByteOffset: 4 * place, as: UInt32.self))
    }
  }

  /// Copies the ids of a range to the start of a buffer.
  public func copy(_ range: Range<Int>, into output: UnsafeMutableBufferPointer<Int32>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(range) of \(count)")
    precondition(range.count <= output.count, "no room for \(range.count) ids")
    guard let output = output.baseAddress, !range.isEmpty else { return }
    switch width {
    case 1: copy(range, into: output, from: UInt8.self)
    case 2: copy(range, into: output, from: UInt16.self)
    default: copy(range, into: output, from: UInt32.self)
    }
  }

  @inline(__always)
  private func copy<Number: FixedWidthInteger>(
    _ range: Range<Int>, into output: UnsafeMutablePointer<Int32>, from _: Number.Type
  ) {
    let ids = map.base.assumingMemoryBound(to: Number.self)
    if isReversed {
      let last = ids + (count - 1 - range.lowerBound)
      for index in 0..<range.count { output[index] = Int32(truncatingIfNeeded: last[-index]) }
    } else {
      let first = ids + range.lowerBound
      for index in 0..<range.count { output[index] = Int32(truncatingIfNeeded: first[index]) }
    }
  }

  private static func width(forVocabularyOf count: Int) -> Int {
    count <= 1 << 8 ? 1 : count <= 1 << 16 ? 2 : 4
  }

  private static func fill<Number: FixedWidthInteger>(
    _ map: MemoryMap, _ corpus: Corpus, _ vocabulary: Vocabulary, as _: Number.Type
  ) throws(TextError) -> Int {
    var count = 0
    let width = MemoryLayout<Number>.size
    try vocabulary.encode(corpus) { (capacity) throws(TextError) in
      try map.reserve((count + capacity) * width)
      let start = map.base.assumingMemoryBound(to: Number.self) + count
      return UnsafeMutableBufferPointer(start: start, count: capacity)
    } written: {
      count += $0
    }
    return count
  }
}

extension Corpus {
  /// Builds a vocabulary and encodes the corpus with it: two readings in all.
  ///
  /// Throws what `Vocabulary.init(counting:in:minimumCount:maximumSize:)` and
  /// `EncodedCorpus.init(_:vocabulary:)` throw.
  public func encoded(
    by segmentation: Segmentation, minimumCount: Int = 1, maximumSize: Int? = nil
  ) throws(TextError) -> (vocabulary: Vocabulary, ids: EncodedCorpus) {
    let vocabulary = try Vocabulary(
      counting: segmentation, in: self, minimumCount: minimumCount, maximumSize: maximumSize)
    return (vocabulary, try EncodedCorpus(self, vocabulary: vocabulary))
  }
}

/// Where a map keeps its pages.
struct MapStorage: Sendable {
  /// The most bytes to keep in anonymous memory; more go to a file.
  var mostInMemory: Int
  /// The folder for such a file.
  var folder: String

  /// A quarter of the machine's memory; `TMPDIR`, else `/var/tmp`, which is for large files.
  static var usual: MapStorage {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/var/tmp"
    return MapStorage(mostInMemory: machineMemory / 4, folder: folder)
  }
}

/// A memory map that grows while one owner writes it and is read-only from `seal` on.
private final class MemoryMap: @unchecked Sendable {
  // Safe to share: `EncodedCorpus.init` alone writes and grows it, and seals it before anyone else
  // can see it; after that no member changes and the pages cannot be written.

  private(set) var base: UnsafeMutableRawPointer
  private var size: Int
  private let descriptor: Int32

  /// A map that starts at about a size; where that is large, in a file.
  init(expectedSize: Int, _ storage: MapStorage) throws(TextError) {
    size = Self.rounded(expectedSize)
    descriptor =
      size > storage.mostInMemory ? try Self.temporaryFile(in: storage.folder, size: size) : -1
    do {
      base = try Self.map(size, descriptor)
    } catch {
      if descriptor >= 0 { close(descriptor) }
      throw error
    }
  }

  deinit {
    munmap(base, size)
    if descriptor >= 0 { close(descriptor) }
  }

  /// Makes room for a number of bytes.
  func reserve(_ needed: Int) throws(TextError) {
    if needed <= size { return }
    try resize(to: max(needed, size + size / 2))
  }

  /// Gives back what is over, and makes the rest read-only.
  func seal(size needed: Int) throws(TextError) {
    try resize(to: needed)
    mprotect(base, size, PROT_READ)
  }

  private func resize(to needed: Int) throws(TextError) {
    let wanted = Self.rounded(needed)
    if wanted < size {
      munmap(base + wanted, size - wanted)
    } else if wanted > size {
      if descriptor >= 0 { try Self.allot(descriptor, wanted) }
      let grown = try Self.map(wanted, descriptor)
      if descriptor < 0 { grown.copyMemory(from: base, byteCount: size) }
      munmap(base, size)
      base = grown
    }
    size = wanted
  }

  private static func rounded(_ size: Int) -> Int {
    let page = 1 << 16
    return max(page, (size + page - 1) & ~(page - 1))
  }

  private static func map(
    _ size: Int, _ descriptor: Int32
  ) throws(TextError) -> UnsafeMutableRawPointer {
    let flags = descriptor < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED
    guard
      let base = mmap(nil, size, PROT_READ | PROT_WRITE, flags, descriptor, 0), base != MAP_FAILED
    else { throw .noRoom(byteCount: size, reason: FileHandle.reason(errno)) }
    return base
  }

  /// Blocks are allotted at once: writing to a map of a file on a full disk kills the process.
  private static func allot(_ descriptor: Int32, _ size: Int) throws(TextError) {
    let code = posix_fallocate(descriptor, 0, size)
    if code != 0 { throw .noRoom(byteCount: size, reason: FileHandle.reason(code)) }
  }

  private static func temporaryFile(in folder: String, size: Int) throws(TextError) -> Int32 {
    var template = Array((folder + "/majortom-XXXXXX").utf8CString)
    let descriptor = mkstemp(&template)
    if descriptor < 0 {
      throw .noRoom(byteCount: size, reason: "\(folder): \(FileHandle.reason(errno))")
    }
    unlink(template)
    do {
      try allot(descriptor, size)
    } catch {
      close(descriptor)
      throw error
    }
    return descriptor
  }
}
