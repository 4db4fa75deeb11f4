/// Goes over data as they are read, and says what is wrong or odd in them before a training.
///
/// An inspection is given each example once, with its line; it keeps hashes and counts, not the
/// examples, so that its memory is bounded.
public protocol DataInspection: AnyObject {
  /// Told what fraction of a file is read, while it is.
  var progress: (@Sendable (Double) -> Void)? { get set }
  /// What was found so far, the worst first.
  var findings: [Finding] { get }
  /// How much there is.
  var summary: DataSummary { get }
}

extension DataInspection {
  /// What would harm a training, in at most three sentences, the worst first.
  ///
  /// - Parameter more: What the last sentence ends in where there is more to say: how to see it all.
  /// - Returns: The sentences; none where nothing is wrong.
  public func brief(_ more: String) -> [String] {
    let serious = findings.filter { $0.severity > .note }
    guard serious.count > 3 else { return serious.map(\.description) }
    return serious.prefix(2).map(\.description) + ["\(serious.count - 2) more findings: \(more)"]
  }
}

/// Counts and lengths of data, by what the data are for.
public struct DataSummary: Sendable, Equatable {
  /// A value of a row.
  public enum Value: Sendable, Equatable {
    /// A count or a length.
    case whole(Int)
    /// Names, such as scripts.
    case text(String)
  }

  /// A row of the table.
  public struct Row: Sendable, Equatable {
    /// What is counted, such as `sentences`.
    public var label: String
    /// The values, one a split.
    public var values: [Value]

    /// A row.
    public init(_ label: String, _ values: [Value]) {
      self.label = label
      self.values = values
    }
  }

  /// The columns.
  public var splits: [DataSplit]
  /// The rows.
  public var rows: [Row]

  /// A table.
  public init(splits: [DataSplit], rows: [Row]) {
    self.splits = splits
    self.rows = rows
  }

  package init<Part>(
    _ parts: [DataSplit: Part], _ rows: [(label: String, value: (Part) -> Value)]
  ) {
    splits = DataSplit.allCases.filter { parts[$0] != nil }
    let columns = splits.compactMap { parts[$0] }
    self.rows = rows.map { row in Row(row.label, columns.map { row.value($0) }) }
  }
}

/// What the inspections of all kinds of data have in common.
package struct InspectionState {
  /// Whether it also looks for what takes more time than reading should.
  package let isFull: Bool
  /// Where the data at hand come from and what they are for.
  package private(set) var path = ""
  package private(set) var split = DataSplit.training
  /// What is wrong with characters.
  package var characters = CharacterInspection()
  /// Findings that are made where they occur.
  package var told: [Finding] = []
  private var table = DuplicateTable()
  private var developmentCount = 0
  private var repeated = Occurrences(), shared = Occurrences(), contradicting = Occurrences()
  private var firstRepeated: DataPlace?
  private var firstShared: DataPlace?
  private var firstContradicted: DataPlace?

  package init(isFull: Bool) { self.isFull = isFull }

  package mutating func begin(_ path: String, _ split: DataSplit) {
    self.path = path
    self.split = split
  }

  package func place(_ line: Int) -> DataPlace { DataPlace(path: path, line: line) }

  /// Looks at the characters of a text; returns how many there are.
  @discardableResult
  package mutating func take(_ text: UnsafeBufferPointer<UInt8>, line: Int) -> Int {
    let path = path
    return characters.take(text, at: DataPlace(path: path, line: line))
  }

  /// Looks for an earlier example with the same text; `rest` is the hash of what belongs to it.
  package mutating func compare(_ hash: UInt64, with rest: UInt64, line: Int) {
    let place = place(line)
    if split == .development { developmentCount += 1 }
    guard let earlier = table.add(hash, with: rest, at: place, in: split) else { return }
    switch (earlier.split == split, earlier.isSame) {
    case (true, true):
      if repeated.count == 0 { firstRepeated = earlier.place }
      repeated.add(place)
    case (false, _):
      if shared.count == 0 { firstShared = earlier.place }
      shared.add(place)
    case (true, false):
      if contradicting.count == 0 { firstContradicted = earlier.place }
      contradicting.add(place)
    }
  }

  /// What is said of equal examples; `other` tells in what equal texts may differ, if that is wrong.
  package func equalityFindings(_ noun: String, contradiction other: String?) -> [Finding] {
    func name(_ earlier: DataPlace?, of occurrences: Occurrences) -> String {
      guard let earlier else { return "" }
      let isSameFile = earlier.path == occurrences.first.first?.path
      return isSameFile ? "line \(earlier.line)" : "\(earlier.path):\(earlier.line)"
    }
    var found: [Finding?] = []
    // A few sentences of a word or two are in every part of most data.
    let isMuch = 100 * shared.count >= developmentCount
    found.append(
      shared.finding(
        isMuch ? .warning : .note, .sharedExample,
        "\(number(shared.count, of: noun)) of the development data, which has \(developmentCount), also "
          + "in the training data, this one in \(name(firstShared, of: shared)): they make the score "
          + "too good; take them out of one"))
    if let other {
      found.append(
        contradicting.finding(
          .warning, .contradiction,
          "\(number(contradicting.count, of: noun)) with \(other) than the same one earlier, this "
            + "one in \(name(firstContradicted, of: contradicting)); decide for one"))
    }
    found.append(
      repeated.finding(
        .note, .duplicate,
        "\(number(repeated.count, of: "duplicate")) of earlier \(noun)s, this one of "
          + "\(name(firstRepeated, of: repeated)); leave them out unless they are meant"))
    return found.compactMap { $0 }
  }
}
