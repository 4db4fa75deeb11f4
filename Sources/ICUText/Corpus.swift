public import FoundationEssentials

/// Text files read as one stream, never held whole.
///
///     let corpus = try Corpus(contentsOf: "war_and_peace.txt")
///     let vocabulary = try Vocabulary(counting: Segmentation(), in: corpus)
///
/// No token reaches from one file into the next. Byte order marks are no part of the text. Files may be
/// compressed with gzip or zstd, whatever they are called.
public struct Corpus: Sendable {
  private enum Source: Sendable {
    case memory([UInt8])
    case files([TextFile])
  }

  private let source: Source
  /// The sum of the texts' sizes in bytes as they are encoded, where they are compressed as they were
  /// before; or the UTF-8 size of a text in memory.
  public let byteCount: Int
  /// Told what fraction is read, by whoever reads it, after each piece.
  private var progress: (@Sendable (Double) -> Void)?
  /// The size of a piece in bytes of UTF-8; tests make it small.
  var pieceSize = 1 << 20
  /// How long a stretch without a line feed may become before it is cut all the same.
  var longestLine = 1 << 22

  /// Checks that each file exists and is a regular, readable, non-empty text file.
  ///
  /// Detection looks at the first MiB of a file; what is compressed is decompressed to its end. Throws a `TextError` that names the file.
  public init(
    contentsOf paths: [String], encoding: TextEncoding = .detect
  ) throws(TextError) {
    if paths.isEmpty { throw .noFiles }
    var files: [TextFile] = []
    for path in paths { files.append(try TextFile(checking: path, encoding: encoding)) }
    source = .files(files)
    byteCount = files.reduce(0) { $0 + $1.byteCount }
  }

  /// Checks and reads one file, as `init(contentsOf:encoding:)` of many paths does.
  public init(contentsOf path: String, encoding: TextEncoding = .detect) throws(TextError) {
    try self.init(contentsOf: [path], encoding: encoding)
  }

  /// Checks and reads one file, as `init(contentsOf:encoding:)` of many paths does.
  public init(contentsOf url: URL, encoding: TextEncoding = .detect) throws(TextError) {
    try self.init(contentsOf: [url.filePath], encoding: encoding)
  }

  /// Checks and reads files in their order, as `init(contentsOf:encoding:)` of paths does.
  public init(
    contentsOf urls: some Collection<URL>, encoding: TextEncoding = .detect
  ) throws(TextError) {
    try self.init(contentsOf: urls.map(\.filePath), encoding: encoding)
  }

  /// A corpus in memory.
  public init(text: String) {
    let bytes = Array(text.utf8)
    source = .memory(bytes)
    byteCount = bytes.count
  }

  /// The same corpus, which tells whoever waits what fraction of it is read: each time it is read anew, from
  /// 0 to 1.
  public func telling(_ progress: @escaping @Sendable (Double) -> Void) -> Corpus {
    var corpus = self
    corpus.progress = progress
    return corpus
  }

  /// The name of each file's encoding, as asked for or detected; empty for a text in memory.
  public var encodings: [String] {
    switch source {
    case .memory: []
    case .files(let files): files.map(\.encodingName)
    }
  }

  /// Whether the text begins behind a byte order mark of UTF-8, which is no part of it.
  package var hasUTF8Mark: Bool {
    guard case .files(let files) = source, let file = files.first else { return false }
    return file.encoding == "UTF-8" && file.markLength > 0
  }

  /// A part of a corpus, decoded: valid only while the function that it was given to runs.
  public struct Piece: ~Copyable {
    let utf8: UnsafeBufferPointer<UInt8>

    /// The number of bytes of UTF-8.
    public var byteCount: Int { utf8.count }
    /// The piece as a string, copied.
    public var text: String { String(decoding: utf8, as: UTF8.self) }

    /// Calls a function with the well-formed UTF-8 of the piece.
    public func withUTF8<Result>(
      _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
    ) rethrows -> Result {
      try body(utf8)
    }
  }

  /// Gives out the decoded text in pieces of about 1 MiB, in order.
  ///
  /// Pieces end after line feeds, where no token, sentence or normalisation segment is split. A
  /// stretch of over 4 MiB without a line feed is cut at a space or full stop, and failing that
  /// at a grapheme boundary, so memory stays bounded. Throws `TextError` for what is wrong with a
  /// file, and what `body` throws.
  public func forEachPiece(_ body: (borrowing Piece) throws -> Void) throws {
    var failure: (any Error)?
    try readPieces { (utf8) throws(TextError) in
      do {
        try body(Piece(utf8: utf8))
        return true
      } catch {
        failure = error
        return false
      }
    }
    if let failure { throw failure }
  }

  /// Gives out pieces as UTF-8 until `body` returns `false`.
  func readPieces(
    _ body: (UnsafeBufferPointer<UInt8>) throws(TextError) -> Bool
  ) throws(TextError) {
    guard let progress else { return try readSource(body) }
    var count = 0
    try readSource { (utf8) throws(TextError) in
      let wantsMore = try body(utf8)
      count += utf8.count
      // Bytes of UTF-8, which may be more than those of the file.
      progress(min(0.99, Double(count) / Double(max(1, byteCount))))
      return wantsMore
    }
    progress(1)
  }

  private func readSource(
    _ body: (UnsafeBufferPointer<UInt8>) throws(TextError) -> Bool
  ) throws(TextError) {
    switch source {
    case .memory(let bytes):
      try bytes.withUnsafeBufferPointer { (bytes) throws(TextError) in
        var start = 0
        while start < bytes.count {
          let rest = UnsafeBufferPointer(rebasing: bytes[start...])
          var window = min(pieceSize, rest.count)
          var end = 0
          while end == 0 {
            let isLast = window == rest.count
            end = cut(UnsafeBufferPointer(rebasing: rest[0..<window]), isLast: isLast)
            window = min(window + pieceSize, rest.count)
          }
          if !(try body(UnsafeBufferPointer(rebasing: rest[0..<end]))) { return }
          start += end
        }
      }
    case .files(let files):
      for file in files where !(try read(file, body)) { return }
    }
  }

  /// Gives out the pieces of one file; returns whether `body` wants more.
  private func read(
    _ file: TextFile, _ body: (UnsafeBufferPointer<UInt8>) throws(TextError) -> Bool
  ) throws(TextError) -> Bool {
    let reader = try TextReader(file, blockSize: pieceSize)
    var mayFollow = true
    while mayFollow || reader.valid > 0 {
      if mayFollow { mayFollow = try reader.advance() }
      if mayFollow && reader.valid < pieceSize { continue }
      let end = try reader.buffer.withUnsafeBufferPointer { (buffer) throws(TextError) -> Int? in
        let text = UnsafeBufferPointer(rebasing: buffer[0..<reader.valid])
        let end = cut(text, isLast: !mayFollow)
        if end == 0 { return 0 }
        return try body(UnsafeBufferPointer(rebasing: text[0..<end])) ? end : nil
      }
      guard let end else { return false }
      if end > 0 { reader.take(end) }
    }
    return true
  }

  /// Where the next piece ends in the text at hand; 0 if more text should come first.
  private func cut(_ text: UnsafeBufferPointer<UInt8>, isLast: Bool) -> Int {
    if isLast && text.count <= pieceSize { return text.count }
    if let lineFeed = text.lastIndex(of: 0x0A) { return lineFeed + 1 }
    if isLast { return text.count }
    return text.count >= longestLine ? wholeCut(text) : 0
  }

  /// A cut without line feeds; a sequence cut off at the end of a text in memory is left out.
  private func wholeCut(_ text: UnsafeBufferPointer<UInt8>) -> Int {
    var end = text.count
    let tail = incompleteSuffixLength(Array(text.suffix(3)))
    end -= tail
    let cut = Cutter.emergencyCut(in: UnsafeBufferPointer(rebasing: text[0..<end]))
    return cut > 0 ? cut : end
  }
}
