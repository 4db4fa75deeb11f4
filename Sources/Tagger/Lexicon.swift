public import ICUText

/// What a tagger knows by name: words, characters and tags.
///
/// Words are looked up case-folded (Unicode's full case folding after NFC) with every digit as 0;
/// how a word is written, the network sees by its characters and by its `Shape`. Id 0 of words and of
/// characters stands for all others; character 1 is what stands before and after a word.
public struct Lexicon: Codable, Sendable, Equatable {
  /// The words as they are looked up, by their ids; id 0 is the empty string.
  public private(set) var words: [String]
  /// How often each of them occurs in the training data.
  public private(set) var counts: [Int]
  /// The characters as code points, by their ids; the first two are placeholders.
  public private(set) var characters: [UInt32]
  /// The tags.
  public let tags: [String]
  /// Whether the tags are of spans, in BIOES.
  public let hasSpans: Bool

  /// How capitals and digits stand in a word.
  enum Shape: Int, CaseIterable {
    case lower, capitalized, upper, mixed, digits, withDigits, caseless, symbols

    init(_ word: String) {
      var (lower, upper, digits, letters, count) = (0, 0, 0, 0, 0)
      var startsUpper = false
      for scalar in word.unicodeScalars {
        let properties = scalar.properties
        if properties.isUppercase || properties.generalCategory == .titlecaseLetter {
          upper += 1
          if count == 0 { startsUpper = true }
        } else if properties.isLowercase {
          lower += 1
        }
        if properties.numericType == .decimal { digits += 1 }
        if properties.isAlphabetic { letters += 1 }
        count += 1
      }
      self =
        switch (letters, digits) {
        case (0, 0): .symbols
        case (0, _): .digits
        case (_, 1...): .withDigits
        default:
          if upper + lower == 0 {
            .caseless
          } else if upper == 0 {
            .lower
          } else if startsUpper && upper == 1 && (lower > 0 || letters == 1) {
            .capitalized
          } else if lower == 0 {
            .upper
          } else {
            .mixed
          }
        }
    }
  }

  /// A word as the network takes it in.
  struct Surface: Sendable, Equatable {
    var word: Int32
    var characters: [Int32]
    var shape: Int32
  }

  /// Characters beyond this many are left out, from the middle of a word.
  static let maxCharacters = 40

  /// More different tags than this are no tags, and chains compare every tag with every other one.
  static let maxTags = 1000

  /// Counts the words and characters of a corpus; `also` names more words worth a place, such as
  /// those that there are vectors for.
  public init(
    counting corpus: TaggedCorpus, minimumCount: Int = 1, also: [String] = []
  ) throws(TextError) {
    var counts: [String: Int] = [:]
    var characters: [UInt32: Int] = [:]
    var tags: Set<String> = []
    let folder = try WordFolder()
    for sentence in corpus.sentences {
      for word in sentence.words {
        counts[try folder.fold(word), default: 0] += 1
        for scalar in word.unicodeScalars { characters[scalar.value, default: 0] += 1 }
      }
      tags.formUnion(sentence.tags)
    }
    let frequent = counts.filter { $0.value >= minimumCount && !$0.key.isEmpty }.sorted {
      ($1.value, $0.key) < ($0.value, $1.key)
    }
    let extra = Set(also.filter { !$0.isEmpty }).subtracting(frequent.map(\.key)).sorted()
    words = [""] + frequent.map(\.key) + extra
    self.counts = [0] + frequent.map(\.value) + extra.map { counts[$0] ?? 0 }
    self.characters = [0, 1] + characters.filter { $0.key > 1 }.keys.sorted()
    hasSpans = corpus.hasSpans
    if hasSpans {
      // Every mark of every type, so that a rare one can be told although training never saw it.
      let types = Set(tags.compactMap { TagScheme.parts($0)?.type }).subtracting([""]).sorted()
      self.tags = ["O"] + types.flatMap { type in ["B", "I", "E", "S"].map { "\($0)-\(type)" } }
    } else {
      self.tags = tags.sorted()
    }
  }
}

extension Lexicon {
  /// Throws unless the parts fit together, as those of a damaged file may not.
  func validate() throws(TaggerError) {
    func demand(_ sound: Bool, _ found: String) throws(TaggerError) {
      if !sound { throw .configuration(found) }
    }
    try demand(!words.isEmpty && words.count == counts.count, "its words lack their counts")
    try demand(characters.count >= 2, "its characters lack their placeholders")
    try demand(tags.count <= Self.maxTags, "it has too many tags")
    try demand(!tags.isEmpty && Set(tags).count == tags.count, "its tags are not distinct")
    try demand(
      !hasSpans || (TagScheme.describes(tags) && tags.contains("O")), "its tags are not of spans")
  }
}

/// Folds words for look-up, each distinct one once.
final class WordFolder {
  private let segmenter: Segmenter
  private var known: [String: String] = [:]

  init(_ segmenter: Segmenter? = nil) throws(TextError) {
    if let segmenter {
      self.segmenter = segmenter
    } else {
      self.segmenter = try Segmenter(Segmentation(unit: .word, normalization: .caseFolding))
    }
  }

  func fold(_ word: String) throws(TextError) -> String {
    if let folded = known[word] { return folded }
    let folded = try foldOnce(word)
    known[word] = folded
    return folded
  }

  /// The same for a word that will hardly come again.
  func foldOnce(_ word: String) throws(TextError) -> String {
    var folded = ""
    for scalar in try segmenter.normalized(word).unicodeScalars {
      folded.unicodeScalars.append(scalar.properties.numericType == .decimal ? "0" : scalar)
    }
    return folded
  }
}

/// A lexicon turned round, made once for a tagger: the id of each word and character.
final class LexiconIDs: Sendable {
  let words: [String: Int32]
  let characters: [UInt32: Int32]
  fileprivate let folding: Segmenter?

  init(_ lexicon: Lexicon) {
    words = Dictionary(
      zip(lexicon.words, 0...).map { ($0, Int32($1)) }, uniquingKeysWith: { first, _ in first })
    characters = Dictionary(
      zip(lexicon.characters, 0...).map { ($0, Int32($1)) },
      uniquingKeysWith: { first, _ in first })
    folding = try? Segmenter(Segmentation(unit: .word, normalization: .caseFolding))
  }
}

/// Turns words into what the network takes in, each distinct one once.
///
/// It keeps what it has seen, so it belongs to one thread.
final class WordEncoder {
  private let folder: WordFolder
  private let ids: LexiconIDs
  private var places: [Spelling: Int32] = [:]
  /// The distinct words so far.
  private(set) var surfaces: [Lexicon.Surface] = []

  init(_ ids: LexiconIDs) throws(TextError) {
    self.ids = ids
    folder = try WordFolder(ids.folding)
  }

  /// The place of a word in `surfaces`.
  func place(of word: String) throws(TextError) -> Int32 {
    let spelling = Spelling(word)
    if let place = places[spelling] { return place }
    var scalars = word.unicodeScalars.map { ids.characters[$0.value] ?? 0 }
    if scalars.isEmpty { scalars = [0] }
    let limit = Lexicon.maxCharacters
    if scalars.count > limit {
      scalars = Array(scalars.prefix(limit / 2) + scalars.suffix(limit / 2))
    }
    let surface = Lexicon.Surface(
      word: ids.words[try folder.fold(word)] ?? 0, characters: scalars,
      shape: Int32(Lexicon.Shape(word).rawValue))
    let place = Int32(surfaces.count)
    surfaces.append(surface)
    places[spelling] = place
    return place
  }
}

/// A word that equals those of the same bytes alone: canonically equivalent ones have other characters.
private struct Spelling: Hashable {
  private var word: String

  init(_ word: String) {
    self.word = word
    self.word.makeContiguousUTF8()
  }

  static func == (left: Spelling, right: Spelling) -> Bool {
    left.word.utf8.count == right.word.utf8.count && left.word.utf8.elementsEqual(right.word.utf8)
  }

  func hash(into hasher: inout Hasher) {
    let isHashed: Void? = word.utf8.withContiguousStorageIfAvailable {
      hasher.combine(bytes: UnsafeRawBufferPointer($0))
    }
    if isHashed == nil { for byte in word.utf8 { hasher.combine(byte) } }
  }
}
