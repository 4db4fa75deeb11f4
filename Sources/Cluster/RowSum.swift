internal import DenseMath
internal import Parameters

/// The part of a sum of gradients that is of row-sparse weights: only rows that were touched travel.
final class RowSum {
  /// What a node of another process holds of the tables of this one.
  private struct Received {
    let words: Numbers<UInt64>
    let rows: Packet
    // Where the rows of each piece begin.
    let starts: Numbers<Int>
  }

  /// One piece that this process owns, and where its words begin in what was received.
  private struct Piece {
    let number: Int
    let table: Division.Table
    let words: Range<Int>
    let start: Int
  }

  private let tree: ShardTree
  private let mine: [Piece]
  private let nodes: [Int]
  private let additions: [ShardTree.Addition]
  private let division: Division
  private let messenger: any Messenger
  private let rank: Int
  private let received: [Received?]
  private let sent: [Packet]
  private let precision: GradientPrecision
  private let zeros: Numbers<Float>

  init(
    _ layout: ParameterLayout, _ tree: ShardTree, _ nodes: [Int],
    _ additions: [ShardTree.Addition], _ division: Division, in precision: GradientPrecision,
    _ messenger: any Messenger
  ) {
    (self.tree, self.nodes, self.additions) = (tree, nodes, additions)
    (self.division, self.precision, self.messenger) = (division, precision, messenger)
    let rank = messenger.rank
    self.rank = rank
    let mine = Self.pieces(of: division.tables[rank], layout)
    self.mine = mine
    received = nodes.map { node in
      tree.runs[rank].contains(node)
        ? nil
        : Received(
          words: Numbers(count: division.wordCount(of: rank)),
          rows: Packet(count: 0, precision),
          starts: Numbers(count: mine.count))
    }
    sent = (0..<messenger.count * nodes.count).map { _ in Packet(count: 0, precision) }
    zeros = Numbers(count: layout.entries.reduce(0) { $1.isRowSparse ? max($0, $1.shape[1]) : $0 })
  }

  private static func pieces(of tables: [Division.Table], _ layout: ParameterLayout) -> [Piece] {
    let all = layout.pieces()
    var pieces: [Piece] = []
    var start = 0
    for table in tables {
      for piece in table.pieces {
        let range = all[piece].range
        let rows =
          (range.lowerBound - table.offset) / table.columns..<(range.upperBound - table.offset)
          / table.columns
        let words = rows.lowerBound / 64..<(rows.upperBound + 63) / 64
        pieces.append(Piece(number: piece, table: table, words: words, start: start))
        start += words.count
      }
    }
    return pieces
  }

  /// The words of this process's nodes on their way to the owners, and the others'.
  func wordTransfers(_ gradients: [Gradients<Float>]) -> [Transfer] {
    guard division.hasTables else { return [] }
    var transfers: [Transfer] = []
    let first = tree.runs[rank].lowerBound
    for other in 0..<messenger.count where other != rank {
      for node in tree.nodes[rank] {
        for table in division.tables[other] {
          transfers.append(.send(words(of: table, in: gradients[node - first]), to: other))
        }
      }
    }
    for (place, other) in foreignNodes {
      guard let room = received[place]?.words else { continue }
      var start = 0
      for table in division.tables[rank] {
        transfers.append(.receive(room.bytes(start..<start + table.words.count), from: other))
        start += table.words.count
      }
    }
    return transfers
  }

  /// Sends the touched rows of this process's nodes to the owners, and takes the others'.
  func exchangeNodes(_ gradients: [Gradients<Float>]) throws {
    guard division.hasTables else { return }
    var transfers: [Transfer] = []
    var arriving: [(rows: Packet, count: Int)] = []
    let first = tree.runs[rank].lowerBound
    for other in 0..<messenger.count where other != rank {
      for (place, node) in tree.nodes[rank].enumerated() {
        let room = sent[other * nodes.count + place]
        let count = pack(division.tables[other], of: gradients[node - first], into: room)
        transfers.append(.send(room.bytes(0..<count), to: other))
      }
    }
    for (place, other) in foreignNodes {
      guard let room = received[place] else { continue }
      var count = 0
      for (place, piece) in mine.enumerated() {
        room.starts.base[place] = count
        for word in piece.start..<piece.start + piece.words.count {
          count += room.words.base[word].nonzeroBitCount * piece.table.columns
        }
      }
      room.rows.reserve(count)
      arriving.append((room.rows, count))
      transfers.append(.receive(room.rows.bytes(0..<count), from: other))
    }
    try messenger.exchange(transfers)
    for (rows, count) in arriving { rows.unpack(0..<count) }
  }

  /// Adds the nodes of the tables that this process owns, into its first gradients.
  func add(_ gradients: [Gradients<Float>], squares: Numbers<Double>, on shards: Shards) {
    let (mine, nodes, received, additions, zeros) = (mine, nodes, received, additions, zeros)
    let precision = precision
    let first = tree.runs[rank].lowerBound
    shards.forEachIndex(mine.count) { place in
      let (piece, table) = (mine[place], mine[place].table)
      var starts = nodes.indices.map { received[$0]?.starts.base[place] ?? 0 }
      var sums = [UnsafeMutablePointer<Float>?](repeating: nil, count: nodes.count)
      var marks = [UInt64](repeating: 0, count: nodes.count)
      var total = 0.0
      for word in piece.words {
        for node in nodes.indices {
          marks[node] =
            received[node].map { $0.words.base[piece.start + word - piece.words.lowerBound] }
            ?? gradients[nodes[node] - first].touchedWords(ofEntry: table.entry)?[word] ?? 0
        }
        let union = marks.reduce(0, |)
        var rest = union
        while rest != 0 {
          let bit = rest.trailingZeroBitCount
          rest &= rest - 1
          let at = table.offset + (64 * word + bit) * table.columns
          for node in nodes.indices {
            sums[node] = nil
            guard marks[node] >> UInt64(bit) & 1 == 1 else { continue }
            if let found = received[node] {
              sums[node] = found.rows.base + starts[node]
              starts[node] += table.columns
            } else {
              sums[node] = gradients[nodes[node] - first].values.base + at
            }
          }
          let sum = Self.add(&sums, additions, zeros, columns: table.columns, precision)
          let result = gradients[0].values.base + at
          if let sum, sum != result { result.update(from: sum, count: table.columns) }
          total += Float.sumOfSquares(result, count: table.columns)
        }
        gradients[0].touchedWords(ofEntry: table.entry)?[word] = union
      }
      squares.base[piece.number] = total
    }
  }

  /// Adds one row of all nodes that have it; what comes to a node without it is added to zeros.
  private static func add(
    _ sums: inout [UnsafeMutablePointer<Float>?], _ additions: [ShardTree.Addition],
    _ zeros: Numbers<Float>, columns: Int, _ precision: GradientPrecision
  ) -> UnsafeMutablePointer<Float>? {
    for addition in additions {
      guard let from = sums[addition.from] else { continue }
      let into = sums[addition.into]
      Float.add(
        Matrix(into == nil ? zeros.base : from, rows: 1, columns: columns),
        into: Matrix(into ?? from, rows: 1, columns: columns))
      precision.round(into ?? from, count: columns)
      sums[addition.into] = into ?? from
    }
    return sums[0]
  }

  /// The words of the sums of this process on their way to all, and the others'.
  func unionTransfers(_ sum: Gradients<Float>) -> [Transfer] {
    var transfers: [Transfer] = []
    for other in 0..<messenger.count where other != rank {
      for table in division.tables[rank] {
        transfers.append(.send(words(of: table, in: sum), to: other))
      }
      for table in division.tables[other] {
        transfers.append(.receive(words(of: table, in: sum), from: other))
      }
    }
    return transfers
  }

  /// Sends the rows that this process has summed to all, and takes the others'.
  func exchangeResults(_ sum: Gradients<Float>) throws {
    guard division.hasTables else { return }
    var transfers: [Transfer] = []
    let mine = sent[rank * nodes.count]
    let count = pack(division.tables[rank], of: sum, into: mine)
    for other in 0..<messenger.count where other != rank {
      transfers.append(.send(mine.bytes(0..<count), to: other))
      let room = sent[other * nodes.count]
      let theirs = division.tables[other].reduce(0) { $0 + size(of: $1, in: sum) }
      room.reserve(theirs)
      transfers.append(.receive(room.bytes(0..<theirs), from: other))
    }
    try messenger.exchange(transfers)
    for other in 0..<messenger.count where other != rank {
      let room = sent[other * nodes.count]
      room.unpack(0..<division.tables[other].reduce(0) { $0 + size(of: $1, in: sum) })
      var from = room.base
      for table in division.tables[other] {
        forEachRow(of: table, in: sum) { row in
          row.update(from: from, count: table.columns)
          from += table.columns
        }
      }
    }
  }

  /// The places of the nodes of other processes, and whose they are.
  private var foreignNodes: [(place: Int, process: Int)] {
    nodes.enumerated().compactMap { place, node in
      guard let process = tree.runs.firstIndex(where: { $0.contains(node) }), process != rank
      else { return nil }
      return (place, process)
    }
  }

  private func words(
    of table: Division.Table, in gradients: Gradients<Float>
  ) -> UnsafeMutableRawBufferPointer {
    guard let base = gradients.touchedWords(ofEntry: table.entry)?.baseAddress else {
      return UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }
    return bytes(base, table.words)
  }

  /// The elements of the touched rows of a table.
  private func size(of table: Division.Table, in gradients: Gradients<Float>) -> Int {
    guard let words = gradients.touchedWords(ofEntry: table.entry) else { return 0 }
    return table.words.reduce(0) { $0 + words[$1].nonzeroBitCount } * table.columns
  }

  private func forEachRow(
    of table: Division.Table, in gradients: Gradients<Float>,
    _ body: (UnsafeMutablePointer<Float>) -> Void
  ) {
    guard let words = gradients.touchedWords(ofEntry: table.entry) else { return }
    for word in table.words {
      var rest = words[word]
      while rest != 0 {
        let row = 64 * word + rest.trailingZeroBitCount
        rest &= rest - 1
        body(gradients.values.base + table.offset + row * table.columns)
      }
    }
  }

  /// Puts the touched rows of tables one after another; returns how many numbers these are.
  private func pack(
    _ tables: [Division.Table], of gradients: Gradients<Float>, into room: Packet
  ) -> Int {
    let count = tables.reduce(0) { $0 + size(of: $1, in: gradients) }
    room.reserve(count)
    var to = room.base
    for table in tables {
      forEachRow(of: table, in: gradients) { row in
        to.update(from: row, count: table.columns)
        to += table.columns
      }
    }
    room.pack(0..<count)
    return count
  }
}
