internal import Parameters

/// Which process owns which pieces of a layout: it sums them for all.
///
/// Dense pieces and those of row-sparse weights are dealt out apart, so that each process has about as many of either.
struct Division {
  /// A stretch of the block, of dense pieces and the gaps between them.
  struct Run {
    /// The elements.
    var range: Range<Int>
    /// The numbers of the pieces in the layout.
    var pieces: Range<Int>
  }

  /// Some pieces of a row-sparse weight.
  struct Table {
    /// The numbers of the pieces in the layout.
    var pieces: Range<Int>
    /// The words that mark the rows of the pieces.
    var words: Range<Int>
    /// The number of the weight in the layout.
    let entry: Int
    /// The first element of the weight.
    let offset: Int
    /// The elements of a row.
    let columns: Int
  }

  /// The dense stretches that each process owns.
  private(set) var runs: [[Run]] = []
  /// The row-sparse pieces that each process owns, together where they are of one weight.
  private(set) var tables: [[Table]] = []

  /// How so many processes divide a layout.
  init(_ layout: ParameterLayout, processes: Int) {
    let pieces = layout.pieces()
    func cut(_ numbers: [Int]) -> [ArraySlice<Int>] {
      Self.cut(numbers.map { pieces[$0].range.count }, into: processes).map { numbers[$0] }
    }
    func isSparse(_ piece: Int) -> Bool { layout.entries[pieces[piece].entry].isRowSparse }
    for mine in cut(pieces.indices.filter { !isSparse($0) }) {
      var runs: [Run] = []
      for piece in mine {
        if let last = runs.indices.last, runs[last].pieces.upperBound == piece {
          runs[last].range = runs[last].range.lowerBound..<pieces[piece].range.upperBound
          runs[last].pieces = runs[last].pieces.lowerBound..<piece + 1
        } else {
          runs.append(Run(range: pieces[piece].range, pieces: piece..<piece + 1))
        }
      }
      self.runs.append(runs)
    }
    for mine in cut(pieces.indices.filter(isSparse)) {
      var tables: [Table] = []
      for piece in mine {
        let table = Self.table(piece, pieces[piece], layout)
        if let last = tables.indices.last, tables[last].entry == table.entry {
          tables[last].pieces = tables[last].pieces.lowerBound..<piece + 1
          tables[last].words = tables[last].words.lowerBound..<table.words.upperBound
        } else {
          tables.append(table)
        }
      }
      self.tables.append(tables)
    }
  }

  private static func table(
    _ piece: Int, _ place: (range: Range<Int>, entry: Int), _ layout: ParameterLayout
  ) -> Table {
    let (offset, columns) = (
      layout.entries[place.entry].offset, layout.entries[place.entry].shape[1]
    )
    let start = (place.range.lowerBound - offset) / columns
    let end = (place.range.upperBound - offset) / columns
    return Table(
      pieces: piece..<piece + 1, words: start / 64..<(end + 63) / 64, entry: place.entry,
      offset: offset, columns: columns)
  }

  /// The elements of the dense stretches of a process.
  func count(of process: Int) -> Int { runs[process].reduce(0) { $0 + $1.range.count } }

  /// The words of the row-sparse pieces of a process.
  func wordCount(of process: Int) -> Int { tables[process].reduce(0) { $0 + $1.words.count } }

  /// Whether there are row-sparse weights.
  var hasTables: Bool { tables.contains { !$0.isEmpty } }

  /// Consecutive things of some sizes, cut into parts of about the same size.
  static func cut(_ sizes: [Int], into parts: Int) -> [Range<Int>] {
    let total = sizes.reduce(0, +)
    var ranges: [Range<Int>] = []
    var (place, sum) = (0, 0)
    for part in 1...parts {
      let start = place
      // A thing belongs to the part that its middle lies in.
      while place < sizes.count,
        part == parts || (2 * sum + sizes[place]) * parts < 2 * total * part
      {
        sum += sizes[place]
        place += 1
      }
      ranges.append(start..<place)
    }
    return ranges
  }
}
